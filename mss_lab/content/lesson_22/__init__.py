"""Lesson 22: Hierarchies and query by example."""
