"""Position: what the difference between two channels tells about where a source is, and so which sound is whose.

`panning` reads an angle from every bin, draws the histogram of angles and finds its peaks; all that starts from
directions starts there. `adress` cancels one direction after the other, `duet` listens to delays, too.

`wiener` is the multichannel Wiener filter, for whoever has powers and spatial covariances of the sources.
"""
