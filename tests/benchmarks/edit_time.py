"""How long an edit takes: a new separation after a note was changed, beside a whole separation.

    python -m tests.benchmarks.edit_time [--seconds 10 120] [--threads 1] [--weights FILE]

The editor keeps the front end of the recording, and computes the chunks in which a roll has changed. Processor time of
all threads, so that other work on the machine counts for little; the time that passes stands beside it. The mixture is
noise: what it holds makes no difference to the time. Ends with 1 if an edit of 10 s takes half a second or more.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mss_lab import steering
from mss_lab.neural import apply, edit, weights
from mss_lab.score.notes import Note, Score

LIMIT_S = 0.5
CASES = ((1, 16_000), (2, 44_100))


def score_of(network: Any, length_s: float) -> Score:
    """Notes of half a second for each player."""
    onsets_s = np.arange(0, length_s - 0.5, 0.5)
    notes = [
        Note(source, 50 + 6 * player + number % 5, float(onset_s), float(onset_s) + 0.45)
        for player, source in enumerate(network.sources)
        for number, onset_s in enumerate(onsets_s)
    ]
    return Score(tuple(notes), network.sources)


def shortest(function: Callable[[int], Any], times: int = 5) -> tuple[float, float]:
    """The shortest of some runs in seconds: of the processor, and of the clock."""
    taken = []
    for number in range(times):
        start = time.process_time(), time.perf_counter()
        function(number)
        taken.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    processor_s, clock_s = zip(*taken, strict=True)
    return min(processor_s), min(clock_s)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", nargs="+", type=float, default=[10.0, 120.0], help="lengths of the recordings")
    parser.add_argument("--threads", type=int, default=1, help="of the network (default: %(default)s)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="a network (default: the one that ships)")
    options = parser.parse_args(arguments)
    network = weights.load(options.weights) if options.weights else weights.shipped("dsis")
    threads = torch.get_num_threads()
    torch.set_num_threads(options.threads)
    print(f"{'recording':24s}{'whole (s)':>12s}{'edit (s)':>12s}{'ratio':>8s}{'edit, clock (s)':>18s}{'chunks':>8s}")
    slowest_s = 0.0
    try:
        for length_s in options.seconds:
            for channels, rate_hz in CASES:
                rng = np.random.default_rng(0)
                mixture = (0.1 * rng.standard_normal((channels, round(length_s * rate_hz)))).astype(np.float32)
                score = score_of(network, length_s)
                edits = [steering.moved(score, note, network.sources[-1]) for note in score.notes[2:8]]
                editor = edit.Editor(network, mixture, rate_hz)
                editor.separate(score)
                whole_s, _ = shortest(lambda _, m=mixture, r=rate_hz, s=score: apply.separate(network, m, r, s), 3)
                edit_s, clock_s = shortest(lambda number, e=editor, s=edits: e.separate(s[number % len(s)]))
                name = f"{length_s:g} s, {'stereo' if channels == 2 else 'mono'}, {rate_hz / 1000:g} kHz"
                print(
                    f"{name:24s}{whole_s:12.3f}{edit_s:12.3f}{edit_s / whole_s:8.2f}{clock_s:18.3f}{editor.computed:8d}"
                )
                if length_s <= 10:
                    slowest_s = max(slowest_s, edit_s)
    finally:
        torch.set_num_threads(threads)
    return int(slowest_s >= LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
