/** Requests to the service this page came from, and what goes wrong with them. */

const LONGEST_MS = 60_000, SAME_MS = 5_000;

let csrf = "", aheadMs = 0;

/** The service's clock in milliseconds since 1970, as it writes every moment; this machine's may be wrong. */
export const now = () => Date.now() + aheadMs;

/** The session's token against forged requests; sent with everything that changes something. */
export function useToken(token) {
  csrf = token ?? "";
}

/** An answer that is no success, as RFC 9457 has it; or no answer at all (status 0). */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.detail || body.title || `the service answered ${status}`);
    this.status = status;
    this.errors = body.errors ?? [];
    this.retryAfterS = null;
  }

  /** What is wrong with one field of a form, or null. */
  of(name) {
    return this.errors.find((error) => error.where.includes(name))?.what ?? null;
  }
}

/**
 * @param {string} method
 * @param {string} path with its query
 * @param {{json?: object, body?: Blob|FormData, accept?: string, signal?: AbortSignal}} options
 * @returns {Promise<any>} what came, from JSON; a Blob where something else was accepted; null for 204.
 */
export async function call(method, path, { json, body, accept = "application/json", signal } = {}) {
  const headers = { Accept: accept };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  // Whoever waits for an answer that a sleeping network lost is told so; a large picture may take its time.
  const given = [signal, method === "GET" ? AbortSignal.timeout(LONGEST_MS) : null].filter(Boolean);
  const answer = await sent(path, { method, headers, signal: AbortSignal.any(given), body: json === undefined ? body : JSON.stringify(json), credentials: "same-origin" });
  if (!answer.ok) throw await problemOf(answer, path);
  if (answer.status === 204) return null;
  return accept === "application/json" ? answer.json() : answer.blob();
}

async function sent(path, options) {
  try {
    const answer = await fetch(path, options);
    const apartMs = Date.parse(answer.headers.get("Date")) - Date.now();
    if (!Number.isNaN(apartMs)) aheadMs = Math.abs(apartMs) < SAME_MS ? 0 : apartMs;
    return answer;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The service does not answer. Is it still running, and this machine on its network?" });
  }
}

async function problemOf(answer, path) {
  const body = await answer.json().catch(() => ({}));
  const problem = new Problem(answer.status, body);
  problem.retryAfterS = Number(answer.headers.get("Retry-After")) || null;
  if (answer.status === 401 && path !== "/v1/session") dispatchEvent(new Event("maskwise-signed-out"));
  return problem;
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, json, options = {}) => call("POST", path, { json, ...options });
export const patch = (path, json) => call("PATCH", path, { json });
export const remove = (path) => call("DELETE", path);

/** A path with its query; what is empty is left out. */
export function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
