"""Separation by sinusoids: each source is the sum of the harmonics of its fundamentals, with a score or without.

Contents: separate. Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks, masks, memory, options, transforms, units
from ..chunks import FADE_S, chunks
from ..common_rate import at_common_rate
from ..score.agreement import tuning_for
from ..score.guards import check_score_fits
from ..score.notes import Score
from ..silence import between_silences
from ..transforms import StftSettings
from .contours import HARMONICS, HIGHEST_HZ, LOWEST_HZ, NEAR_CENTS, Contour, from_peaks, from_score
from .entries import SINUSOIDAL
from .partials import resolve
from .peaks import FLOOR_DB, LOBE_BINS, WINDOW, WINDOW_S, analyse, of_recording, settings_for
from .synthesis import additive, lobes

COUNT = 4
CHUNK_S = 15.0

# Memory for each bin of each channel: the transform and its copies; for each source, its spectrum, mask and estimate.
# And for each second, the peaks.
STFT_BYTES = 24
SOURCE_BYTES = 16
PEAK_BYTES = 1e5

# Bins that no partial reaches are divided in proportion to the energy of the sources' partials in the frame, at this
# level.
SHARE_DB = -60.0


def _working_bytes(recording: memory.Recording, *, count: int, window_s: float, chunk_s: float, **_: Any) -> float:
    settings = settings_for(recording.sample_rate_hz, window_s)
    sources = recording.sources or memory.amount(count, COUNT) + 1
    bins = recording.bins(memory.amount(chunk_s, CHUNK_S) + FADE_S, settings)
    bytes_per_bin = (STFT_BYTES + SOURCE_BYTES * sources) * recording.channels
    peaks = PEAK_BYTES * recording.samples / recording.sample_rate_hz
    return recording.float32_bytes + bytes_per_bin * bins + peaks


@options.within(SINUSOIDAL.options)
@memory.limited("sinusoidal", _working_bytes)
@between_silences
@at_common_rate
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    count: int = COUNT,
    resynthesis: str = "mask",
    harmonics: int = HARMONICS,
    near_cents: float = NEAR_CENTS,
    lobe_bins: int = LOBE_BINS,
    inharmonicity: float = 0.0,
    lowest_hz: float = LOWEST_HZ,
    highest_hz: float = HIGHEST_HZ,
    tolerance_s: float = 0.05,
    tuning_hz: float | None = None,
    floor_db: float = FLOOR_DB,
    window_s: float = WINDOW_S,
    chunk_s: float = CHUNK_S,
) -> dict[str, np.ndarray]:
    """Separate a mixture into groups of harmonics.

    Fundamentals are estimated in the whole recording, estimates are made chunk by chunk: memory hardly grows with the
    length, and a source keeps its name from start to end.

    Parameters
    ----------
    mixture : float (channels, samples)
        Fundamentals are the same in all channels; levels and phases of their harmonics are not.
    sample_rate_hz : int
    score : Score, optional
        One estimate is returned for each of its sources; those without pitch share what no harmonic explains.
    count : int >= 1
        Without a score: the largest number of sources. They are numbered from low to high; there may be fewer.
    resynthesis : {"mask", "additive"}
        Mask the mixture by the main lobes of the partials, or add up the partials.
    harmonics : int >= 1
    near_cents : float > 0, cents
        How far a harmonic's peak may be from its expected frequency.
    lobe_bins : int >= 1
        Reach of a mask around a partial.
    inharmonicity : float >= 0
        B in h f0 sqrt(1 + B h^2).
    lowest_hz, highest_hz : float > 0, Hz
        Without a score: range of the fundamentals.
    tolerance_s : float >= 0, seconds
        How far the score's times may be from those of the recording.
    tuning_hz : float > 0, optional
        Frequency of A4 for the score. Default: estimated.
    floor_db : float < 0, dB
        Passed to `peaks.find_peaks`.
    window_s : float > 0, seconds
        Length of the STFT's window; the hop is an eighth of it.
    chunk_s : float >= 2 s

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        With a score, its sources; without, "harmonic_1", "harmonic_2" and so on, and "residual". They add up to the
        mixture: with "additive", the difference to it belongs to the residual or to the sources without pitch; if a
        score has none, to all its sources in proportion to their energy.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, the score is not a Score or has no note within it, or an option is out of its
        range.

    Lesson: notebooks/14_sparse_sinusoidal_auditory.ipynb. Reference: McAulay and Quatieri, IEEE TASSP 1986; Cano et
    al., IEEE Signal Processing Magazine 2019.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("highest_hz", highest_hz, above=lowest_hz, unit="Hz")
    settings = settings_for(sample_rate_hz, window_s)
    frame_rate_hz = sample_rate_hz / settings["hop_samples"]
    peaks = of_recording(mixture, sample_rate_hz, settings, floor_db=floor_db)
    shape = {"near_cents": near_cents, "inharmonicity": inharmonicity}
    if score is not None:
        score = check_score_fits(score, mixture.shape[1] / sample_rate_hz)
        pitched = [source for source in score.sources if source not in score.unpitched]
        contours = []
        if pitched:
            tuning_hz = tuning_for(mixture, sample_rate_hz, score, tuning_hz)
            contours = from_score(peaks, score, frame_rate_hz, tolerance_s=tolerance_s, tuning_hz=tuning_hz, **shape)
        names = list(score.sources)
        rest = [j for j, source in enumerate(names) if source in score.unpitched]
    else:
        contours = from_peaks(peaks, frame_rate_hz, count, lowest_hz=lowest_hz, highest_hz=highest_hz, **shape)
        groups = 1 + max((contour.source for contour in contours), default=-1)
        names = [*(f"harmonic_{number}" for number in range(1, groups + 1)), "residual"]
        rest = [groups]
    estimates = np.zeros((len(names), *mixture.shape), np.float32)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz, chunk_s=chunk_s):
        chunk_contours = _within(
            contours, start / settings["hop_samples"], (stop - start) // settings["hop_samples"] + 2
        )
        part = _separated_chunk(
            mixture[:, start:stop], sample_rate_hz, chunk_contours, len(names), rest, settings,
            resynthesis=resynthesis, harmonics=harmonics, inharmonicity=inharmonicity, lobe_bins=lobe_bins,
        )  # fmt: skip
        estimates[..., start:stop] += part * gains
    return dict(zip(names, estimates, strict=True))


