"""Oracles: the results of ideal masks, and of leaving the mixture as it is.

Both belong in every table of results: no masking method can be much better than the oracle of its transform, and none
should be worse than the unchanged mixture. They need the true sources, so they are bounds and not separators.

Contents: do_nothing, oracle. Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb
"""

from collections.abc import Mapping

import numpy as np

from . import checks, masks, transforms

KINDS = ("binary", "ratio", "wiener")


def do_nothing(sources: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The mixture as the estimate of every source."""
    sources = checks.check_sources("sources", sources)
    mixture = np.sum(list(sources.values()), axis=0).astype(np.float32)
    return {name: mixture.copy() for name in sources}


def oracle(
    sources: Mapping[str, np.ndarray], sample_rate_hz: int, kind: str = "wiener", *, window_s: float = 4096 / 44_100
) -> dict[str, np.ndarray]:
    """Filter the mixture of known sources by their ideal masks.

    Parameters
    ----------
    sources : dict of source name -> float (channels, samples)
    sample_rate_hz : int
    kind : {"binary", "ratio", "wiener"}
        The ideal binary mask, the ideal ratio mask of magnitudes, or that of powers (oracle Wiener filter).
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate; the hop is a quarter of it.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb. Reference: Cano et al. 2019.

    Examples
    --------
    >>> times_s = np.arange(8_000) / 8_000
    >>> low, high = (np.sin(2 * np.pi * hz * times_s)[np.newaxis] for hz in (200, 1_000))
    >>> estimates = oracle({"low": low, "high": high}, 8_000)
    >>> bool(np.allclose(estimates["low"][:, 1_000:-1_000], low[:, 1_000:-1_000], atol=0.01))
    True
    """
    sources = checks.check_sources("sources", sources)
    checks.check_choice("kind", kind, KINDS)
    settings = transforms.settings_for(sample_rate_hz, window_s)
    stfts = np.stack([transforms.stft(waveform, **settings) for waveform in sources.values()])
    if kind == "binary":
        mask = masks.ideal_binary(stfts)
    else:
        mask = masks.ideal_ratio(stfts, exponent=2.0 if kind == "wiener" else 1.0)
    samples = next(iter(sources.values())).shape[1]
    return masks.to_estimates(masks.apply(mask, stfts.sum(axis=0)), tuple(sources), samples, **settings)
