"""The real recordings that benchmarks measure on: the option that names their folder, and their beginnings.

Contents: parse, experiment_file, folders_with_notes, beginnings, mean_sdr_db.
"""

import argparse
import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mss_lab.datasets.track import Track, read_track
from mss_lab.metrics import energy
from mss_lab.refusals import RefusedValue
from tests.paths import ROOT

# Sets of recordings whose stems have notes of their own.
SETS_WITH_NOTES = ("Bach10-excerpts", "URMP-48k", "URMP-16k", "choir-16k")


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """Parse with `--recordings` added; ends the program in words where no folder is named."""
    parser.add_argument(
        "--recordings",
        metavar="DIR",
        type=Path,
        default=os.environ.get("MSS_LAB_RECORDINGS"),
        help="folder of the real recordings (default: MSS_LAB_RECORDINGS)",
    )
    options = parser.parse_args(arguments)
    if options.recordings is None:
        parser.error("which recordings? give --recordings DIR, or set MSS_LAB_RECORDINGS")
    options.recordings = Path(options.recordings)
    return options


@contextlib.contextmanager
def experiment_file(name: str, options: argparse.Namespace) -> Iterator[Path]:
    """The file that `--out` names, otherwise that of the course; with `--small` a temporary one."""
    with tempfile.TemporaryDirectory() as scratch:
        shipped = ROOT / "data" / "experiments" / f"{name}.json"
        yield options.out or (Path(scratch) / "small.json" if options.small else shipped)


def folders_with_notes(recordings: Path) -> list[Path]:
    """The folders of all recordings that have a file `notes.csv`, in a fixed order."""
    folders = [path for name in SETS_WITH_NOTES for path in sorted((recordings / name).glob("*"))]
    folders = [path for path in folders if (path / "notes.csv").is_file()]
    if not folders:
        raise RefusedValue(
            f"{recordings} must hold recordings with notes.csv in {', '.join(SETS_WITH_NOTES)}, got none"
        )
    return folders


def beginnings(folders: list[Path], length_s: float) -> Iterator[Track]:
    """The first seconds of each recording, with the notes that start in them."""
    for folder in folders:
        track = read_track(folder, "notes.csv")
        samples = min(track.mixture.shape[1], round(length_s * track.sample_rate_hz))
        end_s = samples / track.sample_rate_hz
        assert track.score is not None
        notes = tuple(
            dataclasses.replace(note, offset_s=min(note.offset_s, end_s))
            for note in track.score.notes
            if note.onset_s < end_s - 0.1
        )
        yield dataclasses.replace(
            track,
            sources={name: waveform[:, :samples] for name, waveform in track.sources.items()},
            score=dataclasses.replace(track.score, notes=notes),
        )


def mean_sdr_db(sources: Mapping[str, np.ndarray], estimates: Mapping[str, np.ndarray]) -> float:
    """SDR in dB, mean over the sources that sound."""
    return float(np.mean([energy.sdr(source, estimates[name]) for name, source in sources.items() if source.any()]))
