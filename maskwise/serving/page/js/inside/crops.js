// Which part of a picture the network sees: as maskwise/model/crops.py cuts it.

import { padded, part } from "./picture.js";
import { enlarge, shrink } from "./resize.js";
import { roundHalfEven } from "./rounding.js";

/**
 * One face, as a square.
 *
 * @param {ArrayLike<number>} box x_min, y_min, x_max, y_max in pixels of the picture.
 * @param {{size_px: number, margin: number}} spec Of the model's card.
 */
export function cropFace(picture, box, spec) {
  const { left, top, side } = squareAround(box, spec.margin);
  return resized(cutSquare(picture, left, top, side), spec.size_px);
}

/** The square that a face box is cut as, in whole pixels; it may leave the picture. */
export function squareAround([xMin, yMin, xMax, yMax], margin) {
  const side = Math.max(xMax - xMin, yMax - yMin) * (1 + 2 * margin);
  return {
    left: roundHalfEven((xMin + xMax - side) / 2),
    top: roundHalfEven((yMin + yMax - side) / 2),
    side: Math.max(1, roundHalfEven(side)),
  };
}

/** Cut a square; what lies outside the picture repeats its edge. */
export function cutSquare(picture, left, top, side) {
  const { width, height } = picture;
  const inside = part(
    picture,
    Math.min(Math.max(left, 0), width - 1),
    Math.min(Math.max(top, 0), height - 1),
    Math.max(Math.min(left + side, width), 1),
    Math.max(Math.min(top + side, height), 1),
  );
  const above = Math.min(Math.max(-top, 0), side - 1);
  const before = Math.min(Math.max(-left, 0), side - 1);
  const below = Math.max(side - above - inside.height, 0);
  const after = Math.max(side - before - inside.width, 0);
  return padded(inside, { above, below, before, after }, "repeat");
}

/** A square of `size` pixels; shrinking averages the pixels. */
export function resized(picture, size) {
  if (picture.width === size && picture.height === size) return picture;
  const shrinks = picture.width * picture.height > size * size;
  return shrinks ? shrink(picture, size, size) : enlarge(picture, size, size);
}
