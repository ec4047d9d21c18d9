"""Sinusoidal modelling: music as partials that start, move and stop, and sources as families of them.

`peaks` finds sinusoids in single frames, `tracks` joins them along time, `contours` finds whose harmonics they are,
from a score or from the sound, `partials` says how much of a shared one belongs to whom, `synthesis` makes sound and
masks of them, and `separation` does it all. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""
