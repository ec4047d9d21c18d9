"""Methods that follow a score, on real recordings, with good notes and with worse ones: one table for each set.

    python -m tests.benchmarks.score_informed [--recordings DIR]

Figures are SDR over the whole file in dB, mean over the players. Every method meets every condition; a new method is
one line in METHODS. Notes are moved by draws that are seeded with SEED and the name of the piece.
"""

import argparse
import dataclasses
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mss_lab import catalogue, compare
from mss_lab.datasets.track import Track, read_track
from mss_lab.score import notes
from tests.benchmarks.recordings import parse

SEED = 20_250_101
MOST_S = 0.2
SETS = ("Bach10-excerpts", "URMP-16k")

# How a method is made for notes that may be wrong by so many seconds.
METHODS: dict[str, Callable[[float], catalogue.Separator]] = {
    "score masks": lambda tolerance_s: catalogue.separator("score-masks", tolerance_s=tolerance_s),
    "score masks, equal claims": lambda tolerance_s: catalogue.separator(
        "score-masks", tolerance_s=tolerance_s, slope=0.0
    ),
    "constrained NMF": lambda tolerance_s: catalogue.separator("constrained-nmf", tolerance_s=tolerance_s),
    "constrained NMF, onset templates": lambda tolerance_s: catalogue.separator(
        "constrained-nmf", tolerance_s=tolerance_s, onsets=True
    ),
    "trained NMF": lambda tolerance_s: catalogue.separator("trained-nmf", tolerance_s=tolerance_s),
    "trained NMF, refined": lambda tolerance_s: catalogue.separator(
        "trained-nmf", tolerance_s=tolerance_s, refine=True
    ),
    "trained NMF, learning on": lambda tolerance_s: catalogue.separator(
        "trained-nmf", tolerance_s=tolerance_s, fixed=False
    ),
    "informed NMF": lambda tolerance_s: catalogue.separator("informed-nmf", tolerance_s=tolerance_s),
}


@dataclasses.dataclass(frozen=True)
class Condition:
    """What notes a method is given: a file, what is done to them, and the tolerance that the method is told."""

    name: str
    notes_file: str
    tolerance_s: float
    change: Callable[[notes.Score, np.random.Generator], notes.Score] = lambda score, rng: score


CONDITIONS = (
    Condition("fine", "notes.csv", 0.05),
    Condition("coarse", "notes_coarse.csv", 0.2),
    Condition("each note moved", "notes.csv", 0.2, lambda score, rng: notes.jitter(score, MOST_S, rng=rng)),
    Condition("all moved", "notes.csv", 0.2, lambda score, rng: notes.shift(score, rng.uniform(-MOST_S, MOST_S))),
)


def rows_of(folders: list[Path]) -> list[compare.Row]:
    """Every method under every condition for which a piece has notes, between the mixture and the oracles."""
    plain = [read_track(folder) for folder in folders]
    framed = compare.oracle_rows(plain)
    rows = [row for row in framed if row.method == "mixture"]
    for condition in CONDITIONS:
        tracks = [changed(folder, condition) for folder in folders if (folder / condition.notes_file).is_file()]
        separators = {
            f"{method} ({condition.name}, {condition.tolerance_s:g} s)": make(condition.tolerance_s)
            for method, make in METHODS.items()
        }
        rows += compare.compare(separators, tracks)
    return rows + [row for row in framed if row.method != "mixture"]


def changed(folder: Path, condition: Condition) -> Track:
    """The piece with the notes of a condition."""
    track = read_track(folder, condition.notes_file)
    assert track.score is not None
    rng = np.random.default_rng([SEED, zlib.crc32(folder.name.encode())])
    return dataclasses.replace(track, score=condition.change(track.score, rng))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    recordings = parse(parser, arguments).recordings
    for name in SETS:
        folders = sorted(path for path in (recordings / name).glob("*") if path.is_dir())
        if not folders:
            parser.error(f"{recordings / name} holds no pieces; give the folder that holds {' and '.join(SETS)}")
        print(f"{name}: SDR over the whole file, dB, mean over players; notes moved within {MOST_S} s, seed {SEED}")
        print(compare.as_text(compare.pivot(rows_of(folders)), 2), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
