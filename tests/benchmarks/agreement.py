"""The confidence with which a score is taken as it stands: right scores, moved ones, and wrong ones.

python -m tests.benchmarks.agreement [--recordings DIR]
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from mss_lab.datasets import pieces
from mss_lab.datasets.track import read_track
from mss_lab.score import notes
from mss_lab.score.agreement import LEAST_CONFIDENCE, agreement
from tests.benchmarks.recordings import parse
from tests.benchmarks.score_informed import MOST_S, SEED, SETS

MOVES_S = (1.0, 2.0, 3.0)


def recordings_and_pieces(folder: Path):
    """(name, mixture, rate, score) of every real recording and every shipped piece."""
    for name in SETS:
        for path in sorted(p for p in (folder / name).iterdir() if p.is_dir()):
            track = read_track(path)
            yield path.name, track.mixture, track.sample_rate_hz, track.score
    for name in pieces.names():
        piece = pieces.load(name)
        yield name, piece.mixture, piece.sample_rate_hz, piece.score


def confidences(cases) -> dict[str, dict[str, list[float]]]:
    """Confidence of each recording with its score, with its notes moved, moved as a whole, and with other scores."""
    cases = list(cases)
    table: dict[str, dict[str, list[float]]] = {}
    for name, mixture, rate, score in cases:
        rng = np.random.default_rng(SEED)

        def confidence(given, mixture=mixture, rate=rate):
            return agreement(mixture, rate, given).confidence

        table[name] = {
            "its own": [confidence(score)],
            "each note moved": [confidence(notes.jitter(score, MOST_S, rng=rng)) for _ in range(2)],
            "a tone off": [confidence(notes.transpose(score, step)) for step in (2, -2)],
            "moved as a whole": [confidence(notes.shift(score, move_s)) for move_s in MOVES_S],
            "of another piece": [confidence(other) for label, _, _, other in cases if label != name],
        }
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    table = confidences(recordings_and_pieces(parse(parser, arguments).recordings))
    columns = list(next(iter(table.values())))
    print(f"Confidence, below {LEAST_CONFIDENCE} is doubtful; lowest to highest\n")
    print(f"{'':30}" + "".join(f"{column:>20}" for column in columns))
    for name, row in table.items():
        print(f"{name:30}" + "".join(f"{f'{min(row[c]):.2f} to {max(row[c]):.2f}':>20}" for c in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
