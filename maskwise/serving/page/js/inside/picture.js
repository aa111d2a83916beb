// The currency of the pictures here: {rgb, width, height}, where rgb holds height x width x 3 bytes, R G B.

/** A picture whose pixels are to be written. */
export function blank(width, height) {
  return { rgb: new Uint8Array(width * height * 3), width, height };
}

/**
 * What a canvas gives, laid on white where it is transparent.
 *
 * @param {Uint8ClampedArray} rgba height x width x 4, not multiplied by alpha.
 */
export function fromRgba(rgba, width, height) {
  const picture = blank(width, height);
  const { rgb } = picture;
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const alpha = rgba[from + 3];
    rgb[to] = onWhite(rgba[from], alpha);
    rgb[to + 1] = onWhite(rgba[from + 1], alpha);
    rgb[to + 2] = onWhite(rgba[from + 2], alpha);
  }
  return picture;
}

function onWhite(value, alpha) {
  return alpha === 255 ? value : Math.round((value * alpha + 255 * (255 - alpha)) / 255);
}

/** A part of a picture, in whole pixels inside it: from left and top to right and bottom, these not included. */
export function part(picture, left, top, right, bottom) {
  const cut = blank(right - left, bottom - top);
  for (let y = 0; y < cut.height; y++) {
    const from = ((top + y) * picture.width + left) * 3;
    cut.rgb.set(picture.rgb.subarray(from, from + cut.width * 3), y * cut.width * 3);
  }
  return cut;
}

/**
 * A picture with more on its sides.
 *
 * @param {{above: number, below: number, before: number, after: number}} more Pixels, from 0.
 * @param {"repeat" | "black"} how Its edge again, or black.
 */
export function padded(picture, { above = 0, below = 0, before = 0, after = 0 }, how) {
  if (!above && !below && !before && !after) return picture;
  const larger = blank(before + picture.width + after, above + picture.height + below);
  for (let y = 0; y < larger.height; y++) {
    const from = y - above;
    if (how === "black" && (from < 0 || from >= picture.height)) continue;
    paddedRow(picture, clamped(from, picture.height), larger, y, before, how);
  }
  return larger;
}

function paddedRow(picture, from, larger, y, before, how) {
  const row = picture.rgb.subarray(from * picture.width * 3, (from + 1) * picture.width * 3);
  const start = y * larger.width;
  larger.rgb.set(row, (start + before) * 3);
  if (how === "black") return;
  for (let x = 0; x < before; x++) larger.rgb.set(row.subarray(0, 3), (start + x) * 3);
  for (let x = before + picture.width; x < larger.width; x++) larger.rgb.set(row.subarray(-3), (start + x) * 3);
}

function clamped(position, length) {
  return Math.min(Math.max(position, 0), length - 1);
}
