"""Lesson 18: With a score, from a score."""
