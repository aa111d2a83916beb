/** What the browser's tab says: the view, and before it how many alarms nobody has seen yet. */

let view = "", alarms = 0;

/** @param {{view?: string, alarms?: number}} change */
export function titled(change) {
  ({ view, alarms } = { view, alarms, ...change });
  document.title = `${alarms ? `(${alarms}) ` : ""}${view ? `${view} – ` : ""}maskwise`;
}
