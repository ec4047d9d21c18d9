"""Lesson 07: Scores and alignment."""
