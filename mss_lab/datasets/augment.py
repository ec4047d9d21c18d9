"""Augmentation: more songs from existing ones, with other levels, other segments, and sources of different songs.

A song is `audio`, float (sources, samples), and `notes`, float64 (notes, 4): index of the source, pitch, onset and
offset in seconds. Every change of the sound changes the notes accordingly.

Contents: random_gains, random_segment, segment, incoherent. Lesson: notebooks/15_data_is_the_model.ipynb
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..refusals import RefusedValue


def random_gains(audio: np.ndarray, *, rng: np.random.Generator, low: float = 0.25, high: float = 1.25) -> np.ndarray:
    """The sources, each multiplied by a uniform random factor.

    Parameters
    ----------
    audio : float (sources, samples)
    rng : np.random.Generator
    low, high : float >= 0

    Returns
    -------
    float (sources, samples)

    Lesson: notebooks/15_data_is_the_model.ipynb. Reference: Uhlich et al., ICASSP 2017; bounds of Tunturi et al. 2025.

    Examples
    --------
    >>> gains = random_gains(np.ones((1_000, 1)), rng=np.random.default_rng(0))
    >>> round(float(gains.min()), 2), round(float(gains.max()), 2)
    (0.25, 1.25)
    """
    audio = checks.check_axes("audio", audio, "sources samples")
    checks.check_generator("rng", rng)
    low = checks.check_number("low", low, at_least=0)
    high = checks.check_number("high", high, at_least=low)
    gains = rng.uniform(low, high, (len(audio), 1))
    result: np.ndarray = audio * gains.astype(np.result_type(audio.dtype, np.float32))
    return result


def random_segment(
    audio: np.ndarray, notes: np.ndarray, length_samples: int, sample_rate_hz: int, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A segment of a song from a random position; all starts are equally likely. See `segment`.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> audio, notes = np.arange(100.0)[np.newaxis], np.zeros((0, 4))
    >>> part, _ = random_segment(audio, notes, 5, 1_000, rng=np.random.default_rng(0))
    >>> part - part[0, 0]
    array([[0., 1., 2., 3., 4.]])
    """
    audio = checks.check_axes("audio", audio, "sources samples")
    checks.check_generator("rng", rng)
    length_samples = checks.check_number("length_samples", length_samples, at_least=1, whole=True)
    start = int(rng.integers(max(0, audio.shape[1] - length_samples) + 1))
    return segment(audio, notes, start, length_samples, sample_rate_hz)


def segment(
    audio: np.ndarray, notes: np.ndarray, start_samples: int, length_samples: int, sample_rate_hz: int
) -> tuple[np.ndarray, np.ndarray]:
    """A segment of a song.

    Parameters
    ----------
    audio : float (sources, samples)
    notes : float (notes, 4)
    start_samples : int >= 0
    length_samples : int >= 1
        After the end of the song, silence follows.
    sample_rate_hz : int

    Returns
    -------
    audio : (sources, length_samples)
        Unchanged, or with zeros at the end.
    notes : float64 (notes, 4)
        The notes that sound in the segment, in seconds from its start, cut at its ends.

    Lesson: notebooks/15_data_is_the_model.ipynb

    Examples
    --------
    >>> audio, notes = segment(np.ones((1, 10)), [[0, 69, 0.1, 0.9]], 5, 10, 1_000)
    >>> audio.astype(int)
    array([[1, 1, 1, 1, 1, 0, 0, 0, 0, 0]])
    """
    audio = checks.check_axes("audio", audio, "sources samples")
    notes = checks.check_axes("notes", notes, "notes columns").astype(np.float64)
    if notes.shape[1] != 4:
        raise checks.ShapeError(
            f"notes must be (notes, 4): source, pitch, onset_s, offset_s; got shape {notes.shape}; add what is missing"
        )
    start = checks.check_number("start_samples", start_samples, at_least=0, whole=True)
    length = checks.check_number("length_samples", length_samples, at_least=1, whole=True)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    cut = audio[:, start : start + length]
    cut = np.pad(cut, ((0, 0), (0, length - cut.shape[1])))
    times_s = np.clip(notes[:, 2:] - start / sample_rate_hz, 0, length / sample_rate_hz)
    sounding = times_s[:, 1] > times_s[:, 0]
    return cut, np.concatenate([notes[sounding, :2], times_s[sounding]], axis=1)


def incoherent(
    songs: Sequence[Mapping[str, Any]], length_samples: int, sample_rate_hz: int, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A mixture of sources that never played together: each from a random song and position.

    They agree neither in key nor in beat, so that one source contains no information about another.

    Parameters
    ----------
    songs : store of songs, or list of dicts with `audio` and `notes`
        All with the same sources.
    length_samples : int >= 1
    sample_rate_hz : int
    rng : np.random.Generator

    Returns
    -------
    audio : float (sources, length_samples)
    notes : float64 (notes, 4)
        In order of onset.

    Raises
    ------
    ValueError
        If there is no song, or two differ in their number of sources.

    Lesson: notebooks/15_data_is_the_model.ipynb. Reference: Uhlich et al., ICASSP 2017 (mixing instruments of different
    songs).

    Examples
    --------
    >>> songs = [{"audio": np.full((2, 20), number), "notes": np.zeros((0, 4))} for number in range(10)]
    >>> audio, notes = incoherent(songs, 3, 1_000, rng=np.random.default_rng(0))
    >>> audio
    array([[8, 8, 8],
           [5, 5, 5]])
    """
    checks.check_generator("rng", rng)
    if not len(songs):
        raise RefusedValue("songs must hold at least one song, got none; make a store first")
    count = len(songs[0]["audio"])
    rows, source_notes = [], []
    for source in range(count):
        song = songs[int(rng.integers(len(songs)))]
        if len(song["audio"]) != count:
            raise RefusedValue(
                f"songs must have the same sources, got one of {len(song['audio'])} and one of {count}; leave one out"
            )
        audio, notes = random_segment(song["audio"], song["notes"], length_samples, sample_rate_hz, rng=rng)
        rows.append(audio[source])
        source_notes.append(notes[notes[:, 0] == source])
    notes = np.concatenate(source_notes)
    return np.stack(rows), notes[np.argsort(notes[:, 2], kind="stable")]
