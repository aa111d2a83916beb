// How much of a face can be seen, as maskwise/model/quality.py measures it.

import { shrink } from "./resize.js";

const MEASURED_AT_PX = 64;
const [RED, GREEN, BLUE, UNIT_BITS] = [9798, 19235, 3735, 15]; // shares of grey in 1/32768

/** What can be seen of one face: its shorter side in pixels, its fine detail, the share of landmarks in the picture. */
export function qualityOf({ box, landmarks }, crop, { width, height }) {
  return {
    sidePx: Math.min(Math.fround(box[2] - box[0]), Math.fround(box[3] - box[1])),
    sharpness: sharpness(crop),
    inside: insideShare(landmarks, width, height),
  };
}

/** Share of the five landmarks that lie in the picture; nan where they are not known. */
function insideShare(landmarks, width, height) {
  if (landmarks.some(Number.isNaN)) return NaN;
  let inside = 0;
  for (let i = 0; i < landmarks.length; i += 2) {
    const [x, y] = [landmarks[i], landmarks[i + 1]];
    inside += x >= 0 && x <= width && y >= 0 && y <= height ? 1 : 0;
  }
  return inside / (landmarks.length / 2);
}

/** Standard deviation of the Laplacian over that of the grey values. */
export function sharpness(crop) {
  const grey = greyOf(measured(crop));
  return deviation(laplacian(grey, MEASURED_AT_PX)) / Math.max(deviation(grey), 1);
}

function measured(crop) {
  const isMeasured = crop.width === MEASURED_AT_PX && crop.height === MEASURED_AT_PX;
  return isMeasured ? crop : shrink(crop, MEASURED_AT_PX, MEASURED_AT_PX);
}

function greyOf({ rgb }) {
  const half = 1 << (UNIT_BITS - 1);
  const grey = new Float64Array(rgb.length / 3);
  for (let to = 0, at = 0; to < grey.length; to++, at += 3) {
    grey[to] = (rgb[at] * RED + rgb[at + 1] * GREEN + rgb[at + 2] * BLUE + half) >> UNIT_BITS;
  }
  return grey;
}

/** The four neighbours less four times the pixel; beyond the border lies the last pixel but one. */
function laplacian(grey, side) {
  const mirrored = (i) => (i < 0 ? 1 : i >= side ? side - 2 : i);
  const found = new Float64Array(grey.length);
  for (let y = 0, at = 0; y < side; y++) {
    const [above, below] = [mirrored(y - 1) * side, mirrored(y + 1) * side];
    for (let x = 0; x < side; x++, at++) {
      const beside = grey[at - x + mirrored(x - 1)] + grey[at - x + mirrored(x + 1)];
      found[at] = grey[above + x] + grey[below + x] + beside - 4 * grey[at];
    }
  }
  return found;
}

function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
