/** A verdict outside pictures: swatch with its sign, and the word; never colour alone. */

import { h } from "../dom.js";
import { SIGNS, VERDICTS } from "../words.js";

export function sign(verdict) {
  return h("span", { class: `sign ${verdict}`, "aria-hidden": "true" }, SIGNS[verdict] ?? "");
}

export function badge(verdict) {
  return h("span", { class: "badge" }, sign(verdict), verdict);
}

/** The four verdicts with how many there are of each. */
export function tally(counts) {
  return h("ul", { class: "tally" }, VERDICTS.map((verdict) =>
    h("li", { class: counts?.[verdict] ? "" : "none" }, sign(verdict), h("b", {}, String(counts?.[verdict] ?? 0)), h("span", {}, ` ${verdict}`))));
}
