// Where the faces are: the picture looked through at its own size and at long side 320, as maskwise/model/faces.py
// does it for faces from 40 pixels a side.

import { bestOfEach } from "./boxes.js";
import { padded } from "./picture.js";
import { enlarge, shrink } from "./resize.js";
import { roundHalfEven } from "./rounding.js";

const MAX_SIDE_PX = 1920;
const SMALL_SIDE_PX = 320;
const NEARLY = 1.25;
const MAX_ENLARGE = 4;
const MIN_SIDE_PX = 64;
const MERGE_IOU = 0.4;

/**
 * Find the faces in a picture.
 *
 * @param {(picture: object) => Promise<Float32Array[]>} look See `yunet.js`.
 * @returns {Promise<{box: Float32Array, score: number, landmarks: Float32Array}[]>} Best first; the box as x_min,
 *   y_min, x_max, y_max inside the picture, five landmarks as x, y, in pixels.
 */
export async function findFaces(picture, look) {
  const rows = [];
  for (const scale of scales(picture.width, picture.height)) rows.push(...(await lookAt(picture, scale, look)));
  return facesOf(rows, picture);
}

/** The sizes at which a picture is looked through, as factors of its own. */
export function scales(width, height) {
  const longSide = Math.max(width, height);
  const own = Math.min(1, MAX_SIDE_PX / longSide);
  const small = Math.min(SMALL_SIDE_PX / longSide, MAX_ENLARGE);
  const same = Math.max(own, small) / Math.min(own, small) < NEARLY;
  return same ? [own] : [own, small];
}

async function lookAt(picture, scale, look) {
  const width = Math.max(1, roundHalfEven(picture.width * scale));
  const height = Math.max(1, roundHalfEven(picture.height * scale));
  const rows = await look(toMinimum(resized(picture, width, height, scale)));
  const factors = [Math.fround(picture.width / width), Math.fround(picture.height / height)];
  return rows.map((row) => row.map((value, i) => (i < 14 ? value * factors[i % 2] : value)));
}

function resized(picture, width, height, scale) {
  if (width === picture.width && height === picture.height) return picture;
  return scale < 1 ? shrink(picture, width, height) : enlarge(picture, width, height);
}

/** Repeat the right and lower edge until no side is too short for the network; coordinates do not move. */
function toMinimum(picture) {
  const below = Math.max(0, MIN_SIDE_PX - picture.height);
  const after = Math.max(0, MIN_SIDE_PX - picture.width);
  return padded(picture, { below, after }, "repeat");
}

/** Whether a row can be a face: finite, its centre inside the picture, not far larger than it. */
function isPlausible(row, width, height) {
  const [x, y, across, down] = row;
  const isInside = within(x + across / 2, width) && within(y + down / 2, height);
  const isSized = across > 0 && down > 0 && across <= 2 * width && down <= 2 * height;
  return row.every(Number.isFinite) && isInside && isSized;
}

function within(centre, length) {
  return centre >= 0 && centre < length;
}

/** Of the rows that can be a face keep the best of those that overlap, clip them, drop what is then empty. */
export function facesOf(rows, { width, height }) {
  const ordered = rows.filter((row) => isPlausible(row, width, height)).sort((a, b) => b[14] - a[14]);
  const boxes = ordered.map((row) => Array.from(row.subarray(0, 4)));
  const kept = bestOfEach(boxes, ordered.map((row) => row[14]), MERGE_IOU).sort((a, b) => a - b);
  return kept.map((i) => faceOf(ordered[i], width, height)).filter(({ box }) => box[0] < box[2] && box[1] < box[3]);
}

function faceOf(row, width, height) {
  const [x, y, across, down] = row;
  const clip = (value, length) => Math.min(Math.max(Math.fround(value), 0), length);
  const box = [clip(x, width), clip(y, height), clip(x + across, width), clip(y + down, height)];
  return { box: Float32Array.from(box), score: Math.min(Math.max(row[14], 0), 1), landmarks: row.slice(4, 14) };
}
