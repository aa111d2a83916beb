/** One picture that was tried: drawn with its verdicts, its faces listed in words, its JSON, and a copy to save. */

import { button, fill, h, say } from "../dom.js";
import { badge } from "../look/badge.js";
import { decided } from "../look/decide.js";
import { draw } from "../look/draw.js";
import { counted, percent, summary } from "../words.js";

const LARGEST_PX = 1920;

/** A picture as it is shown: no larger than a screen, so that many of them fit into memory; null if it cannot be shown. */
export async function shownOf(file) {
  const whole = await createImageBitmap(file).catch(() => null);
  const scale = whole ? LARGEST_PX / Math.max(whole.width, whole.height) : 1;
  if (scale >= 1) return whole;
  const [resizeWidth, resizeHeight] = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * scale)));
  const small = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" }).catch(() => null);
  whole.close();
  return small;
}

export class Picture {
  /** @param {string} name @param {Blob} blob @param {?ImageBitmap} bitmap of `shownOf` */
  constructor(name, blob, bitmap) {
    Object.assign(this, { name, blob, bitmap, result: null, because: null, turn: 0, isClosed: false });
    this.canvas = h("canvas", { role: "img", "aria-label": `${name}, being looked at` });
    this.side = h("div", { class: "faces" });
    this.element = h("article", { class: "card picture" }, h("div", { class: "stage" }, bitmap ? this.canvas : h("p", { class: "muted" }, "This browser cannot show this kind of picture.")), this.side);
    this.sizes = new ResizeObserver(() => this.paint());
    this.sizes.observe(this.canvas);
    this.wait();
  }

  wait() {
    this.turn += 1;
    this.result = this.because = null;
    this.people = [];
    this.paint();
    fill(this.side, h("h2", {}, this.name), h("p", { class: "muted busy" }, "Looking …"));
  }

  /** Nothing could be said. */
  refuse(because) {
    this.because = because;
    this.people = [];
    fill(this.side, h("h2", {}, this.name), h("p", { class: "note bad" }, because));
  }

  /** @param {object} result the one JSON @param {?object} thresholds the reader's; null: as it was answered */
  answer(result, thresholds) {
    this.result = result;
    if (result.error) return this.refuse(result.error);
    this.redecide(thresholds);
  }

  redecide(thresholds) {
    if (!this.result || this.result.error) return;
    const faces = this.result.faces.map((face) => decided(face, thresholds));
    this.people = faces.map((face, i) => ({ ...face, number: i + 1 }));
    this.shown = { ...this.result, faces };
    this.list();
    this.paint();
  }

  get counts() {
    return counted(this.people);
  }

  list() {
    const isOpen = this.side.querySelector("details")?.open ?? false;
    const json = h("pre", { tabindex: 0, "aria-label": `JSON of ${this.name}` });
    const details = h("details", { on: { toggle: () => { json.textContent = details.open ? this.json : ""; } } }, h("summary", {}, "JSON"), json);
    details.open = isOpen;
    fill(this.side,
      h("h2", {}, this.name),
      h("p", { class: "sum" }, this.people.length ? summary(this.counts) : "No face was found."),
      h("ol", { class: "people" }, this.people.map((person) => this.line(person))),
      h("div", { class: "row" }, button("Copy JSON", () => this.copy(), "small"), this.bitmap ? button("Save with boxes", () => this.save(), "small") : null),
      details);
    this.canvas.setAttribute("aria-label", `${this.name}: ${this.people.length ? summary(this.counts) : "no face was found"}`);
  }

  line(person) {
    const because = person.verdict === "uncertain" ? person.uncertain_because : null;
    return h("li", {}, this.bitmap ? this.cut(person.box_xyxy) : null,
      h("div", {}, h("p", { class: "said" }, badge(person.verdict), " ", h("b", {}, percent(person.confidence))),
        because ? h("p", { class: "muted" }, because) : null,
        h("p", { class: "chances", "aria-label": "Probabilities" }, Object.entries(person.probabilities).map(([label, p]) => [h("span", {}, `${label} ${percent(p)}`), " "]))));
  }

  /** The face alone, so that the list is read without searching the picture. */
  cut([x0, y0, x1, y1]) {
    const canvas = h("canvas", { class: "cut", width: 112, height: 112, "aria-hidden": "true" });
    const { scale } = this, side = 1.3 * Math.max(x1 - x0, y1 - y0);
    canvas.getContext("2d").drawImage(this.bitmap, scale * (x0 + x1 - side) / 2, scale * (y0 + y1 - side) / 2, scale * side, scale * side, 0, 0, 112, 112);
    return canvas;
  }

  /** Pixels that are shown of one pixel of the picture, which the boxes are given in. */
  get scale() {
    return this.result?.width ? this.bitmap.width / this.result.width : 1;
  }

  paint() {
    if (!this.bitmap) return;
    const { width, height } = this.bitmap;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    painted(this.canvas, this.bitmap, this.people, this.scale, width / (this.canvas.clientWidth || width));
  }

  get json() {
    return JSON.stringify(this.shown, null, 2);
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.json);
      say("JSON copied");
    } catch {
      say("This browser does not let the page copy; open JSON and copy it from there");
      this.side.querySelector("details").open = true;
    }
  }

  /** The picture in its own size with boxes, made in this browser. */
  async save() {
    const whole = await createImageBitmap(this.blob).catch(() => null);
    if (!whole) return say("The file is not where it was; choose it again");
    const { width, height } = whole;
    const canvas = h("canvas", { width, height });
    painted(canvas, whole, this.people, 1, Math.max(1, Math.max(width, height) / 1000));
    whole.close();
    canvas.toBlob((blob) => {
      const address = URL.createObjectURL(blob);
      h("a", { href: address, download: `${this.name.replace(/\.[^.]+$/, "")}-maskwise.png` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }, "image/png");
  }

  close() {
    this.isClosed = true;
    this.sizes.disconnect();
    this.bitmap?.close();
    this.element.remove();
  }
}

function painted(canvas, bitmap, people, scale, unit) {
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  draw(context, people, scale, unit);
}
