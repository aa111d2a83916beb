/** Live: a tile for each stream, who is there now, the last hour, and the latest events. */

import { get, now, query } from "../api.js";
import { button, fill, h, note, toggle } from "../dom.js";
import { feed } from "../live/feed.js";
import * as sound from "../live/sound.js";
import { Tile } from "../live/tile.js";
import { sign, tally } from "../look/badge.js";
import { Charts, interval } from "../look/chart.js";
import { may } from "../session.js";
import { lasted, many, number, percent, span, told, VERDICTS, when } from "../words.js";

export const title = "Live";

const LATEST = 30, HOURS = 12, OFTEN_MS = 30_000, WORDS_PX = 120;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export async function show(root, signal) {
  await new Live(root, signal).open();
}

class Live {
  constructor(root, signal) {
    Object.assign(this, { root, signal, tiles: new Map(), blur: "all", events: [] });
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.target.tile.isSeen = entry.isIntersecting;
      this.want();
    });
    this.sizes = new ResizeObserver(() => this.want());
  }

  async open() {
    const { streams } = await get("/v1/streams", { signal: this.signal });
    if (this.signal.aborted) return;
    this.build();
    this.listen();
    this.took(streams);
    this.refresh();
  }

  build() {
    this.conn = h("p", { class: "conn", tabindex: -1 });
    this.bigs = h("dl", { class: "bigs" });
    this.now = h("dd");
    this.share = h("dd", { class: "value" });
    this.hour = h("dd");
    this.alarms = h("dd", { class: "value" });
    fill(this.bigs,
      h("div", {}, h("dt", {}, "in sight now"), this.now),
      h("div", {}, h("dt", {}, "compliant now"), this.share, h("dd", { class: "more" }, "of those with an answer")),
      h("div", {}, h("dt", {}, "compliant, last hour"), this.hour),
      h("div", {}, h("dt", {}, "alarms, last hour"), this.alarms, this.alarmsMore = h("dd", { class: "more" })));
    this.grid = h("div", { class: "tiles" });
    this.log = h("ol", { class: "log", tabindex: 0, "aria-label": "Latest events" });
    this.trend = new Charts(this.signal);
    this.trouble = h("div");
    fill(this.root,
      h("div", { class: "livebar" }, this.conn, this.blurs(), toggle("Sound for alarms", sound.isOn(), sound.use), this.held(), this.wide = button("Full screen", () => this.wall())),
      this.bigs,
      h("div", { class: "watching" }, this.grid,
        h("section", { class: "card events" }, h("h2", {}, "Latest events"), this.log),
        h("section", { class: "card" }, h("h2", {}, `Last ${HOURS} hours`), this.trouble, this.trend.element)));
    this.connection();
  }

  blurs() {
    if (!may("operator")) return h("span", { class: "muted" }, "Faces are blurred");
    return toggle("Blur faces", true, (on) => { this.blur = on ? "all" : "none"; this.want(); });
  }

  /** After the page was loaded anew, as on a wall screen, the browser keeps it silent. */
  held() {
    const words = h("span", { class: "hint", hidden: !sound.isHeld() }, "Click or press a key once: until then the browser keeps this page silent.");
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { words.hidden = true; }, { signal: this.signal });
    return words;
  }

  async wall() {
    await document.documentElement.requestFullscreen().catch((error) => fill(this.trouble, note(`The browser gives no full screen: ${error.message}`, "bad")));
  }

  /** A wall screen that goes dark shows no alarm. Browsers offer this to pages of https and of this machine only. */
  async awake() {
    await this.lock?.release();
    this.lock = document.fullscreenElement && !document.hidden ? await navigator.wakeLock?.request("screen").catch(() => null) : null;
  }

  listen() {
    const { signal } = this;
    const on = (kind, listen) => feed.addEventListener(kind, listen, { signal });
    feed.open();
    on("state", () => this.connection());
    on("stream", ({ detail }) => {
      if (!this.tiles.has(detail.id)) return this.took([...[...this.tiles.values()].map((tile) => tile.stream), detail]);
      this.one(detail);
      this.sum();
    });
    on("gone", ({ detail }) => this.took([...this.tiles.values()].map((tile) => tile.stream).filter((stream) => stream.id !== detail)));
    on("picture", ({ detail }) => this.tiles.get(detail.head.stream)?.picture(detail));
    on("event", ({ detail }) => { this.events = [detail, ...this.events].slice(0, LATEST); this.list(); });
    document.addEventListener("visibilitychange", () => { this.want(); this.refresh(); this.awake(); }, { signal });
    document.addEventListener("fullscreenchange", () => {
      document.documentElement.classList.toggle("wall", Boolean(document.fullscreenElement));
      this.fit();
      this.awake();
    }, { signal });
    addEventListener("resize", () => this.fit(), { signal });
    const timer = setInterval(() => this.refresh(), OFTEN_MS);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      this.seen.disconnect();
      this.sizes.disconnect();
      feed.show({});
      this.lock?.release();
      if (document.fullscreenElement) document.exitFullscreen();
      document.documentElement.classList.remove("wall");
    });
  }

  /** What the service says it watches: new ones get a tile, removed ones lose it. */
  took(streams) {
    const ids = new Set(streams.map((stream) => stream.id));
    for (const [id, tile] of this.tiles) {
      if (ids.has(id)) continue;
      tile.element.remove();
      this.seen.unobserve(tile.screen);
      this.sizes.unobserve(tile.screen);
      this.tiles.delete(id);
    }
    streams.forEach((stream) => this.one(stream));
    this.grid.classList.toggle("one", streams.length === 1);
    this.bigs.hidden = !streams.length;
    this.wide.hidden = !streams.length || !document.fullscreenEnabled;
    if (!streams.length) this.nothing();
    else this.grid.querySelector(".empty")?.remove();
    this.sum();
    this.fit();
    this.want();
  }

  one(stream) {
    const tile = this.tiles.get(stream.id);
    if (tile) {
      tile.update(stream);
      return;
    }
    const made = new Tile(stream);
    made.screen.tile = made;
    this.tiles.set(stream.id, made);
    // By their numbers, so that every screen has them in the same order.
    const after = [...this.tiles.values()].filter(({ id }) => id > stream.id).sort((a, b) => a.id - b.id)[0];
    this.grid.insertBefore(made.element, after?.element ?? null);
    this.seen.observe(made.screen);
    this.sizes.observe(made.screen);
  }

  /** As many columns as make the tiles of a wall screen largest. */
  fit() {
    const n = this.tiles.size, sizes = Array.from({ length: n }, (_, i) => Math.min(innerWidth / (i + 1), (innerHeight / Math.ceil(n / (i + 1)) - WORDS_PX) * 16 / 9));
    this.grid.style.setProperty("--columns", Math.max(1, 1 + sizes.indexOf(Math.max(...sizes))));
  }

  nothing() {
    fill(this.grid, h("div", { class: "card empty" }, h("h2", {}, "No streams yet"),
      h("p", { class: "muted" }, "A camera, the address of a network camera, or a film: each gets a tile here with the people in sight and how they wear their masks."),
      may("admin") ? h("a", { class: "button main", href: "#setup" }, "Add a stream in Set-up") : h("p", {}, "Somebody with the role admin can add one in Set-up.")));
  }

  /** Ask for pictures of tiles that are looked at, as large as they are. */
  want() {
    const shown = document.hidden ? [] : [...this.tiles.values()].filter((tile) => tile.isSeen && !tile.stream.paused);
    const wanted = Object.fromEntries(shown.map((tile) => [tile.id, { width: tile.width, blur: this.blur }]));
    const key = JSON.stringify(wanted);
    if (key !== this.key) feed.show(wanted);
    this.key = key;
  }

  connection() {
    const { on, waitS, because } = feed;
    const held = this.conn.contains(document.activeElement);
    const words = h("span", {}, on ? "Connected" : waitS ? `Connection lost. Trying again within ${Math.ceil(waitS * 1.2)} s. ${because}` : "Connecting …");
    if (held) this.conn.focus();
    fill(this.conn, h("span", { class: `dot ${on ? "on" : "off"}`, "aria-hidden": "true" }), words, on || !waitS ? null : button("Try now", () => feed.connect(), "link"));
    this.root.classList.toggle("off", !on);
  }

  sum() {
    const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, [...this.tiles.values()].reduce((sum, { stream }) => sum + (stream.state === "connected" ? stream.now?.people?.[verdict] ?? 0 : 0), 0)]));
    const decided = counts.masked + counts.incorrect + counts.unmasked;
    const key = JSON.stringify(counts);
    if (key === this.counted) return;
    this.counted = key;
    fill(this.now, tally(counts));
    this.share.textContent = decided ? percent(counts.masked / decided, 0) : "–";
  }

  /** What the socket does not tell: the list of streams, the last hours, the events before. */
  async refresh() {
    if (this.refreshing || document.hidden) return;
    const { signal } = this;
    const ago = (hours) => new Date(now() - hours * 3_600_000).toISOString();
    this.refreshing = true;
    try {
      const [{ streams }, { events }, last, hours] = await Promise.all([
        get("/v1/streams", { signal }), get(query("/v1/events", { limit: LATEST }), { signal }),
        get(query("/v1/statistics", { since: ago(1), by: "all" }), { signal }), get(query("/v1/statistics", { since: ago(HOURS), by: "hour", timezone: ZONE }), { signal })]);
      this.took(streams);
      this.events = events;
      this.list();
      this.figures(last.total);
      this.trend.show(hours.buckets, "hour");
      fill(this.trouble);
    } catch (error) {
      if (error.name !== "AbortError" && feed.on && this.trouble.textContent !== error.message) fill(this.trouble, note(error.message, "bad"));
    } finally {
      this.refreshing = false;
    }
  }

  figures(total) {
    fill(this.hour, h("span", { class: "value" }, percent(total.compliance.value)), interval(total.compliance, "compliance in the last hour"),
      h("span", { class: "more" }, total.compliance.n ? `${span(total.compliance)}, ${many(total.compliance.n, "person", "people")}` : "nobody was seen"));
    this.alarms.textContent = number(total.violations);
    this.alarmsMore.textContent = total.watched_hours ? `in ${lasted(total.watched_hours)} of watching` : "nothing was watched";
  }

  list() {
    fill(this.log, this.events.length ? this.events.map((event) => h("li", { class: event.kind }, h("time", { datetime: event.at }, when(event.at)),
      h("span", {}, event.kind === "left" ? null : sign(event.verdict), event.kind === "violated" ? "Alarm: " : "", told(event)),
      h("span", { class: "where" }, [event.stream, ...event.zones].join(", ")))) : h("li", {}, h("span", { class: "muted" }, "Nothing has happened yet.")));
  }
}
