"""Lesson 19: The score-filtered CNN."""
