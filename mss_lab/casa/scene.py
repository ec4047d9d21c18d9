"""Auditory scene analysis of a whole recording: the streams that a listener might follow.

The recording is analysed in pieces, of which little is kept: the firing of each unit, its ties, and how it fits the
pitches of its frame. Streams are then made of the results of all pieces at once, so that none changes its name from one
piece to the next; and their sound is made in pieces again.

Limitations:

- Music in many parts. As many pitches are estimated in each frame as there are streams, two by default, one after the
  other; each unit belongs to one stream. A chord has several pitches, and nothing joins them to one player. On the
  first 10 s of the shipped pieces, of three or four sources each, the mean SDR is -0.4, -0.2 and -0.6 dB (`chorale_a`,
  `song`, `band`), where the mixture itself has -4.9, -3.5 and -5.1 dB; on two of the voices of `chorale_a`, violin and
  bassoon, 2.2 dB where the mixture has 0 dB. `python -m tests.benchmarks.sample_rates --methods auditory --length 10`
  prints those of the pieces.
- Sounds without pitch, such as strokes, breath and consonants: they stay in the rest, or join the stream that begins
  with them.
- Melodies that leap or cross: streams are continued by similar pitch and timbre, and may be exchanged.
- Pitches below 80 Hz or above 800 Hz, the longest and the shortest lag; sound above 5 kHz stays in the rest.
- Pitches an octave apart, or whose common period is longer than the window of 25 ms (150 and 270 Hz): the lags of one
  fit the other, and the result may change with the position of the frames. Silence at the ends shifts no frame, see
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

# The bands lie far enough below half this rate: nothing is lost if a recording is resampled to it first.
RATE_HZ = 20_000

# For a low sample rate, the highest band lies at this fraction of the rate.
HIGHEST_PART = 0.4

# The length of the pieces that are analysed, and the margin before and after each, so that there are no seams: far more
# than the narrowest band rings, plus the window of the correlogram.
LISTEN_S = 10
MARGIN_S = 1
SOUND_S = 15.0

# Memory for each unit, for each unit and stream; and for each sample of each band that is analysed at a time.
UNIT_BYTES = 24
STREAM_BYTES = 12
PIECE_BYTES = 14

# Units are inaudible if a tone of this level below the recording's peak would fire more in them. A tone of amplitude 1
# fires this much on average.
QUIET_DB = -60.0
TONE_FIRES = 0.4


@dataclasses.dataclass(frozen=True)
class Scene:
    """The data that `listen` keeps of a recording. A unit is one band in one frame.

    Attributes
    ----------
    centres_hz : float (bands,), Hz
    hop_s : float
        Frame n is centred on n * hop_s.
    fired : float32 (bands, frames)
        Firing of the correlogram: how loud each unit is.
    upwards, onwards : float32 (bands - 1, frames), (bands, frames - 1)
        As returned by `grouping.ties`.
    periods_s, fits : float64 (count, frames), float32 (count, bands, frames)
        As returned by `pitch.pitches`.

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
        The number of pitches that are estimated in each frame.
    bands, lowest_hz, highest_hz
        Passed to `filterbank.centres_hz`. If the sample rate is low, the highest band lies at 0.4 of it.
    near_peak, least_peak, agrees
        Passed to `pitch.pitches`.

    Returns
    -------
    Scene

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language
    1994.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    centres_hz = _centres_hz(sample_rate_hz, bands, lowest_hz, highest_hz)
    quiet = float(np.abs(mixture).max()) * 10 ** (QUIET_DB / 20)
    options = {"near_peak": near_peak, "least_peak": least_peak, "agrees": agrees}
    # Pieces and margins are whole seconds, so that samples and frames coincide at their edges.
    frames = 1 + int(mixture.shape[1] / sample_rate_hz / HOP_S + 1e-9)
    pieces = []
    for start_s in range(0, 1 + int((frames - 1) * HOP_S + 1e-9), LISTEN_S):
        from_s = max(0, start_s - MARGIN_S)
        piece = mixture[:, from_s * sample_rate_hz : (start_s + LISTEN_S + MARGIN_S) * sample_rate_hz]
        piece, rate_hz = _downsampled(piece, sample_rate_hz)
        piece_correlogram = correlogram(hair_cell(filterbank.analyse(piece, rate_hz, centres_hz), rate_hz), rate_hz)
        least = {"least_fired": TONE_FIRES * quiet**EXPONENT}
        upwards, onwards = grouping.ties(piece_correlogram, **least)
        periods_s, fits = pitch.pitches(piece_correlogram, count, **options, **least)
        first = round((start_s - from_s) / HOP_S)
        inner = slice(first, first + min(round(LISTEN_S / HOP_S), frames - round(start_s / HOP_S)))
        pieces.append([values[..., inner] for values in (piece_correlogram.fired, upwards, onwards, periods_s, fits)])
    fired, upwards, onwards, periods_s, fits = (np.concatenate(values, axis=-1) for values in zip(*pieces, strict=True))
    # Resampling may lengthen a recording by part of a sample, which may complete a frame: no tie leads there.
    return Scene(centres_hz, HOP_S, fired, upwards, onwards[:, : frames - 1], periods_s, fits)


