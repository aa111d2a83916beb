/** Who is told of alarms. */

import { get, post, remove } from "../api.js";
import { button, field, fill, h, note, refill } from "../dom.js";
import { sure } from "./dialogs.js";
import { boxes, form } from "./form.js";

const KINDS = [["violated", "alarms"], ["complied", "put right"], ["appeared", "somebody came"], ["crossed", "a line was crossed"], ["left", "somebody left"]];

export async function alarms(place, signal) {
  const list = h("ul", { class: "items" });
  const trouble = h("div", { "aria-live": "polite" });
  const again = async () => {
    const { alarms: all } = await get("/v1/alarms", { signal });
    refill(list, all.length ? all.map((target) => item(target, again, trouble)) : h("li", { class: "muted" }, "Nobody is told yet; alarms are shown on the page only."));
  };
  const fields = {
    name: field("Who", h("input", { maxlength: 100, autocomplete: "off" }), { hint: "such as Head nurse" }),
    address: field("Address", h("input", { autocomplete: "off", spellcheck: "false" }), { hint: "mailtos://, ntfy://, json://host/path and others of Apprise; it is not shown again" }),
    kinds: boxes("Told of", KINDS, ["violated"]),
  };
  const add = form("Add somebody to be told", fields, "Add", async () => {
    await post("/v1/alarms", { name: fields.name.control.value.trim(), address: fields.address.control.value.trim(), kinds: fields.kinds.values() });
    fields.name.control.value = fields.address.control.value = "";
    await again();
  });
  fill(place, h("h2", { tabindex: -1 }, "Who is told of alarms"), list, trouble, add);
  await again();
}

function item(target, again, trouble) {
  const act = (words, work, kind = "small") => button(words, async () => {
    fill(trouble, h("p", { class: "muted busy" }, "One moment …"));
    try {
      fill(trouble, await work());
    } catch (error) {
      fill(trouble, note(`${target.name}: ${error.message}`, "bad"));
    }
  }, kind, { "aria-label": `${words}: ${target.name}` });
  return h("li", { class: "spread" }, h("div", {}, h("b", {}, target.name), h("p", { class: "muted" }, h("code", {}, target.address), ` ${target.kinds.join(", ")}`)),
    h("div", { class: "row" },
      act("Send a test", async () => {
        const { sent } = await post(`/v1/alarms/${target.id}/test`);
        return note(sent ? `${target.name}: the test was sent.` : `${target.name}: the test could not be sent. Is the address right, and can this machine reach it?`, sent ? "good" : "bad");
      }),
      act("Remove", async () => {
        if (!await sure(`Remove ${target.name}?`, "Alarms are told there no more.", "Remove")) return "";
        await remove(`/v1/alarms/${target.id}`);
        await again();
        return "";
      }, "small danger")));
}
