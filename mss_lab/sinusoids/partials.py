"""Partials: how loud each harmonic of each contour is, and in which phase, also where several share a place.

In every frame, the transform near the partials is a sum of windows, moved to their frequencies and multiplied by
their complex amplitudes a_k: X[f] = sum over k of a_k / 2 W(f - f_k). That is a system of linear equations, solved
by least squares. Partials less than a bin or two apart draw nearly the same shape, and the system alone would part
them at random. So each is expected near the amplitude p_k that its neighbours in its own family let expect, and
departures from there cost a little: where the sound says enough, it decides; where two partials coincide, each gets
p_k^2 out of the sum of them.

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

# What departing from the expected amplitude costs, as a part of what departing from the sound costs, where partials vie
# for one place; and where one stands alone.
LEANING = 3e-3
LEANING_ALONE = 1e-6

# Partials whose windows overlap by more than this vie for one place: the loudest sets the scale of what is expected.
CROWDED = 0.5

# A source's mean spectrum is learnt in so many rounds, and trusted as far as it was heard in more frames than this.
SPECTRUM_ROUNDS = 3
TRUST_FRAMES = 1

# Partials fainter than this part of the loudest say no more about a spectrum.
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
        Which frame, which of the contours, which harmonic of it.
    frequency_hz : float (partials,)
    amplitude : complex (channels, partials)
        A cosine between -1 and 1 has magnitude 1; its angle is the phase at the frame's centre.
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
    leaning: float = LEANING,
) -> Partials:
    """Complex amplitudes of all harmonics of all contours, by least squares frame by frame.

    Parameters
    ----------
    stft : complex (channels, freq, frames)
        Of `peaks.analyse`.
    contours : sequence of Contour
        Frames outside the STFT's are left out.
    sample_rate_hz : int
    harmonics : int >= 1
        Those above 10 kHz or near half the sample rate left out.
    inharmonicity : float >= 0
    leaning : float > 0
        What departing from the expected amplitude costs: 1 is as much as departing from the sound.

    Returns
    -------
    Partials

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Cano et al., IEEE Signal Processing Magazine 2019
    (shared partials, least squares); the expectation by neighbours is ours.
    """
    channels, bins, frames = stft.shape
    window_samples = 2 * (bins - 1)
    spacing_hz = units.bins_to_hz(1, window_samples, sample_rate_hz)
    highest_hz = min(HIGHEST_PARTIAL_HZ, (bins - 1 - LOBE_BINS) * spacing_hz)
    frame, contour, number, frequency_hz = _listed(contours, frames, harmonics, inharmonicity, highest_hz)
    if not len(frame):
        return Partials(frame, contour, number, frequency_hz, np.zeros((channels, 0), complex), np.zeros(0, bool))
    place = frequency_hz / spacing_hz
    seen = _matched(stft, frame, place, window_samples)
    alone = np.sqrt(np.mean(np.abs(seen) ** 2, axis=0))
    shared = _shared(frame, contour, place)
    owner = np.array([one.source for one in contours])[contour]
    expected = _expected(alone, shared, frame, owner, contour, number)
    amplitude = np.zeros((channels, len(frame)), complex)
    bounds = np.searchsorted(frame, np.arange(0, frames + BLOCK_FRAMES, BLOCK_FRAMES))
    for start, stop in itertools.pairwise(bounds):
        if stop > start:
            part = slice(start, stop)
            amplitude[:, part] = _solved(
                seen[:, part], frame[part], place[part], expected[part], window_samples, leaning
            )
    return Partials(frame, contour, number, frequency_hz, amplitude, shared)


def _listed(
    contours: Sequence[Contour], frames: int, harmonics: int, inharmonicity: float, highest_hz: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Frame, contour, number and frequency of every harmonic, in order of frame, then of frequency."""
    parts = []
    numbers = np.arange(1, harmonics + 1)
    for index, one in enumerate(contours):
        begin, end = max(one.first, 0), min(one.first + len(one.f0_hz), frames)
        if end > begin:
            places_hz = harmonic_hz(one.f0_hz[begin - one.first : end - one.first], numbers, inharmonicity)
            h, n = np.nonzero(places_hz < highest_hz)
            parts.append((n + begin, np.full(len(n), index), h + 1, places_hz[h, n]))
    if not parts:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    frame, contour, number, frequency_hz = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((frequency_hz, frame))
    return frame[order], contour[order], number[order], frequency_hz[order]


def _matched(stft: np.ndarray, frame: np.ndarray, place: np.ndarray, window_samples: int) -> np.ndarray:
    """What the spectrum says of each partial if it were alone, by the window's shape: (channels, partials)."""
    nearest = np.rint(place).astype(int)
    total = np.zeros((len(stft), len(frame)), complex)
    weight = np.zeros(len(frame))
    for step in range(-LOBE_BINS, LOBE_BINS + 1):
        bin_ = nearest + step
        shape = window_transform(bin_ - place, window_samples)
        weight += shape**2
        inside = (bin_ >= 0) & (bin_ < stft.shape[1])
        # Frames' centres, not their starts, are where phases are counted from.
        signs = np.where(inside, 1 - 2 * (bin_ % 2), 0)
        total += stft[:, np.clip(bin_, 0, stft.shape[1] - 1), frame] * (signs * shape)
    return 2 * total / weight


