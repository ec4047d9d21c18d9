"""Weights that depend on a bin's frequency band, and on how much of the mixture the members believe it to be.

One weight for each member is a compromise. A network may be good at low frequencies and another at high ones; one may
be careful where a source is faint, another where it dominates. So the plane of time and frequency is divided into
regions: a band of frequencies, times a range of the level ratio

    ratio = 20 log10 (|mean over k of E_k| / |X|),

with the transforms E_k of the members' estimates of one source and X of the mixture. It is what a mask of the mean
estimate would be, in dB. Every region has weights of its own, fitted in the same way as in
`mss_lab.stacking.weights`: the combination is a small model of which member to believe where, and fitting it stays
convex. All is known when a mixture is separated: the regions do not need the true source.

Contents: Regions, labels, products, combine.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from .. import checks, transforms, units
from ..refusals import RefusedValue
from .weights import Products

ESTIMATE_AXES = "members channels samples"


@dataclasses.dataclass(frozen=True)
class Regions:
    """How the plane of time and frequency is divided.

    Attributes
    ----------
    band_edges_hz : tuple of float > 0
        Between the bands, rising: n edges make n + 1 bands.
    ratio_edges_db : tuple of float
        Between the ranges of the level ratio, rising.
    window_s : float > 0, seconds
        Length of the transform's window; the hop is a quarter of it.

    Raises
    ------
    TypeError, ValueError
        If edges do not rise, or a number is out of its range.
    """

    band_edges_hz: tuple[float, ...] = (250.0, 500.0, 1000.0, 2000.0, 4000.0)
    ratio_edges_db: tuple[float, ...] = (-20.0, -10.0, -3.0)
    window_s: float = 4096 / 44_100

    def __post_init__(self) -> None:
        object.__setattr__(self, "band_edges_hz", _rising("band_edges_hz", self.band_edges_hz, "Hz", at_least=1e-3))
        object.__setattr__(self, "ratio_edges_db", _rising("ratio_edges_db", self.ratio_edges_db, "dB"))
        checks.check_number("window_s", self.window_s, above=0, at_most=5, unit="seconds")

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of bands and of ranges of the level ratio."""
        return len(self.band_edges_hz) + 1, len(self.ratio_edges_db) + 1


def labels(mixture_stft: np.ndarray, estimate_stfts: np.ndarray, sample_rate_hz: int, regions: Regions) -> np.ndarray:
    """The region of each bin.

    Parameters
    ----------
    mixture_stft : complex (channels, freq, frames)
    estimate_stfts : complex (members, channels, freq, frames)
        The members' estimates of one source.
    sample_rate_hz : int
    regions : Regions

    Returns
    -------
    int (channels, freq, frames)
        band * (number of ranges) + range. A bin in which the mixture is silent is in the lowest range if the estimates
        are silent, too, and else in the highest.

    Raises
    ------
    ShapeError
        If the arrays do not fit each other.
    """
    mixture_stft = checks.check_axes("mixture_stft", mixture_stft, "channels freq frames")
    estimate_stfts = checks.check_axes("estimate_stfts", estimate_stfts, "members channels freq frames")
    checks.check_same_shape("each estimate", estimate_stfts[0], "mixture_stft", mixture_stft)
    bins = mixture_stft.shape[1]
    hz = units.bins_to_hz(np.arange(bins), max(1, 2 * (bins - 1)), sample_rate_hz)
    bands = np.searchsorted(regions.band_edges_hz, hz, side="right")
    mean = np.abs(estimate_stfts.mean(axis=0))
    # Compared without a division, so that silence needs no small constant.
    edges = units.db_to_amplitude(np.array(regions.ratio_edges_db))
    ranges = np.zeros(mixture_stft.shape, dtype=np.intp)
    for edge in edges:
        ranges += mean > edge * np.abs(mixture_stft)
    result: np.ndarray = bands[:, np.newaxis] * regions.shape[1] + ranges
    return result


