// From probabilities to a verdict, as maskwise/model/verdict.py decides, and why in the same words.

import { fixed } from "./rounding.js";

const MASKED = "masked";
const UNCERTAIN = "uncertain";
const MAX_DECIMALS = 6;

/**
 * The verdict on one face.
 *
 * @param {Float32Array} probabilities In the order of the labels.
 * @param {{sidePx: number, sharpness: number, inside: number}} quality What can be seen of it; nan hides no answer.
 * @param {string[]} labels The model's classes.
 * @param {object} thresholds As in the model's card.
 * @returns {{label: string, confidence: number, because: string | null}}
 */
export function decide(probabilities, quality, labels, thresholds) {
  const answer = answerOf(probabilities, labels, thresholds.masked_from);
  const confidence = probabilities[answer];
  const missed = limits(confidence, quality, thresholds).find(({ value, limit }) => value < limit);
  if (!missed) return { label: labels[answer], confidence, because: null };
  const best = argmax(probabilities);
  const because = reason(missed, labels[best], probabilities[best], thresholds);
  return { label: UNCERTAIN, confidence: probabilities[best], because };
}

/** What would be said if something had to be, as a position in the labels. */
function answerOf(probabilities, labels, maskedFrom) {
  const masked = labels.indexOf(MASKED);
  if (maskedFrom === null || masked < 0) return argmax(probabilities);
  if (probabilities[masked] >= maskedFrom) return masked;
  return argmax(probabilities.map((p, i) => (i === masked ? -1 : p)));
}

function argmax(values) {
  return values.indexOf(Math.max(...values));
}

/** What is measured, what it must reach, and how to say that it does not; what can be seen comes first. */
function limits(confidence, { sidePx, sharpness, inside }, thresholds) {
  return [
    { value: sidePx, limit: thresholds.min_face_px, decimals: 0, say: (a, b) => `face of ${a} px is under ${b} px` },
    {
      value: sharpness, limit: thresholds.min_sharpness, decimals: 2,
      say: (a, b) => `face is blurred: sharpness ${a} is under ${b}`,
    },
    {
      value: inside, limit: thresholds.min_inside, decimals: 2,
      say: (a, b) => `face is cut off: share in the picture ${a} is under ${b}`,
    },
    {
      value: confidence, limit: thresholds.confidence, decimals: 2, isConfidence: true,
      say: (a, b) => `confidence ${a} is under ${b}`,
    },
  ];
}

function reason({ value, limit, decimals, say, isConfidence }, bestLabel, bestProbability, { masked_from: from }) {
  if (isConfidence && from !== null && bestLabel === MASKED && bestProbability < from) {
    return said((a, b) => `p(masked) ${a} is under ${b}`, bestProbability, from, 3);
  }
  return said(say, value, limit, decimals);
}

/** Both numbers with as many decimals as they need to differ. */
function said(say, value, limit, decimals) {
  for (let places = decimals; ; places++) {
    const shown = [fixed(value, places), fixed(limit, places)];
    if (shown[0] !== shown[1] || places === MAX_DECIMALS) return say(...shown);
  }
}
