"""What the experiments of lesson 21 measure: notes that are right, and gains by masks or by clusters.

Contents: f1, best_threshold, true_notes, best_order_db, masks_db, clusterer, measured.
"""

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from mss_lab.datasets.track import Track
from mss_lab.metrics import energy, transcription
from mss_lab.neural import apply, transcribe
from mss_lab.score.from_roll import score_of_roll
from mss_lab.score.notes import Score
from tests.benchmarks.steering_experiments import players_db

RATE_HZ = 16_000
THRESHOLDS = tuple(round(0.1 * step, 1) for step in range(1, 10))
# As `mss_lab.neural.transcribe.transcribe` has it.
LEAST_NOTE_S = 0.06
# What is struck has no end that one could transcribe.
WITHOUT_ENDS = ("drums",)


def f1(true: Score, transcribed: Score, names: Iterable[str], *, ends: bool = True) -> float:
    """F1 of the notes, mean over the sources that have notes."""
    values = [
        transcription.note_scores(
            rows_of(true, name), rows_of(transcribed, name), ends=ends and name not in WITHOUT_ENDS
        ).f1
        for name in names
        if true.notes_of(name)
    ]
    return float(np.mean(values))


def rows_of(score: Score, name: str) -> np.ndarray:
    """Pitch, onset and offset of a source's notes, (notes, 3)."""
    return np.array([(note.midi, note.onset_s, note.offset_s) for note in score.notes_of(name)]).reshape(-1, 3)


def notes_of(roll: np.ndarray, model: Any, threshold: float) -> Score:
    """The notes of a roll of a network."""
    frame_rate_hz = model.sample_rate_hz / model.hop_samples
    return score_of_roll(roll, frame_rate_hz, model.sources, threshold=threshold, least_s=LEAST_NOTE_S)


def best_threshold(model: Any, tracks: Sequence[Track], *, with_sources: bool = False) -> float:
    """The threshold with the highest F1 on songs of validation."""
    rolls = [
        transcribe.rolls(model, track.mixture, RATE_HZ, track.sources if with_sources else None) for track in tracks
    ]

    def mean_f1(threshold: float) -> float:
        pairs = zip(tracks, rolls, strict=True)
        return float(np.mean([f1(true_notes(one), notes_of(roll, model, threshold), model.sources)
                              for one, roll in pairs]))  # fmt: skip

    return max(THRESHOLDS, key=mean_f1)


def true_notes(track: Track) -> Score:
    """The notes of a track that has some."""
    assert track.score is not None
    return track.score


def best_order_db(track: Track, estimates: Mapping[str, np.ndarray]) -> float:
    """SI-SDR gained over the mixture in dB, mean over the sources, with the assignment of estimates that is best."""
    stems = [stem for stem in track.sources.values() if stem.any()]
    gains = np.array(
        [[energy.si_sdr_improvement(stem, one, track.mixture) for one in estimates.values()] for stem in stems]
    )
    # A silent group has no finite ratio, and is worse than any other.
    gains = np.nan_to_num(gains, nan=-100.0, neginf=-100.0, posinf=100.0)
    return float(gains[linear_sum_assignment(gains, maximize=True)].mean())


def clusterer(model: Any) -> Any:
    """The same network, which separates by its clusters instead of its masks."""
    other = copy.copy(model)
    other.settings = dataclasses.replace(model.settings, masks_weight=0.0, clustering_weight=1.0)
    return other


def measured(model: Any, tracks: Sequence[Track], threshold: float) -> dict[str, Any]:
    """Mean gain and mean F1 over some tracks, of those heads that have learnt something."""
    weights = model.settings.weights
    values: dict[str, Any] = {}
    if weights["masks"] or weights["clustering"]:
        by_masks = weights["masks"] > 0
        gain_of = masks_db if by_masks else best_order_db
        gains = [gain_of(track, apply.separate(model, track.mixture, RATE_HZ)) for track in tracks]
        values |= {"by": "masks" if by_masks else "clusters", "si_sdri_db": round(float(np.mean(gains)), 3)}
    if weights["transcription"]:
        scores = [transcribe.transcribe(model, track.mixture, RATE_HZ, threshold=threshold) for track in tracks]
        for name, ends in {"f1": True, "f1_onsets": False}.items():
            each = [f1(true_notes(t), s, model.sources, ends=ends) for t, s in zip(tracks, scores, strict=True)]
            values[name] = round(float(np.mean(each)), 4)
        values["threshold"] = threshold
    return values


def masks_db(track: Track, estimates: Mapping[str, np.ndarray]) -> float:
    """SI-SDR gained over the mixture in dB, mean over the sources that sound."""
    return players_db(track, estimates)["mean_db"]
