"""NMF with a score: the score defines the templates and when each may sound; the recording defines the rest.

The magnitude V of the mixture is modelled as a sum of templates times activations, one template for each key, which is
one pitch of one player. Two things are known from the score: a template has energy only near the harmonics of its
pitch, and an activation is zero where its pitch is not written. Multiplicative updates keep zeros, so both stay true.

A recording is learnt in four steps, from coarse to fine.

1. Intonation: the offset of each key from the tuning, sharp or flat, is estimated (`intonation`).
2. A rough fit, with bells wide enough to contain a vibrato, weighs the harmonics of each key.
3. In each key's share of the mixture its pitch is followed from frame to frame (`pitch_tracks`).
4. The fit itself, with narrow bells that move with the pitch (`following`). At first a template may only weigh its
   harmonics, each of one fixed shape. That leaves few numbers to learn, and a harmonic that two players share is
   divided between them according to their other harmonics. In the last iterations every bin of the template is free, so
   that it adapts to the instrument.

Activations are smoothed slightly in every iteration, since no instrument changes its level within a few hundredths of a
second, as noise does. There are few iterations: more of them fit the mixture better and separate it worse.
`python -m tests.benchmarks.ideas` prints the effect of each idea.

Symbols: V[f, n] magnitude, W[c, k, f] template of key k at position c, H[k, n] activation.

Contents: Learnt, learn, separate, learning_bytes, working_bytes. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import checks, memory, options, transforms
from ..chunks import excerpts, transformed
from ..score.agreement import tuning_for
from ..score.guards import check_score_fits
from ..score.notes import Score
from . import following, intonation, pitch_tracks, shapes
from .constrained import activation_start, keys_of
from .entries import INFORMED_NMF
from .filtering import STFT_BYTES, filtered, filtering_bytes, fitting_chunk_s
from .shapes import HARMONICS, WIDTH_BINS, WIDTH_CENTS, harmonic_shapes, noise_shapes

__all__ = ["Learnt", "harmonic_shapes", "learn", "noise_shapes", "separate"]

ITERATIONS = 12
FREE_ITERATIONS = 4
SMOOTHING_S = 0.05
WINDOW_S = 0.128
# Hops in a window: close enough for activations to follow an attack, although the window is long.
OVERLAP = 8

# The bells with which intonation is estimated, and enough iterations to divide the sound among the keys.
INTONATION_CENTS, INTONATION_BINS = 20.0, 1.4
INTONATION_ITERATIONS = 6
CAUTION = 0.05
# The bells with which the pitch is followed.
ROUGH_CENTS, ROUGH_BINS = 60.0, 2.2
ROUGH_ITERATIONS = 8

# Templates are learnt from the whole recording or, if it is long, from excerpts spread over it. Then the recording is
# separated chunk by chunk.
LEARN_FROM_S = 150.0
EXCERPT_S = 10.0
# Templates are known by then, so activations converge sooner than in the fit.
CHUNK_ITERATIONS = 4
# Length of the blocks whose magnitudes are computed at a time.
TRANSFORM_S = 10.0

# Memory while templates are learnt: for each key, per frequency and per frame; and for each bin.
TEMPLATE_BYTES = 200
ACTIVATION_BYTES = 40
LEARN_BYTES = 8

# Added to the model of every source, relative to the mixture: bins that no model reaches are shared evenly.
FLOOR = 0.04


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What NMF has learnt from a recording and its score: enough to model any section of it.

    Attributes
    ----------
    sources : tuple of str
    settings : dict
        Of the STFT: window_samples, hop_samples.
    tuning_hz : float
        Frequency of A4, as given or as estimated.
    models_of : function
        Called as `models_of(magnitude, start_s, stop_s)` with the common magnitude (freq, frames) of a section that
        starts and stops at these times; returns the magnitude of each source, float32 (sources, 1, freq, frames).

    Lesson: notebooks/08_nmf_with_a_score.ipynb
    """

    sources: tuple[str, ...]
    settings: transforms.StftSettings
    tuning_hz: float
    models_of: Callable[[np.ndarray, float, float], np.ndarray]


