/** Set-up: streams, who is told, how long things are kept, who may come in, and who changed what. */

import { fill, h, note } from "../dom.js";
import { may, session } from "../session.js";
import { alarms } from "../setup/alarms.js";
import { audit } from "../setup/audit.js";
import { choices } from "../setup/choices.js";
import { streams } from "../setup/streams.js";
import { tokens } from "../setup/tokens.js";

export const title = "Set-up";

const PARTS = [["Cameras and streams", streams], ["Who is told of alarms", alarms], ["Keeping and quiet hours", choices], ["Tokens", tokens], ["Who changed what", audit]];

export async function show(root, signal) {
  if (!may("admin")) {
    fill(root, h("div", { class: "card empty" }, h("h2", {}, "This needs the role admin"), h("p", { class: "muted" }, `${session().name} has the role ${session().role}. Ask whoever runs this service for an admin’s token, then sign in with it.`)));
    return;
  }
  const sections = PARTS.map(([name, part]) => [h("section", { class: "card", "aria-label": name }, h("p", { class: "muted" }, "One moment …")), part, name]);
  fill(root, sections.map(([place]) => place));
  // One part that fails leaves the others in place.
  await Promise.all(sections.map(([place, part, name]) => part(place, signal).catch((error) => {
    if (error.name !== "AbortError") fill(place, h("h2", {}, name), note(error.message, "bad"));
  })));
}
