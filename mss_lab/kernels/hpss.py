"""Separate harmonic from percussive sounds: lines along time and lines along frequency, each estimated by a median.

Contents: decompose, separate. Lesson: notebooks/13_horizontal_vertical_repeating.ipynb
"""

from typing import Any

import numpy as np

from .. import checks, masks, memory, options, transforms
from ..chunks import filtered, filtering_bytes
from ..refusals import RefusedValue
from ..score.notes import Score
from .entries import HPSS
from .proximity import HEIGHT_HZ, LENGTH_S, footprint, horizontal, median_filter, odd, vertical

# Memory for each bin of each channel: the transform, two medians, two masks, two filtered transforms, and copies.
BYTES_PER_BIN = 50


def decompose(
    stft: np.ndarray, *, frames: int = 31, bins: int = 31, exponent: float = 2.0, margin: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Split a transform into its harmonic and its percussive part.

    Parameters
    ----------
    stft : complex or real (channels, freq, frames)
        Every channel is split by itself.
    frames, bins : odd int >= 1
        Lengths of the medians: along time for the harmonic part, along frequency for the percussive one.
    exponent : float > 0
        Exponent of the generalised Wiener filter that turns the two medians into masks.
    margin : float >= 1
        A bin belongs to a part only if its median is about `margin` times the other one. Above 1 some sound remains
        that is neither sustained nor percussive.

    Returns
    -------
    harmonic, percussive : as `stft`
        With a margin of 1 they add up to `stft`.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the transform has other axes or is not finite, a length is even, or an option is out of its range.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Fitzgerald, DAFx 2010; margins: Driedger,
    Müller and Disch, ISMIR 2014, here made soft. The result is that of `librosa.decompose.hpss`.

    Examples
    --------
    >>> stft = np.zeros((1, 64, 64))
    >>> stft[0, 20], stft[0, :, 40] = 1, 1  # a sustained tone and a click
    >>> harmonic, percussive = decompose(stft)
    >>> float(harmonic[0, 20, 10]), float(percussive[0, 50, 40])
    (1.0, 1.0)
    """
    stft = checks.check_finite("stft", checks.check_axes("stft", stft, "channels freq frames"))
    for name, length in (("frames", frames), ("bins", bins)):
        if checks.check_number(name, length, at_least=1, whole=True) % 2 == 0:
            raise RefusedValue(f"{name} must be odd, got {length}; an even median has no middle")
    checks.check_number("exponent", exponent, above=0)
    checks.check_number("margin", margin, at_least=1)
    magnitude = np.abs(stft)
    sustained = np.stack([median_filter(one, np.ones((1, frames), bool)) for one in magnitude])
    percussion = np.stack([median_filter(one, np.ones((bins, 1), bool)) for one in magnitude])
    if margin == 1:
        mask = masks.wiener(np.stack([sustained, percussion]), exponent)
        return mask[0] * stft, mask[1] * stft
    # Where both medians are 0, neither is larger, and the bin belongs to the residual.
    audible = (sustained > 0) | (percussion > 0)
    parts = (
        masks.wiener(np.stack([own, other * sustained.dtype.type(margin)]), exponent)[0] * audible * stft
        for own, other in ((sustained, percussion), (percussion, sustained))
    )
    harmonic, percussive = parts
    return harmonic, percussive


def _working_bytes(
    recording: memory.Recording, *, length_s: float, height_hz: float, window_s: float, **_: Any
) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    frames = odd(memory.amount(length_s, LENGTH_S), settings["hop_samples"] / recording.sample_rate_hz)
    return recording.float32_bytes + filtering_bytes(
        recording, settings, bytes_per_bin=BYTES_PER_BIN * recording.channels, reach_frames=frames // 2
    )


@options.within(HPSS.options)
@memory.limited("hpss", _working_bytes)
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    length_s: float = LENGTH_S,
    height_hz: float = HEIGHT_HZ,
    exponent: float = 2.0,
    margin: float = 1.0,
    window_s: float = 4096 / 44_100,
) -> dict[str, np.ndarray]:
    """Separate sustained from percussive sounds.

    Long recordings are processed in chunks without seams: the estimates equal those of the whole recording at once.

    Parameters
    ----------
    mixture : float (channels, samples)
        Every channel is split by itself.
    sample_rate_hz : int
    score : Score, optional
        Ignored.
    length_s, height_hz : float > 0, seconds and Hz
        Lengths of the two medians, rounded to odd numbers of frames and bins.
    exponent, margin
        Passed to `decompose`.
    window_s : float > 0, seconds
        Length of the STFT's window. A longer window makes tones sharper and strokes wider.

    Returns
    -------
    dict of "harmonic", "percussive", and with a margin above 1 "residual" -> float32 (channels, samples)
        Together they are the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform or an option is out of its range.

    Lesson: notebooks/13_horizontal_vertical_repeating.ipynb. Reference: Fitzgerald, DAFx 2010.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    settings = transforms.settings_for(checks.check_sample_rate(sample_rate_hz), window_s)
    steps = sample_rate_hz / settings["window_samples"], settings["hop_samples"] / sample_rate_hz
    frames = footprint(horizontal(length_s), *steps).shape[1]
    bins = footprint(vertical(height_hz), *steps).shape[0]

    def parts_of(stft: np.ndarray, first_frame: int) -> tuple[np.ndarray, np.ndarray]:
        return decompose(stft, frames=frames, bins=bins, exponent=exponent, margin=margin)

    estimates = filtered(
        mixture,
        ("harmonic", "percussive"),
        parts_of,
        bytes_per_bin=BYTES_PER_BIN * len(mixture),
        settings=settings,
        sample_rate_hz=sample_rate_hz,
        reach_frames=frames // 2,
    )
    if margin > 1:
        estimates["residual"] = mixture - estimates["harmonic"]
        estimates["residual"] -= estimates["percussive"]
    return estimates
