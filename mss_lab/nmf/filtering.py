"""From models to estimates: a mixture is filtered chunk by chunk by the masks that follow from a method's models.

Contents: filtered, filtering_bytes, fitting_chunk_s. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Callable, Sequence

import numpy as np

from .. import masks, memory, transforms
from ..chunks import CHUNK_S, FADE_S, chunks

# Memory for each bin: per channel, its transform and a filtered copy of it; per source, its model and its mask.
STFT_BYTES = 24
MASK_BYTES = 8
# Memory of a chunk if its length is free to choose, and the shortest length: fades take a second of it.
CHUNK_BYTES = 700e6
SHORTEST_S = 5.0


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
        Exponent of the generalised Wiener filter that turns models into masks; every channel is filtered by the same
        mask.
    chunk_s : float, seconds

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        They add up to the mixture.

    Lesson: notebooks/08_nmf_with_a_score.ipynb

    Examples
    --------
    >>> settings = transforms.settings_for(8000)
    >>> models_of = lambda magnitude, start_s, stop_s: np.stack([magnitude[np.newaxis]] * 2)
    >>> halves = filtered(np.ones((1, 8000), np.float32), 8000, ["a", "b"], models_of, settings=settings, exponent=2)
    >>> bool(np.allclose(halves["a"], 0.5, atol=1e-3))
    True
    """
    estimates = memory.zeros_for(sources, mixture.shape)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=chunk_s):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        models = models_of(transforms.common_magnitude(stft), start / sample_rate_hz, stop / sample_rate_hz)
        filters = masks.wiener(models, exponent)
        del models
        # One source after the other: the filtered transforms of all sources would take by far the most memory.
        for estimate, mask in zip(estimates.values(), filters, strict=True):
            waveform = transforms.istft(mask * stft, stop - start, **settings)
            estimate[:, start:stop] += waveform * gains
    return estimates


def filtering_bytes(
    recording: memory.Recording,
    settings: transforms.StftSettings,
    *,
    fitting_bytes: float = 0.0,
    chunk_s: float = CHUNK_S,
) -> float:
    """The working memory of `filtered`: that of its longest chunk.

    Parameters
    ----------
    recording : Recording
    settings : dict
        Of the STFT: window_samples, hop_samples.
    fitting_bytes : float
        Memory for each bin that making the models of a chunk needs in addition to the transform.
    chunk_s : float, seconds

    Returns
    -------
    float
        Bytes.
    """
    bins = recording.bins(chunk_s + FADE_S, settings)
    making = MASK_BYTES / 2 * recording.sources + fitting_bytes
    return (STFT_BYTES * recording.channels + max(MASK_BYTES * recording.sources, making)) * bins


def fitting_chunk_s(
    sources: int, channels: int, sample_rate_hz: int, settings: transforms.StftSettings, longest_s: float = CHUNK_S
) -> float:
    """The length of chunks if templates are already known, in seconds: shorter if there are many sources."""
    bins_a_second = (settings["window_samples"] // 2 + 1) * sample_rate_hz / settings["hop_samples"]
    fitting_s = CHUNK_BYTES / ((STFT_BYTES * channels + MASK_BYTES * sources) * bins_a_second)
    return float(np.clip(fitting_s, min(SHORTEST_S, longest_s), longest_s))
