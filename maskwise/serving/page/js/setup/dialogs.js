/** Windows over the page: the focus stays inside, Escape closes, and it goes back to where it came from. */

import { button, fresh, h } from "../dom.js";

/** @returns {HTMLDialogElement} open, with its name as heading; gone once it is closed. */
export function dialog(title, ...children) {
  const heading = h("h2", { id: fresh("dialog"), tabindex: -1, autofocus: true }, title);
  const made = h("dialog", { "aria-labelledby": heading.id, on: { close: () => { toldOn(document.body); made.remove(); } } }, heading, children);
  document.body.append(made);
  made.showModal();
  toldOn(made);
  return made;
}

/** While a window is open, what lies outside of it can neither be heard nor pressed: what is told comes along. */
function toldOn(place) {
  const told = document.getElementById("told");
  if (place === document.body) document.querySelector(".top").after(told);
  else place.prepend(told);
}

/** Ask before something that cannot be undone. @returns {Promise<boolean>} */
export function sure(question, words, act) {
  return new Promise((done) => {
    let answer = false;
    const yes = button(act, () => { answer = true; made.close(); }, "danger");
    const made = dialog(question, h("p", {}, words), h("div", { class: "row" }, yes, button("Leave it", () => made.close())));
    made.addEventListener("close", () => done(answer));
  });
}
