/** One stream: its newest picture with verdicts, who is there now, and whether it is well. */

import { patch } from "../api.js";
import { button, fill, h, note } from "../dom.js";
import { tally } from "../look/badge.js";
import { draw } from "../look/draw.js";
import { may } from "../session.js";
import { number, percent, summary } from "../words.js";

const STATES = {
  starting: ["starting", "warn"], connected: ["connected", ""], lost: ["lost", "bad"], frozen: ["frozen", "bad"],
  ended: ["ended", ""], failed: ["failed", "bad"], paused: ["paused", ""],
};
const STEP_PX = 160, WIDEST_PX = 1280;

export class Tile {
  constructor(stream) {
    this.id = stream.id;
    this.canvas = h("canvas", { role: "img" });
    this.word = h("p", {}, "Waiting for the first picture …");
    this.screen = h("div", { class: "screen" }, this.canvas, this.word);
    this.name = h("h2");
    this.state = h("span");
    this.people = h("div");
    this.more = h("p", { class: "muted" });
    this.trouble = h("div");
    this.pause = button("Pause", () => this.turn(), "small");
    this.element = h("article", { class: "card tile" },
      h("header", {}, this.name, this.state), this.screen,
      h("div", { class: "below" }, this.people, this.more, this.trouble, may("operator") ? h("div", { class: "row" }, this.pause) : null));
    this.drawing = false;
    this.hasPicture = false;
    this.update(stream);
  }

  /** How wide its pictures should be, in steps, so that a slow drag of the window asks for few sizes. */
  get width() {
    const wide = (this.screen.clientWidth || 320) * Math.min(devicePixelRatio, 2);
    return Math.min(WIDEST_PX, Math.ceil(wide / STEP_PX) * STEP_PX);
  }

  update(stream) {
    this.stream = stream;
    const [words, kind] = STATES[stream.state] ?? [stream.state, ""];
    const isOn = stream.state === "connected";
    if (this.name.textContent !== stream.name) this.name.textContent = stream.name;
    if (this.state.textContent !== words) fill(this.state, h("span", { class: `pill ${kind}` }, h("span", { class: `dot ${isOn ? "on" : kind ? "off" : ""}`, "aria-hidden": "true" }), words));
    this.screen.classList.toggle("stale", !isOn);
    this.people.hidden = this.more.hidden = !isOn; // who was there before is not who is there now
    const act = stream.paused ? "Resume" : "Pause", named = `${act} ${stream.name}`;
    if (this.pause.getAttribute("aria-label") !== named) fill(this.pause, act).setAttribute("aria-label", named); // it may have the focus
    this.tell();
    this.now(stream.now);
    this.health(stream.health);
  }

  tell() {
    const { state, because } = this.stream;
    const words = state === "connected" ? (this.hasPicture ? "" : "Waiting for the first picture …") : state === "paused" ? "Paused: nothing is looked at." : because || "No picture at the moment.";
    this.word.hidden = !words;
    if (this.word.textContent !== words) this.word.textContent = words;
  }

  now(now) {
    const people = now?.people ?? {};
    const key = JSON.stringify(now);
    if (key === this.key) return;
    this.key = key;
    fill(this.people, h("div", { class: "spread" }, tally(people), h("span", {}, "compliant now ", h("b", {}, percent(now?.compliance, 0)))));
    this.canvas.setAttribute("aria-label", `${this.stream.name}: ${summary({ masked: 0, incorrect: 0, unmasked: 0, uncertain: 0, ...people })}`);
  }

  health(health) {
    if (!health) return;
    const bits = [`${number(health.looks_per_s)} looks a second`, health.latency_ms === null ? "" : `${Math.round(health.latency_ms)} ms behind`, `${number(health.dropped)} dropped`, health.broken ? `${number(health.broken)} broken` : ""];
    this.more.textContent = bits.filter(Boolean).join(" · ");
  }

  /** The newest picture; one that comes while another is drawn is let go. */
  async picture({ head, jpeg }) {
    if (this.drawing || this.stream.state === "paused") return;
    this.drawing = true;
    try {
      const bitmap = await createImageBitmap(jpeg);
      if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) Object.assign(this.canvas, { width: bitmap.width, height: bitmap.height });
      const context = this.canvas.getContext("2d");
      context.drawImage(bitmap, 0, 0);
      const shown = Math.min(this.canvas.clientWidth, this.canvas.clientHeight * bitmap.width / bitmap.height) || bitmap.width;
      draw(context, head.people, bitmap.width / head.width, bitmap.width / shown);
      bitmap.close();
      if (!this.hasPicture) this.screen.style.setProperty("--ratio", `${head.width} / ${head.height}`);
      this.hasPicture = true;
      this.tell();
      this.now(head.now);
    } catch {
      // one that cannot be read, as of a camera that hangs up: the next one comes soon
    } finally {
      this.drawing = false;
    }
  }

  async turn() {
    try {
      this.update(await patch(`/v1/streams/${this.id}`, { paused: !this.stream.paused }));
      fill(this.trouble);
    } catch (error) {
      fill(this.trouble, note(error.message, "bad"));
    }
  }
}
