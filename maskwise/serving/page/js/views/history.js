/** History: what was counted, hour by hour or day by day, and the events behind it. */

import { get, query } from "../api.js";
import { button, field, fill, h, note, select } from "../dom.js";
import { badge } from "../look/badge.js";
import { chart, interval, legend, table } from "../look/chart.js";
import { many, moment, number, percent, span, summary, told, VERDICTS } from "../words.js";

export const title = "History";
export const lead = "Counts and events only: no picture is kept, so there is none to look back at.";

const KINDS = ["appeared", "changed", "violated", "complied", "crossed", "left"];
const PAGE = 50, DAY_MS = 86_400_000, HOURLY_UP_TO = 3;

export async function show(root, signal) {
  await new History(root, signal).open();
}

class History {
  constructor(root, signal) {
    Object.assign(this, { root, signal, after: [] });
    this.zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  }

  async open() {
    const { streams } = await get("/v1/streams", { signal: this.signal });
    const zones = [...new Set(streams.flatMap((stream) => stream.how.zones.map((zone) => zone.name)))];
    this.counts = h("section", { class: "card view", "aria-label": "Counts" });
    this.events = h("section", { class: "card view", "aria-label": "Events" });
    fill(this.root, this.filters(streams, zones), this.counts, this.events);
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(this.counts);
    this.signal.addEventListener("abort", () => this.sizes.disconnect());
    await this.load();
  }

  filters(streams, zones) {
    const any = (words, values) => [["", words], ...values.map((value) => [value, value])];
    const now = Date.now();
    this.inputs = {
      since: h("input", { type: "datetime-local", value: local(now - DAY_MS) }),
      until: h("input", { type: "datetime-local", value: "" }),
      stream: select([["", "every stream"], ...streams.map((stream) => [String(stream.id), stream.name])], ""),
      zone: select(any("everywhere", zones), ""),
      kind: select(any("every kind", KINDS), ""),
      verdict: select(any("every verdict", VERDICTS), ""),
      by: select([["", "fitting"], ["hour", "hours"], ["day", "days"]], ""),
    };
    const { since, until, stream, zone, kind, verdict, by } = this.inputs;
    const form = h("form", { class: "card form filters", "aria-label": "What to show", on: { submit: (event) => { event.preventDefault(); this.load(); }, change: () => this.load() } },
      this.from = field("From", since), this.to = field("To", until, { hint: "empty: now" }), field("Stream", stream), field("Zone", zone), field("Events of kind", kind), field("Events with verdict", verdict), field("Steps", by),
      h("fieldset", {}, h("legend", {}, "Period"), h("div", { class: "row" }, [["1 day", 1], ["7 days", 7], ["30 days", 30]].map(([words, days]) => button(words, () => this.last(days), "small")))));
    return form;
  }

  last(days) {
    this.inputs.since.value = local(Date.now() - days * DAY_MS);
    this.inputs.until.value = "";
    this.load();
  }

  get asked() {
    const moment_ = (input) => (input.value ? new Date(input.value).toISOString() : "");
    return { since: moment_(this.inputs.since), until: moment_(this.inputs.until), stream: this.inputs.stream.value, zone: this.inputs.zone.value };
  }

  get ofEvents() {
    return { ...this.asked, kind: this.inputs.kind.value, verdict: this.inputs.verdict.value };
  }

  get by() {
    const { since, until } = this.asked;
    const days = (new Date(until || Date.now()) - new Date(since || 0)) / DAY_MS;
    return this.inputs.by.value || (days <= HOURLY_UP_TO ? "hour" : "day");
  }

  async load() {
    this.after = [];
    this.to.refuse(this.asked.until && this.asked.until <= this.asked.since ? "this is before the start" : null);
    await Promise.all([this.count(), this.page()]);
  }

  async count() {
    try {
      this.figures = await get(query("/v1/statistics", { ...this.asked, by: this.by, timezone: this.zone }), { signal: this.signal });
      this.tell();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.counts, h("h2", {}, "Counts"), note(error.message, "bad"));
    }
  }

  tell() {
    const { total, buckets, by, retention_days: days } = this.figures;
    const csv = query("/v1/statistics.csv", { ...this.asked, by, timezone: this.zone });
    this.drawing = h("figure");
    const people = VERDICTS.reduce((sum, verdict) => sum + total.persons[verdict], 0);
    fill(this.counts,
      h("div", { class: "spread" },
        h("div", {}, h("h2", {}, many(people, "person", "people")), h("p", {}, people ? `${summary(total.persons)}. ` : "Nobody was seen in this time. ", h("span", { class: "muted" }, `Kept for ${many(days, "day")}, then deleted.`))),
        h("a", { class: "button small", href: csv, download: "" }, "Counts as CSV")),
      h("dl", { class: "bigs" },
        h("div", {}, h("dt", {}, "compliant"), h("dd", { class: "value" }, percent(total.compliance.value)), h("dd", {}, interval(total.compliance, "compliance")), h("dd", { class: "more" }, `${span(total.compliance)} with 95 % confidence, ${many(total.compliance.n, "person", "people")} with an answer`)),
        h("div", {}, h("dt", {}, "alarms"), h("dd", { class: "value" }, number(total.violations)), h("dd", { class: "more" }, `${number(total.violations_per_hour.value)} an hour watched (${number(total.violations_per_hour.low)} to ${number(total.violations_per_hour.high)})`)),
        h("div", {}, h("dt", {}, "watched"), h("dd", { class: "value" }, `${number(total.watched_hours)} h`), h("dd", { class: "more" }, "all streams together"))),
      h("div", {}, legend(), this.drawing), h("details", {}, h("summary", {}, "The same as a table"), table(buckets, by)));
    this.drawn = 0;
    this.redraw();
  }

  redraw() {
    const wide = this.drawing?.clientWidth;
    if (!wide || wide === this.drawn) return;
    this.drawn = wide;
    fill(this.drawing, chart(this.figures.buckets, this.figures.by, wide));
  }

  async page() {
    try {
      const { events, next } = await get(query("/v1/events", { ...this.ofEvents, limit: PAGE, after: this.after.at(-1) }), { signal: this.signal });
      this.list(events, next);
    } catch (error) {
      if (error.name !== "AbortError") fill(this.events, h("h2", {}, "Events"), note(error.message, "bad"));
    }
  }

  list(events, next) {
    const csv = query("/v1/events.csv", this.ofEvents);
    const turn = (change) => async () => { change(); await this.page(); this.events.querySelector("h2").focus(); };
    fill(this.events,
      h("div", { class: "spread" }, h("h2", { tabindex: -1 }, this.after.length ? `Events, page ${this.after.length + 1}` : "Events"), h("a", { class: "button small", href: csv, download: "" }, "Events as CSV")),
      events.length ? rows(events) : h("p", { class: "muted" }, "No event fits."),
      h("div", { class: "row" },
        this.after.length ? button("Newer", turn(() => this.after.pop()), "small") : null,
        next ? button("Older", turn(() => this.after.push(next)), "small") : null));
  }
}

function rows(events) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of events" }, h("table", { class: "wide" },
    h("caption", {}, "The newest first"),
    h("thead", {}, h("tr", {}, ["When", "Stream", "Zones", "Kind", "Verdict", "What"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, events.map((event) => h("tr", {}, h("td", {}, h("time", { datetime: event.at }, moment(event.at))), h("td", {}, event.stream), h("td", {}, event.zones.join(", ") || "–"), h("td", {}, event.kind), h("td", {}, badge(event.verdict)), h("td", {}, told(event)))))));
}

/** A moment as a local date field has it. */
function local(ms) {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}