def _shared(frame: np.ndarray, contour: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Which partials have one of another contour near them; partials are in order of frame and place."""
    shared = np.zeros(len(frame), bool)
    # Few partials crowd within two bins; of those that do, some neighbour is of another contour.
    for step in (1, 2, 3):
        near = (
            (frame[step:] == frame[:-step])
            & (place[step:] - place[:-step] < SHARED_BINS)
            & (contour[step:] != contour[:-step])
        )
        shared[step:] |= near
        shared[:-step] |= near
    return shared


def _expected(
    alone: np.ndarray, shared: np.ndarray, frame: np.ndarray, owner: np.ndarray, contour: np.ndarray, number: np.ndarray
) -> np.ndarray:
    """Magnitude that each partial is expected to have: its own, or, if it is shared, what its family makes likely.

    That is the source's mean spectrum, moved by how far the unshared neighbours in the same frame depart from it.
    """
    # Lines are one contour in one frame, with harmonics along them; levels are logarithms.
    keys, line = np.unique(np.stack([frame, contour]), axis=1, return_inverse=True)
    line = line.reshape(-1)
    level = np.log(np.maximum(alone, LEAST_LEVEL * max(float(alone.max()), 1e-300)))
    departs = level - _spectra(level, ~shared, line, owner, number)
    table = np.zeros((keys.shape[1], int(number.max()) + 1))
    known = np.zeros(table.shape, bool)
    table[line, number] = departs
    known[line, number] = ~shared
    places = np.arange(table.shape[1])
    below = np.maximum.accumulate(np.where(known, places, -1), axis=1)[line, number]
    above = np.minimum.accumulate(np.where(known, places, len(places))[:, ::-1], axis=1)[:, ::-1][line, number]
    below, above = np.where(below < 0, above, below), np.where(above == len(places), below, above)
    anyone = known.max(axis=1)[line]
    below, above = np.where(anyone, below, 0), np.where(anyone, above, 0)
    way = np.where(above > below, (number - below) / np.maximum(above - below, 1), 0)
    between = (1 - way) * table[line, below] + way * table[line, above]
    # Where all are shared, all are heard too loud, and the least of them is the most trusted.
    least = np.full(len(table), np.inf)
    np.minimum.at(least, line, departs)
    between = np.where(anyone, between, least[line])
    return np.exp(np.where(shared, level - np.maximum(0, departs - between), level))


def _spectra(
    level: np.ndarray, known: np.ndarray, line: np.ndarray, owner: np.ndarray, number: np.ndarray
) -> np.ndarray:
    """Each partial's level in its source's mean spectrum, learnt from partials that are not shared.

    Levels are taken for sums of a line's loudness and a source's spectrum, fitted in turn; where little is known, the
    spectrum falls by 1 / h.
    """
    size = int(number.max()) + 1
    kind = owner * size + number
    kinds = (int(owner.max()) + 1) * size
    fall = -np.log(number)
    spectrum = fall.copy()
    lines = int(line.max()) + 1
    counts = _spread(np.bincount(kind[known], minlength=kinds), size)
    heard = np.maximum(np.bincount(line[known], minlength=lines), 1)
    for _ in range(SPECTRUM_ROUNDS):
        loudness = np.bincount(line[known], (level - spectrum)[known], lines) / heard
        excess = np.bincount(kind[known], (level - loudness[line] - fall)[known], kinds)
        spectrum = fall + (_spread(excess, size) / (counts + TRUST_FRAMES))[kind]
    return spectrum


def _spread(sums: np.ndarray, size: int) -> np.ndarray:
    """Sums over harmonics, with a small part of their neighbours': for harmonics that were never heard."""
    table = sums.reshape(-1, size)
    padded = np.pad(table, [(0, 0), (2, 2)])
    near, far = padded[:, 1:-3] + padded[:, 3:-1], padded[:, :-4] + padded[:, 4:]
    return (table + 0.1 * near + 0.03 * far).reshape(-1)


def _solved(
    seen: np.ndarray, frame: np.ndarray, place: np.ndarray, expected: np.ndarray, window_samples: int, leaning: float
) -> np.ndarray:
    """Amplitudes of the partials of a block of frames: every frame one system, padded to the size of the largest."""
    row = frame - frame[0]
    column = np.arange(len(frame)) - np.searchsorted(frame, frame)
    rows, size = int(row[-1]) + 1, int(column.max()) + 1
    places = np.full((rows, size), np.inf)
    places[row, column] = place
    there = np.isfinite(places)
    # Far apart, so that what is not there touches nothing.
    places[~there] = 1e6 + 100 * np.arange(np.count_nonzero(~there))
    # By Parseval, the product of two moved windows summed over all bins is the transform of the squared window.
    system = window_transform(places[:, :, np.newaxis] - places[:, np.newaxis, :], window_samples, 2)
    system /= window_transform(0.0, window_samples, 2)
    level = np.ones((rows, size))
    level[row, column] = np.maximum(expected, 1e-6 * max(float(expected.max()), 1e-300))
    vie: np.ndarray = np.greater(system, CROWDED)
    loudest = np.max(np.where(vie, level[:, np.newaxis, :], 0), axis=2)
    cost = np.where(vie.sum(axis=2) > 1, leaning * (loudest / level) ** 2, LEANING_ALONE)
    system[:, range(size), range(size)] += cost
    sides = np.zeros((rows, size, 2 * len(seen)))
    sides[row, column] = np.concatenate([seen.real, seen.imag]).T
    found = np.linalg.solve(system, sides)[row, column].T
    return found[: len(seen)] + 1j * found[len(seen) :]
