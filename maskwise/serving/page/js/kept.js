/** Choices that this browser keeps for itself: theme, sound. Never anything about people. */

const PREFIX = "maskwise.";

export function kept(name, otherwise) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch { /* private windows may refuse; the choice then lasts as long as the page */ }
}
