/** Which view is shown: the part after # names it. Each view is fetched when it is first asked for. */

import { button, fill, h, note } from "./dom.js";
import { titled } from "./title.js";

const VIEWS = {
  try: () => import("./views/try.js"),
  live: () => import("./views/live.js"),
  history: () => import("./views/history.js"),
  model: () => import("./views/model.js"),
  setup: () => import("./views/setup.js"),
  api: () => import("./views/rest.js"),
  signin: () => import("./views/signin.js"),
};

let leaving = new AbortController();

/**
 * Show a view in place of the one before, which is told to end by its signal.
 * @param {string} name
 * @param {boolean} first the page has just been opened: the focus stays where it is.
 */
export async function show(name, first = false) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const main = document.getElementById("view");
  for (const window_ of document.querySelectorAll("dialog")) window_.close();
  document.body.dataset.view = name;
  mark(name);
  try {
    const view = await VIEWS[name]();
    if (signal.aborted) return;
    const title = h("h1", { tabindex: -1 }, view.title);
    const root = h("div", { class: `view ${name}` });
    fill(main, h("div", { class: "head" }, title, view.lead ? h("p", { class: "lead" }, view.lead) : null), root);
    titled({ view: view.title });
    if (!first) title.focus({ preventScroll: true });
    if (!first) scrollTo(0, 0);
    await view.show(root, signal);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    // Loaded anew as a whole: a part of the page that did not come is not asked for a second time.
    main.append(note(`This view cannot be shown: ${error.message}`, "bad"), button("Try again", () => location.reload(), "main"));
  }
}

/** The view that the address names; the first one if it names none. */
export function named() {
  const name = location.hash.slice(1).split("?")[0];
  return Object.hasOwn(VIEWS, name) ? name : "try";
}

function mark(name) {
  for (const link of document.querySelectorAll("#tabs a")) {
    if (link.getAttribute("href") === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
