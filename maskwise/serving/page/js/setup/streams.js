/** Streams: added, changed, paused, removed. */

import { get, patch, post, remove } from "../api.js";
import { button, field, fill, h, note, refill, say, select } from "../dom.js";
import { feed } from "../live/feed.js";
import { many } from "../words.js";
import { dialog, sure } from "./dialogs.js";
import { boxes, form } from "./form.js";
import { draw } from "./zones.js";

const VIOLATIONS = [["unmasked", "no mask"], ["incorrect", "worn incorrectly"]];
const BLURS = [["all", "every face"], ["unmasked", "faces without a mask"], ["none", "no face"]];
const SMALLEST = [["40", "40 pixels: near"], ["24", "24 pixels: farther"], ["16", "16 pixels: far, takes more time"]];

export async function streams(place, signal) {
  const list = h("ul", { class: "items" });
  const trouble = h("div");
  let shown = new Map();
  const again = async () => {
    const { streams: all } = await get("/v1/streams", { signal });
    shown = new Map(all.map((stream) => [stream.id, stateOf(stream)]));
    refill(list, all.length ? all.map((stream) => item(stream, again, trouble)) : h("li", { class: "muted" }, "None yet: add the first one."));
  };
  fill(place, h("div", { class: "spread" }, h("h2", { id: "streams", tabindex: -1 }, "Cameras and streams"), button("Add a stream", () => edit(null, again), "main")), trouble, list);
  await again();
  feed.addEventListener("stream", ({ detail }) => {
    if (shown.get(detail.id) === stateOf(detail)) return;
    shown.set(detail.id, stateOf(detail)); // asked for once, whatever comes of it
    again().catch(() => {});
  }, { signal });
  feed.addEventListener("gone", () => again().catch(() => {}), { signal });
}

const stateOf = ({ name, state, because, paused }) => JSON.stringify([name, state, because, paused]);

function item(stream, again, trouble) {
  const act = (words, work, kind = "small") => button(words, async () => {
    try {
      await work();
      fill(trouble);
      await again();
    } catch (error) {
      fill(trouble, note(error.message, "bad"));
    }
  }, kind, { "aria-label": `${words}: ${stream.name}` });
  const { zones, lines } = stream.how;
  return h("li", {}, h("div", { class: "spread" },
    h("div", {}, h("b", {}, stream.name), " ", h("span", { class: "pill" }, stream.state), h("p", { class: "muted" }, `${stream.source}; ${many(zones.length, "zone")}, ${many(lines.length, "line")}; alarm after ${stream.how.after_s} s`), stream.because ? h("p", { class: "muted" }, stream.because) : null),
    h("div", { class: "row" }, button("Zones and lines", () => draw(stream, again), "small", { "aria-label": `Zones and lines: ${stream.name}` }), button("Change", () => edit(stream, again), "small", { "aria-label": `Change: ${stream.name}` }),
      act(stream.paused ? "Resume" : "Pause", () => patch(`/v1/streams/${stream.id}`, { paused: !stream.paused })),
      act("Remove", async () => {
        if (await sure(`Remove ${stream.name}?`, "It is watched no more, and its zones are gone. What was counted stays until its time is over.", "Remove it")) await remove(`/v1/streams/${stream.id}`);
      }, "small danger"))));
}

async function edit(stream, again) {
  const how = stream?.how ?? { looks_per_s: 10, min_face_px: 40, operating_point: null, violations: ["unmasked", "incorrect"], after_s: 3, blur: "all" };
  const points = await get("/v1/models").then(({ models }) => Object.keys(models[0].operating_points)).catch(() => []);
  const fields = {
    name: field("Name", h("input", { required: true, maxlength: 100, value: stream?.name ?? "", autocomplete: "off" }), { hint: "as alarms call it, such as Main entrance" }),
    source: field("Source", h("input", { required: !stream, value: "", placeholder: stream ? stream.source : "", autocomplete: "off", spellcheck: "false" }), { hint: stream ? "empty: as it is; passwords are never shown" : "camera:0, rtsp://user:password@10.0.0.5/stream, or a file of the media folder" }),
    looks_per_s: field("Looks a second", h("input", { type: "number", min: 0.5, max: 30, step: 0.5, value: how.looks_per_s })),
    min_face_px: field("Smallest face", select(SMALLEST, String(how.min_face_px))),
    operating_point: field("Operating point", select([["", "the service’s own"], ...points.map((name) => [name, name])], how.operating_point ?? "")),
    after_s: field("Alarm after, seconds", h("input", { type: "number", min: 0, max: 3600, step: 0.5, value: how.after_s })),
    blur: field("Blurred in pictures", select(BLURS, how.blur), { hint: "viewers never see a face" }),
    violations: boxes("What counts as a violation", VIOLATIONS, how.violations),
  };
  const value = (name) => fields[name].control.value;
  const send = async () => {
    const asked = {
      name: value("name").trim(), looks_per_s: Number(value("looks_per_s")), min_face_px: Number(value("min_face_px")), operating_point: value("operating_point") || null,
      after_s: Number(value("after_s")), blur: value("blur"), violations: fields.violations.values(),
    };
    const source = value("source").trim();
    if (!stream || source) asked.source = source;
    await (stream ? patch(`/v1/streams/${stream.id}`, asked) : post("/v1/streams", asked));
    made.close();
    say(stream ? "Changed" : `${asked.name} is added`);
    await again();
  };
  const made = dialog(stream ? `Change ${stream.name}` : "Add a stream", form("Stream", fields, stream ? "Save" : "Add", send, button("Cancel", () => made.close())));
}