def products(
    source: np.ndarray, estimates: np.ndarray, mixture: np.ndarray, sample_rate_hz: int, regions: Regions
) -> Products:
    """Inner products of one recording for each region, from transforms.

    Parameters
    ----------
    source, mixture : float (channels, samples)
    estimates : float (members, channels, samples)
    sample_rate_hz : int
    regions : Regions

    Returns
    -------
    Products
        With leading axes (bands, ranges). Summed over recordings, they go to `mss_lab.stacking.weights.fit`.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays are no waveforms or do not fit each other.
    """
    source_stft, *stfts = _transformed((source, mixture, *_checked_estimates(estimates)), sample_rate_hz, regions)
    mixture_stft, estimate_stfts = stfts[0], np.stack(stfts[1:])
    where = labels(mixture_stft, estimate_stfts, sample_rate_hz, regions).ravel()
    count = regions.shape[0] * regions.shape[1]

    def summed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        inner = (first.conj() * second).real.ravel()
        return np.bincount(where, weights=inner, minlength=count).reshape(regions.shape)

    members = len(estimate_stfts)
    gram = np.empty((*regions.shape, members, members))
    for one in range(members):
        for other in range(one + 1):
            gram[..., one, other] = gram[..., other, one] = summed(estimate_stfts[one], estimate_stfts[other])
    of_source = np.stack([summed(stft, source_stft) for stft in estimate_stfts], axis=-1)
    return Products(gram, of_source, summed(source_stft, source_stft))


def combine(
    estimates: np.ndarray, weights: np.ndarray, mixture: np.ndarray, sample_rate_hz: int, regions: Regions
) -> np.ndarray:
    """The estimates of one source, combined with the weights of each region.

    Parameters
    ----------
    estimates : float (members, channels, samples)
    weights : float (bands, ranges, members)
        As fitted; all sets alike give what `mss_lab.stacking.weights.combine` gives.
    mixture : float (channels, samples)
    sample_rate_hz : int
    regions : Regions
        Those for which the weights were fitted.

    Returns
    -------
    float (channels, samples)
        Of the type of the estimates.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other or the regions.
    """
    estimates = _checked_estimates(estimates)
    weights = checks.check_finite("weights", checks.check_axes("weights", weights, "bands ranges members"))
    if weights.shape != (*regions.shape, len(estimates)):
        raise checks.ShapeError(
            f"weights must be {(*regions.shape, len(estimates))} (bands, ranges, members) for these regions, got shape "
            f"{weights.shape}; fit them with the same regions"
        )
    mixture_stft, *stfts = _transformed((mixture, *estimates), sample_rate_hz, regions)
    estimate_stfts = np.stack(stfts)
    where = labels(mixture_stft, estimate_stfts, sample_rate_hz, regions)
    flat = weights.reshape(-1, len(estimates))
    total = sum(flat[where, index] * stft for index, stft in enumerate(estimate_stfts))
    settings = transforms.settings_for(sample_rate_hz, regions.window_s)
    return transforms.istft(np.asarray(total), estimates.shape[2], **settings).astype(estimates.dtype)


def _transformed(waveforms: Sequence[np.ndarray], sample_rate_hz: int, regions: Regions) -> list[np.ndarray]:
    settings = transforms.settings_for(checks.check_sample_rate(sample_rate_hz), regions.window_s)
    first = checks.check_waveform("the source or mixture", waveforms[0])
    for waveform in waveforms[1:]:
        checks.check_same_shape("each of mixture and estimates", waveform, "the source or mixture", first)
    return [transforms.stft(np.asarray(waveform, dtype=np.float64), **settings) for waveform in waveforms]


def _checked_estimates(estimates: np.ndarray) -> np.ndarray:
    estimates = checks.check_finite("estimates", checks.check_axes("estimates", estimates, ESTIMATE_AXES))
    if not len(estimates):
        raise RefusedValue("estimates must be those of at least one member, got none; run a separator first")
    return estimates


def _rising(name: str, edges: Sequence[float], unit: str, at_least: float | None = None) -> tuple[float, ...]:
    values = tuple(float(checks.check_number(name, edge, at_least=at_least, unit=unit)) for edge in edges)
    if any(later <= earlier for earlier, later in itertools.pairwise(values)):
        raise RefusedValue(f"{name} must rise, got {values}; sort them, and remove equal ones")
    return values
