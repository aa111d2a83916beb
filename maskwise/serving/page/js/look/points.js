/** Operating points of a model. */

/**
 * The one that holds where none is named: the service's choice, or the one with the model's own thresholds.
 * @param {object} model of /v1/models
 * @returns {string} empty if none has them
 */
export function inUse({ operating_point: chosen, operating_points: points, thresholds }) {
  return chosen ?? Object.keys(points).find((name) => isSame(points[name].thresholds, thresholds)) ?? "";
}

const isSame = (some, others) => Object.keys(others).every((name) => some[name] === others[name]);