def _working_bytes(recording: memory.Recording, *, count: int, bands: int, **_: Any) -> float:
    rows = memory.amount(bands, filterbank.BANDS)
    length_s = recording.samples / recording.sample_rate_hz
    units = rows * length_s / HOP_S
    stored_bytes = (UNIT_BYTES + STREAM_BYTES * memory.amount(count, STREAMS)) * units
    piece_s = min(length_s, LISTEN_S + 2 * MARGIN_S)
    piece_bytes = PIECE_BYTES * rows * piece_s * min(recording.sample_rate_hz, RATE_HZ)
    return recording.float32_bytes + stored_bytes + piece_bytes


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
    """Separate the streams that a listener might follow, each with one pitch at a time, and the rest.

    Parameters
    ----------
    mixture : float (channels, samples)
        Units are grouped by all channels together; one mask is applied to all of them.
    sample_rate_hz : int
    score : Score, optional
        Ignored.
    count : int >= 1
        The number of streams, which is also the number of pitches that are estimated in each frame.
    bands, lowest_hz, highest_hz
        Passed to `filterbank.centres_hz`. Frequencies outside this range, such as cymbals, stay in the rest.
    near_peak, least_peak, agrees
        Passed to `pitch.pitches`.
    tied : float in [0, 1]
        Passed to `grouping.segments`.
    together_s : float >= 0, seconds
        Passed to `grouping.simultaneous`.
    jump_semitones : float >= 0
        Passed to `grouping.contours`.

    Returns
    -------
    dict of "stream_1", "stream_2", ... and "rest" -> float32 (channels, samples)
        Streams in the order in which they begin; missing ones are silent. The rest is the mixture minus the streams, so
        that together they are the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, or an option is out of its range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: Brown and Cooke, Computer Speech and Language
    1994. Difference: several pitches a frame, streams instead of one search for the best group, and ties as in Hu and
    Wang 2004.
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
    pitch_contours = grouping.contours(scene.periods_s, scene.hop_s, jump_semitones=jump_semitones)
    rows = grouping.streams(pitch_contours, scene.fits, scene.fired, count, agrees=agrees)
    numbers = grouping.segments(scene.upwards, scene.onwards, tied=tied)
    mask = grouping.simultaneous(
        rows, scene.fits, numbers, scene.fired, scene.hop_s, agrees=agrees, together_s=together_s
    )
    estimates = np.zeros((len(mask), *mixture.shape), np.float32)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=SOUND_S):
        first = round(start / sample_rate_hz / scene.hop_s)
        last = round(stop / sample_rate_hz / scene.hop_s)
        chunk, rate_hz = _downsampled(mixture[:, start:stop], sample_rate_hz)
        sound = filterbank.resynthesise(
            chunk, mask[:, :, first : last + 1], rate_hz, scene.centres_hz, hop_s=scene.hop_s
        )
        for estimate, waveform in zip(estimates, sound, strict=True):
            estimate[:, start:stop] += gains * _upsampled(waveform, rate_hz, sample_rate_hz, stop - start)
    names = [f"stream_{number + 1}" for number in range(len(mask))]
    rest = mixture.copy()
    for estimate in estimates:
        rest -= estimate
    return {**dict(zip(names, estimates, strict=True)), REST: rest}


def _centres_hz(sample_rate_hz: int, bands: int, lowest_hz: float, highest_hz: float) -> np.ndarray:
    checks.check_number("highest_hz", highest_hz, above=0, at_most=HIGHEST_PART * RATE_HZ, unit="Hz")
    return filterbank.centres_hz(bands, lowest_hz, min(highest_hz, HIGHEST_PART * sample_rate_hz))


def _downsampled(waveform: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, int]:
    rate_hz = min(sample_rate_hz, RATE_HZ)
    return audio.resample(waveform, sample_rate_hz, rate_hz), rate_hz


def _upsampled(waveform: np.ndarray, from_hz: int, sample_rate_hz: int, samples: int) -> np.ndarray:
    waveform = audio.resample(waveform, from_hz, sample_rate_hz)[:, :samples]
    return np.pad(waveform, ((0, 0), (0, samples - waveform.shape[1])))
