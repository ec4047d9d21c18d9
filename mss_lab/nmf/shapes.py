"""Shapes of harmonics, of which templates are composed.

The template of a key, which is one pitch of one player, is a weighted sum of shapes: a narrow bell around each harmonic
of a pitch or, for a drum, which has no harmonics, bands that cover all frequencies. Only the weights are learnt.

The shapes of all keys are nearly all zeros, so they are stored as one sparse matrix. It has a row for each harmonic of
each key, and a column for each bin of each template: weights times the matrix are templates, and the matrix times the
values of all bins are the sums over every harmonic.

Symbols: G_q[k] shape of harmonic q, u_q its weight, W[k] template.

Contents: harmonic_shapes, noise_shapes, as_matrix, of_keys, templates, collected.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from .. import checks, transforms, units
from ..refusals import RefusedValue

HARMONICS = 30
WIDTH_CENTS = 12.0
WIDTH_BINS = 1.3
LOWEST_BAND_HZ = 50.0
# Bells are cut to zero where they have fallen to this value, because multiplicative updates keep zeros.
LEAST_SHAPE = 1e-4


def harmonic_shapes(
    midi: float,
    window_samples: int,
    sample_rate_hz: int,
    *,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    tuning_hz: float = units.A4_HZ,
) -> np.ndarray:
    """The shape of each harmonic of a pitch: a bell around q times its fundamental.

    Parameters
    ----------
    midi : float
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    harmonics : int >= 1
    width_cents : float >= 0
    width_bins : float >= 0.5
        The bell's width is an interval, for the players' changes of pitch, plus a number of bins, for the spread of any
        sinusoid by the window; two standard deviations of the bell.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    float32 (harmonics, freq)
        Peak 1; rows of harmonics above half the sample rate are zero.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Raczyński et al., ISMIR 2007, for templates of harmonics.

    Examples
    --------
    >>> harmonic_shapes(69, 4096, 44_100, harmonics=3).argmax(axis=1)  # 440 Hz; bins are 10.8 Hz apart
    array([ 41,  82, 123])
    """
    checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    checks.check_number("width_cents", width_cents, at_least=0, unit="cents")
    # A bell of no width could lie between two bins, so that its harmonic would have no bin at all.
    checks.check_number("width_bins", width_bins, at_least=0.5, unit="bins")
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, sample_rate_hz)
    centres_hz = np.arange(1, harmonics + 1)[:, np.newaxis] * units.midi_to_hz(midi, tuning_hz)
    widths_hz = centres_hz * (units.cents_to_ratio(width_cents) - 1) + width_bins * sample_rate_hz / window_samples
    bells = np.exp(-0.5 * (2 * (frequencies_hz - centres_hz) / np.maximum(widths_hz, 1e-9)) ** 2)
    bells[(bells < LEAST_SHAPE) | (centres_hz >= sample_rate_hz / 2)] = 0
    result: np.ndarray = bells.astype(np.float32)
    return result


def noise_shapes(window_samples: int, sample_rate_hz: int, *, bands: int = HARMONICS) -> np.ndarray:
    """The replacement for harmonics of a sound without a pitch: bands that cover all frequencies.

    Parameters
    ----------
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    bands : int >= 1

    Returns
    -------
    float32 (bands, freq)
        Bells evenly spaced on a logarithmic axis from 50 Hz up, the lowest from 0 Hz on; at every frequency they add
        up to 1.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: none, own method.

    Examples
    --------
    >>> bands = noise_shapes(512, 8000, bands=4)
    >>> bands.shape, bool(np.allclose(bands.sum(axis=0), 1))
    ((4, 257), True)
    """
    checks.check_number("bands", bands, at_least=1, whole=True)
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, sample_rate_hz)
    log_frequencies = np.log(np.maximum(frequencies_hz, LOWEST_BAND_HZ))
    middles = np.linspace(np.log(LOWEST_BAND_HZ), np.log(max(sample_rate_hz / 2, 2 * LOWEST_BAND_HZ)), bands)
    spacing = middles[1] - middles[0] if bands > 1 else np.inf
    bells = np.exp(-0.5 * ((log_frequencies - middles[:, np.newaxis]) / spacing) ** 2)
    result: np.ndarray = (bells / np.maximum(bells.sum(axis=0), 1e-10)).astype(np.float32)
    return result


def as_matrix(
    shapes: Iterable[tuple[int, int, np.ndarray]], positions: int, keys: int, harmonics: int, freq: int
) -> scipy.sparse.csr_array:
    """The shapes of all keys at all positions, as one sparse matrix.

    Parameters
    ----------
    shapes : iterable of (position, key, float (harmonics, freq))
        A key that is missing at a position has a template of zeros there.
    positions, keys, harmonics, freq : int

    Returns
    -------
    sparse float32 (keys * harmonics, positions * keys * freq)
    """
    # An empty array comes first, because there may be no shapes at all.
    rows, columns, values = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for position, key, shapes_of_key in shapes:
        h, f = np.nonzero(shapes_of_key)
        rows.append((key * harmonics + h).astype(np.int32))
        columns.append(((position * keys + key) * freq + f).astype(np.int32))
        values.append(shapes_of_key[h, f].astype(np.float32))
    size = (keys * harmonics, positions * keys * freq)
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return scipy.sparse.coo_array(entries, shape=size).tocsr()


def of_keys(
    pitches: np.ndarray,
    positions_cents: Sequence[float],
    window_samples: int,
    sample_rate_hz: int,
    *,
    harmonics: int = HARMONICS,
    **widths: Any,
) -> scipy.sparse.csr_array:
    """The shapes of keys, each at several positions around its pitch.

    Parameters
    ----------
    pitches : float (keys,)
        MIDI numbers, possibly fractional; NaN for a drum. A drum has bands instead of harmonics, at the middle position
        only, because it has no pitch to follow.
    positions_cents : sequence of float
        Offsets of the templates of a key from its pitch.
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    harmonics : int >= 1
    widths
        width_cents, width_bins and tuning_hz of `harmonic_shapes`.

    Returns
    -------
    sparse float32 (keys * harmonics, positions * keys * freq)
        As returned by `as_matrix`.

    Lesson: notebooks/08_nmf_with_a_score.ipynb

    Examples
    --------
    >>> matrix = of_keys(np.array([60.0, 69.0]), [-20.0, 0.0, 20.0], 512, 8000, harmonics=4)
    >>> matrix.shape == (2 * 4, 3 * 2 * 257)
    True
    """
    grid = (window_samples, sample_rate_hz)

    def shapes_of_keys() -> Iterable[tuple[int, int, np.ndarray]]:
        for key, midi in enumerate(pitches):
            if np.isnan(midi):
                yield len(positions_cents) // 2, key, noise_shapes(*grid, bands=harmonics)
                continue
            for position, cents in enumerate(positions_cents):
                yield position, key, harmonic_shapes(midi + cents / 100, *grid, harmonics=harmonics, **widths)

    return as_matrix(shapes_of_keys(), len(positions_cents), len(pitches), harmonics, window_samples // 2 + 1)


def templates(weights: np.ndarray, shapes: scipy.sparse.csr_array, freq: int) -> np.ndarray:
    """Convert weights of harmonics (keys, harmonics) to templates, float32 (positions, keys, freq)."""
    if shapes.shape[0] != weights.size or shapes.shape[1] % (len(weights) * freq):
        raise RefusedValue(
            f"shapes must be (keys * harmonics, positions * keys * freq) for {weights.shape} weights and {freq} bins, "
            f"got {shapes.shape}; make them for these keys and this transform"
        )
    result: np.ndarray = (shapes.T @ weights.ravel()).reshape(-1, len(weights), freq)
    return result


def collected(evidence: np.ndarray, shapes: scipy.sparse.csr_array) -> np.ndarray:
    """Sums over every harmonic, (keys, harmonics), of values in every bin, (positions, keys, freq)."""
    result: np.ndarray = (shapes @ evidence.ravel()).reshape(evidence.shape[1], -1)
    return result
