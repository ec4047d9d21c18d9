"""Strips: the small arrays that the player widget shows and sends for each stem.

A spectrogram strip is an 8-bit picture on a logarithmic frequency axis; all strips of a player share one dB scale, so
that a darker strip belongs to a quieter stem. A waveform strip holds the smallest and largest sample of each column.

Contents: Axis, spectrogram_axis, power_strip, strip_of, to_bytes, envelope, PALETTE.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import math

import numpy as np

from .. import checks, transforms, units

STRIP_ROWS = 96
MOST_COLUMNS = 800
LOWEST_HZ = 50.0
HIGHEST_HZ = 16_000.0
RANGE_DB = 80.0
TICKS_HZ = (100, 1_000, 10_000)

# From silence to the loudest bin; lightness always increases, so that it is readable in grey and for the colour-blind.
PALETTE = ("#0b0b1c", "#2a1b5e", "#6a2176", "#ac3468", "#e2604a", "#f7a63b", "#fbeda0")


@dataclasses.dataclass(frozen=True)
class Axis:
    """The axes of a strip: columns are seconds, rows are Hz on a logarithmic scale, upwards."""

    sample_rate_hz: int
    window_samples: int
    hop_samples: int
    frames_per_column: int
    columns: int
    rows: int
    low_hz: float
    high_hz: float

    @property
    def column_s(self) -> float:
        """Width of a column in seconds."""
        return self.frames_per_column * self.hop_samples / self.sample_rate_hz

    @property
    def first_s(self) -> float:
        """Left edge of the first column: half a hop early, because frame 0 is centred on sample 0."""
        return -self.hop_samples / 2 / self.sample_rate_hz


def spectrogram_axis(samples: int, sample_rate_hz: int) -> Axis:
    """Choose window, hop and columns for a recording, so that its strip has at most 800 columns."""
    window_samples = transforms.window_samples_for(sample_rate_hz)
    hop_samples = window_samples // 4
    if transforms.frame_count(samples, window_samples, hop_samples) > MOST_COLUMNS:
        hop_samples = window_samples // 2
    frames = transforms.frame_count(samples, window_samples, hop_samples)
    per_column = -(-frames // MOST_COLUMNS)
    return Axis(
        sample_rate_hz=sample_rate_hz,
        window_samples=window_samples,
        hop_samples=hop_samples,
        frames_per_column=per_column,
        columns=-(-frames // per_column),
        rows=STRIP_ROWS,
        low_hz=LOWEST_HZ,
        high_hz=min(HIGHEST_HZ, sample_rate_hz / 2),
    )


def power_strip(waveform: np.ndarray, axis: Axis) -> np.ndarray:
    """Power of a waveform on the strip's grid.

    Rows narrower than a bin are interpolated between bins; wider rows show their loudest bin, and columns of several
    frames their loudest frame, so that a thin line keeps its brightness. The power is the mean over channels, so that
    channels with opposite signs do not cancel.

    Parameters
    ----------
    waveform : float (channels, samples)
    axis : Axis

    Returns
    -------
    float32 (rows, columns)
        Linear power; row 0 is the lowest frequency.
    """
    waveform = checks.check_waveform("waveform", waveform).astype(np.float32, copy=False)
    transform = transforms.stft(waveform, window_samples=axis.window_samples, hop_samples=axis.hop_samples)
    _, bins, frames = transform.shape
    power = np.zeros((bins, frames), np.float32)
    for channel in transform:
        power += channel.real**2 + channel.imag**2
    power /= len(transform)

    return strip_of(power, axis)


def strip_of(power: np.ndarray, axis: Axis) -> np.ndarray:
    """Powers of the bins of some frames, (bins, frames), on the strip's grid, (rows, columns)."""
    bins, frames = power.shape
    edges_hz = np.geomspace(axis.low_hz, axis.high_hz, axis.rows + 1)
    edges = units.hz_to_bins(edges_hz, axis.window_samples, axis.sample_rate_hz)
    wide = np.diff(edges) >= 1
    first_wide = int(np.argmax(wide)) if wide.any() else axis.rows
    centres = np.sqrt(edges[:-1] * edges[1:])[:first_wide]
    below = np.minimum(np.floor(centres).astype(int), bins - 2)
    share = (centres - below).astype(np.float32)[:, np.newaxis]
    strip = np.empty((axis.rows, frames), np.float32)
    strip[:first_wide] = power[below] * (1 - share) + power[below + 1] * share
    if first_wide < axis.rows:
        # A bin is shown in the row that contains its centre.
        starts = np.ceil(edges[first_wide:-1]).astype(int)
        strip[first_wide:] = np.maximum.reduceat(power[: math.ceil(edges[-1]) + 1], starts, axis=0)
    if axis.frames_per_column > 1:
        strip = np.maximum.reduceat(strip, np.arange(0, frames, axis.frames_per_column), axis=1)
    return strip


def to_bytes(power: np.ndarray, loudest_power: float) -> np.ndarray:
    """8-bit picture of a strip, uint8: 255 is `loudest_power`, 0 is 80 dB below it or less."""
    if loudest_power <= 0:
        return np.zeros(power.shape, np.uint8)
    level_db = units.power_to_db(power / loudest_power, floor_db=-RANGE_DB)
    return np.asarray(np.rint(np.clip(1 + level_db / RANGE_DB, 0, 1) * 255), np.uint8)


def envelope(waveform: np.ndarray, columns: int) -> np.ndarray:
    """Smallest and largest sample of each column over all channels, float (2, columns or fewer)."""
    waveform = checks.check_waveform("waveform", waveform)
    columns = min(columns, waveform.shape[1])
    starts = np.linspace(0, waveform.shape[1], columns, endpoint=False).astype(int)
    # Columns first: an array of all samples of one channel would be made otherwise.
    low = np.minimum.reduceat(waveform, starts, axis=1).min(axis=0)
    high = np.maximum.reduceat(waveform, starts, axis=1).max(axis=0)
    return np.stack([low, high])
