"""Score masks: each source gets the bins at the harmonics of its notes; bins that several sources claim are shared.

The simplest separation with a score, and the starting point of better ones. Nothing is learnt from the recording; the
score is assumed to be correct.

Symbols: u_m[t] is 1 while note m sounds, v_m[k] its claim on bins near its harmonics, A_j[k, t] the largest claim
u_m[t] v_m[k] over the notes of source j, M_j = A_j / (sum of all A) the mask, q the number of a harmonic.

Contents: harmonic_claim, score_claims, score_masks, separate.
Lessons: notebooks/00_unmix_in_five_minutes.ipynb, notebooks/09_score_informed_soft_masks.ipynb
"""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import checks, masks, memory, options, transforms, units
from ..chunks import filtered, filtering_bytes
from .agreement import tuning_for
from .entries import SCORE_MASKS
from .guards import check_pitched, check_score_fits
from .notes import Score
from .roll import note_frames

HARMONICS = 20
WIDTH_CENTS = 40.0
WIDTH_BINS = 1.0

# Bytes per bin: for each source its claims, its mask and the temporary arrays of the division; for each channel the
# mixture's transform and two filtered copies.
MASK_BYTES = 10
STFT_BYTES = 20


def harmonic_claim(
    midi: float,
    window_samples: int,
    sample_rate_hz: int,
    *,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    slope: float = 1.0,
    tuning_hz: float = units.A4_HZ,
) -> np.ndarray:
    """The claim of one pitch on each frequency: v[k] = q**-slope near harmonic q of its fundamental, otherwise 0.

    Parameters
    ----------
    midi : float
        Pitch; fractions of a semitone are allowed.
    window_samples : int
        Length of the STFT's window; the claim has window_samples // 2 + 1 bins.
    sample_rate_hz : int
    harmonics : int >= 1
        Number of harmonics; those above half the sample rate are left out.
    width_cents, width_bins : float >= 0
        Half the width of a claim: an interval, for the variation of the player's pitch, plus a number of bins, for the
        main lobe of the window. Without the second, low notes would claim no bin at all.
    slope : float >= 0
        Exponent of the decrease with q. 0 gives the equal claims of the paper; 1, the default, follows the decrease
        of an instrument's spectrum, so that most of a bin goes to the source for which it is the lower harmonic.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    float32 (freq,)

    Lessons: notebooks/00_unmix_in_five_minutes.ipynb, notebooks/09_score_informed_soft_masks.ipynb.
    Reference: Miron, Janer and Gómez, ISMIR 2017, eq. 2. Difference: claims are a bin wider and decrease with q.

    Examples
    --------
    >>> claim = harmonic_claim(69, 2048, 8000, harmonics=3, width_cents=0)  # A4, 440 Hz; bins are 3.9 Hz apart
    >>> np.flatnonzero(claim)
    array([112, 113, 225, 226, 337, 338])
    >>> claim[[113, 225, 338]]
    array([1.        , 0.5       , 0.33333334], dtype=float32)
    """
    checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    for name, value in (("width_cents", width_cents), ("width_bins", width_bins), ("slope", slope)):
        checks.check_number(name, value, at_least=0)
    checks.check_number("tuning_hz", tuning_hz, above=0, unit="Hz")
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, sample_rate_hz)
    numbers = np.arange(1, harmonics + 1)
    harmonics_hz = numbers * units.midi_to_hz(midi, tuning_hz)
    within = harmonics_hz < sample_rate_hz / 2
    numbers, harmonics_hz = numbers[within, np.newaxis], harmonics_hz[within, np.newaxis]
    half_width_hz = (
        harmonics_hz * (units.cents_to_ratio(width_cents) - 1) + width_bins * sample_rate_hz / window_samples
    )
    near = np.abs(frequencies_hz - harmonics_hz) <= half_width_hz
    template: np.ndarray = np.max(near * numbers ** -float(slope), axis=0, initial=0).astype(np.float32)
    return template


