/** Model: how good it is, on what, with intervals; and what each operating point costs at this place's traffic. */

import { get, patch, query } from "../api.js";
import { button, field, fill, h, note, say } from "../dom.js";
import { badge } from "../look/badge.js";
import { interval } from "../look/chart.js";
import { inUse } from "../look/points.js";
import { may } from "../session.js";
import { MEANING, number, percent, span } from "../words.js";

export const title = "Model";
export const lead = "What it gets right, and how often not: measured on pictures it never saw, every figure with its 95 % interval.";

const PURPOSE = {
  balanced: "Few mistakes of either kind; the answer is uncertain where it would be a guess.",
  gate: "For doors: as good as nobody without a mask is let pass.",
  statistics: "For shares: everybody gets an answer, and mistakes cancel out.",
};

export async function show(root, signal) {
  const { models } = await get("/v1/models", { signal });
  if (signal.aborted) return;
  fill(root, models.flatMap((model) => [card(model), new Points(model, signal).element, origin(model)]));
}

function card(model) {
  const figures = model.figures.test ?? model.figures;
  const big = (words, figure) => h("div", {}, h("dt", {}, words), h("dd", { class: "value" }, percent(figure?.value)), h("dd", {}, interval(figure, words)), h("dd", { class: "more" }, figure ? `${span(figure)}, n = ${number(figure.n)}` : "not stated"));
  return h("section", { "aria-label": "Figures", class: "view" },
    h("dl", { class: "bigs" }, big("right answers", figures.accuracy), big("mean of the classes", figures.balanced_accuracy), figures.calibration_error ? big("confidence is off by", figures.calibration_error) : null,
      h("div", {}, h("dt", {}, "model"), h("dd", { class: "value" }, model.name), h("dd", { class: "more" }, `${model.network}, ${model.precision}, ${model.labels.length} classes`))),
    h("div", { class: "two" }, recalls(model, figures.recall ?? {}), strangers(figures.not_a_face)));
}

function recalls(model, recall) {
  return h("section", { class: "card" }, h("h2", {}, "Of each class, how many are found"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Recall by class" }, h("table", { class: "wide" },
      h("thead", {}, h("tr", {}, ["Class", "Found", "Interval", "n"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, model.labels.map((label) => h("tr", {}, h("th", { scope: "row" }, badge(label), h("span", { class: "span" }, MEANING[label] ?? "")), h("td", {}, percent(recall[label]?.value)), h("td", {}, span(recall[label])), h("td", {}, number(recall[label]?.n))))))));
}

function strangers(figures) {
  if (!figures) return null;
  return h("section", { class: "card" }, h("h2", {}, "Of what is no face, what it says"),
    h("p", { class: "muted" }, `${number(figures.n)} cuttings that a detector may take for a face: hands, fruit, cushions.`),
    h("ul", { class: "items" }, Object.entries(figures).filter(([, figure]) => figure?.value !== undefined).map(([label, figure]) => h("li", { class: "spread" }, badge(label), h("span", {}, h("b", {}, percent(figure.value)), h("span", { class: "span" }, span(figure)))))));
}

/** The operating points and what they cost here. */
class Points {
  constructor(model, signal) {
    Object.assign(this, { model, signal });
    this.people = h("input", { type: "number", min: 1, max: 100000, step: 1, value: 60 });
    this.share = h("input", { type: "number", min: 0, max: 100, step: 1, value: 90 });
    this.list = h("div", { class: "points" });
    this.trouble = h("div");
    this.element = h("section", { class: "card view", "aria-label": "Operating points" },
      h("div", {}, h("h2", {}, "What it costs at your door"), h("p", { class: "muted" }, "A model is as good as the thresholds suit the place. Say how many people come and how many of them wear a mask. The figures are of one look at each person; over several looks, mistakes get fewer.")),
      h("form", { class: "form", "aria-label": "Your traffic", on: { submit: (event) => { event.preventDefault(); this.ask(); }, change: () => this.ask() } }, this.peopleField = field("People an hour", this.people), this.shareField = field("Of them with a mask, %", this.share)),
      this.trouble, this.list);
    this.ask();
  }

  async ask() {
    try {
      const answer = await get(query(`/v1/models/${encodeURIComponent(this.model.name)}/cost`, { people_per_hour: this.people.value, share_masked: Number(this.share.value) / 100 }), { signal: this.signal });
      for (const one of [this.peopleField, this.shareField]) one.refuse(null);
      this.cost = answer.operating_points ?? answer;
      this.draw();
      fill(this.trouble);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.peopleField.refuse(error.of?.("people_per_hour"));
      this.shareField.refuse(error.of?.("share_masked"));
      const isPlaced = error.of?.("people_per_hour") || error.of?.("share_masked");
      fill(this.trouble, isPlaced ? null : note(error.message, "bad"));
    }
  }

  draw() {
    if (!Object.keys(this.model.operating_points).length) return fill(this.list, h("p", { class: "muted" }, "This model has no operating points to choose from."));
    fill(this.list, Object.keys(this.model.operating_points).map((name) => this.point(name, this.cost[name] ?? {})));
  }

  point(name, cost) {
    const isUsed = name === inUse(this.model);
    const line = (words, figure, shown = number) => h("div", {}, h("dt", {}, words), h("dd", {}, shown(figure?.value), h("span", { class: "span" }, range(figure, shown))));
    return h("article", { class: `point ${isUsed ? "chosen" : ""}` }, h("div", { class: "spread" }, h("h3", { tabindex: isUsed ? -1 : null }, name), isUsed ? h("span", { class: "pill" }, "in use") : null),
      h("p", { class: "muted" }, PURPOSE[name] ?? ""),
      h("dl", {}, line("alarms an hour", cost.alarms_per_hour), line("of them false", cost.false_alarms_per_hour), line("share of alarms that are right", cost.share_of_alarms_right, (value) => percent(value, 0)), line("of 100 without a mask, missed", cost.missed_per_100), line("of 100 people, uncertain", cost.uncertain_per_100)),
      isUsed || !may("admin") ? null : button("Use this", () => this.use(name), "small", { "aria-label": `Use the operating point ${name}` }));
  }

  async use(name) {
    try {
      await patch("/v1/settings", { operating_point: name });
      this.model.operating_point = name;
      this.draw();
      this.list.querySelector(".chosen h3").focus();
      say(`${name} is in use`);
    } catch (error) {
      fill(this.trouble, note(error.message, "bad"));
    }
  }
}

function range(figure, shown) {
  if (!figure || figure.low === undefined || figure.low === null) return "";
  return `${shown(figure.low)} to ${shown(figure.high)}`;
}

function origin(model) {
  const counts = model.data?.counts ?? {};
  const of = (part) => Object.entries(counts[part] ?? {}).map(([label, n]) => `${number(n)} ${label.replaceAll("_", " ")}`).join(", ");
  return h("section", { class: "card view" }, h("h2", {}, "Where it comes from"),
    h("dl", { class: "facts" },
      ["train", "validation", "test"].filter((part) => counts[part]).map((part) => [h("dt", {}, { train: "learned from", validation: "tuned on", test: "measured on" }[part]), h("dd", {}, of(part))]),
      h("dt", {}, "sources"), h("dd", {}, (model.data?.sources ?? []).join(", ") || "not stated"),
      h("dt", {}, "licence"), h("dd", {}, model.licence ?? "not stated"),
      h("dt", {}, "fingerprint"), h("dd", {}, h("code", {}, model.sha256))));
}
