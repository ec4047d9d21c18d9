"""Contours: one fundamental over time, from a note of the score or from the peaks, and the source it belongs to.

Harmonic h of a string with inharmonicity B lies at h f0 sqrt(1 + B h^2); without inharmonicity, at h f0.

Symbols: f0 fundamental, h number of a harmonic, B inharmonicity. Contents: Contour, harmonic_hz, from_score,
from_peaks, into_streams.
Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from .. import checks, units
from ..score.notes import Score
from ..score.roll import note_frames
from .peaks import Peaks
from .tracks import track

HARMONICS = 30
NEAR_CENTS = 40.0
LOWEST_HZ, HIGHEST_HZ = 65.0, 1_500.0

# The harmonics from which the fundamental is estimated: higher ones coincide too often with those of others.
TUNING_HARMONICS = 12

# The grid of candidates, and the weight of harmonic h of f0, (f0 + 27 Hz) / (h f0 + 320 Hz): less than its weight as a
# fundamental of its own, so that half a fundamental does not win.
STEP_CENTS = 20.0
WEIGHT_LOW_HZ, WEIGHT_HIGH_HZ = 27.0, 320.0

# Candidates whose salience is this far below the largest are not fundamentals.
SILENCE_DB = -30.0
JUMP_CENTS = 80.0
LEAST_S = 0.06

# If fewer streams than possible exist, a fundamental this far from every free stream begins a new one.
APART_SEMITONES = 7.0


@dataclasses.dataclass(frozen=True)
class Contour:
    """One fundamental over time.

    Attributes
    ----------
    source : int
        Index of the source that it belongs to.
    first : int
        Its first frame.
    f0_hz : float (frames,)
        One for each frame from the first on.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    source: int
    first: int
    f0_hz: np.ndarray


def harmonic_hz(f0_hz: np.ndarray | float, numbers: np.ndarray, inharmonicity: float = 0.0) -> np.ndarray:
    """Frequencies of harmonics, h f0 sqrt(1 + B h^2): (harmonics, ...) for numbers (harmonics,) and f0 (...).

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb

    Examples
    --------
    >>> harmonic_hz(100.0, np.array([1, 2, 3]))
    array([100., 200., 300.])
    """
    result: np.ndarray = np.multiply.outer(numbers * np.sqrt(1 + inharmonicity * numbers**2), f0_hz)
    return result


def from_score(
    peaks: Peaks,
    score: Score,
    frame_rate_hz: float,
    *,
    tolerance_s: float = 0.0,
    tuning_hz: float = units.A4_HZ,
    near_cents: float = NEAR_CENTS,
    inharmonicity: float = 0.0,
) -> list[Contour]:
    """One contour for each note of pitched sources: as written, shifted to the peaks of its harmonics.

    Parameters
    ----------
    peaks : Peaks
    score : Score
    frame_rate_hz : float > 0
    tolerance_s : float >= 0, seconds
        Every contour begins earlier and ends later by this time.
    tuning_hz : float > 0
    near_cents : float > 0, cents
        How far a harmonic's peak may be from its written frequency.
    inharmonicity : float >= 0
        B.

    Returns
    -------
    list of Contour
        `source` is an index into the sources of the score.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> peaks = Peaks(np.array([0]), np.array([442.0]), np.array([1.0]), np.array([0.0]), frames=1)
    >>> from_score(peaks, Score((Note("flute", 69, 0.0, 0.1),)), frame_rate_hz=10)[0].f0_hz.round(6)
    array([442.])
    """
    written = []
    for j, source in enumerate(score.sources):
        for note in () if source in score.unpitched else score.notes_of(source):
            when = note_frames(note, peaks.frames, frame_rate_hz, tolerance_s)
            if when.stop > when.start:
                written_hz = np.full(when.stop - when.start, units.midi_to_hz(note.midi, tuning_hz))
                f0_hz = _adjusted(peaks, when.start, written_hz, near_cents, inharmonicity)
                written.append(Contour(j, when.start, f0_hz))
    return written


