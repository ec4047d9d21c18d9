"""Lesson 13: Horizontal, vertical, repeating."""
