"""Listening tests: stimuli, their order, and the selection of reliable listeners, by MUSHRA (ITU-R BS.1534).

A listener hears a known reference and, in an unknown order, several stimuli that are rated from 0 to 100. Two kinds of
stimuli are not estimates: the reference itself, hidden, which should be rated 100, and anchors, which are the reference
through a low-pass filter and audibly bad. They show whether a listener paid attention, and fix two points of the scale.

Contents: anchor, has_anchor, anchor_name, Trial, trial, trusted_listeners. Lesson: notebooks/04_is_it_better.ipynb
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.signal

from .. import checks
from ..refusals import RefusedType, RefusedValue

REFERENCE = "hidden reference"
LABELS = "ABCDEFGHIJKL"

# An anchor contains the frequencies below its cutoff; those above 8/7 of the cutoff are this much softer. The
# recommendation requires 25 dB at 4 kHz and 50 dB at 4.5 kHz for a cutoff of 3.5 kHz; this filter has more at both.
STOP_RATIO, STOP_DB = 8 / 7, 70.0

BEST_RATING, FEWEST_POINTS, MOST_MISSES = 100.0, 90.0, 0.15


def anchor(waveform: np.ndarray, sample_rate_hz: int, cutoff_hz: float = 3_500.0) -> np.ndarray:
    """The waveform through a low-pass filter without delay.

    Parameters
    ----------
    waveform : float (channels, samples)
    sample_rate_hz : int
    cutoff_hz : float
        3500 is the low anchor, 7000 the mid one. Above 0, and at most 7/8 of half the sample rate.

    Returns
    -------
    float (channels, samples), of the same type
        Frequencies below the cutoff keep level and time; from 8/7 of the cutoff on they are 70 dB softer.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the waveform is refused, or the recording contains no frequencies that the anchor removes.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: ITU-R BS.1534-3, 2015.

    Examples
    --------
    >>> times_s = np.arange(16_000) / 16_000
    >>> low, high = (np.sin(2 * np.pi * hz * times_s)[np.newaxis] for hz in (1_000, 5_000))
    >>> filtered = anchor(low + high, 16_000)
    >>> float(np.abs(filtered - low)[0, 1_000:-1_000].max()) < 0.001
    True
    """
    waveform = checks.check_waveform("waveform", waveform)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    half = sample_rate_hz / 2
    checks.check_number(
        "cutoff_hz",
        cutoff_hz,
        above=0,
        below=half / STOP_RATIO,
        unit="Hz",
        hint="an anchor must remove frequencies: choose a lower cutoff, or a recording with a higher sample rate",
    )
    width_hz = (STOP_RATIO - 1) * cutoff_hz
    taps, beta = scipy.signal.kaiserord(STOP_DB, width_hz / half)
    # An odd number of taps, so that the middle one is at delay 0.
    low_pass = scipy.signal.firwin(taps | 1, cutoff_hz + width_hz / 2, window=("kaiser", beta), fs=sample_rate_hz)
    filtered = scipy.signal.oaconvolve(waveform.astype(np.float64), low_pass[np.newaxis], axes=-1)
    start = len(low_pass) // 2
    result: np.ndarray = filtered[:, start : start + waveform.shape[1]].astype(waveform.dtype)
    return result


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """One page of a listening test.

    Attributes
    ----------
    reference : float (channels, samples)
        The waveform that the listener knows as the reference.
    stimuli : dict of label -> float (channels, samples)
        "A", "B", ...: the waveforms to be rated, in random order.
    key : dict of label -> name
        The true name behind each label; shown after the rating.
    """

    reference: np.ndarray
    stimuli: Mapping[str, np.ndarray]
    key: Mapping[str, str]

    def reveal(self, ratings: Mapping[str, float]) -> dict[str, float]:
        """Convert ratings by label to ratings by name, in the order of the labels.

        Raises
        ------
        ValueError
            If a label has no rating, a rating has no label, or one lies outside 0 to 100.
        """
        if set(ratings) != set(self.key):
            raise RefusedValue(
                f"there must be one rating for each of {', '.join(self.key)}, got ratings for "
                f"{', '.join(ratings) or 'none'}; rate every stimulus once"
            )
        return {
            name: float(checks.check_number(f"the rating of {label}", ratings[label], at_least=0, at_most=BEST_RATING))
            for label, name in self.key.items()
        }


def trial(
    reference: np.ndarray,
    estimates: Mapping[str, np.ndarray],
    sample_rate_hz: int,
    *,
    rng: np.random.Generator,
    cutoffs_hz: tuple[float, ...] = (3_500.0,),
) -> Trial:
    """Make a page of a listening test: hidden reference, anchors and estimates in an order drawn from `rng`.

    Parameters
    ----------
    reference : float (channels, samples)
        The true source.
    estimates : dict of name -> float (channels, samples)
        Estimates of separators.
    sample_rate_hz : int
    rng : numpy Generator
        Draws the order; the same seed gives the same order.
    cutoffs_hz : tuple of float
        One anchor for each; (3500, 7000) adds the mid anchor.

    Returns
    -------
    Trial

    Raises
    ------
    ShapeError, TypeError, ValueError
        If a waveform is refused, shapes differ, a name is used twice, or there are more than 12 stimuli, which is more
        than a listener can distinguish.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: ITU-R BS.1534-3, 2015.

    Examples
    --------
    >>> violin = np.ones((1, 100))
    >>> page = trial(violin, {"my method": 0.5 * violin}, 16_000, rng=np.random.default_rng(0))
    >>> list(page.stimuli), sorted(page.key.values())
    (['A', 'B', 'C'], ['anchor 3.5 kHz', 'hidden reference', 'my method'])
    """
    reference = checks.check_waveform("reference", reference)
    estimates = checks.check_sources("estimates", estimates)
    checks.check_generator("rng", rng)
    first = next(iter(estimates))
    checks.check_same_shape(f"estimates[{first!r}]", estimates[first], "reference", reference)
    named = {REFERENCE: reference}
    named |= {anchor_name(cutoff_hz): anchor(reference, sample_rate_hz, cutoff_hz) for cutoff_hz in cutoffs_hz}
    used = [name for name in estimates if name in named]
    if used:
        raise RefusedValue(
            f"estimates must not have the name {used[0]!r}, which this test adds itself; choose another name"
        )
    named |= estimates
    if len(named) > len(LABELS):
        raise RefusedValue(
            f"a trial holds at most {len(LABELS)} stimuli, got {len(named)} with the reference and the anchors; "
            "spread the estimates over several trials"
        )
    order = [list(named)[index] for index in rng.permutation(len(named))]
    labelled = dict(zip(LABELS, order, strict=False))
    return Trial(reference, {label: named[name] for label, name in labelled.items()}, labelled)


def trusted_listeners(hidden_reference_ratings: Any) -> np.ndarray:
    """Select the listeners who rated the hidden reference below 90 in at most 15 percent of their trials.

    Parameters
    ----------
    hidden_reference_ratings : float (listeners, trials), 0 to 100
        nan where a listener missed a trial; such trials do not count.

    Returns
    -------
    bool (listeners,)
        False also for a listener without any trials.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the ratings are not such a table, or lie outside 0 to 100.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: ITU-R BS.1534-3, 2015, post-screening of assessors.

    Examples
    --------
    >>> trusted_listeners([[100, 95, 100, 98], [100, 40, 100, 98]])
    array([ True, False])
    """
    ratings = checks.check_axes("hidden_reference_ratings", hidden_reference_ratings, "listeners trials")
    if np.iscomplexobj(ratings):
        raise RefusedType(
            "hidden_reference_ratings must be real numbers from 0 to 100, got complex values; pass ratings"
        )
    ratings = ratings.astype(np.float64)
    rated = ~np.isnan(ratings)
    outside = rated & ((ratings < 0) | (ratings > BEST_RATING))
    if outside.any():
        raise RefusedValue(
            f"hidden_reference_ratings must lie from 0 to 100, got {ratings[outside][0]:g}; correct it or leave it out"
        )
    trials = rated.sum(axis=1)
    misses = (rated & (ratings < FEWEST_POINTS)).sum(axis=1)
    # Compared as counts, so that exactly 15 percent is accepted whatever the rounding of the quotient.
    result: np.ndarray = (trials > 0) & (misses <= np.floor(MOST_MISSES * trials + 1e-9))
    return result


def has_anchor(sample_rate_hz: int, cutoff_hz: float) -> bool:
    """Whether a recording at this sample rate can hold frequencies that the anchor removes."""
    return cutoff_hz < checks.check_sample_rate(sample_rate_hz) / 2 / STOP_RATIO


def anchor_name(cutoff_hz: float) -> str:
    """The name of an anchor among the stimuli, such as "anchor 3.5 kHz"."""
    return f"anchor {cutoff_hz / 1000:g} kHz"
