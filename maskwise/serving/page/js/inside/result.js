// The one JSON of maskwise for a looked-at picture; docs/reference/json.md describes it.

import { rounded } from "./rounding.js";

/**
 * What was said about a picture.
 *
 * @param {{source: string, index: number, time_s: number | null}} about As the caller named it.
 * @param {{width: number, height: number}} picture
 * @param {{face: object, probabilities: Float32Array, verdict: object}[]} judged Best score first.
 * @param {string[]} labels The model's classes.
 */
export function resultOf(about, { width, height }, judged, labels) {
  return { ...about, width, height, error: null, faces: judged.map((one) => faceJson(one, labels)) };
}

/** A picture that could not be looked at: its reason instead of faces. */
export function failed(about, error) {
  return { ...about, width: 0, height: 0, error, faces: [] };
}

function faceJson({ face, probabilities, verdict }, labels) {
  return {
    box_xyxy: Array.from(face.box, (value) => rounded(value, 1)),
    score: rounded(face.score, 4),
    track: null,
    track_verdict: null,
    track_confidence: null,
    verdict: verdict.label,
    confidence: rounded(verdict.confidence, 4),
    uncertain_because: verdict.because,
    probabilities: Object.fromEntries(labels.map((label, i) => [label, rounded(probabilities[i], 4)])),
  };
}
