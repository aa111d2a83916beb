// Numbers rounded as Python does it: what lies in the middle goes to the even neighbour.

/** The nearest whole number. */
export function roundHalfEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * A number with so many decimals, as text.
 *
 * @param {number} value From 0.
 * @param {number} places From 0.
 */
export function fixed(value, places) {
  const text = value.toFixed(places); // exact but in the middle, where it goes up
  const halves = value * 2 ** (places + 1);
  const inTheMiddle = Number.isInteger(halves) && halves % 2 !== 0;
  if (!inTheMiddle || Number(text.at(-1)) % 2 === 0) return text;
  return (value - 10 ** -places / 4).toFixed(places);
}

/** The same as a number. */
export function rounded(value, places) {
  return Number(fixed(value, places));
}
