"""Lesson 02: A transform without phase."""
