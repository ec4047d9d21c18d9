"""Partials: amplitude and phase of each harmonic of each contour, also where several harmonics coincide.

In every frame, the transform near the partials is a sum of window transforms, shifted to their frequencies and
multiplied by their complex amplitudes a_k: X[f] = sum over k of a_k / 2 W(f - f_k). This system of linear equations is
solved by least squares. Partials less than a bin or two apart have nearly the same shape, so the system alone would
divide them arbitrarily. So each amplitude is expected to be near p_k, which is interpolated from neighbouring harmonics
of its own contour, and deviations from it have a small cost. Where the sound is unambiguous, it decides; where two
partials coincide, each gets a fraction of their sum in proportion to p_k^2.

Symbols: a_k amplitude, f_k frequency, p_k expected magnitude, W window transform. Contents: Partials, resolve.
Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from .. import units
from .contours import HARMONICS, Contour, harmonic_hz
from .peaks import LOBE_BINS, window_transform

# Partials of different contours that are nearer than this are shared.
SHARED_BINS = 2.0

# The cost of a deviation from the expected amplitude, relative to that of a deviation from the sound: for partials that
# overlap, and for single ones.
REGULARISATION = 3e-3
REGULARISATION_ALONE = 1e-6

# Partials whose windows overlap by more than this are regularised together: the loudest sets the scale.
CROWDED = 0.5

# Iterations for a source's mean spectrum, and the number of frames in which a harmonic must sound to count half.
SPECTRUM_ROUNDS = 3
TRUST_FRAMES = 1

# Fainter partials, relative to the loudest, count as this loud in the estimate of a spectrum.
LEAST_LEVEL = 1e-4

# Frames solved at once.
BLOCK_FRAMES = 64

# The highest harmonic that is followed.
HIGHEST_PARTIAL_HZ = 10_000.0


@dataclasses.dataclass(frozen=True)
class Partials:
    """Harmonics in frames, in order of frame.

    Attributes
    ----------
    frame, contour, number : int (partials,)
        Indices of the frame and of the contour, and the number of the harmonic.
    frequency_hz : float (partials,)
    amplitude : complex (channels, partials)
        A cosine between -1 and 1 has magnitude 1; the angle is the phase at the frame's centre.
    shared : bool (partials,)
        Whether a partial of another contour lies within two bins.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    frame: np.ndarray
    contour: np.ndarray
    number: np.ndarray
    frequency_hz: np.ndarray
    amplitude: np.ndarray
    shared: np.ndarray


def resolve(
    stft: np.ndarray,
    contours: Sequence[Contour],
    sample_rate_hz: int,
    *,
    harmonics: int = HARMONICS,
    inharmonicity: float = 0.0,
    regularisation: float = REGULARISATION,
) -> Partials:
    """Complex amplitudes of all harmonics of all contours, by least squares frame by frame.

    Parameters
    ----------
    stft : complex (channels, freq, frames)
        As returned by `peaks.analyse`.
    contours : sequence of Contour
        Frames outside those of the STFT are left out.
    sample_rate_hz : int
    harmonics : int >= 1
        Harmonics above 10 kHz or near half the sample rate are left out.
    inharmonicity : float >= 0
    regularisation : float > 0
        The cost of a deviation from the expected amplitude: 1 is as much as that of a deviation from the sound.

    Returns
    -------
    Partials

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Cano et al., IEEE Signal Processing Magazine 2019
    (shared partials, least squares); the expectation by neighbours is our own.

    Examples
    --------
    >>> from mss_lab.sinusoids.peaks import analyse
    >>> tone = 0.5 * np.cos(2 * np.pi * 440 * np.arange(4096) / 8000)[np.newaxis]
    >>> stft = analyse(tone, {"window_samples": 1024, "hop_samples": 128})
    >>> partials = resolve(stft, [Contour(0, 16, np.array([440.0]))], 8000, harmonics=1)
    >>> np.round(np.abs(partials.amplitude), 3)
    array([[0.5]])
    """
    channels, bins, frames = stft.shape
    window_samples = 2 * (bins - 1)
    spacing_hz = units.bins_to_hz(1, window_samples, sample_rate_hz)
    highest_hz = min(HIGHEST_PARTIAL_HZ, (bins - 1 - LOBE_BINS) * spacing_hz)
    frame, contour, number, frequency_hz = _listed(contours, frames, harmonics, inharmonicity, highest_hz)
    if not len(frame):
        return Partials(frame, contour, number, frequency_hz, np.zeros((channels, 0), complex), np.zeros(0, bool))
    position_bins = frequency_hz / spacing_hz
    measured = _matched(stft, frame, position_bins, window_samples)
    alone = np.sqrt(np.mean(np.abs(measured) ** 2, axis=0))
    shared = _shared(frame, contour, position_bins)
    owner = np.array([one.source for one in contours])[contour]
    expected = _expected(alone, shared, frame, owner, contour, number)
    amplitude = np.zeros((channels, len(frame)), complex)
    bounds = np.searchsorted(frame, np.arange(0, frames + BLOCK_FRAMES, BLOCK_FRAMES))
    for start, stop in itertools.pairwise(bounds):
        if stop > start:
            part = slice(start, stop)
            amplitude[:, part] = _solved(
                measured[:, part], frame[part], position_bins[part], expected[part], window_samples, regularisation
            )
    return Partials(frame, contour, number, frequency_hz, amplitude, shared)


