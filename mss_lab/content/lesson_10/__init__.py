"""Lesson 10: Edit the notes, hear the change."""
