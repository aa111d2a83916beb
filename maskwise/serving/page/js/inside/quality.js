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
  return Float64Array.from({ length: rgb.length / 3 }, (_, i) => {
    return (rgb[3 * i] * RED + rgb[3 * i + 1] * GREEN + rgb[3 * i + 2] * BLUE + half) >> UNIT_BITS;
  });
}

/** The four neighbours less four times the pixel; beyond the border lies the last pixel but one. */
function laplacian(grey, side) {
  const mirrored = (i) => (i < 0 ? 1 : i >= side ? side - 2 : i);
  const at = (x, y) => grey[mirrored(y) * side + mirrored(x)];
  return grey.map((value, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * value;
  });
}

function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
