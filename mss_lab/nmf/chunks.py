"""Long recordings, a piece at a time: chunks that fade into each other, so that memory does not grow with the length.

Contents: chunks. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import numpy as np

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
    chunk_s : float > fade_s, seconds
        Length of a chunk. The last may be longer by less than a fade, for a rest shorter than that has no middle.
    fade_s : float > 0, seconds
        Over which neighbours share the sound.

    Returns
    -------
    list of (start, stop, gains)
        Samples of the recording, and the float32 (stop - start,) gains of what is estimated from them.
    """
    chunk, fade = round(chunk_s * sample_rate_hz), round(fade_s * sample_rate_hz)
    ramp = ((np.arange(fade) + 0.5) / fade).astype(np.float32)
    found: list[tuple[int, int, np.ndarray]] = []
    start = 0
    while True:
        stop = samples if samples - start <= chunk + fade else start + chunk
        gains = np.ones(stop - start, np.float32)
        if start > 0:
            gains[:fade] = ramp
        if stop < samples:
            gains[-fade:] = 1 - ramp
        found.append((start, stop, gains))
        if stop == samples:
            return found
        start = stop - fade
