"""Alignment of real recordings: the experiment of lesson 07.

    python -m tests.benchmarks.lesson_07_recordings [--recordings DIR] [--out FILE] [--small]

The notes of each recording are given another tempo every few seconds, and aligned with the recording again. Three
tables follow: how far onsets are from the notes, before and after alignment and refinement; the same for a path through
semitone levels or chroma in frames of several lengths, without the package's features of onsets; and the confidence of
an alignment with the recording's own score and with those of all others.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from mss_lab import experiments
from mss_lab.datasets.track import Track
from mss_lab.score import align, features, misalign, paths, refine
from mss_lab.score.notes import Score
from tests.benchmarks.align import onset_errors_s, within
from tests.benchmarks.recordings import beginnings, experiment_file, folders_with_notes, parse

LENGTH_S = 20.0
SEEDS = (0, 1, 2)
# Frames of the path are this many frames of 20 ms long.
FACTORS = (1, 2, 5, 10)
COMMAND = "python -m tests.benchmarks.lesson_07_recordings"
ABOUT = (
    f"The first {LENGTH_S:g} s of each recording, aligned with its own notes at another tempo every 4 s (0.7 to 1.4 "
    "times), and with the scores of the other recordings. Onset errors are distances from the notes of the stems, "
    "which were set by hand or by pitch tracking and are themselves exact to 20 to 100 ms."
)


def chroma(levels: np.ndarray) -> np.ndarray:
    """The levels of all octaves of each pitch class, added in power: float (12, frames)."""
    return np.sqrt(np.sum(levels.reshape(-1, 12, levels.shape[1]) ** 2, axis=0))


def errors_by_path_s(levels: np.ndarray, truth: Score, written: Score, factor: int, features_name: str) -> np.ndarray:
    """Onset errors if each onset is moved to the first frame of the recording that the path gives its frame."""
    frame_s = factor * features.FRAME_S
    rows = paths.averaged(levels, factor)
    columns = features.score_levels(written, int(np.ceil(written.duration_s / frame_s)), frame_s)
    if features_name == "chroma":
        rows, columns = chroma(rows), chroma(columns)
    path = paths.whole_path(rows, columns)
    onset_frames = np.round([note.onset_s / frame_s for note in written.notes])
    entered = np.minimum(np.searchsorted(path[:, 1], onset_frames), len(path) - 1)
    return path[entered, 0] * frame_s - np.array([note.onset_s for note in truth.notes])


def add_errors(record: experiments.Record, errors_s: np.ndarray, **key: str | int) -> None:
    record.add(
        **key,
        median_ms=1000 * float(np.median(np.abs(errors_s))),
        within_50_ms=within(errors_s, 0.05),
        within_100_ms=within(errors_s, 0.1),
    )


def add_onsets(record: experiments.Record, track: Track, seed: int) -> None:
    """Errors before alignment, after time warping, and after refinement."""
    if record.has(table="stages", recording=track.name, seed=seed):
        return
    truth = track.score
    written, _ = misalign.with_random_tempo(truth, rng=np.random.default_rng(seed))
    alignment = align.align(track.mixture, track.sample_rate_hz, written)
    warped = align.warp(written, alignment)
    refined = refine.refine_onsets(track.mixture, track.sample_rate_hz, warped, tuning_hz=alignment.tuning_hz)
    for stage, score in (("written", written), ("warped", warped), ("refined", refined)):
        add_errors(record, onset_errors_s(truth, score), table="stages", recording=track.name, seed=seed, stage=stage)


def add_features(record: experiments.Record, track: Track, levels: np.ndarray, seed: int, factor: int) -> None:
    """Errors of a path through semitone levels and through chroma, in frames of one length."""
    written, _ = misalign.with_random_tempo(track.score, rng=np.random.default_rng(seed))
    for name in ("semitone levels", "chroma"):
        key = {"table": "features", "recording": track.name, "seed": seed, "features": name}
        key["frame_ms"] = round(1000 * factor * features.FRAME_S)
        if not record.has(**key):
            add_errors(record, errors_by_path_s(levels, track.score, written, factor, name), **key)


def add_confidence(record: experiments.Record, track: Track, tracks: list[Track]) -> None:
    """The mean confidence of an alignment with every score."""
    for other in tracks:
        key = {"table": "confidence", "recording": track.name, "score": other.name}
        if not record.has(**key):
            found = align.align(track.mixture, track.sample_rate_hz, other.score)
            record.add(**key, own=other.name == track.name, confidence=found.mean_confidence)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FILE", type=Path, help="the experiment's file (default: that of the course)")
    parser.add_argument("--small", action="store_true", help="two recordings, one seed")
    options = parse(parser, arguments)
    with experiment_file("07_recordings", options) as out:
        run(options.recordings, out, options.small)
    return 0


def run(recordings: Path, out: Path, small: bool) -> None:
    """Measure what is not measured yet, and print it."""
    folders = folders_with_notes(recordings)[: 2 if small else None]
    seeds, factors = (SEEDS[:1], FACTORS[:1]) if small else (SEEDS, FACTORS)
    tracks = list(beginnings(folders, LENGTH_S))
    names = [track.name for track in tracks]
    record = experiments.Record(out, command=COMMAND, about=ABOUT, seeds=seeds, recordings=names)
    for track in tracks:
        analysis = features.analyse(track.mixture, track.sample_rate_hz)
        levels = features.band_levels(analysis, features.estimate_tuning_hz(analysis))
        for seed in seeds:
            add_onsets(record, track, seed)
            for factor in factors:
                add_features(record, track, levels, seed, factor)
        add_confidence(record, track, tracks)
        print(f"{track.name:34}", *_words(record, track.name), sep="  ", flush=True)


def _words(record: experiments.Record, name: str) -> list[str]:
    rows = [row for row in record.rows if row["recording"] == name]
    words = []
    for stage in ("written", "warped", "refined"):
        errors_ms = [row["median_ms"] for row in rows if row.get("stage") == stage]
        words.append(f"{stage} {np.mean(errors_ms):6.1f} ms")
    own = [row["confidence"] for row in rows if row["table"] == "confidence" and row["own"]]
    return [*words, f"confidence {own[0]:.2f}"]


if __name__ == "__main__":
    sys.exit(main())
