"""Separation of stereo recordings by PROJET, whose model is in `projet`.

Contents: separate. Lesson: notebooks/12_more_than_a_histogram.ipynb
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks, memory, options, transforms
from ..chunks import CHUNK_S, FADE_S, chunks, excerpts
from ..refusals import RefusedType
from ..silence import between_silences
from . import panning, wiener
from .entries import PROJET
from .projet import DIRECTIONS, ITERATIONS, PANS, filtered, fit, gains_near, spatial_model

# Sources hold their pitch longer than a frame, while their phases turn: averaged over so long, they interfere less.
POOL_S = 0.25

# Of the filter that shares each bin. Above 1 it leans towards the loudest, as only few sources share most bins.
EXPONENT = 1.5
# The part of each source's power that the Wiener filter expects from everywhere, as from a room.
DIFFUSE = 0.001

# Learnt from so much of a recording, in excerpts of 5 s if it is longer.
LEARN_S = 30.0
EXCERPT_S = 5.0

# Memory for each bin: the transform and its copies; of each projection; of each source, its model, powers and estimate.
STFT_BYTES = 40
LOOK_BYTES = 4
SOURCE_BYTES = 32
# For each entry of the kernels, which say how loud a position is in a projection.
KERNEL_BYTES = 24


def _working_bytes(
    recording: memory.Recording,
    *,
    pans_rad: Mapping[str, float] | None,
    count: int | None,
    directions: int,
    pans: int,
    delays_s: Sequence[float],
    window_s: float,
    **_: Any,
) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    sources = panning.likely_count(pans_rad, count)
    late = len(delays_s) if isinstance(delays_s, Sequence) else 1
    looks = late * memory.amount(directions, DIRECTIONS)
    # With delays, every frequency has a kernel of its own.
    kernels = (settings["window_samples"] // 2 + 1 if late > 1 else 1) * late * memory.amount(pans, PANS) * looks
    bins = recording.bins(max(CHUNK_S + FADE_S, LEARN_S), settings)
    each = STFT_BYTES + LOOK_BYTES * looks + SOURCE_BYTES * sources
    return recording.float32_bytes + each * bins + KERNEL_BYTES * kernels


@options.within(PROJET.options)
@memory.limited("projet", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    pans_rad: Mapping[str, float] | None = None,
    count: int | None = None,
    kind: str = "kl",
    directions: int = DIRECTIONS,
    pans: int = PANS,
    delays_s: Sequence[float] = (0.0,),
    iterations: int = ITERATIONS,
    pool_s: float = POOL_S,
    resynthesis: str = "wiener",
    exponent: float = EXPONENT,
    diffuse: float = DIFFUSE,
    window_s: float = panning.WINDOW_S,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Separate a stereo mixture by where its sources are, explaining projections on all sides at once.

    The spread of each source over the pan positions is learnt from 30 s in all; the rest of a long recording is worked
    through in chunks with what was learnt.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    pans_rad : mapping of source name -> angle in [0, pi/2], optional
        Where sources are at the start. Default: at the peaks of the panning histogram, which name them.
    count : int >= 1, optional
        How many peaks to take.
    kind, directions, iterations
        Of `fit`.
    pans : int >= 2
        Positions on the grid.
    delays_s : sequence of float, seconds
        How much later than on the left a source may be on the right.
    pool_s : float >= 0, seconds
        Over how long projections are averaged before they are explained; 0 is the paper.
    resynthesis : {"wiener", "projections"}
        The multichannel Wiener filter, or the paper's: projections are filtered, and the nearest sources found.
    exponent : float > 0
        Of either filter; 1 is the paper.
    diffuse : float in [0, 1]
        Of `spatial_model`: which part of each source comes from everywhere. In rooms, 0.03 or so is better.
    window_s : float > 0, seconds
        Of the STFT's window, at every sample rate.
    rng : numpy.random.Generator, optional
        Draws what the fit starts from. Default: a new one with seed 0.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Source: FitzGerald, Liutkus and Badeau, ICASSP 2016.
    Differs: averages over a quarter of a second, and filters by the multichannel Wiener filter; see the options.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    rng = np.random.default_rng(0) if rng is None else rng
    settings = transforms.settings_for(sample_rate_hz, window_s)
    sources = panning.named(pans_rad, count, mixture, sample_rate_hz, window_s=window_s)
    pool = 1 + 2 * round(pool_s * sample_rate_hz / settings["hop_samples"] / 2)
    delays = tuple(one * sample_rate_hz for one in _checked_delays_s(delays_s))
    model_of = functools.partial(
        fit, kind=kind, directions=directions, delays=delays, iterations=iterations, pool_frames=pool, rng=rng
    )

    samples = mixture.shape[1]
    parts = excerpts(samples, sample_rate_hz, LEARN_S, EXCERPT_S)
    heard = np.concatenate([transforms.stft(mixture[:, a:b], **settings) for a, b in parts], axis=2)
    gains = gains_near(list(sources.values()), pans=pans, delays=max(1, len(delays)))
    learnt = model_of(heard, gains)
    del heard

    estimates = memory.zeros_for(sources, mixture.shape)
    for start, stop, ramp in chunks(samples, sample_rate_hz):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        whole = len(parts) == 1 and stop - start == samples
        model = learnt if whole else model_of(stft, learnt.gains, learn_gains=False)
        if resynthesis == "wiener":
            found = wiener.filtered(stft, *spatial_model(model, exponent, diffuse))
        else:
            found = filtered(stft, model, exponent)
        for estimate, one in zip(estimates.values(), found, strict=True):
            estimate[:, start:stop] += ramp * transforms.istft(one, stop - start, **settings)
    return estimates


def _checked_delays_s(delays_s: Sequence[float]) -> tuple[float, ...]:
    if isinstance(delays_s, str) or not isinstance(delays_s, Sequence | np.ndarray) or len(delays_s) > 100:
        raise RefusedType(f"delays_s must be at most 100 numbers of seconds, got {delays_s!r}; in Python, pass (0.0,)")
    return tuple(
        float(checks.check_number("delays_s", one, at_least=-1, at_most=1, unit="seconds")) for one in delays_s
    )
