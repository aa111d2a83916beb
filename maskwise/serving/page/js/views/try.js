/** Try: pictures dropped, chosen, pasted, or from the camera; answered at once, stored nowhere. */

import { get } from "../api.js";
import { button, field, fill, h, note, say, select, toggle } from "../dom.js";
import { byService, inBrowser } from "../trying/checking.js";
import { Camera, jpeg } from "../trying/camera.js";
import { Picture } from "../trying/picture.js";
import { counted, number, percent, summary } from "../words.js";

export const title = "Try it on a picture";
export const lead = "Every face, how its mask is worn, and how sure that is. Pictures are looked at and forgotten: nothing is stored.";

const AT_ONCE = 2;
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
    Object.assign(this, { root, signal, pictures: [], waiting: [], busy: 0, camera: null, inside: null, confidence: null, points: {} });
    signal.addEventListener("abort", () => this.clear());
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
    await this.learn();
  }

  options() {
    this.point = select([["", "the service’s own"]], "", { on: { change: () => { this.rest(); this.again(); } } });
    this.slider = h("input", { type: "range", min: 0, max: 0.99, step: 0.01, on: { input: () => this.slide(Number(this.slider.value)) } });
    this.value = h("output", { class: "value" });
    this.reset = button("as calibrated", () => this.rest(), "link");
    const slider = field("Confidence asked for", this.slider, { hint: "Under it, the answer is uncertain." });
    slider.querySelector("label").append(" ", this.value);
    slider.append(this.reset);
    this.inside_ = toggle("Keep pictures in this browser", false, (on) => this.keep(on));
    return h("form", { class: "options card", "aria-label": "How to decide", on: { submit: (event) => event.preventDefault() } },
      field("Operating point", this.point, { hint: "What the thresholds were chosen for." }), slider,
      h("div", { class: "field" }, this.inside_, this.insideHint = h("p", { class: "hint" }, "The model comes to the browser, once; pictures then never leave it.")));
  }

  /** What the model offers. */
  async learn() {
    try {
      const { models } = await get("/v1/models", { signal: this.signal });
      const [model] = models;
      this.points = model.operating_points;
      this.usual = model.operating_point ?? "balanced";
      fill(this.point, Object.keys(this.points).map((name) => h("option", { value: name, selected: name === this.usual }, POINTS[name] ?? name)));
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
    return this.points[this.point.value || this.usual]?.thresholds ?? { confidence: 0.6, masked_from: null };
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
    const others = given.filter((file) => !file.type.startsWith("image/"));
    fill(this.trouble, others.length ? note(`Not a picture: ${others.map((file) => file.name).join(", ")}`, "bad") : null);
    for (const file of given.filter((file) => file.type.startsWith("image/"))) {
      const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
      if (this.signal.aborted) return;
      const picture = new Picture(file.name || "pasted picture", file, bitmap);
      this.pictures.unshift(picture);
      this.list.prepend(picture.element);
      this.ask(picture);
    }
  }

  ask(picture) {
    this.waiting.push(picture);
    this.next();
  }

  again() {
    for (const picture of this.pictures) {
      picture.wait();
      this.ask(picture);
    }
  }

  async next() {
    if (this.busy >= AT_ONCE || !this.waiting.length) return;
    this.busy += 1;
    const picture = this.waiting.shift();
    try {
      picture.answer(await this.check(picture.blob), this.wished);
    } catch (error) {
      if (error.status === 429) setTimeout(() => this.ask(picture), 1000 * (error.retryAfterS ?? 1));
      else if (error.name !== "AbortError") picture.refuse(error.message);
    }
    this.busy -= 1;
    this.summarise();
    this.next();
  }

  check(blob) {
    if (!this.inside) return byService(blob, { operating_point: this.point.value, signal: this.signal });
    return this.within(blob);
  }

  async within(picture) {
    const check = await this.inside;
    return check(picture, { operatingPoint: this.point.value || null, give: true });
  }

  summarise() {
    const done = this.pictures.filter((picture) => picture.result && !picture.result.error);
    this.place.classList.toggle("compact", this.pictures.length > 0 || this.camera !== null);
    if (!this.pictures.length) return fill(this.sum);
    const faces = done.flatMap((picture) => picture.people);
    const left = this.pictures.filter((picture) => !picture.result && !picture.because).length;
    if (this.pictures.length === 1 && !left) fill(this.sum, h("p", { class: "sum" }, faces.length ? summary(counted(faces)) : done.length ? "No face was found." : ""));
    else fill(this.sum, h("p", { class: "sum" }, left ? `Looking at ${left} more …` : `${this.pictures.length} pictures: ${summary(counted(faces))}`));
    this.sum.append(button("Clear", () => this.clear(), "link"));
  }

  async keep(on) {
    if (!on) {
      this.inside = null;
      this.insideHint.textContent = "Pictures are sent to the service, looked at and forgotten.";
      return;
    }
    this.insideHint.textContent = "The model is coming …";
    this.inside = inBrowser((progress) => { this.insideHint.textContent = `The model is coming: ${progressed(progress)}`; });
    try {
      await this.inside;
      this.insideHint.textContent = "Pictures stay in this browser.";
      say("Pictures now stay in this browser");
    } catch (error) {
      this.inside = null;
      this.inside_.querySelector("input").checked = false;
      this.insideHint.textContent = `Not here: ${error.message}. Pictures are sent to the service.`;
    }
  }

  film() {
    if (this.camera) return;
    const check = async (canvas) => (this.inside ? this.within(await createImageBitmap(canvas)) : byService(await jpeg(canvas), { operating_point: this.point.value, signal: this.signal }));
    this.camera = new Camera(check, () => this.wished, () => { this.camera = null; this.starts.disabled = false; this.starts.focus(); this.summarise(); });
    this.starts.disabled = true;
    this.list.before(this.camera.element);
    this.camera.start();
    this.summarise();
  }

  clear() {
    this.camera?.stop();
    for (const picture of this.pictures) picture.close();
    this.pictures = [];
    this.waiting = [];
    this.summarise();
  }
}

function progressed(progress) {
  return progress.total ? `${percent(progress.loaded / progress.total, 0)} of ${number(progress.total / 1e6)} MB` : `${number(progress.loaded / 1e6)} MB`;
}
