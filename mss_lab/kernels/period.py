"""The beat spectrum of a recording, its period, and how that changes over time.

The beat spectrum is the similarity of a recording to itself after a delay: the autocorrelation over time of the power
in each bin, averaged over all bins. It has a peak at the period of a loop, at twice the period, and so on.

Symbols: V[f, n] magnitude, b[l] beat spectrum at a lag of l frames, p period.

Contents: beat_spectrum, find_period, beat_spectrogram, period_of.
Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
"""

from collections.abc import Sequence

import numpy as np
import scipy.fft
import scipy.signal

from .. import checks, transforms
from ..chunks import excerpts

SHORTEST_S = 0.8
LONGEST_S = 8.0

# Two repetitions of a loop are as similar as one. So the shortest lag wins whose peak is nearly as high as the highest.
NEARLY = 0.9

# For long recordings: the total length from which the period is estimated, and the length of its excerpts.
LISTEN_S = 120.0
EXCERPT_S = 40.0


def beat_spectrum(magnitude: np.ndarray) -> np.ndarray:
    """Autocorrelation of the power of each bin over time, as the mean over the bins; 1 at a lag of 0.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames)

    Returns
    -------
    float64 (frames,)
        b[l] = mean over f and n of V[f, n]^2 V[f, n + l]^2, over as many n as there are, divided by b[0]. All zeros in
        silence.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If `magnitude` is not a magnitude.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Rafii and Pardo, IEEE TASLP 2013.

    Examples
    --------
    >>> magnitude = np.tile([1.0, 0, 0, 0], 4)[np.newaxis]
    >>> np.flatnonzero(beat_spectrum(magnitude) > 0.5)[:3]
    array([0, 4, 8])
    """
    magnitude = checks.check_magnitude("magnitude", magnitude, "freq frames")
    frames = magnitude.shape[1]
    length = scipy.fft.next_fast_len(2 * frames, real=True)
    spectrum = np.zeros(length // 2 + 1)
    for start in range(0, len(magnitude) if frames else 0, 256):
        power = magnitude[start : start + 256].astype(np.float64) ** 2
        # The mean over the bins can be taken before the inverse transform, which is then done once.
        spectrum += np.sum(np.abs(scipy.fft.rfft(power, length, axis=1)) ** 2, axis=0)
    beats = scipy.fft.irfft(spectrum, length)[:frames] / (frames - np.arange(frames))
    return beats / beats[0] if frames and beats[0] > 0 else np.zeros(frames)


def find_period(
    beats: np.ndarray, frame_s: float, *, shortest_s: float = SHORTEST_S, longest_s: float = LONGEST_S
) -> float:
    """The period of a beat spectrum, between two limits.

    Parameters
    ----------
    beats : real (frames,)
        The result of `beat_spectrum`. Lags of more than half the recording are ignored: too little is left to
        compare.
    frame_s : float > 0, seconds
    shortest_s, longest_s : float > 0, seconds

    Returns
    -------
    float
        Seconds, interpolated between the frames and refined at all multiples of the period. If the recording is too
        short for any lag between the limits: its whole length.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If `beats` is not a sequence of numbers, or a limit is out of its range.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Rafii and Pardo, IEEE TASLP 2013.
    Difference: of several peaks that are nearly as high, the shortest period is taken, see `NEARLY`.

    Examples
    --------
    >>> beats = beat_spectrum(np.tile([1.0, 0, 0, 0], 8)[np.newaxis])
    >>> round(find_period(beats, frame_s=0.5), 3)
    2.0
    """
    beats = checks.check_finite("beats", checks.check_axes("beats", beats, "frames"))
    checks.check_number("frame_s", frame_s, above=0, unit="seconds")
    checks.check_number("shortest_s", shortest_s, above=0, unit="seconds")
    checks.check_number("longest_s", longest_s, at_least=shortest_s, unit="seconds")
    low = max(1, round(shortest_s / frame_s))
    high = min(round(longest_s / frame_s), len(beats) // 2)
    if high <= low:
        return max(1, len(beats)) * frame_s
    lags = np.arange(low, high + 1)
    levels = beats[low : high + 1]
    median_level = np.median(levels)
    peaks, _ = scipy.signal.find_peaks(beats[low - 1 : high + 2])
    peaks = peaks - 1
    peaks = peaks[(peaks >= 0) & (peaks < len(levels))]
    if not len(peaks):
        return float(lags[np.argmax(levels)] * frame_s)
    threshold = median_level + NEARLY * (levels[peaks].max() - median_level)
    lag = int(lags[peaks[levels[peaks] >= threshold][0]])
    return _sharpened(beats, lag + _vertex(*beats[lag - 1 : lag + 2])) * frame_s


def _sharpened(beats: np.ndarray, period: float) -> float:
    """The period in frames, measured at its multiples as long as there are peaks: an error there is divided by them."""
    for multiple in range(2, int(len(beats) / 2 / period) + 1):
        near = round(multiple * period)
        lag = near - 1 + int(np.argmax(beats[near - 1 : near + 2]))
        if lag + 1 >= len(beats) or beats[lag] < max(beats[lag - 1], beats[lag + 1]):
            break
        period = (lag + _vertex(*beats[lag - 1 : lag + 2])) / multiple
    return period


def _vertex(before: float, at: float, after: float) -> float:
    """The position, from -0.5 to 0.5, of the vertex of the parabola through three points."""
    curvature = before - 2 * at + after
    return float(np.clip((before - after) / (2 * curvature), -0.5, 0.5)) if curvature < 0 else 0.0


def beat_spectrogram(magnitude: np.ndarray, window_frames: int, hop_frames: int) -> np.ndarray:
    """Beat spectra of sections of a recording.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames)
    window_frames, hop_frames : int >= 1
        Length of a section, and from one to the next. Section k is centred on frame k * hop_frames, or as near to it as
        the ends of the recording allow.

    Returns
    -------
    float64 (lags, sections)

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus et al., ICASSP 2012.

    Examples
    --------
    >>> magnitude = np.concatenate([np.tile([1.0, 0], 6), np.tile([1.0, 0, 0], 4)])[np.newaxis]
    >>> beats = beat_spectrogram(magnitude, window_frames=12, hop_frames=6)
    >>> (beats[:7, [0, -1]].T > 0.9).astype(int)  # a period of 2 frames at first, of 3 at the end
    array([[1, 0, 1, 0, 1, 0, 1],
           [1, 0, 0, 1, 0, 0, 1]])
    """
    magnitude = checks.check_magnitude("magnitude", magnitude, "freq frames")
    frames = magnitude.shape[1]
    window = min(checks.check_number("window_frames", window_frames, at_least=1, whole=True), frames)
    hop = checks.check_number("hop_frames", hop_frames, at_least=1, whole=True)
    starts = np.clip(np.arange(0, max(1, frames), hop) - window // 2, 0, frames - window)
    return np.stack([beat_spectrum(magnitude[:, start : start + window]) for start in starts], axis=1)


def period_of(
    mixture: np.ndarray,
    sample_rate_hz: int,
    settings: transforms.StftSettings,
    *,
    shortest_s: float = SHORTEST_S,
    longest_s: float = LONGEST_S,
) -> float:
    """The period of a whole recording; if it is long, from the beat spectra of excerpts.

    Parameters
    ----------
    mixture : float (channels, samples)
    sample_rate_hz : int
    settings : dict
        Of the STFT: window_samples, hop_samples.
    shortest_s, longest_s : float > 0, seconds

    Returns
    -------
    float
        Seconds.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb

    Examples
    --------
    >>> clicks = np.tile(np.eye(1, 8_000), 8)  # one a second
    >>> round(period_of(clicks, 8_000, {"window_samples": 800, "hop_samples": 200}), 3)
    1.0
    """
    ranges = excerpts(mixture.shape[1], sample_rate_hz, LISTEN_S, max(EXCERPT_S, 3 * longest_s))
    spectra = [
        beat_spectrum(transforms.common_magnitude(transforms.stft(mixture[:, a:b], **settings))) for a, b in ranges
    ]
    return find_period(
        _mean(spectra), settings["hop_samples"] / sample_rate_hz, shortest_s=shortest_s, longest_s=longest_s
    )


def _mean(spectra: Sequence[np.ndarray]) -> np.ndarray:
    shortest = min(len(spectrum) for spectrum in spectra)
    result: np.ndarray = np.mean([spectrum[:shortest] for spectrum in spectra], axis=0)
    return result
