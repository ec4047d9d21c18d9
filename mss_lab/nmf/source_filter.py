"""A singing voice over an accompaniment: a source with a pitch, a filter with a shape, and NMF for the rest.

The power spectrogram of the mixture is modelled as

    Y = (W_F0 H_F0) * (W_G H_G H_P) + W_M H_M.

The first bracket is the sound of the vocal folds: combs of harmonics, one for each pitch that a voice can have, and how
loud each of them is in each frame. The second is the filter of throat and mouth: a few smooth filters, and how they are
mixed in each frame. The two are multiplied bin by bin (*). The rest is the accompaniment: plain NMF.

The model is fitted twice. After the first fit the melody is taken from H_F0, as the loudest line that does not jump too
often. In the second fit H_F0 is zero away from this line, and updates keep zeros. Sounds without a pitch, such as "s"
and "t", and everything above 8 kHz are not part of the model of the voice: they stay with the accompaniment.

Symbols: V[f, n] power; W_F0[f, u] combs, H_F0[u, n] sources; W_G[f, p] atoms, H_G[p, k] shapes, H_P[k, n] filters;
W_M[f, r] templates, H_M[r, n] activations; Y model, D(V|Y) Itakura-Saito divergence (`beta.divergence` with beta 0).

The combs and atoms come from `vocal_tract`, the line from `melody`. Contents: SourceFilter, fit, separate.
Lesson: notebooks/06_nmf_that_knows_time.ipynb
"""

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import checks, masks, memory, options, transforms, units
from ..chunks import CHUNK_S, FADE_S, chunks
from ..common_rate import at_common_rate
from ..score import notes
from ..score.guards import check_score
from ..score.notes import Score
from ..score.roll import note_frames
from ..silence import between_silences
from ..updates import improve, least_model
from . import beta as nmf
from .entries import SOURCE_FILTER
from .melody import JUMP_PENALTY, SILENCE_DB, WIDTH_SEMITONES, melody, near
from .vocal_tract import ATOMS, HIGHEST_HZ, LOWEST_HZ, filter_atoms, fundamentals_hz, source_combs

FILTERS = 10
RANK = 40
ITERATIONS = 30
RUNS = 8
WINDOW_S = 4096 / 44_100

# A voice has few audible harmonics above this frequency, and cymbals have much energy there.
VOICE_TOP_HZ = 8_000.0

# Memory for each bin: per channel, its transform; for the bins below that limit, the terms of the model. And for each
# row of the model, each of its frequencies and frames.
STFT_BYTES = 16
SPECTROGRAM_BYTES = 40
FIT_BYTES = 16

# The name of the source of a score that is the voice, and how far the voice may deviate from the written notes.
VOICE = "voice"
SCORE_SEMITONES = 1.0

# The factors in the order of their updates.
BLOCKS = ("sources", "filters", "activations", "shapes", "templates")


@dataclasses.dataclass(frozen=True)
class SourceFilter:
    """The result of `fit`.

    Attributes
    ----------
    combs, atoms : float (freq, combs), (freq, atoms)
        The given ones.
    sources : float (combs, frames)
        H_F0: power of each pitch in each frame, before the filter.
    shapes, filters : float (atoms, filters), (filters, frames)
        Both with columns that add up to 1.
    templates, activations : float (freq, components), (components, frames)
        Of the accompaniment; columns of the templates add up to 1.
    divergences : float64 (1 + 5 * iterations,)
        D(V|Y) before the first update and after the update of each block, in the order of `BLOCKS`.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb
    """

    combs: np.ndarray
    atoms: np.ndarray
    sources: np.ndarray
    shapes: np.ndarray
    filters: np.ndarray
    templates: np.ndarray
    activations: np.ndarray
    divergences: np.ndarray

    @property
    def voice(self) -> np.ndarray:
        """Power of the voice in the model, (freq, frames)."""
        result: np.ndarray = (self.combs @ self.sources) * (self.atoms @ self.shapes @ self.filters)
        return result

    @property
    def accompaniment(self) -> np.ndarray:
        """Power of the rest, (freq, frames)."""
        result: np.ndarray = self.templates @ self.activations
        return result


