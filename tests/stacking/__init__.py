"""Tests of combined separators."""
