"""Lesson 09: Score-informed soft masks."""
