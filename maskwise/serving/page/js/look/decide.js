/** Verdicts once more, for other thresholds, from the probabilities that came along: the service is not asked again. */

import { decide } from "../inside/verdict.js";

/** What the service said of a face's size, sharpness or cut stays: it cannot be seen from here. */
const UNSEEN = { sidePx: NaN, sharpness: NaN, inside: NaN };

/**
 * A face as it would be answered with other thresholds.
 * @param {object} face of a result
 * @param {?object} thresholds as a model's card has them; null leaves it as it was answered
 */
export function decided(face, thresholds) {
  if (!thresholds || face.uncertain_because?.startsWith("face ")) return face;
  const { label, confidence, because } = decide(Object.values(face.probabilities), UNSEEN, Object.keys(face.probabilities), thresholds);
  return { ...face, verdict: label, confidence, uncertain_because: because };
}
