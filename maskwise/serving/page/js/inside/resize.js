// Pictures made smaller and larger, to the bit as the service does it (OpenCV's INTER_AREA and INTER_LINEAR): the
// networks see what they see there. A canvas would scale faster, and differently in every browser.

import { blank } from "./picture.js";
import { roundHalfEven } from "./rounding.js";

const NEARLY_A_PIXEL = 1e-3; // a smaller rest of a pixel is left out
const UNIT = 2048; // weights of the linear method are whole numbers of 1/2048

/** Smaller: each pixel is the average of those it covers. Neither side may become longer. */
export function shrink(picture, width, height) {
  const across = 1 / (width / picture.width); // as OpenCV computes it: the last bit decides
  const down = 1 / (height / picture.height);
  const isWhole = isWholeNumber(across) && isWholeNumber(down);
  if (isWhole) return averages(picture, width, height, Math.round(across), Math.round(down));
  return weighted(picture, width, height, shares(picture.width, width, across), shares(picture.height, height, down));
}

function isWholeNumber(scale) {
  return Math.abs(scale - Math.trunc(scale)) < Number.EPSILON;
}

/** Blocks of `across` x `down` pixels become one. */
function averages(picture, width, height, across, down) {
  const small = blank(width, height);
  const share = Math.fround(1 / (across * down));
  const isFour = across === 2 && down === 2; // which has a rule of its own for what lies in the middle
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++, to++) {
        const sum = blockSum(picture, x * across, y * down, c, across, down);
        small.rgb[to] = isFour ? (sum + 2) >> 2 : roundHalfEven(Math.fround(sum * share));
      }
    }
  }
  return small;
}

function blockSum({ rgb, width }, left, top, channel, across, down) {
  let sum = 0;
  for (let y = top; y < top + down; y++) {
    let at = (y * width + left) * 3 + channel;
    for (let x = 0; x < across; x++, at += 3) sum += rgb[at];
  }
  return sum;
}

/**
 * Which pixels of a row each pixel of the smaller row covers, and how much of it each of them is.
 *
 * @returns {{to: number, from: number, share: number}[]} In order.
 */
function shares(length, shorter, scale) {
  const all = [];
  for (let to = 0; to < shorter; to++) {
    const begin = to * scale;
    const end = begin + scale;
    const cell = Math.min(scale, length - begin);
    const last = Math.min(Math.floor(end), length - 1);
    const first = Math.min(Math.ceil(begin), last);
    if (first - begin > NEARLY_A_PIXEL) all.push({ to, from: first - 1, share: Math.fround((first - begin) / cell) });
    for (let from = first; from < last; from++) all.push({ to, from, share: Math.fround(1 / cell) });
    const rest = Math.min(end - last, 1, cell);
    if (end - last > NEARLY_A_PIXEL) all.push({ to, from: last, share: Math.fround(rest / cell) });
  }
  return all;
}

/** Sums in single precision, in OpenCV's order. */
function weighted(picture, width, height, columns, rows) {
  const small = blank(width, height);
  const sums = new Float32Array(width * 3);
  const row = new Float32Array(width * 3);
  let current = rows[0].to;
  for (const { to, from, share } of rows) {
    if (to !== current) {
      write(small, current, sums);
      sums.fill(0);
      current = to;
    }
    weightedRow(picture, from, columns, row);
    for (let i = 0; i < sums.length; i++) sums[i] += Math.fround(share * row[i]);
  }
  write(small, current, sums);
  return small;
}

function weightedRow({ rgb, width }, y, columns, row) {
  row.fill(0);
  const start = y * width * 3;
  for (const { to, from, share } of columns) {
    const at = start + from * 3;
    row[to * 3] += Math.fround(rgb[at] * share);
    row[to * 3 + 1] += Math.fround(rgb[at + 1] * share);
    row[to * 3 + 2] += Math.fround(rgb[at + 2] * share);
  }
}

function write(picture, y, sums) {
  const start = y * sums.length;
  for (let i = 0; i < sums.length; i++) picture.rgb[start + i] = Math.min(roundHalfEven(sums[i]), 255);
}

/** Larger, or one side longer and the other shorter: each pixel lies between the four around it. */
export function enlarge(picture, width, height) {
  const large = blank(width, height);
  const columns = between(picture.width, width);
  const rows = between(picture.height, height);
  const upper = new Int32Array(width * 3);
  const lower = new Int32Array(width * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const { from, next, before, after } = rows[y];
    blendedRow(picture, from, columns, upper);
    blendedRow(picture, next, columns, lower);
    for (let i = 0; i < upper.length; i++, to++) {
      large.rgb[to] = (((before * (upper[i] >> 4)) >> 16) + ((after * (lower[i] >> 4)) >> 16) + 2) >> 2;
    }
  }
  return large;
}

/** Between which two pixels of a row each pixel of the longer row lies, and their weights. */
function between(length, longer) {
  const scale = 1 / (longer / length);
  return Array.from({ length: longer }, (_, to) => {
    const place = Math.fround((to + 0.5) * scale - 0.5);
    const from = Math.floor(place);
    const rest = Math.fround(place - from);
    const weights = { before: weight(Math.fround(1 - rest)), after: weight(rest) };
    return { from: Math.max(Math.min(from, length - 1), 0), next: Math.max(Math.min(from + 1, length - 1), 0), ...weights };
  });
}

function weight(share) {
  return roundHalfEven(Math.fround(share * UNIT));
}

function blendedRow({ rgb, width }, y, columns, row) {
  const start = y * width * 3;
  columns.forEach(({ from, next, before, after }, x) => {
    for (let c = 0; c < 3; c++) row[x * 3 + c] = rgb[start + from * 3 + c] * before + rgb[start + next * 3 + c] * after;
  });
}