def _within(contours: Sequence[Contour], start: float, frames: int) -> list[Contour]:
    """Contours on the frames of a chunk that begins at a fraction of a frame of the recording."""
    shortened = []
    for contour in contours:
        # The chunk's frames that lie within the contour.
        first = max(0, int(np.ceil(contour.first - start)))
        last = min(frames - 1, int(np.floor(contour.first + len(contour.f0_hz) - 1 - start)))
        if last >= first:
            positions = np.arange(first, last + 1) + start - contour.first
            shortened.append(
                Contour(contour.source, first, np.interp(positions, np.arange(len(contour.f0_hz)), contour.f0_hz))
            )
    return shortened


def _separated_chunk(
    mixture: np.ndarray,
    sample_rate_hz: int,
    contours: Sequence[Contour],
    sources: int,
    rest: Sequence[int],
    settings: StftSettings,
    *,
    resynthesis: str,
    harmonics: int,
    inharmonicity: float,
    lobe_bins: int,
) -> np.ndarray:
    """The estimates of a chunk, (sources, channels, samples); sources in `rest` share what no partial explains."""
    samples = mixture.shape[1]
    stft = analyse(mixture, settings)
    partials = resolve(stft, contours, sample_rate_hz, harmonics=harmonics, inharmonicity=inharmonicity)
    owners = np.array([contour.source for contour in contours], int)
    if resynthesis == "additive":
        sound = additive(partials, owners, sources, samples, sample_rate_hz, settings["hop_samples"])
        difference = mixture - sound.sum(axis=0)
        shares = np.zeros(sources)
        shares[list(rest)] = 1
        if not rest:
            shares = np.sum(sound.astype(np.float64) ** 2, axis=(1, 2))
        shares = shares / shares.sum() if shares.any() else np.full(sources, 1 / sources)
        result: np.ndarray = sound + shares[:, np.newaxis, np.newaxis].astype(np.float32) * difference
        return result
    spectra = lobes(partials, owners, sources, sample_rate_hz, *stft.shape[1:], reach_bins=lobe_bins)
    models = np.abs(spectra)
    if rest:
        models[list(rest)] = np.abs(stft - spectra.sum(axis=0)) / np.sqrt(len(rest))
    else:
        models += units.db_to_amplitude(SHARE_DB) * np.sqrt(np.mean(models**2, axis=2, keepdims=True))
    del spectra
    filters = masks.ratio(models)
    del models
    # One source after the other: the filtered transforms of all sources would take by far the most memory.
    sound = np.empty((sources, *mixture.shape), np.float32)
    for estimate, mask in zip(sound, filters, strict=True):
        estimate[:] = transforms.istft(mask * stft, samples, window=WINDOW, **settings)
    return sound
