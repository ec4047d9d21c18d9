"""Lesson 01: Sound into matrices."""
