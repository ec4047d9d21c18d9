"""Batches of segments that are cut at random from a store of songs, with their piano rolls.

The batch of a step depends only on the seed and the number of the step, not on earlier steps. So a run that was stopped
continues with the same batches, and several processes can each make their share of one batch.

Contents: Songs, roll_of, batches, Batches. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from .. import checks
from ..refusals import RefusedValue
from ..score.roll import PITCHES, ROUNDING_FRAMES
from .moved_notes import give_away

# Keeps these draws independent of other draws from the same seed.
STREAM = 0x5E6
# Of the notes that move. With the same first number, a generator whose last number is 0 would repeat the other's draws.
MOVES = 0x307


class Songs(Protocol):
    """The songs that batches are cut from: a store of songs, or a list with facts."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """A mapping with at least `sources` and `sample_rate_hz`."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Mapping[str, np.ndarray]: ...


def roll_of(
    notes: np.ndarray, sources_count: int, frames: int, frame_rate_hz: float, start_s: float = 0.0
) -> np.ndarray:
    """Piano roll of each source: which pitch sounds in which frame, by the rule of `mss_lab.score.roll.piano_roll`.

    Parameters
    ----------
    notes : float (notes, 4)
        Index of the source, pitch (MIDI number), onset and offset in seconds.
    sources_count, frames : int
    frame_rate_hz : float
        Sample rate / hop.
    start_s : float
        Time of the centre of the first frame.

    Returns
    -------
    float32 (sources, frames, 128)
        0 and 1; time comes before pitch, as networks read it.

    Lesson: notebooks/15_data_is_the_model.ipynb. Reference: Tunturi et al. 2025 (binary roll, no velocity).

    Examples
    --------
    >>> roll = roll_of([[0, 69, 0.1, 0.3]], sources_count=1, frames=5, frame_rate_hz=10)
    >>> roll.shape, np.flatnonzero(roll[0, :, 69])
    ((1, 5, 128), array([1, 2]))
    """
    roll = np.zeros((sources_count, frames, PITCHES), np.float32)
    notes = np.asarray(notes, np.float64).reshape(-1, 4)
    first = np.floor((notes[:, 2] - start_s) * frame_rate_hz + ROUNDING_FRAMES).clip(0, frames).astype(int)
    last = np.ceil((notes[:, 3] - start_s) * frame_rate_hz - ROUNDING_FRAMES).clip(0, frames).astype(int)
    for index in np.flatnonzero(last > first):
        source, midi = int(notes[index, 0]), int(np.floor(notes[index, 1] + 0.5))
        roll[source, first[index] : last[index], midi] = 1
    return roll


def batches(
    store: Songs,
    *,
    length_samples: int,
    batch: int,
    seed: int,
    gains: tuple[float, float] = (0.25, 1.25),
    incoherent: float = 0.0,
    moved_notes: float = 0.0,
    roll_hop_samples: int | None = None,
    items: Sequence[int] | None = None,
) -> "Batches":
    """A function from the number of a step to its batch.

    Parameters
    ----------
    store : store of songs
        Items with `audio` (sources, samples) and `notes` (notes, 4); facts with `sources` and `sample_rate_hz`.
    length_samples : int >= 1
        Length of a segment. A shorter song is followed by silence.
    batch : int >= 1
        Segments in a batch.
    seed : int >= 0
    gains : (low, high)
        Each source of each segment is multiplied by a number that is uniformly distributed in this range.
    incoherent : float in [0, 1]
        Probability that each source of a segment comes from a song and a position of its own: the sources then share
        neither key nor beat.
    roll_hop_samples : int, optional
        Hop of the frames of the rolls; if it is left out, there are no rolls.
    items : sequence of int, optional
        The items to draw from; all if it is left out.

    Returns
    -------
    Batches
        Called with a step: `sources`, float32 (batch, sources, samples), and `rolls`, float32 (batch, sources, frames,
        128) with 1 + samples // hop frames. Its `part(step, rank, ranks)` is one process's share of the same batch,
        and its `facts` hold all that decides the batches.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range, or the store holds no songs.

    Lesson: notebooks/15_data_is_the_model.ipynb. Reference: Tunturi et al. 2025 (random segments, gains of 0.25 to
    1.25).
    """
    length_samples = checks.check_number("length_samples", length_samples, at_least=1, whole=True, unit="samples")
    batch = checks.check_number("batch", batch, at_least=1, whole=True)
    seed = checks.check_number("seed", seed, at_least=0, whole=True)
    low, high = (checks.check_number("gains", gain, at_least=0) for gain in gains)
    checks.check_number("incoherent", incoherent, at_least=0, at_most=1)
    checks.check_number("moved_notes", moved_notes, at_least=0, at_most=1)
    if moved_notes and roll_hop_samples is None:
        raise RefusedValue("moved_notes needs a network that reads notes, got one without rolls; set it to 0")
    if roll_hop_samples is not None:
        roll_hop_samples = checks.check_number("roll_hop_samples", roll_hop_samples, at_least=1, whole=True)
    missing = [fact for fact in ("sources", "sample_rate_hz") if fact not in store.facts]
    if missing:
        raise RefusedValue(f"store must be one of songs, with {', '.join(missing)} among its facts; got {store!r}")
    chosen = tuple(range(len(store))) if items is None else tuple(int(item) for item in items)
    if not chosen:
        raise RefusedValue("items must name at least one item of the store, got none")
    gains = (min(low, high), max(low, high))
    return Batches(store, length_samples, batch, seed, gains, incoherent, roll_hop_samples, chosen, moved_notes)


