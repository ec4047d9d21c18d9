"""Seconds of computing for a second of stereo music, for every method of the catalogue: `Method.pace`.

    python -m tests.benchmarks.paces [NAME ...]

Fifteen seconds at 44.1 kHz through each method with its default options, on one thread; the time is that of the
processor, so that other work on the computer hardly counts. The values in the entries of the catalogue come from here.
"""

import argparse
import os
import time
import warnings

import numpy as np

from mss_lab import catalogue
from mss_lab.datasets import pieces
from mss_lab.score import notes

LENGTH_S = 15.0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="methods (default: all)")
    names = parser.parse_args().names or catalogue.names()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        print("for one thread, start this with OMP_NUM_THREADS=1")
    warnings.simplefilter("ignore")
    piece = pieces.load("chorale_a")
    rate = piece.sample_rate_hz
    mono = piece.mixture[:1, : round(LENGTH_S * rate)]
    mixture = np.concatenate([mono, np.float32(0.7) * mono])
    score = notes.section(piece.score, 0.0, LENGTH_S)
    for name in names:
        method = catalogue.get(name)
        if method.missing():
            print(f"{name:18} {method.missing()}", flush=True)
            continue
        separate = catalogue.separator(name)
        # The first call loads libraries and weights.
        separate(mixture[:, :rate], rate, notes.section(score, 0.0, 1.0))
        began_s = time.process_time()
        separate(mixture, rate, score if "score" in method.needs else None)
        print(f"{name:18} {(time.process_time() - began_s) / LENGTH_S:8.3f}", flush=True)


if __name__ == "__main__":
    main()
