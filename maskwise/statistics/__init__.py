"""Figures that know how far they can be trusted: rates of confusion counts, and intervals that know groups."""
