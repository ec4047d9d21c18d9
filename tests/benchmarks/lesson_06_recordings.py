"""How much the separation of a voice depends on its random start: the experiment of lesson 06.

    nice python -m tests.benchmarks.lesson_06_recordings [--recordings DIR] [--out FILE] [--small]

One row for each recording, number of runs that are averaged, and seed.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mss_lab import experiments
from mss_lab.datasets import pieces
from mss_lab.datasets.track import read_track
from mss_lab.metrics import energy
from mss_lab.nmf import source_filter
from tests.benchmarks.recordings import experiment_file, parse

LENGTH_S = 10.0
SEEDS = tuple(range(4))
# How many runs are averaged, and from how many starts: four runs take four times as long.
STARTS = {1: 4, 4: 2}
COMMAND = "python -m tests.benchmarks.lesson_06_recordings"
ABOUT = (
    f"SDR in dB of the voice, separated without a score from {LENGTH_S:g} s of a song, for several random starts, and "
    "for one run or the mean of four. Song without words is rendered; all others are real recordings, in which the "
    "voice is the sum of all vocal stems."
)
RENDERED = "Song without words"


def songs(recordings: Path) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Name, sample rate, mixture and true voice of each song that has a voice."""
    song = pieces.load("song")
    start = 2 * song.sample_rate_hz  # the singer comes in after two seconds
    yield RENDERED, song.sample_rate_hz, song.mixture[:, start:], song.sources["voice"][:, start:]
    for folder in sorted((recordings / "pop-stereo").glob("*/")):
        track = read_track(folder, None)
        voices = [waveform for name, waveform in track.sources.items() if "vocals" in name]
        if voices:
            yield folder.name, track.sample_rate_hz, track.mixture, np.sum(voices, axis=0)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FILE", type=Path, help="the experiment's file (default: that of the course)")
    parser.add_argument("--small", action="store_true", help="the rendered song alone, one second, two starts")
    options = parse(parser, arguments)
    with experiment_file("06_voice_starts", options) as out:
        run(options.recordings, out, options.small)
    return 0


def run(recordings: Path, out: Path, small: bool) -> None:
    """Measure what is not measured yet, and print it."""
    length_s, seeds = (1.0, SEEDS[:2]) if small else (LENGTH_S, SEEDS)
    chosen = list(itertools.islice(songs(recordings), 1 if small else None))
    names = [name for name, *_ in chosen if name != RENDERED]
    record = experiments.Record(out, command=COMMAND, about=ABOUT, seeds=seeds, recordings=names)
    for name, rate_hz, mixture, voice in chosen:
        samples = round(length_s * rate_hz)
        mixture, voice = mixture[:, :samples], voice[:, :samples]
        if not record.has(recording=name, runs=0):
            record.add(recording=name, runs=0, seed=0, sdr_db=energy.sdr(voice, mixture))
        for runs, starts in STARTS.items():
            for seed in seeds[:starts]:
                key = {"recording": name, "runs": runs, "seed": seed}
                if not record.has(**key):
                    draws = np.random.default_rng(seed)
                    estimate = source_filter.separate(mixture, rate_hz, runs=runs, rng=draws)["voice"]
                    record.add(**key, sdr_db=energy.sdr(voice, estimate))
        for row in record.rows:
            if row["recording"] == name:
                print(f"{name:20} runs {row['runs']}  seed {row['seed']}  {row['sdr_db']:6.2f} dB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
