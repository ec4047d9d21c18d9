"""Lesson 06: NMF that knows time."""
