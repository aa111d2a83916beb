"""How fast a stream is watched, and how right."""
