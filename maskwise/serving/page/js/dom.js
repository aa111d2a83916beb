/** Elements, built without markup: whatever users named stays text, so it can never become a script. */

const AS_PROPERTY = new Set(["value", "checked", "disabled", "hidden", "selected", "indeterminate", "srcObject", "muted"]);
const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 * @param {string} tag
 * @param {object} attributes `on: {click: f}` listens; null and false leave an attribute out.
 * @param {...(Node|string|number|null|Array)} children
 */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same, of a drawing. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [kind, listen] of Object.entries(value)) element.addEventListener(kind, listen);
    else if (AS_PROPERTY.has(name)) element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The same of a list in which the focus may be: it stays where it was, or goes to the heading when nothing is left. */
export function refill(list, ...children) {
  const within = () => [...list.querySelectorAll("button, a")];
  const at = within().indexOf(document.activeElement);
  fill(list, children);
  if (at < 0) return;
  const now = within();
  (now[Math.min(at, now.length - 1)] ?? list.closest("section")?.querySelector("h2"))?.focus();
}

let running = 0;

/** A name for labels to point at. */
export const fresh = (stem) => `${stem}-${++running}`;

/** A labelled control: label above, hint and error below, tied together for screen readers. */
export function field(label, control, { hint = "", name = "" } = {}) {
  control.id ||= fresh("field");
  const told = h("p", { id: `${control.id}-told`, class: "hint" }, hint);
  const wrong = h("p", { id: `${control.id}-wrong`, class: "wrong", hidden: true });
  if (hint) control.setAttribute("aria-describedby", told.id);
  if (name) control.name = name;
  const whole = h("div", { class: "field" }, h("label", { for: control.id }, label), control, hint ? told : null, wrong);
  whole.control = control;
  whole.refuse = (because) => {
    wrong.hidden = !because;
    wrong.textContent = because ?? "";
    control.setAttribute("aria-describedby", [hint && told.id, because && wrong.id].filter(Boolean).join(" "));
    because ? control.setAttribute("aria-invalid", "true") : control.removeAttribute("aria-invalid");
  };
  return whole;
}

/** A choice of several. @param {Array<[string, string]>} options value and words. */
export function select(options, chosen, attributes = {}) {
  return h("select", attributes, options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
}

/** An on/off switch. */
export function toggle(words, on, change, attributes = {}) {
  const box = h("input", { type: "checkbox", role: "switch", checked: on, ...attributes, on: { change: () => change(box.checked) } });
  return h("label", { class: "switch" }, box, h("span", {}, words));
}

export function button(words, click, kind = "", attributes = {}) {
  return h("button", { type: "button", class: kind, ...attributes, on: { click } }, words);
}

/** Say something to screen readers, politely. */
export function say(words) {
  const place = document.getElementById("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = words; });
}

/** A note on the page; `wrong` stands out. */
export function note(words, kind = "") {
  return h("p", { class: `note ${kind}`, role: kind === "bad" ? "alert" : null }, words);
}