def from_peaks(
    peaks: Peaks,
    frame_rate_hz: float,
    count: int,
    *,
    lowest_hz: float = LOWEST_HZ,
    highest_hz: float = HIGHEST_HZ,
    near_cents: float = NEAR_CENTS,
    inharmonicity: float = 0.0,
) -> list[Contour]:
    """At most `count` fundamentals a frame, estimated one after the other, joined along time, and divided into streams.

    The most salient fundamental is taken first. From each of its harmonics, no more is subtracted than the neighbouring
    harmonics suggest: the rest of a shared partial may belong to the next fundamental.

    Parameters
    ----------
    peaks : Peaks
    frame_rate_hz : float > 0
    count : int >= 1
    lowest_hz, highest_hz : float > 0, Hz
        Range of the fundamentals.
    near_cents : float > 0, cents
    inharmonicity : float >= 0

    Returns
    -------
    list of Contour
        `source` is less than `count`, and 0 is the lowest stream.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Klapuri, ISMIR 2006 (weights, cancelling, smooth
    envelopes), on peaks instead of spectra.

    Examples
    --------
    >>> frame, frequency_hz = np.repeat(np.arange(10), 3), np.tile([200.0, 400.0, 600.0], 10)
    >>> peaks = Peaks(frame, frequency_hz, np.ones(30), np.zeros(30), frames=10)
    >>> [(contour.first, contour.f0_hz.round(3)[:3]) for contour in from_peaks(peaks, frame_rate_hz=100, count=1)]
    [(0, array([200., 200., 200.]))]
    """
    count = checks.check_number("count", count, at_least=1, whole=True)
    checks.check_number("lowest_hz", lowest_hz, above=0, unit="Hz")
    checks.check_number("highest_hz", highest_hz, above=lowest_hz, unit="Hz")
    if not len(peaks.frame):
        return []
    remaining = peaks.amplitude.astype(np.float64)
    candidates = []
    for _ in range(count):
        f0_hz, salience = _most_salient(peaks, remaining, lowest_hz, highest_hz)
        f0_hz = _adjusted(dataclasses.replace(peaks, amplitude=remaining), 0, f0_hz, near_cents, inharmonicity)
        candidates.append((f0_hz, salience))
        remaining = _subtracted(peaks, remaining, f0_hz, near_cents, inharmonicity)
    f0_hz, salience = (np.stack(values, axis=1) for values in zip(*candidates, strict=True))
    audible = salience > salience.max() * units.db_to_amplitude(SILENCE_DB)
    return into_streams(_joined(f0_hz, audible, salience, frame_rate_hz), count)


def into_streams(contours: Sequence[Contour], count: int) -> list[Contour]:
    """Assign contours to at most `count` streams, each to the free stream with the nearest pitch.

    Contours of one stream never overlap. A new stream begins if none is free, or if all free ones are more than a fifth
    away. If none can begin, the contour is left out. Streams are finally numbered by pitch, from the lowest.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Bregman's sequential grouping, as implemented by
    Brown and Cooke, Computer Speech and Language 1994.

    Examples
    --------
    >>> starts, f0s_hz = (0, 0, 2, 2), (440.0, 220.0, 460.0, 230.0)
    >>> notes = [Contour(0, first, np.full(2, f0_hz)) for first, f0_hz in zip(starts, f0s_hz)]
    >>> [contour.source for contour in into_streams(notes, count=2)]
    [1, 0, 1, 0]
    """
    pitches: list[float] = []
    busy: list[int] = []
    assigned: list[Contour] = []
    # Of contours that begin together, the longest is assigned first.
    for contour in sorted(contours, key=lambda contour: (contour.first, -len(contour.f0_hz))):
        pitch = 12 * float(np.median(np.log2(contour.f0_hz)))
        free = [s for s in range(len(busy)) if busy[s] <= contour.first]
        stream = min(free, key=lambda s: abs(pitches[s] - pitch), default=None)
        if (stream is None or abs(pitches[stream] - pitch) > APART_SEMITONES) and len(busy) < count:
            stream = len(busy)
            pitches.append(pitch)
            busy.append(0)
        if stream is None:
            continue
        pitches[stream] += 0.5 * (pitch - pitches[stream])
        busy[stream] = contour.first + len(contour.f0_hz)
        assigned.append(dataclasses.replace(contour, source=stream))
    middles = [
        np.median(np.concatenate([member.f0_hz for member in assigned if member.source == stream]))
        for stream in range(len(busy))
    ]
    ranks = np.argsort(np.argsort(middles))
    return [dataclasses.replace(member, source=int(ranks[member.source])) for member in assigned]


def _assigned(
    peaks: Peaks, first: int, f0_hz: np.ndarray, near_cents: float, inharmonicity: float, harmonics: int
) -> tuple[slice, np.ndarray, np.ndarray, np.ndarray]:
    """Peaks in a contour's frames: their slice, nearest harmonics, distances in cents, and whether they are near."""
    where = slice(*np.searchsorted(peaks.frame, [first, first + len(f0_hz)]))
    own_hz = f0_hz[peaks.frame[where] - first]
    number = np.maximum(1, np.rint(peaks.frequency_hz[where] / own_hz))
    if inharmonicity:
        # The number of an inharmonic partial: from h sqrt(1 + B h^2) = f / f0.
        ratio = peaks.frequency_hz[where] / own_hz
        number = np.maximum(1, np.rint(np.sqrt((np.sqrt(1 + 4 * inharmonicity * ratio**2) - 1) / (2 * inharmonicity))))
    expected_hz = number * np.sqrt(1 + inharmonicity * number**2) * own_hz
    cents = 1200 * np.log2(peaks.frequency_hz[where] / expected_hz)
    return where, number.astype(int), cents, (np.abs(cents) <= near_cents) & (number <= harmonics)