def score_claims(
    score: Score,
    frames: int,
    *,
    window_samples: int,
    hop_samples: int,
    sample_rate_hz: int,
    tolerance_s: float = 0.2,
    first_frame: int = 0,
    **claim_options: Any,
) -> np.ndarray:
    """The claims of all sources, A_j.

    Parameters
    ----------
    score : Score
    frames : int
    window_samples, hop_samples : int
        Settings of the STFT.
    sample_rate_hz : int
    tolerance_s : float >= 0, seconds
        Every note claims bins from this time before its onset to this time after its offset.
    first_frame : int >= 0
        Index of the first frame within the recording, if the frames are those of a part of it.
    claim_options
        Options of `harmonic_claim`.

    Returns
    -------
    float32 (sources, 1, freq, frames)
        In [0, 1]; one channel, valid for all channels.

    Raises
    ------
    ValueError
        If the score has unpitched sources, whose harmonics are unknown, or an option is out of its range.

    Lesson: notebooks/09_score_informed_soft_masks.ipynb. Reference: Miron et al. 2017, eq. 1 to 3. Equation 1 in the
    paper shifts the window of a note; it is widened here, as in the authors' own program.

    Examples
    --------
    >>> from mss_lab.score.notes import Note
    >>> score = Score((Note("flute", 69, 0.0, 1.0),))
    >>> settings = {"window_samples": 1_000, "hop_samples": 250, "sample_rate_hz": 8_000}
    >>> claims = score_claims(score, 40, **settings)
    >>> np.round(claims[0, 0, [55, 110, 165], 0], 2)  # at 440, 880 and 1320 Hz
    array([1.  , 0.5 , 0.33], dtype=float32)
    """
    checks.check_number("frames", frames, at_least=1, whole=True)
    checks.check_number("tolerance_s", tolerance_s, at_least=0, unit="seconds")
    check_pitched(score)
    claims = np.zeros((len(score.sources), 1, window_samples // 2 + 1, frames), np.float32)
    frame_rate_hz = sample_rate_hz / hop_samples
    index = {source: j for j, source in enumerate(score.sources)}
    shapes: dict[float, np.ndarray] = {}
    for note in score.notes:
        # Counted from the start of the recording, so that rounding does not depend on where a part of it begins.
        active = note_frames(note, first_frame + frames, frame_rate_hz, tolerance_s)
        start, stop = max(0, active.start - first_frame), active.stop - first_frame
        if stop <= start:
            continue
        if note.midi not in shapes:
            claim = harmonic_claim(note.midi, window_samples, sample_rate_hz, **claim_options)
            shapes[note.midi] = claim[:, np.newaxis]
        claims_of_note = claims[index[note.source], 0, :, start:stop]
        np.maximum(claims_of_note, shapes[note.midi], out=claims_of_note)
    return claims


def score_masks(score: Score, frames: int, **options: Any) -> np.ndarray:
    """The masks of all sources, M_j: shared in proportion to the claims; bins without a claim are shared equally.

    Parameters as for `score_claims`; returns float32 (sources, 1, freq, frames) that add up to 1.

    Lessons: notebooks/00_unmix_in_five_minutes.ipynb, notebooks/09_score_informed_soft_masks.ipynb.
    Reference: Miron et al. 2017, eq. 4, where bins without a claim go to no source; they are shared here, so that the
    estimates add up to the mixture, as in the authors' training program.
    """
    return masks.ratio(score_claims(score, frames, **options))


def _bytes_per_bin(sources: int, channels: int) -> int:
    return MASK_BYTES * sources + STFT_BYTES * channels


def _working_bytes(recording: memory.Recording, *, window_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    return filtering_bytes(recording, settings, bytes_per_bin=_bytes_per_bin(recording.sources, recording.channels))


@options.within(SCORE_MASKS.options)
@memory.limited("score-masks", _working_bytes)
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    tolerance_s: float = 0.2,
    window_s: float = 4096 / 44_100,
    harmonics: int = HARMONICS,
    width_cents: float = WIDTH_CENTS,
    width_bins: float = WIDTH_BINS,
    slope: float = 1.0,
    tuning_hz: float | None = None,
) -> dict[str, np.ndarray]:
    """Separate a mixture by score masks.

    Long recordings are processed in chunks; the estimates are those of the whole recording processed at once.

    Parameters
    ----------
    mixture : float (channels, samples)
    sample_rate_hz : int
    score : Score
        Its times must be those of this recording. One estimate is returned for each of its sources.
    tolerance_s : float >= 0, seconds
        How far the score's times may be from those of the recording: 0.05 suits notes set by hand, 0.2 an automatic
        alignment.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate; the hop is a quarter of it.
    harmonics, width_cents, width_bins, slope
        Shape of a note's claim, see `harmonic_claim`.
    tuning_hz : float > 0, optional
        Frequency of A4. Default: estimated, with a warning if the score does not fit the mixture.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, the score is missing, has unpitched sources, or no note within the mixture, or
        the options would take more memory than `mss_lab.memory` allows.

    Lesson: notebooks/09_score_informed_soft_masks.ipynb, and notebooks/00_unmix_in_five_minutes.ipynb.
    Reference: Miron et al. 2017.
    """
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    score = check_score_fits(score, mixture.shape[1] / sample_rate_hz)
    settings = transforms.settings_for(sample_rate_hz, window_s)
    check_pitched(score)
    mask_of = functools.partial(
        score_masks,
        score,
        sample_rate_hz=sample_rate_hz,
        tolerance_s=tolerance_s,
        **settings,
        harmonics=harmonics,
        width_cents=width_cents,
        width_bins=width_bins,
        slope=slope,
        tuning_hz=tuning_for(mixture, sample_rate_hz, score, tuning_hz),
    )

    def parts_of(stft: np.ndarray, first_frame: int) -> Iterator[np.ndarray]:
        for mask in mask_of(stft.shape[2], first_frame=first_frame):
            yield mask * stft

    return filtered(
        mixture,
        score.sources,
        parts_of,
        bytes_per_bin=_bytes_per_bin(len(score.sources), len(mixture)),
        settings=settings,
        sample_rate_hz=sample_rate_hz,
    )
