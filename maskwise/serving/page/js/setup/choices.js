/** What holds for the whole service: how long things are kept, quiet hours, the operating point. */

import { get, patch, Problem } from "../api.js";
import { field, fill, h, say, select } from "../dom.js";
import { form } from "./form.js";

export async function choices(place, signal) {
  const [settings, { models }] = await Promise.all([get("/v1/settings", { signal }), get("/v1/models", { signal })]);
  const [from, to] = settings.quiet ?? ["", ""];
  const until = h("input", { type: "time", value: to });
  const fields = {
    retention_days: field("Counts and events are kept, days", h("input", { type: "number", min: 1, value: settings.retention_days }), { hint: "then deleted for good" }),
    operating_point: field("Operating point", select([["", "the model’s own"], ...Object.keys(models[0].operating_points).map((name) => [name, name])], settings.operating_point ?? ""), { hint: "what it costs: see Model" }),
    pause_s: field("Pause between messages, seconds", h("input", { type: "number", min: 0, value: settings.pause_s }), { hint: "about one stream, to one address" }),
    quiet: field("Quiet from", h("input", { type: "time", value: from }), { hint: "no messages are sent; both empty: never quiet" }),
    quiet_to: field("Quiet to", until),
  };
  const value = (name) => fields[name].control.value;
  const send = async () => {
    fill(done);
    const quiet = [value("quiet"), until.value];
    if (quiet.includes("") && quiet.join("")) throw new Problem(422, { errors: [{ where: [quiet[0] ? "quiet_to" : "quiet"], what: "give both times, or neither" }] });
    await patch("/v1/settings", {
      retention_days: Number(value("retention_days")), operating_point: value("operating_point") || null, pause_s: Number(value("pause_s")),
      quiet: quiet.includes("") ? null : quiet,
    });
    say("Saved");
    fill(done, "Saved.");
  };
  const done = h("span", { class: "muted" });
  fill(place, h("h2", { id: "choices" }, "Keeping and quiet hours"), form("Settings", fields, "Save", send, done));
}
