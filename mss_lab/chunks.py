"""Processing of long recordings in pieces, so that memory does not grow with the length.

Contents: chunks that fade into each other; seamless chunks, recordings filtered by them, and the memory for that;
transforms of some frames at a time; excerpts spread over the whole recording.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from . import checks, memory, transforms

CHUNK_S = 30.0
FADE_S = 1.0

# Memory of a seamless chunk, which may therefore be shorter.
CHUNK_BYTES = 400e6


def chunks(
    samples: int, sample_rate_hz: int, *, chunk_s: float = CHUNK_S, fade_s: float = FADE_S
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Cut a recording into overlapping chunks whose gains add up to 1 at every sample.

    For methods whose results differ where chunks meet, since each chunk learns its own parameters. A method that treats
    every frame only by its neighbours needs no fades: see `seamless`.

    Parameters
    ----------
    samples : int >= 1
        Length of the recording.
    sample_rate_hz : int
    chunk_s : float >= 2 fade_s, seconds
        Length of a chunk. The last may be longer by less than a fade, because so short a rest could not fade in.
    fade_s : float > 0, seconds
        Duration of the crossfade between neighbouring chunks.

    Returns
    -------
    iterator of (start, stop, gains)
        A range of samples of the recording, and the gains (stop - start,), float32, of its estimates. They are
        generated one after the other: all of them together would take as much memory as a channel of the recording.

    Raises
    ------
    TypeError, ValueError
        If the fade is not above 0, or two of them do not fit into a chunk.
    """
    checks.check_number("fade_s", fade_s, above=0, unit="seconds")
    checks.check_number("chunk_s", chunk_s, at_least=2 * fade_s, unit="seconds", hint="a chunk fades in and out")
    return _fading(samples, round(chunk_s * sample_rate_hz), round(fade_s * sample_rate_hz))


def _fading(samples: int, chunk: int, fade: int) -> Iterator[tuple[int, int, np.ndarray]]:
    ramp = ((np.arange(fade) + 0.5) / fade).astype(np.float32)
    start = 0
    while True:
        stop = samples if samples - start <= chunk + fade else start + chunk
        gains = np.ones(stop - start, np.float32)
        if start > 0:
            gains[:fade] = ramp
        if stop < samples:
            gains[-fade:] = 1 - ramp
        yield start, stop, gains
        if stop == samples:
            return
        start = stop - fade


