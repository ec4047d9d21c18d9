"""The data of a recipe: a folder of examples becomes batches, validation batches and whole songs.

A recipe names its kind of data with its options: `SongData`, songs whose segments are cut and mixed anew at every step,
or `CueData`, whole pieces with the models that NMF learned from them. `open` reads the stores of a folder and gives
`TrainingData`, the only form of data that `mss_lab.neural.train.train` uses. A recipe of your own may have a class of
its own with the same `open`.

Contents: VALIDATION_SEED, TrainingData, RecipeData, SongData, CueData, stores_in, song_stores, mean_sdr_db,
separate_by_chunks, separate_by_refining. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from .. import checks
from ..datasets.store import MANIFEST, Store, open_store
from ..metrics import energy
from ..refusals import RefusedValue
from ..score.notes import Note, Score
from . import cues, segments
from .contracts import Batch, Batches, Network, trains_with_notes

# The segments of validation are the same in every run of a recipe.
VALIDATION_SEED = 1_000_003

Separate = Callable[[Network, np.ndarray, int, Score], Mapping[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """Data that were opened for one run.

    Attributes
    ----------
    network_settings : dict
        The settings of the network that follow from the data, such as its sources and its sample rate.
    batches : function of a network
        Gives its training batches.
    validation : function of a network
        Gives the list of its validation batches.
    validated_on : {"valid", "train"}
        The set of songs from which the validation batches are drawn.
    facts : dict
        For the card: origin and number of the examples, the pieces that are not trained on, and all seeds.
    song_sdr_db : function of a network
        Gives the mean SDR in dB over the sources of whole validation songs.
    """

    network_settings: Mapping[str, Any]
    batches: Callable[[Network], Batches]
    validation: Callable[[Network], list[Batch]]
    validated_on: str
    facts: Mapping[str, Any]
    song_sdr_db: Callable[[Network], float]


class RecipeData(Protocol):
    """A kind of data: a frozen dataclass of options, with the function that opens a folder."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def open(self, data: str | os.PathLike[str], valid: str | os.PathLike[str] | None, seed: int) -> TrainingData:
        """Open the examples of a folder and of a validation folder; RefusedValue if they do not suit."""


@dataclasses.dataclass(frozen=True)
class SongData:
    """Songs: stems with notes, as `mss_lab.datasets.training_store` and `mss-lab data training` store them.

    Attributes
    ----------
    sample_rate_hz : int
        Sample rate that the songs must have.
    segment_s : float
        Length of the segments.
    batch : int
        Segments in a batch.
    gains : (low, high)
        A gain for each source of each segment is drawn from this range.
    incoherent : float in [0, 1]
        Probability that the sources of a segment come from different songs.
    moved_notes : float in [0, 1]
        Probability that notes of a segment are given to other sources with their sound, so that a network that reads
        notes follows them.
    validate_batches : int
    songs : int
        Number of whole validation songs that are separated, if the options of the run request it.
    """

    sample_rate_hz: int = 16_000
    segment_s: float = 6.0
    batch: int = 8
    gains: tuple[float, float] = (0.25, 1.25)
    incoherent: float = 0.0
    moved_notes: float = 0.0
    validate_batches: int = 8
    songs: int = 4

    def __post_init__(self) -> None:
        checks.check_sample_rate(self.sample_rate_hz)
        checks.check_number("segment_s", self.segment_s, above=0, unit="seconds")
        if not isinstance(self.gains, tuple) or len(self.gains) != 2:
            raise RefusedValue(
                f"gains must be the lowest and the highest gain, such as [0.25, 1.25], got {self.gains!r}"
            )
        for name in ("batch", "validate_batches", "songs"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)

    def open(self, data: str | os.PathLike[str], valid: str | os.PathLike[str] | None, seed: int) -> TrainingData:
        """Open a store of songs, or a folder with two stores, `train` and `valid`."""
        store, valid_store = song_stores(Path(data), valid)
        for opened in filter(None, (store, valid_store)):
            self._check(opened, store)
        validation_store = valid_store or store

        def batches(model: Network) -> segments.Batches:
            drawn = {**self._segment_options(model), "incoherent": self.incoherent, "moved_notes": self.moved_notes}
            return segments.batches(store, seed=seed, **drawn)

        def validation(model: Network) -> list[Batch]:
            validation_batches = segments.batches(
                validation_store, seed=VALIDATION_SEED, **self._segment_options(model)
            )
            return [validation_batches(number) for number in range(self.validate_batches)]

        def song_sdr_db(model: Network) -> float:
            songs = [validation_store[index] for index in range(min(self.songs, len(validation_store)))]
            return mean_sdr_db(model, songs, model.sources, self.sample_rate_hz, separate_by_chunks)

        return TrainingData(
            network_settings={"sources": store.facts["sources"], "sample_rate_hz": self.sample_rate_hz},
            batches=batches,
            validation=validation,
            validated_on="valid" if valid_store else "train",
            facts={
                "items": len(store),
                **store.facts,
                "validation": None if valid_store is None else {"items": len(valid_store), **valid_store.facts},
                "validation_seed": VALIDATION_SEED,
            },
            song_sdr_db=song_sdr_db,
        )

    def _segment_options(self, model: Network) -> dict[str, Any]:
        return {
            "length_samples": round(self.segment_s * self.sample_rate_hz),
            "batch": self.batch,
            "gains": self.gains,
            "roll_hop_samples": model.hop_samples if trains_with_notes(model) else None,
        }

    def _check(self, store: Store, other: Store) -> None:
        missing = [fact for fact in ("sources", "sample_rate_hz") if fact not in store.facts]
        if missing:
            raise RefusedValue(
                f"{store.folder} must be a store of songs, got one without {' and '.join(missing)} in its facts"
            )
        if store.facts["sample_rate_hz"] != self.sample_rate_hz:
            raise RefusedValue(
                f"{store.folder} must be at {self.sample_rate_hz} Hz for this recipe, got "
                f"{store.facts['sample_rate_hz']} Hz; make the data at that rate, or set "
                f"data.sample_rate_hz={store.facts['sample_rate_hz']}"
            )
        if store.facts["sources"] != other.facts["sources"]:
            raise RefusedValue(
                f"{store.folder} must have the sources {', '.join(other.facts['sources'])}, as {other.folder} has, got "
                f"{', '.join(store.facts['sources'])}"
            )


