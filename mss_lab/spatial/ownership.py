"""The assignment of bins to positions in the stereo field, and the gains of a source at a position.

A position is an angle and a delay: a source at it has the gain cos(angle) in the left channel, and sin(angle) with the
phase of the delay in the right channel.

Contents: owners, most_likely, steering, frequencies_hz_of.
"""

from collections.abc import Sequence

import numpy as np


def owners(
    mixture_stft: np.ndarray, sample_rate_hz: int, positions: Sequence[tuple[float, float]]
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The best position of each bin; for each position, the first equal one and the number of equal ones."""
    groups = [(positions.index(position), positions.count(position)) for position in positions]
    owner = np.zeros(mixture_stft.shape[1:], np.intp)
    least = np.full(mixture_stft.shape[1:], np.inf, mixture_stft.real.dtype)
    for index, position in enumerate(positions):
        if groups[index][0] == index:
            to_left, to_right = steering(mixture_stft, sample_rate_hz, position)
            # |a exp(-i w d) X_1 - X_2|^2 / (1 + a^2), with a = sin / cos.
            residual = np.abs(to_right * mixture_stft[0] - to_left * mixture_stft[1])
            owner[residual < least] = index
            np.minimum(least, residual, out=least)
    return owner, groups


def most_likely(mixture_stft: np.ndarray, sample_rate_hz: int, position: tuple[float, float]) -> np.ndarray:
    """The least-squares estimate of a source at a position, with its gains: (2, freq, frames)."""
    to_left, to_right = steering(mixture_stft, sample_rate_hz, position)
    source = to_left * mixture_stft[0] + to_right.conj() * mixture_stft[1]
    return np.stack([to_left * source, to_right * source])


def steering(
    mixture_stft: np.ndarray, sample_rate_hz: int, position: tuple[float, float]
) -> tuple[np.floating, np.ndarray]:
    """The gain of a source at a position in the left channel, and for each frequency in the right channel."""
    angle, delay_s = position
    angular = 2 * np.pi * frequencies_hz_of(mixture_stft.shape[1], sample_rate_hz)
    to_right = (np.sin(angle) * np.exp(-1j * angular * delay_s)).astype(mixture_stft.dtype)
    return mixture_stft.real.dtype.type(np.cos(angle)), to_right[:, np.newaxis]


def frequencies_hz_of(bins: int, sample_rate_hz: int) -> np.ndarray:
    """The frequency of each bin of a transform in Hz, (freq,)."""
    return np.linspace(0, sample_rate_hz / 2, bins) if bins > 1 else np.zeros(bins)
