"""Lesson 17: X-UMX."""
