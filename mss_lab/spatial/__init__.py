"""Position: the difference between two channels shows the direction of a source, and so which sound belongs to it.

`panning` computes an angle for every bin, the histogram of angles and its peaks; every method that uses directions is
based on it. `adress` cancels one direction after the other; `duet` also uses delays.

`wiener` is the multichannel Wiener filter, for methods that know powers and spatial covariances of the sources.
"""
