"""The compositions that ship, as text that a musician can read.

Contents: notation (the text, read), chorales, band, song.
"""
