"""How exact notes must be, on real recordings: the experiment of lesson 09.

    python -m tests.benchmarks.lesson_09_recordings [--recordings DIR] [--out FILE] [--small]

Two tables: the SDR of score masks against the tolerance, for notes that were moved by several amounts; and the
comparison of Miron, Janer and Gómez (2017, figure 4): masks and NMF with fine, moved and aligned notes.
"""

import argparse
import sys
import zlib
from pathlib import Path

import numpy as np

from mss_lab import catalogue, experiments, oracles
from mss_lab.datasets.track import Track
from mss_lab.score import agreement, align, misalign, notes
from mss_lab.score.notes import Score
from tests.benchmarks.recordings import beginnings, experiment_file, folders_with_notes, mean_sdr_db, parse

LENGTH_S = 10.0
SEEDS = (0,)
LIMITS_S = (0.0, 0.2, 0.4)
TOLERANCES_S = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
MOST_S = 0.2
COMMAND = "python -m tests.benchmarks.lesson_09_recordings"
ABOUT = (
    f"SDR in dB over the first {LENGTH_S:g} s of each recording, mean over the players. Fine notes are those of the "
    f"stems; moved notes are each moved by up to {MOST_S:g} s, or by the limit of the row; aligned notes are found by "
    "the package after the tempo was changed every 4 s."
)
CONDITIONS = ("fine, 0.05 s", "moved, 0.05 s", "moved, 0.2 s", "aligned, 0.05 s", "aligned, 0.2 s")
METHODS = {
    "masks as in the paper": ("score-masks", {"width_bins": 0, "slope": 0}),
    "masks": ("score-masks", {}),
    "NMF, fixed templates": ("trained-nmf", {"measured_on": "recordings"}),
    "NMF, zeros by the score": ("constrained-nmf", {}),
    "NMF, templates learnt here": ("informed-nmf", {}),
}


def generator(track: Track, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(track.name.encode())])


def tuning_of(track: Track) -> float:
    """The tuning, estimated with the fine notes, so that all conditions have the same."""
    return agreement.agreement(track.mixture, track.sample_rate_hz, track.score).tuning_hz


def notes_given(track: Track, seed: int) -> dict[str, tuple[Score, float]]:
    """For each condition the notes that a method is given, and its tolerance in seconds."""
    rng = generator(track, seed)
    moved = notes.jitter(track.score, MOST_S, rng=rng)
    written, _ = misalign.with_random_tempo(track.score, rng=rng)
    aligned, _ = align.align_score(track.mixture, track.sample_rate_hz, written)
    pairs = ((track.score, 0.05), (moved, 0.05), (moved, 0.2), (aligned, 0.05), (aligned, 0.2))
    return dict(zip(CONDITIONS, pairs, strict=True))


def add_tolerances(record: experiments.Record, track: Track, seed: int) -> None:
    """SDR of score masks for every error of the notes and every tolerance."""
    tuning_hz = tuning_of(track)
    for limit_s in LIMITS_S:
        moved = notes.jitter(track.score, limit_s, rng=generator(track, seed))
        for tolerance_s in TOLERANCES_S:
            key = {"table": "tolerance", "recording": track.name, "seed": seed}
            key |= {"moved_s": limit_s, "tolerance_s": tolerance_s}
            if not record.has(**key):
                separate = catalogue.separator("score-masks", tolerance_s=tolerance_s, tuning_hz=tuning_hz)
                estimates = separate(track.mixture, track.sample_rate_hz, moved)
                record.add(**key, sdr_db=mean_sdr_db(track.sources, estimates))


def add_methods(record: experiments.Record, track: Track, seed: int) -> None:
    """SDR of every method under every condition; the oracle once."""
    key = {"table": "methods", "recording": track.name, "seed": seed}
    if not record.has(**key, method="oracle Wiener"):
        estimates = oracles.oracle(track.sources, track.sample_rate_hz)
        record.add(**key, method="oracle Wiener", notes="none", sdr_db=mean_sdr_db(track.sources, estimates))
    if all(record.has(**key, method=method, notes=name) for method in METHODS for name in CONDITIONS):
        return
    tuning_hz = tuning_of(track)
    for name, (score, tolerance_s) in notes_given(track, seed).items():
        for method, (entry, options) in METHODS.items():
            if not record.has(**key, method=method, notes=name):
                separate = catalogue.separator(entry, tolerance_s=tolerance_s, tuning_hz=tuning_hz, **options)
                estimates = separate(track.mixture, track.sample_rate_hz, score)
                record.add(**key, method=method, notes=name, sdr_db=mean_sdr_db(track.sources, estimates))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FILE", type=Path, help="the experiment's file (default: that of the course)")
    parser.add_argument("--small", action="store_true", help="one recording, the first seconds")
    options = parse(parser, arguments)
    with experiment_file("09_recordings", options) as out:
        run(options.recordings, out, options.small)
    return 0


def run(recordings: Path, out: Path, small: bool) -> None:
    """Measure what is not measured yet, and print it."""
    folders = folders_with_notes(recordings)[: 1 if small else None]
    names = [folder.name for folder in folders]
    record = experiments.Record(out, command=COMMAND, about=ABOUT, seeds=SEEDS, recordings=names)
    for track in beginnings(folders, 2.0 if small else LENGTH_S):
        for seed in SEEDS:
            add_tolerances(record, track, seed)
            add_methods(record, track, seed)
        rows = [row for row in record.rows if row["recording"] == track.name and row["table"] == "methods"]
        print(track.name)
        for row in rows:
            print(f"    {row['method']:28}{row['notes']:18}{row['sdr_db']:6.2f} dB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
