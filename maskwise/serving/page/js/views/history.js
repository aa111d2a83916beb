/** History: what was counted, hour by hour or day by day, and the events behind it. */

import { get, now, query } from "../api.js";
import { button, field, fill, h, note, select } from "../dom.js";
import { badge } from "../look/badge.js";
import { Charts, interval } from "../look/chart.js";
import { lasted, many, moment, number, percent, span, summary, told, VERDICTS } from "../words.js";

export const title = "History";
export const lead = "Counts and events only: no picture is kept, so there is none to look back at.";

const KINDS = ["appeared", "changed", "violated", "complied", "crossed", "left"];
const LAST_YEAR = "9998-12-31T23:59";
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
    this.counts = h("section", { class: "card view", "aria-label": "Counts" });
    this.events = h("section", { class: "card view", "aria-label": "Events" });
    this.charts = new Charts(this.signal);
    fill(this.root, this.filters(), this.counts, this.events);
    await this.load();
  }

  filters() {
    const any = (words, values) => [["", words], ...values.map((value) => [value, value])];
    this.inputs = {
      since: h("input", { type: "datetime-local", max: LAST_YEAR, value: local(now() - DAY_MS) }),
      until: h("input", { type: "datetime-local", max: LAST_YEAR, value: "" }),
      stream: select([["", "every stream"]], ""),
      zone: select([["", "everywhere"]], ""),
      kind: select(any("every kind", KINDS), ""),
      verdict: select(any("every verdict", VERDICTS), ""),
      by: select([["", "fitting"], ["hour", "hours"], ["day", "days"]], ""),
    };
    const { since, until, stream, zone, kind, verdict, by } = this.inputs;
    const form = h("form", { class: "card form filters", "aria-label": "What to show", on: { submit: (event) => { event.preventDefault(); this.load(); }, change: () => this.load() } },
      field("From", since), this.to = field("To", until, { hint: "empty: now" }), this.streamField = field("Stream", stream), field("Zone", zone), field("Events of kind", kind), field("Events with verdict", verdict), field("Steps", by),
      h("fieldset", {}, h("legend", {}, "Period"), h("div", { class: "row" }, [["1 day", 1], ["7 days", 7], ["30 days", 30]].map(([words, days]) => button(words, () => this.last(days), "small")))));
    return form;
  }

  last(days) {
    this.inputs.since.value = local(now() - days * DAY_MS);
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
    const days = (new Date(until || now()) - new Date(since || 0)) / DAY_MS;
    return this.inputs.by.value || (days <= HOURLY_UP_TO ? "hour" : "day");
  }

  /** What is asked for anew is all that is waited for. */
  async load() {
    this.after = [];
    this.loading?.abort();
    this.loading = new AbortController();
    const { since, until } = this.asked;
    const isWrong = until && since && until <= since;
    this.to.refuse(isWrong ? "this is before the start" : null);
    if (!isWrong) await Promise.all([this.choose(), this.count(), this.page()]);
  }

  ask(path, parameters) {
    return get(query(path, parameters), { signal: AbortSignal.any([this.signal, this.loading.signal]) });
  }

  /** Streams and zones to choose from: those there are, and those of which something is remembered in this time. */
  async choose() {
    const { since, until } = this.asked;
    if (this.chosenOf === since + until) return;
    const of = (group) => this.ask("/v1/statistics", { since, until, by: "all", group }).then(({ buckets }) => buckets);
    try {
      const [{ streams }, counted, zones] = await Promise.all([this.ask("/v1/streams", {}), of("stream"), of("zone")]);
      const here = new Set(streams.map(({ id }) => id));
      const gone = counted.filter((bucket) => !here.has(bucket.stream_id));
      offer(this.inputs.stream, [...streams.map(({ id, name }) => [String(id), name]), ...gone.map((bucket) => [String(bucket.stream_id), `${bucket.stream ?? `stream ${bucket.stream_id}`} (removed)`])]);
      offer(this.inputs.zone, zones.map(({ zone }) => [zone, zone]));
      this.streamField.refuse(null);
      this.chosenOf = since + until;
    } catch (error) {
      if (error.name !== "AbortError") this.streamField.refuse(error.message);
    }
  }

  async count() {
    try {
      this.figures = await this.ask("/v1/statistics", { ...this.asked, by: this.by, timezone: this.zone });
      this.tell();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.counts, h("h2", {}, "Counts"), note(error.message, "bad"));
    }
  }

  tell() {
    const { total, buckets, by, retention_days: days } = this.figures;
    const csv = query("/v1/statistics.csv", { ...this.asked, by, timezone: this.zone });
    const people = VERDICTS.reduce((sum, verdict) => sum + total.persons[verdict], 0);
    fill(this.counts,
      h("div", { class: "spread" },
        h("div", {}, h("h2", {}, many(people, "person", "people")), h("p", {}, people ? `${summary(total.persons)}. ` : "Nobody was seen in this time. ", h("span", { class: "muted" }, `Kept for ${many(days, "day")}, then deleted. Times are of ${this.zone}.`))),
        h("a", { class: "button small", href: csv, download: "" }, "Counts as CSV")),
      h("dl", { class: "bigs" },
        h("div", {}, h("dt", {}, "compliant"), h("dd", { class: "value" }, percent(total.compliance.value)), h("dd", {}, interval(total.compliance, "compliance")), h("dd", { class: "more" }, `${span(total.compliance)} with 95 % confidence, ${many(total.compliance.n, "person", "people")} with an answer`)),
        h("div", {}, h("dt", {}, "alarms"), h("dd", { class: "value" }, number(total.violations)), h("dd", { class: "more" }, `${number(total.violations_per_hour.value)} an hour watched (${number(total.violations_per_hour.low)} to ${number(total.violations_per_hour.high)})`)),
        h("div", {}, h("dt", {}, "watched"), h("dd", { class: "value" }, lasted(total.watched_hours)), h("dd", { class: "more" }, "all streams together"))),
      this.charts.element);
    this.charts.show(buckets, by);
  }

  async page() {
    try {
      const { events, next } = await this.ask("/v1/events", { ...this.ofEvents, limit: PAGE, after: this.after.at(-1) });
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

/** Choices after the first one, which stays, and so does what was chosen. */
function offer(list, options) {
  const { value } = list;
  const whole = options.some(([known]) => known === value) || !value ? options : [...options, [value, list.selectedOptions[0].textContent]];
  fill(list, list.options[0], whole.map(([known, words]) => h("option", { value: known }, words)));
  list.value = value;
}

/** A moment as a local date field has it. */
function local(ms) {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}
