/** Zones and lines, drawn on a still: with a pointer, or with the keyboard alone. Positions are shares of the picture. */

import { call, patch } from "../api.js";
import { button, field, fill, h, note, s, say } from "../dom.js";
import { dialog } from "./dialogs.js";

const STEP = 0.01, LARGE_STEP = 0.05;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function draw(stream, again) {
  new Drawing(stream, again).open();
}

class Drawing {
  constructor(stream, again) {
    Object.assign(this, { stream, again, chosen: 0 });
    const shapes = (kind, list) => list.map(({ name, corners }) => ({ kind, name, corners: corners.map((corner) => [...corner]) }));
    this.shapes = [...shapes("zone", stream.how.zones), ...shapes("line", stream.how.lines)];
  }

  async open() {
    this.picture = h("img", { alt: "", draggable: "false" });
    this.lines = s("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.handles = h("div");
    this.stage = h("div", { class: "drawing blank", on: { pointerdown: (event) => this.press(event) } }, this.picture, this.lines, this.handles);
    this.list = h("div", { class: "shapes" });
    this.trouble = h("div");
    const made = dialog(`Zones and lines of ${this.stream.name}`,
      h("p", { class: "muted" }, "An alarm is raised inside zones only, or everywhere if there is none. Click on the picture to add a corner, drag corners to move them. With the keyboard: Tab to a corner, arrow keys move it (with Shift further), Delete removes it."),
      this.stage, this.list,
      this.adds = h("div", { class: "row" }, button("Add a zone", () => this.add("zone"), "small"), button("Add a line", () => this.add("line"), "small")),
      this.trouble,
      h("div", { class: "row" }, button("Save", () => this.save(made), "main"), button("Cancel", () => made.close())));
    made.addEventListener("close", () => URL.revokeObjectURL(this.picture.src));
    this.draw();
    await this.still(made);
  }

  async still(made) {
    try {
      const blob = await call("GET", `/v1/streams/${this.stream.id}/still.jpg?width=1280&blur=all`, { accept: "image/jpeg" });
      if (!made.open) return;
      this.picture.src = URL.createObjectURL(blob);
      this.picture.alt = `Still of ${this.stream.name}, faces blurred`;
      this.stage.classList.remove("blank");
    } catch (error) {
      fill(this.trouble, note(`There is no still to draw on: ${error.message}. Zones can be set all the same.`, "warn"));
    }
  }

  add(kind) {
    const corners = kind === "zone" ? [[0.3, 0.3], [0.7, 0.3], [0.7, 0.8], [0.3, 0.8]] : [[0.5, 0.2], [0.5, 0.8]];
    const count = this.shapes.filter((shape) => shape.kind === kind).length + 1;
    this.shapes.push({ kind, name: `${kind} ${count}`, corners });
    this.chosen = this.shapes.length - 1;
    this.draw();
    this.list.querySelector(".chosen input")?.select();
  }

  draw() {
    this.paint();
    fill(this.list, this.shapes.map((shape, i) => this.row(shape, i)));
    this.handle();
  }

  row(shape, i) {
    const name = h("input", { value: shape.name, maxlength: 100, on: { input: () => { shape.name = name.value; }, focus: () => this.choose(i) } });
    return h("div", { class: `row ${i === this.chosen ? "chosen" : ""}` },
      field(`Name of the ${shape.kind}`, name),
      shape.kind === "zone" ? button("Add a corner", () => this.corner(i), "small") : null,
      button("Remove", () => this.away(i), "small danger", { "aria-label": `Remove ${shape.name}` }));
  }

  away(i) {
    this.shapes.splice(i, 1);
    this.chosen = Math.max(0, i - 1);
    this.draw();
    (this.list.querySelector(".chosen input") ?? this.adds.querySelector("button")).focus();
  }

  choose(i) {
    if (i === this.chosen) return;
    this.chosen = i;
    this.paint();
    this.handle();
  }

  paint() {
    const points = (shape) => shape.corners.map(([x, y]) => `${x},${y}`).join(" ");
    fill(this.lines, this.shapes.map((shape, i) => {
      const kind = shape.kind === "zone" ? "polygon" : "polyline";
      return [s(kind, { class: "shape-under", points: points(shape) }), s(kind, { class: `shape ${i === this.chosen ? "chosen" : ""}`, points: points(shape) })];
    }));
  }

  /** Corners of the chosen shape, as buttons: each is reached and moved with keys. */
  handle() {
    const shape = this.shapes[this.chosen];
    fill(this.handles, (shape?.corners ?? []).map((corner, k) => {
      const knob = button(String(k + 1), null, "handle");
      knob.addEventListener("keydown", (event) => this.key(event, k));
      knob.addEventListener("pointerdown", (event) => this.drag(event, k));
      this.put(knob, corner, k);
      return knob;
    }));
  }

  put(knob, [x, y], k) {
    knob.style.setProperty("left", `${100 * x}%`);
    knob.style.setProperty("top", `${100 * y}%`);
    knob.setAttribute("aria-label", `Corner ${k + 1} of ${this.shapes[this.chosen].name}: ${Math.round(100 * x)} % across, ${Math.round(100 * y)} % down`);
  }

  move(k, x, y) {
    const corner = [x, y].map((share) => Math.round(1000 * Math.min(1, Math.max(0, share))) / 1000);
    this.shapes[this.chosen].corners[k] = corner;
    this.put(this.handles.children[k], corner, k);
    this.paint();
  }

  key(event, k) {
    const shape = this.shapes[this.chosen];
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.drop(k);
    }
    const way = MOVES[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const [x, y] = shape.corners[k];
    this.move(k, x + way[0] * step, y + way[1] * step);
    say(this.handles.children[k].getAttribute("aria-label"));
  }

  drop(k) {
    const shape = this.shapes[this.chosen];
    if (shape.kind === "line" || shape.corners.length <= 3) return say(`A ${shape.kind} needs ${shape.kind === "line" ? 2 : 3} corners`);
    shape.corners.splice(k, 1);
    this.paint();
    this.handle();
    this.handles.children[Math.max(0, k - 1)].focus();
  }

  drag(event, k) {
    event.stopPropagation();
    const knob = event.currentTarget;
    knob.setPointerCapture(event.pointerId);
    const move = (moved) => this.move(k, ...this.at(moved));
    knob.addEventListener("pointermove", move);
    knob.addEventListener("lostpointercapture", () => knob.removeEventListener("pointermove", move), { once: true });
  }

  /** Where a pointer is, as shares of the picture. */
  at(event) {
    const box = this.stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  press(event) {
    if (event.button !== 0 || this.shapes[this.chosen]?.kind !== "zone") return;
    this.insert(this.chosen, this.at(event));
  }

  /** One more corner, where the outline passes nearest. */
  insert(i, point) {
    const { corners } = this.shapes[i];
    const detour = corners.map((corner, k) => far(corner, point) + far(point, corners[(k + 1) % corners.length]) - far(corner, corners[(k + 1) % corners.length]));
    const k = detour.indexOf(Math.min(...detour)) + 1;
    corners.splice(k, 0, point.map((share) => Math.round(1000 * share) / 1000));
    this.paint();
    this.handle();
    return k;
  }

  /** One more in the middle of the longest side, for keyboards. */
  corner(i) {
    this.choose(i);
    const { corners } = this.shapes[i];
    const sides = corners.map((corner, k) => far(corner, corners[(k + 1) % corners.length]));
    const k = sides.indexOf(Math.max(...sides)), next = corners[(k + 1) % corners.length];
    this.handles.children[this.insert(i, corners[k].map((share, d) => (share + next[d]) / 2))].focus();
  }

  async save(made) {
    const of = (kind) => this.shapes.filter((shape) => shape.kind === kind).map(({ name, corners }) => ({ name: name.trim(), corners }));
    try {
      await patch(`/v1/streams/${this.stream.id}`, { zones: of("zone"), lines: of("line") });
      made.close();
      say("Zones and lines are saved");
      await this.again();
    } catch (error) {
      fill(this.trouble, note(error.message, "bad"));
    }
  }
}

const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
