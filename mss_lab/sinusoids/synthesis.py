"""Synthesis: sound from partials, and models for masks from their main lobes.

Between two frames, a partial's amplitude is interpolated linearly, and its phase by the cubic that has the frames'
phases and frequencies at both ends, with the number of whole turns that makes it smoothest.

Symbols: theta phase, omega frequency in radians a sample, T samples between two frames. Contents: additive,
from_tracks, lobes. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import numpy as np

from .partials import Partials
from .peaks import LOBE_BINS, Peaks, window_transform

# The number of samples that are synthesised at once.
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
        Of the recording, and the hop of its STFT.

    Returns
    -------
    float32 (sources, channels, samples)

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: McAulay and Quatieri, IEEE TASSP 1986.

    Examples
    --------
    >>> three = np.arange(3), np.zeros(3, int), np.ones(3, int)  # frames, one contour, its fundamental
    >>> partials = Partials(*three, np.full(3, 1000.0), np.full((1, 3), 0.5 + 0j), np.zeros(3, bool))
    >>> sound = additive(partials, np.array([0]), 1, samples=16, sample_rate_hz=8000, hop_samples=8)
    >>> bool(np.allclose(sound[0, 0], 0.5 * np.cos(2 * np.pi * np.arange(16) / 8), atol=1e-5))
    True
    """
    line = partials.contour * (1 + int(partials.number.max(initial=0))) + partials.number
    omega = 2 * np.pi * partials.frequency_hz / sample_rate_hz
    owner = np.asarray(owners, int)[partials.contour]
    sound = np.zeros((sources, len(partials.amplitude), samples), np.float32)
    for channel, amplitude in enumerate(partials.amplitude):
        arguments = (partials.frame, line, omega, np.abs(amplitude), np.angle(amplitude), owner)
        sound[:, channel] = _synthesised(*arguments, sources, samples, hop_samples)
    return sound


