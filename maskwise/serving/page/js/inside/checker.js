// One picture in, one result out: find the faces, cut them out, judge each.

import { classifier } from "./classifier.js";
import { cropFace } from "./crops.js";
import { findFaces } from "./detector.js";
import { qualityOf } from "./quality.js";
import { resultOf } from "./result.js";
import { decide } from "./verdict.js";
import { yunet } from "./yunet.js";

/**
 * The checker of a model.
 *
 * @param {object} card What the browser is told of the model, see api/inside.py.
 * @param {{detector: object, classifier: object}} networks See `runtime.js`.
 * @returns {(picture: object, about: object, options: object) => Promise<object>} The one JSON of maskwise.
 */
export function checker(card, networks) {
  const look = yunet(networks.detector, card.detector.threshold);
  const classify = classifier(networks.classifier, card);
  return async (picture, about, options) => {
    const thresholds = thresholdsOf(card, options);
    const faces = await findFaces(picture, look);
    const crops = faces.map(({ box }) => cropFace(picture, box, card.crop));
    const probabilities = await classify(crops);
    const judged = faces.map((face, i) => {
      const quality = qualityOf(face, crops[i], picture);
      const verdict = decide(probabilities[i], quality, card.labels, thresholds);
      return { face, probabilities: probabilities[i], verdict };
    });
    return resultOf(about, picture, judged, card.labels);
  };
}

/**
 * The limits that a caller asks for.
 *
 * @throws {RangeError} The model has no such operating point, or the threshold is not from 0 to 1.
 */
export function thresholdsOf(card, { operatingPoint = null, threshold = null }) {
  if (operatingPoint !== null && !Object.hasOwn(card.operating_points, operatingPoint)) {
    const there = Object.keys(card.operating_points).join(", ") || "none";
    throw new RangeError(`operating point '${operatingPoint}' is not in this model; it has ${there}`);
  }
  if (threshold !== null && !(threshold >= 0 && threshold <= 1)) {
    throw new RangeError(`threshold: ${threshold} is not between 0 and 1`);
  }
  const chosen = operatingPoint === null ? card.thresholds : card.operating_points[operatingPoint].thresholds;
  return threshold === null ? chosen : { ...chosen, confidence: threshold };
}
