"""Methods that know a score, on real recordings, and why trained templates lose: the experiment of lesson 08.

    python -m tests.benchmarks.lesson_08_recordings [--recordings DIR] [--out FILE] [--small]

All methods are given the notes of the stems and a tolerance of 0.05 s. The same NMF with fixed templates is run with
templates from three origins: single notes of other instruments of the same kind, single notes of a soundfont, and the
stems themselves. The last is an oracle. What lies between it and the first is the cost of unsuitable templates.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from mss_lab import catalogue, experiments, oracles, transforms
from mss_lab.datasets.track import Track
from mss_lab.nmf import shapes, trained
from tests.benchmarks.recordings import beginnings, experiment_file, folders_with_notes, mean_sdr_db, parse

LENGTH_S = 10.0
TOLERANCE_S = 0.05
COMMAND = "python -m tests.benchmarks.lesson_08_recordings"
ABOUT = (
    f"SDR in dB over the first {LENGTH_S:g} s of each recording, mean over the players. Every method is given the "
    f"notes of the stems and a tolerance of {TOLERANCE_S:g} s; single notes are those of the package's two tables of "
    "instruments; the templates of the stems are an oracle."
)
# The method of the catalogue and its options; the last name stands for templates that are measured on the stems.
METHODS = {
    "score masks": ("score-masks", {}),
    "zeros by the score": ("constrained-nmf", {}),
    "informed NMF": ("informed-nmf", {}),
    "informed NMF, pitch not followed": ("informed-nmf", {"follow_pitch": False}),
    "informed NMF, bins not by share": ("informed-nmf", {"by_share": False}),
    "informed NMF, pitches not pooled": ("informed-nmf", {"pool_pitches": False}),
    "fixed templates: recorded notes": ("trained-nmf", {"measured_on": "recordings"}),
    "fixed templates: rendered notes": ("trained-nmf", {"measured_on": "renders"}),
    "recorded notes, then learnt here": (
        "trained-nmf",
        {"fixed": False, "beta": 1.0, "exponent": 2.0, "iterations": 12},
    ),
    "fixed templates: the stems": ("trained-nmf", {}),
}
OF_STEMS = "fixed templates: the stems"


def amplitudes_of_stems(track: Track) -> dict[str, np.ndarray]:
    """For each source the mean amplitudes of the harmonics of each of its pitches, float (128, harmonics)."""
    settings = transforms.settings_for(track.sample_rate_hz, trained.WINDOW_S)
    frame_rate_hz = track.sample_rate_hz / settings["hop_samples"]
    table = {}
    for name, source in track.sources.items():
        magnitude = np.abs(transforms.stft(source, **settings)[0])
        table[name] = np.zeros((128, trained.HARMONICS), np.float32)
        for midi in {note.midi for note in track.score.notes_of(name)}:
            bells = shapes.harmonic_shapes(
                midi, settings["window_samples"], track.sample_rate_hz, harmonics=trained.HARMONICS
            )
            for note in track.score.notes_of(name):
                if note.midi == midi:
                    frames = slice(int(note.onset_s * frame_rate_hz), int(note.offset_s * frame_rate_hz) + 1)
                    sounding = magnitude[:, frames].sum(axis=1)
                    table[name][round(midi)] += bells @ sounding / np.maximum(bells.sum(axis=1), 1e-9)
    return table


def add_recording(record: experiments.Record, track: Track) -> None:
    """A row for each method that can be used on one recording."""
    key = {"recording": track.name}
    if not record.has(**key, method="oracle Wiener"):
        for method, estimates in {
            "mixture": oracles.do_nothing(track.sources),
            "oracle Wiener": oracles.oracle(track.sources, track.sample_rate_hz),
        }.items():
            record.add(**key, method=method, sdr_db=mean_sdr_db(track.sources, estimates))
    for method, (name, options) in METHODS.items():
        if record.has(**key, method=method):
            continue
        of_stems = {"templates": amplitudes_of_stems(track)} if method == OF_STEMS else {}
        separate = catalogue.separator(name, tolerance_s=TOLERANCE_S, **options, **of_stems)
        estimates = separate(track.mixture, track.sample_rate_hz, track.score)
        record.add(**key, method=method, sdr_db=mean_sdr_db(track.sources, estimates))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FILE", type=Path, help="the experiment's file (default: that of the course)")
    parser.add_argument("--small", action="store_true", help="two recordings, the first seconds")
    options = parse(parser, arguments)
    with experiment_file("08_recordings", options) as out:
        run(options.recordings, out, options.small)
    return 0


def run(recordings: Path, out: Path, small: bool) -> None:
    """Measure what is not measured yet, and print it."""
    folders = folders_with_notes(recordings)[: 2 if small else None]
    names = [folder.name for folder in folders]
    record = experiments.Record(out, command=COMMAND, about=ABOUT, recordings=names)
    for track in beginnings(folders, 2.0 if small else LENGTH_S):
        add_recording(record, track)
        print(track.name, flush=True)
        for row in record.rows:
            if row["recording"] == track.name:
                print(f"    {row['method']:36}{row['sdr_db']:6.2f} dB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