def from_tracks(peaks: Peaks, labels: np.ndarray, samples: int, sample_rate_hz: int, hop_samples: int) -> np.ndarray:
    """Add up tracks of peaks, as numbered by `tracks.track`: float32 (1, samples).

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: McAulay and Quatieri, IEEE TASSP 1986.

    Examples
    --------
    >>> peaks = Peaks(np.arange(3), np.full(3, 1000.0), np.full(3, 0.5), np.zeros(3), frames=3)
    >>> sound = from_tracks(peaks, np.zeros(3, int), samples=16, sample_rate_hz=8000, hop_samples=8)
    >>> bool(np.allclose(sound[0], 0.5 * np.cos(2 * np.pi * np.arange(16) / 8), atol=1e-5))
    True
    """
    is_tracked = labels >= 0
    omega = 2 * np.pi * peaks.frequency_hz[is_tracked] / sample_rate_hz
    arguments = (
        peaks.frame[is_tracked],
        labels[is_tracked],
        omega,
        peaks.amplitude[is_tracked],
        peaks.phase_rad[is_tracked],
        np.zeros(is_tracked.sum(), int),
    )
    return _synthesised(*arguments, 1, samples, hop_samples)


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
    """The transform of the partials of every source: their windows' main lobes, added with their phases.

    Parameters
    ----------
    partials : Partials
    owners : int (contours,)
        The source of each contour.
    sources, sample_rate_hz, bins, frames : int
    reach_bins : int >= 0
        How far a lobe reaches to either side.

    Returns
    -------
    complex64 (sources, channels, bins, frames)
        The transform that `peaks.analyse` would return for the sources.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    window_samples = 2 * (bins - 1)
    channels = len(partials.amplitude)
    spectra = np.zeros((sources, channels, frames, bins), np.complex64)
    position_bins = partials.frequency_hz * (window_samples / sample_rate_hz)
    nearest = np.rint(position_bins).astype(int)
    owner = np.asarray(owners, int)[partials.contour]
    for step in range(-reach_bins, reach_bins + 1):
        bin_ = nearest + step
        inside = (bin_ >= 0) & (bin_ < bins)
        shape = window_transform(bin_ - position_bins, window_samples) / 2 * (1 - 2 * (bin_ % 2))
        targets = ((owner * frames + partials.frame) * bins + bin_)[inside]
        for channel in range(channels):
            values = (partials.amplitude[channel] * shape)[inside]
            # Some bins are reached twice in one step, so values are summed for each bin.
            bins_used, index = np.unique(targets, return_inverse=True)
            total = np.bincount(index, values.real) + 1j * np.bincount(index, values.imag)
            source, rest = np.divmod(bins_used, frames * bins)
            spectra[source, channel, rest // bins, rest % bins] += total
    return spectra.swapaxes(-1, -2)


def _synthesised(
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
    """Sum of sinusoids that are known at frames: (sources, samples)."""
    # One row for each hop, from the one before the first frame to the one after the last.
    rows = int(frame.max(initial=0)) + 2
    total = np.zeros((sources * rows, hop_samples), np.float32)
    order = np.lexsort((frame, line))
    frame, line, omega, amplitude, phase, owner = (
        values[order] for values in (frame, line, omega, amplitude, phase, owner)
    )
    joined = line[1:] == line[:-1]
    first, last = np.ones(len(frame), bool), np.ones(len(frame), bool)
    first[1:], last[:-1] = ~joined, ~joined
    starts, stops = np.flatnonzero(~last), np.flatnonzero(~first)
    turn = omega * hop_samples
    # From one known frame to the next; then one hop of fading in, and one of fading out.
    _add(total, frame[starts], frame[stops] - frame[starts], omega[starts], omega[stops], amplitude[starts],
         amplitude[stops], phase[starts], phase[stops], owner[starts] * rows + 1)  # fmt: skip
    for edge, sign in ((first, -1), (last, 1)):
        edges = np.flatnonzero(edge)
        before = np.minimum(0, sign) + frame[edges]
        silent = np.zeros(len(edges))
        ends = [(silent, phase[edges] - turn[edges]), (amplitude[edges], phase[edges])]
        if sign > 0:
            ends = [(amplitude[edges], phase[edges]), (silent, phase[edges] + turn[edges])]
        _add(total, before, np.ones(len(edges), int), omega[edges], omega[edges], ends[0][0], ends[1][0], ends[0][1],
             ends[1][1], owner[edges] * rows + 1)  # fmt: skip
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
    """Add segments of sinusoids of whole hops to their rows."""
    hop_samples = total.shape[1]
    for length in np.unique(hops):
        selected = np.flatnonzero(hops == length)
        selected = selected[np.argsort((offset + start)[selected], kind="stable")]
        T = int(length) * hop_samples
        t = np.arange(T, dtype=np.float32)
        change = next_omega[selected] - omega[selected]
        phase_difference = phase[selected] + omega[selected] * T - next_phase[selected]
        turns = np.rint((phase_difference + change * T / 2) / (2 * np.pi))
        correction = 2 * np.pi * turns - phase_difference
        terms = (
            np.remainder(phase[selected], 2 * np.pi),
            omega[selected],
            3 / T**2 * correction - change / T,
            -2 / T**3 * correction + change / T**2,
            amplitude[selected],
            (next_amplitude[selected] - amplitude[selected]) / T,
        )
        row = (offset + start)[selected]
        block = max(1, BLOCK // T)
        for begin in range(0, len(selected), block):
            chunk = slice(begin, begin + block)
            a, b, c, d, level, slope = (term[chunk, np.newaxis].astype(np.float32) for term in terms)
            sinusoids = (level + slope * t) * np.cos(a + t * (b + t * (c + t * d)))
            rows, starts = np.unique(row[chunk], return_index=True)
            added = np.add.reduceat(sinusoids, starts, axis=0)
            for hop_number in range(int(length)):
                total[rows + hop_number] += added[:, hop_number * hop_samples : (hop_number + 1) * hop_samples]
