"""The input of a refiner besides the mixture, called cues, and batches of cues to train on.

Cues are the models of score-informed NMF and, for every player and frame, the fundamental frequency of the written
note and the total length of the notes of this pitch and player in the whole recording: the longer they are, the better
NMF learns their template. Where a player rests, the cues are those of the nearest note, since notes decay after their
offset and the times of scores are not exact.

A store of cues (`mss_lab.neural.make_cues` makes one) has pieces for one number of players. Batches are drawn from
several stores, so that a network is trained on duets as well as on quintets.

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

# Keeps these draws independent of other draws from the same seed.
STREAM = 0xC0E
# Frames this near to a note have its fundamental, and frames this near count as sounding.
NEAR_S = 0.25
SOUNDING_S = 0.06


def fundamentals(
    notes: np.ndarray, players: int, frames: int, frame_s: float, bin_hz: float, *, start_s: float = 0.0,
    tuning_hz: float = units.A4_HZ,
) -> dict[str, np.ndarray]:  # fmt: skip
    """For each player and frame: the fundamental of the note, whether a note is written, and the length of its key.

    Parameters
    ----------
    notes : float (notes, 4)
        All notes of the recording: index of the player, pitch (MIDI number), onset and offset in seconds.
    players, frames : int
    frame_s, bin_hz : float
        Distance between frames in seconds, and between bins in Hz.
    start_s : float
        Time of the centre of the first frame.
    tuning_hz : float
        Frequency of A4.

    Returns
    -------
    dict of float32 (players, frames)
        `fundamentals`: in bins, that of the nearest note within a quarter of a second, and of the first in the list
        where several notes are equally near; 0 elsewhere. `sounding`: 1 where a note is written, within 60 ms, else 0.
        `key_length_s`: total length of the notes of the same pitch and player in the recording, in seconds; 0 where
        there is no fundamental.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Reference: none, own method.
    """
    times_s = start_s + np.arange(frames) * frame_s
    notes = np.asarray(notes, float).reshape(-1, 4)
    total_s: dict[tuple[float, float], float] = {}
    for player, midi, onset_s, offset_s in notes:
        total_s[player, midi] = total_s.get((player, midi), 0.0) + offset_s - onset_s
    fundamentals_bins, key_length_s = np.zeros((2, players, frames), np.float32)
    distance_s = np.full((players, frames), np.inf)
    for player, midi, onset_s, offset_s in notes:
        # Frames further away cannot belong to the note.
        near = slice(
            max(0, int((onset_s - NEAR_S - start_s) / frame_s)),
            max(0, int((offset_s + NEAR_S - start_s) / frame_s) + 2),
        )
        away_s = np.maximum(np.maximum(onset_s - times_s[near], times_s[near] - offset_s), 0.0)
        nearer = (away_s < distance_s[int(player), near]) & (away_s < NEAR_S)
        fundamentals_bins[int(player), near][nearer] = units.midi_to_hz(midi, tuning_hz) / bin_hz
        key_length_s[int(player), near][nearer] = total_s[player, midi]
        distance_s[int(player), near][nearer] = away_s[nearer]
    return {
        "fundamentals": fundamentals_bins,
        "sounding": (distance_s <= SOUNDING_S).astype(np.float32),
        "key_length_s": key_length_s,
    }


def batches(stores: Sequence[Store], *, length_frames: int, batch: int, seed: int) -> "Batches":
    """A function from the number of a step to its batch; each batch is drawn from one store.

    Parameters
    ----------
    stores : sequence of stores of cues
        The probability of a store is proportional to its number of items.
    length_frames : int >= 1
        Length of a segment. A shorter piece is followed by silence.
    batch : int >= 1
        Segments in a batch.
    seed : int >= 0

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range, a store holds no cues, or two stores have different grids.

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
    """The batch of each step; made by `batches`, which describes the fields.

    Called with a step, it gives `sources` (batch, players, samples), `models` (batch, players, bins, frames),
    `fundamentals`, `sounding` and `key_length_s` (batch, players, frames). Segments begin and end at frames of the
    piece, so the frames are those of the segment's own transform, except at its ends.

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
        """All that decides the batches, for JSON."""
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

    def _segment(self, item: dict[str, np.ndarray], position: float) -> dict[str, np.ndarray]:
        grid, frames = self.grid, self.length_frames
        hop, rate_hz = grid["hop_samples"], grid["sample_rate_hz"]
        audio, models = item["audio"], item["models"]
        first = int(position * (max(0, models.shape[2] - frames) + 1))
        # The number of samples that has this number of frames.
        samples = (frames - 1) * hop
        piece = audio[:, first * hop : first * hop + samples].astype(np.float32)
        segment_models = models[:, :, first : first + frames].astype(np.float32)
        bin_hz = rate_hz / grid["window_samples"]
        note_cues = fundamentals(
            item["notes"], len(audio), frames, hop / rate_hz, bin_hz, start_s=first * hop / rate_hz
        )
        return {
            "sources": np.pad(piece, ((0, 0), (0, samples - piece.shape[1]))),
            "models": np.pad(segment_models, ((0, 0), (0, 0), (0, frames - segment_models.shape[2]))),
            **note_cues,
        }
