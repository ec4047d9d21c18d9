"""From models to estimates: a mixture filtered chunk by chunk, by what a method makes of each.

Contents: filtered. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Callable, Sequence

import numpy as np

from .. import masks, transforms
from ..chunks import CHUNK_S, chunks


def filtered(
    mixture: np.ndarray,
    sample_rate_hz: int,
    sources: Sequence[str],
    models_of: Callable[[np.ndarray, float, float], np.ndarray],
    *,
    settings: transforms.StftSettings,
    exponent: float,
    chunk_s: float = CHUNK_S,
) -> dict[str, np.ndarray]:
    """Filter a mixture by the models of its sources, in chunks, so that memory does not grow with its length.

    Parameters
    ----------
    mixture : float32 (channels, samples)
    sample_rate_hz : int
    sources : sequence of str
    models_of : function
        Called as `models_of(magnitude, start_s, stop_s)` with a chunk's common magnitude (freq, frames) and the times
        at which it starts and stops; returns magnitudes (sources, 1, freq, frames).
    settings : dict
        Of the STFT: window_samples, hop_samples.
    exponent : float > 0
        Of the generalised Wiener filter that turns models into masks; every channel is filtered by the same.
    chunk_s : float, seconds

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Lesson: notebooks/08_nmf_with_a_score.ipynb
    """
    estimates = {source: np.zeros(mixture.shape, np.float32) for source in sources}
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=chunk_s):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        models = models_of(transforms.common_magnitude(stft), start / sample_rate_hz, stop / sample_rate_hz)
        parts = masks.apply(masks.wiener(models, exponent), stft)
        for source, waveform in masks.to_estimates(parts, tuple(sources), stop - start, **settings).items():
            estimates[source][:, start:stop] += waveform * gains
    return estimates