def _adjusted(peaks: Peaks, first: int, f0_hz: np.ndarray, near_cents: float, inharmonicity: float) -> np.ndarray:
    """The contour shifted to the mean of its harmonics' peaks, weighted by amplitude; gaps are interpolated."""
    where, _, cents, near = _assigned(peaks, first, f0_hz, near_cents, inharmonicity, TUNING_HARMONICS)
    frame = peaks.frame[where][near] - first
    weight = np.bincount(frame, peaks.amplitude[where][near], len(f0_hz))
    weighted_cents = np.bincount(frame, peaks.amplitude[where][near] * cents[near], len(f0_hz))
    measured = weight > 0
    if not measured.any():
        return f0_hz
    offsets = np.interp(np.arange(len(f0_hz)), np.flatnonzero(measured), weighted_cents[measured] / weight[measured])
    result: np.ndarray = f0_hz * units.cents_to_ratio(offsets)
    return result


def _most_salient(
    peaks: Peaks, amplitude: np.ndarray, lowest_hz: float, highest_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """The most salient fundamental of every frame, and its salience: (frames,) each."""
    grid = np.arange(0, 1200 * np.log2(highest_hz / lowest_hz) + STEP_CENTS, STEP_CENTS)
    f0_hz = lowest_hz * units.cents_to_ratio(grid)
    grid_index = np.rint(1200 * np.log2(np.maximum(peaks.frequency_hz, 1e-6) / lowest_hz) / STEP_CENTS).astype(int)
    offsets = np.rint(1200 * np.log2(np.arange(1, HARMONICS + 1)) / STEP_CENTS).astype(int)
    height = len(grid) + offsets[-1] + 2
    amplitude_on_grid = np.zeros((height, peaks.frames), np.float32)
    inside = (grid_index >= 0) & (grid_index < height)
    np.maximum.at(amplitude_on_grid, (grid_index[inside], peaks.frame[inside]), amplitude[inside])
    # A peak also counts for its neighbours on the grid.
    amplitude_on_grid = np.maximum(
        amplitude_on_grid, np.maximum(np.roll(amplitude_on_grid, 1, axis=0), np.roll(amplitude_on_grid, -1, axis=0))
    )
    salience = np.zeros((len(grid), peaks.frames), np.float32)
    for number, offset in enumerate(offsets, start=1):
        weight = (f0_hz + WEIGHT_LOW_HZ) / (number * f0_hz + WEIGHT_HIGH_HZ)
        salience += weight.astype(np.float32)[:, np.newaxis] * amplitude_on_grid[offset : offset + len(grid)]
    best = salience.argmax(axis=0)
    return f0_hz[best], np.take_along_axis(salience, best[np.newaxis], axis=0)[0]


def _subtracted(
    peaks: Peaks, amplitude: np.ndarray, f0_hz: np.ndarray, near_cents: float, inharmonicity: float
) -> np.ndarray:
    """Amplitudes minus what a fundamental explains: of each harmonic, at most the mean of it and its neighbours."""
    _, number, _, near = _assigned(peaks, 0, f0_hz, near_cents, inharmonicity, HARMONICS)
    heights = np.zeros((HARMONICS + 2, peaks.frames))
    np.maximum.at(heights, (number[near], peaks.frame[near]), amplitude[near])
    smooth = (heights[:-2] + heights[1:-1] + heights[2:]) / 3
    smooth[0] = heights[1]
    remaining = amplitude.copy()
    remaining[near] = np.maximum(0, amplitude[near] - smooth[number[near] - 1, peaks.frame[near]])
    return remaining


def _joined(f0_hz: np.ndarray, audible: np.ndarray, salience: np.ndarray, frame_rate_hz: float) -> list[Contour]:
    """Audible fundamentals (frames, count), joined along time."""
    frame, rank = np.nonzero(audible)
    order = np.lexsort((f0_hz[frame, rank], frame))
    frame, rank = frame[order], rank[order]
    values = f0_hz[frame, rank]
    fundamentals = Peaks(frame, values, salience[frame, rank], np.zeros(len(frame)), len(f0_hz))
    least = max(2, round(LEAST_S * frame_rate_hz))
    labels = track(fundamentals, jump_cents=JUMP_CENTS, gap_frames=3, least_frames=least)
    contours = []
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(labels.max(initial=-1) + 2))
    for start, stop in itertools.pairwise(bounds):
        members = order[start:stop]
        first, last = frame[members[0]], frame[members[-1]]
        course = np.exp(np.interp(np.arange(first, last + 1), frame[members], np.log(values[members])))
        contours.append(Contour(0, int(first), course))
    return contours
