"""REPET: the parts of a recording that repeat are the background, the others are the foreground.

The repetitions of a loop are put on top of each other, and the median of each bin over all repetitions is what they
have in common. A voice differs between repetitions: it is the outlier that a median leaves out. There are three ways to
choose the frames that are compared: one period for the whole recording (`separate`), a period that changes
(`separate_adaptive`), or the frames that are most similar (`separate_similar`).

Symbols: V[f, n] magnitude, p period in frames, W[f, n] model of the repeating part, at most V.

Contents: repeating, local_periods; separate, separate_adaptive, separate_similar.
Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks, memory, options, transforms
from ..chunks import FADE_S, chunks
from ..common_rate import at_common_rate
from ..score.notes import Score
from ..silence import between_silences
from .entries import REPET, REPET_ADAPTIVE, REPET_SIMILARITY
from .period import LONGEST_S, SHORTEST_S, beat_spectrogram, find_period, period_of
from .proximity import LEAST_DISTANCE_S, NEIGHBOURS, REPEATS, median_of_frames, nearest, neighbours

HIGHPASS_HZ = 100.0

# Long enough for several repetitions of a loop, short enough for the memory of a laptop.
CHUNK_S = 60.0

# Memory for each bin of each channel: the transform, its magnitude, the model, the mask and copies. And the similarity
# of each pair of frames.
BYTES_PER_BIN = 36
FRAME_PAIR_BYTES = 40

# A changing period is estimated in sections of twice the longest period, one every second.
LOCAL_HOP_S = 1.0


def repeating(magnitude: np.ndarray, period_frames: float) -> np.ndarray:
    """The magnitude that the repetitions of a loop have in common.

    Parameters
    ----------
    magnitude : real >= 0 (channels, freq, frames)
        V.
    period_frames : float >= 1
        p, not necessarily whole: every repetition starts at the frame nearest to a multiple of it.

    Returns
    -------
    float (channels, freq, frames)
        W, the median over the repetitions, but never more than V.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If `magnitude` is not a magnitude, or the period is below 1.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Rafii and Pardo, IEEE TASLP 2013.

    Examples
    --------
    >>> magnitude = np.tile([1.0, 2.0], 3).reshape(1, 1, 6)
    >>> magnitude[0, 0, 3] = 9  # in one repetition only
    >>> repeating(magnitude, 2).ravel()
    array([1., 2., 1., 2., 1., 2.])
    """
    magnitude = checks.check_magnitude("magnitude", magnitude, "channels freq frames")
    checks.check_number("period_frames", period_frames, at_least=1, unit="frames")
    frames = magnitude.shape[2]
    starts = np.rint(np.arange(int(np.ceil(frames / period_frames))) * period_frames).astype(int)
    starts = starts[starts < frames]
    # The repetition that each frame belongs to, and its position in it.
    repetitions = np.searchsorted(starts, np.arange(frames), side="right") - 1
    position = np.arange(frames) - starts[repetitions]
    frames_at_position = np.arange(position.max(initial=0) + 1)[:, np.newaxis] + starts
    valid = frames_at_position < np.append(starts[1:], frames)
    loop = median_of_frames(magnitude, np.where(valid, frames_at_position, -1))
    result: np.ndarray = np.minimum(loop[..., position], magnitude)
    return result


def local_periods(
    magnitude: np.ndarray, frame_s: float, *, shortest_s: float = SHORTEST_S, longest_s: float = LONGEST_S
) -> np.ndarray:
    """The period around each frame.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames)
    frame_s : float > 0, seconds
    shortest_s, longest_s : float > 0, seconds
        Limits of the period; the sections are twice the longest.

    Returns
    -------
    float (frames,)
        Seconds.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus et al., ICASSP 2012.

    Examples
    --------
    >>> magnitude = np.concatenate([np.tile([1.0, 0, 0, 0], 20), np.tile([1.0, 0, 0, 0, 0, 0], 20)])[np.newaxis]
    >>> periods_s = local_periods(magnitude, frame_s=0.1, shortest_s=0.3, longest_s=1.0)
    >>> np.round(periods_s[[0, -1]], 2)
    array([0.4, 0.6])
    """
    hop = max(1, round(LOCAL_HOP_S / frame_s))
    beats = beat_spectrogram(magnitude, max(1, round(2 * longest_s / frame_s) + 2), hop)
    periods_s = [find_period(spectrum, frame_s, shortest_s=shortest_s, longest_s=longest_s) for spectrum in beats.T]
    result: np.ndarray = np.array(periods_s)[
        np.minimum(np.rint(np.arange(magnitude.shape[1]) / hop).astype(int), len(periods_s) - 1)
    ]
    return result


def _working_bytes(recording: memory.Recording, *, window_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    return recording.float32_bytes + BYTES_PER_BIN * recording.channels * recording.bins(CHUNK_S + FADE_S, settings)


def _working_bytes_similar(recording: memory.Recording, *, window_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    pairs = recording.frames(CHUNK_S + FADE_S, settings) ** 2
    return _working_bytes(recording, window_s=window_s) + FRAME_PAIR_BYTES * pairs


@options.within(REPET.options)
@memory.limited("repet", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    period_s: float | None = None,
    shortest_s: float = SHORTEST_S,
    longest_s: float = LONGEST_S,
    highpass_hz: float = HIGHPASS_HZ,
    window_s: float = 4096 / 44_100,
) -> dict[str, np.ndarray]:
    """Separate a loop from what is played over it, by one period for the whole recording (REPET).

    Long recordings are processed in chunks of 60 s, so that memory does not grow with their length; the period is
    estimated once, for all chunks.

    Parameters
    ----------
    mixture : float (channels, samples)
        Every channel is separated by itself, with one period for all.
    sample_rate_hz : int
    score : Score, optional
        Ignored.
    period_s : float > 0, seconds, optional
        Default: estimated by `period.period_of`.
    shortest_s, longest_s : float > 0, seconds
        Limits of the estimated period.
    highpass_hz : float >= 0, Hz
        Frequencies below belong to the background, since voices have none there. 0 turns this off.
    window_s : float > 0, seconds
        Length of the STFT's window.

    Returns
    -------
    dict of "background", "foreground" -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform or an option is out of its range.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Rafii and Pardo, IEEE TASLP 2013.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    settings = transforms.settings_for(checks.check_sample_rate(sample_rate_hz), window_s)
    _check_limits(shortest_s, longest_s)
    if period_s is None:
        period_s = period_of(mixture, sample_rate_hz, settings, shortest_s=shortest_s, longest_s=longest_s)
    period_frames = max(1.0, period_s * sample_rate_hz / settings["hop_samples"])
    return _separate(
        mixture, sample_rate_hz, settings, highpass_hz, lambda magnitude: repeating(magnitude, period_frames)
    )


