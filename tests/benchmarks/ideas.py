"""What each idea brings for NMF with a score: one option of `informed-nmf` changed at a time, and other methods whole.

    python -m tests.benchmarks.ideas [--recordings DIR]

Fine notes, tolerance 0.05 s. Figures are SDR over the whole file in dB, mean over the players and then over the pieces
of a set; behind each stands its difference from the defaults of `informed-nmf`.
"""

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from mss_lab import catalogue, compare
from mss_lab.datasets.track import Track, read_track
from tests.benchmarks.recordings import parse

TOLERANCE_S = 0.05
SETS = ("Bach10-excerpts", "URMP-16k")
SAME = "informed NMF as it is"


@dataclasses.dataclass(frozen=True)
class Idea:
    """A line of the table: which idea it tests, what is done, and the method and options that do it."""

    idea: str
    change: str
    method: str
    options: dict[str, object] = dataclasses.field(default_factory=dict)


IDEAS = (
    Idea("", SAME, "informed-nmf"),
    Idea("harmonic spread", "bells half as wide", "informed-nmf", {"width_cents": 6.0, "width_bins": 0.65}),
    Idea("", "bells without cents", "informed-nmf", {"width_cents": 0.0}),
    Idea("", "bells twice as wide", "informed-nmf", {"width_cents": 24.0, "width_bins": 2.6}),
    Idea("", "bells as wide as half a semitone", "informed-nmf", {"width_cents": 100.0, "width_bins": 3.0}),
    Idea("pitch followed by frame", "each key at one pitch", "informed-nmf", {"follow_pitch": False}),
    Idea("bins teach by share", "all bins alike", "informed-nmf", {"by_share": False}),
    Idea("near pitches are pooled", "each key by itself", "informed-nmf", {"pool_pitches": False}),
    Idea("a floor for all", "no floor", "informed-nmf", {"floor": 0.0}),
    Idea("", "none of these four", "informed-nmf",
         {"follow_pitch": False, "by_share": False, "pool_pitches": False, "floor": 0.0}),
    Idea("harmonics first, bins last", "harmonics alone", "informed-nmf", {"free_iterations": 0}),
    Idea("", "bins from the start", "informed-nmf", {"free_iterations": 12}),
    Idea("few rounds", "5 rounds", "informed-nmf", {"iterations": 5, "free_iterations": 2}),
    Idea("", "50 rounds, 16 of them bins", "informed-nmf", {"iterations": 50, "free_iterations": 16}),
    Idea("smooth activations", "no smoothing", "informed-nmf", {"smoothing_s": 0.0}),
    Idea("", "smoothing three times as long", "informed-nmf", {"smoothing_s": 0.15}),
    Idea("tuning", "taken as 440 Hz", "informed-nmf", {"tuning_hz": 440.0, "follow_intonation": False}),
    Idea("", "estimated, one for all", "informed-nmf", {"follow_intonation": False}),
    Idea("", "taken as 440 Hz, pitches followed", "informed-nmf", {"tuning_hz": 440.0}),
    Idea("power of the mask", "1", "informed-nmf", {"exponent": 1.0}),
    Idea("", "1.5", "informed-nmf", {"exponent": 1.5}),
    Idea("", "3", "informed-nmf", {"exponent": 3.0}),
    Idea("windows of 128 ms", "half as long", "informed-nmf", {"window_s": 0.064}),
    Idea("number of harmonics", "15 instead of 30", "informed-nmf", {"harmonics": 15}),
    Idea("constraint templates", "wide boxes, all bins free", "constrained-nmf"),
    Idea("", "with onset templates", "constrained-nmf", {"onsets": True}),
    Idea("templates of single notes", "of recordings, fixed", "trained-nmf"),
    Idea("", "of renders, fixed", "trained-nmf", {"measured_on": "renders"}),
    Idea("", "fixed, notes refined", "trained-nmf", {"refine": True}),
    Idea("", "as a start, learnt on", "trained-nmf", {"fixed": False}),
    Idea("", "as a start, beta 1, power 2, 12 rounds", "trained-nmf",
         {"fixed": False, "beta": 1.0, "exponent": 2.0, "iterations": 12}),
    Idea("no NMF", "score masks", "score-masks"),
)  # fmt: skip


def mean_sdr(idea: Idea, tracks: list[Track]) -> float:
    """SDR in dB of one idea, mean over the players and then over the tracks."""
    separator = catalogue.separator(idea.method, tolerance_s=TOLERANCE_S, **idea.options)
    rows = compare.compare({idea.change: separator}, tracks)
    return compare.pivot(rows)[idea.change]["mean"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    recordings = parse(parser, arguments).recordings
    sets = {name: tracks_of(recordings / name) for name in SETS}
    for name, tracks in sets.items():
        if not tracks:
            parser.error(f"{recordings / name} holds no pieces; give the folder that holds {' and '.join(SETS)}")
    print(f"SDR over the whole file, dB, fine notes, tolerance {TOLERANCE_S} s; beside it: more than the first line")
    print(f"{'idea':30} {'what is done':40}" + "".join(f"{name:>18}" for name in SETS) + f"{'seconds':>9}")
    same: dict[str, float] = {}
    for idea in IDEAS:
        started_s = time.perf_counter()
        found = {name: mean_sdr(idea, tracks) for name, tracks in sets.items()}
        same = same or found
        cells = "".join(f"{found[name]:10.2f} {found[name] - same[name]:+7.2f}" for name in SETS)
        print(f"{idea.idea:30} {idea.change:40}{cells}{time.perf_counter() - started_s:9.1f}", flush=True)
    return 0


def tracks_of(folder: Path) -> list[Track]:
    """Every piece of a set with its fine notes."""
    return [read_track(path, "notes.csv") for path in sorted(folder.glob("*")) if (path / "notes.csv").is_file()]


if __name__ == "__main__":
    sys.exit(main())
