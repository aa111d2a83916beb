/** Numbers, moments and verdicts in words; the same everywhere. */

export const VERDICTS = ["masked", "incorrect", "unmasked", "uncertain"];

/** What each verdict means, and its sign: shape tells them apart as well as colour does. */
export const MEANING = {
  masked: "nose and mouth covered",
  incorrect: "a mask, but nose or mouth is bare",
  unmasked: "no mask",
  uncertain: "cannot be told",
};
export const SIGNS = { masked: "✓", incorrect: "!", unmasked: "✕", uncertain: "?" };

/** A share: one decimal, more where it would read as all or none, a dash where undefined. */
export function percent(share, decimals = 1) {
  if (share === null || share === undefined) return "–";
  if (share === 0 || share === 1) return `${100 * share}\u00a0%`;
  for (let places = decimals; places <= 3; places++) {
    const text = (100 * share).toFixed(places);
    if (Number(text) > 0 && Number(text) < 100) return `${text}\u00a0%`;
  }
  return share < 0.5 ? "below 0.001\u00a0%" : "above 99.999\u00a0%";
}

/** An interval, rounded outwards, so that it never looks narrower than it is. */
export function span(figure) {
  if (!figure || figure.value === null) return "not defined";
  const low = Math.floor(figure.low * 1000 + 1e-9), high = Math.ceil(figure.high * 1000 - 1e-9);
  const [first, last] = [low, high].map((end) => (end === 0 || end === 1000 ? end / 10 : (end / 10).toFixed(1)));
  return `${first} to ${last}\u00a0%`;
}

const NUMBER = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2 });

/** A number that is no share; large ones without decimals. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  return NUMBER.format(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

export const many = (n, one, more = `${one}s`) => `${number(n)} ${n === 1 ? one : more}`;

const SHORT = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });

/** A whole number in little room. */
export const short = (n) => (n < 10_000 ? String(n) : SHORT.format(n));

/** Hours that something lasted; minutes where there are less than one. */
export function lasted(hours) {
  if (hours >= 1) return `${number(hours)}\u00a0h`;
  return hours > 0 && hours < 1 / 60 ? "less than a minute" : `${Math.round(60 * hours)}\u00a0min`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const WHOLE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const clock = (at) => CLOCK.format(new Date(at));
export const hour = (at) => CLOCK.format(new Date(at)).slice(0, 5);
export const day = (at) => DAY.format(new Date(at));
/** A moment of which mostly the time matters; the day is said where it is not today's. */
export const when = (at) => (day(at) === day(Date.now()) ? clock(at) : `${day(at)}, ${clock(at)}`);
export const moment = (at) => WHOLE.format(new Date(at));

/** "2 with a mask, 1 without, 1 indeterminate" of verdicts; says `worn incorrectly` only where somebody's is. */
export function summary(counts) {
  const parts = [`${counts.masked} with a mask`];
  if (counts.incorrect) parts.push(`${counts.incorrect} worn incorrectly`);
  parts.push(`${counts.unmasked} without`, `${counts.uncertain} indeterminate`);
  return parts.join(", ");
}

/** How many of each verdict. */
export function counted(faces) {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
  for (const face of faces) counts[face.verdict] += 1;
  return counts;
}

/** What an event says, as a sentence. */
export function told(event) {
  const who = `person ${event.person}`;
  const sentences = {
    appeared: `${who} came, ${event.verdict}`,
    changed: `${who}: ${event.was} → ${event.verdict}`,
    violated: `${who} ${event.verdict} for ${number(event.seconds ?? 0)} s`,
    complied: `${who} put it right: ${event.verdict}`,
    crossed: `${who} crossed ${event.line ?? "a line"} ${(event.way ?? "").replace("_", " ")}`,
    left: `${who} left after ${number(event.seconds ?? 0)} s, mostly ${event.verdict}`,
  };
  return sentences[event.kind] ?? `${who}: ${event.kind}`;
}
