"""Long recordings, a piece at a time, so that memory does not grow with the length.

Contents: chunks that fade into each other, all at once or one by one; excerpts spread over the whole.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

from collections.abc import Iterator

import numpy as np

from . import checks

CHUNK_S = 30.0
FADE_S = 1.0


def chunks(
    samples: int, sample_rate_hz: int, *, chunk_s: float = CHUNK_S, fade_s: float = FADE_S
) -> list[tuple[int, int, np.ndarray]]:
    """Cut a recording into overlapping chunks whose gains add up to 1 at every sample.

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
    list of (start, stop, gains)
        Samples of the recording, and the float32 (stop - start,) gains of what is estimated from them.

    Raises
    ------
    TypeError, ValueError
        If the fade is not above 0, or two of them do not fit into a chunk.
    """
    return list(one_by_one(samples, sample_rate_hz, chunk_s=chunk_s, fade_s=fade_s))


def one_by_one(
    samples: int, sample_rate_hz: int, *, chunk_s: float = CHUNK_S, fade_s: float = FADE_S
) -> Iterator[tuple[int, int, np.ndarray]]:
    """The same as `chunks`, whose gains together take as much memory as a channel of the recording."""
    checks.check_number("fade_s", fade_s, above=0, unit="seconds")
    checks.check_number("chunk_s", chunk_s, at_least=2 * fade_s, unit="seconds", hint="a chunk fades in and out")
    chunk, fade = round(chunk_s * sample_rate_hz), round(fade_s * sample_rate_hz)
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
