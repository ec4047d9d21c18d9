"""Contours: the course of one fundamental, from a note of the score or from what the peaks say, and whose it is.

Harmonic h of a string that is as stiff as B lies at h f0 sqrt(1 + B h^2); without stiffness, at h f0.

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

# Of harmonics that say where the fundamental is: higher ones meet those of others too often.
HEARD_HARMONICS = 12

# The grid of candidates, and how much harmonic h of f0 says for it, (f0 + 27 Hz) / (h f0 + 320 Hz): less than it says
# for the harmonic's own frequency, so that half a fundamental does not win.
STEP_CENTS = 20.0
WEIGHT_LOW_HZ, WEIGHT_HIGH_HZ = 27.0, 320.0

# Candidates whose salience is this far below the loudest are no fundamentals.
SILENCE_DB = -30.0
JUMP_CENTS = 80.0
LEAST_S = 0.06

# A new stream is begun, while there are some left, by a fundamental this far from every stream that is free.
APART_SEMITONES = 7.0


@dataclasses.dataclass(frozen=True)
class Contour:
    """One fundamental over time.

    Attributes
    ----------
    source : int
        Which source it belongs to.
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
    """
    return np.multiply.outer(numbers * np.sqrt(1 + inharmonicity * numbers**2), f0_hz)


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
    """One contour for each note of pitched sources: as written, moved to where its harmonics' peaks are.

    Parameters
    ----------
    peaks : Peaks
    score : Score
    frame_rate_hz : float > 0
    tolerance_s : float >= 0, seconds
        Every contour begins earlier and ends later by this.
    tuning_hz : float > 0
    near_cents : float > 0, cents
        How far from where it is written a harmonic's peak may be.
    inharmonicity : float >= 0
        B.

    Returns
    -------
    list of Contour
        `source` counts the sources of the score.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    found = []
    for j, source in enumerate(score.sources):
        for note in () if source in score.unpitched else score.notes_of(source):
            when = note_frames(note, peaks.frames, frame_rate_hz, tolerance_s)
            if when.stop > when.start:
                written_hz = np.full(when.stop - when.start, units.midi_to_hz(note.midi, tuning_hz))
                f0_hz = _listened(peaks, when.start, written_hz, near_cents, inharmonicity)
                found.append(Contour(j, when.start, f0_hz))
    return found


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
    """At most `count` fundamentals a frame, found one after the other, joined along time, and parted into streams.

    The fundamental whose harmonics say most for it is taken first. Of each of its harmonics, no more is taken away
    than the neighbouring harmonics let expect: what is left of a shared partial may speak for the next.

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
        `source` is below `count`, and 0 is the lowest stream.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Klapuri, ISMIR 2006 (weights, cancelling, smooth
    envelopes), on peaks instead of spectra.
    """
    count = checks.check_number("count", count, at_least=1, whole=True)
    checks.check_number("lowest_hz", lowest_hz, above=0, unit="Hz")
    checks.check_number("highest_hz", highest_hz, above=lowest_hz, unit="Hz")
    if not len(peaks.frame):
        return []
    left = peaks.amplitude.astype(np.float64)
    candidates = []
    for _ in range(count):
        f0_hz, salience = _most_salient(peaks, left, lowest_hz, highest_hz)
        f0_hz = _listened(dataclasses.replace(peaks, amplitude=left), 0, f0_hz, near_cents, inharmonicity)
        candidates.append((f0_hz, salience))
        left = _without(peaks, left, f0_hz, near_cents, inharmonicity)
    f0_hz, salience = (np.stack(part, axis=1) for part in zip(*candidates, strict=True))
    heard = salience > salience.max() * units.db_to_amplitude(SILENCE_DB)
    return into_streams(_joined(f0_hz, heard, salience, frame_rate_hz), count)


def into_streams(contours: Sequence[Contour], count: int) -> list[Contour]:
    """Give contours to at most `count` streams, each to the free stream whose pitch is nearest; no stream sounds twice.

    A new stream begins where none is free, or all that are free are more than a fifth away. Where none can begin, the
    contour is left out. Streams are then numbered from the lowest up.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Bregman's sequential grouping, as Brown and Cooke,
    Computer Speech and Language 1994, put it to work.
    """
    pitches: list[float] = []
    busy: list[int] = []
    joined: list[Contour] = []
    # Of those that begin together, the longest chooses first.
    for contour in sorted(contours, key=lambda one: (one.first, -len(one.f0_hz))):
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
        joined.append(dataclasses.replace(contour, source=stream))
    middles = [
        np.median(np.concatenate([one.f0_hz for one in joined if one.source == stream])) for stream in range(len(busy))
    ]
    ranks = np.argsort(np.argsort(middles))
    return [dataclasses.replace(one, source=int(ranks[one.source])) for one in joined]


