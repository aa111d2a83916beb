/** Two soft tones for an alarm; off until somebody switches it on, as browsers and patients want it. */

import { keep, kept } from "../kept.js";

let context = null;

export const isOn = () => kept("sound", "off") === "on";

/** To be called from a click: browsers let no page make a sound by itself. */
export function use(on) {
  keep("sound", on ? "on" : "off");
  if (on) ring();
}

export function ring() {
  if (!isOn()) return;
  context ??= new AudioContext();
  context.resume();
  for (const [start, pitch] of [[0, 660], [0.22, 880]]) tone(context.currentTime + start, pitch);
}

function tone(at, pitch) {
  const source = context.createOscillator(), loud = context.createGain();
  source.frequency.value = pitch;
  loud.gain.setValueAtTime(0, at);
  loud.gain.linearRampToValueAtTime(0.25, at + 0.02);
  loud.gain.exponentialRampToValueAtTime(0.001, at + 0.35);
  source.connect(loud).connect(context.destination);
  source.start(at);
  source.stop(at + 0.4);
}
