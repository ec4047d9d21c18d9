"""Twenty minutes of stereo through every method of the catalogue: memory, time, or the words of the refusal.

    python -m tests.benchmarks.long_memory [--minutes 20] [--method score-masks informed-nmf]

The recording is made of the shipped chorales, one after the other, their four players panned apart, at 44.1 kHz. Every
method runs in a process of its own, with the score. The columns:

- peak: the most that the process has held, in MB;
- audio: the mixture and the estimates, which are the input and the result, and exist whole;
- before: Python, the libraries, and a network's weights, measured after a first separation of a few seconds;
- working: peak less audio less before. This is what the method needs for its work, and what `mss_lab.memory` limits;
- declared: what the method says beforehand that it needs. A method that makes its last estimate at the end, as the
  mixture less the others, works while there is still room for that estimate: in a long recording it then counts less;
- s/min: seconds of work for a minute of music.
"""

import argparse
import multiprocessing
import sys
import time
import warnings

import numpy as np

from mss_lab import catalogue, memory, signals
from mss_lab.refusals import Refusal
from tests.benchmarks.long_file import long_recording
from tests.benchmarks.memory import forget_peak, held_bytes, peak_bytes

WARM_UP_S = 3.0
MB = 2**20


def stereo_recording(length_s: float):
    """The chorales in turn, their players panned apart: mixture (2, samples), rate and score."""
    sources, score, rate = long_recording(length_s)
    names = list(sources)
    mixture = np.zeros((2, round(length_s * rate)), np.float32)
    for pan_rad, name in zip(np.linspace(0.2, np.pi / 2 - 0.2, len(names)), names, strict=True):
        mixture += signals.pan(sources.pop(name), pan_rad).astype(np.float32)
    return mixture, rate, score


def measured(method: str, length_s: float) -> dict[str, float | str]:
    """Separate in this process, and measure; the refusal's words where the method refuses."""
    warnings.simplefilter("ignore")
    separate = catalogue.separator(method)
    short, rate, score = stereo_recording(WARM_UP_S)
    separate(short, rate, score)
    before = held_bytes()
    mixture, rate, score = stereo_recording(length_s)
    forget_peak()
    began = time.perf_counter()
    try:
        estimates = separate(mixture, rate, score)
    except Refusal as refusal:
        return {"refusal": str(refusal), "seconds": time.perf_counter() - began}
    took_s = time.perf_counter() - began
    audio = mixture.nbytes + sum(estimate.nbytes for estimate in estimates.values())
    peak = peak_bytes()
    return {
        "peak": peak / MB,
        "audio": audio / MB,
        "before": before / MB,
        "working": (peak - audio - before) / MB,
        "declared": memory.working_bytes_of(separate, memory.Recording.of(mixture, rate, score)) / MB,
        "s/min": took_s / length_s * 60,
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0, help="length (default: 20)")
    parser.add_argument("--method", nargs="+", default=catalogue.names(downloads=False), choices=catalogue.names())
    options = parser.parse_args(arguments)
    columns = ("peak", "audio", "before", "working", "declared", "s/min")
    print(f"{options.minutes:g} minutes of stereo at 44.1 kHz; memory in MB\n")
    print(f"{'method':18}" + "".join(f"{column:>9}" for column in columns), flush=True)
    for method in options.method:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            row = pool.apply(measured, (method, 60 * options.minutes))
        if "refusal" in row:
            print(f"{method:18}  refused after {row['seconds']:.2f} s: {row['refusal']}", flush=True)
        else:
            print(f"{method:18}" + "".join(f"{row[column]:9.1f}" for column in columns), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
