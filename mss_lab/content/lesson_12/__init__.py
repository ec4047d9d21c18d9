"""Lesson 12: More than a histogram."""
