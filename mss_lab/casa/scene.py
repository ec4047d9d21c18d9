"""Auditory scene analysis of a whole recording: what an ear might follow in it, stream by stream.

The recording is listened to in pieces, of which little is kept: what each unit fires, what it is tied to, and how it
fits the pitches of its frame. Streams are then made of all that was kept at once, so that none changes its name from
one piece to the next; and sound is made of them in pieces again.

What it cannot do:

- Music in many parts. As many pitches are looked for in each frame as there are streams, two by default, one after the
  other; each unit goes to one stream. A chord is several pitches, and nothing joins them to one player. On the first
  10 s of the shipped pieces, of three or four sources each, the mean SDR is -0.4, -0.2 and -0.6 dB (`chorale_a`,
  `song`, `band`), where the mixture itself has -4.9, -3.5 and -5.1 dB; on two of the voices of `chorale_a`, violin and
  bassoon, 2.2 dB where the mixture has 0 dB. `python -m tests.benchmarks.sample_rates --methods auditory --length 10`
  prints those of the pieces.
- Sources without pitch, such as strokes, breath and consonants: they stay with the rest, or go where they begin.
- Tunes that leap or cross: streams follow each other by nearness in pitch and timbre, and change places.
- Pitches below 80 Hz or above 800 Hz, the longest and the shortest lag; sound above 5 kHz stays with the rest.
- Pitches an octave apart, or whose common period is longer than the window of 25 ms (150 and 270 Hz): the lags of one
  fit the other, and which is taken may change with the place of the frames. Silence at the ends moves no frame, see
  `mss_lab.silence`; noise before the music does.

Contents: Scene, listen, separate. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses
from typing import Any

import numpy as np

from .. import audio, checks, memory, options
from ..chunks import chunks
from ..score.notes import Score
from ..silence import between_silences
from . import filterbank, grouping, pitch
from .correlogram import EXPONENT, HOP_S, correlogram, hair_cell
from .entries import AUDITORY

STREAMS = 2
REST = "rest"

# Bands lie far enough below half this rate: nothing is lost if a recording is taken down to it first.
RATE_HZ = 20_000

# Of a slow recording, bands reach up to this part of the rate.
HIGHEST_PART = 0.4

# What is listened to at a time, and how much before and after it is heard so that the seams are not: far more than the
# narrowest band rings, plus the window of the correlogram.
LISTEN_S = 10
MARGIN_S = 1
SOUND_S = 15.0

# Memory for each unit, for each unit and stream; and for each sample of each band that is heard at a time.
UNIT_BYTES = 24
STREAM_BYTES = 12
HEARD_BYTES = 14

# Units in which a tone of this level below the recording's peak would fire more are not heard. A tone of amplitude 1
# fires so much on average.
QUIET_DB = -60.0
TONE_FIRES = 0.4


@dataclasses.dataclass(frozen=True)
class Scene:
    """What `listen` keeps of a recording. A unit is one band in one frame.

    Attributes
    ----------
    centres_hz : float (bands,), Hz
    hop_s : float
        Frame n is centred on n * hop_s.
    fired : float32 (bands, frames)
        Of the correlogram: how loud each unit is.
    upwards, onwards : float32 (bands - 1, frames), (bands, frames - 1)
        Of `grouping.ties`.
    periods_s, fits : float64 (count, frames), float32 (count, bands, frames)
        Of `pitch.pitches`.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    centres_hz: np.ndarray
    hop_s: float
    fired: np.ndarray
    upwards: np.ndarray
    onwards: np.ndarray
    periods_s: np.ndarray
    fits: np.ndarray


