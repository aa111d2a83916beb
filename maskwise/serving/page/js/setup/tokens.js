/** Tokens: made, shown once, taken back. */

import { get, post, remove } from "../api.js";
import { button, field, fill, h, note, refill, say, select } from "../dom.js";
import { session, signIn } from "../session.js";
import { moment } from "../words.js";
import { sure } from "./dialogs.js";
import { form } from "./form.js";

const ROLES = [["viewer", "viewer: faces blurred"], ["operator", "operator: sees faces"], ["admin", "admin: sets things up"]];
const LASTS = [["30", "30 days"], ["90", "90 days"], ["365", "a year"], ["", "without end"]];

export async function tokens(place, signal) {
  const list = h("ul", { class: "items" });
  const shown = h("div", { "aria-live": "polite" });
  const again = async () => {
    const { tokens: all } = await get("/v1/tokens", { signal });
    if (!all.length) fields.role.control.value = "admin"; // the first one has to be
    refill(list, all.length ? all.map((token) => item(token, again, shown)) : h("li", { class: "muted" }, "There is none: whoever uses this machine may do everything. With the first one, every visit asks for a token."));
  };
  const fields = {
    name: field("For whom or what", h("input", { maxlength: 100, autocomplete: "off" }), { hint: "such as Wall screen; it stands in the log" }),
    role: field("May", select(ROLES, "viewer")),
    expires_days: field("Lasts", select(LASTS, "90")),
  };
  const add = form("Make a token", fields, "Make a token", async () => {
    const days = fields.expires_days.control.value;
    const made = await post("/v1/tokens", { name: fields.name.control.value.trim(), role: fields.role.control.value, expires_days: days ? Number(days) : null });
    fields.name.control.value = "";
    once(shown, made);
    if (session().open) await signIn(made.token); // with the first token, the time without one is over
    await again();
  });
  fill(place, h("h2", { id: "tokens", tabindex: -1 }, "Tokens"), list, shown);
  await again(); // whether it is the first one decides what the form asks for
  place.append(add);
}

/** The only time that a token is to be seen. */
function once(shown, made) {
  const secret = h("input", { readonly: true, value: made.token, "aria-label": `Token ${made.name}`, on: { focus: () => secret.select() } });
  const copy = async () => {
    secret.select();
    const isDone = await copied(made.token);
    fill(how, isDone ? "Copied." : "This browser does not let the page copy: press Ctrl+C, the token is selected.");
  };
  const how = h("span", {});
  fill(shown, h("div", { class: "note good once" }, h("p", {}, h("b", {}, `Token for ${made.name}. `), "It is shown this once: copy it now."), secret, h("div", { class: "row" }, button("Copy", copy, "small"), button("Done", () => { fill(shown); shown.closest("section").querySelector("h2").focus(); }, "small"), how)));
  secret.focus();
}

/** Over plain http, browsers have the older way only. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

function item(token, again, shown) {
  const facts = [token.role, token.used ? `last used ${moment(token.used)}` : "never used", token.expires ? `until ${moment(token.expires)}` : "without end"];
  const revoke = async () => {
    if (!await sure(`Take back ${token.name}?`, "Whoever uses it is signed out at once.", "Take it back")) return;
    try {
      await remove(`/v1/tokens/${token.id}`);
      await again();
    } catch (error) {
      fill(shown, note(error.message, "bad"));
    }
  };
  return h("li", { class: "spread" }, h("div", {}, h("b", {}, token.name), h("p", { class: "muted" }, facts.join(", "))), button("Take back", revoke, "small danger", { "aria-label": `Take back: ${token.name}` }));
}
