"""HAAQI, the Hearing-Aid Audio Quality Index: how close an ear, with or without a hearing loss, finds two sounds.

A model of the ear turns the source and the estimate into envelopes and vibrations of 32 bands of the cochlea. HAAQI
compares them: 1 is as good as the source, 0 is nothing of it. The model adds noise at the threshold of hearing, so that
two runs differ in the third decimal; a seed makes a value repeatable.

The values come from pyclarity, the program of the Cadenza challenges, which the extra [quality] installs. This file
hands signals to it as that challenge does: each ear for itself, at 24 kHz, with the source at a given sound level.

Contents: haaqi, Haaqi, seed_of; AUDIOGRAM_HZ, LEVEL_DB_SPL. Reference: Kates and Arehart, "The hearing-aid audio
quality index (HAAQI)", IEEE/ACM TASLP 2016.
"""

import contextlib
import dataclasses
import hashlib
import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from .. import audio, checks
from ..refusals import RefusedType, RefusedValue, require

# The frequencies at which HAAQI reads an audiogram.
AUDIOGRAM_HZ = (250, 500, 1000, 2000, 4000, 6000)

# The sound level of the source, as in the Cadenza challenges.
LEVEL_DB_SPL = 65.0

# The rate of pyclarity's ear; at any other it resamples by itself, less precisely.
MODEL_RATE_HZ = 24_000

# Modulations down to a few Hz are compared; in less time there are too few of them, and pyclarity returns anything.
SHORTEST_S = 0.5

# The largest hearing loss, in dB, for which audiometers and the gains of hearing aids are made.
LARGEST_LOSS_DB = 120.0


