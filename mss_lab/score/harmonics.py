"""Score masks: each source gets the bins where its notes' harmonics lie, and bins that several claim are shared.

The simplest separation that a score makes possible, and the start of better ones. Nothing is learnt from the sound;
the score is taken at its word.

Symbols: U_n[t] is 1 while note n sounds, V_n[f] its claim near its harmonics, K_j[f, t] the largest claim
U_n[t] V_n[f] over the notes of source j, R_j = K_j / sum over i of K_i the mask.

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

# Memory for each bin: of each source, its claims, its mask, and what the division needs; of each channel, the mixture's
# transform and two copies of it, filtered.
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
    """What one pitch claims of the frequency axis: V[f] = h**-slope near harmonic h of its fundamental, else 0.

    Parameters
    ----------
    midi : float
        Pitch; fractions of a semitone are allowed.
    window_samples : int
        Of the STFT; the claim has window_samples // 2 + 1 bins.
    sample_rate_hz : int
    harmonics : int >= 1
        Harmonics counted, those above half the sample rate left out.
    width_cents, width_bins : float >= 0
        Half the width of a claim: an interval, for what players do to the pitch, plus a number of bins, for what the
        window does to any sinusoid. Without the second, low notes would claim no bin at all.
    slope : float >= 0
        How much less the higher harmonics claim. 0 gives the equal claims of the paper; 1, the default, follows
        the fall of an instrument's spectrum, and so leaves a bin to the source for which it is the lower harmonic.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    float32 (freq,)

    Lessons: notebooks/00_unmix_in_five_minutes.ipynb, notebooks/09_score_informed_soft_masks.ipynb.
    Source: Miron, Janer and Gómez, ISMIR 2017, eq. 2, with claims that are a bin wider and fall with h.
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
    return np.max(near * numbers ** -float(slope), axis=0, initial=0).astype(np.float32)


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
    """The claims of all sources, K_j.

    Parameters
    ----------
    score : Score
    frames : int
    window_samples, hop_samples : int
        Of the STFT.
    sample_rate_hz : int
    tolerance_s : float >= 0, seconds
        Every note claims this much before its onset and after its offset.
    first_frame : int >= 0
        Which frame of the recording the first one is, where the frames are those of a part of it.
    claim_options
        Those of `harmonic_claim`.

    Returns
    -------
    float32 (sources, 1, freq, frames)
        In [0, 1]; one channel, which serves all.

    Raises
    ------
    ValueError
        If the score has unpitched sources, whose harmonics nobody knows, or an option is out of its range.

    Lesson: notebooks/09_score_informed_soft_masks.ipynb. Source: Miron et al. 2017, eq. 1 to 3. Equation 1 prints a
    window moved, not widened; it is widened here, as in the authors' own program.
    """
    checks.check_number("frames", frames, at_least=1, whole=True)
    checks.check_number("tolerance_s", tolerance_s, at_least=0, unit="seconds")
    check_pitched(score)
    claims = np.zeros((len(score.sources), 1, window_samples // 2 + 1, frames), np.float32)
    frame_rate_hz = sample_rate_hz / hop_samples
    index = {source: j for j, source in enumerate(score.sources)}
    shapes: dict[float, np.ndarray] = {}
    for note in score.notes:
        # Counted from the start of the recording, so that rounding is the same wherever a part of it begins.
        when = note_frames(note, first_frame + frames, frame_rate_hz, tolerance_s)
        start, stop = max(0, when.start - first_frame), when.stop - first_frame
        if stop <= start:
            continue
        if note.midi not in shapes:
            claim = harmonic_claim(note.midi, window_samples, sample_rate_hz, **claim_options)
            shapes[note.midi] = claim[:, np.newaxis]
        own = claims[index[note.source], 0, :, start:stop]
        np.maximum(own, shapes[note.midi], out=own)
    return claims


def score_masks(score: Score, frames: int, **options: Any) -> np.ndarray:
    """The masks of all sources, R_j: claims shared in proportion; what nobody claims is shared equally.

    Parameters as for `score_claims`; returns float32 (sources, 1, freq, frames) that add up to 1.

    Lessons: notebooks/00_unmix_in_five_minutes.ipynb, notebooks/09_score_informed_soft_masks.ipynb.
    Source: Miron et al. 2017, eq. 4, which gives bins that nobody claims to no one; sharing them lets the estimates
    add up to the mixture, as in the authors' training program.
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

    Long recordings are worked through in chunks without seams: the estimates are those of the whole recording at once.

    Parameters
    ----------
    mixture : float (channels, samples)
    sample_rate_hz : int
    score : Score
        With the times of this recording; one estimate comes back for each of its sources.
    tolerance_s : float >= 0, seconds
        How far from the truth the score's times may be: 0.05 suits notes set by hand, 0.2 an automatic alignment.
    window_s : float > 0, seconds
        Of the STFT's window, at every sample rate; the hop is a quarter of it.
    harmonics, width_cents, width_bins, slope
        What a note claims, as for `harmonic_claim`.
    tuning_hz : float > 0, optional
        Frequency of A4. Without it, it is estimated, and a score that hardly suits the mixture is warned of.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform, the score is missing, has unpitched sources, or no note within the mixture, or
        the options would take more memory than `mss_lab.memory` allows.

    Lesson: notebooks/09_score_informed_soft_masks.ipynb, and notebooks/00_unmix_in_five_minutes.ipynb.
    Source: Miron et al. 2017.
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
