"""Sinusoidal modelling: music as partials that start, move and stop, and sources as groups of partials.

`peaks` detects sinusoids in single frames, `tracks` joins them along time, `contours` estimates fundamentals and their
sources, from a score or from the sound, `partials` divides shared partials among the sources, `synthesis` makes sound
and masks of them, and `separation` combines all steps. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""
