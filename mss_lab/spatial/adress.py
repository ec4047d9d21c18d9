"""ADRess, azimuth discrimination and resynthesis: a source is located by the gain at which it cancels.

Take the fainter channel of a bin and subtract g times the louder one. If the bin contains a single source, the
difference vanishes at one g, the ratio of its gains: the null. Steps g_i = i / beta from 0 to 1 cover one half of the
panorama when the right channel is subtracted from the left, and the other half the other way round. Both halves, for
all bins of a frame, are the azimuth plane.

|X_1 - g X_2|^2 is a parabola in g, so its lowest point on the grid is the grid point next to the vertex: nulls are
computed without the plane, which has 2 beta + 1 numbers for every bin.

Symbols: X_1, X_2 STFT of the left and the right channel, beta steps, g gain, phi angle.

Contents: azimuth_plane, plane_angles_rad, nulls, separate. Lesson: notebooks/11_where_is_it.ipynb
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks, memory, options, transforms
from ..chunks import filtered, filtering_bytes
from ..silence import between_silences
from . import panning
from .entries import ADRESS

BETA = 100
WINDOW_S = panning.WINDOW_S

# Memory for each bin: the transform of both channels, the filtered transforms, and the arrays for the nulls.
BYTES_PER_BIN = 85


def azimuth_plane(frame: np.ndarray, *, beta: int = BETA) -> np.ndarray:
    """The azimuth plane of one frame: the remainder of each bin at each gain, directly from the definition.

    Parameters
    ----------
    frame : complex (2, freq)
        One frame of the STFT of a stereo mixture.
    beta : int >= 2

    Returns
    -------
    float (2 beta + 1, freq)
        From left to right, see `plane_angles_rad`: |X_2 - g X_1| with g from 0 to 1, then |X_1 - g X_2| with g from
        below 1 to 0.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are not two channels, or beta is not such a number.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Barry, Lawlor and Coyle, DAFx 2004.

    Examples
    --------
    >>> azimuth_plane(np.array([[2.0], [1.0]], complex), beta=2).ravel()  # a null at a gain of 1/2
    array([1. , 0. , 1. , 1.5, 2. ])
    """
    frame = checks.check_axes("frame", frame, "channels freq")
    left, right = panning.check_stereo_stft("frame", frame[:, :, np.newaxis])[:, :, 0]
    beta = _checked_beta(beta)
    gains = (np.arange(beta + 1) / beta)[:, np.newaxis]
    return np.concatenate([np.abs(right - gains * left), np.abs(left - gains[-2::-1] * right)])


def plane_angles_rad(beta: int = BETA) -> np.ndarray:
    """The angle of each row of the azimuth plane, float64 (2 beta + 1,).

    Equal steps in gain are unequal steps in angle: at the centre half as wide as at the sides.

    Lesson: notebooks/11_where_is_it.ipynb.

    Examples
    --------
    >>> np.round(np.degrees(plane_angles_rad(2)), 1)
    array([ 0. , 26.6, 45. , 63.4, 90. ])
    """
    half = np.arctan(np.arange(_checked_beta(beta) + 1) / beta)
    return np.concatenate([half, panning.RIGHT_RAD - half[-2::-1]])


def nulls(mixture_stft: np.ndarray, *, beta: int = BETA, corrected: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """For each bin, the angle at which it cancels best, and the magnitude that is cancelled there.

    Parameters
    ----------
    mixture_stft : complex (2, freq, frames)
    beta : int >= 2
        Steps of the gain from 0 to 1.
    corrected : bool
        Whether the magnitude is that of the louder channel minus the remainder at the null, which for a single source
        is the magnitude of the louder channel. If not, it is the highest point of the plane minus the lowest, as first
        published, which is too small by up to 6 dB between the centre and the sides.

    Returns
    -------
    angles_rad, magnitude : float (freq, frames)
        Silent bins have the angle of the centre.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there are not two channels, or beta is not such a number.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Barry, Lawlor and Coyle, DAFx 2004; the correction is
    FitzGerald's.

    Examples
    --------
    >>> angles_rad, magnitude = nulls(np.array([[[2.0]], [[1.0]]], complex))
    >>> np.round(np.degrees(angles_rad), 1), magnitude
    (array([[26.6]]), array([[2.]]))
    """
    mixture_stft = panning.check_stereo_stft("mixture_stft", mixture_stft)
    beta = _checked_beta(beta)
    from_right, louder, fainter = _by_level(mixture_stft)
    vertex = np.divide(fainter, louder, out=np.zeros_like(louder), where=louder != 0).real
    gain = np.round(np.clip(vertex, 0, 1) * beta) / beta
    remainder = np.abs(fainter - gain * louder)
    angles = np.arctan(gain)
    angles = np.where(from_right, panning.RIGHT_RAD - angles, angles)
    angles[louder == 0] = panning.CENTRE_RAD
    # On an interval, a parabola that opens upwards is highest at one of the ends: g = 0 or g = 1.
    highest = np.abs(louder) if corrected else np.maximum(np.abs(fainter), np.abs(fainter - louder))
    return angles, np.maximum(highest - remainder, 0)


def _working_bytes(recording: memory.Recording, *, window_s: float, **_: Any) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, window_s)
    return recording.float32_bytes + filtering_bytes(recording, settings, bytes_per_bin=BYTES_PER_BIN)


@options.within(ADRESS.options)
@memory.limited("adress", _working_bytes)
@between_silences
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: object = None,
    *,
    pans_rad: Mapping[str, float] | None = None,
    count: int | None = None,
    mode: str = "mask",
    width_rad: float | None = None,
    beta: int = BETA,
    corrected: bool = True,
    window_s: float = WINDOW_S,
) -> dict[str, np.ndarray]:
    """Separate a stereo mixture by the angles at which its bins cancel.

    Parameters
    ----------
    mixture : float (2, samples)
    sample_rate_hz : int
    score
        Ignored.
    pans_rad : mapping of source name -> angle in [0, pi/2], optional
        Directions of the sources. Default: the peaks of the panning histogram, named by their angle in degrees. Sources
        at the same angle get equal shares.
    count : int >= 1, optional
        The number of peaks. Default: all clear peaks.
    mode : {"mask", "resynth"}
        A bin belongs to the nearest direction. With "mask", it is copied to it, so that estimates add up to the
        mixture. With "resynth", as published by Barry et al., only the cancelled magnitude is used, with the phase of
        the louder channel, panned to that direction: estimates are cleaner, and do not add up to the mixture.
    width_rad : float > 0, radians, optional
        Leave out bins that lie further than half of this from every direction. It is at least the width of two steps of
        the gain. With this option, estimates do not add up to the mixture.
    beta : int >= 2
        Steps of the gain from 0 to 1.
    corrected : bool
        With "resynth": see `nulls`.
    window_s : float > 0, seconds
        Length of the STFT's window, at every sample rate; the hop is a quarter of it.

    Returns
    -------
    dict of source name -> float32 (2, samples)

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a stereo waveform, or an option is out of its range.

    Warns
    -----
    PanWarning
        If there are fewer peaks than `count`.

    Lesson: notebooks/11_where_is_it.ipynb. Reference: Barry, Lawlor and Coyle, DAFx 2004. Difference: in the paper the
    user selects the half in which nulls are searched; here it is the half of each bin's louder channel.
    """
    mixture = checks.check_stereo("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    pans = panning.named(pans_rad, count, mixture, sample_rate_hz, window_s=window_s)
    settings = transforms.settings_for(sample_rate_hz, window_s)

    def parts_of(stft: np.ndarray, first_frame: int) -> Iterator[np.ndarray]:
        angles, magnitude = nulls(stft, beta=beta, corrected=corrected)
        shares = nearest(angles, tuple(pans.values()), None if width_rad is None else max(width_rad, 2 / beta))
        resynthesis = _louder_channel(stft, magnitude) if mode == "resynth" else None
        for pan, share in zip(pans.values(), shares, strict=True):
            yield share * (stft if resynthesis is None else _panned(resynthesis, pan))

    return filtered(
        mixture,
        tuple(pans),
        parts_of,
        bytes_per_bin=BYTES_PER_BIN,
        settings=settings,
        sample_rate_hz=sample_rate_hz,
    )


def nearest(angles: np.ndarray, pans_rad: Sequence[float], width_rad: float | None = None) -> Iterator[np.ndarray]:
    """The share of each bin for each direction: 1 for the nearest, or equal parts if several have the same angle.

    Parameters
    ----------
    angles : float (freq, frames)
    pans_rad : sequence of float
    width_rad : float > 0, optional
        Bins further than half of this from every direction belong to none.

    Yields
    ------
    float32 (freq, frames)
        For each direction in turn, its share: 0, 1, or a part.

    Lesson: notebooks/11_where_is_it.ipynb.

    Examples
    --------
    >>> [share.ravel() for share in nearest(np.radians([[10, 50, 80]]), np.radians([0, 90]))]
    [array([1., 0., 0.], dtype=float32), array([0., 1., 1.], dtype=float32)]
    """
    distinct_rad, indices, counts = np.unique(np.asarray(pans_rad, float), return_inverse=True, return_counts=True)
    owner = np.searchsorted((distinct_rad[1:] + distinct_rad[:-1]) / 2, angles)
    if width_rad is not None:
        owner = np.where(np.abs(angles - distinct_rad[owner]) <= width_rad / 2, owner, -1)
    for index in indices:
        yield (owner == index) * np.float32(1 / counts[index])


def _by_level(mixture_stft: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Whether the right channel is the louder one, the louder and the fainter channel, each (freq, frames).
    left, right = mixture_stft
    from_right = np.abs(right) > np.abs(left)
    return from_right, np.where(from_right, right, left), np.where(from_right, left, right)


def _louder_channel(mixture_stft: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    # The magnitude with the phase of the louder channel; silence has no phase, and needs none.
    louder = _by_level(mixture_stft)[1]
    level = np.abs(louder)
    result: np.ndarray = louder * np.divide(magnitude, level, out=np.zeros_like(level), where=level > 0)
    return result


def _panned(louder: np.ndarray, pan_rad: float) -> np.ndarray:
    # A source on both channels, computed from its louder channel.
    gains = np.array([np.cos(pan_rad), np.sin(pan_rad)])
    result: np.ndarray = (gains / gains.max()).astype(louder.real.dtype)[:, np.newaxis, np.newaxis] * louder
    return result


def _checked_beta(beta: int) -> int:
    return int(
        checks.check_number("beta", beta, at_least=2, whole=True, hint="steps of the gain from 0 to 1, such as 100")
    )
