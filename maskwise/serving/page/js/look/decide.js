/** From probabilities to verdicts once more, for another confidence: the rule of maskwise.model.verdict. */

/**
 * A face as it would be answered at another threshold.
 * @param {object} face of a result; what the service said of its size, sharpness or cut stays as it is.
 * @param {number} confidence below it the answer is uncertain, 0 to 1.
 * @param {?number} maskedFrom lowest p(masked) at which it is masked; null: where it is the likeliest.
 */
export function decided(face, confidence, maskedFrom = null) {
  if (face.uncertain_because?.startsWith("face ")) return face;
  const [verdict, sure] = answer(face.probabilities, maskedFrom);
  if (sure >= confidence) return { ...face, verdict, confidence: sure, uncertain_because: null };
  const likeliest = Math.max(...Object.values(face.probabilities));
  return { ...face, verdict: "uncertain", confidence: likeliest, uncertain_because: `confidence ${sure.toFixed(2)} is under ${confidence.toFixed(2)}` };
}

function answer(probabilities, maskedFrom) {
  const classes = Object.entries(probabilities);
  if (maskedFrom !== null && probabilities.masked !== undefined) {
    if (probabilities.masked >= maskedFrom) return ["masked", probabilities.masked];
    return best(classes.filter(([label]) => label !== "masked"));
  }
  return best(classes);
}

const best = (classes) => classes.reduce((a, b) => (b[1] > a[1] ? b : a));
