"""How fast position, kernels, low rank, sinusoids and the ear are, beside their peers, and how much memory they take.

    python -m tests.benchmarks.position_speed [--repeats 5] [--length 30]
    python -m tests.benchmarks.position_speed --long [--minutes 10] [--methods NAME ...]

The shipped band, repeated to the length wanted: 44.1 kHz, stereo, float32. Ours and a peer's run in turn, in one
process, after one run each that is not counted; a ratio is the median of the ratios of the rounds. Methods run in a
process of their own each: seconds, seconds of processor time (of all cores together, and telling more where others work
on the computer, too), peak memory, and working memory, which is the peak less that before and less the estimates. They
run first, for a process starts with the peak of the one that made it. With --long, every method of these lessons
separates a long recording.
"""

import argparse
import dataclasses
import multiprocessing
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np

from mss_lab import catalogue, masks, transforms
from mss_lab.datasets import pieces
from mss_lab.kernels import hpss, proximity
from mss_lab.spatial import gaussian, panning
from tests.benchmarks.memory import peak_bytes

PIECE = "band"
# Of these lessons are the methods that are run: from where a source is to what an ear might follow.
LESSONS = tuple(f"notebooks/{number}_" for number in (11, 12, 13, 14))
DRAG_S = 10.0
DRAG_LIMIT_S = 0.3
MEMORY_LIMIT_MB = 2048

# Four kernels that look at 31 bins each.
KERNELS_OF_31 = (
    proximity.horizontal(),
    proximity.vertical(),
    proximity.cross(15 * 1024 / 44_100, 17 * 44_100 / 4096),
    proximity.periodic(repeats=15),
)

FIVE = {name: (place + 0.5) * np.pi / 10 for place, name in enumerate(("first", "second", "third", "fourth", "fifth"))}


@dataclasses.dataclass(frozen=True)
class Run:
    """A method with options, and how long it may take for 30 s of stereo."""

    label: str
    method: str
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)
    limit_s: float | None = None


RUNS = (
    Run("KAM, 4 kernels of 31 bins, 2 passes", "kernel-additive", {"kernels": KERNELS_OF_31, "iterations": 2}, 20.0),
    Run(
        "PROJET, 200 iterations, 10 directions", "projet", {"iterations": 200, "directions": 10, "pans_rad": FIVE}, 30.0
    ),
    Run("robust PCA", "robust-pca", {}, 60.0),
)


def recording(length_s: float) -> tuple[np.ndarray, int]:
    """The band, repeated until it lasts."""
    piece = pieces.load(PIECE)
    return repeated(piece.mixture, round(length_s * piece.sample_rate_hz)), piece.sample_rate_hz


