/** Two soft tones for an alarm; off until somebody switches it on, as browsers and patients want it. */

import { keep, kept } from "../kept.js";

/** Several alarms in one moment ring once; what a browser held back is not rung late. */
const APART_MS = 2_000;

let context = null, rungMs = 0;

export const isOn = () => kept("sound", "off") === "on";

/** Whether a browser holds sound back until somebody has clicked or pressed a key. */
export const isHeld = () => isOn() && navigator.userActivation?.hasBeenActive === false;

/** To be called from a click: browsers let no page make a sound by itself. */
export function use(on) {
  keep("sound", on ? "on" : "off");
  rungMs = 0;
  if (on) ring();
}

export async function ring() {
  if (!isOn() || isHeld() || Date.now() - rungMs < APART_MS) return;
  rungMs = Date.now();
  context ??= new AudioContext();
  await context.resume();
  if (Date.now() - rungMs > APART_MS) return;
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
