"""Songs for a band, made up note by note from a seed: chords, bass, drums, comping, pads and melody.

Contents: draw (the song of a generator), INSTRUMENTS. Lesson: notebooks/21_separate_and_transcribe.ipynb
"""

from .band import INSTRUMENTS, draw

__all__ = ["INSTRUMENTS", "draw"]