def listen(
    mixture: np.ndarray,
    sample_rate_hz: int,
    *,
    count: int = STREAMS,
    bands: int = filterbank.BANDS,
    lowest_hz: float = filterbank.LOWEST_HZ,
    highest_hz: float = filterbank.HIGHEST_HZ,
    near_peak: float = pitch.NEAR_PEAK,
    least_peak: float = pitch.LEAST_PEAK,
    agrees: float = pitch.AGREES,
) -> Scene:
    """Filterbank, hair cell, correlogram, ties and pitches of a recording of any length.

    Parameters
    ----------
    mixture : float (channels, samples)
        The correlograms of its channels are added.
    sample_rate_hz : int
    count : int >= 1
        How many pitches to look for in each frame.
    bands, lowest_hz, highest_hz
        Of `filterbank.centres_hz`. Where the rate is low, the highest band lies lower, at 0.4 of it.
    near_peak, least_peak, agrees
        Of `pitch.pitches`.

    Returns
    -------
    Scene

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Brown and Cooke, Computer Speech and Language 1994.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    centres_hz = _centres_hz(sample_rate_hz, bands, lowest_hz, highest_hz)
    quiet = float(np.abs(mixture).max()) * 10 ** (QUIET_DB / 20)
    options = {"near_peak": near_peak, "least_peak": least_peak, "agrees": agrees}
    # Pieces and margins are whole seconds, so that samples and frames meet at their edges.
    frames = 1 + int(mixture.shape[1] / sample_rate_hz / HOP_S + 1e-9)
    pieces = []
    for start_s in range(0, 1 + int((frames - 1) * HOP_S + 1e-9), LISTEN_S):
        from_s = max(0, start_s - MARGIN_S)
        heard = mixture[:, from_s * sample_rate_hz : (start_s + LISTEN_S + MARGIN_S) * sample_rate_hz]
        heard, rate_hz = _slower(heard, sample_rate_hz)
        found = correlogram(hair_cell(filterbank.analyse(heard, rate_hz, centres_hz), rate_hz), rate_hz)
        least = {"least_fired": TONE_FIRES * quiet**EXPONENT}
        upwards, onwards = grouping.ties(found, **least)
        periods_s, fits = pitch.pitches(found, count, **options, **least)
        first = round((start_s - from_s) / HOP_S)
        own = slice(first, first + min(round(LISTEN_S / HOP_S), frames - round(start_s / HOP_S)))
        pieces.append([part[..., own] for part in (found.fired, upwards, onwards, periods_s, fits)])
    fired, upwards, onwards, periods_s, fits = (np.concatenate(part, axis=-1) for part in zip(*pieces, strict=True))
    # A resampled recording may be longer by a part of a sample, which may complete a frame: no tie leads there.
    return Scene(centres_hz, HOP_S, fired, upwards, onwards[:, : frames - 1], periods_s, fits)


def _working_bytes(recording: memory.Recording, *, count: int, bands: int, **_: Any) -> float:
    rows = memory.amount(bands, filterbank.BANDS)
    length_s = recording.samples / recording.sample_rate_hz
    units = rows * length_s / HOP_S
    kept = (UNIT_BYTES + STREAM_BYTES * memory.amount(count, STREAMS)) * units
    heard_s = min(length_s, LISTEN_S + 2 * MARGIN_S)
    heard = HEARD_BYTES * rows * heard_s * min(recording.sample_rate_hz, RATE_HZ)
    return recording.float32_bytes + kept + heard


@options.within(AUDITORY.options)
@memory.limited("auditory", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    count: int = STREAMS,
    bands: int = filterbank.BANDS,
    lowest_hz: float = filterbank.LOWEST_HZ,
    highest_hz: float = filterbank.HIGHEST_HZ,
    near_peak: float = pitch.NEAR_PEAK,
    least_peak: float = pitch.LEAST_PEAK,
    agrees: float = pitch.AGREES,
    tied: float = grouping.TIED,
    together_s: float = grouping.TOGETHER_S,
    jump_semitones: float = grouping.JUMP_SEMITONES,
) -> dict[str, np.ndarray]:
    """Separate what an ear might follow: streams of one pitch at a time, and what belongs to none of them.

    Parameters
    ----------
    mixture : float (channels, samples)
        Units are grouped by all channels together; one mask serves them all.
    sample_rate_hz : int
    score : Score, optional
        Not looked at.
    count : int >= 1
        How many streams, which is also how many pitches are looked for in each frame.
    bands, lowest_hz, highest_hz
        Of `filterbank.centres_hz`. What lies beyond them, such as cymbals, stays with the rest.
    near_peak, least_peak, agrees
        Of `pitch.pitches`.
    tied : float in [0, 1]
        Of `grouping.segments`.
    together_s : float >= 0, seconds
        Of `grouping.simultaneous`.
    jump_semitones : float >= 0
        Of `grouping.contours`.

    Returns
    -------
    dict of "stream_1", "stream_2", ... and "rest" -> float32 (channels, samples)
        Streams in the order in which they begin; those that there are not are silent. The rest is the mixture less
        the streams, so that together they are the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Source: Brown and Cooke, Computer Speech and Language 1994.
    Differs: several pitches a frame, streams instead of one search for the best group, and ties as in Hu and Wang 2004.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    scene = listen(
        mixture,
        sample_rate_hz,
        count=count,
        bands=bands,
        lowest_hz=lowest_hz,
        highest_hz=highest_hz,
        near_peak=near_peak,
        least_peak=least_peak,
        agrees=agrees,
    )
    found = grouping.contours(scene.periods_s, scene.hop_s, jump_semitones=jump_semitones)
    rows = grouping.streams(found, scene.fits, scene.fired, count, agrees=agrees)
    numbers = grouping.segments(scene.upwards, scene.onwards, tied=tied)
    mask = grouping.simultaneous(
        rows, scene.fits, numbers, scene.fired, scene.hop_s, agrees=agrees, together_s=together_s
    )
    estimates = np.zeros((len(mask), *mixture.shape), np.float32)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=SOUND_S):
        first = round(start / sample_rate_hz / scene.hop_s)
        last = round(stop / sample_rate_hz / scene.hop_s)
        heard, rate_hz = _slower(mixture[:, start:stop], sample_rate_hz)
        sound = filterbank.resynthesise(
            heard, mask[:, :, first : last + 1], rate_hz, scene.centres_hz, hop_s=scene.hop_s
        )
        for estimate, waveform in zip(estimates, sound, strict=True):
            estimate[:, start:stop] += gains * _faster(waveform, rate_hz, sample_rate_hz, stop - start)
    names = [f"stream_{number + 1}" for number in range(len(mask))]
    rest = mixture.copy()
    for estimate in estimates:
        rest -= estimate
    return {**dict(zip(names, estimates, strict=True)), REST: rest}


def _centres_hz(sample_rate_hz: int, bands: int, lowest_hz: float, highest_hz: float) -> np.ndarray:
    checks.check_number("highest_hz", highest_hz, above=0, at_most=HIGHEST_PART * RATE_HZ, unit="Hz")
    return filterbank.centres_hz(bands, lowest_hz, min(highest_hz, HIGHEST_PART * sample_rate_hz))


def _slower(waveform: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, int]:
    rate_hz = min(sample_rate_hz, RATE_HZ)
    return audio.resample(waveform, sample_rate_hz, rate_hz), rate_hz


def _faster(waveform: np.ndarray, from_hz: int, sample_rate_hz: int, samples: int) -> np.ndarray:
    waveform = audio.resample(waveform, from_hz, sample_rate_hz)[:, :samples]
    return np.pad(waveform, ((0, 0), (0, samples - waveform.shape[1])))
