"""The spectra of a voice: combs of harmonics for the vocal folds, smooth bumps for throat and mouth.

Contents: fundamentals_hz, source_combs, filter_atoms. Lesson: notebooks/06_nmf_that_knows_time.ipynb
"""

import numpy as np

from .. import checks, units
from ..refusals import RefusedValue

LOWEST_HZ = 100.0
HIGHEST_HZ = 800.0
STEPS_PER_SEMITONE = 5
ATOMS = 20

# The fraction of a period of the vocal folds during which they are open.
OPEN_QUOTIENT = 0.25


def fundamentals_hz(
    lowest_hz: float = LOWEST_HZ, highest_hz: float = HIGHEST_HZ, steps_per_semitone: int = STEPS_PER_SEMITONE
) -> np.ndarray:
    """The pitches that a voice may have: equal steps on a logarithmic scale, (combs,) in Hz.

    From `lowest_hz` up to `highest_hz` at most; five steps to a semitone are 20 cents each.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb

    Examples
    --------
    >>> np.round(fundamentals_hz(100.0, 120.0, steps_per_semitone=1), 1)
    array([100. , 105.9, 112.2, 118.9])
    """
    low = checks.check_number("lowest_hz", lowest_hz, above=0, unit="Hz")
    high = checks.check_number("highest_hz", highest_hz, at_least=low, unit="Hz", hint="give the lower one first")
    steps = checks.check_number("steps_per_semitone", steps_per_semitone, at_least=1, whole=True)
    count = int(12 * steps * np.log2(high / low) + 1e-9) + 1
    result: np.ndarray = low * 2.0 ** (np.arange(count) / (12 * steps))
    return result


def source_combs(
    pitches_hz: np.ndarray,
    window_samples: int,
    sample_rate_hz: int,
    *,
    bins: int | None = None,
    open_quotient: float = OPEN_QUOTIENT,
) -> np.ndarray:
    """The power spectrum of a glottal source at each pitch, as in an STFT with a Hann window.

    The air flow between the vocal folds follows the model KLGLOTT88: t^2 - t^3, scaled to the open part of the period,
    and zero in the rest. The lips radiate its derivative. Every harmonic has the power of the derivative's Fourier
    coefficient and the shape of the window's transform; powers are added.

    Parameters
    ----------
    pitches_hz : real > 0 (combs,)
        Fundamentals, such as those of `fundamentals_hz`; each below the highest bin.
    window_samples, sample_rate_hz : int
        Settings of the STFT.
    bins : int >= 2, optional
        The number of bins to return, from 0 Hz up. Default: all.
    open_quotient : float in (0, 1]
        The fraction of the period that is open; the smaller, the brighter.

    Returns
    -------
    float32 (bins, combs)
        Above 0 everywhere; columns add up to 1.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If a pitch is not between 0 Hz and the highest bin, or an option is out of its range.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Klatt and Klatt, JASA 1990 (KLGLOTT88). Difference to
    Durrieu et al. 2010: powers of harmonics are added, so that their phases do not matter.

    Examples
    --------
    >>> comb = source_combs(np.array([250.0]), 512, 8000)[:, 0]  # the harmonics are 16 bins apart
    >>> np.flatnonzero(comb > 0.001 * comb.max())[:9]
    array([15, 16, 17, 31, 32, 33, 47, 48, 49])
    """
    pitches_hz = checks.check_finite("pitches_hz", checks.check_axes("pitches_hz", pitches_hz, "combs")).astype(float)
    spacing_hz = units.bins_to_hz(1, window_samples, sample_rate_hz)
    bins = window_samples // 2 + 1 if bins is None else bins
    bins = checks.check_number("bins", bins, at_least=2, at_most=window_samples // 2 + 1, whole=True)
    checks.check_number("open_quotient", open_quotient, above=0, at_most=1)
    top_hz = (bins - 1) * spacing_hz
    if not pitches_hz.size or pitches_hz.min() <= 0 or pitches_hz.max() >= top_hz:
        given_range = f"{pitches_hz.min():g} to {pitches_hz.max():g} Hz" if pitches_hz.size else "none"
        raise RefusedValue(
            f"pitches_hz must lie above 0 and below {top_hz:g} Hz, got {given_range}; leave the others out"
        )
    powers = _glottal_powers(int(top_hz / pitches_hz.min()), open_quotient)
    # More than six bins from its centre a Hann window's transform is 90 dB down.
    steps = np.arange(-6, 7)[:, np.newaxis]
    combs = np.zeros((bins + 12, len(pitches_hz)))
    for number, power in enumerate(powers, start=1):
        position_bins = number * pitches_hz / spacing_hz
        present = np.flatnonzero(position_bins < bins)
        nearest = np.rint(position_bins[present]).astype(int)
        distance_bins = nearest + steps - position_bins[present]
        lobe = np.sinc(distance_bins) + 0.5 * (np.sinc(distance_bins - 1) + np.sinc(distance_bins + 1))
        rows = nearest + steps + 6
        inside = (rows >= 0) & (rows < len(combs))
        np.add.at(combs, (rows[inside], np.broadcast_to(present, rows.shape)[inside]), (power * lobe**2)[inside])
    combs = combs[6 : 6 + bins]
    combs += 1e-9 * combs.max(axis=0)
    result: np.ndarray = (combs / combs.sum(axis=0)).astype(np.float32)
    return result


def _glottal_powers(harmonics: int, open_quotient: float) -> np.ndarray:
    """Power of the harmonics 1, 2, ... of the derivative of KLGLOTT88's flow."""
    period = 1 << 14
    opened = np.arange(period) / (period * open_quotient)
    derivative = np.where(opened < 1, 2 * opened - 3 * opened**2, 0)
    return np.abs(np.fft.rfft(derivative)[1 : harmonics + 1]) ** 2


def filter_atoms(bins: int, atoms: int = ATOMS, overlap: float = 0.75) -> np.ndarray:
    """Smooth bumps along the frequency axis, raised cosines, whose weighted sums are the filters.

    Parameters
    ----------
    bins : int >= 2
    atoms : int >= 2
        The first is centred on the lowest bin, the last on the highest. With more atoms filters are finer; if an atom
        is narrower than two harmonics, filters begin to model single harmonics.
    overlap : float in [0.5, 1)
        The fraction of its width that each atom shares with the next.

    Returns
    -------
    float32 (bins, atoms)
        Peak 1 at their centres.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Durrieu et al., IEEE TASLP 2010.

    Examples
    --------
    >>> np.round(filter_atoms(5, atoms=3, overlap=0.5).T, 2)
    array([[1. , 0.5, 0. , 0. , 0. ],
           [0. , 0.5, 1. , 0.5, 0. ],
           [0. , 0. , 0. , 0.5, 1. ]], dtype=float32)
    """
    bins = checks.check_number("bins", bins, at_least=2, whole=True)
    atoms = checks.check_number("atoms", atoms, at_least=2, whole=True)
    # With less overlap there would be bins between the atoms that no filter can reach.
    overlap = checks.check_number("overlap", overlap, at_least=0.5, below=1)
    spacing = (bins - 1) / (atoms - 1)
    distance = (np.arange(bins)[:, np.newaxis] - np.arange(atoms) * spacing) * (2 * (1 - overlap) / spacing)
    return np.where(np.abs(distance) < 1, 0.5 + 0.5 * np.cos(np.pi * distance), 0).astype(np.float32)
