"""Synthesis: sound from partials, and models for masks from their main lobes.

Between two frames, a partial's amplitude moves in a straight line, and its phase along the cubic that starts and ends
with the frames' phases and frequencies, with as many whole turns between as make it the smoothest.

Symbols: theta phase, omega frequency in radians a sample, T samples between two frames. Contents: additive,
from_tracks, lobes. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import numpy as np

from .partials import Partials
from .peaks import LOBE_BINS, Peaks, window_transform

# Samples made at once.
BLOCK = 1 << 20


def additive(
    partials: Partials, owners: np.ndarray, sources: int, samples: int, sample_rate_hz: int, hop_samples: int
) -> np.ndarray:
    """Add up the partials of every source: linear amplitudes, cubic phases.

    Parameters
    ----------
    partials : Partials
    owners : int (contours,)
        The source of each contour.
    sources : int
    samples, sample_rate_hz, hop_samples : int
        Of the recording and its STFT.

    Returns
    -------
    float32 (sources, channels, samples)

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: McAulay and Quatieri, IEEE TASSP 1986.
    """
    line = partials.contour * (1 + int(partials.number.max(initial=0))) + partials.number
    omega = 2 * np.pi * partials.frequency_hz / sample_rate_hz
    owner = np.asarray(owners, int)[partials.contour]
    sound = np.zeros((sources, len(partials.amplitude), samples), np.float32)
    for channel, amplitude in enumerate(partials.amplitude):
        made = (partials.frame, line, omega, np.abs(amplitude), np.angle(amplitude), owner)
        sound[:, channel] = _sung(*made, sources, samples, hop_samples)
    return sound


def from_tracks(peaks: Peaks, labels: np.ndarray, samples: int, sample_rate_hz: int, hop_samples: int) -> np.ndarray:
    """Add up tracks of peaks, as `tracks.track` numbered them, into float32 (1, samples).

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: McAulay and Quatieri, IEEE TASSP 1986.
    """
    own = labels >= 0
    omega = 2 * np.pi * peaks.frequency_hz[own] / sample_rate_hz
    made = (peaks.frame[own], labels[own], omega, peaks.amplitude[own], peaks.phase_rad[own], np.zeros(own.sum(), int))
    return _sung(*made, 1, samples, hop_samples)


def lobes(
    partials: Partials,
    owners: np.ndarray,
    sources: int,
    sample_rate_hz: int,
    bins: int,
    frames: int,
    *,
    reach_bins: int = LOBE_BINS,
) -> np.ndarray:
    """What the partials of every source draw into the transform: their windows' main lobes, added with their phases.

    Parameters
    ----------
    partials : Partials
    owners : int (contours,)
        The source of each contour.
    sources, sample_rate_hz, bins, frames : int
    reach_bins : int >= 0
        How far a lobe is drawn to either side.

    Returns
    -------
    complex64 (sources, channels, bins, frames)
        As `peaks.analyse` would see the sources.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    window_samples = 2 * (bins - 1)
    channels = len(partials.amplitude)
    drawn = np.zeros((sources, channels, frames, bins), np.complex64)
    place = partials.frequency_hz * (window_samples / sample_rate_hz)
    nearest = np.rint(place).astype(int)
    owner = np.asarray(owners, int)[partials.contour]
    for step in range(-reach_bins, reach_bins + 1):
        bin_ = nearest + step
        inside = (bin_ >= 0) & (bin_ < bins)
        shape = window_transform(bin_ - place, window_samples) / 2 * (1 - 2 * (bin_ % 2))
        where = ((owner * frames + partials.frame) * bins + bin_)[inside]
        for channel in range(channels):
            values = (partials.amplitude[channel] * shape)[inside]
            # Few bins are drawn into twice in one step, but some are: sums by place.
            places, index = np.unique(where, return_inverse=True)
            total = np.bincount(index, values.real) + 1j * np.bincount(index, values.imag)
            source, rest = np.divmod(places, frames * bins)
            drawn[source, channel, rest // bins, rest % bins] += total
    return drawn.swapaxes(-1, -2)


def _sung(
    frame: np.ndarray,
    line: np.ndarray,
    omega: np.ndarray,
    amplitude: np.ndarray,
    phase: np.ndarray,
    owner: np.ndarray,
    sources: int,
    samples: int,
    hop_samples: int,
) -> np.ndarray:
    """Sum of lines of sinusoids that are known at frames: (sources, samples)."""
    # One row a hop, from one before the first frame to one after the last.
    rows = int(frame.max(initial=0)) + 2
    total = np.zeros((sources * rows, hop_samples), np.float32)
    order = np.lexsort((frame, line))
    frame, line, omega, amplitude, phase, owner = (
        part[order] for part in (frame, line, omega, amplitude, phase, owner)
    )
    joined = line[1:] == line[:-1]
    first, last = np.ones(len(frame), bool), np.ones(len(frame), bool)
    first[1:], last[:-1] = ~joined, ~joined
    here, there = np.flatnonzero(~last), np.flatnonzero(~first)
    turn = omega * hop_samples
    # From one frame to the next that is known; and one hop of fading in, and of fading out.
    _add(total, frame[here], frame[there] - frame[here], omega[here], omega[there], amplitude[here], amplitude[there],
         phase[here], phase[there], owner[here] * rows + 1)  # fmt: skip
    for edge, sign in ((first, -1), (last, 1)):
        own = np.flatnonzero(edge)
        before = np.minimum(0, sign) + frame[own]
        silent = np.zeros(len(own))
        ends = [(silent, phase[own] - turn[own]), (amplitude[own], phase[own])]
        if sign > 0:
            ends = [(amplitude[own], phase[own]), (silent, phase[own] + turn[own])]
        _add(total, before, np.ones(len(own), int), omega[own], omega[own], ends[0][0], ends[1][0], ends[0][1],
             ends[1][1], owner[own] * rows + 1)  # fmt: skip
    sound = total.reshape(sources, rows * hop_samples)[:, hop_samples:]
    return np.pad(sound, [(0, 0), (0, max(0, samples - sound.shape[1]))])[:, :samples]


def _add(
    total: np.ndarray,
    start: np.ndarray,
    hops: np.ndarray,
    omega: np.ndarray,
    next_omega: np.ndarray,
    amplitude: np.ndarray,
    next_amplitude: np.ndarray,
    phase: np.ndarray,
    next_phase: np.ndarray,
    offset: np.ndarray,
) -> None:
    """Add segments of sinusoids that last whole hops to the rows where they lie."""
    hop_samples = total.shape[1]
    for length in np.unique(hops):
        own = np.flatnonzero(hops == length)
        own = own[np.argsort((offset + start)[own], kind="stable")]
        T = int(length) * hop_samples
        t = np.arange(T, dtype=np.float32)
        bend = next_omega[own] - omega[own]
        miss = phase[own] + omega[own] * T - next_phase[own]
        turns = np.rint((miss + bend * T / 2) / (2 * np.pi))
        gap = 2 * np.pi * turns - miss
        terms = (
            np.remainder(phase[own], 2 * np.pi),
            omega[own],
            3 / T**2 * gap - bend / T,
            -2 / T**3 * gap + bend / T**2,
            amplitude[own],
            (next_amplitude[own] - amplitude[own]) / T,
        )
        row = (offset + start)[own]
        block = max(1, BLOCK // T)
        for begin in range(0, len(own), block):
            part = slice(begin, begin + block)
            a, b, c, d, level, slope = (term[part, np.newaxis].astype(np.float32) for term in terms)
            made = (level + slope * t) * np.cos(a + t * (b + t * (c + t * d)))
            rows, starts = np.unique(row[part], return_index=True)
            added = np.add.reduceat(made, starts, axis=0)
            for piece in range(int(length)):
                total[rows + piece] += added[:, piece * hop_samples : (piece + 1) * hop_samples]
