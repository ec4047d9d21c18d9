"""A recording of twenty minutes through a method with a score: memory, and what is heard where its chunks meet.

    python -m tests.benchmarks.long_file [--minutes 5 20] [--method informed-nmf refined-nmf xumx]

The recording is made of the shipped chorales, one after the other, at 44.1 kHz, mono. Every length runs in a process of
its own. Memory is the process's peak, what the mixture and the estimates take, and the rest: the working memory, which
should not grow with the length. Near a seam means within half a second of where one chunk fades into the next; a jump
is the difference between neighbouring samples.
"""

import argparse
import multiprocessing
import sys
import time

import numpy as np

from mss_lab import catalogue
from mss_lab.chunks import CHUNK_S, FADE_S, chunks
from mss_lab.datasets import pieces
from mss_lab.metrics.energy import sdr
from mss_lab.neural import refine
from mss_lab.score import notes
from tests.benchmarks.memory import peak_bytes

NEAR_S = 0.5
NAMES = ("chorale_a", "chorale_b")


def long_recording(length_s: float):
    """Sources, score and rate of the chorales in turn, so many seconds long."""
    loaded = [pieces.load(name) for name in NAMES]
    rate, names = loaded[0].sample_rate_hz, list(loaded[0].sources)
    samples = round(length_s * rate)
    sources = {name: np.zeros((1, samples), np.float32) for name in names}
    played, start = [], 0
    while start < samples:
        piece = loaded[len(played) % len(loaded)]
        stop = min(samples, start + piece.mixture.shape[1])
        for name in names:
            sources[name][:, start:stop] = piece.sources[name][:, : stop - start]
        played.append(notes.shift(piece.score, start / rate))
        start = stop
    kept = tuple(note for score in played for note in score.notes if note.onset_s < length_s)
    return sources, notes.Score(kept, tuple(names)), rate


def lengths_s(method: str) -> tuple[float, float]:
    """Length of a method's chunks, and of the fades between them; networks round both to their frames."""
    return (refine.CHUNK_S, refine.FADE_S) if method == "refined-nmf" else (CHUNK_S, FADE_S)


def measured(method: str, length_s: float) -> dict[str, float]:
    """Separate, and measure: seconds, megabytes, SDR near seams and elsewhere, jumps near seams and elsewhere."""
    sources, score, rate = long_recording(length_s)
    mixture = np.sum(list(sources.values()), axis=0)
    held_mb = 2 * mixture.nbytes * len(sources) / 2**20 + mixture.nbytes / 2**20
    before_mb = peak_bytes() / 2**20
    began = time.perf_counter()
    estimates = catalogue.separator(method)(mixture, rate, score)
    took_s = time.perf_counter() - began
    peak_mb = peak_bytes() / 2**20
    chunk_s, fade_s = lengths_s(method)
    seams = [start for start, _, _ in chunks(mixture.shape[1], rate, chunk_s=chunk_s, fade_s=fade_s)][1:]
    edges = np.array([edge for start in seams for edge in (start, start + round(fade_s * rate))], int)
    near = np.zeros(mixture.shape[1], bool)
    for start in seams:
        near[max(0, start - round(NEAR_S * rate)) : start + round((fade_s + NEAR_S) * rate)] = True
    usual = np.percentile(np.abs(np.diff(mixture[0])), 99.9)
    at_seams, elsewhere, worst, beyond = [], [], 0.0, []
    for name, source in sources.items():
        estimate = estimates[name]
        at_seams.append(sdr(source[:, near], estimate[:, near]))
        elsewhere.append(sdr(source[:, ~near], estimate[:, ~near]))
        jumps = np.abs(np.diff(estimate[0]))
        worst = max(worst, float(np.max(jumps[edges - 1] / usual)))
        own = np.percentile(jumps, 99.9)
        beyond.append(np.mean(jumps[near[1:]] > own) / np.mean(jumps > own))
    return {
        "seconds a minute": took_s / length_s * 60,
        "peak MB": peak_mb,
        "audio MB": held_mb,
        "before MB": before_mb,
        "working MB": peak_mb - held_mb,
        "SDR at seams": float(np.mean(at_seams)),
        "SDR elsewhere": float(np.mean(elsewhere)),
        "worst source": float(np.min(np.subtract(at_seams, elsewhere))),
        "largest jump at a seam": worst,
        "jumps near seams": float(np.mean(beyond)),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 20.0], help="lengths (default: 5 and 20)")
    parser.add_argument("--method", nargs="+", default=["informed-nmf"], choices=catalogue.names())
    options = parser.parse_args(arguments)
    for method in options.method:
        rows = {}
        for minutes in options.minutes:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows[f"{minutes:g} min"] = pool.apply(measured, (method, 60 * minutes))
        print(f"{method}: long recordings\n")
        for column in next(iter(rows.values())):
            print(f"{column:24}" + "".join(f"{label}: {row[column]:9.2f}   " for label, row in rows.items()))
        print(flush=True)
    print(
        "Worst source: SDR at seams less SDR elsewhere, dB. Largest jump at a seam: in any estimate at the first or "
        "last\nsample of a fade, as a part of the mixture's 99.9th percentile. Jumps near seams: how often an estimate "
        "passes its\nown 99.9th percentile there, against the whole file."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
