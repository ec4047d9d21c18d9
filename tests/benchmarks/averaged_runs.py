"""FastMNMF and ILRMA from random starts: the SDR of single runs beside that of the average of several.

    python -m tests.benchmarks.averaged_runs [--length SECONDS] [--seeds 2] [--runs 3] [--methods NAME ...]

For each mixture and seed, `--runs` single runs are judged one by one, and then an average of so many runs. Figures are
SDR in dB, mean over the sources, estimates matched to the sources: mean, lowest and highest of the single runs, the
mean of the averages, and what averaging gains over a single run in the mean. The last line counts the mixtures in which
the average is better than the mean of its runs. Mixtures are made from shipped pieces: excerpts of the band as mixed, a
chorale and the song panned to other places, and pairs of players panned, dry and in a short room.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterable

import numpy as np

from mss_lab import catalogue, compare, signals
from mss_lab.datasets import pieces, rooms
from mss_lab.metrics import energy

Sources = dict[str, np.ndarray]
# Players of the band.
PAIRS = (("drums", "lead"), ("drums", "bass"), ("bass", "lead"))
ROOM = rooms.Room(room_s=0.15, room_db=-6.0, room_early=4, room_damping_hz=6_000.0)


def excerpt(name: str, start_s: float, length_s: float) -> tuple[Sources, int]:
    """The sources of a shipped piece in an excerpt, and their rate."""
    piece = pieces.load(name)
    first, last = (round(time_s * piece.sample_rate_hz) for time_s in (start_s, start_s + length_s))
    return {player: source[:, first:last] for player, source in piece.sources.items()}, piece.sample_rate_hz


def panned(sources: Sources, angles_rad: Iterable[float]) -> Sources:
    """Each source in one channel, at an angle of its own."""
    return {
        player: signals.pan(source.mean(axis=0, keepdims=True), angle_rad)
        for (player, source), angle_rad in zip(sources.items(), angles_rad, strict=True)
    }


def in_a_room(sources: Sources, sample_rate_hz: int, rng: np.random.Generator) -> Sources:
    """Each channel of each source as it sounds at a seat of its own in one room."""
    return {
        player: np.stack([rooms.apply(channel, ROOM, sample_rate_hz, rng) for channel in source]).astype(np.float32)
        for player, source in sources.items()
    }


def mixtures(length_s: float) -> dict[str, tuple[Sources, int]]:
    """Title -> sources that sound, as they are in the mixture (2, samples), and their rate."""
    made = {f"band from {start_s} s": excerpt("band", start_s, length_s) for start_s in (0, 8)}
    for name, angles_rad in (("chorale_a", (0.2, 0.6, 1.0, 1.4)), ("song", (0.3, 0.8, 1.3))):
        sources, rate_hz = excerpt(name, 0, length_s)
        made[f"{name} panned"] = panned(sources, angles_rad), rate_hz
    band, rate_hz = excerpt("band", 8, length_s)
    for first, second in PAIRS:
        pair = panned({player: band[player] for player in (first, second)}, (0.4, 1.2))
        made[f"{first} and {second}"] = pair, rate_hz
        made[f"{first} and {second}, room"] = in_a_room(pair, rate_hz, np.random.default_rng(3)), rate_hz
    return {
        title: ({player: source for player, source in sources.items() if source.any()}, rate_hz)
        for title, (sources, rate_hz) in made.items()
    }


def sdr_db(separate: Callable[..., Sources], sources: Sources, sample_rate_hz: int) -> float:
    matched = compare.match(separate(signals.mix(sources), sample_rate_hz, None), sources)
    return float(np.mean([energy.sdr(source, matched[player]) for player, source in sources.items()]))


def takes_any_count(name: str) -> bool:
    """Whether a method separates any number of sources, or two only."""
    return "count" in catalogue.get(name).options


def figures(name: str, sources: Sources, sample_rate_hz: int, *, runs: int, seeds: int) -> tuple[np.ndarray, float]:
    """SDR of all single runs, and the mean SDR of the averages over the seeds."""
    count = {"count": len(sources)} if takes_any_count(name) else {}

    def judged(rng: np.random.Generator, number: int) -> float:
        separate = catalogue.separator(name, runs=number, rng=rng, **count)
        return sdr_db(separate, sources, sample_rate_hz)

    singles, averages = [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        singles += [judged(rng, 1) for _ in range(runs)]
        averages.append(judged(np.random.default_rng(seed), runs))
    return np.array(singles), float(np.mean(averages))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=float, default=8.0, metavar="SECONDS")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=("fastmnmf", "ilrma"), default=["fastmnmf", "ilrma"])
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    print(f"{'method':10}{'mixture':26}{'one run':>9}{'lowest':>8}{'highest':>9}{'average':>9}{'gain (dB)':>11}")
    gains: dict[str, list[float]] = {name: [] for name in options.methods}
    for title, (sources, rate_hz) in mixtures(options.length).items():
        for name in options.methods:
            if len(sources) != 2 and not takes_any_count(name):
                continue
            singles, average = figures(name, sources, rate_hz, runs=options.runs, seeds=options.seeds)
            gains[name].append(average - singles.mean())
            print(
                f"{name:10}{title:26}{singles.mean():9.2f}{singles.min():8.2f}{singles.max():9.2f}{average:9.2f}"
                f"{gains[name][-1]:+11.2f}",
                flush=True,
            )
    for name, values in gains.items():
        better = sum(value > 0 for value in values)
        print(f"{name}: averaging {options.runs} runs is better in {better} of {len(values)} mixtures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
