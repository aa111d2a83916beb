// Crops in, probabilities out, as maskwise/model/classifier.py does it.

const BATCH = 64;

/**
 * The judge of cut-out faces.
 *
 * @param {{run: Function, output: string}} network See `runtime.js`.
 * @param {object} card What the browser is told of the model.
 * @returns {(crops: object[]) => Promise<Float32Array[]>} For each crop its probabilities, in the order of the labels.
 */
export function classifier(network, { crop, preprocess, labels, temperature }) {
  return async (crops) => {
    const rows = [];
    for (let start = 0; start < crops.length; start += BATCH) {
      const batch = crops.slice(start, start + BATCH);
      const shape = [batch.length, 3, crop.size_px, crop.size_px];
      const { [network.output]: logits } = await network.run(planes(batch, preprocess), shape, [network.output]);
      const width = labels.length;
      batch.forEach((_, i) => rows.push(softmax(logits.subarray(i * width, (i + 1) * width), temperature)));
    }
    return rows;
  };
}

/** What the network takes: red, green and blue of each crop one after the other, (x / 255 - mean) / std. */
export function planes(crops, { mean, std }) {
  const size = crops[0].width * crops[0].height;
  const all = new Float32Array(crops.length * size * 3);
  for (let c = 0; c < 3; c++) {
    const scale = Math.fround(Math.fround(1 / 255) / Math.fround(std[c]));
    const shift = Math.fround(Math.fround(mean[c]) / Math.fround(std[c]));
    crops.forEach(({ rgb }, i) => {
      const start = (i * 3 + c) * size;
      for (let at = 0; at < size; at++) all[start + at] = Math.fround(rgb[at * 3 + c] * scale) - shift;
    });
  }
  return all;
}

/** Logits to probabilities, which sum to 1; in single precision. */
export function softmax(logits, temperature) {
  const scaled = logits.map((value) => value / Math.fround(temperature));
  const largest = Math.max(...scaled);
  const exponentials = scaled.map((value) => Math.exp(Math.fround(value - largest)));
  const sum = exponentials.reduce((all, value) => Math.fround(all + value), 0);
  return exponentials.map((value) => value / sum);
}
