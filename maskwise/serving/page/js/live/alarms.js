/** The alarm banner: over every view, spoken at once, there until somebody says that it was seen. */

import { button, fill, h, say } from "../dom.js";
import { sign } from "../look/badge.js";
import { clock } from "../words.js";
import { feed } from "./feed.js";
import { ring } from "./sound.js";

const MOST = 4;

let open = [];
let watching = false;

/** Follow the service's events; once is enough. */
export function watch() {
  feed.open();
  if (watching) return;
  watching = true;
  feed.addEventListener("event", ({ detail }) => { if (detail.kind === "violated") raise(detail); });
}

/** Nobody is here to be told. */
export function rest() {
  feed.close();
  open = [];
  draw();
}

function raise(event) {
  open = [event, ...open];
  ring();
  document.getElementById("alert").textContent = `Alarm: ${words(event)}`; // the newest alone is spoken
  draw();
}

function draw() {
  const place = document.getElementById("alarms");
  const held = place.contains(document.activeElement);
  place.hidden = !open.length;
  const more = open.length - MOST;
  fill(place,
    h("ul", {}, open.slice(0, MOST).map(line)),
    open.length > 1 ? h("div", { class: "row" }, more > 0 ? `and ${more} more` : null, button(`Acknowledge all ${open.length}`, () => seen(open), "small")) : null);
  if (!held) return;
  (place.querySelector("button") ?? document.getElementById("view")).focus();
}

const where = (event) => [event.stream, ...event.zones].join(", ");
const what = (event) => `person ${event.person} ${event.verdict}, ${clock(event.at)}`;
const words = (event) => `${where(event)}: ${what(event)}`;

function line(event) {
  return h("li", {}, h("span", {}, sign(event.verdict), `Alarm: ${where(event)}`), h("span", {}, what(event)),
    button("Acknowledge", () => seen([event]), "small", { "aria-label": `Acknowledge the alarm of ${event.stream}, ${clock(event.at)}` }));
}

function seen(events) {
  document.getElementById("alert").textContent = "";
  open = open.filter((event) => !events.includes(event));
  draw();
  say(open.length ? `${open.length} more` : "Acknowledged");
}