def _listed(
    contours: Sequence[Contour], frames: int, harmonics: int, inharmonicity: float, highest_hz: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Frame, contour, number and frequency of every harmonic, in order of frame, then of frequency."""
    columns = []
    numbers = np.arange(1, harmonics + 1)
    for index, one in enumerate(contours):
        begin, end = max(one.first, 0), min(one.first + len(one.f0_hz), frames)
        if end > begin:
            harmonics_hz = harmonic_hz(one.f0_hz[begin - one.first : end - one.first], numbers, inharmonicity)
            h, n = np.nonzero(harmonics_hz < highest_hz)
            columns.append((n + begin, np.full(len(n), index), h + 1, harmonics_hz[h, n]))
    if not columns:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    frame, contour, number, frequency_hz = (np.concatenate(part) for part in zip(*columns, strict=True))
    order = np.lexsort((frequency_hz, frame))
    return frame[order], contour[order], number[order], frequency_hz[order]


def _matched(stft: np.ndarray, frame: np.ndarray, position_bins: np.ndarray, window_samples: int) -> np.ndarray:
    """The amplitude of each partial if it were the only one, by the window's shape: (channels, partials)."""
    nearest = np.rint(position_bins).astype(int)
    total = np.zeros((len(stft), len(frame)), complex)
    weight = np.zeros(len(frame))
    for step in range(-LOBE_BINS, LOBE_BINS + 1):
        bin_ = nearest + step
        shape = window_transform(bin_ - position_bins, window_samples)
        weight += shape**2
        inside = (bin_ >= 0) & (bin_ < stft.shape[1])
        # Phases refer to the centres of frames, not to their starts.
        signs = np.where(inside, 1 - 2 * (bin_ % 2), 0)
        total += stft[:, np.clip(bin_, 0, stft.shape[1] - 1), frame] * (signs * shape)
    return 2 * total / weight


def _shared(frame: np.ndarray, contour: np.ndarray, position_bins: np.ndarray) -> np.ndarray:
    """Whether a partial of another contour is near each partial; partials are in order of frame and frequency."""
    shared = np.zeros(len(frame), bool)
    # Few partials lie within two bins, so it is enough to compare each with the next three.
    for step in (1, 2, 3):
        near = (
            (frame[step:] == frame[:-step])
            & (position_bins[step:] - position_bins[:-step] < SHARED_BINS)
            & (contour[step:] != contour[:-step])
        )
        shared[step:] |= near
        shared[:-step] |= near
    return shared


def _expected(
    alone: np.ndarray, shared: np.ndarray, frame: np.ndarray, owner: np.ndarray, contour: np.ndarray, number: np.ndarray
) -> np.ndarray:
    """The expected magnitude of each partial: the measured one or, if it is shared, one interpolated in its contour.

    That is the source's mean spectrum, shifted by the deviation of the unshared neighbours in the same frame.
    """
    # Lines are one contour in one frame, with harmonics along them; levels are logarithms.
    keys, line = np.unique(np.stack([frame, contour]), axis=1, return_inverse=True)
    line = line.reshape(-1)
    level = np.log(np.maximum(alone, LEAST_LEVEL * max(float(alone.max()), 1e-300)))
    deviation = level - _spectra(level, ~shared, line, owner, number)
    table = np.zeros((keys.shape[1], int(number.max()) + 1))
    has_data = np.zeros(table.shape, bool)
    table[line, number] = deviation
    has_data[line, number] = ~shared
    harmonic_numbers = np.arange(table.shape[1])
    below = np.maximum.accumulate(np.where(has_data, harmonic_numbers, -1), axis=1)[line, number]
    above = np.minimum.accumulate(np.where(has_data, harmonic_numbers, len(harmonic_numbers))[:, ::-1], axis=1)[
        :, ::-1
    ][line, number]
    below, above = np.where(below < 0, above, below), np.where(above == len(harmonic_numbers), below, above)
    any_data = has_data.max(axis=1)[line]
    below, above = np.where(any_data, below, 0), np.where(any_data, above, 0)
    fraction = np.where(above > below, (number - below) / np.maximum(above - below, 1), 0)
    between = (1 - fraction) * table[line, below] + fraction * table[line, above]
    # If all are shared, all are measured too loud, and the smallest deviation is the most reliable.
    least = np.full(len(table), np.inf)
    np.minimum.at(least, line, deviation)
    between = np.where(any_data, between, least[line])
    result: np.ndarray = np.exp(np.where(shared, level - np.maximum(0, deviation - between), level))
    return result


def _spectra(
    level: np.ndarray, unshared: np.ndarray, line: np.ndarray, owner: np.ndarray, number: np.ndarray
) -> np.ndarray:
    """Each partial's level in its source's mean spectrum, learnt from partials that are not shared.

    Levels are modelled as sums of a line's loudness and a source's spectrum, estimated alternately. With few data, the
    spectrum falls by 1 / h.
    """
    size = int(number.max()) + 1
    harmonic = owner * size + number
    harmonics = (int(owner.max()) + 1) * size
    fall = -np.log(number)
    spectrum: np.ndarray = fall.copy()
    lines = int(line.max()) + 1
    counts = _spread(np.bincount(harmonic[unshared], minlength=harmonics), size)
    counts_of_line = np.maximum(np.bincount(line[unshared], minlength=lines), 1)
    for _ in range(SPECTRUM_ROUNDS):
        loudness = np.bincount(line[unshared], (level - spectrum)[unshared], lines) / counts_of_line
        excess = np.bincount(harmonic[unshared], (level - loudness[line] - fall)[unshared], harmonics)
        spectrum = fall + (_spread(excess, size) / (counts + TRUST_FRAMES))[harmonic]
    return spectrum


def _spread(sums: np.ndarray, size: int) -> np.ndarray:
    """Sums over harmonics, plus a small fraction of their neighbours', for harmonics without data."""
    table = sums.reshape(-1, size)
    padded = np.pad(table, [(0, 0), (2, 2)])
    near, far = padded[:, 1:-3] + padded[:, 3:-1], padded[:, :-4] + padded[:, 4:]
    result: np.ndarray = (table + 0.1 * near + 0.03 * far).reshape(-1)
    return result


def _solved(
    measured: np.ndarray,
    frame: np.ndarray,
    position_bins: np.ndarray,
    expected: np.ndarray,
    window_samples: int,
    regularisation: float,
) -> np.ndarray:
    """Amplitudes of the partials of a block of frames: one system for each frame, padded to the size of the largest."""
    row = frame - frame[0]
    column = np.arange(len(frame)) - np.searchsorted(frame, frame)
    rows, size = int(row[-1]) + 1, int(column.max()) + 1
    positions = np.full((rows, size), np.inf)
    positions[row, column] = position_bins
    is_partial = np.isfinite(positions)
    # Padding is far away from everything, so that it has no influence.
    positions[~is_partial] = 1e6 + 100 * np.arange(np.count_nonzero(~is_partial))
    # By Parseval, the product of two shifted windows summed over all bins is the transform of the squared window.
    system = window_transform(positions[:, :, np.newaxis] - positions[:, np.newaxis, :], window_samples, 2)
    system /= window_transform(0.0, window_samples, 2)
    level = np.ones((rows, size))
    level[row, column] = np.maximum(expected, 1e-6 * max(float(expected.max()), 1e-300))
    overlapping: np.ndarray = np.greater(system, CROWDED)
    loudest = np.max(np.where(overlapping, level[:, np.newaxis, :], 0), axis=2)
    cost = np.where(overlapping.sum(axis=2) > 1, regularisation * (loudest / level) ** 2, REGULARISATION_ALONE)
    system[:, range(size), range(size)] += cost
    right_side = np.zeros((rows, size, 2 * len(measured)))
    right_side[row, column] = np.concatenate([measured.real, measured.imag]).T
    solution = np.linalg.solve(system, right_side)[row, column].T
    result: np.ndarray = solution[: len(measured)] + 1j * solution[len(measured) :]
    return result
