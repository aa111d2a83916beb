"""Two models on the same faces: which is better, where, and could this data have shown it."""
