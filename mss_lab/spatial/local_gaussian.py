"""Separation by the local Gaussian model, started from what another method separates.

Powers and spatial covariances are those of `mss_lab.spatial.gaussian`.

Contents: separate. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks, memory, options, transforms
from ..chunks import CHUNK_S, FADE_S, chunks, excerpts
from ..method import Separator
from ..refusals import RefusedValue
from ..silence import between_silences
from . import gaussian, panning, projet_separation
from .entries import LOCAL_GAUSSIAN

# Powers are averaged over so long, as in `projet` and for its reasons.
POOL_S = 0.25

# Learnt from so much of a recording, in excerpts of 5 s if it is longer.
LEARN_S = 30.0
EXCERPT_S = 5.0

# Memory for each bin: the transform and its copies; of each source, its guess, power and estimate.
STFT_BYTES = 32
SOURCE_BYTES = 44
# For each bin that is worked on, in double precision.
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
    begin = _start_of(start, pans_rad, count)
    sources = recording.sources if start is not None and recording.sources else panning.likely_count(pans_rad, count)
    learning = (STFT_BYTES + SOURCE_BYTES * sources) * recording.bins(max(CHUNK_S + FADE_S, LEARN_S), settings)
    learning += WORK_BYTES * min(gaussian.THREADS * gaussian.BLOCK_BINS, recording.bins(CHUNK_S, settings))
    beside = 0 if memory.is_limited(begin) else sources * recording.copy_bytes
    return recording.float32_bytes + max(memory.working_bytes_of(begin, recording), beside + learning)


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
    """Start from what another method separates, and learn from it where each source is and how loud.

    Spatial covariances are learnt from 30 s in all; a longer recording is worked through in chunks with these.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : passed on to `start`
    start : separator, optional
        Any method that gives estimates; in `mss_lab.catalogue.separator` and on the command line also its name.
        Default: PROJET.
    pans_rad, count
        Options of the start, where it has them: the directions of its sources, or how many there are.
    algorithm : {"em", "simplified"}
    iterations : int >= 1
    pool_s : float >= 0, seconds
        Over how long powers are averaged at the start and, by "em", the mixture's covariance throughout.
    window_s : float > 0, seconds
        Of the STFT's window, at every sample rate.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        With the names that `start` gives. They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, an option is out of its range, or the start takes no directions.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: Duong, Vincent and Gribonval, IEEE TASLP 2010.
    Differs: starts from a separation, not from clusters; powers are averaged, see `pool_s`.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    settings = transforms.settings_for(sample_rate_hz, window_s)
    pool = 1 + 2 * round(pool_s * sample_rate_hz / settings["hop_samples"] / 2)
    guess = _begun(mixture, sample_rate_hz, score, start, pans_rad, count)
    learn = functools.partial(gaussian.learn, algorithm=algorithm, iterations=iterations, pool_frames=pool)

    samples = mixture.shape[1]
    parts = excerpts(samples, sample_rate_hz, LEARN_S, EXCERPT_S)
    covariances = None
    if len(parts) > 1:
        heard, guessed = _transformed(mixture, guess, parts, settings)
        covariances = learn(heard, guessed, None).covariances
        del heard, guessed
    # The estimates take the place of the guess, chunk by chunk. What two chunks share of it is kept for the second.
    estimates, piece, done = guess, {name: waveform[:, :0] for name, waveform in guess.items()}, 0
    for first, stop, ramp in chunks(samples, sample_rate_hz):
        shared = {name: waveform[:, waveform.shape[1] - (done - first) :] for name, waveform in piece.items()}
        piece = {name: np.concatenate([shared[name], guess[name][:, done:stop]], axis=1) for name in guess}
        heard, guessed = _transformed(mixture[:, first:stop], piece, [(0, stop - first)], settings)
        found = learn(heard, guessed, covariances).estimates
        del guessed
        for part, estimate in zip(found, estimates.values(), strict=True):
            estimate[:, done:stop] = 0
            estimate[:, first:stop] += ramp * transforms.istft(part, stop - first, **settings)
        done = stop
    return estimates


def _begun(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object,
    start: Separator | None,
    pans_rad: Mapping[str, float] | None,
    count: int | None,
) -> dict[str, np.ndarray]:
    begin = _start_of(start, pans_rad, count)
    guess = checks.check_estimates("what start returned", begin(mixture, sample_rate_hz, score), mixture)
    # The package's own methods give arrays that nobody else has; those of another may belong to somebody.
    own = memory.is_limited(begin)
    return {name: waveform if own else waveform.astype(np.float32) for name, waveform in guess.items()}


def _start_of(start: Separator | None, pans_rad: Mapping[str, float] | None, count: int | None) -> Separator:
    """The separator that begins, with the directions that it shall look for."""
    begin = projet_separation.separate if start is None else start
    given = {name: value for name, value in (("pans_rad", pans_rad), ("count", count)) if value is not None}
    if refused := [name for name in given if name not in options.of(begin)]:
        raise RefusedValue(
            f"{refused[0]} must be an option of the start, got a start that has no such option, or that was given one "
            f"already; leave {refused[0]} out, or choose another start, such as duet"
        )
    return functools.partial(begin, **given)


def _transformed(
    mixture: np.ndarray, guess: dict[str, np.ndarray], parts: list[tuple[int, int]], settings: transforms.StftSettings
) -> tuple[np.ndarray, np.ndarray]:
    """STFTs of parts of the mixture and of the estimates, one part after the other."""

    def of(waveform: np.ndarray) -> np.ndarray:
        cut = [transforms.stft(waveform[:, a:b].astype(np.float32, copy=False), **settings) for a, b in parts]
        return cut[0] if len(cut) == 1 else np.concatenate(cut, axis=2)

    return of(mixture), np.stack([of(waveform) for waveform in guess.values()])
