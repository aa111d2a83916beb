// What is fetched once, while loading: the model's card, the networks and the runtime, all from this service.

const SERVICE = new URL("../../", import.meta.url);

/**
 * What the browser needs to know of the model.
 *
 * @throws {Error} With what the service says where there is no model for browsers.
 */
export async function fetchCard() {
  const response = await fetch(new URL("inside/model.json", SERVICE), { credentials: "same-origin" });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail ?? `the service answered ${response.status}; load the page again`);
}

/**
 * Fetch files and tell how far it is.
 *
 * @param {(done: {loaded: number, total: number}) => void} progress Bytes as they are sent, of all files together.
 * @param {number} total
 * @returns {(path: string, about: {sha256?: string, share?: number}) => Promise<Uint8Array>} The content of a file,
 *   which must have that hex digest; the share of its bytes that it takes when sent, compressed.
 */
export function fetcher(progress, total) {
  let loaded = 0;
  return async (path, { sha256, share = 1 }) => {
    const integrity = sha256 ? `sha256-${base64(sha256)}` : "";
    const response = await fetch(new URL(path, SERVICE), { credentials: "same-origin", integrity });
    if (!response.ok) throw new Error(`${path}: the service answered ${response.status}; load the page again`);
    const parts = [];
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return joined(parts);
      parts.push(value);
      loaded += value.length * share;
      progress({ loaded: Math.round(loaded), total });
    }
  };
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function base64(hex) {
  return btoa(String.fromCharCode(...hex.match(/../g).map((byte) => parseInt(byte, 16))));
}
