"""Score masks for a network: from piano rolls to the share of the mixture that the harmonics of the notes claim.

The method is that of `mss_lab.score.harmonics`, for batches, on any device, and with NumPy and torch alone. All
claims are equal here, as in the paper.

Symbols: U_n[t] is 1 while note n sounds, V_n[f] is 1 near its harmonics, K_j[t, f] is 1 where a note of source j claims
the bin, R_j = K_j / sum over i of K_i the mask.

Contents: pitch_claims, widen, score_masks. Lesson: notebooks/19_score_filtered_cnn.ipynb
"""

import math

import numpy as np
import torch

from .. import checks, units

PITCHES = 128


def pitch_claims(
    window_samples: int,
    sample_rate_hz: int,
    *,
    harmonics: int = 20,
    width_cents: float = 40.0,
    width_bins: float = 0.5,
    tuning_hz: float = units.A4_HZ,
) -> np.ndarray:
    """The bins that each of the 128 pitches claims, V.

    Parameters
    ----------
    window_samples : int
        Window of the STFT.
    sample_rate_hz : int
    harmonics : int >= 1
        Number of harmonics; those at or above half the sample rate are left out. The authors' program counts 19, one
        less than the paper states.
    width_cents, width_bins : float >= 0
        Half the width of a claim: the sum of an interval (40 cents in the paper, 50 in its program) and of a number of
        bins. In the paper there is no second term, so that a low harmonic may lie between two bins and claim neither;
        with half a bin, the default, every harmonic claims the bin that is nearest to it.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    float32 (128, freq), 0 or 1

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Reference: Miron, Janer and Gómez, ISMIR 2017, eq. 2.

    Examples
    --------
    >>> claims = pitch_claims(1_000, 8_000, harmonics=3, width_cents=0.0)
    >>> claims.shape, 8 * np.flatnonzero(claims[69])  # Hz
    ((128, 501), array([ 440,  880, 1320]))
    """
    harmonics = checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    checks.check_number("width_cents", width_cents, at_least=0, unit="cents")
    checks.check_number("width_bins", width_bins, at_least=0)
    bins = np.arange(window_samples // 2 + 1)
    claims = np.zeros((PITCHES, len(bins)), np.float32)
    for pitch, fundamental_hz in enumerate(units.midi_to_hz(np.arange(PITCHES), tuning_hz)):
        harmonics_hz = np.arange(1, harmonics + 1)[:, np.newaxis] * fundamental_hz
        harmonics_hz = harmonics_hz[harmonics_hz[:, 0] < sample_rate_hz / 2]
        half_width_hz = (
            harmonics_hz * (units.cents_to_ratio(width_cents) - 1) + width_bins * sample_rate_hz / window_samples
        )
        near = np.abs(units.bins_to_hz(bins, window_samples, sample_rate_hz) - harmonics_hz) <= half_width_hz
        claims[pitch] = near.any(axis=0)
    return claims


def widen(rolls: torch.Tensor, tolerance_s: float, frame_rate_hz: float) -> torch.Tensor:
    """Let every note start earlier and end later, U.

    Parameters
    ----------
    rolls : float 0/1 (..., frames, 128)
    tolerance_s : float >= 0, seconds
        Rounded up to whole frames, so that a note with a smaller error always lies inside.
    frame_rate_hz : float > 0
        Sample rate / hop.

    Returns
    -------
    float 0/1 (..., frames, 128)

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Reference: Miron et al. 2017, eq. 1. As printed it moves a
    note; here the note is widened, as in the authors' program. That program also lets a note end up to half a second
    later where no other follows, which is left out here.

    Examples
    --------
    >>> rolls = torch.zeros(6, PITCHES)
    >>> rolls[3, 60] = 1
    >>> widen(rolls, tolerance_s=0.1, frame_rate_hz=10)[:, 60].int().tolist()
    [0, 0, 1, 1, 1, 0]
    """
    tolerance_frames = math.ceil(tolerance_s * frame_rate_hz - 1e-6)
    if tolerance_frames == 0:
        return rolls
    *leading, frames, pitches = rolls.shape
    by_pitch = rolls.reshape(-1, frames, pitches).transpose(1, 2)
    wide = torch.nn.functional.max_pool1d(by_pitch, 2 * tolerance_frames + 1, stride=1, padding=tolerance_frames)
    return wide.transpose(1, 2).reshape(*leading, frames, pitches)


def score_masks(rolls: torch.Tensor, claims: torch.Tensor) -> torch.Tensor:
    """The share of every bin that the score gives to each source, R.

    Parameters
    ----------
    rolls : float 0/1 (..., sources, frames, 128)
        As `widen` returns them.
    claims : float 0/1 (128, freq)
        From `pitch_claims`, or some of its bins.

    Returns
    -------
    float (..., sources, frames, freq)
        They add up to 1 over the sources. A bin that several sources claim is shared by these, and a bin that no source
        claims is shared by all.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Reference: Miron et al. 2017, eq. 3 and 4. In equation 4 bins that
    no source claims have no mask; the authors' training program adds a small number to every K before it divides, which
    shares them equally. This function gives the limit as that number goes to 0, so masks are exactly 0 or 1 where only
    one source claims a bin.

    Examples
    --------
    >>> rolls, claims = torch.zeros(2, 1, PITCHES), torch.zeros(PITCHES, 4)
    >>> rolls[0, 0, 60], rolls[1, 0, 67] = 1, 1
    >>> claims[60, :2], claims[67, 1:3] = 1, 1  # they share bin 1, and none claims bin 3
    >>> score_masks(rolls, claims)[:, 0].tolist()
    [[1.0, 0.5, 0.0, 0.5], [0.0, 0.5, 1.0, 0.5]]
    """
    claimed = (rolls @ claims > 0).to(claims.dtype)
    claim_count = claimed.sum(dim=-3, keepdim=True)
    shares = claimed / claim_count.clamp(min=1)
    return torch.where(claim_count > 0, shares, 1 / rolls.shape[-3])
