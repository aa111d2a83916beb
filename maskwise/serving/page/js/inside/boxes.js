// Boxes that mean the same face.

/**
 * Which of the boxes to keep: the best of those that overlap, by the rule of OpenCV's NMSBoxes.
 *
 * @param {number[][]} boxes x, y, width, height of each.
 * @param {number[]} scores Only those above 0 are kept.
 * @param {number} most Overlap, as intersection over union, that two kept boxes may have.
 * @param {number} candidates Only so many of the best are looked at.
 * @returns {number[]} Positions, the best first.
 */
export function bestOfEach(boxes, scores, most, candidates = Infinity) {
  const limit = Math.fround(most);
  const order = [...scores.keys()].filter((i) => scores[i] > 0).sort((a, b) => scores[b] - scores[a] || a - b);
  const kept = [];
  for (const i of order.slice(0, candidates)) {
    if (kept.every((j) => overlap(boxes[i], boxes[j]) <= limit)) kept.push(i);
  }
  return kept;
}

/** Intersection over union, rounded as OpenCV rounds it: its complement in single precision. */
function overlap([x, y, width, height], [u, v, across, down]) {
  const areas = width * height + across * down;
  if (areas <= Number.EPSILON) return 1;
  const wide = Math.min(x + width, u + across) - Math.max(x, u);
  const high = Math.min(y + height, v + down) - Math.max(y, v);
  const both = wide > 0 && high > 0 ? wide * high : 0;
  return Math.fround(1 - Math.fround(1 - both / (areas - both)));
}