def learn(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    tolerance_s: float = 0.2,
    window_s: float = WINDOW_S,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    iterations: int = ITERATIONS,
    free_iterations: int = FREE_ITERATIONS,
    chunk_iterations: int = CHUNK_ITERATIONS,
    smoothing_s: float = SMOOTHING_S,
    tuning_hz: float | None = None,
    follow_intonation: bool = True,
    follow_pitch: bool = True,
    by_share: bool = True,
    pool_pitches: bool = True,
) -> Learnt:
    """Learn the templates of a recording, one for each pitch of each player, under the constraints of its score.

    Parameters
    ----------
    mixture : float (channels, samples)
        Templates and activations are those of all channels together; each channel is filtered by the same mask.
    sample_rate_hz : int
    score : Score
        Its times must be those of this recording. One estimate is returned for each of its sources. Each "pitch" of an
        unpitched source is a drum, with a template of bands instead of harmonics.
    tolerance_s : float >= 0, seconds
        How far the score's times may be from those of the recording: 0.05 suits notes set by hand, 0.2 an automatic
        alignment.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate; the hop is an eighth of it.
    harmonics, width_cents, width_bins
        Of the harmonics' shapes, see `mss_lab.nmf.shapes.harmonic_shapes`.
    iterations, free_iterations : int
        Passed to `mss_lab.nmf.following.fit`.
    chunk_iterations : int >= 1
        Iterations for the activations of a chunk, with templates that are already learnt.
    smoothing_s : float >= 0, seconds
        Standard deviation of the smoothing of activations.
    tuning_hz : float > 0, optional
        Frequency of A4. Default: estimated, with a warning if the score does not fit the mixture.
    follow_intonation : bool
        Whether the offset of each pitch of each player from the tuning is estimated, up to 40 cents, see
        `mss_lab.nmf.intonation`.
    follow_pitch : bool
        Whether each pitch is followed from frame to frame, within 50 cents of its intonation, see
        `mss_lab.nmf.pitch_tracks`.
    by_share, pool_pitches : bool
        Whether a bin contributes to a template in proportion to the template's share of the bin, and whether a pitch
        that sounds little also learns from near pitches of the same player, see `mss_lab.nmf.following`.

    Returns
    -------
    Learnt

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, or the score is missing or has no note within the mixture.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012.
    """
    checks.check_number("iterations", iterations, at_least=1, whole=True)
    checks.check_number("free_iterations", free_iterations, at_least=0, at_most=iterations, whole=True)
    checks.check_number("chunk_iterations", chunk_iterations, at_least=1, whole=True)
    problem = _problem(mixture, sample_rate_hz, score, tolerance_s, window_s, smoothing_s, harmonics, tuning_hz)
    score, keys, grid = problem.score, problem.keys, problem.grid
    magnitude, allowed, written = _evidence(problem, mixture)
    pitches = problem.pitches
    if follow_intonation:
        pitches = pitches + _offsets_cents(problem, magnitude, allowed, written) / 100
    fit = functools.partial(
        following.fit,
        magnitude,
        allowed,
        smoothing_frames=problem.smoothing_frames,
        by_share=by_share,
        similarity=following.pitch_similarity(keys, frozenset(score.unpitched)) if pool_pitches else None,
    )
    positions_cents: tuple[float, ...] = (0.0,)
    tracks_cents = None
    if follow_pitch:
        rough, activations = fit(problem.shapes(pitches, (0.0,), ROUGH_CENTS, ROUGH_BINS), iterations=ROUGH_ITERATIONS)
        combs = pitch_tracks.combs(pitches, *grid, problem.tuning_hz)
        tracks_cents = pitch_tracks.tracks_cents(magnitude, rough, activations, combs)
        positions_cents = following.POSITIONS_CENTS
    narrow = problem.shapes(pitches, positions_cents, width_cents, width_bins)
    templates, _ = fit(narrow, tracks_cents, iterations=iterations, free_iterations=free_iterations)
    del fit, magnitude, allowed, written, narrow, tracks_cents
    owners = np.array([score.sources.index(source) for source, _ in keys])

    def models_of(magnitude: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
        rounds: Any = {"iterations": chunk_iterations, "smoothing_frames": problem.smoothing_frames}
        allowed = problem.where(magnitude.shape[1], start_s, tolerance_s)
        tracks_cents = None
        if follow_pitch:
            activations = following.activations(magnitude, rough, allowed, **rounds)
            tracks_cents = pitch_tracks.tracks_cents(magnitude, rough, activations, combs)
        activations = following.activations(magnitude, templates, allowed, tracks_cents, **rounds)
        return following.models(templates, activations, tracks_cents, owners, len(score.sources))

    return Learnt(score.sources, problem.settings, problem.tuning_hz, models_of)


def learning_bytes(recording: memory.Recording, *, window_s: float = WINDOW_S) -> float:
    """The working memory of `learn` and of the models that it returns: it stops growing at `LEARN_FROM_S`."""
    settings = _settings(recording.sample_rate_hz, window_s)
    return (
        TEMPLATE_BYTES * recording.keys * (settings["window_samples"] // 2 + 1)
        + ACTIVATION_BYTES * recording.keys * recording.frames(LEARN_FROM_S, settings)
        + LEARN_BYTES * recording.bins(LEARN_FROM_S, settings)
        + STFT_BYTES * recording.channels * recording.bins(TRANSFORM_S, settings)
    )


def working_bytes(recording: memory.Recording, *, window_s: float = WINDOW_S, **_: Any) -> float:
    """The working memory of `separate`."""
    settings = _settings(recording.sample_rate_hz, window_s)
    templates = TEMPLATE_BYTES * recording.keys * (settings["window_samples"] // 2 + 1)
    chunk_s = fitting_chunk_s(recording.sources, recording.channels, recording.sample_rate_hz, settings)
    filtering = templates + filtering_bytes(recording, settings, chunk_s=chunk_s)
    return recording.float32_bytes + max(learning_bytes(recording, window_s=window_s), filtering)


@options.within(INFORMED_NMF.options)
@memory.limited("informed-nmf", working_bytes)
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    tolerance_s: float = 0.2,
    window_s: float = WINDOW_S,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    iterations: int = ITERATIONS,
    free_iterations: int = FREE_ITERATIONS,
    chunk_iterations: int = CHUNK_ITERATIONS,
    smoothing_s: float = SMOOTHING_S,
    exponent: float = 2.0,
    floor: float = FLOOR,
    tuning_hz: float | None = None,
    follow_intonation: bool = True,
    follow_pitch: bool = True,
    by_share: bool = True,
    pool_pitches: bool = True,
) -> dict[str, np.ndarray]:
    """Separate a mixture by NMF with the constraints of its score.

    Parameters
    ----------
    mixture : float (channels, samples)
        Templates and activations are those of all channels together; each channel is filtered by the same mask.
    sample_rate_hz : int
    score : Score
        Its times must be those of this recording. One estimate is returned for each of its sources. Each "pitch" of an
        unpitched source is a drum, with a template of bands instead of harmonics.
    exponent : float > 0
        Exponent of the generalised Wiener filter that turns models into masks.
    floor : float >= 0
        Added to every model, relative to the mixture: bins that no model reaches are shared evenly.
    tolerance_s, window_s, harmonics, width_cents, width_bins, iterations, free_iterations, chunk_iterations, \
smoothing_s, tuning_hz, follow_intonation, follow_pitch, by_share, pool_pitches
        Of `learn`.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, or the score is missing or has no note within the mixture.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012.
    """
    learnt = learn(
        mixture,
        sample_rate_hz,
        score,
        tolerance_s=tolerance_s,
        window_s=window_s,
        harmonics=harmonics,
        width_cents=width_cents,
        width_bins=width_bins,
        iterations=iterations,
        free_iterations=free_iterations,
        chunk_iterations=chunk_iterations,
        smoothing_s=smoothing_s,
        tuning_hz=tuning_hz,
        follow_intonation=follow_intonation,
        follow_pitch=follow_pitch,
        by_share=by_share,
        pool_pitches=pool_pitches,
    )

    def models_of(magnitude: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
        models = learnt.models_of(magnitude, start_s, stop_s)
        if floor:
            np.hypot(models, (floor * magnitude).astype(np.float32), out=models)
        return models

    mixture = checks.check_waveform("mixture", mixture)
    chunk_s = fitting_chunk_s(len(learnt.sources), len(mixture), sample_rate_hz, learnt.settings)
    return filtered(
        mixture,
        sample_rate_hz,
        learnt.sources,
        models_of,
        settings=learnt.settings,
        exponent=exponent,
        chunk_s=chunk_s,
    )


@dataclasses.dataclass(frozen=True)
class _Problem:
    """What is known before learning: the notes, the grid of the transform, and how exact the notes are."""

    score: Score
    keys: tuple[tuple[str, float], ...]
    settings: transforms.StftSettings
    sample_rate_hz: int
    tuning_hz: float
    tolerance_s: float
    smoothing_s: float
    harmonics: int

    @property
    def grid(self) -> tuple[int, int]:
        """Window in samples and sample rate."""
        return self.settings["window_samples"], self.sample_rate_hz

    @property
    def frame_rate_hz(self) -> float:
        return self.sample_rate_hz / self.settings["hop_samples"]

    @property
    def smoothing_frames(self) -> float:
        return self.smoothing_s * self.frame_rate_hz

    @property
    def pitches(self) -> np.ndarray:
        """MIDI number of each key; NaN for a drum."""
        return np.array([np.nan if source in self.score.unpitched else midi for source, midi in self.keys], float)

    def where(self, frames: int, start_s: float, around_s: float) -> np.ndarray:
        """Where each key is written, plus or minus `around_s`, in frames from `start_s` on: (keys, frames)."""
        options: Any = {"tolerance_s": around_s, "release_s": 0.0, "start_s": start_s}
        return activation_start(self.score, self.keys, frames, self.frame_rate_hz, **options)

    def shapes(self, pitches: np.ndarray, positions_cents: Sequence[float], cents: float, bins: float) -> Any:
        """Shapes of all keys at these pitches and positions, of a width in cents and bins; a sparse matrix."""
        widths: Any = {"width_cents": cents, "width_bins": bins, "tuning_hz": self.tuning_hz}
        return shapes.of_keys(pitches, positions_cents, *self.grid, harmonics=self.harmonics, **widths)


def _problem(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None,
    tolerance_s: float,
    window_s: float,
    smoothing_s: float,
    harmonics: int,
    tuning_hz: float | None,
) -> _Problem:
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    duration_s = mixture.shape[1] / sample_rate_hz
    score = check_score_fits(score, duration_s)
    checks.check_number("tolerance_s", tolerance_s, at_least=0, unit="seconds")
    checks.check_number("smoothing_s", smoothing_s, at_least=0, unit="seconds")
    harmonics = checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    tuning_hz = tuning_for(mixture, sample_rate_hz, score, tuning_hz)
    settings = _settings(sample_rate_hz, window_s)
    keys = keys_of(score, 0.0, duration_s)
    return _Problem(score, keys, settings, sample_rate_hz, tuning_hz, tolerance_s, smoothing_s, harmonics)


def _settings(sample_rate_hz: int, window_s: float) -> transforms.StftSettings:
    window_samples = transforms.window_samples_for(sample_rate_hz, window_s)
    return {"window_samples": window_samples, "hop_samples": window_samples // OVERLAP}


def _evidence(problem: _Problem, mixture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The data to learn from: magnitudes, where keys are written within the tolerance, and where exactly."""
    rate_hz, settings = problem.sample_rate_hz, problem.settings
    stretches = excerpts(mixture.shape[1], rate_hz, LEARN_FROM_S, EXCERPT_S)
    counts = [transforms.frame_count(stop - start, **settings) for start, stop in stretches]
    # Frames first, as the transform stores them.
    magnitude = np.empty((sum(counts), settings["window_samples"] // 2 + 1), np.float32)
    for (start, stop), first in zip(stretches, np.cumsum([0, *counts]), strict=False):
        for begin, end, stft in transformed(mixture[:, start:stop], settings, round(TRANSFORM_S * rate_hz)):
            magnitude[first + begin : first + end] = transforms.common_magnitude(stft).T
    allowed, written = (
        np.concatenate(
            [
                problem.where(frames, start / rate_hz, around_s)
                for frames, (start, _) in zip(counts, stretches, strict=True)
            ],
            axis=1,
        )
        for around_s in (problem.tolerance_s, 0.0)
    )
    return magnitude.T, allowed, written


def _offsets_cents(problem: _Problem, magnitude: np.ndarray, allowed: np.ndarray, written: np.ndarray) -> np.ndarray:
    """The offset of each key from the tuning: estimated where it is written, and again in its share of the sound."""
    midi = np.array([midi for _, midi in problem.keys], float)
    grid = (midi, *problem.grid, problem.tuning_hz)
    spectra = intonation.spectra_where_written(magnitude, written)
    offsets_cents = intonation.offsets_cents(spectra, *grid, caution=CAUTION)
    bells = problem.shapes(problem.pitches + offsets_cents / 100, (0.0,), INTONATION_CENTS, INTONATION_BINS)
    templates, activations = following.fit(magnitude, allowed, bells, iterations=INTONATION_ITERATIONS, by_share=False)
    return intonation.offsets_cents(intonation.spectra_by_share(magnitude, templates[0].T, activations), *grid)
