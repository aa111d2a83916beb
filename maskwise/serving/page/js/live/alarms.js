/** The alarm banner: over every view and window, spoken at once, there until somebody says that it was seen. */

import { get, now, query } from "../api.js";
import { button, fill, h, say } from "../dom.js";
import { sign } from "../look/badge.js";
import { titled } from "../title.js";
import { many, when } from "../words.js";
import { feed } from "./feed.js";
import { ring } from "./sound.js";

/** Shown at once; kept at all; and of how many it is remembered that they were raised. */
const MOST = 2, KEPT = 500, KNOWN = 1000;
/** Tries in vain after which it is said that no alarm can come. */
const TRIES = 2;
const MARGIN_MS = 5_000;

let open = [], known = [];
let lostMs = 0, isDeaf = false, isWatching = false;

/** Follow the service's events; once is enough. */
export function watch() {
  if (!isWatching) {
    feed.addEventListener("event", ({ detail }) => raise([detail]));
    feed.addEventListener("state", ({ detail }) => connection(detail));
  }
  isWatching = true;
  feed.open();
}

/** Nobody is here to be told. */
export function rest() {
  feed.close();
  open = [];
  known = [];
  lostMs = 0;
  isDeaf = false;
  draw();
}

const key = ({ id, at }) => `${id} ${at}`;

/** @param {Array} events the newest first */
function raise(events) {
  const fresh = events.filter((event) => event.kind === "violated" && !known.includes(key(event)));
  if (!fresh.length) return;
  known = [...fresh.map(key), ...known].slice(0, KNOWN);
  open = [...fresh, ...open].slice(0, KEPT);
  ring();
  const more = fresh.length - 1;
  document.getElementById("alert").textContent = `Alarm: ${words(fresh[0])}${more ? `, and ${more} more` : ""}`; // the newest alone is spoken
  draw();
}

/** Without a connection nothing is heard; what was missed meanwhile is asked for afterwards. */
function connection({ on, waitS }) {
  if (on) {
    if (isDeaf) say("Connected to the service again");
    if (lostMs) missed(lostMs);
    lostMs = 0;
    isDeaf = false;
  } else if (waitS) {
    lostMs ||= now();
    ended();
    if (feed.tries >= TRIES && !isDeaf) {
      isDeaf = true;
      say("No connection to the service: no alarm can come");
    }
  }
  draw();
}

async function missed(sinceMs) {
  const since = new Date(sinceMs - MARGIN_MS).toISOString();
  const { events } = await get(query("/v1/events", { kind: "violated", since })).catch(() => ({ events: [] }));
  raise(events);
}

/** A socket does not say why it was refused: a session may have come to its end. */
async function ended() {
  const session = await get("/v1/session").catch(() => null);
  if (session && !session.signed_in) dispatchEvent(new Event("maskwise-signed-out"));
}

function draw() {
  const place = document.getElementById("alarms");
  const held = place.contains(document.activeElement);
  const more = open.length - MOST;
  place.hidden = !open.length && !isDeaf;
  titled({ alarms: open.length });
  fill(place,
    isDeaf ? h("p", {}, "No connection to the service: no alarm can come. Trying again …") : null,
    open.length ? h("ul", {}, open.slice(0, MOST).map(line)) : null,
    open.length > 1 ? h("div", { class: "row" }, more > 0 ? h("span", {}, `and ${many(more, "earlier one", "earlier ones")}`) : null, button(`Acknowledge all ${open.length}`, () => seen(open), "small")) : null);
  if (held) (place.querySelector("button") ?? place.closest("dialog")?.querySelector("h2") ?? document.getElementById("view")).focus();
}

const where = (event) => [event.stream, ...event.zones].join(", ");
const what = (event) => `person ${event.person} ${event.verdict}, ${when(event.at)}`;
const words = (event) => `${where(event)}: ${what(event)}`;

function line(event) {
  return h("li", {}, sign(event.verdict), h("p", {}, h("b", {}, `Alarm: ${where(event)}`), " ", h("span", {}, what(event))),
    button("Acknowledge", () => seen([event]), "small", { "aria-label": `Acknowledge the alarm of ${event.stream}, ${when(event.at)}` }));
}

function seen(events) {
  document.getElementById("alert").textContent = "";
  open = open.filter((event) => !events.includes(event));
  draw();
  say(open.length ? `${open.length} more` : "Acknowledged");
}
