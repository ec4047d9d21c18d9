"""Lesson 14: Sparse, sinusoidal, auditory."""
