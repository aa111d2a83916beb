// ONNX Runtime, compiled for browsers. Everything comes from this service; the runtime reports to nobody.

import * as ort from "../../runtime/ort.wasm.min.mjs";

const FOLDER = new URL("../../runtime/", import.meta.url).href;
const WASM = "runtime/ort-wasm-simd-threaded.wasm";
const OPTIONS = {
  executionProviders: ["wasm"],
  enableMemPattern: false, // pictures have many sizes, and a pattern would be kept of each
  extra: { session: { intra_op: { allow_spinning: "0" } } }, // the page and its camera have work to do meanwhile
};
const MAX_THREADS = 4; // the networks are small: more only wait for each other

/**
 * Get the runtime ready for networks.
 *
 * @param {(path: string, about: object) => Promise<Uint8Array>} fetchBytes
 * @param {{bytes: number, unpacked_bytes: number}} size
 * @param {number | null | undefined} threads As many as the machine and MAX_THREADS allow if none. Only one where the
 *   page is not isolated from others' (COOP and COEP).
 * @returns {Promise<number>} How many threads it will take.
 */
export async function start(fetchBytes, size, threads) {
  ort.env.wasm.wasmPaths = FOLDER;
  ort.env.wasm.wasmBinary = await fetchBytes(WASM, { share: size.bytes / size.unpacked_bytes });
  const wanted = threads ?? Math.min(MAX_THREADS, navigator.hardwareConcurrency || 1);
  ort.env.wasm.numThreads = self.crossOriginIsolated ? wanted : 1;
  ort.env.logLevel = "error";
  return ort.env.wasm.numThreads;
}

/**
 * Load a network.
 *
 * @param {Uint8Array} content Of an ONNX file with one input.
 * @returns {Promise<{run: Function, output: string}>} `run(data, shape, outputs)` gives the content of each output
 *   named, as Float32Array.
 */
export async function network(content) {
  const session = await ort.InferenceSession.create(content, OPTIONS);
  const [input] = session.inputNames;
  const run = async (data, shape, outputs) => {
    const found = await session.run({ [input]: new ort.Tensor("float32", data, shape) }, outputs);
    return Object.fromEntries(outputs.map((name) => [name, found[name].data]));
  };
  return { run, output: session.outputNames[0] };
}
