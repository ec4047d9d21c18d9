"""Lesson 11: Where is it? Panning histograms."""
