"""Streams that are watched in the background, and what is seen there now."""
