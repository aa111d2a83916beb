// The other thread: the page sends {id, ask, ...}, and gets {id, answer} or {id, error}; while loading, {id, progress}.

import { checker } from "./checker.js";
import { decode, PictureError } from "./decoding.js";
import { fetchCard, fetcher } from "./fetching.js";
import { blank } from "./picture.js";
import { failed } from "./result.js";
import { network, start } from "./runtime.js";

const asks = { load, check };
let card;
let look;
let last = Promise.resolve(); // one after the other: two pictures at once would each take twice as long

self.addEventListener("message", ({ data }) => {
  last = last.then(() => answer(data));
});

async function answer({ id, ask, ...given }) {
  try {
    self.postMessage({ id, answer: await asks[ask](given, (progress) => self.postMessage({ id, progress })) });
  } catch (error) {
    self.postMessage({ id, error: { name: error.name, message: error.message } });
  }
}

async function load({ threads }, progress) {
  card = await fetchCard();
  const fetchBytes = fetcher(progress, card.bytes);
  const taken = await start(fetchBytes, card.runtime, threads);
  const { detector, classifier } = card;
  const networks = {
    detector: await network(await fetchBytes("inside/detector.onnx", detector)),
    classifier: await network(await fetchBytes("inside/classifier.onnx", classifier)),
  };
  look = checker(card, networks);
  await look(blank(64, 64), {}, {}); // the first picture of a runtime takes longest
  return { card, threads: taken };
}

async function check({ picture, options: { source = "", index = 0, time_s = null, ...options } }) {
  const about = { source, index, time_s };
  try {
    return await look(await decode(picture, card.max_pixels), about, options);
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    return failed(about, error.message);
  }
}