@dataclasses.dataclass(frozen=True)
class CueData:
    """Cues of a refiner: pieces with the models of NMF, as `mss-lab data cues` stores them.

    Attributes
    ----------
    length_frames : int
        Length of the segments; 94 frames are six seconds.
    batch : int
        Segments in a batch.
    validate_batches : int
    songs : int
        Number of whole validation pieces that are separated, if the options of the run request it.
    """

    length_frames: int = 94
    batch: int = 1
    validate_batches: int = 32
    songs: int = 4

    def __post_init__(self) -> None:
        for name in ("length_frames", "batch", "validate_batches", "songs"):
            checks.check_number(name, getattr(self, name), at_least=1, whole=True)

    def open(self, data: str | os.PathLike[str], valid: str | os.PathLike[str] | None, seed: int) -> TrainingData:
        """Open a folder with stores of cues in `train` and `valid`, one store for each number of players."""
        stores = stores_in(Path(data) / "train")
        valid_stores = stores_in(Path(data) / "valid" if valid is None else Path(valid))
        training_batches = cues.batches(stores, length_frames=self.length_frames, batch=self.batch, seed=seed)
        validation_batches = cues.batches(valid_stores, length_frames=self.length_frames, batch=1, seed=VALIDATION_SEED)

        def song_sdr_db(model: Network) -> float:
            pieces = [store[index] for index in range(self.songs) for store in valid_stores if index < len(store)]
            values = []
            for piece in pieces[: self.songs]:
                players = tuple(f"player {number + 1}" for number in range(len(piece["audio"])))
                values.append(mean_sdr_db(model, [piece], players, model.sample_rate_hz, separate_by_refining))
            return float(np.mean(values))

        return TrainingData(
            network_settings={**training_batches.grid, "bins": stores[0].facts["bins"]},
            batches=lambda model: training_batches,
            validation=lambda model: [validation_batches(number) for number in range(self.validate_batches)],
            validated_on="valid",
            facts={
                **training_batches.facts,
                "validation": [{"items": len(store), **store.facts} for store in valid_stores],
                "validation_seed": VALIDATION_SEED,
            },
            song_sdr_db=song_sdr_db,
        )


def stores_in(folder: Path) -> list[Store]:
    """All stores of a folder, in the order of their names; RefusedValue if there are none."""
    folders = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    if not folders:
        raise RefusedValue(f"{folder} must hold stores of cues, got none; make them: mss-lab data cues")
    return [open_store(path) for path in folders]


def mean_sdr_db(
    model: Network,
    songs: Sequence[Mapping[str, np.ndarray]],
    sources: Sequence[str],
    sample_rate_hz: int,
    separate: Separate,
) -> float:
    """Mean SDR in dB over the sounding sources of whole songs, each separated with its own score.

    Parameters
    ----------
    model : Network
    songs : sequence of items of a store
        With `audio` (sources, samples) and `notes` (notes, 4), as `mss_lab.datasets.store` describes them.
    sources : sequence of str
        Names of the sources.
    sample_rate_hz : int
    separate : function of network, mixture (1, samples), sample rate and score
        It gives a dict of source name -> (1, samples).
    """
    values = []
    for song in songs:
        audio = song["audio"].astype(np.float32)
        notes = tuple(Note(sources[int(row[0])], float(row[1]), float(row[2]), float(row[3])) for row in song["notes"])
        score = Score(notes, tuple(sources))
        estimates = separate(model, audio.sum(axis=0, keepdims=True), sample_rate_hz, score)
        for source, stem in zip(sources, audio, strict=True):
            if stem.any():
                values.append(energy.sdr(stem[None], estimates[source]))
    if not values:
        raise RefusedValue("songs must hold a source that sounds, got only silence; give other songs to validate with")
    return float(np.mean(values))


def separate_by_chunks(
    model: Network, mixture: np.ndarray, sample_rate_hz: int, score: Score
) -> Mapping[str, np.ndarray]:
    """Estimates of a network that needs only the mixture, or mixture and score; see `mss_lab.neural.apply`."""
    # Imported here, since training must not need the libraries of an inference at other sample rates.
    from . import apply

    return apply.separate(model, mixture, sample_rate_hz, score, even_level=True)


def separate_by_refining(
    model: Network, mixture: np.ndarray, sample_rate_hz: int, score: Score
) -> Mapping[str, np.ndarray]:
    """Estimates of a refiner, whose NMF learns from each mixture; see `mss_lab.neural.refine`."""
    from . import refine

    network: Any = model
    estimates: dict[str, np.ndarray] = refine.separate(mixture, sample_rate_hz, score, weights=network)
    return estimates


def song_stores(data: Path, valid: str | os.PathLike[str] | None) -> tuple[Store, Store | None]:
    """The store of a folder, or its stores `train` and `valid`, and that of a validation folder, if there is one."""
    nested = (data / "train").is_dir()
    if valid is None and nested and (data / "valid").is_dir():
        valid = data / "valid"
    return open_store(data / "train" if nested else data), None if valid is None else open_store(valid)
