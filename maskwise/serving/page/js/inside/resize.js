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
  const sums = new Int32Array(width * 3);
  for (let y = 0, to = 0; y < height; y++) {
    sums.fill(0);
    for (let row = y * down; row < (y + 1) * down; row++) addBlocks(picture, row, across, sums);
    for (let i = 0; i < sums.length; i++, to++) {
      small.rgb[to] = isFour ? (sums[i] + 2) >> 2 : roundHalfEven(Math.fround(sums[i] * share));
    }
  }
  return small;
}

function addBlocks({ rgb, width }, y, across, sums) {
  let at = y * width * 3;
  for (let to = 0; to < sums.length; to += 3) {
    for (let i = 0; i < across; i++, at += 3) {
      sums[to] += rgb[at];
      sums[to + 1] += rgb[at + 1];
      sums[to + 2] += rgb[at + 2];
    }
  }
}

/**
 * Which pixels of a row each pixel of the smaller row covers, and how much of it each of them is.
 *
 * @returns {{to: Int32Array, from: Int32Array, share: Float32Array}} One entry for each pair, in order.
 */
function shares(length, shorter, scale) {
  const all = { to: [], from: [], share: [] };
  const add = (to, from, share) => {
    all.to.push(to);
    all.from.push(from);
    all.share.push(share);
  };
  for (let to = 0; to < shorter; to++) {
    const begin = to * scale;
    const end = begin + scale;
    const cell = Math.min(scale, length - begin);
    const last = Math.min(Math.floor(end), length - 1);
    const first = Math.min(Math.ceil(begin), last);
    if (first - begin > NEARLY_A_PIXEL) add(to, first - 1, (first - begin) / cell);
    for (let from = first; from < last; from++) add(to, from, 1 / cell);
    if (end - last > NEARLY_A_PIXEL) add(to, last, Math.min(end - last, 1, cell) / cell);
  }
  return { to: Int32Array.from(all.to), from: Int32Array.from(all.from), share: Float32Array.from(all.share) };
}

/** Sums in single precision, in OpenCV's order. */
function weighted(picture, width, height, columns, rows) {
  const small = blank(width, height);
  const sums = new Float32Array(width * 3);
  const row = new Float32Array(width * 3);
  for (let i = 0; i < rows.to.length; i++) {
    weightedRow(picture, rows.from[i], columns, row);
    addWeighted(row, rows.share[i], sums);
    if (rows.to[i] === rows.to[i + 1]) continue;
    write(small, rows.to[i], sums);
    sums.fill(0);
  }
  return small;
}

function weightedRow({ rgb, width }, y, { to, from, share }, row) {
  row.fill(0);
  const start = y * width * 3;
  for (let i = 0; i < to.length; i++) {
    const at = start + from[i] * 3;
    const into = to[i] * 3;
    row[into] += Math.fround(rgb[at] * share[i]);
    row[into + 1] += Math.fround(rgb[at + 1] * share[i]);
    row[into + 2] += Math.fround(rgb[at + 2] * share[i]);
  }
}

function addWeighted(row, share, sums) {
  for (let i = 0; i < sums.length; i++) sums[i] += Math.fround(share * row[i]);
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
    blendedRow(picture, rows.from[y], columns, upper);
    blendedRow(picture, rows.next[y], columns, lower);
    const [before, after] = [rows.before[y], rows.after[y]];
    for (let i = 0; i < upper.length; i++, to++) {
      large.rgb[to] = (((before * (upper[i] >> 4)) >> 16) + ((after * (lower[i] >> 4)) >> 16) + 2) >> 2;
    }
  }
  return large;
}

/** Between which two pixels of a row each pixel of the longer row lies, and how much each of the two counts. */
function between(length, longer) {
  const scale = 1 / (longer / length);
  const inside = (i) => Math.max(Math.min(i, length - 1), 0);
  const places = Float32Array.from({ length: longer }, (_, to) => (to + 0.5) * scale - 0.5);
  const rests = places.map((place) => place - Math.floor(place));
  return {
    from: Int32Array.from(places, (place) => inside(Math.floor(place))),
    next: Int32Array.from(places, (place) => inside(Math.floor(place) + 1)),
    before: Int32Array.from(rests, (rest) => weight(Math.fround(1 - rest))),
    after: Int32Array.from(rests, weight),
  };
}

function weight(share) {
  return roundHalfEven(Math.fround(share * UNIT));
}

function blendedRow({ rgb, width }, y, { from, next, before, after }, row) {
  const start = y * width * 3;
  for (let x = 0, to = 0; x < from.length; x++) {
    const [one, other] = [start + from[x] * 3, start + next[x] * 3];
    for (let c = 0; c < 3; c++, to++) row[to] = rgb[one + c] * before[x] + rgb[other + c] * after[x];
  }
}
