"""Peaks: sinusoids in single frames, with frequencies to a small fraction of a bin.

In the spectrum, a sinusoid has the shape of the window's transform, centred on its frequency. In dB the top of that
shape is nearly a parabola, so the three bins at a local maximum determine its position between them, and its height.

Symbols: X[f, n] transform, w[t] window of N samples, W(d) its transform d bins from the centre; a, b, c levels in dB
below, at and above a maximum, p offset of the top in bins. Contents: Peaks, analyse, find_peaks, of_recording,
window_transform.
Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

import dataclasses
import functools

import numpy as np
import scipy.fft

from .. import checks, transforms, units
from ..transforms import StftSettings

# Side lobes are 92 dB below the main one: a quiet partial next to a loud one is not confused with a side lobe.
WINDOW = "blackman-harris"
WINDOW_S = 4096 / 44_100
HOPS_A_WINDOW = 8

# The main lobe reaches this many bins to either side.
LOBE_BINS = 4

FLOOR_DB = -70.0

# How finely the window's transform is tabulated, in points a bin, and up to which distance.
FINE = 64
FAR_BINS = 10


@dataclasses.dataclass(frozen=True)
class Peaks:
    """Peaks of all frames, in order of frame, then of frequency.

    Attributes
    ----------
    frame : int (peaks,)
    frequency_hz : float (peaks,)
    amplitude : float (peaks,)
        Amplitude of the sinusoid, linear: a cosine between -1 and 1 has 1.
    phase_rad : float (peaks,)
        At the centre of the frame; 0 if only magnitudes were given.
    frames : int
        The number of frames.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """

    frame: np.ndarray
    frequency_hz: np.ndarray
    amplitude: np.ndarray
    phase_rad: np.ndarray
    frames: int


def settings_for(sample_rate_hz: int, window_s: float = WINDOW_S) -> StftSettings:
    """Window (`transforms.window_samples_for`, but at least 16) and hop (an eighth of it) in samples."""
    window_samples = max(16, transforms.window_samples_for(sample_rate_hz, window_s))
    return {"window_samples": window_samples, "hop_samples": window_samples // HOPS_A_WINDOW}


def analyse(waveform: np.ndarray, settings: StftSettings) -> np.ndarray:
    """The STFT used here: Blackman-Harris windows, (channels, samples) to (channels, freq, frames).

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb

    Examples
    --------
    >>> analyse(np.zeros((1, 4096)), {"window_samples": 1024, "hop_samples": 128}).shape
    (1, 513, 33)
    """
    return transforms.stft(waveform, window=WINDOW, **settings)


def find_peaks(
    stft: np.ndarray, sample_rate_hz: int, *, floor_db: float = FLOOR_DB, loudest: float | None = None
) -> Peaks:
    """Local maxima of every frame, with parabolic interpolation in dB: p = (a - c) / (2 (a - 2b + c)).

    Parameters
    ----------
    stft : complex, or real >= 0, (freq, frames)
        One channel as returned by `analyse`, or a magnitude.
    sample_rate_hz : int
    floor_db : float < 0, dB
        Maxima this far below the loudest bin are left out.
    loudest : float > 0, optional
        The magnitude that counts as the loudest bin. Default: that of this STFT.

    Returns
    -------
    Peaks

    Raises
    ------
    ShapeError, ValueError
        If the STFT does not have these axes, or is not finite.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: McAulay and Quatieri, IEEE TASSP 1986; Smith and
    Serra, ICMC 1987 (parabolic interpolation).

    Examples
    --------
    >>> tone = 0.5 * np.cos(2 * np.pi * 441 * np.arange(4096) / 8000)[np.newaxis]  # bins are 7.8 Hz apart
    >>> stft = analyse(tone, {"window_samples": 1024, "hop_samples": 128})
    >>> peaks = find_peaks(stft[0, :, 16:17], 8000)
    >>> np.round(peaks.frequency_hz, 1), np.round(peaks.amplitude, 2)
    (array([441.]), array([0.5]))
    """
    stft = checks.check_finite("stft", checks.check_axes("stft", stft, "freq frames"))
    checks.check_number("floor_db", floor_db, below=0, unit="dB")
    magnitude = np.abs(stft)
    bins, frames = magnitude.shape
    top = float(magnitude.max(initial=0)) if loudest is None else loudest
    # Frames first, so that peaks are in order of frames.
    frame, bin_ = np.nonzero(_maxima(magnitude, top * units.db_to_amplitude(floor_db)).T if top > 0 else [[], []])
    around = np.stack([magnitude[bin_ + step, frame] for step in (-1, 0, 1)]).astype(np.float64)
    a, b, c = units.amplitude_to_db(np.maximum(around, 1e-10 * around[1]))
    curve = a - 2 * b + c
    p = np.where(curve < 0, 0.5 * (a - c) / np.where(curve < 0, curve, 1), 0)
    window_samples = 2 * (bins - 1)
    level_db = b - 0.25 * (a - c) * p
    # Relative to the frame's start, the phase of a cosine that peaks at the centre changes by half a turn a bin.
    phase = np.angle(stft[bin_, frame]) - np.pi * (bin_ % 2) if np.iscomplexobj(stft) else np.zeros(len(bin_))
    return Peaks(
        frame=frame,
        frequency_hz=units.bins_to_hz(bin_ + p, window_samples, sample_rate_hz),
        amplitude=units.db_to_amplitude(level_db) / (window_transform(0.0, window_samples) / 2),
        phase_rad=np.angle(np.exp(1j * phase)),
        frames=frames,
    )


def of_recording(
    mixture: np.ndarray, sample_rate_hz: int, settings: StftSettings, *, floor_db: float = FLOOR_DB, block_s: float = 10
) -> Peaks:
    """Peaks of a recording of any length, detected block by block in the root of the mean power of its channels.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
    """
    samples, hop = mixture.shape[1], settings["hop_samples"]
    frames = transforms.frame_count(samples, **settings)
    block = max(1, round(block_s * sample_rate_hz / hop))
    # Blocks overlap by the reach of a window; frames at the seams come from the block that contains their whole window.
    reach = HOPS_A_WINDOW // 2
    blocks, loudest = [], 0.0
    for first in range(0, frames, block):
        begin = max(0, first - reach)
        piece = mixture[:, begin * hop : (first + block + reach) * hop]
        if not piece.shape[1]:
            break
        stft = analyse(piece, settings)[..., first - begin : first - begin + min(block, frames - first)]
        magnitude = transforms.common_magnitude(stft)
        peaks = find_peaks(magnitude, sample_rate_hz, floor_db=floor_db)
        loudest = max(loudest, float(magnitude.max(initial=0)))
        blocks.append((peaks.frame + first, peaks.frequency_hz, peaks.amplitude, peaks.phase_rad))
    frame, frequency_hz, amplitude, phase_rad = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    floor = loudest * units.db_to_amplitude(floor_db) / (window_transform(0.0, settings["window_samples"]) / 2)
    kept = amplitude >= floor
    return Peaks(frame[kept], frequency_hz[kept], amplitude[kept], phase_rad[kept], frames)


def window_transform(distance_bins: np.ndarray | float, window_samples: int, power: int = 1) -> np.ndarray:
    """W(d): the transform of a window, or of its `power`, d bins from a sinusoid; real, and 0 beyond 10 bins.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb

    Examples
    --------
    >>> gains = window_transform(np.array([0.0, 1.0, 2.0, 11.0]), 1024)
    >>> np.round(gains / gains[0], 2)
    array([1.  , 0.68, 0.2 , 0.  ])
    """
    result: np.ndarray = np.interp(np.abs(distance_bins), *_table(window_samples, power), right=0.0)
    return result


@functools.lru_cache(maxsize=16)
def _table(window_samples: int, power: int) -> tuple[np.ndarray, np.ndarray]:
    padded = np.zeros(FINE * window_samples)
    taper = transforms.make_window(WINDOW, window_samples) ** power
    half = window_samples // 2
    # With the window's centre at sample 0 its transform is real.
    padded[: window_samples - half], padded[-half:] = taper[half:], taper[:half]
    reach = min(FAR_BINS * FINE, FINE * window_samples // 2)
    return np.arange(reach + 1) / FINE, scipy.fft.rfft(padded).real[: reach + 1]


def _maxima(magnitude: np.ndarray, floor: float) -> np.ndarray:
    is_maximum = np.zeros(magnitude.shape, bool)
    middle = magnitude[1:-1]
    is_maximum[1:-1] = (middle > magnitude[:-2]) & (middle >= magnitude[2:]) & (middle >= floor)
    return is_maximum