def _assigned(
    peaks: Peaks, first: int, f0_hz: np.ndarray, near_cents: float, inharmonicity: float, harmonics: int
) -> tuple[slice, np.ndarray, np.ndarray, np.ndarray]:
    """Peaks of a contour's frames: which, the harmonic nearest to each, its distance in cents, whether that is near."""
    where = slice(*np.searchsorted(peaks.frame, [first, first + len(f0_hz)]))
    own_hz = f0_hz[peaks.frame[where] - first]
    number = np.maximum(1, np.rint(peaks.frequency_hz[where] / own_hz))
    if inharmonicity:
        # The number of a stretched harmonic: from h sqrt(1 + B h^2) = f / f0.
        ratio = peaks.frequency_hz[where] / own_hz
        number = np.maximum(1, np.rint(np.sqrt((np.sqrt(1 + 4 * inharmonicity * ratio**2) - 1) / (2 * inharmonicity))))
    expected_hz = number * np.sqrt(1 + inharmonicity * number**2) * own_hz
    cents = 1200 * np.log2(peaks.frequency_hz[where] / expected_hz)
    return where, number.astype(int), cents, (np.abs(cents) <= near_cents) & (number <= harmonics)


def _listened(peaks: Peaks, first: int, f0_hz: np.ndarray, near_cents: float, inharmonicity: float) -> np.ndarray:
    """The contour moved by the mean distance of its harmonics' peaks, weighted by their amplitudes, smoothed."""
    where, _, cents, near = _assigned(peaks, first, f0_hz, near_cents, inharmonicity, HEARD_HARMONICS)
    frame = peaks.frame[where][near] - first
    weight = np.bincount(frame, peaks.amplitude[where][near], len(f0_hz))
    moved = np.bincount(frame, peaks.amplitude[where][near] * cents[near], len(f0_hz))
    heard = weight > 0
    if not heard.any():
        return f0_hz
    offsets = np.interp(np.arange(len(f0_hz)), np.flatnonzero(heard), moved[heard] / weight[heard])
    return f0_hz * units.cents_to_ratio(offsets)


def _most_salient(
    peaks: Peaks, amplitude: np.ndarray, lowest_hz: float, highest_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """The fundamental of every frame that its harmonics say most for, and how much: (frames,) each."""
    grid = np.arange(0, 1200 * np.log2(highest_hz / lowest_hz) + STEP_CENTS, STEP_CENTS)
    f0_hz = lowest_hz * units.cents_to_ratio(grid)
    place = np.rint(1200 * np.log2(np.maximum(peaks.frequency_hz, 1e-6) / lowest_hz) / STEP_CENTS).astype(int)
    offsets = np.rint(1200 * np.log2(np.arange(1, HARMONICS + 1)) / STEP_CENTS).astype(int)
    height = len(grid) + offsets[-1] + 2
    seen = np.zeros((height, peaks.frames), np.float32)
    inside = (place >= 0) & (place < height)
    np.maximum.at(seen, (place[inside], peaks.frame[inside]), amplitude[inside])
    # A peak speaks for its neighbours on the grid, too.
    seen = np.maximum(seen, np.maximum(np.roll(seen, 1, axis=0), np.roll(seen, -1, axis=0)))
    salience = np.zeros((len(grid), peaks.frames), np.float32)
    for number, offset in enumerate(offsets, start=1):
        weight = (f0_hz + WEIGHT_LOW_HZ) / (number * f0_hz + WEIGHT_HIGH_HZ)
        salience += weight.astype(np.float32)[:, np.newaxis] * seen[offset : offset + len(grid)]
    best = salience.argmax(axis=0)
    return f0_hz[best], np.take_along_axis(salience, best[np.newaxis], axis=0)[0]


def _without(
    peaks: Peaks, amplitude: np.ndarray, f0_hz: np.ndarray, near_cents: float, inharmonicity: float
) -> np.ndarray:
    """Amplitudes less what a fundamental explains: of each harmonic, at most the mean of it and its neighbours."""
    _, number, _, near = _assigned(peaks, 0, f0_hz, near_cents, inharmonicity, HARMONICS)
    heights = np.zeros((HARMONICS + 2, peaks.frames))
    np.maximum.at(heights, (number[near], peaks.frame[near]), amplitude[near])
    smooth = (heights[:-2] + heights[1:-1] + heights[2:]) / 3
    smooth[0] = heights[1]
    left = amplitude.copy()
    left[near] = np.maximum(0, amplitude[near] - smooth[number[near] - 1, peaks.frame[near]])
    return left


def _joined(f0_hz: np.ndarray, heard: np.ndarray, salience: np.ndarray, frame_rate_hz: float) -> list[Contour]:
    """Fundamentals (frames, count) that are heard, joined along time."""
    frame, rank = np.nonzero(heard)
    order = np.lexsort((f0_hz[frame, rank], frame))
    frame, rank = frame[order], rank[order]
    values = f0_hz[frame, rank]
    found = Peaks(frame, values, salience[frame, rank], np.zeros(len(frame)), len(f0_hz))
    least = max(2, round(LEAST_S * frame_rate_hz))
    labels = track(found, jump_cents=JUMP_CENTS, gap_frames=3, least_frames=least)
    contours = []
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(labels.max(initial=-1) + 2))
    for start, stop in itertools.pairwise(bounds):
        own = order[start:stop]
        first, last = frame[own[0]], frame[own[-1]]
        course = np.exp(np.interp(np.arange(first, last + 1), frame[own], np.log(values[own])))
        contours.append(Contour(0, int(first), course))
    return contours
