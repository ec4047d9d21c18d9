"""Common features of a recording and a score: how strongly each semitone sounds, frame by frame.

A recording is represented by the level in each semitone band, a score by the harmonics of the sounding notes in the
same bands. Both are compressed by a square root, so that loud fundamentals do not dominate, and scaled to unit length,
so that loudness does not count: only the relation of the bands remains. All recordings are analysed at one rate, in
frames of 20 ms, whatever their own sample rate and number of channels.

Repeated chords look the same before and after, so onsets are features of their own: where levels of bands rise.

Contents: Analysis, analyse, joined, estimate_tuning_hz, band_levels, note_levels, score_levels, columns_of,
from_first_note, unit_columns, recording_onsets, score_onsets, pitched_notes, extent_s.
Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from .. import audio, checks, transforms, units
from ..chunks import transformed
from .notes import Note, Score

RATE_HZ = 16_000
FRAME_S = 0.02
HOP_SAMPLES = round(FRAME_S * RATE_HZ)
WINDOW_SAMPLES = 2048

# Bands from C2 to B8, or up to the highest frequency of the recording. Below, the window does not separate semitones; a
# low note is recognised by its harmonics.
LOWEST_BAND = 36
BANDS = 84
HARMONICS = 10

# Only partials in this range are used for the tuning: noise above, and the window's resolution below, would distort it.
TUNING_BAND_HZ = (150.0, 2500.0)

# A rise is measured over this many frames, and its effect decays by this factor from one frame to the next.
RISE_FRAMES = 2
ONSET_DECAY = 0.85

# Length of the blocks that are transformed at a time, and frames that are summed to bands at a time.
BLOCK_S = 10.0
BLOCK_FRAMES = 4096

# Frames this far below the loudest one count as silence.
SILENCE_DB = -50.0


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """The magnitudes of a recording, summed in power over its channels.

    Attributes
    ----------
    magnitude : float32 (freq, frames)
        At `RATE_HZ`, one frame every `HOP_SAMPLES`; its loudest bin is 1, or all are 0.
    highest_hz : float
        The highest known frequency: half the sample rate of the recording, at most half of `RATE_HZ`.
    duration_s : float
    """

    magnitude: np.ndarray
    highest_hz: float
    duration_s: float

    @property
    def is_silent(self) -> bool:
        """Whether there is no sound."""
        return not self.magnitude.any()


def analyse(
    recording: np.ndarray,
    sample_rate_hz: int,
    *,
    window_samples: int = WINDOW_SAMPLES,
    hop_samples: int = HOP_SAMPLES,
) -> Analysis:
    """The magnitudes of a recording of any sample rate and number of channels, on one time and frequency grid.

    Channels are added in power, so that channels in opposite phase do not cancel.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the recording is not a waveform.
    """
    recording = checks.check_waveform("recording", recording)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    duration_s = recording.shape[1] / sample_rate_hz
    # Scaled first, because a level of 1e-30 is still a recording.
    peak = float(max(recording.max(), -recording.min())) or 1.0
    block = round(BLOCK_S * sample_rate_hz)
    scaled = ((recording[:, k : k + block] / peak).astype(np.float32) for k in range(0, recording.shape[1], block))
    resampled = np.concatenate(list(audio.resample_pieces(scaled, sample_rate_hz, RATE_HZ)), axis=1)
    if not resampled.shape[1]:
        # The duration of very few samples may be rounded to no sample.
        resampled = (recording[:, :1] / peak).astype(np.float32)
    settings: transforms.StftSettings = {"window_samples": window_samples, "hop_samples": hop_samples}
    frames = transforms.frame_count(resampled.shape[1], **settings)
    # Frames first, as the transform stores them.
    magnitude = np.empty((frames, window_samples // 2 + 1), np.float32)
    for first, last, stft in transformed(resampled, settings, round(BLOCK_S * RATE_HZ)):
        power = sum(channel.real**2 + channel.imag**2 for channel in stft)
        magnitude[first:last] = np.sqrt(power).T
    magnitude /= magnitude.max() or np.float32(1)
    return Analysis(magnitude.T, min(sample_rate_hz, RATE_HZ) / 2, duration_s)


def joined(analyses: Sequence[Analysis]) -> Analysis:
    """Several analyses of one recording, concatenated."""
    magnitude = np.concatenate([analysis.magnitude for analysis in analyses], axis=1)
    highest_hz = min(analysis.highest_hz for analysis in analyses)
    return Analysis(magnitude, highest_hz, sum(analysis.duration_s for analysis in analyses))


def estimate_tuning_hz(analysis: Analysis, *, window_samples: int = WINDOW_SAMPLES) -> float:
    """The frequency of A4 within half a semitone of 440 Hz: the mean deviation of spectral peaks from whole semitones.

    Peaks are located between bins by a parabola through three levels in dB. Deviations are averaged on a circle, each
    weighted by its magnitude, since 49 cents sharp and 49 cents flat are neighbours. Silence has 440 Hz.

    Reference: the circular mean is that of Dressler and Streich, ISMIR 2007.
    """
    low, high = (
        round(units.hz_to_bins(frequency_hz, window_samples, RATE_HZ))
        for frequency_hz in (TUNING_BAND_HZ[0], min(TUNING_BAND_HZ[1], 0.9 * analysis.highest_hz))
    )
    magnitude = analysis.magnitude[low - 1 : high + 1].astype(float)
    # Peaks more than 40 dB below the loudest bin are noise or leakage.
    below, middle, above = magnitude[:-2], magnitude[1:-1], magnitude[2:]
    bins, frames = np.nonzero((middle > below) & (middle >= above) & (middle > 0.01))
    if not len(bins):
        return units.A4_HZ
    levels = [np.log(np.maximum(values[bins, frames], 1e-10)) for values in (below, middle, above)]
    curvature = np.minimum(levels[0] - 2 * levels[1] + levels[2], -1e-6)
    offset = np.clip(0.5 * (levels[0] - levels[2]) / curvature, -0.5, 0.5)
    frequencies_hz = units.bins_to_hz(low + bins + offset, window_samples, RATE_HZ)
    turns = np.exp(2j * np.pi * units.hz_to_midi(frequencies_hz))
    mean = np.sum(turns * middle[bins, frames])
    return float(units.A4_HZ * units.cents_to_ratio(100 * np.angle(mean) / (2 * np.pi)))


def band_levels(
    analysis: Analysis, tuning_hz: float = units.A4_HZ, *, window_samples: int = WINDOW_SAMPLES
) -> np.ndarray:
    """The magnitude in each semitone band, float32 (bands, frames); 0 above the highest frequency of the recording.

    Bands overlap as triangles two semitones wide at the foot; at low pitches they are as wide as the window's own lobe.
    """
    frequencies_hz = transforms.stft_frequencies_hz(window_samples, RATE_HZ)
    centres_hz = units.midi_to_hz(LOWEST_BAND + np.arange(BANDS), tuning_hz)
    width_hz = np.maximum(centres_hz * (2 ** (1 / 12) - 1), 1.5 * RATE_HZ / window_samples)
    weights = np.maximum(0, 1 - np.abs(frequencies_hz - centres_hz[:, np.newaxis]) / width_hz[:, np.newaxis])
    weights[centres_hz > 0.95 * analysis.highest_hz] = 0
    weights = weights.astype(np.float32)
    levels = np.empty((BANDS, analysis.magnitude.shape[1]), np.float32)
    for first in range(0, levels.shape[1], BLOCK_FRAMES):
        block = slice(first, first + BLOCK_FRAMES)
        np.sqrt(weights @ analysis.magnitude[:, block] ** 2, out=levels[:, block])
    return levels


def note_levels(midi: float, bands: int = BANDS) -> np.ndarray:
    """The expected levels of one note: 1/h in the band of harmonic h, shared if it lies between two bands."""
    levels = np.zeros(bands)
    for h in range(1, HARMONICS + 1):
        position = midi + 12 * np.log2(h) - LOWEST_BAND
        below = int(np.floor(position))
        for band, share in ((below, 1 - (position - below)), (below + 1, position - below)):
            if 0 <= band < bands:
                levels[band] += share / h
    return levels


def score_levels(score: Score, frames: int, frame_s: float) -> np.ndarray:
    """The expected levels of a score, float32 (bands, frames): the powers of its sounding notes are added.

    Drums and other unpitched sources are ignored.
    """
    power = np.zeros((BANDS, frames))
    shapes: dict[float, np.ndarray] = {}
    for note in pitched_notes(score):
        if note.midi not in shapes:
            shapes[note.midi] = note_levels(note.midi) ** 2
        first, last = round(note.onset_s / frame_s), round(note.offset_s / frame_s)
        power[:, first : max(first + 1, last)] += shapes[note.midi][:, np.newaxis]
    return np.sqrt(power).astype(np.float32)


def columns_of(score: Score, lead_s: float, frame_s: float) -> np.ndarray:
    """The score's levels from its first pitched note on, in frames of `frame_s` seconds of its own time."""
    return score_levels(*from_first_note(score, lead_s, frame_s))


