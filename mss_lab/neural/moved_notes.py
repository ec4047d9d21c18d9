"""Give notes to other players together with their sound, so that a network learns to follow the notes.

In songs, a source always has its own timbre, and a network that knows the timbres can separate most of the music
without its notes. It then keeps to a timbre where an edited score says otherwise. In segments in which some notes have
changed their players, with their sound, only the notes say whose they are. The mixture stays the same.

Contents: give_away. Lesson: notebooks/20_steer_a_network.ipynb
"""

import numpy as np

# At most so many stretches of a segment change their source.
MOST = 8


def give_away(
    sources: np.ndarray, rolls: np.ndarray, hop_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Give one to eight drawn notes to other sources, in the sound and in the rolls.

    A note is taken from its onset to the next onset of its source, with all that its source plays in this time. Over
    the length of a hop its sound fades out of the one source and into the other.

    Parameters
    ----------
    sources : float (sources, samples)
    rolls : float (sources, frames, 128)
        Of 0 and 1, frame n at sample n * hop_samples.
    hop_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    (sources, rolls)
        New arrays of the same shapes. The sum of the sources is the same, except for rounding.

    Lesson: notebooks/20_steer_a_network.ipynb. It is no part of the reference.
    """
    sources, rolls = sources.copy(), rolls.copy()
    count, samples = sources.shape
    for _ in range(rng.integers(1, MOST + 1)):
        giver = int(rng.integers(count))
        receiver = int((giver + rng.integers(1, count)) % count) if count > 1 else giver
        position = rng.random()
        sounding = rolls[giver] > 0
        starts = np.flatnonzero((sounding & ~np.pad(sounding[:-1], ((1, 0), (0, 0)))).any(axis=1))
        if not len(starts) or giver == receiver:
            continue
        chosen = int(position * len(starts))
        first = int(starts[chosen])
        last = int(starts[chosen + 1]) if chosen + 1 < len(starts) else len(sounding)
        gains = _ramp(samples, first * hop_samples, hop_samples) - _ramp(samples, last * hop_samples, hop_samples)
        piece = sources[giver] * gains
        sources[giver] -= piece
        sources[receiver] += piece
        rolls[receiver, first:last] = np.maximum(rolls[receiver, first:last], rolls[giver, first:last])
        rolls[giver, first:last] = 0
    return sources, rolls


def _ramp(samples: int, middle: int, length: int) -> np.ndarray:
    """A rise from 0 to 1 around a sample; all 1 from sample 0 on, and all 0 up to the end."""
    if middle <= 0:
        return np.ones(samples, np.float32)
    if middle >= samples:
        return np.zeros(samples, np.float32)
    return np.clip((np.arange(samples, dtype=np.float32) - middle) / length + 0.5, 0, 1)
