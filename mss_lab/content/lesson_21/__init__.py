"""Lesson 21: Separate and transcribe."""