def fit(
    power: np.ndarray,
    combs: np.ndarray,
    atoms: np.ndarray,
    *,
    filters: int = FILTERS,
    rank: int = RANK,
    iterations: int = ITERATIONS,
    sources: np.ndarray | None = None,
    rng: np.random.Generator,
) -> SourceFilter:
    """Fit the model to a power spectrogram by multiplicative updates, one factor at a time.

    Parameters
    ----------
    power : real >= 0 (freq, frames)
        V. Values more than 100 dB below the loudest bin are raised to that limit.
    combs : real >= 0 (freq, combs)
        As returned by `vocal_tract.source_combs`.
    atoms : real >= 0 (freq, atoms)
        As returned by `vocal_tract.filter_atoms`.
    filters, rank : int >= 1
        The number of filters of the voice, and of components of the accompaniment.
    iterations : int >= 0
        Each iteration updates the five factors that are learnt, in the order of `BLOCKS`.
    sources : real >= 0 (combs, frames), optional
        Initial sources at any level; zeros stay zeros. Default: every pitch in every frame.
    rng : numpy.random.Generator
        Draws the other factors.

    Returns
    -------
    SourceFilter

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays are not magnitudes or do not fit each other, or an option is out of its range.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Durrieu, Richard, David and Févotte, IEEE TASLP 2010.
    Difference: a step that would raise the divergence is undone and its square root is taken instead, which is proven
    not to raise it; the sources do not start at random.
    """
    V, scale, x = _started(power, combs, atoms, filters, rank, sources, rng)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    divergences = [0.0]
    if V.any():
        parts = _Parts(V, combs.astype(V.dtype), atoms.astype(V.dtype), x)
        divergences = [parts.divergence]
        for _ in range(iterations):
            for block in BLOCKS:
                parts.update(block)
                divergences.append(parts.divergence)
    x["sources"] = x["sources"] / np.asarray(scale, V.dtype)
    x["activations"] = x["activations"] / np.asarray(scale, V.dtype)
    return SourceFilter(combs=combs, atoms=atoms, divergences=np.array(divergences), **x)


class _Parts:
    """The model while it is being fitted: its factors x, the three spectrograms that they make, and their quotient."""

    def __init__(self, V: np.ndarray, combs: np.ndarray, atoms: np.ndarray, x: dict[str, np.ndarray]) -> None:
        self.V, self.combs, self.atoms, self.x = V, combs, atoms, x
        for block in ("sources", "filters", "templates"):
            self._remake(block)
        self.divergence = self._compare()

    def update(self, block: str) -> None:
        first, second = self._terms(block)
        before, divergence_before = self.x[block], self.divergence
        # The full step is twice as fast, and nearly always lowers the divergence; the square root is proven to.
        for exponent in (1.0, 0.5, 0.0):
            self.x[block] = improve(before, first, second, exponent) if exponent else before
            self._remake(block)
            self.divergence = self._compare()
            if self.divergence <= divergence_before:
                break
        self._normalise(block)

    def _remake(self, block: str) -> None:
        x = self.x
        if block == "sources":
            self.source = self.combs @ x["sources"]
        elif block in ("filters", "shapes"):
            self.filter = self.atoms @ x["shapes"] @ x["filters"]
        else:
            self.rest = x["templates"] @ x["activations"]

    def _compare(self) -> float:
        Y = self.source * self.filter
        Y += self.rest
        Y += least_model(0.0, Y.dtype)
        self.inverse = np.reciprocal(Y, out=Y)
        self.quotient = self.V * self.inverse
        total = np.sum(self.quotient, dtype=np.float64) - np.sum(np.log(self.quotient), dtype=np.float64)
        return max(0.0, float(total) - self.V.size)

    def _terms(self, block: str) -> tuple[np.ndarray, np.ndarray]:
        """The two sums whose quotient is the update; their difference is the gradient."""
        x = self.x
        both = (self.quotient * self.inverse, self.inverse)
        if block == "sources":
            first, second = (self.combs.T @ (factor * self.filter) for factor in both)
        elif block == "filters":
            spectra = self.atoms @ x["shapes"]
            first, second = (spectra.T @ (factor * self.source) for factor in both)
        elif block == "shapes":
            first, second = (self.atoms.T @ ((factor * self.source) @ x["filters"].T) for factor in both)
        elif block == "activations":
            first, second = (x["templates"].T @ factor for factor in both)
        else:
            first, second = (factor @ x["activations"].T for factor in both)
        return first, second

    def _normalise(self, block: str) -> None:
        # The model stays the same: the scale of one factor moves to the next.
        x = self.x
        if block == "shapes":
            totals = _totals(x["shapes"])
            x["shapes"], x["filters"] = x["shapes"] / totals, x["filters"] * totals[:, np.newaxis]
        if block in ("shapes", "filters"):
            totals = _totals(x["filters"])
            x["filters"], x["sources"] = x["filters"] / totals, x["sources"] * totals
            self.filter, self.source = self.filter / totals, self.source * totals
        if block == "templates":
            totals = _totals(x["templates"])
            x["templates"], x["activations"] = x["templates"] / totals, x["activations"] * totals[:, np.newaxis]