def seamless(
    samples: int, settings: transforms.StftSettings, *, chunk_samples: int, reach_frames: int = 0
) -> Iterator[tuple[int, int, int, int]]:
    """Cut a recording into chunks without seams, for methods that treat every frame only by its neighbours.

    Each chunk is processed with a margin before and after it, wide enough for every frame that sounds in the chunk to
    equal that of the transform of the whole recording. So the chunks, put together, are the method's result for the
    whole recording, up to rounding, whatever their length.

    Parameters
    ----------
    samples : int >= 1
        Length of the recording.
    settings : dict
        Of the STFT: window_samples, hop_samples.
    chunk_samples : int >= 1
        Length of a chunk without its margins, rounded up to whole hops.
    reach_frames : int >= 0
        How many frames before and after a frame influence the method's result.

    Yields
    ------
    (first, last, start, stop)
        Process the samples from `first` to `last`, and keep of the result those from `start` to `stop`.
    """
    hop, margin = settings["hop_samples"], _margin(settings, reach_frames)
    length = max(1, -(-chunk_samples // hop)) * hop
    for start in range(0, samples, length):
        stop = min(samples, start + length)
        yield max(0, start - margin), min(samples, stop + margin), start, stop


def filtered(
    mixture: np.ndarray,
    names: Sequence[str],
    parts_of: Callable[[np.ndarray, int], Iterable[np.ndarray]],
    *,
    bytes_per_bin: float,
    settings: transforms.StftSettings,
    sample_rate_hz: int,
    reach_frames: int = 0,
) -> dict[str, np.ndarray]:
    """Filter a recording of any length by a method that treats every frame only by its neighbours.

    Chunks are seamless and last 30 s, or less if a method with many sources would otherwise take too much memory.

    Parameters
    ----------
    mixture : float (channels, samples)
    names : sequence of str
        Names of the estimates.
    parts_of : function
        Called as `parts_of(stft, first_frame)` with the transform (channels, freq, frames) of a chunk and the frame of
        the recording with which it begins; returns the transform of each estimate, in the order of the names.
    bytes_per_bin : float
        Memory of the method's arrays for each bin of one channel's transform, the transform itself included.
    settings : dict
        Of the STFT: window_samples, hop_samples.
    sample_rate_hz : int
    reach_frames : int >= 0
        How many frames before and after a frame influence the method's result.

    Returns
    -------
    dict of name -> float32 (channels, samples)
        Equal to the result for the whole recording at once, up to rounding.
    """
    estimates = memory.zeros_for(names, mixture.shape)
    samples, hop = mixture.shape[1], settings["hop_samples"]
    chunk = _fitting_samples(sample_rate_hz, settings, bytes_per_bin, reach_frames)
    for first, last, start, stop in seamless(samples, settings, chunk_samples=chunk, reach_frames=reach_frames):
        chunk_samples = mixture[:, first:last].astype(np.float32, copy=False)
        estimate_stfts = parts_of(transforms.stft(chunk_samples, **settings), first // hop)
        for estimate, estimate_stft in zip(estimates.values(), estimate_stfts, strict=True):
            waveform = transforms.istft(estimate_stft, last - first, **settings)
            estimate[:, start:stop] = waveform[:, start - first : stop - first]
    return estimates


def filtering_bytes(
    recording: memory.Recording, settings: transforms.StftSettings, *, bytes_per_bin: float, reach_frames: int = 0
) -> float:
    """The working memory of `filtered`, with its parameters: that of its longest chunk."""
    chunk_samples = _fitting_samples(recording.sample_rate_hz, settings, bytes_per_bin, reach_frames)
    chunk_samples += 2 * _margin(settings, reach_frames)
    return bytes_per_bin * memory.spectrogram_bins(min(recording.samples, chunk_samples), settings)


def _fitting_samples(
    sample_rate_hz: int, settings: transforms.StftSettings, bytes_per_bin: float, reach_frames: int
) -> int:
    """Length of a seamless chunk that fits the memory limit, but at least the length of its margin."""
    margin = _margin(settings, reach_frames)
    bytes_per_sample = bytes_per_bin * (settings["window_samples"] // 2 + 1) / settings["hop_samples"]
    fitting = int(CHUNK_BYTES / bytes_per_sample) - 2 * margin
    return min(round(CHUNK_S * sample_rate_hz), max(fitting, margin))


def _margin(settings: transforms.StftSettings, reach_frames: int) -> int:
    # A sample lies under frames that are centred at most half a window away, and these reach half a window further.
    hop = settings["hop_samples"]
    return (-(-settings["window_samples"] // hop) + reach_frames) * hop


def transformed(
    waveform: np.ndarray, settings: transforms.StftSettings, piece_samples: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """The transform of a long recording, some frames at a time, so that it is never stored as a whole.

    Parameters
    ----------
    waveform : float (channels, samples)
    settings : dict
        Of the STFT: window_samples, hop_samples.
    piece_samples : int >= 1
        Approximate number of samples of a piece.

    Yields
    ------
    (first, last, stft)
        The transform (channels, freq, last - first) of these frames of the recording.
    """
    window, hop = settings["window_samples"], settings["hop_samples"]
    frames = transforms.frame_count(waveform.shape[1], **settings)
    step = max(1, piece_samples // hop)
    # Whole hops, so that the frames of a piece are frames of the recording, and enough of them for half a window.
    margin = -(-window // (2 * hop))
    for first in range(0, frames, step):
        last = min(first + step, frames)
        start = max(0, first - margin)
        stft = transforms.stft(waveform[:, start * hop : (last - 1 + margin) * hop], **settings)
        yield first, last, stft[:, :, first - start : last - start]


def excerpts(samples: int, sample_rate_hz: int, most_s: float, excerpt_s: float) -> list[tuple[int, int]]:
    """The ranges to learn from: the whole recording or, if it is longer than `most_s`, excerpts spread evenly over it.

    Parameters
    ----------
    samples, sample_rate_hz : int
        Length and rate of the recording.
    most_s : float > 0, seconds
        The total length to learn from.
    excerpt_s : float in (0, most_s], seconds

    Returns
    -------
    list of (start, stop)
        Ranges of samples.
    """
    if samples <= most_s * sample_rate_hz:
        return [(0, samples)]
    length = round(excerpt_s * sample_rate_hz)
    starts = np.linspace(0, samples - length, round(most_s / excerpt_s))
    return [(round(start), round(start) + length) for start in starts]
