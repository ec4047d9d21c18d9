"""Lesson 05: NMF from scratch."""
