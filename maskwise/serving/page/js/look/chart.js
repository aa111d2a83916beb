/** Charts as drawings of this page's own: people by verdict as stacked bars, compliance as a line with its 95 % band. */

import { fill, h, s } from "../dom.js";
import { day, hour, moment, percent, short, span, VERDICTS } from "../words.js";

const HIGH = { bars: 210, line: 150 }, LEFT = 46, RIGHT = 14, GAP = 34, BELOW = 28;

/** Patterns of the verdicts, once a page: told apart without colour. */
function patterns() {
  if (document.getElementById("p-masked")) return;
  const square = (verdict, size) => s("rect", { class: `b-${verdict}`, width: size, height: size });
  const pattern = (verdict, size, ...ink) => s("pattern", { id: `p-${verdict}`, width: size, height: size, patternUnits: "userSpaceOnUse" }, square(verdict, size), ink);
  document.body.append(s("svg", { class: "unseen", "aria-hidden": "true" }, s("defs", {},
    pattern("masked", 8),
    pattern("incorrect", 9, s("path", { class: "ink", "stroke-width": 1.8, d: "M-2 2L2 -2M0 9L9 0M7 11L11 7" })),
    pattern("unmasked", 9, s("path", { class: "ink", "stroke-width": 1.3, d: "M0 0L9 9M0 9L9 0" })),
    pattern("uncertain", 7, s("circle", { class: "blot", cx: 3.5, cy: 3.5, r: 1.4 })))));
}

function legend(verdicts = VERDICTS) {
  return h("ul", { class: "legend" }, verdicts.map((verdict) => h("li", {}, s("svg", { class: "key", viewBox: "0 0 28 12", "aria-hidden": "true" }, s("rect", { class: `v-${verdict}`, width: 28, height: 12 })), verdict)));
}

/** Both charts with their legend and the same as a table; drawn anew for other figures or at another width only. */
export class Charts {
  /** @param {AbortSignal} signal of the view that shows them. */
  constructor(signal) {
    this.figure = h("figure");
    this.rows = h("div");
    this.element = h("div", {}, legend(), this.figure, h("details", {}, h("summary", {}, "The same as a table"), this.rows));
    const sizes = new ResizeObserver(() => this.draw());
    sizes.observe(this.figure);
    signal.addEventListener("abort", () => sizes.disconnect());
  }

  show(buckets, by) {
    const key = JSON.stringify([buckets, by]);
    if (key === this.key) return;
    Object.assign(this, { key, buckets, by, drawn: 0 });
    this.draw();
    if (!this.rows.contains(document.activeElement)) fill(this.rows, table(buckets, by)); // nobody loses their place in it
  }

  draw() {
    const wide = this.figure.clientWidth;
    if (!this.buckets || !wide || wide === this.drawn) return;
    this.drawn = wide;
    fill(this.figure, chart(this.buckets, this.by, wide));
  }
}

/**
 * Both charts over the same time axis.
 * @param {Array} buckets of /v1/statistics
 * @param {"hour"|"day"} by
 * @param {number} width of the place in pixels: text keeps its size at any width
 */
function chart(buckets, by, width) {
  patterns();
  const wide = Math.max(280, width), inner = wide - LEFT - RIGHT;
  const step = inner / Math.max(1, buckets.length);
  const top = ceiling(Math.max(1, ...buckets.map((bucket) => people(bucket))));
  const lineTop = HIGH.bars + GAP, height = lineTop + HIGH.line + BELOW;
  const x = (i) => LEFT + i * step;
  const yPeople = (n) => HIGH.bars - (n / top) * (HIGH.bars - 22);
  const yShare = (share) => lineTop + 22 + (1 - share) * (HIGH.line - 22);
  return s("svg", { class: "chart", viewBox: `0 0 ${wide} ${height}`, role: "img", "aria-label": described(buckets, by) },
    scale([0, top / 2, top], yPeople, short, wide), s("text", { x: LEFT, y: 10 }, "people"),
    buckets.map((bucket, i) => bars(bucket, x(i), step, yPeople)),
    scale([0, 0.5, 1], yShare, (share) => `${100 * share}\u00a0%`, wide), s("text", { x: LEFT, y: lineTop + 8 }, "compliance, with its 95 % interval"),
    runs(buckets).map((run) => curve(run, (i) => x(i) + step / 2, yShare)),
    ticks(buckets, by, x, step, height, inner));
}

