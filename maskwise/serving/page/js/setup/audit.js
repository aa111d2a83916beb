/** Who changed what: the newest entries of the sealed log. */

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { moment } from "../words.js";

const LATEST = 50;

export async function audit(place, signal) {
  const { entries } = await get(`/v1/audit?limit=${LATEST}`, { signal });
  fill(place, h("h2", { id: "audit" }, "Who changed what"),
    entries.length ? h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Audit log" }, h("table", { class: "wide" },
      h("caption", {}, "The newest first. Each entry is sealed with the one before; “maskwise audit-log” checks the whole."),
      h("thead", {}, h("tr", {}, ["When", "What", "By", "More"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, entries.map(row)))) : h("p", { class: "muted" }, "Nothing yet."));
}

function row(entry) {
  const { by, ...more } = entry.facts;
  const words = Object.entries(more).map(([name, value]) => `${name.replaceAll("_", " ")}: ${Array.isArray(value) ? value.join(", ") : value}`);
  return h("tr", {}, h("td", {}, h("time", { datetime: entry.at }, moment(entry.at))), h("td", {}, entry.kind.replaceAll("_", " ")), h("td", {}, by ?? "the service"), h("td", {}, words.join("; ")));
}
