"""Which of several places each bin belongs to, and what a source at a place would be in both channels.

A place is an angle and a delay: a source there is multiplied by cos(angle) on its way to the left, and by sin(angle)
and the turn of the delay on its way to the right.

Contents: owners, most_likely, steering, frequencies_hz_of.
"""

from collections.abc import Sequence

import numpy as np


def owners(
    mixture_stft: np.ndarray, sample_rate_hz: int, places: Sequence[tuple[float, float]]
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """For each bin the place that leaves least over; for each place the first like it, and how many are like it."""
    sharers = [(places.index(place), places.count(place)) for place in places]
    owner = np.zeros(mixture_stft.shape[1:], np.intp)
    least = np.full(mixture_stft.shape[1:], np.inf, mixture_stft.real.dtype)
    for index, place in enumerate(places):
        if sharers[index][0] == index:
            to_left, to_right = steering(mixture_stft, sample_rate_hz, place)
            # |a exp(-i w d) X_1 - X_2|^2 / (1 + a^2), with a = sin / cos.
            left_over = np.abs(to_right * mixture_stft[0] - to_left * mixture_stft[1])
            owner[left_over < least] = index
            np.minimum(least, left_over, out=least)
    return owner, sharers


def most_likely(mixture_stft: np.ndarray, sample_rate_hz: int, place: tuple[float, float]) -> np.ndarray:
    """A source at a place as both channels agree on it in the least-squares sense, placed again: (2, freq, frames)."""
    to_left, to_right = steering(mixture_stft, sample_rate_hz, place)
    source = to_left * mixture_stft[0] + to_right.conj() * mixture_stft[1]
    return np.stack([to_left * source, to_right * source])


def steering(
    mixture_stft: np.ndarray, sample_rate_hz: int, place: tuple[float, float]
) -> tuple[np.floating, np.ndarray]:
    """What a source at a place is multiplied by on its way to the left, and, for each frequency, to the right."""
    angle, delay_s = place
    angular = 2 * np.pi * frequencies_hz_of(mixture_stft.shape[1], sample_rate_hz)
    to_right = (np.sin(angle) * np.exp(-1j * angular * delay_s)).astype(mixture_stft.dtype)
    return mixture_stft.real.dtype.type(np.cos(angle)), to_right[:, np.newaxis]


def frequencies_hz_of(bins: int, sample_rate_hz: int) -> np.ndarray:
    """The frequency of each bin of a transform in Hz, (freq,)."""
    return np.linspace(0, sample_rate_hz / 2, bins) if bins > 1 else np.zeros(bins)