@dataclasses.dataclass(frozen=True)
class Batches:
    """The batch of each step; made by `batches`, which describes the fields.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """

    store: Songs
    length_samples: int
    batch: int
    seed: int
    gains: tuple[float, float]
    incoherent: float
    roll_hop_samples: int | None
    items: tuple[int, ...]
    moved_notes: float = 0.0

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order of the batches."""
        return tuple(self.store.facts["sources"])

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of the store, and so of the batches."""
        return int(self.store.facts["sample_rate_hz"])

    @property
    def facts(self) -> dict[str, Any]:
        """All that decides the batches, for JSON: equal facts give equal batches."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "store"}
        if not self.moved_notes:
            # As before there was this option, so that runs of that time can go on.
            del own["moved_notes"]
        all_items = self.items == tuple(range(len(self.store)))
        return {**own, "items": len(self.items) if all_items else list(self.items), "store": dict(self.store.facts)}

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a step."""
        return self.part(step, 0, 1)

    def part(self, step: int, rank: int, ranks: int) -> dict[str, torch.Tensor]:
        """The segments of a step's batch for process `rank` of `ranks`: the same number for each process."""
        if self.batch % ranks:
            raise RefusedValue(
                f"batch must be a multiple of the number of processes, {ranks}, got {self.batch}; "
                f"choose {self.batch + ranks - self.batch % ranks}, or other devices"
            )
        rng = np.random.default_rng((STREAM, self.seed, step))
        share = self.batch // ranks
        # Every process draws for all segments, which takes no time, and reads only its own.
        draws = [self._draw(rng) for _ in range(self.batch)][rank * share : (rank + 1) * share]
        segments = [self._moved(self._segment(*draw), step, rank * share + i) for i, draw in enumerate(draws)]
        return {name: torch.from_numpy(np.stack([segment[name] for segment in segments])) for name in segments[0]}

    def _moved(self, segment: dict[str, np.ndarray], step: int, index: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng((MOVES, self.seed, step, index))
        if self.roll_hop_samples is None or rng.random() >= self.moved_notes:
            return segment
        sources, rolls = give_away(segment["sources"], segment["rolls"], self.roll_hop_samples, rng)
        return {"sources": sources, "rolls": rolls}

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Item, position (between 0 and 1 of the possible starts in the song) and gain of each source. The number of
        # draws is the same in all cases.
        count = len(self.sources)
        chosen, positions = rng.integers(len(self.items), size=count), rng.random(count)
        if rng.random() >= self.incoherent:
            chosen[:], positions[:] = chosen[0], positions[0]
        return chosen, positions, rng.uniform(*self.gains, size=count)

    def _segment(self, chosen: np.ndarray, positions: np.ndarray, gains: np.ndarray) -> dict[str, np.ndarray]:
        sources = np.zeros((len(self.sources), self.length_samples), np.float32)
        rolls: list[np.ndarray] = []
        hop, rate_hz = self.roll_hop_samples, self.sample_rate_hz
        for index, (item, position, gain) in enumerate(zip(chosen, positions, gains, strict=True)):
            song = self.store[self.items[item]]
            audio = song["audio"][index]
            start = int(position * (max(0, len(audio) - self.length_samples) + 1))
            piece = audio[start : start + self.length_samples]
            sources[index, : len(piece)] = np.float32(gain) * piece.astype(np.float32)
            if hop is not None:
                source_notes = song["notes"][song["notes"][:, 0] == index] * (0, 1, 1, 1)
                rolls.append(
                    roll_of(source_notes, 1, 1 + self.length_samples // hop, rate_hz / hop, start / rate_hz)[0]
                )
        return {"sources": sources} if hop is None else {"sources": sources, "rolls": np.stack(rolls)}