def _working_bytes(
    recording: memory.Recording, *, lowest_hz: float, highest_hz: float, filters: int, rank: int, **_: Any
) -> float:
    settings = transforms.settings_for(recording.sample_rate_hz, WINDOW_S)
    bins, frames = recording.bins(CHUNK_S + FADE_S, settings), recording.frames(CHUNK_S + FADE_S, settings)
    modelled_fraction = min(1.0, 2 * VOICE_TOP_HZ / recording.sample_rate_hz)
    rows = len(fundamentals_hz(lowest_hz, highest_hz)) + memory.amount(filters, 1) + memory.amount(rank, 1)
    return (
        recording.float32_bytes
        + (STFT_BYTES * recording.channels + SPECTROGRAM_BYTES * modelled_fraction) * bins
        + FIT_BYTES * rows * (frames + settings["window_samples"] // 2)
    )


@options.within(SOURCE_FILTER.options)
@memory.limited("source-filter", _working_bytes)
@between_silences
@at_common_rate
def separate(
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    lowest_hz: float = LOWEST_HZ,
    highest_hz: float = HIGHEST_HZ,
    filters: int = FILTERS,
    rank: int = RANK,
    iterations: int = ITERATIONS,
    jump_penalty: float = JUMP_PENALTY,
    width_semitones: float = WIDTH_SEMITONES,
    silence_db: float = SILENCE_DB,
    tolerance_s: float = 0.2,
    runs: int = RUNS,
    rng: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Separate one singing voice from what accompanies it.

    Long recordings are processed in chunks of 30 s, so that memory does not grow with their length.

    Parameters
    ----------
    mixture : float (channels, samples)
        The model describes the power of all channels together; one mask is applied to all of them.
    sample_rate_hz : int
    score : Score, optional
        If one of its sources is named "voice", its notes define where the voice may sing: within a semitone of them.
        Any other score is ignored.
    lowest_hz, highest_hz : float > 0, Hz
        The range of the voice; the higher it begins, the less a bass is mistaken for the voice.
    filters, rank, iterations
        Passed to `fit`, which runs twice.
    jump_penalty, width_semitones, silence_db
        Passed to `melody.melody`; the second also limits how far from the melody the sources may be in the second fit.
    tolerance_s : float >= 0, seconds
        How far the score's times may be from those of the recording.
    runs : int >= 1
        Both fits start from random values, and what they end in depends on them: a change of the mixture at -70 dB may
        change the estimates at -10 dB. So both are repeated this often, and their sources and masks are averaged. The
        time grows with the number of runs.
    rng : numpy.random.Generator, optional
        Draws the initial values of the fits. Default: a new generator with seed 0.

    Returns
    -------
    dict of "voice" and "accompaniment" -> float32 (channels, samples)
        They add up to the mixture.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is not a waveform, the score is not a Score, or an option is out of its range.

    Lesson: notebooks/06_nmf_that_knows_time.ipynb. Reference: Durrieu, Richard, David and Févotte, IEEE TASLP 2010.
    Difference: one model for all channels, a longer window (93 ms), fewer pitches, and the mean of several runs;
    unpitched sounds are left out.
    """
    mixture = checks.check_waveform("mixture", mixture).astype(np.float32, copy=False)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    if score is not None:
        check_score(score)
    rng = np.random.default_rng(0) if rng is None else rng
    settings = transforms.settings_for(sample_rate_hz, WINDOW_S)
    spacing_hz = units.bins_to_hz(1, settings["window_samples"], sample_rate_hz)
    bins = min(settings["window_samples"] // 2, round(VOICE_TOP_HZ / spacing_hz)) + 1
    pitches_hz = fundamentals_hz(lowest_hz, highest_hz)
    pitches_hz = pitches_hz[pitches_hz < (bins - 1) * spacing_hz]
    combs = source_combs(pitches_hz, settings["window_samples"], sample_rate_hz, bins=bins)
    atoms = filter_atoms(bins, max(2, round(ATOMS * (bins - 1) * spacing_hz / VOICE_TOP_HZ)))
    model = functools.partial(fit, filters=filters, rank=rank, iterations=iterations, rng=rng)

    voice = np.zeros(mixture.shape, np.float32)
    for start, stop, gains in chunks(mixture.shape[1], sample_rate_hz):
        stft = transforms.stft(mixture[:, start:stop], **settings)
        power = np.sum(np.abs(stft[:, :bins]) ** 2, axis=0)
        allowed = np.ones((len(pitches_hz), power.shape[1]), bool)
        if score is not None and VOICE in score.sources:
            frame_rate_hz = sample_rate_hz / settings["hop_samples"]
            allowed = _written(
                notes.shift(score, -start / sample_rate_hz), pitches_hz, power.shape[1], frame_rate_hz, tolerance_s
            )
        sources, _ = _averaged(model(power, combs, atoms, sources=allowed) for _ in range(runs))
        line = melody(
            sources,
            pitches_hz,
            jump_penalty=jump_penalty,
            width_semitones=width_semitones,
            silence_db=silence_db,
        )
        allowed_near_melody = allowed & near(line, pitches_hz, width_semitones)
        used = allowed_near_melody.any(axis=1)
        near_melody = functools.partial(model, power, combs[:, used], atoms, sources=allowed_near_melody[used])
        stft[:, :bins] *= _averaged(near_melody() for _ in range(runs))[1]
        stft[:, bins:] = 0
        voice[:, start:stop] += gains * transforms.istft(stft, stop - start, **settings)
    return {VOICE: voice, "accompaniment": mixture - voice}


def _averaged(fits: Iterable[SourceFilter]) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the sources of several fits, (combs, frames), and of their masks of the voice, (freq, frames)."""
    # One fit after the other, since each has arrays of the size of the spectrogram.
    sums: list[np.ndarray] = []
    count = 0
    for one in fits:
        models = np.stack([one.voice, one.accompaniment])[:, np.newaxis]
        values = [one.sources, masks.wiener(models, exponent=1.0)[0, 0]]
        sums = [total + value for total, value in zip(sums, values, strict=True)] if sums else values
        count += 1
    return sums[0] / count, sums[1] / count


def _written(score: Score, pitches_hz: np.ndarray, frames: int, frame_rate_hz: float, tolerance_s: float) -> np.ndarray:
    """Where the notes of the voice allow its sources to sound, bool (combs, frames)."""
    allowed = np.zeros((len(pitches_hz), frames), bool)
    for note in score.notes_of(VOICE):
        distance_semitones = 12 * np.abs(np.log2(pitches_hz / units.midi_to_hz(note.midi)))
        allowed[distance_semitones <= SCORE_SEMITONES, note_frames(note, frames, frame_rate_hz, tolerance_s)] = True
    return allowed


def _started(
    power: np.ndarray,
    combs: np.ndarray,
    atoms: np.ndarray,
    filters: int,
    rank: int,
    sources: np.ndarray | None,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float, dict[str, np.ndarray]]:
    """V with its largest value near 1, its scale, and initial factors: half of V each for voice and accompaniment."""
    checks.check_axes("power", power, "freq frames")
    V, scale, _ = nmf.prepared(power, 0.0)
    for name, array in (("combs", combs), ("atoms", atoms)):
        if len(checks.check_magnitude(name, array, f"freq {name}")) != len(V):
            raise checks.ShapeError(
                f"{name} must have as many frequencies as power, {len(V)}, got {len(array)}; use one transform's bins"
            )
    filters = checks.check_number("filters", filters, at_least=1, whole=True)
    rank = checks.check_number("rank", rank, at_least=1, whole=True)
    checks.check_generator("rng", rng)
    expected_shape = (combs.shape[1], V.shape[1])
    if sources is None:
        sources = np.ones(expected_shape)
    elif checks.check_magnitude("sources", sources, "combs frames").shape != expected_shape:
        raise checks.ShapeError(
            f"sources must be {expected_shape}, a row for each comb and a column for each frame, got shape "
            f"{sources.shape}; make them with melody.near"
        )

    def drawn(*shape: int) -> np.ndarray:
        # Values near 0 would need many updates to grow again.
        values = np.abs(rng.standard_normal(shape)) + 0.01
        result: np.ndarray = (values / _totals(values)).astype(V.dtype)
        return result

    x = {
        "sources": sources.astype(V.dtype),
        "shapes": drawn(atoms.shape[1], filters),
        "filters": drawn(filters, V.shape[1]),
        "templates": drawn(len(V), rank),
        "activations": drawn(rank, V.shape[1]),
    }
    half = V.mean(dtype=np.float64) / 2 if V.any() else 0.0
    rest = (x["templates"] @ x["activations"]).mean(dtype=np.float64)
    x["activations"] *= np.asarray(half / rest, V.dtype)
    voice = ((combs @ x["sources"]) * (atoms @ x["shapes"] @ x["filters"])).mean(dtype=np.float64)
    x["sources"] *= np.asarray(half / voice if voice > 0 else 0, V.dtype)
    return V, scale, x


def _totals(columns: np.ndarray) -> np.ndarray:
    totals = columns.sum(axis=0)
    result: np.ndarray = np.where(totals > 0, totals, totals.dtype.type(1))
    return result
