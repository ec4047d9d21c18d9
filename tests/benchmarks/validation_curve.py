"""Experiment of lesson 16: training and validation loss over a long run, learning from one song and from many.

    python -m tests.benchmarks.validation_curve [--seeds 5] [--steps 1200] [--songs FOLDER] [--out FILE] [--small]

A small mask-inference network learns from one chorale of the lessons, or from many excerpts of other chorales, which
are rendered first and need FluidSynth and music21. Both are judged by the other chorale of the lessons. Interrupted,
the same command goes on; with more seeds it adds them.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from mss_lab import audio, experiments
from mss_lab.datasets import duets, make_training, pieces
from mss_lab.metrics import energy
from mss_lab.neural import models, segments
from tests.benchmarks.plain_training import add_arguments, mean_over_sources, out_path, separated, train

RATE_HZ = 16_000
SOURCES = ("violin", "clarinet", "tenor_sax", "bassoon")
SETTINGS = {"sources": SOURCES, "hidden": 64, "layers": 1, "even_level": True}
# Steps from one validation to the next.
EVERY = 20
ABOUT = (
    "A mask-inference network with one layer of 64 units in each direction learns from one song, or from {items} "
    "excerpts of other chorales, and is judged by a song that it does not learn from. Losses are phase-sensitive ones; "
    "SI-SDR in dB, mean over the four players."
)


def lesson_song(name: str) -> np.ndarray:
    """The stems of a chorale of the lessons at the network's rate, (sources, samples)."""
    piece = pieces.load(name)
    return np.concatenate([audio.resample(stem[:1], piece.sample_rate_hz, RATE_HZ) for stem in piece.sources.values()])


def run(record: experiments.Record, seed: int, songs: duets.Songs, name: str, steps: int, every: int) -> None:
    """One training, with a row for each validation."""
    if record.has(seed=seed, songs=name, step=steps):
        return
    # The rows of a run that was interrupted are replaced by those of its repetition.
    record.rows = [row for row in record.rows if (row["seed"], row["songs"]) != (seed, name)]
    judge = lesson_song("chorale_b")
    segment = 8 * RATE_HZ
    starts = (0, min(12 * RATE_HZ, judge.shape[1] - segment))
    validation = {"sources": torch.from_numpy(np.stack([judge[:, start : start + segment] for start in starts]))}
    torch.manual_seed(seed)
    network = models.build("mask-inference", SETTINGS)
    batches = segments.batches(songs, length_samples=3 * RATE_HZ, batch=4, seed=seed)

    def measured(step: int, loss: float) -> None:
        with torch.no_grad():
            other = float(network.loss(validation))
        si_sdr = np.mean(
            [mean_over_sources(energy.si_sdr, one, separated(network, one)) for one in validation["sources"].numpy()]
        )
        row = {"training_loss": loss, "validation_loss": other, "si_sdr_db": float(si_sdr)}
        record.add(seed=seed, songs=name, step=step, **{key: round(value, 5) for key, value in row.items()})
        sys.stdout.write(f"seed {seed}, {name:10s} step {step:5d} {row}\n")
        sys.stdout.flush()

    train(network, batches, steps, 5e-3, falling=False, at_step=measured, every=every)


def main(arguments: list[str] | None = None) -> int:
    """Add what is missing, and print each validation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=Path, help="folder for the rendered songs (default: a temporary one)")
    add_arguments(parser, seeds=5, steps=1200)
    options = parser.parse_args(arguments)
    items, song_s, steps, every = (2, 4.0, 2, 1) if options.small else (48, 12.0, options.steps, EVERY)
    record = experiments.Record(
        out_path(options, "16_curve"),
        command=f"python -m tests.benchmarks.validation_curve --seeds {options.seeds} --steps {options.steps}",
        about=ABOUT.format(items=items),
        seeds=range(options.seeds),
    )
    one = duets.Songs(
        [{"audio": lesson_song("chorale_a"), "notes": np.zeros((0, 4))}],
        {"sources": SOURCES, "sample_rate_hz": RATE_HZ},
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.songs or Path(scratch)) / "train"
        many = make_training.make("chorales", folder, items=items, split="train", seed=16, song_s=song_s)
        for seed in range(options.seeds):
            for name, songs in (("one song", one), ("many songs", many)):
                run(record, seed, songs, name, steps, every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
