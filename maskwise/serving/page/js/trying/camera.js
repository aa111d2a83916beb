/** The browser's own camera, looked at a few times a second; pictures go to the check and nowhere else. */

import { button, fill, h, note, say } from "../dom.js";
import { badge } from "../look/badge.js";
import { decided } from "../look/decide.js";
import { draw } from "../look/draw.js";
import { counted, percent, summary } from "../words.js";

const WIDEST_PX = 960;
const APART_MS = 250;

const REFUSALS = {
  NotAllowedError: "The browser may not use the camera. Allow it in the address bar, then start again.",
  NotFoundError: "There is no camera at this device.",
  NotReadableError: "The camera is used by another program.",
};

export class Camera {
  /**
   * @param {(canvas: HTMLCanvasElement) => Promise<object>} check a picture to its result
   * @param {() => ?object} thresholds that the reader chose
   * @param {() => void} closed
   */
  constructor(check, thresholds, closed) {
    Object.assign(this, { check, thresholds, closed, stream: null, times: [], isOver: false });
    this.video = h("video", { muted: true, playsinline: true, "aria-label": "Picture of your camera" });
    this.drawn = h("canvas", { class: "over", "aria-hidden": "true" });
    this.still = h("canvas");
    this.rate = h("p", { class: "muted" });
    this.sum = h("p", { class: "sum" }, "Starting …");
    this.list = h("ol", { class: "people" });
    this.trouble = h("div");
    this.element = h("article", { class: "card picture" },
      h("div", { class: "stage" }, this.mirror = h("div", { class: "live" }, this.video, this.drawn)),
      h("div", { class: "faces" }, h("h2", {}, "Your camera"), this.sum, this.list, this.rate, this.trouble, h("div", { class: "row" }, button("Stop the camera", () => this.stop(), "small"))));
  }

  async start() {
    if (!navigator.mediaDevices) return this.refuse("Browsers give the camera to pages of this machine and of https addresses only.");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: "user" }, audio: false });
      if (this.isOver) return ended(stream); // closed while the browser asked whether it may
      this.stream = stream;
    } catch (error) {
      return this.refuse(REFUSALS[error.name] ?? error.message);
    }
    const [track] = this.stream.getVideoTracks();
    track.addEventListener("ended", () => this.refuse("The camera was unplugged, or the browser took it back. Start it again."));
    // Whoever looks at themselves expects a mirror; what is checked is the picture as it is.
    this.isMirrored = track.getSettings().facingMode !== "environment";
    this.mirror.classList.toggle("mirrored", this.isMirrored);
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {}); // stopped before it began
    say("The camera runs");
    this.turn();
  }

  refuse(because) {
    ended(this.stream);
    this.stream = null;
    fill(this.list);
    fill(this.sum, "No picture");
    fill(this.trouble, note(because, "bad"));
  }

  /** Look, show, wait for the next turn; one picture at a time. */
  async turn() {
    while (this.stream) {
      await seen();
      if (!this.stream) return;
      const began = performance.now();
      try {
        this.show(await this.check(this.frame()));
        if (!this.stream) return;
        this.times = [...this.times, [began, performance.now()]].slice(-8);
        fill(this.trouble);
      } catch (error) {
        if (!this.stream) return;
        fill(this.trouble, note(error.message, "bad"));
        await pause(1000 * (error.retryAfterS ?? 2));
      }
      await pause(Math.max(0, APART_MS - (performance.now() - began)));
    }
  }

  frame() {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, WIDEST_PX / videoWidth);
    Object.assign(this.still, { width: Math.round(videoWidth * scale), height: Math.round(videoHeight * scale) });
    this.still.getContext("2d").drawImage(this.video, 0, 0, this.still.width, this.still.height);
    return this.still;
  }

  show(result) {
    if (!this.stream) return;
    if (result.error) throw new Error(result.error);
    const people = result.faces.map((face, i) => ({ ...decided(face, this.thresholds()), number: i + 1 }));
    Object.assign(this.drawn, { width: result.width, height: result.height });
    const boxes = this.isMirrored ? people.map((person) => ({ ...person, box_xyxy: flipped(person.box_xyxy, result.width) })) : people;
    draw(this.drawn.getContext("2d"), boxes, 1, result.width / (this.drawn.clientWidth || result.width));
    fill(this.sum, people.length ? summary(counted(people)) : "No face is in sight.");
    fill(this.list, people.map((person) => h("li", {}, h("p", { class: "said" }, badge(person.verdict), " ", h("b", {}, percent(person.confidence)), person.uncertain_because ? h("span", { class: "muted" }, ` ${person.uncertain_because}`) : null))));
    this.tell();
  }

  tell() {
    if (this.times.length < 2) return;
    const took = this.times.reduce((sum, [from, to]) => sum + to - from, 0) / this.times.length;
    const rate = (this.times.length - 1) / ((this.times.at(-1)[0] - this.times[0][0]) / 1000);
    this.rate.textContent = `${rate.toFixed(1)} checks a second, ${Math.round(took)} ms each`;
  }

  stop() {
    if (this.stream) say("The camera is off");
    this.isOver = true;
    ended(this.stream);
    this.stream = null;
    this.video.srcObject = null;
    this.element.remove();
    this.closed();
  }
}

/** A canvas as a JPEG. */
export const jpeg = (canvas) => new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.85); });

function ended(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

const flipped = ([x0, y0, x1, y1], width) => [width - x1, y0, width - x0, y1];

/** Once somebody looks at the page: nobody needs answers that are not seen. */
const seen = () => new Promise((done) => {
  if (document.hidden) document.addEventListener("visibilitychange", done, { once: true });
  else done();
});

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
