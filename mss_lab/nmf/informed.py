"""NMF with a score: the score says which templates there are and when each may sound; the recording says the rest.

The magnitude V of the mixture is modelled as a sum of templates times activations, one template for each pitch of each
player. Two things are known beforehand: a template has energy only near the harmonics of its pitch, and an activation
is zero where its pitch is not written. Multiplicative updates keep zeros, so both stay true.

Learning goes from coarse to fine. First a template may only weigh its harmonics, each of one fixed shape; that leaves
few numbers to learn, and harmonics on which two players meet are told apart by what the other harmonics do. In the
last few rounds every bin of the template is free, so that it takes the shape of the instrument. Activations are
smoothed a little in every round, since no instrument changes its level within a few hundredths of a second as noise
does. There are few rounds: more of them fit the mixture better and separate it worse.

Before that, each pitch of each player is looked for where its harmonics sound, a little sharp or flat of the tuning
(`intonation`); `python -m tests.benchmarks.ideas` prints what that brings, and every other idea.

Symbols: V[f, n] magnitude, W[f, k] template of pitch k, H[k, n] activation, G_h[f] shape of harmonic h, a_h its weight.

Contents: harmonic_shapes, noise_shapes, fit, Learnt, learn, separate. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage

from .. import checks, transforms, units
from ..chunks import excerpts
from ..score.agreement import tuning_for
from ..score.harmonics import check_score_fits
from ..score.notes import Score
from . import components, intonation, updates
from .constrained import activation_start, keys_of
from .filtering import filtered

HARMONICS = 30
WIDTH_CENTS = 20.0
WIDTH_BINS = 1.4
ITERATIONS = 12
FREE_ITERATIONS = 4
# Enough to tell which part of the sound is whose, where intonation is listened for.
ROUGH_ITERATIONS = 6
CAUTION = 0.05
LOWEST_BAND_HZ = 50.0
SMOOTHING_S = 0.05
WINDOW_S = 8192 / 44_100
# Hops in a window: close enough that activations follow an attack, although the window is long.
OVERLAP = 8

# Templates are learnt from the whole recording or, where it is long, from excerpts spread over it; then it is separated
# chunk by chunk.
LEARN_FROM_S = 150.0
EXCERPT_S = 10.0
# Templates are known by then, so activations settle sooner than in the fit.
CHUNK_ITERATIONS = 6

# Relative to the peak of V, which is 1 inside the fit: far below anything heard, far above underflow.
TINY = 1e-10


def harmonic_shapes(
    midi: float,
    window_samples: int,
    sample_rate_hz: int,
    *,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    tuning_hz: float = units.A4_HZ,
) -> np.ndarray:
    """The shape of each harmonic of a pitch: a bell around h times its fundamental.

    Parameters
    ----------
    midi : float
    window_samples, sample_rate_hz : int
        Of the STFT.
    harmonics : int >= 1
    width_cents : float >= 0
    width_bins : float >= 0.5
        The bell's width is an interval, for what players do to the pitch, plus a number of bins, for what the window
        does to any sinusoid; two standard deviations of the bell.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    float32 (harmonics, freq)
        Peak 1; rows of harmonics above half the sample rate are zero.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.
    """
    checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    checks.check_number("width_cents", width_cents, at_least=0, unit="cents")
    # A bell of no width would fall between two bins and leave its harmonic no bin at all.
    checks.check_number("width_bins", width_bins, at_least=0.5, unit="bins")
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, sample_rate_hz)
    centres_hz = np.arange(1, harmonics + 1)[:, np.newaxis] * units.midi_to_hz(midi, tuning_hz)
    widths_hz = centres_hz * (units.cents_to_ratio(width_cents) - 1) + width_bins * sample_rate_hz / window_samples
    bells = np.exp(-0.5 * (2 * (frequencies_hz - centres_hz) / np.maximum(widths_hz, 1e-9)) ** 2)
    # Far from its middle a bell is cut to zero, for zeros are what the updates keep.
    bells[(bells < 1e-4) | (centres_hz >= sample_rate_hz / 2)] = 0
    return bells.astype(np.float32)


def noise_shapes(window_samples: int, sample_rate_hz: int, *, bands: int = HARMONICS) -> np.ndarray:
    """What stands for the harmonics of a sound without a pitch: bands that cover all frequencies.

    Parameters
    ----------
    window_samples, sample_rate_hz : int
        Of the STFT.
    bands : int >= 1

    Returns
    -------
    float32 (bands, freq)
        Bells evenly spaced on a logarithmic axis from 50 Hz up, the lowest from 0 Hz on; at every frequency they add
        up to 1.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Source: ours.
    """
    checks.check_number("bands", bands, at_least=1, whole=True)
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, sample_rate_hz)
    places = np.log(np.maximum(frequencies_hz, LOWEST_BAND_HZ))
    middles = np.linspace(np.log(LOWEST_BAND_HZ), np.log(max(sample_rate_hz / 2, 2 * LOWEST_BAND_HZ)), bands)
    spacing = middles[1] - middles[0] if bands > 1 else np.inf
    bells = np.exp(-0.5 * ((places - middles[:, np.newaxis]) / spacing) ** 2)
    return (bells / np.maximum(bells.sum(axis=0), TINY)).astype(np.float32)


def fit(
    magnitude: np.ndarray,
    allowed: np.ndarray,
    shapes: np.ndarray,
    *,
    iterations: int = ITERATIONS,
    free_iterations: int = FREE_ITERATIONS,
    smoothing_frames: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn templates and activations under the constraints of a score, for the KL divergence.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
        V.
    allowed : bool, or 0 and 1 (keys, frames)
        Where each pitch may sound.
    shapes : float (keys, harmonics, freq)
        Shapes of the harmonics of each pitch, as of `harmonic_shapes`.
    iterations : int >= 1
    free_iterations : int in [0, iterations]
        How many of them, the last, let every bin of a template move by itself.
    smoothing_frames : float >= 0
        Standard deviation of the bell by which activations are smoothed in every round.

    Returns
    -------
    templates : float32 (freq, keys)
        Each adds up to 1, and is zero wherever its shapes are.
    activations : float32 (keys, frames)
        Zero where not allowed.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Source: Ewert and Müller, ICASSP 2012 (constraints by a score);
    Lee and Seung, NIPS 2000 (updates); Raczyński et al., ISMIR 2007 (harmonic templates). Smoothing and the change
    from harmonics to bins are ours.
    """
    V, level = _scaled(magnitude)
    areas = shapes.sum(axis=2)
    numbers = np.arange(1, shapes.shape[1] + 1, dtype=np.float32)
    weights = (areas > 0) / numbers
    W = np.einsum("kh,khf->fk", weights, shapes)
    W, scale = _normalised(W)
    weights = weights / np.maximum(scale, TINY)[:, np.newaxis]
    H = allowed * (V.sum() / max(1, np.count_nonzero(allowed))).astype(np.float32)
    for iteration in range(iterations):
        H = _updated_activations(V, W, H, allowed, smoothing_frames if iteration < iterations - 1 else 0.0)
        counts, _ = updates.template_terms(V, W, H)
        totals = np.maximum(H.sum(axis=1), TINY)
        if iteration < iterations - free_iterations:
            # What a harmonic's shape collects, over what it would collect if the model were right.
            gains = np.matmul(shapes, counts.T[:, :, np.newaxis])[:, :, 0]
            weights = weights * gains / np.maximum(areas * totals[:, np.newaxis], TINY)
            W = np.einsum("kh,khf->fk", weights, shapes)
        else:
            W = W * counts / totals
        W, scale = _normalised(W)
        H = H * scale[:, np.newaxis]
        weights = weights / np.maximum(scale, TINY)[:, np.newaxis]
    return W, H * level


