"""Lesson 20: DSIS: steer a network by its notes."""
