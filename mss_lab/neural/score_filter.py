"""Score masks on a network's side: piano rolls to the shares of the mixture that the notes' harmonics claim.

The same idea as `mss_lab.score.harmonics`, batched, on any device, and with NumPy and torch alone. All claims are
equal here, as in the paper.

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
    """Which bins each of the 128 pitches claims, V.

    Parameters
    ----------
    window_samples : int
        Of the STFT.
    sample_rate_hz : int
    harmonics : int >= 1
        Those at or above half the sample rate are left out. The authors' program, which means to count 20, counts 19.
    width_cents, width_bins : float >= 0
        Half the width of a claim, the sum of an interval (40 cents in the paper, 50 in its program) and of a number of
        bins. The paper has no second part, so that low harmonics may fall between two bins and claim neither; half a
        bin, the default, lets every harmonic claim the bin that is nearest to it.
    tuning_hz : float > 0
        Frequency of A4.

    Returns
    -------
    float32 (128, freq), 0 or 1

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Source: Miron, Janer and Gómez, ISMIR 2017, eq. 2.
    """
    harmonics = checks.check_number("harmonics", harmonics, at_least=1, whole=True)
    checks.check_number("width_cents", width_cents, at_least=0, unit="cents")
    checks.check_number("width_bins", width_bins, at_least=0)
    bins = np.arange(window_samples // 2 + 1)
    claims = np.zeros((PITCHES, len(bins)), np.float32)
    for pitch, fundamental_hz in enumerate(units.midi_to_hz(np.arange(PITCHES), tuning_hz)):
        harmonics_hz = np.arange(1, harmonics + 1)[:, np.newaxis] * fundamental_hz
        harmonics_hz = harmonics_hz[harmonics_hz[:, 0] < sample_rate_hz / 2]
        reach_hz = harmonics_hz * (units.cents_to_ratio(width_cents) - 1) + width_bins * sample_rate_hz / window_samples
        near = np.abs(units.bins_to_hz(bins, window_samples, sample_rate_hz) - harmonics_hz) <= reach_hz
        claims[pitch] = near.any(axis=0)
    return claims


def widen(rolls: torch.Tensor, tolerance_s: float, frame_rate_hz: float) -> torch.Tensor:
    """Let every note start earlier and end later, U.

    Parameters
    ----------
    rolls : float 0/1 (..., frames, 128)
    tolerance_s : float >= 0, seconds
        Rounded up to whole frames, so that a note that is off by less is never outside.
    frame_rate_hz : float > 0
        Sample rate / hop.

    Returns
    -------
    float 0/1 (..., frames, 128)

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Source: Miron et al. 2017, eq. 1, which prints a window moved, not
    widened; it is widened here, as in the authors' own program. That program also lets a note end up to half a second
    later where no other follows, which is left out here.
    """
    tolerance = math.ceil(tolerance_s * frame_rate_hz - 1e-6)
    if tolerance == 0:
        return rolls
    *leading, frames, pitches = rolls.shape
    by_pitch = rolls.reshape(-1, frames, pitches).transpose(1, 2)
    wide = torch.nn.functional.max_pool1d(by_pitch, 2 * tolerance + 1, stride=1, padding=tolerance)
    return wide.transpose(1, 2).reshape(*leading, frames, pitches)


def score_masks(rolls: torch.Tensor, claims: torch.Tensor) -> torch.Tensor:
    """The share of every bin that the score gives to each source, R.

    Parameters
    ----------
    rolls : float 0/1 (..., sources, frames, 128)
        Widened already.
    claims : float 0/1 (128, freq)
        Of `pitch_claims`, or some of its bins.

    Returns
    -------
    float (..., sources, frames, freq)
        They add up to 1 over the sources: a bin that several claim is shared by them, one that nobody claims by all.

    Lesson: notebooks/19_score_filtered_cnn.ipynb. Source: Miron et al. 2017, eq. 3 and 4. Equation 4 gives bins that
    nobody claims to no one; the authors' training program puts a small floor under every K before it divides, which
    shares them equally. This is the limit of that as the floor goes to 0, and so exactly 0 or 1 where sources do not
    meet.
    """
    claimed = (rolls @ claims > 0).to(claims.dtype)
    everyone = claimed.sum(dim=-3, keepdim=True)
    shares = claimed / everyone.clamp(min=1)
    return torch.where(everyone > 0, shares, 1 / rolls.shape[-3])
