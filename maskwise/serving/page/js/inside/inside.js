// Pictures checked inside the browser: none of them leaves it. The same model as the service's, in a Web Worker.
//
//   const check = await load(({ loaded, total }) => ...);
//   const result = await check(picture, { threshold: 0.8 });

/**
 * Load the runtime and the model; afterwards nothing is fetched any more.
 *
 * @param {(done: {loaded: number, total: number}) => void} progress Called with bytes as they are sent.
 * @param {{threads?: number}} options Threads: as many as the machine has, at most 4, if not given.
 * @returns {Promise<Check>}
 * @throws {Error} This installation has no in-browser mode, or the browser cannot run it; the message says which.
 *
 * @typedef {(picture: Blob | ImageBitmap | ImageData, options?: Options) => Promise<object>} Check What is said of a
 *   picture: the one JSON of maskwise. A picture that cannot be read has an `error` there. Pictures that are given
 *   while one is looked at wait for it. `check.model` is what is known of the model, `check.threads` how many it takes;
 *   `check.close()` gives everything back.
 *
 * @typedef {object} Options
 * @property {string | null} operatingPoint One of those of the model; its default if null.
 * @property {number | null} threshold Confidence, from 0 to 1, below which a verdict is `uncertain`.
 * @property {boolean} give An ImageBitmap is handed over instead of copied: it cannot be used afterwards.
 * @property {string} source @property {number} index @property {number | null} time_s As they stand in the JSON.
 */
export async function load(progress = () => {}, { threads } = {}) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const { ask, close } = askerOf(worker);
  try {
    const { card, threads: taken } = await ask({ ask: "load", threads }, [], progress);
    const check = (picture, { give = false, ...options } = {}) =>
      ask({ ask: "check", picture, options }, give && picture instanceof ImageBitmap ? [picture] : []);
    return Object.assign(check, { model: card, threads: taken, close });
  } catch (error) {
    close();
    throw error;
  }
}

/** Questions to a worker, each with its own answer. */
function askerOf(worker) {
  const waiting = new Map();
  let count = 0;
  let ended = null;
  const end = (message) => {
    ended ??= new Error(message);
    worker.terminate();
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.addEventListener("message", ({ data }) => settle(waiting, data));
  worker.addEventListener("error", (event) => {
    end(`this browser cannot check pictures itself (${event.message || "a part of the page is missing"})`);
  });
  const ask = (question, handedOver, progress = () => {}) =>
    new Promise((resolve, reject) => {
      if (ended) throw ended;
      worker.postMessage({ ...question, id: ++count }, handedOver);
      waiting.set(count, { resolve, reject, progress });
    });
  return { ask, close: () => end("the in-browser mode was closed; load it again") };
}

function settle(waiting, { id, answer, error, progress }) {
  const { resolve, reject, progress: tell } = waiting.get(id);
  if (progress) return tell(progress);
  waiting.delete(id);
  return error ? reject(Object.assign(new Error(error.message), { name: error.name })) : resolve(answer);
}
