/** Forms that show a problem next to the field it is about. */

import { fill, h, note } from "../dom.js";

/**
 * @param {string} label for screen readers
 * @param {Object<string, HTMLElement>} fields by the names that the service gives them
 * @param {string} act words of its button
 * @param {() => Promise<void>} send
 */
export function form(label, fields, act, send, ...more) {
  const trouble = h("div", { class: "whole-row" });
  const go = h("button", { class: "main" }, act);
  let isSending = false;
  const submit = async (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true; // not disabled: that would take the focus away
    fill(trouble);
    Object.values(fields).forEach((one) => one.refuse?.(null));
    try {
      await send();
    } catch (error) {
      refuse(error, fields, trouble);
    } finally {
      isSending = false;
    }
  };
  return h("form", { class: "form", "aria-label": label, novalidate: true, on: { submit } }, Object.values(fields), trouble, h("div", { class: "row whole-row" }, go, more));
}

function refuse(error, fields, trouble) {
  const names = Object.keys(fields).filter((name) => fields[name].refuse);
  let placed = names.filter((name) => error.of?.(name));
  for (const name of placed) fields[name].refuse(error.of(name));
  const named = names.find((name) => error.message.startsWith(`${name}:`));
  if (!placed.length && named) {
    fields[named].refuse(error.message);
    placed = [named];
  }
  if (placed.length) fields[placed[0]].control?.focus();
  else fill(trouble, note(error.message, "bad"));
}

/** Several of a few: a group of boxes. */
export function boxes(label, options, chosen) {
  const made = options.map(([value, words]) => h("input", { type: "checkbox", value, checked: chosen.includes(value), "aria-label": words }));
  const group = h("fieldset", {}, h("legend", {}, label), h("div", { class: "checks" }, made.map((box, i) => h("label", {}, box, options[i][1]))));
  group.values = () => made.filter((box) => box.checked).map((box) => box.value);
  return group;
}