@dataclasses.dataclass(frozen=True)
class Haaqi:
    """The index of each ear.

    Attributes
    ----------
    ears : tuple of float
        Left and right, or one value for a mono signal.
    """

    ears: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of the ears, which the Cadenza challenges report."""
        return float(np.mean(self.ears))


def seed_of(name: str) -> int:
    """A seed from a name, as the Cadenza challenges make it: the MD5 sum of the name, modulo 10^8.

    Parameters
    ----------
    name : str
        Of the song or scene.

    Raises
    ------
    TypeError
        If it is not text.

    Examples
    --------
    >>> seed_of("S50001")
    51280848
    """
    if not isinstance(name, str):
        raise RefusedType(f"name must be text, got {name!r}; pass the name of the song or scene")
    return int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), 16) % 10**8


def haaqi(
    source: np.ndarray,
    estimate: np.ndarray,
    sample_rate_hz: int,
    *,
    seed: int,
    audiogram_db: Sequence[float] | Sequence[Sequence[float]] | np.ndarray | None = None,
    level_db_spl: float = LEVEL_DB_SPL,
    is_amplified: bool = False,
) -> Haaqi:
    """HAAQI of an estimate, for each ear.

    Parameters
    ----------
    source, estimate : float (1 or 2 channels, samples)
        Both of one shape, of at least half a second. Each channel goes to one ear. The estimate may be silent, the
        source may not, in either ear.
    sample_rate_hz : int
        Both are resampled to 24 kHz.
    seed : int in [0, 2**32)
        Of the noise at the threshold of hearing: `seed_of("S50001")`, or any other, one for each item. The left ear
        uses the first numbers, the right ear those that follow. NumPy's global generator, which pyclarity uses, has its
        former state again afterwards.
    audiogram_db : float (6,) or (channels, 6), optional
        Hearing loss in dB HL at `AUDIOGRAM_HZ`, for both ears or for each. Default: 0, normal hearing.
    level_db_spl : float in [0, 140]
        The sound level at which each ear receives the source; the estimate keeps its level relative to it.
    is_amplified : bool
        Whether source and estimate already contain the gain of a hearing aid, as in the Cadenza challenges. Otherwise
        pyclarity gives the source the gains that the rule NAL-R prescribes for the audiogram, and the estimate is
        expected to contain such gains. Without a hearing loss there is nothing to amplify.

    Returns
    -------
    Haaqi
        In [0, 0.999]: the weights of the index add up to 0.999. The index of a signal with itself is a little less,
        because each of the two has its own noise: 0.995 for a second of white noise, 0.87 for a steady tone, whose
        envelopes do not move and leave only the noise to be compared.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If a signal is refused, the shapes differ, an ear of the source is silent, or a number is out of its range.
    MissingExtra
        If pyclarity is not installed.

    References
    ----------
    Kates and Arehart, IEEE/ACM TASLP 2016; the program `compute_haaqi` of pyclarity, which is called with
    equalisation 2 (the source needs no gain) or 1 (it needs the gains of NAL-R). Without a hearing loss it is always 2:
    the gains of NAL-R are then 0 dB, but 1 would delay the source by 70 samples, and a second of white noise would have
    an index of 0.91 with itself.
    """
    source, estimate = _checked_pair(source, estimate, checks.check_sample_rate(sample_rate_hz))
    seed = checks.check_number("seed", seed, at_least=0, below=2**32, whole=True, hint="make one with seed_of(name)")
    losses_db = _checked_losses_db(audiogram_db, len(source))
    checks.check_number("level_db_spl", level_db_spl, at_least=0, at_most=140, unit="dB SPL")
    checks.check_switch("is_amplified", is_amplified)
    program = require("clarity.evaluator.haaqi", "HAAQI")
    audiograms = require("clarity.utils.audiogram", "HAAQI")

    levels_db = level_db_spl - 10 * np.log10(np.mean(source.astype(np.float64) ** 2, axis=1))
    at_24_khz = [
        audio.resample(signal.astype(np.float64), sample_rate_hz, MODEL_RATE_HZ) for signal in (source, estimate)
    ]
    ears = []
    with _seeded(seed), warnings.catch_warnings():
        # A silent band has a level of minus infinity, which the model then handles.
        warnings.simplefilter("ignore", RuntimeWarning)
        for ear_source, ear_estimate, loss_db, level_db in zip(*at_24_khz, losses_db, levels_db, strict=True):
            index = program.compute_haaqi(
                processed_signal=ear_estimate.copy(),
                reference_signal=ear_source.copy(),
                processed_sample_rate=MODEL_RATE_HZ,
                reference_sample_rate=MODEL_RATE_HZ,
                audiogram=audiograms.Audiogram(levels=loss_db, frequencies=np.array(AUDIOGRAM_HZ)),
                equalisation=1 if loss_db.any() and not is_amplified else 2,
                level1=float(level_db),
            )
            ears.append(float(index))
    return Haaqi(tuple(ears))


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """NumPy's global generator with a seed; afterwards it has the state from before."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _checked_pair(source: np.ndarray, estimate: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    source = checks.check_waveform("source", source)
    estimate = checks.check_waveform("estimate", estimate)
    checks.check_same_shape("estimate", estimate, "source", source)
    channels, samples = source.shape
    if channels > 2:
        raise checks.ShapeError(
            f"source must have one channel for each of at most 2 ears, got {channels}; mix them down to stereo first"
        )
    if samples < SHORTEST_S * sample_rate_hz:
        raise RefusedValue(
            f"source must last at least {SHORTEST_S} s, got {samples / sample_rate_hz:.3g} s; "
            "HAAQI compares slow changes of loudness, which a shorter signal does not contain"
        )
    silent = [index for index, channel in enumerate(source) if not channel.any()]
    if silent:
        raise RefusedValue(
            f"source must be audible in every channel, got silence in channel {silent[0]}; "
            "HAAQI has no value without a source: leave this item out, or pass the other channel alone"
        )
    return source, estimate


def _checked_losses_db(audiogram_db: object, channels: int) -> np.ndarray:
    """Hearing loss of each ear, (channels, 6)."""
    if audiogram_db is None:
        return np.zeros((channels, len(AUDIOGRAM_HZ)))
    losses_db = np.asarray(audiogram_db)
    if losses_db.shape not in ((len(AUDIOGRAM_HZ),), (channels, len(AUDIOGRAM_HZ))):
        frequencies = ", ".join(map(str, AUDIOGRAM_HZ))
        raise checks.ShapeError(
            f"audiogram_db must have one value for each of {frequencies} Hz, for both ears or for each of {channels}, "
            f"got shape {losses_db.shape}; interpolate it at these frequencies"
        )
    for loss_db in losses_db.flat:
        checks.check_number(
            "audiogram_db",
            loss_db,
            at_least=-20,
            at_most=LARGEST_LOSS_DB,
            unit="dB HL",
            hint="a loss of hearing is a positive number",
        )
    return np.broadcast_to(losses_db.astype(np.float64), (channels, len(AUDIOGRAM_HZ)))