@options.within(REPET_ADAPTIVE.options)
@memory.limited("repet-adaptive", _working_bytes)
@between_silences
def separate_adaptive(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    shortest_s: float = SHORTEST_S,
    longest_s: float = LONGEST_S,
    repeats: int = REPEATS,
    highpass_hz: float = HIGHPASS_HZ,
    window_s: float = 4096 / 44_100,
) -> dict[str, np.ndarray]:
    """Separate a loop from what is played over it, by a period that may change (adaptive REPET).

    Parameters
    ----------
    mixture, sample_rate_hz, score, shortest_s, longest_s, highpass_hz, window_s
        As for `separate`. The period is estimated in sections of twice `longest_s`.
    repeats : int >= 1
        The number of repetitions before, and of those after, that each is compared with.

    Returns
    -------
    dict of "background", "foreground" -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `separate`.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Liutkus et al., ICASSP 2012.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    settings = transforms.settings_for(checks.check_sample_rate(sample_rate_hz), window_s)
    _check_limits(shortest_s, longest_s)
    frame_s = settings["hop_samples"] / sample_rate_hz

    def model(magnitude: np.ndarray) -> np.ndarray:
        periods_s = local_periods(
            transforms.common_magnitude(magnitude), frame_s, shortest_s=shortest_s, longest_s=longest_s
        )
        offsets = np.rint(np.arange(-repeats, repeats + 1) * periods_s[:, np.newaxis] / frame_s).astype(int)
        frame_indices = np.arange(len(periods_s))[:, np.newaxis] + offsets
        frame_indices = np.where((frame_indices >= 0) & (frame_indices < len(periods_s)), frame_indices, -1)
        result: np.ndarray = np.minimum(median_of_frames(magnitude, frame_indices), magnitude)
        return result

    return _separate(mixture, sample_rate_hz, settings, highpass_hz, model)


@options.within(REPET_SIMILARITY.options)
@memory.limited("repet-similarity", _working_bytes_similar)
@between_silences
@at_common_rate
def separate_similar(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    count: int = NEIGHBOURS,
    least_distance_s: float = LEAST_DISTANCE_S,
    highpass_hz: float = HIGHPASS_HZ,
    window_s: float = 4096 / 44_100,
) -> dict[str, np.ndarray]:
    """Separate what recurs, at any time, from what does not (REPET-SIM).

    Parameters
    ----------
    mixture, sample_rate_hz, score, highpass_hz, window_s
        As for `separate`.
    count, least_distance_s
        Passed to `proximity.nearest`: the number of similar frames that are compared, and their smallest distance.

    Returns
    -------
    dict of "background", "foreground" -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `separate`.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Rafii and Pardo, ISMIR 2012.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    settings = transforms.settings_for(checks.check_sample_rate(sample_rate_hz), window_s)
    kernel = nearest(count, least_distance_s)
    frame_s = settings["hop_samples"] / sample_rate_hz

    def model(magnitude: np.ndarray) -> np.ndarray:
        frame_indices = neighbours(kernel, transforms.common_magnitude(magnitude), frame_s)
        result: np.ndarray = np.minimum(median_of_frames(magnitude, frame_indices), magnitude)
        return result

    return _separate(mixture, sample_rate_hz, settings, highpass_hz, model)


def _check_limits(shortest_s: float, longest_s: float) -> None:
    checks.check_number("longest_s", longest_s, at_least=shortest_s, unit="seconds")


def _separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    settings: transforms.StftSettings,
    highpass_hz: float,
    model: Callable[[np.ndarray], np.ndarray],
) -> dict[str, np.ndarray]:
    """Mask the mixture, chunk by chunk, by models of the repeating part of magnitudes (channels, freq, frames)."""
    low = transforms.stft_frequencies_hz(settings["window_samples"], sample_rate_hz) < highpass_hz
    background = np.zeros(mixture.shape, np.float32)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=CHUNK_S):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        magnitude = np.abs(stft)
        mask = model(magnitude) / np.where(magnitude > 0, magnitude, 1)
        mask[:, low] = 1
        background[:, start:stop] += gains * transforms.istft(mask * stft, stop - start, **settings)
    return {"background": background, "foreground": mixture - background}
