"""Separation by the local Gaussian model, with the estimates of another method as initial values.

The model and its algorithms are in `mss_lab.spatial.gaussian`.

Contents: separate. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks, memory, options, transforms
from ..chunks import CHUNK_S, FADE_S, chunks, excerpts
from ..method import SeparatingFunction, Separator
from ..refusals import RefusedValue
from ..silence import between_silences
from . import gaussian, panning, projet_separation
from .entries import LOCAL_GAUSSIAN

# Powers are averaged over this time, as in `projet_separation` and for the same reason.
POOL_S = 0.25

# Covariances are learnt from this duration of a recording, in excerpts of 5 s if it is longer.
LEARN_S = 30.0
EXCERPT_S = 5.0

# Bytes per bin: the transform and its copies; for each source its initial estimate, power and estimate.
STFT_BYTES = 32
SOURCE_BYTES = 44
# Bytes per bin that is being processed, in double precision.
WORK_BYTES = 320


def _working_bytes(
    recording: memory.Recording,
    *,
    start: Separator | None,
    pans_rad: Mapping[str, float] | None,
    count: int | None,
    window_s: float,
    **_: Any,
) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    initial_separator = _start_of(start, pans_rad, count)
    sources = recording.sources if start is not None and recording.sources else panning.likely_count(pans_rad, count)
    learning = (STFT_BYTES + SOURCE_BYTES * sources) * recording.bins(max(CHUNK_S + FADE_S, LEARN_S), settings)
    learning += WORK_BYTES * min(gaussian.THREADS * gaussian.BLOCK_BINS, recording.bins(CHUNK_S, settings))
    copies = 0 if memory.is_limited(initial_separator) else sources * recording.copy_bytes
    return recording.float32_bytes + max(memory.working_bytes_of(initial_separator, recording), copies + learning)


@options.within(LOCAL_GAUSSIAN.options)
@memory.limited("local-gaussian", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    start: Separator | None = None,
    pans_rad: Mapping[str, float] | None = None,
    count: int | None = None,
    algorithm: str = "em",
    iterations: int = gaussian.ITERATIONS,
    pool_s: float = POOL_S,
    window_s: float = panning.WINDOW_S,
) -> dict[str, np.ndarray]:
    """Learn powers and spatial covariances from the estimates of another method, and filter the mixture by them.

    Spatial covariances are learnt from 30 s in total; a longer recording is processed in chunks with these.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : passed to `start`
    start : separator, optional
        Any method; in `mss_lab.catalogue.separator` and on the command line also its name.
        Default: PROJET.
    pans_rad, count
        Options of `start`, if it has them: the directions of its sources, or their number.
    algorithm : {"em", "simplified"}
    iterations : int >= 1
    pool_s : float >= 0, seconds
        Duration over which the initial powers are averaged, and with "em" also the covariance of the mixture.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        With the names from `start`. They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, an option is out of its range, or `start` has no such option.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: Duong, Vincent and Gribonval, IEEE TASLP 2010.
    Differences: initial values from a separation, not from clusters; powers are averaged, see `pool_s`.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    settings = transforms.settings_for(sample_rate_hz, window_s)
    pool = 1 + 2 * round(pool_s * sample_rate_hz / settings["hop_samples"] / 2)
    initial = _initial_estimates(mixture, sample_rate_hz, score, start, pans_rad, count)
    learn = functools.partial(gaussian.learn, algorithm=algorithm, iterations=iterations, pool_frames=pool)

    samples = mixture.shape[1]
    parts = excerpts(samples, sample_rate_hz, LEARN_S, EXCERPT_S)
    covariances = None
    if len(parts) > 1:
        mixture_stft, initial_stfts = _transformed(mixture, initial, parts, settings)
        covariances = learn(mixture_stft, initial_stfts, None).covariances
        del mixture_stft, initial_stfts
    # The estimates replace the initial estimates, chunk by chunk. The overlap of two chunks is kept for the second.
    estimates, piece, done = initial, {name: waveform[:, :0] for name, waveform in initial.items()}, 0
    for first, stop, ramp in chunks(samples, sample_rate_hz):
        shared = {name: waveform[:, waveform.shape[1] - (done - first) :] for name, waveform in piece.items()}
        piece = {name: np.concatenate([shared[name], initial[name][:, done:stop]], axis=1) for name in initial}
        mixture_stft, initial_stfts = _transformed(mixture[:, first:stop], piece, [(0, stop - first)], settings)
        filtered_stfts = learn(mixture_stft, initial_stfts, covariances).estimates
        del initial_stfts
        for part, estimate in zip(filtered_stfts, estimates.values(), strict=True):
            estimate[:, done:stop] = 0
            estimate[:, first:stop] += ramp * transforms.istft(part, stop - first, **settings)
        done = stop
    return estimates


def _initial_estimates(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object,
    start: Separator | None,
    pans_rad: Mapping[str, float] | None,
    count: int | None,
) -> dict[str, np.ndarray]:
    initial_separator = _start_of(start, pans_rad, count)
    initial = checks.check_estimates("the result of start", initial_separator(mixture, sample_rate_hz, score), mixture)
    # Methods of the package return new arrays; those of other methods may be used elsewhere, and are copied.
    own = memory.is_limited(initial_separator)
    return {name: waveform if own else waveform.astype(np.float32) for name, waveform in initial.items()}


def _start_of(start: Separator | None, pans_rad: Mapping[str, float] | None, count: int | None) -> Separator:
    """The separator of the initial estimates, with its directions or their number."""
    initial_separator: SeparatingFunction = projet_separation.separate if start is None else start
    start_options = {name: value for name, value in (("pans_rad", pans_rad), ("count", count)) if value is not None}
    if refused := [name for name in start_options if name not in options.of(initial_separator)]:
        raise RefusedValue(
            f"{refused[0]} must be an option of the start, got a start without this option, or with a value for "
            f"it already; leave {refused[0]} out, or choose another start, such as duet"
        )
    return functools.partial(initial_separator, **start_options)


def _transformed(
    mixture: np.ndarray, initial: dict[str, np.ndarray], parts: list[tuple[int, int]], settings: transforms.StftSettings
) -> tuple[np.ndarray, np.ndarray]:
    """STFTs of parts of the mixture and of the estimates, one part after the other."""

    def of(waveform: np.ndarray) -> np.ndarray:
        cut = [transforms.stft(waveform[:, a:b].astype(np.float32, copy=False), **settings) for a, b in parts]
        return cut[0] if len(cut) == 1 else np.concatenate(cut, axis=2)

    return of(mixture), np.stack([of(waveform) for waveform in initial.values()])