const people = (bucket) => VERDICTS.reduce((sum, verdict) => sum + bucket.persons[verdict], 0);

function ceiling(n) {
  const power = 10 ** Math.floor(Math.log10(n));
  return Math.max(2, [1, 2, 4, 6, 10].map((m) => m * power).find((m) => m >= n));
}

function scale(values, y, words, wide) {
  return values.map((value) => [
    s("line", { class: value ? "gridline" : "axis", x1: LEFT, x2: wide - RIGHT, y1: y(value), y2: y(value) }),
    s("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, words(value))]);
}

function bars(bucket, x, step, y) {
  let sum = 0;
  const wide = Math.max(1, Math.min(step * 0.76, 46));
  return VERDICTS.filter((verdict) => bucket.persons[verdict]).map((verdict) => {
    const from = y(sum);
    sum += bucket.persons[verdict];
    return s("rect", { class: `seg v-${verdict}`, x: x + (step - wide) / 2, width: wide, y: y(sum), height: from - y(sum) });
  });
}

/** Stretches in which there is a value; a gap in the data stays a gap in the line. */
function runs(buckets) {
  const all = [[]];
  buckets.forEach((bucket, i) => {
    if (bucket.compliance.value === null) all.push([]);
    else all.at(-1).push([i, bucket.compliance]);
  });
  return all.filter((run) => run.length);
}

function curve(run, x, y) {
  const path = (points) => points.map(([i, share], k) => `${k ? "L" : "M"}${x(i).toFixed(1)} ${y(share).toFixed(1)}`).join("");
  const upper = run.map(([i, share]) => [i, share.high]), lower = run.map(([i, share]) => [i, share.low]).reverse();
  const alone = run.length === 1;
  return [
    alone ? s("rect", { class: "band", x: x(run[0][0]) - 4, width: 8, y: y(run[0][1].high), height: y(run[0][1].low) - y(run[0][1].high) }) : s("path", { class: "band", d: `${path(upper)}${path(lower).replace("M", "L")}Z` }),
    s("path", { class: "curve", d: path(run.map(([i, share]) => [i, share.value])) }),
    run.length > 60 ? null : run.map(([i, share]) => s("circle", { class: "point", cx: x(i), cy: y(share.value), r: 3 }))];
}

function ticks(buckets, by, x, step, height, inner) {
  const each = Math.ceil(buckets.length / Math.max(2, Math.floor(inner / 64)));
  return buckets.map((bucket, i) => (i % each ? null : s("text", { x: x(i) + step / 2, y: height - 6, "text-anchor": "middle" }, label(bucket, by))));
}

function label(bucket, by) {
  const at = new Date(bucket.from);
  return by === "day" || at.getHours() === 0 ? day(at) : hour(at);
}

function described(buckets, by) {
  const sum = buckets.reduce((total, bucket) => total + people(bucket), 0);
  return `${sum} people by verdict and their compliance by ${by}, ${buckets.length} ${by}s; the same as a table below`;
}

/** The same figures as text. */
function table(buckets, by) {
  const filled = buckets.filter((bucket) => people(bucket));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures of the chart" }, h("table", { class: "wide" },
    h("caption", {}, `People by ${by}; ${by}s without anybody are left out`),
    h("thead", {}, h("tr", {}, [by, ...VERDICTS, "compliance", "alarms"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, filled.map((bucket) => h("tr", {}, h("th", { scope: "row" }, by === "day" ? day(bucket.from) : moment(bucket.from).slice(0, -3)),
      VERDICTS.map((verdict) => h("td", {}, String(bucket.persons[verdict]))),
      h("td", {}, percent(bucket.compliance.value), h("span", { class: "span" }, span(bucket.compliance))), h("td", {}, String(bucket.violations)))))));
}

/** A share's interval from 0 to 100 %. */
export function interval(figure, words) {
  if (!figure || figure.value === null) return null;
  const at = (share) => (100 * share).toFixed(2);
  return s("svg", { class: "interval", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": `${words}: ${percent(figure.value)}, interval ${span(figure)}` },
    s("rect", { class: "track", y: 4, width: 100, height: 2 }),
    s("rect", { class: "range", x: at(figure.low), y: 2, width: Math.max(0.6, at(figure.high) - at(figure.low)), height: 6 }),
    s("rect", { class: "at", x: Math.min(99, Math.max(0, at(figure.value) - 0.5)), width: 1, height: 10 }));
}
