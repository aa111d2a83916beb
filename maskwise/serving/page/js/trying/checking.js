/** Where a picture is looked at: by the service, or inside this browser, from which it then never goes away. */

import { post, query } from "../api.js";

/** By the service. @returns {Promise<object>} the one JSON of a picture. */
export async function byService(blob, operating_point, signal) {
  const answer = await post(query("/v1/check", { operating_point }), undefined, { body: blob, signal });
  return answer.results[0];
}

let loading = null;

/**
 * Inside this browser; the model is fetched once.
 * @param {(progress: any) => void} progress of fetching the model.
 * @returns {Promise<(picture: ImageBitmap|ImageData, options: object) => Promise<object>>}
 */
export function inBrowser(progress) {
  loading ??= import("../inside/inside.js").then(({ load }) => load(progress));
  loading.catch(() => { loading = null; });
  return loading;
}
