"""Experiment of lesson 17: small X-UMX networks with one idea left out each, all ideas, and none.

    python -m tests.benchmarks.ablation [--seeds 5] [--steps 2000] [--songs FOLDER] [--recordings DIR] [--small]

All networks of one seed start from the same first weights, see the same batches in the same order, and are tested on
the same songs, so that they differ in the idea alone. Songs are excerpts of chorales, which are rendered first and need
FluidSynth and music21. The tests are pieces that no network has learnt from: by the soundfonts of the training
(`seen`), by a soundfont that was kept out of it (`unseen`), and real recordings (`recordings`). Interrupted, the same
command goes on; with more seeds it adds them.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mss_lab import audio, experiments
from mss_lab.datasets import make_training, store
from mss_lab.datasets.track import read_track
from mss_lab.metrics import energy
from mss_lab.neural import models, segments
from tests.benchmarks.plain_training import add_arguments, mean_over_sources, out_path, separated, train
from tests.benchmarks.recordings import parse

RATE_HZ = 8_000
# The names of the training songs, and of the same players in the recordings.
PLAYERS = {"violin": "violin", "clarinet": "clarinet", "tenor_sax": "saxophone", "bassoon": "bassoon"}
SETTINGS: dict[str, Any] = {"sources": tuple(PLAYERS), "sample_rate_hz": RATE_HZ, "window_samples": 1024}
SETTINGS |= {"hop_samples": 256, "bandwidth_hz": 4000.0, "hidden": 64, "layers": 1, "dropout": 0.0}
VARIANTS: dict[str, dict[str, Any]] = {
    "all ideas": {},
    "no bridges": {"bridging": False},
    "no time domain": {"time_weight": 0.0},
    "no sums": {"combine": False},
    "none of the three": {"bridging": False, "time_weight": 0.0, "combine": False},
}
QUARTETS = "Bach10-excerpts"
ABOUT = (
    "Small X-UMX networks (64 features, one layer, 8 kHz) learn from {items} rendered excerpts for {steps} steps, with "
    "all three ideas, with one left out, and with none. Mean over players and songs of SDR and SI-SDR in dB, and of "
    "the SDR in dB of the mixture that the sum of the estimates gives back."
)


def make_songs(folder: Path, items: int, tests: int, song_s: float) -> dict[str, store.Store]:
    """The stores of training and test songs, made where they are missing."""
    works = make_training.read("chorales")
    counts = {"train": items, "seen": tests, "unseen": tests}
    return {
        side: make_training.make(
            "chorales",
            folder / side,
            items=count,
            split=side,
            seed=17,
            song_s=song_s,
            sample_rate_hz=RATE_HZ,
            works=works,
        )
        for side, count in counts.items()
    }


def recorded(folder: Path) -> dict[str, np.ndarray]:
    """The quartets of the real recordings at the networks' rate, by name; (sources, samples)."""
    songs = {}
    for path in sorted(path for path in (folder / QUARTETS).iterdir() if path.is_dir()):
        track = read_track(path)
        stems = (track.sources[name].mean(axis=0, keepdims=True) for name in PLAYERS.values())
        songs[path.name] = np.concatenate([audio.resample(stem, track.sample_rate_hz, RATE_HZ) for stem in stems])
    return songs


def measured(network: torch.nn.Module, songs: list[np.ndarray]) -> dict[str, float]:
    """Means over songs."""
    values: dict[str, list[float]] = {"sdr_db": [], "si_sdr_db": [], "given_back_db": []}
    for sources in songs:
        estimates = separated(network, sources)
        values["sdr_db"].append(mean_over_sources(energy.sdr, sources, estimates))
        values["si_sdr_db"].append(mean_over_sources(energy.si_sdr, sources, estimates))
        both = (stems.sum(axis=0, keepdims=True, dtype=np.float64) for stems in (sources, estimates))
        values["given_back_db"].append(float(energy.sdr(*both)))
    return {name: round(float(np.mean(of_songs)), 3) for name, of_songs in values.items()}


def run(
    record: experiments.Record,
    seed: int,
    training: store.Store,
    tests: Mapping[str, list[np.ndarray]],
    steps: int,
) -> None:
    """All variants of one seed."""
    for variant, changes in VARIANTS.items():
        if all(record.has(seed=seed, variant=variant, test=test) for test in tests):
            continue
        torch.manual_seed(seed)
        network = models.build("xumx", {**SETTINGS, **changes})
        batches = segments.batches(training, length_samples=3 * RATE_HZ, batch=4, seed=seed)
        network.prepare(batches)
        train(network, batches, steps, 3e-3)
        for test, songs in tests.items():
            if not record.has(seed=seed, variant=variant, test=test):
                row = measured(network, songs)
                record.add(seed=seed, variant=variant, test=test, steps=steps, **row)
                sys.stdout.write(f"seed {seed}, {variant:18s} {test:10s} {row}\n")
        sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Add what is missing, and print each network's figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=Path, help="folder for the rendered songs (default: a temporary one)")
    add_arguments(parser, seeds=5, steps=2000)
    options = parse(parser, arguments)
    items, count, song_s, steps = (2, 1, 4.0, 2) if options.small else (96, 16, 12.0, options.steps)
    quartets = recorded(options.recordings)
    record = experiments.Record(
        out_path(options, "17_ablation"),
        command=f"python -m tests.benchmarks.ablation --seeds {options.seeds} --steps {options.steps}",
        about=ABOUT.format(items=items, steps=steps),
        seeds=range(options.seeds),
        recordings=quartets,
    )
    with tempfile.TemporaryDirectory() as scratch:
        stores = make_songs(options.songs or Path(scratch), items, count, song_s)
        tests = {side: [stores[side][i]["audio"] for i in range(count)] for side in ("seen", "unseen")}
        for seed in range(options.seeds):
            run(record, seed, stores["train"], {**tests, "recordings": list(quartets.values())}, steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
