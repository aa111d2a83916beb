"""From sources to verdicts."""
