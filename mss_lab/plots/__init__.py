"""Plots: the only folder that knows matplotlib. Every function draws on `ax` and returns what it drew.

Axes carry units: time in seconds, frequency in Hz on a logarithmic axis, level in dB. Colours are those of Okabe and
Ito, which colour-blind readers tell apart. `picture` closes a figure and shows it with a sentence for readers who
cannot see it.

All names are used from here, as in `plots.spectrogram`. Contents: waveform, spectrogram, mask, levels, side_by_side
(`sound`); score, fundamentals, time_map, alignment (`scores`); melody, components, tracks (`models`); panorama,
levels_and_delays (`stereo`); bars, dots, heat_map, training_curve (`results`); ratings, ratings_in_words
(`listening`); blocks, tree (`diagrams`); Picture, picture, in_words, to_png, image_html (`pictures`);
add_missing_scales (`scales`); COLOURS (`style`). For tests of notebooks: `blank`, `watch`.
"""

from .diagrams import blocks, tree
from .listening import ratings, ratings_in_words
from .models import components, melody, tracks
from .pictures import Picture, image_html, in_words, picture, to_png
from .results import bars, dots, heat_map, training_curve
from .scales import add_missing as add_missing_scales
from .scores import alignment, fundamentals, score, time_map
from .sound import levels, mask, side_by_side, spectrogram, waveform
from .stereo import levels_and_delays, panorama
from .style import COLOURS

__all__ = [
    "COLOURS",
    "Picture",
    "add_missing_scales",
    "alignment",
    "bars",
    "blocks",
    "components",
    "dots",
    "fundamentals",
    "heat_map",
    "image_html",
    "in_words",
    "levels",
    "levels_and_delays",
    "mask",
    "melody",
    "panorama",
    "picture",
    "ratings",
    "ratings_in_words",
    "score",
    "side_by_side",
    "spectrogram",
    "time_map",
    "to_png",
    "tracks",
    "training_curve",
    "tree",
    "waveform",
]
