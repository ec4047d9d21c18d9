"""Seconds of computing for a second of stereo music, for every method of the catalogue: `Method.pace`.

    python -m tests.benchmarks.paces [NAME ...] [--length SECONDS]

Fifteen seconds at 44.1 kHz through each method with its default options, on one thread; the time is that of the
processor, so that other work on the computer hardly counts. The values in the entries of the catalogue come from here.
"""

import argparse
import os
import sys
import time
import warnings

import numpy as np

from mss_lab import catalogue
from mss_lab.datasets import pieces
from mss_lab.method import Method
from mss_lab.score import notes
from mss_lab.score.notes import Score

LENGTH_S = 15.0


def main(arguments: list[str] | None = None) -> int:
    """Print the pace of each method that is named, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="methods (default: all)")
    parser.add_argument("--length", type=float, default=LENGTH_S, metavar="SECONDS", help="of the music")
    given = parser.parse_args(arguments)
    if os.environ.get("OMP_NUM_THREADS") != "1":
        print("for one thread, start this with OMP_NUM_THREADS=1")
    piece = pieces.load("chorale_a")
    rate = piece.sample_rate_hz
    mono = piece.mixture[:1, : round(given.length * rate)]
    mixture = np.concatenate([mono, np.float32(0.7) * mono])
    score = notes.section(piece.score, 0.0, given.length)
    for name in given.names or catalogue.names(downloads=False):
        method = catalogue.get(name)
        if method.missing():
            print(f"{name:18} {method.missing()}", flush=True)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pace = pace_of(method, mixture, rate, score)
        print(f"{name:18} {pace:8.3f}", flush=True)
    return 0


def pace_of(method: Method, mixture: np.ndarray, rate: int, score: Score) -> float:
    """Seconds of computing for a second of the mixture, after a first call that loads libraries and weights."""
    separate = catalogue.separator(method.name)
    separate(mixture[:, :rate], rate, notes.section(score, 0.0, 1.0))
    start_s = time.process_time()
    separate(mixture, rate, score if "score" in method.needs else None)
    return (time.process_time() - start_s) * rate / mixture.shape[1]


if __name__ == "__main__":
    sys.exit(main())
