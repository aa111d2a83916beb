// Picture files and camera pictures as upright RGB. The browser decodes; colour profiles are not applied, and what is
// transparent lies on white, as in maskwise/model/images.py.

import { fromRgba } from "./picture.js";

const AS_IT_IS = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };

/** What is wrong with a picture, in words for whoever gave it. */
export class PictureError extends Error {}

/**
 * Pixels of a picture.
 *
 * @param {Blob | ImageBitmap | ImageData} given
 * @param {number} maxPixels More are refused.
 * @returns {Promise<{rgb: Uint8Array, width: number, height: number}>}
 * @throws {PictureError} It cannot be read or is too large.
 */
export async function decode(given, maxPixels) {
  if (given instanceof ImageData) return checked(given, maxPixels) && fromRgba(given.data, given.width, given.height);
  const bitmap = given instanceof Blob ? await bitmapOf(given) : given;
  if (!(bitmap instanceof ImageBitmap)) throw new TypeError("picture: give a Blob, an ImageBitmap or an ImageData");
  try {
    checked(bitmap, maxPixels);
    const { data, width, height } = imageDataOf(bitmap);
    return fromRgba(data, width, height);
  } finally {
    bitmap.close();
  }
}

async function bitmapOf(file) {
  if (!file.size) throw new PictureError("the file is empty; copy or download it again");
  try {
    return await createImageBitmap(file, AS_IT_IS);
  } catch {
    throw new PictureError("is damaged, or not a picture that this browser can read; give a JPEG, PNG or WebP file");
  }
}

function checked({ width, height }, maxPixels) {
  if (width * height <= maxPixels) return true;
  const most = maxPixels.toLocaleString("en");
  throw new PictureError(`is too large (${width} x ${height} pixels, at most ${most} in all); save it smaller`);
}

function imageDataOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (!context) throw new PictureError("is too large for this browser; save it smaller");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height, { colorSpace: "srgb" });
}
