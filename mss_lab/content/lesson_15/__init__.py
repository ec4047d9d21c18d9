"""Lesson 15: Data is the model."""
