"""Lesson 16: Learn a mask."""
