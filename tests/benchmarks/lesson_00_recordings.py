"""Methods that follow a score, on real recordings and on the course's rendered chorales: the figures of lesson 00.

    python -m tests.benchmarks.lesson_00_recordings [--recordings DIR] [--out FILE] [--small]

The table has the mean SDR over the players in dB, over the whole file. The file, an experiment that lesson 00 shows,
has one row for each player, also with the SDR above 40 Hz: the noise of a stand or a floor, below any note, counts in
the first and not in the second. All methods have the options of the lesson, the same for every recording; the scores
are the notes set on the single stems. A run that was stopped goes on where it stopped.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from mss_lab import catalogue, compare, experiments, oracles
from mss_lab.datasets import pieces
from mss_lab.datasets.track import Track, read_track
from mss_lab.metrics import energy
from tests.benchmarks.recordings import parse
from tests.paths import ROOT

SETS = ("Bach10-excerpts", "URMP-16k", "URMP-48k", "choir-16k")
PIECES = ("chorale_a", "chorale_b")
RENDERED = "rendered"
LOWEST_HZ = 40
METHODS = ("mixture", "score-masks", "informed-nmf", "refined-nmf", "oracle")
ABOUT = (
    "SDR of each player by three methods that follow a score, between the mixture and the oracle Wiener filter, on "
    "real recordings and on two rendered chorales; the notes are those of the single stems, the tolerance is 0.05 s."
)


def estimates_of(track: Track, method: str) -> Mapping[str, np.ndarray]:
    """One method on one track; the methods of the catalogue get mixture and score only."""
    if method == "mixture":
        return oracles.do_nothing(track.sources)
    if method == "oracle":
        return oracles.oracle(track.sources, track.sample_rate_hz, "wiener")
    return catalogue.separator(method, tolerance_s=0.05)(track.mixture, track.sample_rate_hz, track.score)


def above(waveform: np.ndarray, lowest_hz: float, sample_rate_hz: int) -> np.ndarray:
    """The waveform without anything below a frequency."""
    spectrum = np.fft.rfft(waveform)
    spectrum[..., np.fft.rfftfreq(waveform.shape[-1], 1 / sample_rate_hz) < lowest_hz] = 0
    return np.fft.irfft(spectrum, waveform.shape[-1])


def tracks_of(recordings: Path, small: bool) -> Iterator[tuple[str, Callable[[], Track]]]:
    """The name of a set, and a function that reads one of its tracks."""
    if not small:
        for name in PIECES:
            yield RENDERED, lambda name=name: piece_as_track(name)
    for folder in SETS:
        for path in sorted(path for path in (recordings / folder).glob("*") if path.is_dir()):
            yield folder, lambda path=path: read_track(path)
            if small:
                return


def piece_as_track(name: str) -> Track:
    """One of the course's pieces."""
    piece = pieces.load(name)
    return Track(name, piece.sample_rate_hz, piece.sources, piece.score)


def measure(track: Track, group: str, method: str, record: experiments.Record) -> None:
    """Add the rows of one method on one track, unless they are there."""
    if record.has(recording=track.name, method=method, source=list(track.sources)[-1]):
        return
    rate = track.sample_rate_hz
    estimates = estimates_of(track, method)
    for source, waveform in track.sources.items():
        if record.has(recording=track.name, method=method, source=source):
            continue
        above_40_db = energy.sdr(above(waveform, LOWEST_HZ, rate), above(estimates[source], LOWEST_HZ, rate))
        record.add(
            set=group,
            recording=track.name,
            players=len(track.sources),
            length_s=round(track.duration_s, 1),
            method=method,
            source=source,
            sdr_db=round(energy.sdr(waveform, estimates[source]), 2),
            sdr_above_40_hz_db=round(above_40_db, 2),
        )


def table(record: experiments.Record) -> dict[str, dict[str, float]]:
    """Recording -> method -> mean SDR over its players."""
    lines: dict[str, dict[str, list[float]]] = {}
    for row in record.rows:
        cells = lines.setdefault(str(row["recording"]), {})
        cells.setdefault(str(row["method"]), []).append(float(row["sdr_db"]))
    return {line: {method: float(np.mean(values)) for method, values in cells.items()} for line, cells in lines.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="the experiment's file (that of the course)")
    parser.add_argument("--small", action="store_true", help="one recording only, and a temporary file")
    options = parse(parser, arguments)
    with tempfile.TemporaryDirectory() as scratch:
        shipped = ROOT / "data" / "experiments" / "00_recordings.json"
        out = options.out or (Path(scratch) / "small.json" if options.small else shipped)
        readers = list(tracks_of(options.recordings, options.small))
        real = [read().name for group, read in readers if group != RENDERED]
        record = experiments.Record(
            out, command="python -m tests.benchmarks.lesson_00_recordings", about=ABOUT, recordings=real
        )
        for group, read in readers:
            track = read()
            for method in METHODS:
                measure(track, group, method, record)
            print(compare.as_text({track.name: table(record)[track.name]}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