def from_first_note(score: Score, lead_s: float, frame_s: float) -> tuple[Score, int, float]:
    """The pitched notes, shifted so that the first starts at 0; their duration in frames; the length of a frame."""
    notes = tuple(
        dataclasses.replace(note, onset_s=note.onset_s - lead_s, offset_s=note.offset_s - lead_s)
        for note in pitched_notes(score)
    )
    frames = max(1, math.ceil(max(note.offset_s for note in notes) / frame_s - 1e-6))
    return dataclasses.replace(score, notes=notes), frames, frame_s


def pitched_notes(score: Score) -> tuple[Note, ...]:
    """The notes that have a pitch."""
    return tuple(note for note in score.notes if note.source not in score.unpitched)


def extent_s(score: Score) -> tuple[float, float]:
    """The onset of the first pitched note of a score, and the offset of its last one."""
    notes = pitched_notes(score)
    return min(note.onset_s for note in notes), max(note.offset_s for note in notes)


def unit_columns(levels: np.ndarray, floor_db: float = SILENCE_DB) -> np.ndarray:
    """Compressed levels, each frame scaled to length 1; frames this far below the loudest are all zero."""
    compressed = np.sqrt(levels)
    norms = np.linalg.norm(levels, axis=0)
    loud = norms > norms.max(initial=0) * units.db_to_amplitude(floor_db)
    lengths = np.linalg.norm(compressed, axis=0)
    return np.where(loud, compressed / np.where(loud, lengths, 1), 0).astype(np.float32)


