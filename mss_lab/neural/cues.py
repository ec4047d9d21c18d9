"""What a refiner is told of a recording besides its sound, and batches of it to train on.

Cues are the models of score-informed NMF, and for every player and frame the fundamental of the note that is written
there, and for how long this note is heard in the whole recording: NMF knows best what it has heard most. Where a player
rests, it is that of the nearest note, since notes ring on and scores are a little wrong.

A store of cues (`mss_lab.neural.make_cues` makes one) has pieces for one number of players; batches are drawn from
several, so that a network meets duets and quintets.

Contents: fundamentals, Batches, batches. Lesson: notebooks/18_with_a_score_from_a_score.ipynb
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .. import checks, units
from ..datasets.store import Store
from ..refusals import RefusedValue

# Keeps these draws apart from those of anybody else who starts from the same seed.
STREAM = 0xC0E
# How far from its note in time a fundamental is still given, and how far the note is still said to sound.
NEAR_S = 0.25
SOUNDING_S = 0.06


def fundamentals(
    notes: np.ndarray, players: int, frames: int, frame_s: float, bin_hz: float, *, start_s: float = 0.0,
    tuning_hz: float = units.A4_HZ,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Where the harmonics of each player lie, whether a note is written, and how well it can be known.

    Parameters
    ----------
    notes : float (notes, 4)
        All of the recording: index of the player, pitch (MIDI number), onset and offset in seconds.
    players, frames : int
    frame_s, bin_hz : float
        Distance of frames in seconds, and of bins in Hz.
    start_s : float
        Where the first frame is centred.
    tuning_hz : float
        Frequency of A4.

    Returns
    -------
    dict of float32 (players, frames)
        `fundamentals`, in bins, of the nearest note within a quarter of a second, and of several that sound the first;
        0 elsewhere. `sounding`, 1 where a note is written, give or take 60 ms, else 0. `heard_s`, seconds for which
        the recording has notes of the same pitch by the same player; 0 where there is no fundamental.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Source: ours.
    """
    times_s = start_s + np.arange(frames) * frame_s
    notes = np.asarray(notes, float).reshape(-1, 4)
    heard_s: dict[tuple[float, float], float] = {}
    for player, midi, onset_s, offset_s in notes:
        heard_s[player, midi] = heard_s.get((player, midi), 0.0) + offset_s - onset_s
    found, known_s = np.zeros((2, players, frames), np.float32)
    distance_s = np.full((players, frames), np.inf)
    for player, midi, onset_s, offset_s in notes:
        # Only frames that the note can reach are looked at.
        reach = slice(
            max(0, int((onset_s - NEAR_S - start_s) / frame_s)),
            max(0, int((offset_s + NEAR_S - start_s) / frame_s) + 2),
        )
        away_s = np.maximum(np.maximum(onset_s - times_s[reach], times_s[reach] - offset_s), 0.0)
        nearer = (away_s < distance_s[int(player), reach]) & (away_s < NEAR_S)
        found[int(player), reach][nearer] = units.midi_to_hz(midi, tuning_hz) / bin_hz
        known_s[int(player), reach][nearer] = heard_s[player, midi]
        distance_s[int(player), reach][nearer] = away_s[nearer]
    return {"fundamentals": found, "sounding": (distance_s <= SOUNDING_S).astype(np.float32), "heard_s": known_s}


def batches(stores: Sequence[Store], *, length_frames: int, batch: int, seed: int) -> "Batches":
    """A function from the number of a step to its batch, of one store at a time.

    Parameters
    ----------
    stores : sequence of stores of cues
        A store is drawn as often as it has items.
    length_frames : int >= 1
        Of a segment. A piece that is shorter is followed by silence.
    batch : int >= 1
        Segments a step.
    seed : int >= 0

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range, a store holds no cues, or two differ in their grid.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    length_frames = checks.check_number("length_frames", length_frames, at_least=1, whole=True, unit="frames")
    batch = checks.check_number("batch", batch, at_least=1, whole=True)
    seed = checks.check_number("seed", seed, at_least=0, whole=True)
    if not stores:
        raise RefusedValue("stores must name at least one store of cues, got none")
    for store in stores:
        if store.facts.get("kind") != "cues":
            raise RefusedValue(f"{store.folder} must be a store of cues; make it with mss-lab data cues")
        if store.facts["grid"] != stores[0].facts["grid"]:
            raise RefusedValue(
                f"{store.folder} must have the grid of {stores[0].folder}; make both with the same settings"
            )
    return Batches(tuple(stores), length_frames, batch, seed)


@dataclasses.dataclass(frozen=True)
class Batches:
    """Batches by step; `batches` makes one, and says what its fields are.

    Called with a step: `sources` (batch, players, samples), `models` (batch, players, bins, frames), `fundamentals`,
    `sounding` and `heard_s` (batch, players, frames). Pieces begin and end at frames, so frames are those of the
    segment's own transform but for its ends.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """

    stores: tuple[Store, ...]
    length_frames: int
    batch: int
    seed: int

    @property
    def grid(self) -> dict[str, int]:
        """Sample rate, window and hop of the models."""
        return dict(self.stores[0].facts["grid"])

    @property
    def facts(self) -> dict[str, Any]:
        """What decides the batches, for JSON."""
        return {
            "length_frames": self.length_frames,
            "batch": self.batch,
            "seed": self.seed,
            "stores": [{"items": len(store), **store.facts} for store in self.stores],
        }

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a step."""
        rng = np.random.default_rng((STREAM, self.seed, step))
        sizes = np.array([len(store) for store in self.stores])
        store = self.stores[rng.choice(len(sizes), p=sizes / sizes.sum())]
        segments = [self._segment(store[int(rng.integers(len(store)))], rng.random()) for _ in range(self.batch)]
        return {name: torch.from_numpy(np.stack([segment[name] for segment in segments])) for name in segments[0]}

    def _segment(self, item: dict[str, np.ndarray], place: float) -> dict[str, np.ndarray]:
        grid, frames = self.grid, self.length_frames
        hop, rate_hz = grid["hop_samples"], grid["sample_rate_hz"]
        audio, models = item["audio"], item["models"]
        first = int(place * (max(0, models.shape[2] - frames) + 1))
        # As many samples as have this many frames.
        samples = (frames - 1) * hop
        piece = audio[:, first * hop : first * hop + samples].astype(np.float32)
        heard = models[:, :, first : first + frames].astype(np.float32)
        bin_hz = rate_hz / grid["window_samples"]
        told = fundamentals(item["notes"], len(audio), frames, hop / rate_hz, bin_hz, start_s=first * hop / rate_hz)
        return {
            "sources": np.pad(piece, ((0, 0), (0, samples - piece.shape[1]))),
            "models": np.pad(heard, ((0, 0), (0, 0), (0, frames - heard.shape[2]))),
            **told,
        }
