"""Pitch tracks: how many cents each key of a score lies from its middle pitch, frame by frame.

A singer's or a violinist's note is not a straight line: it has vibrato, slides from the note before, and settles.
Templates that follow the pitch (`following`) need its position. It is estimated in each key's own share of the mixture,
according to a rough model with wide bells: at every position of a grid around the pitch the levels of the harmonics are
added up, and the position with the largest sum is taken. A small cost for leaving the middle keeps a key that hardly
sounds at its written pitch.

Frames are processed one by one. A vibrato of six cycles a second passes through its whole range in five frames, so
smoothing over time would remove it.

Contents: GRID_CENTS, Comb, combs, tracks_cents. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .. import transforms, units
from . import following

STEP_CENTS = 5.0
GRID_CENTS = np.arange(following.POSITIONS_CENTS[0], following.POSITIONS_CENTS[-1] + STEP_CENTS / 2, STEP_CENTS)
HARMONICS = 12
# The bell with which a harmonic's level is measured.
WIDTH_CENTS, WIDTH_BINS = 20.0, 1.4
LEAST_BELL = 1e-3
# The cost of leaving the middle by 20 cents, as a fraction of the mean level; 40 cents cost four times as much.
CAUTION, CAUTION_STEP_CENTS = 0.01, 20.0


class Comb(NamedTuple):
    """The bins and weights with which the pitch of a key is estimated.

    Attributes
    ----------
    bins : int (bins,)
        Bins that any harmonic reaches at any position of the grid.
    bells : float32 (grid, bins)
        The weight of each bin at each position.
    """

    bins: np.ndarray
    bells: np.ndarray


def combs(
    pitches: np.ndarray, window_samples: int, sample_rate_hz: int, tuning_hz: float = units.A4_HZ
) -> list[Comb | None]:
    """The bins of the harmonics of each key, at every position of the grid.

    Parameters
    ----------
    pitches : float (keys,)
        MIDI numbers of the middle positions, possibly fractional; NaN for a drum.
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    list of Comb, or None for a drum and for a pitch above half the sample rate

    Lesson: notebooks/08_nmf_with_a_score.ipynb

    Examples
    --------
    >>> [comb is None for comb in combs(np.array([69.0, np.nan]), 4096, 44_100)]
    [False, True]
    """
    return [_comb(float(midi), window_samples, sample_rate_hz, tuning_hz) for midi in pitches]


def _comb(midi: float, window_samples: int, sample_rate_hz: int, tuning_hz: float) -> Comb | None:
    if np.isnan(midi):
        return None
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, sample_rate_hz)
    numbers = np.arange(1, HARMONICS + 1)
    centres_hz = numbers * units.midi_to_hz(midi, tuning_hz) * units.cents_to_ratio(GRID_CENTS)[:, np.newaxis]
    widths_hz = centres_hz * (units.cents_to_ratio(WIDTH_CENTS) - 1) + WIDTH_BINS * sample_rate_hz / window_samples
    bells = np.zeros((len(GRID_CENTS), len(frequencies_hz)), np.float32)
    for h in numbers[centres_hz[-1] < sample_rate_hz / 2]:
        centre_hz, width_hz = centres_hz[:, h - 1 : h], widths_hz[:, h - 1 : h]
        ends_hz = centre_hz.min() - 2.5 * width_hz.max(), centre_hz.max() + 2.5 * width_hz.max()
        reach = slice(*np.searchsorted(frequencies_hz, ends_hz))
        bells[:, reach] += np.exp(-0.5 * (2 * (frequencies_hz[reach] - centre_hz) / width_hz) ** 2) / h
    bins = np.flatnonzero(bells.max(axis=0) > LEAST_BELL)
    return Comb(bins, bells[:, bins]) if len(bins) else None


def tracks_cents(
    magnitude: np.ndarray, templates: np.ndarray, activations: np.ndarray, where: Sequence[Comb | None]
) -> np.ndarray:
    """The offset of each key from its middle position in each frame.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
    templates : float32 (1, keys, freq)
        Of a rough model, at one position, with bells wide enough to contain vibrato and slides.
    activations : float32 (keys, frames)
        Of the same model.
    where : sequence of Comb or None
        As returned by `combs`.

    Returns
    -------
    float32 (keys, frames)
        Cents, one of `GRID_CENTS`; 0 for a drum, and where a key is silent.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: none, own method; adding up levels at multiples of a
    candidate frequency is the harmonic sum spectrum of Noll, 1969.

    Examples
    --------
    >>> from mss_lab.nmf.shapes import harmonic_shapes
    >>> sung = harmonic_shapes(69.2, 8192, 44_100).sum(axis=0)[:, np.newaxis]  # 20 cents above A4
    >>> wide = harmonic_shapes(69.0, 8192, 44_100, width_cents=100).sum(axis=0)[np.newaxis, np.newaxis]
    >>> tracks_cents(sung, wide, np.ones((1, 1), np.float32), combs(np.array([69.0]), 8192, 44_100))
    array([[20.]], dtype=float32)
    """
    cost = (CAUTION * (GRID_CENTS / CAUTION_STEP_CENTS) ** 2).astype(np.float32)
    tracks = np.zeros(activations.shape, np.float32)
    level = float(magnitude.max(initial=0)) or 1.0
    for block, model in following.blocks(templates, activations, least=following.TINY * level):
        # The root of a key's share V W H / Y is a product of roots, and that of H is the same at all positions.
        rest = np.sqrt(np.divide(magnitude[:, block.frames].T, model, out=model), out=model)
        for key, template in zip(block.rows, block.templates, strict=True):
            comb = where[key]
            if comb is None:
                continue
            levels = rest[:, comb.bins] @ (comb.bells * np.sqrt(template[comb.bins])).T
            levels /= np.maximum(levels.mean(axis=1, keepdims=True), np.finfo(np.float32).tiny)
            best = GRID_CENTS[np.argmax(levels - cost, axis=1)]
            tracks[key, block.frames] = np.where(activations[key, block.frames] > 0, best, 0)
    return tracks
