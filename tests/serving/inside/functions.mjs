// functions.mjs FOLDER TABLE: calls the page's functions for each row of a JSON table and prints the answers as JSON.
// Pictures are {"rgb": base64, "width", "height"} in both.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, table] = process.argv.slice(2);
const modules = "boxes checker classifier crops detector picture quality resize rounding verdict yunet";
const functions = {};
for (const name of modules.split(" ")) Object.assign(functions, await import(pathToFileURL(`${folder}/${name}.js`)));

const answers = JSON.parse(readFileSync(table, "utf8")).map(({ call, given }) => {
  try {
    return out(functions[call](...given.map(into)));
  } catch (error) {
    return { error: error.message };
  }
});
process.stdout.write(JSON.stringify(answers));

/** From JSON; lists of single precision {"f32": base64}, not a number {"nan": true}. */
function into(value) {
  if (Array.isArray(value)) return value.map(into);
  if (value === null || typeof value !== "object") return value;
  if ("rgb" in value) return { ...value, rgb: new Uint8Array(Buffer.from(value.rgb, "base64")) };
  if ("rgba" in value) return new Uint8ClampedArray(Buffer.from(value.rgba, "base64"));
  if ("f32" in value) return new Float32Array(Uint8Array.from(Buffer.from(value.f32, "base64")).buffer);
  if ("nan" in value) return NaN;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, into(inner)]));
}

function out(value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(out);
  if (value === null || typeof value !== "object") return value;
  if ("rgb" in value) return { ...value, rgb: Buffer.from(value.rgb).toString("base64") };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, out(inner)]));
}
