"""Experiment of lesson 15: train on one pair of instruments or on many, and test all on the same songs.

    python -m tests.benchmarks.timbres [--seeds 8] [--steps 2000] [--out FILE] [--small]

Each seed draws other instruments, performances and first weights. For one seed, all training sets hold the same
performances of one chorale; only the number of pairs of instruments differs. All networks are tested on the same
performances of another chorale: by instruments that were drawn apart from all training (`new`), and by the instruments
of their own training (`known`). Interrupted, the same command goes on; with more seeds it adds them.
"""

import argparse
import sys

import numpy as np
import torch

from mss_lab import experiments
from mss_lab.datasets import duets, pieces, repertoire
from mss_lab.metrics import energy
from mss_lab.neural import models, segments
from tests.benchmarks.plain_training import add_arguments, out_path, separated, train

RATE_HZ = 8_000
PROGRAMS = {"flute": 73, "oboe": 68}
# Name of a training set: number of pairs, and how often the sources of a segment come from different songs.
TRAINING_SETS = {
    "1 pair": (1, 0.0),
    "2 pairs": (2, 0.0),
    "4 pairs": (4, 0.0),
    "8 pairs": (8, 0.0),
    "32 pairs": (32, 0.0),
    "32 pairs, mixed anew": (32, 1.0),
}
SETTINGS = {"sources": tuple(PROGRAMS), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": 128}
SETTINGS |= {"context_frames": 2, "hidden": 96}
ABOUT = (
    "A context-window network learns to separate a flute from an oboe. Its training songs are played by 1 to 32 pairs "
    "of drawn instruments; the songs of the test are the same for all. SI-SDR gained over the mixture, in dB, mean "
    "over {tests} songs."
)


def work_of(name: str) -> repertoire.Work:
    """A chorale of the lessons as written music."""
    return repertoire.work_of(name, pieces.load(name).score)


def gains_db(network: torch.nn.Module, songs: list) -> np.ndarray:
    """SI-SDR gained over the mixture, in dB, mean over the sources of each song."""
    gains = []
    for song in songs:
        mixture = song["audio"].sum(axis=0, keepdims=True)
        pairs = zip(song["audio"], separated(network, song["audio"]), strict=True)
        gains.append(np.mean([energy.si_sdr_improvement(one[None], other[None], mixture) for one, other in pairs]))
    return np.array(gains)


def run(record: experiments.Record, seed: int, songs: int, tests: int, steps: int) -> None:
    """All training sets of one seed."""
    learnt, other = work_of("chorale_a"), work_of("chorale_b")
    unknown_players = duets.draw_players(PROGRAMS, tests, [2])
    new = [duets.song(other, unknown_players[i], [15, 3, i]) for i in range(tests)]
    for name, (pairs, incoherent) in TRAINING_SETS.items():
        if record.has(seed=seed, training=name):
            continue
        players = duets.draw_players(PROGRAMS, pairs, [1, seed])
        training = duets.Songs(
            (duets.song(learnt, players[i % pairs], [15, 1, seed, i]) for i in range(songs)),
            {"sources": tuple(PROGRAMS), "sample_rate_hz": RATE_HZ},
        )
        torch.manual_seed(seed)
        network = models.build("context-window", SETTINGS)
        batches = segments.batches(training, length_samples=2 * RATE_HZ, batch=4, seed=seed, incoherent=incoherent)
        network.prepare(batches)
        train(network, batches, steps, 1e-3)
        of_training = [duets.song(other, players[i % pairs], [15, 3, i]) for i in range(tests)]
        values = {"heard": gains_db(network, training[:tests]), "known": gains_db(network, of_training)}
        values["new"] = gains_db(network, new)
        means = {f"{test}_db": round(float(gains.mean()), 3) for test, gains in values.items()}
        record.add(seed=seed, training=name, pairs=pairs, steps=steps, **means)
        sys.stdout.write(f"seed {seed}, {name:22s} {means}\n")
        sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Add what is missing, and print each network's figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, seeds=8, steps=2000)
    options = parser.parse_args(arguments)
    songs, tests, steps = (2, 2, 3) if options.small else (32, 24, options.steps)
    record = experiments.Record(
        out_path(options, "15_timbres"),
        command=f"python -m tests.benchmarks.timbres --seeds {options.seeds} --steps {options.steps}",
        about=ABOUT.format(tests=tests),
        seeds=range(options.seeds),
    )
    for seed in range(options.seeds):
        run(record, seed, songs, tests, steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
