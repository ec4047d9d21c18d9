"""Long recordings, a piece at a time, so that memory does not grow with the length.

Contents: chunks that fade into each other; seamless chunks, recordings filtered by them, and the memory for that;
transforms some frames at a time; excerpts spread over the whole.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from . import checks, memory, transforms

CHUNK_S = 30.0
FADE_S = 1.0

# Of seamless chunks, which may be shorter.
CHUNK_BYTES = 400e6


def chunks(
    samples: int, sample_rate_hz: int, *, chunk_s: float = CHUNK_S, fade_s: float = FADE_S
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Cut a recording into overlapping chunks whose gains add up to 1 at every sample.

    For methods whose chunks differ where they meet, since each learns something of its own. A method that treats every
    frame by its neighbours alone has no need to fade: see `seamless`.

    Parameters
    ----------
    samples : int >= 1
        Length of the recording.
    sample_rate_hz : int
    chunk_s : float >= 2 fade_s, seconds
        Length of a chunk. The last may be longer by less than a fade, for a rest shorter than that has no middle.
    fade_s : float > 0, seconds
        Over which neighbours share the sound.

    Returns
    -------
    iterator of (start, stop, gains)
        Samples of the recording, and the float32 (stop - start,) gains of what is estimated from them. They are made
        one after the other: all of them together would take as much memory as a channel of the recording.

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
    """Cut a recording into chunks without a seam, for methods that treat every frame by its neighbours alone.

    Each chunk is heard with a margin before and after it, which is wide enough that every frame that sounds in the
    chunk is as it would be in the transform of the whole recording. So the chunks, put side by side, are what the
    method would make of the whole, up to rounding, whatever their length.

    Parameters
    ----------
    samples : int >= 1
        Length of the recording.
    settings : dict
        Of the STFT: window_samples, hop_samples.
    chunk_samples : int >= 1
        Length of a chunk without its margins, rounded up to whole hops.
    reach_frames : int >= 0
        How many frames before and after a frame the method looks at.

    Yields
    ------
    (first, last, start, stop)
        Hear the samples from `first` to `last`, and keep of the result those from `start` to `stop`.
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
    """Filter a recording of any length by a method that treats every frame by its neighbours alone.

    Chunks are seamless and last 30 s, or less where a method with many sources would take too much memory for that.

    Parameters
    ----------
    mixture : float (channels, samples)
    names : sequence of str
        Of the estimates.
    parts_of : function
        Called as `parts_of(stft, first_frame)` with the transform (channels, freq, frames) of a chunk and the frame of
        the recording with which it begins; gives the transform of each estimate, in the order of the names.
    bytes_per_bin : float
        What the method's arrays take for each bin of one channel's transform, the transform itself included.
    settings : dict
        Of the STFT: window_samples, hop_samples.
    sample_rate_hz : int
    reach_frames : int >= 0
        How many frames before and after a frame the method looks at.

    Returns
    -------
    dict of name -> float32 (channels, samples)
        The same as of the whole recording at once, up to rounding.
    """
    estimates = memory.zeros_for(names, mixture.shape)
    samples, hop = mixture.shape[1], settings["hop_samples"]
    chunk = _fitting_samples(sample_rate_hz, settings, bytes_per_bin, reach_frames)
    for first, last, start, stop in seamless(samples, settings, chunk_samples=chunk, reach_frames=reach_frames):
        heard = mixture[:, first:last].astype(np.float32, copy=False)
        parts = parts_of(transforms.stft(heard, **settings), first // hop)
        for estimate, part in zip(estimates.values(), parts, strict=True):
            waveform = transforms.istft(part, last - first, **settings)
            estimate[:, start:stop] = waveform[:, start - first : stop - first]
    return estimates


def filtering_bytes(
    recording: memory.Recording, settings: transforms.StftSettings, *, bytes_per_bin: float, reach_frames: int = 0
) -> float:
    """The working memory of `filtered`, with its parameters: that of its longest chunk."""
    heard = _fitting_samples(recording.sample_rate_hz, settings, bytes_per_bin, reach_frames)
    heard += 2 * _margin(settings, reach_frames)
    return bytes_per_bin * memory.spectrogram_bins(min(recording.samples, heard), settings)


def _fitting_samples(
    sample_rate_hz: int, settings: transforms.StftSettings, bytes_per_bin: float, reach_frames: int
) -> int:
    """Length of a seamless chunk that does not take too much memory; no shorter than its margin, however much it is."""
    margin = _margin(settings, reach_frames)
    bytes_per_sample = bytes_per_bin * (settings["window_samples"] // 2 + 1) / settings["hop_samples"]
    fitting = int(CHUNK_BYTES / bytes_per_sample) - 2 * margin
    return min(round(CHUNK_S * sample_rate_hz), max(fitting, margin))


def _margin(settings: transforms.StftSettings, reach_frames: int) -> int:
    # A sample lies under frames that are centred half a window away at most, and these reach half a window further.
    hop = settings["hop_samples"]
    return (-(-settings["window_samples"] // hop) + reach_frames) * hop


def transformed(
    waveform: np.ndarray, settings: transforms.StftSettings, piece_samples: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """The transform of a long recording, some frames at a time, where it need not exist whole.

    Parameters
    ----------
    waveform : float (channels, samples)
    settings : dict
        Of the STFT: window_samples, hop_samples.
    piece_samples : int >= 1
        About how many samples belong to a piece.

    Yields
    ------
    (first, last, stft)
        The transform (channels, freq, last - first) of these frames of the recording.
    """
    window, hop = settings["window_samples"], settings["hop_samples"]
    frames = transforms.frame_count(waveform.shape[1], **settings)
    step = max(1, piece_samples // hop)
    # Whole hops, so that frames of a piece are frames of the whole, and enough of them for half a window.
    margin = -(-window // (2 * hop))
    for first in range(0, frames, step):
        last = min(first + step, frames)
        start = max(0, first - margin)
        stft = transforms.stft(waveform[:, start * hop : (last - 1 + margin) * hop], **settings)
        yield first, last, stft[:, :, first - start : last - start]


def excerpts(samples: int, sample_rate_hz: int, most_s: float, excerpt_s: float) -> list[tuple[int, int]]:
    """What to learn from: everything, or, of a recording longer than `most_s`, excerpts spread evenly over it.

    Parameters
    ----------
    samples, sample_rate_hz : int
        Length and rate of the recording.
    most_s : float > 0, seconds
        Of how much there is time.
    excerpt_s : float in (0, most_s], seconds

    Returns
    -------
    list of (start, stop)
        In samples.
    """
    if samples <= most_s * sample_rate_hz:
        return [(0, samples)]
    length = round(excerpt_s * sample_rate_hz)
    starts = np.linspace(0, samples - length, round(most_s / excerpt_s))
    return [(round(start), round(start) + length) for start in starts]
