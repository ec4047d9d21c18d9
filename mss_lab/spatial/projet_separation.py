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

# A pitch lasts longer than a frame while phases rotate: averages over this time contain less interference of sources.
POOL_S = 0.25

# Exponent of the filter. Above 1 it favours the loudest source, because only few sources share most bins.
EXPONENT = 1.5
# The fraction of each source's power that the Wiener filter assumes to be diffuse, as in a room.
DIFFUSE = 0.001

# Gains are learnt from this duration of a recording, in excerpts of 5 s if it is longer.
LEARN_S = 30.0
EXCERPT_S = 5.0

# Bytes per bin: the transform and its copies; each projection; for each source its model, powers and estimate.
STFT_BYTES = 40
PROJECTION_BYTES = 4
SOURCE_BYTES = 32
# Bytes per entry of the kernels, the gains of positions in projections.
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
    delay_count = len(delays_s) if isinstance(delays_s, Sequence) else 1
    projections = delay_count * memory.amount(directions, DIRECTIONS)
    # With delays, every frequency has its own kernel.
    kernels = (
        (settings["window_samples"] // 2 + 1 if delay_count > 1 else 1)
        * delay_count
        * memory.amount(pans, PANS)
        * projections
    )
    bins = recording.bins(max(CHUNK_S + FADE_S, LEARN_S), settings)
    each = STFT_BYTES + PROJECTION_BYTES * projections + SOURCE_BYTES * sources
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
    """Separate a stereo mixture by the positions of its sources, with a common model of several projections.

    The distribution of each source over the pan positions is learnt from 30 s in total; a longer recording is then
    processed in chunks with these gains.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score : ignored
    pans_rad : mapping of source name -> angle in [0, pi/2], optional
        Initial positions of the sources. Default: the peaks of the panning histogram, which also give the names.
    count : int >= 1, optional
        Number of peaks to use.
    kind, directions, iterations
        As for `fit`.
    pans : int >= 2
        Number of positions on the grid.
    delays_s : sequence of float, seconds
        Possible delays of a source in the right channel relative to the left.
    pool_s : float >= 0, seconds
        Duration over which projections are averaged before the fit; 0 as in the paper.
    resynthesis : {"wiener", "projections"}
        The multichannel Wiener filter, or the method of the paper: filtered projections and a least-squares estimate.
    exponent : float > 0
        Exponent of the filter; 1 as in the paper.
    diffuse : float in [0, 1]
        Diffuse fraction of each source, as for `spatial_model`. For rooms, about 0.03 is better.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate.
    rng : numpy.random.Generator, optional
        Generator of the initial values. Default: a new generator with seed 0.

    Returns
    -------
    dict of source name -> float32 (2, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not stereo, or an option is out of its range.

    Lesson: notebooks/12_more_than_a_histogram.ipynb. Reference: FitzGerald, Liutkus and Badeau, ICASSP 2016.
    Difference: averages over a quarter of a second, and filters by the multichannel Wiener filter; see the options.
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
    learning_stft = np.concatenate([transforms.stft(mixture[:, a:b], **settings) for a, b in parts], axis=2)
    gains = gains_near(list(sources.values()), pans=pans, delays=max(1, len(delays)))
    learnt = model_of(learning_stft, gains)
    del learning_stft

    estimates = memory.zeros_for(sources, mixture.shape)
    for start, stop, ramp in chunks(samples, sample_rate_hz):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        whole = len(parts) == 1 and stop - start == samples
        model = learnt if whole else model_of(stft, learnt.gains, learn_gains=False)
        if resynthesis == "wiener":
            filtered_stfts = wiener.filtered(stft, *spatial_model(model, exponent, diffuse))
        else:
            filtered_stfts = filtered(stft, model, exponent)
        for estimate, one in zip(estimates.values(), filtered_stfts, strict=True):
            estimate[:, start:stop] += ramp * transforms.istft(one, stop - start, **settings)
    return estimates


def _checked_delays_s(delays_s: Sequence[float]) -> tuple[float, ...]:
    if isinstance(delays_s, str) or not isinstance(delays_s, Sequence | np.ndarray) or len(delays_s) > 100:
        raise RefusedType(f"delays_s must be at most 100 numbers of seconds, got {delays_s!r}; in Python, pass (0.0,)")
    return tuple(
        float(checks.check_number("delays_s", one, at_least=-1, at_most=1, unit="seconds")) for one in delays_s
    )