def _updated_activations(
    V: np.ndarray, W: np.ndarray, H: np.ndarray, allowed: np.ndarray, smoothing_frames: float
) -> np.ndarray:
    # Templates add up to 1, so the usual denominator is 1.
    H = H * updates.activation_terms(V, W, H)[0]
    if smoothing_frames > 0:
        H = scipy.ndimage.gaussian_filter1d(H, smoothing_frames, axis=1) * allowed
    return H


def _scaled(magnitude: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """V with a peak of 1, laid out for the updates, and the peak it had; silence stays as it is."""
    level = np.float32(magnitude.max() or 1.0)
    return np.ascontiguousarray(magnitude / level, dtype=np.float32), level


def _normalised(W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = W.sum(axis=0)
    return W / np.maximum(scale, TINY), scale


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What NMF has learnt from a recording and its score: everything that models any stretch of it.

    Attributes
    ----------
    sources : tuple of str
    settings : dict
        Of the STFT: window_samples, hop_samples.
    tuning_hz : float
        Frequency of A4, as given or as heard.
    models_of : function
        Called as `models_of(magnitude, start_s, stop_s)` with the common magnitude (freq, frames) of a stretch that
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
    smoothing_s: float = SMOOTHING_S,
    tuning_hz: float | None = None,
    follow_intonation: bool = True,
) -> Learnt:
    """Learn the templates of a recording, each pitch of each player one, under the constraints of its score.

    Parameters
    ----------
    mixture : float (channels, samples)
        Templates and activations are those of all channels together; each channel is filtered by the same mask.
    sample_rate_hz : int
    score : Score
        With the times of this recording; one estimate comes back for each of its sources. Each "pitch" of an unpitched
        source is a drum, with a template of bands instead of harmonics.
    tolerance_s : float >= 0, seconds
        How far from the truth the score's times may be: 0.05 suits notes set by hand, 0.2 an automatic alignment.
    window_s : float > 0, seconds
        Of the STFT's window, at every sample rate; the hop is an eighth of it.
    harmonics, width_cents, width_bins
        Of the harmonics' shapes, see `harmonic_shapes`.
    iterations, free_iterations : int
        Of `fit`.
    smoothing_s : float >= 0, seconds
        Standard deviation of the smoothing of activations.
    tuning_hz : float > 0, optional
        Frequency of A4. Without it, it is estimated, and a score that hardly suits the mixture is warned of.
    follow_intonation : bool
        Whether each pitch of each player is looked for within 40 cents of the tuning, see `intonation`.

    Returns
    -------
    Learnt

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform, or the score is missing or has no note within the mixture.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Source: Ewert and Müller, ICASSP 2012.
    """
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    duration_s = mixture.shape[1] / sample_rate_hz
    score = check_score_fits(score, duration_s)
    checks.check_number("tolerance_s", tolerance_s, at_least=0, unit="seconds")
    checks.check_number("smoothing_s", smoothing_s, at_least=0, unit="seconds")
    checks.check_number("iterations", iterations, at_least=1, whole=True)
    checks.check_number("free_iterations", free_iterations, at_least=0, at_most=iterations, whole=True)
    tuning_hz = tuning_for(mixture, sample_rate_hz, score, tuning_hz)

    window_samples = transforms.window_samples_for(sample_rate_hz, window_s)
    settings: transforms.StftSettings = {
        "window_samples": window_samples,
        "hop_samples": window_samples // OVERLAP,
    }
    frame_rate_hz = sample_rate_hz / settings["hop_samples"]
    smoothing_frames = smoothing_s * frame_rate_hz
    keys = keys_of(score, 0.0, duration_s)
    where = functools.partial(_where_written, score, keys, frame_rate_hz)
    place = (window_samples, sample_rate_hz)

    def shapes_at(offsets_cents: np.ndarray) -> np.ndarray:
        """Shapes of all keys, each at its own offset from the tuning."""
        widths: Any = {"width_cents": width_cents, "width_bins": width_bins, "tuning_hz": tuning_hz}
        return np.stack(
            [
                noise_shapes(*place, bands=harmonics)
                if source in score.unpitched
                else harmonic_shapes(midi + cents / 100, *place, harmonics=harmonics, **widths)
                for (source, midi), cents in zip(keys, offsets_cents, strict=True)
            ]
        )

    magnitude, allowed, written = _evidence(mixture, sample_rate_hz, settings, where, tolerance_s)
    offsets_cents = np.zeros(len(keys))
    if follow_intonation:
        pitches = np.array([midi for _, midi in keys], float)
        offsets_cents = _offsets_cents(magnitude, allowed, written, shapes_at, (pitches, *place, tuning_hz))
    templates, _ = fit(
        magnitude,
        allowed,
        shapes_at(offsets_cents),
        iterations=iterations,
        free_iterations=free_iterations,
        smoothing_frames=smoothing_frames,
    )
    del magnitude, allowed, written

    owners = np.array([score.sources.index(source) for source, _ in keys])

    def models_of(magnitude: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
        allowed = where(magnitude.shape[1], start_s, tolerance_s)
        activations = _activations(magnitude, templates, allowed, smoothing_frames)
        return components.source_models(templates, activations, owners, len(score.sources))

    return Learnt(score.sources, settings, tuning_hz, models_of)


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
    smoothing_s: float = SMOOTHING_S,
    exponent: float = 2.0,
    tuning_hz: float | None = None,
    follow_intonation: bool = True,
) -> dict[str, np.ndarray]:
    """Separate a mixture by NMF with the constraints of its score.

    Parameters
    ----------
    mixture : float (channels, samples)
        Templates and activations are those of all channels together; each channel is filtered by the same mask.
    sample_rate_hz : int
    score : Score
        With the times of this recording; one estimate comes back for each of its sources. Each "pitch" of an unpitched
        source is a drum, with a template of bands instead of harmonics.
    exponent : float > 0
        Of the generalised Wiener filter that turns models into masks.
    tolerance_s, window_s, harmonics, width_cents, width_bins, iterations, free_iterations, smoothing_s, tuning_hz, \
follow_intonation
        Of `learn`.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform, or the score is missing or has no note within the mixture.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Source: Ewert and Müller, ICASSP 2012.
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
        smoothing_s=smoothing_s,
        tuning_hz=tuning_hz,
        follow_intonation=follow_intonation,
    )
    mixture = checks.check_waveform("mixture", mixture)
    return filtered(
        mixture, sample_rate_hz, learnt.sources, learnt.models_of, settings=learnt.settings, exponent=exponent
    )


def _where_written(
    score: Score,
    keys: tuple[tuple[str, float], ...],
    frame_rate_hz: float,
    frames: int,
    start_s: float,
    around_s: float,
) -> np.ndarray:
    """Where each key is written, give or take so many seconds, in frames from `start_s` on."""
    return activation_start(score, keys, frames, frame_rate_hz, tolerance_s=around_s, release_s=0.0, start_s=start_s)


def _evidence(
    mixture: np.ndarray,
    sample_rate_hz: int,
    settings: transforms.StftSettings,
    where: Callable[[int, float, float], np.ndarray],
    tolerance_s: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is learnt from: magnitudes, where keys are written give or take the tolerance, and where exactly."""
    stretches = excerpts(mixture.shape[1], sample_rate_hz, LEARN_FROM_S, EXCERPT_S)
    parts = [
        transforms.common_magnitude(transforms.stft(mixture[:, start:stop], **settings)) for start, stop in stretches
    ]
    allowed, written = (
        np.concatenate(
            [
                where(part.shape[1], start / sample_rate_hz, around_s)
                for part, (start, _) in zip(parts, stretches, strict=True)
            ],
            axis=1,
        )
        for around_s in (tolerance_s, 0.0)
    )
    return np.concatenate(parts, axis=1), allowed, written


def _offsets_cents(
    magnitude: np.ndarray,
    allowed: np.ndarray,
    written: np.ndarray,
    shapes_at: Callable[[np.ndarray], np.ndarray],
    place: tuple[np.ndarray, int, int, float],
) -> np.ndarray:
    """How far each key lies off the tuning: looked for where it is written, and again in its share of the sound."""
    heard = intonation.spectra_where_written(magnitude, written)
    offsets_cents = intonation.offsets_cents(heard, *place, caution=CAUTION)
    rough = fit(magnitude, allowed, shapes_at(offsets_cents), iterations=ROUGH_ITERATIONS, free_iterations=0)
    return intonation.offsets_cents(intonation.spectra_by_share(magnitude, *rough), *place)


def _activations(V: np.ndarray, W: np.ndarray, allowed: np.ndarray, smoothing_frames: float) -> np.ndarray:
    """Activations of known templates, (keys, frames)."""
    V, level = _scaled(V)
    H = allowed * (V.sum() / max(1, np.count_nonzero(allowed))).astype(np.float32)
    for iteration in range(CHUNK_ITERATIONS):
        H = _updated_activations(V, W, H, allowed, smoothing_frames if iteration < CHUNK_ITERATIONS - 1 else 0.0)
    return H * level
