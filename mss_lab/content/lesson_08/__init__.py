"""Lesson 08: NMF with a score."""
