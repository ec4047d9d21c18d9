"""NMF with fixed templates that were learnt before; the recording decides only when each note sounds, and how loud.

The magnitude V of the mixture is modelled as a sum of templates times activations, one template for each pitch of each
player. A template is the spectrum of the player's instrument at that pitch, from recordings of single notes, and is
not changed. An activation is zero where its pitch is not written. Only the other activations are unknown, which is a
convex problem for the divergences used here: the initial values do not matter.

The result depends on how similar the templates are to the instruments that play. If the score's times are known only
within a tolerance, activations can be refined: the activations of a first run are cut into blobs, which are runs of
frames in which a note sounds clearly. Blobs that no written note overlaps are forbidden, and a second run estimates the
rest again.

Symbols: V[k, t] magnitude, W[k, c] templates, H[c, t] activations, tau the tolerance.

Contents: harmonic_templates, amplitudes_of, refined, fit, separate. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.ndimage

from .. import checks, memory, options, transforms, units
from ..chunks import FADE_S
from ..refusals import RefusedType, RefusedValue
from ..score.agreement import tuning_for
from ..score.guards import check_pitched, check_score_fits
from ..score.instruments import programs_of
from ..score.notes import Score
from ..score.roll import PITCHES, note_frames
from .beta import Factorisation, factorise
from .components import source_models
from .constrained import Key, activation_start, keys_of
from .entries import INSTRUMENTS, TRAINED_NMF
from .filtering import filtered, filtering_bytes
from .instruments import harmonic_amplitudes
from .shapes import harmonic_shapes

HARMONICS = 40
WIDTH_CENTS = 10.0
WIDTH_BINS = 1.4
BETA = 1.3
ITERATIONS = 50
TOLERANCE_S = 0.2
WINDOW_S = 4096 / 44_100
# A hop of 11 ms under a window of 93 ms.
OVERLAP = 8
# Every chunk estimates only activations, so it need not be long.
CHUNK_S = 15.0

# Memory: for each key and each of its frequencies and frames; for copies of each bin of the transform.
FIT_BYTES = 24
SPECTROGRAM_BYTES = 12

# A note sounds clearly where its smoothed activation is above this fraction of the largest around it.
CLEAR_PART = 0.1
SMOOTHING_S = 0.02


def harmonic_templates(
    amplitudes: np.ndarray,
    midi: Sequence[float],
    window_samples: int,
    sample_rate_hz: int,
    *,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    tuning_hz: float = units.A4_HZ,
) -> np.ndarray:
    """Templates of notes whose harmonics' amplitudes are known, for any STFT.

    Parameters
    ----------
    amplitudes : real >= 0 (keys, harmonics)
        Linear; their level does not matter.
    midi : sequence of keys pitches
        Fractions of a semitone are allowed.
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    width_cents, width_bins : float
        Width of a harmonic, see `mss_lab.nmf.shapes.harmonic_shapes`.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    float32 (freq, keys)
        Each adds up to 1. A template whose harmonics are all 0, or above half the sample rate, is all zeros.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the number of pitches differs from that of rows, the amplitudes are not magnitudes, or an option is out of
        its range.
    """
    amplitudes = checks.check_magnitude("amplitudes", amplitudes, "keys harmonics")
    if len(midi) != len(amplitudes):
        raise checks.ShapeError(f"there must be one pitch for each of {len(amplitudes)} keys, got {len(midi)} pitches")
    templates = np.zeros((window_samples // 2 + 1, len(amplitudes)), np.float32)
    for k, (pitch, levels) in enumerate(zip(midi, amplitudes, strict=True)):
        templates[:, k] = levels @ harmonic_shapes(
            pitch,
            window_samples,
            sample_rate_hz,
            harmonics=amplitudes.shape[1],
            width_cents=width_cents,
            width_bins=width_bins,
            tuning_hz=tuning_hz,
        )
    totals = templates.sum(axis=0)
    return templates / np.where(totals > 0, totals, 1)


def amplitudes_of(
    score: Score, instruments: Mapping[str, str] | str | None = None, *, measured_on: str = "recordings"
) -> dict[str, np.ndarray]:
    """Amplitudes of the harmonics of every player that has notes, by the instrument that the player is named after.

    Parameters
    ----------
    score : Score
    instruments : dict of source name -> instrument's name, or text such as "vocals=choir, lead=flute", optional
        For sources whose own names do not identify an instrument.
    measured_on : {"recordings", "renders"}
        See `mss_lab.nmf.instruments.harmonic_amplitudes`.

    Returns
    -------
    dict of source name -> float32 (128, harmonics)
        As returned by `mss_lab.nmf.instruments.harmonic_amplitudes`.

    Raises
    ------
    ValueError
        If an instrument is unknown or was not measured; the message names the source and the option to set.
    FileNotFoundError
        If the table of instruments is missing.
    """
    instruments_by_source = INSTRUMENTS.check("instruments", instruments)
    unknown = [source for source in instruments_by_source if source not in score.sources]
    if unknown:
        raise RefusedValue(
            f"instruments must name sources of the score, {', '.join(score.sources)}, got {', '.join(unknown)}; "
            "correct the name"
        )
    playing = [source for source in score.sources if score.notes_of(source)]
    amplitudes = {}
    for source in playing:
        try:
            # All names together decide: a bass among voices is a voice.
            program = programs_of(
                [instruments_by_source[source]]
                if source in instruments_by_source
                else [source, *_names_of_instruments(playing)]
            )
            amplitudes[source] = harmonic_amplitudes(next(iter(program.values())), HARMONICS, measured_on=measured_on)
        except ValueError as error:
            raise RefusedValue(
                f"source {source!r} must be played by an instrument that was measured ({error}); name it, or a similar "
                f"one, with instruments={{{source!r}: 'violin'}}, or --set instruments={source}=violin"
            ) from error
    return amplitudes


def _names_of_instruments(sources: Sequence[str]) -> list[str]:
    named = []
    for source in sources:
        try:
            programs_of([source])
            named.append(source)
        except ValueError:
            continue
    return named


def fit(
    magnitude: np.ndarray,
    templates: np.ndarray,
    allowed: np.ndarray,
    *,
    beta: float = BETA,
    iterations: int = ITERATIONS,
    fixed: bool = True,
) -> Factorisation:
    """Activations of templates that are fixed, or are only the initial templates.

    Parameters
    ----------
    magnitude : real >= 0 (freq, frames)
        V.
    templates : real >= 0 (freq, keys)
        W.
    allowed : real or bool (keys, frames)
        Not 0 where a template may sound.
    beta : float
        Parameter of the divergence.
    iterations : int >= 0
    fixed : bool
        Whether templates are fixed. If not, only their zeros are.

    Returns
    -------
    Factorisation
        Activations are zero where they are not allowed, and for templates that are all zeros.

    Reference: Miron, Carabias-Orti and Janer, ISMIR 2015.
    """
    audible = np.sum(templates, axis=0) > 0
    start = (np.asarray(allowed) != 0) * audible[:, np.newaxis] * np.float32(np.mean(magnitude))
    return factorise(
        magnitude, templates=templates, activations=start, beta=beta, iterations=iterations, fixed_templates=fixed
    )


def refined(
    activations: np.ndarray,
    score: Score,
    keys: tuple[Key, ...],
    frame_rate_hz: float,
    *,
    tolerance_s: float = TOLERANCE_S,
    start_s: float = 0.0,
) -> np.ndarray:
    """Where notes may sound, given the activations of a first run: note refinement.

    Around every note, within the tolerance, the activation is smoothed and cut into blobs, which are runs of frames
    where it is above a tenth of its largest value there. Blobs that overlap the written note are kept. If none does,
    all frames around the note are kept.

    Parameters
    ----------
    activations : float >= 0 (keys, frames)
    score : Score
    keys : sequence of (source, midi)
        The keys of the rows.
    frame_rate_hz : float > 0
    tolerance_s : float >= 0, seconds
    start_s : float, seconds
        Time of the first frame.

    Returns
    -------
    bool (keys, frames)

    Reference: Miron, Carabias-Orti and Janer, ISMIR 2015, who process an image of gains over pitch and time; each pitch
    has a row of its own here, so blobs are runs of frames.
    """
    frames = activations.shape[1]
    allowed = np.zeros(activations.shape, dtype=bool)
    index = {key: k for k, key in enumerate(keys)}
    for note in score.notes:
        k = index.get((note.source, note.midi))
        around = note_frames(note, frames, frame_rate_hz, tolerance_s, start_s)
        written = note_frames(note, frames, frame_rate_hz, start_s=start_s)
        if k is None or not activations[k, around].size:
            continue
        gains = scipy.ndimage.gaussian_filter1d(activations[k, around], SMOOTHING_S * frame_rate_hz, mode="constant")
        blobs, _ = scipy.ndimage.label(gains > CLEAR_PART * gains.max())
        kept = np.unique(blobs[written.start - around.start : written.stop - around.start])
        kept = kept[kept > 0]
        allowed[k, around] |= np.isin(blobs, kept) if kept.size else True
    return allowed


def _settings(sample_rate_hz: int, window_s: float) -> transforms.StftSettings:
    window_samples = transforms.window_samples_for(sample_rate_hz, window_s)
    return {"window_samples": window_samples, "hop_samples": window_samples // OVERLAP}


def _working_bytes(recording: memory.Recording, *, window_s: float, **_: Any) -> float:
    settings = _settings(recording.sample_rate_hz, window_s)
    freq, frames = settings["window_samples"] // 2 + 1, recording.frames(CHUNK_S + FADE_S, settings)
    fitting = FIT_BYTES * recording.keys * (freq + frames)
    return fitting + filtering_bytes(recording, settings, fitting_bytes=SPECTROGRAM_BYTES, chunk_s=CHUNK_S)


@options.within(TRAINED_NMF.options)
@memory.limited("trained-nmf", _working_bytes)
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    tolerance_s: float = TOLERANCE_S,
    templates: Mapping[str, np.ndarray] | None = None,
    instruments: Mapping[str, str] | str | None = None,
    measured_on: str = "recordings",
    refine: bool = False,
    fixed: bool = True,
    window_s: float = WINDOW_S,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    beta: float = BETA,
    iterations: int = ITERATIONS,
    exponent: float = 1.0,
    tuning_hz: float | None = None,
) -> dict[str, np.ndarray]:
    """Separate a mixture by NMF with fixed templates of the instruments that play.

    Parameters
    ----------
    mixture : float (channels, samples)
        Activations are those of all channels together; each channel is filtered by the same mask.
    sample_rate_hz : int
    score : Score
        Its times must be those of this recording. One estimate is returned for each of its sources.
    tolerance_s : float >= 0, seconds
        How far the score's times may be from those of the recording: 0.05 suits notes set by hand, 0.2 an automatic
        alignment.
    templates : dict of source name -> real >= 0 (128, harmonics), optional
        Amplitudes of the harmonics of a source at each MIDI pitch. Default: those of the instrument that the source
        is named after, see `amplitudes_of`.
    instruments : dict of source name -> instrument's name, or text, optional
        For sources whose names do not identify an instrument, see `amplitudes_of`.
    measured_on : {"recordings", "renders"}
        Whether templates come from recorded notes of real instruments, if there are any, or from those of a soundfont.
    refine : bool
        Whether to run a second time with the frames that `refined` returns.
    fixed : bool
        Whether templates are fixed. If not, they are the initial templates, adapted to the recording chunk by chunk.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate; the hop is an eighth of it.
    width_cents, width_bins : float
        Of the templates, see `harmonic_templates`.
    beta : float
        Parameter of the divergence.
    iterations : int >= 0
        In each run.
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
        If the mixture is not a waveform, an option is out of its range, the score is missing, has unpitched sources or
        no note within the mixture, or the instrument of a source is unknown.

    Lesson: notebooks/08_nmf_with_a_score.ipynb. Reference: Miron, Carabias-Orti and Janer, ISMIR 2015: beta 1.3, 50
    iterations, 93 ms, 11 ms. Their templates are learnt from recordings of single notes (RWC); these from the notes of
    tonejs-instruments (11 instruments), and from renders of a soundfont for the others.
    """
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    score = check_score_fits(score, mixture.shape[1] / sample_rate_hz)
    check_pitched(score)
    amplitudes = (
        amplitudes_of(score, instruments, measured_on=measured_on)
        if templates is None
        else _checked_templates(templates, score)
    )
    tuning_hz = tuning_for(mixture, sample_rate_hz, score, tuning_hz)
    settings = _settings(sample_rate_hz, window_s)
    frame_rate_hz = sample_rate_hz / settings["hop_samples"]

    def models_of(magnitude: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
        frames = magnitude.shape[1]
        keys = keys_of(score, start_s - tolerance_s, stop_s + tolerance_s)
        if not keys:
            return np.zeros((len(score.sources), 1, *magnitude.shape), np.float32)
        W = harmonic_templates(
            np.stack([amplitudes[source][units.nearest_pitch(midi)] for source, midi in keys]),
            [midi for _, midi in keys],
            settings["window_samples"],
            sample_rate_hz,
            width_cents=width_cents,
            width_bins=width_bins,
            tuning_hz=tuning_hz,
        )
        allowed = activation_start(
            score, keys, frames, frame_rate_hz, tolerance_s=tolerance_s, release_s=0.0, start_s=start_s
        )
        model = fit(magnitude, W, allowed, beta=beta, iterations=iterations, fixed=fixed)
        if refine:
            allowed = refined(model.activations, score, keys, frame_rate_hz, tolerance_s=tolerance_s, start_s=start_s)
            model = fit(magnitude, W, allowed, beta=beta, iterations=iterations, fixed=fixed)
        owners = np.array([score.sources.index(source) for source, _ in keys])
        return source_models(model.templates, model.activations[np.newaxis], owners, len(score.sources))

    return filtered(
        mixture, sample_rate_hz, score.sources, models_of, settings=settings, exponent=exponent, chunk_s=CHUNK_S
    )


def _checked_templates(templates: Mapping[str, np.ndarray], score: Score) -> dict[str, np.ndarray]:
    if not isinstance(templates, Mapping):
        raise RefusedType(
            f"templates must map source names to arrays of amplitudes, got {templates!r}; leave them out to use those "
            "of the instruments"
        )
    missing = [source for source in score.sources if score.notes_of(source) and source not in templates]
    if missing:
        raise RefusedValue(
            f"templates must have every source that plays, {', '.join(missing)} is missing; add its amplitudes, "
            "or leave templates out"
        )
    checked = {}
    for source, amplitudes in templates.items():
        name = f"templates[{source!r}]"
        checked[source] = checks.check_magnitude(name, amplitudes, "pitches harmonics")
        if len(checked[source]) != PITCHES:
            raise checks.ShapeError(f"{name} must have a row for each of {PITCHES} pitches, got {len(checked[source])}")
    if len({amplitudes.shape for amplitudes in checked.values()}) > 1:
        raise checks.ShapeError(
            "templates must have the same number of harmonics for every source, got "
            f"{', '.join(f'{source}: {amplitudes.shape[1]}' for source, amplitudes in checked.items())}; "
            "fill up with zeros"
        )
    return checked
