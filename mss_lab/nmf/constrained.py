"""Constraint templates: NMF that starts with zeros wherever the score excludes sound.

Multiplicative updates keep zeros. So it is enough to set zeros where the score excludes sound, and NMF does the rest: a
template for each pitch of each player may have energy only near the harmonics of its pitch, and is active only around
its notes. Inside the constraints the initial values are simple, 1/q at the q-th harmonic and 1 in time; the rest is
learnt from the recording.

The attack of a note is not harmonic. Onset templates, one more for each pitch, may have any spectrum, and are active
only around onsets.

Nothing else ties a template to its instrument. Two players in unison share equally what they play. Two notes that
always start and end together, as octaves may, are distinguished by little more than their initial templates. A
recording is processed in chunks, and each chunk learns its own templates.

Symbols: V[k, t] magnitude, W[k, c] templates, H[c, t] activations, tau the tolerance.

Contents: keys_of, template_start, activation_start, fit, separate. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import math
from typing import Any

import numpy as np

from .. import checks, memory, options, transforms, units
from ..chunks import CHUNK_S, FADE_S
from ..score.agreement import tuning_for
from ..score.guards import check_pitched, check_score_fits
from ..score.harmonics import harmonic_claim
from ..score.notes import Score
from ..score.roll import ROUNDING_FRAMES
from .beta import Factorisation, factorise
from .components import source_models
from .entries import CONSTRAINED_NMF
from .filtering import filtered, filtering_bytes

HARMONICS = 20
WIDTH_CENTS = 50.0
WIDTH_BINS = 1.0
ITERATIONS = 30
TOLERANCE_S = 0.2
# Instruments keep sounding after the written end of a note.
RELEASE_S = 0.3
WINDOW_S = 8192 / 44_100

# An onset template may have any spectrum, but starts soft, so that the note's own template takes the harmonics.
ONSET_START = 0.1
# A window that is centred this long before an onset already contains it; an attack lasts as long after the onset.
ATTACK_S = 0.1

# Memory: for each component and each of its frequencies and frames; for copies of each bin of the transform.
FIT_BYTES = 24
SPECTROGRAM_BYTES = 12

Key = tuple[str, float]


def keys_of(score: Score, start_s: float = 0.0, stop_s: float = math.inf) -> tuple[Key, ...]:
    """The templates that a score needs: (source, pitch) of every note that sounds between two times, without repeats.

    Lesson: notebooks/08_nmf_with_a_score.ipynb

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> keys_of(Score((Note("flute", 69, 0.0, 1.0), Note("flute", 69, 2.0, 3.0), Note("oboe", 60, 0.0, 1.0))))
    (('flute', 69), ('oboe', 60))
    """
    return tuple(
        dict.fromkeys(
            (note.source, note.midi) for note in score.notes if note.onset_s < stop_s and note.offset_s > start_s
        )
    )


def template_start(
    keys: tuple[Key, ...],
    window_samples: int,
    sample_rate_hz: int,
    *,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    tuning_hz: float = units.A4_HZ,
    onsets: bool = False,
) -> np.ndarray:
    """Templates to start from: 1/q at the bins around harmonic q of each pitch, and zero elsewhere.

    Parameters
    ----------
    keys : sequence of (source, midi)
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    harmonics : int >= 1
        Those above half the sample rate are left out.
    width_cents : float in [0, 50], width_bins : float >= 0
        Half the width of the bins around a harmonic. Half a semitone is the most: beyond it lies the next pitch.
    tuning_hz : float > 0
        Frequency of A4.
    onsets : bool
        Whether to add an onset template for each key, behind all others: 0.1 in every bin.

    Returns
    -------
    float32 (freq, keys), or (freq, 2 keys) with onset templates

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012, whose bands reach 5 percent
    either way, 84 cents; they are cut at half a semitone here, and a bin wider, for low notes.

    Examples
    --------
    >>> start = template_start((("flute", 69),), 2048, 8000, harmonics=2, width_cents=0)  # 440 Hz, in bins of 3.9 Hz
    >>> np.flatnonzero(start), start[[113, 225], 0]
    (array([112, 113, 225, 226]), array([1. , 0.5], dtype=float32))
    """
    checks.check_number("width_cents", width_cents, at_least=0, at_most=WIDTH_CENTS, unit="cents")
    templates = [
        harmonic_claim(
            midi,
            window_samples,
            sample_rate_hz,
            harmonics=harmonics,
            width_cents=width_cents,
            width_bins=width_bins,
            tuning_hz=tuning_hz,
        )
        for _, midi in keys
    ]
    start = np.stack(templates, axis=1) if templates else np.zeros((window_samples // 2 + 1, 0), np.float32)
    return np.concatenate([start, np.full_like(start, ONSET_START)], axis=1) if onsets else start


def activation_start(
    score: Score,
    keys: tuple[Key, ...],
    frames: int,
    frame_rate_hz: float,
    *,
    tolerance_s: float = TOLERANCE_S,
    release_s: float = RELEASE_S,
    onsets: bool = False,
    start_s: float = 0.0,
) -> np.ndarray:
    """Activations to start from: 1 around the notes of each pitch, and zero elsewhere.

    A note may sound from tau before its onset until tau and `release_s` after its offset; an onset template from
    tau + 0.1 s before an onset until 0.1 s after it. What lies beyond the frames is cut off.

    Parameters
    ----------
    score : Score
    keys : sequence of (source, midi)
        Notes of other keys are left out.
    frames : int >= 1
    frame_rate_hz : float > 0
        Frames a second: sample rate / hop.
    tolerance_s, release_s : float >= 0, seconds
    onsets : bool
        Whether rows for onset templates follow.
    start_s : float, seconds
        Time of the first frame.

    Returns
    -------
    float32 (keys, frames), or (2 keys, frames) with onset templates

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012; the defaults are those of
    their later program, 0.2 s before and 0.5 s after.

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> score = Score((Note("flute", 69, 0.2, 0.5),))
    >>> start = activation_start(score, keys_of(score), 8, frame_rate_hz=10, tolerance_s=0.0, release_s=0.0)
    >>> start.astype(int)
    array([[0, 0, 1, 1, 1, 0, 0, 0]])
    """
    frames = checks.check_number("frames", frames, at_least=1, whole=True)
    checks.check_number("frame_rate_hz", frame_rate_hz, above=0, unit="frames a second")
    checks.check_number("tolerance_s", tolerance_s, at_least=0, unit="seconds")
    checks.check_number("release_s", release_s, at_least=0, unit="seconds")
    index = {key: k for k, key in enumerate(keys)}
    active = np.zeros((len(keys) * (2 if onsets else 1), frames), np.float32)

    def fill(row: int, from_s: float, to_s: float) -> None:
        first = max(0, math.floor((from_s - start_s) * frame_rate_hz + ROUNDING_FRAMES))
        active[row, first : max(0, math.ceil((to_s - start_s) * frame_rate_hz - ROUNDING_FRAMES))] = 1

    for note in score.notes:
        row = index.get((note.source, note.midi))
        if row is None:
            continue
        fill(row, note.onset_s - tolerance_s, note.offset_s + tolerance_s + release_s)
        if onsets:
            fill(len(keys) + row, note.onset_s - tolerance_s - ATTACK_S, note.onset_s + ATTACK_S)
    return active


def fit(
    magnitude: np.ndarray,
    templates: np.ndarray,
    activations: np.ndarray,
    *,
    beta: float = 1.0,
    iterations: int = ITERATIONS,
    **options: object,
) -> Factorisation:
    """Learn templates and activations that stay zero where they start as zero.

    Parameters
    ----------
    magnitude : float >= 0 (freq, frames)
    templates : float >= 0 (freq, components)
        As returned by `template_start`.
    activations : float >= 0 (components, frames)
        As returned by `activation_start`; only what they are to each other counts, for their level is set to that of V.
    beta : float
        Parameter of the divergence.
    iterations : int >= 0
    options
        Further ones of `mss_lab.nmf.beta.factorise`, such as `callback`.

    Returns
    -------
    Factorisation

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012, for beta 2.
    """
    modelled = float(templates.sum(axis=0, dtype=np.float64) @ activations.sum(axis=1, dtype=np.float64))
    level = float(np.sum(magnitude, dtype=np.float64)) / modelled if modelled > 0 else 1.0
    return factorise(
        magnitude,
        templates=templates,
        activations=activations * np.float32(level),
        beta=beta,
        iterations=iterations,
        **options,  # type: ignore[arg-type]
    )


def _working_bytes(recording: memory.Recording, *, onsets: bool, window_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    freq, frames = settings["window_samples"] // 2 + 1, recording.frames(CHUNK_S + FADE_S, settings)
    components = recording.keys * (2 if onsets else 1)
    fitting = FIT_BYTES * components * (freq + frames)
    return fitting + filtering_bytes(recording, settings, fitting_bytes=SPECTROGRAM_BYTES)


@options.within(CONSTRAINED_NMF.options)
@memory.limited("constrained-nmf", _working_bytes)
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    tolerance_s: float = TOLERANCE_S,
    release_s: float = RELEASE_S,
    onsets: bool = False,
    window_s: float = WINDOW_S,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    beta: float = 1.0,
    iterations: int = ITERATIONS,
    exponent: float = 2.0,
    tuning_hz: float | None = None,
) -> dict[str, np.ndarray]:
    """Separate a mixture by NMF from constraint templates.

    Parameters
    ----------
    mixture : float (channels, samples)
        Templates and activations are those of all channels together; each channel is filtered by the same mask.
    sample_rate_hz : int
    score : Score
        Its times must be those of this recording. One estimate is returned for each of its sources.
    tolerance_s : float >= 0, seconds
        How far the score's times may be from those of the recording: 0.05 suits notes set by hand, 0.2 an automatic
        alignment.
    release_s : float >= 0, seconds
        How much longer than that a note may ring on.
    onsets : bool
        Whether each pitch has an onset template too.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate; the hop is a quarter of it.
    harmonics, width_cents, width_bins
        Of the templates, see `template_start`.
    beta : float
        Parameter of the divergence.
    iterations : int >= 0
    exponent : float > 0
        Exponent of the generalised Wiener filter that turns models into masks.
    tuning_hz : float > 0, optional
        Frequency of A4. Default: estimated, with a warning if the score does not fit the mixture.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, an option is out of its range, or the score is missing, has unpitched sources,
        or no note within the mixture.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Ewert and Müller, ICASSP 2012.
    """
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    score = check_score_fits(score, mixture.shape[1] / sample_rate_hz)
    check_pitched(score)
    settings = transforms.settings_for(sample_rate_hz, window_s)
    window_samples, frame_rate_hz = settings["window_samples"], sample_rate_hz / settings["hop_samples"]
    tuning_hz = tuning_for(mixture, sample_rate_hz, score, tuning_hz)
    reach_s = tolerance_s + max(release_s, ATTACK_S)

    def models_of(magnitude: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
        frames = magnitude.shape[1]
        keys = keys_of(score, start_s - reach_s, stop_s + reach_s)
        if not keys:
            return np.zeros((len(score.sources), 1, *magnitude.shape), np.float32)
        templates = template_start(
            keys,
            window_samples,
            sample_rate_hz,
            harmonics=harmonics,
            width_cents=width_cents,
            width_bins=width_bins,
            tuning_hz=tuning_hz,
            onsets=onsets,
        )
        activations = activation_start(
            score,
            keys,
            frames,
            frame_rate_hz,
            tolerance_s=tolerance_s,
            release_s=release_s,
            onsets=onsets,
            start_s=start_s,
        )
        factorisation = fit(magnitude, templates, activations, beta=beta, iterations=iterations)
        owners = np.array([score.sources.index(source) for source, _ in keys] * (2 if onsets else 1))
        return source_models(factorisation.templates, factorisation.activations[np.newaxis], owners, len(score.sources))

    return filtered(mixture, sample_rate_hz, score.sources, models_of, settings=settings, exponent=exponent)
