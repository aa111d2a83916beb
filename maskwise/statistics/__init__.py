"""Figures that know how far they can be trusted: rates, calibration, and intervals that know groups."""