def repeated(waveform: np.ndarray, samples: int) -> np.ndarray:
    """A waveform, over and over until it lasts so many samples."""
    return np.tile(waveform, -(-samples // waveform.shape[1]))[:, :samples]


def raced(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Median seconds of both, run in turn, and the median of ours over theirs."""
    times_s: list[tuple[float, float]] = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        ours()
        between = time.perf_counter()
        theirs()
        times_s.append((between - start, time.perf_counter() - between))
    own, other = zip(*times_s[1:], strict=True)
    return statistics.median(own), statistics.median(other), statistics.median(a / b for a, b in times_s[1:])


def hpss_race(mixture: np.ndarray, repeats: int) -> tuple[float, float, float, float]:
    """Ours beside librosa's, on one transform; last, how far apart the results are."""
    import librosa

    stft = transforms.stft(mixture)

    def ours():
        return hpss.decompose(stft, frames=31, bins=31)

    def theirs():
        return librosa.decompose.hpss(stft, kernel_size=31, power=2.0, margin=1.0)

    away = max(float(np.abs(a - b).max()) for a, b in zip(ours(), theirs(), strict=True))
    return *raced(ours, theirs, repeats), away / float(np.abs(stft).max())


def wiener_race(length_s: float, repeats: int) -> tuple[float, float, float, float]:
    """One round of our simplified multichannel Wiener filter beside norbert's; last, how far apart the results are.

    Both start from the estimates of a ratio mask. Ours works on the package's single precision, norbert on the double
    precision that it asks for.
    """
    import norbert

    piece = pieces.load(PIECE)
    samples = round(length_s * piece.sample_rate_hz)
    stfts = np.stack([transforms.stft(repeated(source, samples)) for source in piece.sources.values()])
    # Norbert is at its best where the loudest bin has a magnitude of about 10.
    stfts *= 10 / np.abs(stfts.sum(axis=0)).max()
    mixture_stft, magnitudes = stfts.sum(axis=0), np.abs(stfts).mean(axis=1, keepdims=True)
    begin = masks.apply(masks.ratio(magnitudes), mixture_stft)
    del stfts, magnitudes
    as_norbert, begin_as_norbert = (
        np.ascontiguousarray(np.moveaxis(stft, (-1, -2, -3), (0, 1, 2)).astype(np.complex128))
        for stft in (mixture_stft, begin)
    )

    def ours():
        return gaussian.simplified(mixture_stft, begin, iterations=1).estimates

    def theirs():
        return norbert.expectation_maximization(begin_as_norbert, as_norbert, iterations=1)[0]

    away = float(np.abs(ours() - theirs().transpose(3, 2, 1, 0)).max() / np.abs(mixture_stft).max())
    return *raced(ours, theirs, repeats), away


def drag(mixture: np.ndarray, sample_rate_hz: int, repeats: int) -> dict[str, float]:
    """Median seconds that a dragged window, its histogram, and ADRess take for ten seconds of sound."""
    settings = transforms.settings_for(sample_rate_hz)
    excerpt = mixture[:, : round(DRAG_S * sample_rate_hz)]
    stft = transforms.stft(excerpt, **settings)
    angles = panning.angles_rad(stft)
    separate = catalogue.separator("adress", pans_rad={"left": 0.35, "centre": 0.8, "right": 1.3})
    actions = {
        "window dragged": lambda: panning.keep(excerpt, stft, (0.6, 0.9), angles=angles, **settings),
        "histogram": lambda: panning.histogram(stft),
        "ADRess, three sources": lambda: separate(excerpt, sample_rate_hz),
    }
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def measured(method: str, options: Mapping[str, object], length_s: float) -> dict[str, float | str]:
    """Separate once, in this process: seconds, peak and working memory in MB, and whether the result is sound."""
    warnings.simplefilter("ignore")
    mixture, rate = recording(length_s)
    separate = catalogue.separator(method, **options)
    try:
        # What is loaded and compiled at the first call is no part of the time.
        separate(mixture[:, :rate], rate)
        before_mb = peak_bytes() / 2**20
        began, worked = time.perf_counter(), time.process_time()
        estimates = separate(mixture, rate)
    except Exception as error:
        return {"note": f"FAILED {type(error).__name__}: {error}"}
    took_s, worked_s = time.perf_counter() - began, time.process_time() - worked
    peak_mb = peak_bytes() / 2**20
    held_mb = len(estimates) * mixture.nbytes / 2**20
    away = float(np.abs(sum(estimates.values()) - mixture).max() / np.abs(mixture).max())
    notes = [f"{len(estimates)} estimates"]
    if not all(np.isfinite(estimate).all() for estimate in estimates.values()):
        notes.append("FAILED: not finite")
    if catalogue.get(method).adds_up and away > 1e-5:
        notes.append(f"FAILED: {away:.1e} away from the mixture")
    return {
        "s": took_s,
        "cpu": worked_s,
        "peak": peak_mb,
        "working": peak_mb - before_mb - held_mb,
        "note": ", ".join(notes),
    }


def alone(method: str, options: Mapping[str, object], length_s: float) -> dict:
    """`measured`, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (method, options, length_s))


def table_of(runs: list[Run], length_s: float, missing: list[str]) -> bool:
    """Print a line for each run; whether all succeeded, within their limits."""
    print(f"{'':40}{'s':>8}{'limit':>8}{'cpu s':>8}{'peak MB':>10}{'working MB':>12}")
    good = True
    for run in runs:
        if run.method not in catalogue.names():
            missing.append(run.method)
            continue
        found = alone(run.method, run.options, length_s)
        if "s" not in found:
            print(f"{run.label:40}{found['note']}", flush=True)
            good = False
            continue
        limit = f"{run.limit_s:.0f}" if run.limit_s else "-"
        late = run.limit_s is not None and found["s"] > run.limit_s
        large = found["working"] > MEMORY_LIMIT_MB
        good &= not (late or large or "FAILED" in found["note"])
        remarks = ", ".join([found["note"], *(["SLOW"] if late else []), *(["LARGE"] if large else [])])
        figures = f"{found['cpu']:>8.1f}{found['peak']:>10.0f}{found['working']:>12.0f}"
        print(f"{run.label:40}{found['s']:>8.1f}{limit:>8}{figures}  {remarks}", flush=True)
    return good


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ours = [method.name for method in catalogue.METHODS if method.lesson.startswith(LESSONS)]
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--length", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--long", action="store_true", help="a long recording through every method")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--methods", nargs="+", choices=ours, default=ours)
    options = parser.parse_args(arguments)
    missing: list[str] = []
    if options.long:
        print(f"{options.minutes:g} minutes of stereo, 44.1 kHz, each method in a process of its own")
        return int(not table_of([Run(name, name) for name in options.methods], 60 * options.minutes, missing))
    print(f"{PIECE}, {options.length:g} s of stereo, 44.1 kHz, each method in a process of its own")
    labelled = {run.method for run in RUNS}
    runs = [run for run in RUNS if run.method in options.methods or run.method not in ours]
    runs += [Run(name, name) for name in options.methods if name not in labelled]
    good = table_of(runs, options.length, missing)
    mixture, rate = recording(options.length)
    print(f"\n{'medians of ' + str(options.repeats):40}{'ours, s':>8}{'peer, s':>9}{'ratio':>8}{'apart':>10}")
    own_s, other_s, ratio, away = hpss_race(mixture, options.repeats)
    print(f"{'HPSS beside librosa (at most 1.1)':40}{own_s:>8.2f}{other_s:>9.2f}{ratio:>8.2f}{away:>10.0e}", flush=True)
    good &= ratio <= 1.1
    own_s, other_s, ratio, away = wiener_race(options.length, options.repeats)
    label = "Multichannel Wiener, norbert (at most 1/3)"
    print(f"{label:42}{own_s:>6.2f}{other_s:>9.2f}{ratio:>8.2f}{away:>10.0e}", flush=True)
    good &= ratio <= 1 / 3
    print(f"\n{DRAG_S:g} s, at most {DRAG_LIMIT_S} s")
    for name, seconds in drag(mixture, rate, options.repeats).items():
        print(f"{name:40}{seconds:>8.2f}")
        good &= seconds <= DRAG_LIMIT_S
    print("\nWithin all limits" if good else "\nNot within all limits")
    if missing:
        print(f"Not in the catalogue: {', '.join(missing)}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