def recording_onsets(levels: np.ndarray) -> np.ndarray:
    """How much each band's compressed level rises within 40 ms, decaying over some 120 ms after it: (bands, frames).

    Frames are scaled by the length that a tenth of them exceeds, so that clear onsets have about length 1.
    """
    compressed = np.sqrt(levels)
    earlier = np.concatenate([np.repeat(compressed[:, :1], RISE_FRAMES, axis=1), compressed[:, :-RISE_FRAMES]], axis=1)
    rises = _decaying(np.maximum(0, compressed - earlier[:, : compressed.shape[1]]))
    scale = np.percentile(np.linalg.norm(rises, axis=0), 90)
    lengths = np.linalg.norm(rises, axis=0)
    result: np.ndarray = (rises / np.maximum(np.maximum(lengths, scale), 1e-9)).astype(np.float32)
    return result


def score_onsets(score: Score, frames: int, frame_s: float) -> np.ndarray:
    """The expected onsets of a score: its notes' harmonics at their onsets, decaying; frames of length 0 to 1."""
    onsets = np.zeros((BANDS, frames))
    shapes = {midi: np.sqrt(note_levels(midi)) for midi in {note.midi for note in pitched_notes(score)}}
    for note in pitched_notes(score):
        frame = round(note.onset_s / frame_s)
        if frame < frames:
            onsets[:, frame] = np.maximum(onsets[:, frame], shapes[note.midi])
    lengths = np.linalg.norm(onsets, axis=0)
    return _decaying(onsets / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _decaying(rises: np.ndarray) -> np.ndarray:
    result = rises.copy()
    for frame in range(1, result.shape[1]):
        np.maximum(result[:, frame], ONSET_DECAY * result[:, frame - 1], out=result[:, frame])
    return result
