"""Scores: notes and their files (`notes`), piano rolls (`roll`), and where harmonics lie (`harmonics`)."""
