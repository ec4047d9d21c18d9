"""Lesson 03: Masks and the Wiener filter."""
