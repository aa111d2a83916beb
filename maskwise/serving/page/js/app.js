/** The page: who is here, which view, which colours, and alarms wherever one is. */

import { button, fill, h, note } from "./dom.js";
import { keep, kept } from "./kept.js";
import { named, show } from "./router.js";
import { isIn, load, session, signOut } from "./session.js";

const AGAIN_MS = 10_000;
const THEMES = { system: "as the system", light: "light", dark: "dark" };

themes();
addEventListener("hashchange", () => route());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view, not the place on the page
  document.getElementById("view").focus();
});
addEventListener("maskwise-signed-out", () => { if (isIn()) begin(); }); // several requests may be refused at once
addEventListener("maskwise-signed-in", () => begin());
addEventListener("maskwise-account", () => account());
let again = null;
begin(true);

/** Find out who is here, then show what they may see. */
async function begin(first = false) {
  clearTimeout(again);
  try {
    await load();
  } catch (error) {
    absent(error);
    again = setTimeout(begin, AGAIN_MS); // at a wall screen nobody presses anything
    return;
  }
  const shown = route(first);
  const { rest, watch } = await import("./live/alarms.js"); // a view that takes its time keeps no alarm back
  isIn() ? watch() : rest();
  await shown;
}

function absent(error) {
  const view = document.getElementById("view");
  if (view.querySelector(".absent")) return;
  fill(view, h("div", { class: "view absent" }, h("h1", {}, "The service does not answer"), h("p", {}, error.message), h("div", { class: "row" }, button("Try again", () => begin(), "main"))));
}

function route(first = false) {
  return show(isIn() ? named() : "signin", first);
}

function account() {
  document.getElementById("tabs").hidden = !isIn();
  const { name, role, open } = session();
  const out = button("Sign out", async () => {
    try {
      await signOut();
      begin();
    } catch (error) {
      document.getElementById("view").prepend(note(`You are still signed in. ${error.message}`, "bad"));
    }
  }, "quiet");
  fill(document.getElementById("who"), isIn() ? h("span", { class: "name" }, open ? "this machine" : `${name}, ${role}`) : null, isIn() && !open ? out : null);
}

function themes() {
  const place = document.getElementById("theme");
  const use = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const words = `Colours: ${THEMES[theme]}`;
    place.querySelector(".words").textContent = words;
    place.setAttribute("aria-label", words); // a phone shows the half disc alone
    keep("theme", theme);
  };
  let now = kept("theme", "system");
  use(Object.hasOwn(THEMES, now) ? now : "system");
  place.addEventListener("click", () => {
    const names = Object.keys(THEMES);
    now = names[(names.indexOf(now) + 1) % names.length];
    use(now);
  });
}
