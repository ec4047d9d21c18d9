"""mss_lab: the helper package of a workbook on music source separation.

One contract joins every method::

    estimates = separator(mixture, sample_rate_hz, score=None)

where `mixture` is a waveform (channels, samples) and `estimates` a dict that maps each source's name to a
waveform of the same shape. Start in the notebooks, or with `mss_lab.catalogue`, which lists every method by name.

Conventions, everywhere: waveforms are (channels, samples), spectrograms (channels, freq, frames), and stacks put
sources first. Mono keeps a channel axis of length 1. Importing this package loads neither torch nor matplotlib.
"""

__version__ = "0.1.0"
