/** Try: pictures dropped, chosen, pasted, or from the camera; answered at once, stored nowhere. */

import { get } from "../api.js";
import { button, field, fill, h, note, say, select, toggle } from "../dom.js";
import { inUse } from "../look/points.js";
import { byService, inBrowser } from "../trying/checking.js";
import { Camera, jpeg } from "../trying/camera.js";
import { Picture, shownOf } from "../trying/picture.js";
import { counted, many, number, percent, summary } from "../words.js";

export const title = "Try it on a picture";
export const lead = "Every face, how its mask is worn, and how sure that is. Pictures are looked at and forgotten: nothing is stored.";

const AT_ONCE = 2;
/** Pictures that stay on the page, and names that a note has room for. */
const MOST = 24, NAMES = 5;
const POINTS = {
  balanced: "balanced: few mistakes of either kind",
  gate: "gate: nobody passes by mistake",
  statistics: "statistics: shares come out right",
};

export async function show(root, signal) {
  const trying = new Trying(root, signal);
  await trying.open();
}

class Trying {
  constructor(root, signal) {
    Object.assign(this, { root, signal, pictures: [], waiting: [], busy: 0, camera: null, inside: null, here: 0, sent: 0, confidence: null, model: null });
    signal.addEventListener("abort", () => { this.camera?.stop(); this.clear(); });
  }

  async open() {
    this.choose = h("input", { type: "file", accept: "image/*", multiple: true, class: "unseen", tabindex: -1, "aria-label": "Pictures to look at", on: { change: () => { this.take(this.choose.files); this.choose.value = ""; } } });
    this.place = h("div", { class: "drop card" },
      h("p", { class: "big" }, "Drop pictures here"),
      h("p", { class: "muted" }, "or paste one, or"),
      h("div", { class: "row" }, button("Choose pictures", () => this.choose.click(), "main"), this.starts = button("Use the camera", () => this.film())),
      this.choose);
    this.list = h("div", { class: "pictures" });
    this.sum = h("div", { class: "whole", "aria-live": "polite" });
    this.trouble = h("div");
    fill(this.root, this.place, this.options(), this.trouble, this.sum, this.list);
    this.listen();
    this.learnt = this.learn();
    await this.learnt;
  }

  options() {
    this.point = select([["", "the service’s own"]], "", { on: { change: () => { this.rest(); this.again(); } } });
    this.slider = h("input", { type: "range", disabled: true, min: 0, max: 0.99, step: 0.01, on: { input: () => this.slide(Number(this.slider.value)) } });
    this.value = h("output", { class: "value" });
    this.reset = button("as calibrated", () => this.rest(), "link", { hidden: true });
    const slider = field("Confidence asked for", this.slider, { hint: "Under it, the answer is uncertain." });
    slider.querySelector("label").append(" ", this.value);
    slider.append(this.reset);
    this.inside_ = toggle("Keep pictures in this browser", false, (on) => this.keep(on));
    return h("form", { class: "options card", "aria-label": "How to decide", on: { submit: (event) => event.preventDefault() } },
      field("Operating point", this.point, { hint: "What the thresholds were chosen for." }), slider,
      h("div", { class: "field" }, this.inside_, this.coming = h("progress", { class: "coming", max: 1, "aria-label": "The model comes", hidden: true }), this.insideHint = h("p", { class: "hint" }, "The model comes to the browser, once; pictures then never leave it.")));
  }

  /** What the model offers. */
  async learn() {
    try {
      const { models } = await get("/v1/models", { signal: this.signal });
      const [model] = models;
      const usual = inUse(model);
      const own = usual ? null : h("option", { value: "" }, "the model’s own");
      this.model = model;
      fill(this.point, own, Object.keys(model.operating_points).map((name) => h("option", { value: name, selected: name === usual }, POINTS[name] ?? name)));
      this.slider.disabled = false;
      this.rest();
    } catch (error) {
      if (error.name !== "AbortError") fill(this.trouble, note(error.message, "bad"));
    }
  }

