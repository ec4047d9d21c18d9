"""Lesson 00: Unmix in five minutes."""
