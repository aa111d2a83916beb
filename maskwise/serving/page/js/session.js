/** Who is at the page, and what they may do. */

import { call, get, useToken } from "./api.js";

const ROLES = ["viewer", "operator", "admin"];

let now = { signed_in: false, open: false, name: "", role: null };

/** Ask the service. */
export async function load() {
  return taken(await get("/v1/session"));
}

/** @throws {Problem} a token that is not known. */
export async function signIn(token) {
  return taken(await call("POST", "/v1/session", { json: { token } }));
}

export async function signOut() {
  await call("DELETE", "/v1/session");
  return load();
}

function taken(session) {
  now = session;
  useToken(session.csrf_token);
  dispatchEvent(new Event("maskwise-account"));
  return session;
}

export const session = () => now;
export const isIn = () => now.signed_in;

/** Whether they may do what this role may. */
export const may = (role) => isIn() && ROLES.indexOf(now.role) >= ROLES.indexOf(role);