  listen() {
    const { signal } = this;
    const over = (event) => { event.preventDefault(); this.place.classList.add("over"); };
    addEventListener("dragover", over, { signal });
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) this.place.classList.remove("over"); }, { signal });
    addEventListener("drop", (event) => {
      event.preventDefault();
      this.place.classList.remove("over");
      this.take(event.dataTransfer.files);
    }, { signal });
    addEventListener("paste", (event) => this.take(event.clipboardData.files), { signal });
  }

  get chosen() {
    return this.model.operating_points[this.point.value]?.thresholds ?? this.model.thresholds;
  }

  /** The thresholds that the reader asks for; null: those that the answer was given with. */
  get wished() {
    return this.confidence === null ? null : { ...this.chosen, confidence: this.confidence };
  }

  rest() {
    this.confidence = null;
    this.slider.value = this.chosen.confidence;
    this.told();
  }

  slide(confidence) {
    this.confidence = confidence;
    this.told();
  }

  told() {
    const value = this.confidence ?? this.chosen.confidence;
    this.value.textContent = percent(value, 0);
    this.slider.setAttribute("aria-valuetext", percent(value, 0));
    this.reset.hidden = this.confidence === null;
    for (const picture of this.pictures) picture.redecide(this.wished);
    this.summarise();
  }

  /** Files, of which those that are no pictures are named. */
  async take(files) {
    const given = [...files];
    if (!given.length) return;
    const pictures = given.filter((file) => file.type.startsWith("image/"));
    const others = given.filter((file) => !file.type.startsWith("image/")).map((file) => file.name);
    fill(this.trouble,
      others.length ? note(`Not a picture: ${others.slice(0, NAMES).join(", ")}${others.length > NAMES ? ` and ${others.length - NAMES} more` : ""}`, "bad") : null,
      pictures.length > MOST ? note(`${MOST} pictures are looked at here at once, ${number(pictures.length - MOST)} were left out. For whole folders there is “maskwise check FOLDER”.`, "warn") : null);
    for (const file of pictures.slice(0, MOST)) {
      const bitmap = await shownOf(file);
      if (this.signal.aborted) return bitmap?.close();
      this.add(new Picture(file.name || "pasted picture", file, bitmap));
    }
  }

  add(picture) {
    this.pictures.unshift(picture);
    for (const old of this.pictures.splice(MOST)) old.close();
    this.list.prepend(picture.element);
    this.ask(picture);
  }

  ask(picture) {
    if (!this.waiting.includes(picture)) this.waiting.push(picture);
    this.next();
  }

  again() {
    if (!this.pictures.length) return;
    for (const picture of this.pictures) {
      picture.wait();
      this.ask(picture);
    }
  }

  async next() {
    this.waiting = this.waiting.filter((picture) => !picture.isClosed);
    if (this.busy >= AT_ONCE || !this.waiting.length) return;
    this.busy += 1;
    const picture = this.waiting.shift(), { turn } = picture;
    const isLate = () => picture.isClosed || picture.turn !== turn; // asked again meanwhile, or gone
    try {
      const result = await this.check(picture.blob);
      if (!isLate()) picture.answer(result, this.wished);
    } catch (error) {
      if (error.status === 429) setTimeout(() => this.ask(picture), 1000 * (error.retryAfterS ?? 1));
      else if (error.name !== "AbortError" && !isLate()) picture.refuse(error.message);
    }
    this.busy -= 1;
    this.summarise();
    this.next();
  }

  /** @param {Blob|HTMLCanvasElement} picture of a file or of the camera */
  async check(picture) {
    if (this.inside) return this.within(picture instanceof Blob ? picture : await createImageBitmap(picture));
    const blob = picture instanceof Blob ? picture : await jpeg(picture);
    if (this.inside) return this.within(blob); // switched on meanwhile
    this.sent += 1;
    return byService(blob, this.point.value, this.signal);
  }

  /** With the operating point that the service would have taken. */
  async within(picture) {
    const [check] = await Promise.all([this.inside, this.learnt]);
    const result = await check(picture, { operatingPoint: this.point.value || null, give: true });
    this.here += 1;
    this.stays();
    return result;
  }

  stays() {
    if (this.inside) this.insideHint.textContent = `Pictures stay in this browser: ${number(this.here)} looked at here, ${this.sent ? number(this.sent) : "none"} sent.`;
  }

  summarise() {
    const done = this.pictures.filter((picture) => picture.result && !picture.result.error);
    this.place.classList.toggle("compact", this.pictures.length > 0 || this.camera !== null);
    if (!this.pictures.length) return fill(this.sum);
    const faces = done.flatMap((picture) => picture.people);
    const left = this.pictures.filter((picture) => !picture.result && !picture.because).length;
    if (this.pictures.length === 1 && !left) fill(this.sum, h("p", { class: "sum" }, faces.length ? summary(counted(faces)) : done.length ? "No face was found." : ""));
    else fill(this.sum, h("p", { class: "sum" }, left ? `Looking at ${left} more …` : `${this.pictures.length} pictures: ${summary(counted(faces))}`));
    this.sum.append(button("Clear", () => { this.clear(); this.place.querySelector("button").focus(); }, "link"));
  }

  async keep(on) {
    Object.assign(this, { inside: null, here: 0, sent: 0 });
    this.coming.hidden = !on;
    this.insideHint.textContent = on ? "The model is coming …" : "Pictures are sent to the service, looked at and forgotten.";
    if (!on) return;
    const loading = inBrowser((progress) => this.comes(progress));
    this.inside = loading;
    const isMeant = () => this.inside === loading; // it may have been switched off again
    try {
      await loading;
      if (!isMeant()) return;
      this.stays();
      say("Pictures now stay in this browser");
    } catch (error) {
      if (!isMeant()) return;
      this.inside = null;
      this.inside_.querySelector("input").checked = false;
      // What was given while they were to stay here is not sent away instead.
      for (const picture of this.waiting.splice(0)) picture.refuse(error.message);
      this.camera?.stop();
      this.insideHint.textContent = `Not here: ${error.message}. Pictures are sent to the service.`;
      say(this.insideHint.textContent);
    } finally {
      if (isMeant() || !this.inside) this.coming.hidden = true;
    }
  }

  comes({ loaded, total }) {
    this.coming.value = loaded / total;
    if (this.inside) this.insideHint.textContent = `The model is coming: ${percent(loaded / total, 0)} of ${number(total / 1e6)} MB`;
  }

  film() {
    if (this.camera) return;
    this.camera = new Camera((canvas) => this.check(canvas), () => this.wished, () => { this.camera = null; this.starts.disabled = false; this.starts.focus(); this.summarise(); });
    this.starts.disabled = true;
    this.list.before(this.camera.element);
    this.camera.start();
    this.summarise();
  }

  clear() {
    for (const picture of this.pictures) picture.close();
    this.pictures = [];
    this.waiting = [];
    this.summarise();
  }
}
