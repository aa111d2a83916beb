// The network YuNet: one look at a picture, rows of what may be faces, as maskwise/model/yunet.py reads them.
// A row holds 15 numbers of single precision: x, y, width, height, five landmarks (x, y), score.

import { bestOfEach } from "./boxes.js";
import { padded } from "./picture.js";

const STRIDES = [8, 16, 32];
const MERGE_IOU = 0.4;
const MAX_CANDIDATES = 5000;
const FAR_PX = 1e6;
const OUTPUTS = STRIDES.flatMap((stride) => ["cls", "obj", "bbox", "kps"].map((kind) => `${kind}_${stride}`));

/**
 * A look at pictures, at their own size.
 *
 * @param {{run: Function, input: string}} network See `runtime.js`.
 * @param {number} threshold Rows that score lower are left out.
 * @returns {(picture: object) => Promise<Float32Array[]>} The best first, each face once.
 */
export function yunet(network, threshold) {
  return async (picture) => {
    const below = toMultiple(picture.height);
    const after = toMultiple(picture.width);
    const image = padded(picture, { below, after }, "black");
    const maps = await network.run(planesBgr(image), [1, 3, image.height, image.width], OUTPUTS);
    return rowsOf(maps, image.width, threshold);
  };
}

function toMultiple(length) {
  const largest = STRIDES.at(-1);
  return (largest - (length % largest)) % largest;
}

/** What the network takes: blue, green and red one after the other, 0 to 255. */
function planesBgr({ rgb, width, height }) {
  const size = width * height;
  const planes = new Float32Array(size * 3);
  for (let at = 0, from = 0; at < size; at++, from += 3) {
    planes[at] = rgb[from + 2];
    planes[size + at] = rgb[from + 1];
    planes[2 * size + at] = rgb[from];
  }
  return planes;
}

/** Rows of all maps, each face once. */
export function rowsOf(maps, width, threshold) {
  const found = STRIDES.flatMap((stride) => readMap(maps, stride, width / stride, Math.fround(threshold)));
  return eachOnce(found.filter((row) => row.every(Number.isFinite)));
}

function readMap(maps, stride, columns, threshold) {
  const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map((kind) => maps[`${kind}_${stride}`]);
  const rows = [];
  for (let at = 0; at < cls.length; at++) {
    const score = Math.fround(Math.sqrt(Math.fround(share(cls[at]) * share(obj[at]))));
    if (!(score >= threshold)) continue;
    const [column, line] = [at % columns, Math.floor(at / columns)];
    const box = boxAt(bbox.subarray(at * 4, at * 4 + 4), column, line, stride);
    const places = kps.subarray(at * 10, at * 10 + 10);
    const landmarks = places.map((v, i) => Math.fround(v + (i % 2 ? line : column)) * stride);
    rows.push(Float32Array.of(...box, ...landmarks, score));
  }
  return rows;
}

function share(value) {
  return Math.min(Math.max(value, 0), 1);
}

function boxAt([x, y, width, height], column, line, stride) {
  const wide = Math.fround(Math.fround(Math.exp(width)) * stride);
  const high = Math.fround(Math.fround(Math.exp(height)) * stride);
  const left = Math.fround(Math.fround(column + x) * stride);
  const top = Math.fround(Math.fround(line + y) * stride);
  return [left - wide / 2, top - high / 2, wide, high];
}

/** The best of those that overlap; by whole pixels. */
function eachOnce(rows) {
  const whole = (value) => Math.trunc(Math.min(Math.max(value, -FAR_PX), FAR_PX));
  const boxes = rows.map((row) => Array.from(row.subarray(0, 4), whole));
  return bestOfEach(boxes, rows.map((row) => row[14]), MERGE_IOU, MAX_CANDIDATES).map((i) => rows[i]);
}
