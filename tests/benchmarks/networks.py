"""The shipped networks on timbres that they have heard, on timbres that they have not, and on real recordings.

    python -m tests.benchmarks.networks [--recordings DIR] [--data DIR] [--songs N] [--song-length SECONDS]

Figures are SDR over the whole file in dB, mean over players and pieces. `seen` and `unseen` are songs that no network
was trained on, played by the timbres of training and by a soundfont that was kept out of it; they are made where
--data does not hold them. Networks for a fixed quartet are judged on quartets. `wrong score` is the network that reads
a score, given that of another piece. Below the table stand the papers' claims, with what was found. Notes of the real
recordings are the fine ones.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from mss_lab import catalogue, compare
from mss_lab.datasets import make_training, training_store
from mss_lab.datasets.store import open_store
from mss_lab.datasets.track import Track, read_track
from mss_lab.neural import weights
from mss_lab.score.notes import Note, Score
from tests.benchmarks.recordings import parse

SIDES = ("seen", "unseen")
QUARTETS, OTHERS = "Bach10-excerpts", ("39_Jerusalem_vn_vn_va_sax_db", "11_Maria_ob_vc")
# Networks that part four instruments, and no others.
FIXED = ("mask-inference", "xumx", "xumx-informed", "xumx-score-only", "score-cnn", "score-cnn-timbre")
SEED = 1

Table = dict[str, dict[str, float]]


def separators(names: tuple[str, ...]) -> dict[str, Callable[..., Mapping[str, np.ndarray]]]:
    """Score-informed NMF, then every network whose weights are shipped."""
    found = {"informed-nmf": catalogue.separator("informed-nmf", tolerance_s=0.05)}
    for name in names:
        if name == "refiner":
            found["refined-nmf"] = catalogue.separator("refined-nmf", tolerance_s=0.05)
        elif name in FIXED:
            found[name] = catalogue.separator(name)
    return found


def judged(tracks: list[Track], methods: Mapping[str, Callable], wrong: Mapping[str, Score]) -> dict[str, float]:
    """Mean SDR of every method over tracks, between mixture and oracle; `wrong` has another piece's score for each."""
    framed = compare.oracle_rows(tracks)
    rows = [row for row in framed if row.method == "mixture"] + compare.compare(methods, tracks)
    if "xumx-informed" in methods and wrong:
        changed = [Track(t.name, t.sample_rate_hz, t.sources, wrong[t.name]) for t in tracks]
        rows += compare.compare({"xumx-informed, wrong score": methods["xumx-informed"]}, changed)
    rows += [row for row in framed if row.method != "mixture"]
    return {name: cells["mean"] for name, cells in compare.pivot(rows).items()}


def strangers(tracks: list[Track]) -> dict[str, Score]:
    """For each track the score of the next, under its own names: the sources of one track are those of all."""
    scores = {}
    for track, other in zip(tracks, tracks[1:] + tracks[:1], strict=True):
        renamed = dict(zip(other.sources, track.sources, strict=True))
        assert other.score is not None
        notes = tuple(
            Note(renamed[note.source], note.midi, note.onset_s, note.offset_s)
            for note in other.score.notes
            if note.onset_s < track.duration_s
        )
        scores[track.name] = Score(notes, tuple(track.sources))
    return scores


def claims(table: Table) -> list[str]:
    """The papers' claims, each with the figures that bear on it."""
    lines = []

    def claim(words: str, better: str, worse: str, where: str, least_db: float = 0.0) -> None:
        if better in table and worse in table and where in table[better] and where in table[worse]:
            lead = table[better][where] - table[worse][where]
            lines.append(f"{words}: {lead:+.1f} dB, {'yes' if lead >= least_db else 'no'}")

    claim("Heard timbres: with a score better than without", "xumx-informed", "xumx", "seen")
    for where in ("unseen", "Bach10"):
        claim(f"{where}: from a score alone 3 dB better than from sound alone", "xumx-score-only", "xumx", where, 3.0)
        claim(f"{where}: score-filtered CNN 1.5 dB better than CNN-T", "score-cnn", "score-cnn-timbre", where, 1.5)
        claim(f"{where}: a wrong score is worse than none", "xumx", "xumx-informed, wrong score", where)
    for where in ("Bach10", "Jerusalem"):
        claim(f"{where}: refined NMF 1 dB better than NMF", "refined-nmf", "informed-nmf", where, 1.0)
    return lines


def make_songs(sides: list[str], folders: Mapping[str, Path], songs: int, song_s: float) -> None:
    """Make the stores that are missing, from chorales that are read once."""
    works = make_training.read("chorales") if sides else ()
    for side in sides:
        make_training.make("chorales", folders[side], items=songs, split=side, seed=SEED, song_s=song_s, works=works)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with stores seen/ and unseen/ (made where they are missing)")
    parser.add_argument("--songs", type=int, default=16, metavar="N", help="how many of each are made (16)")
    parser.add_argument("--song-length", type=float, default=make_training.SONG_S, metavar="SECONDS")
    options = parse(parser, arguments)
    methods = separators(weights.shipped_names())
    columns: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folders = {side: (options.data or Path(scratch)) / side for side in SIDES}
        make_songs([side for side in SIDES if not folders[side].is_dir()], folders, options.songs, options.song_length)
        for side, folder in folders.items():
            tracks = training_store.tracks_of(open_store(folder))
            columns[side] = judged(tracks, methods, strangers(tracks))
    quartets = [read_track(path) for path in sorted((options.recordings / QUARTETS).iterdir()) if path.is_dir()]
    columns["Bach10"] = judged(quartets, methods, strangers(quartets))
    anything = {name: separate for name, separate in methods.items() if name not in FIXED}
    for name in OTHERS:
        columns[name.split("_")[1]] = judged([read_track(options.recordings / "URMP-16k" / name)], anything, {})
    rows = list(columns["seen"])
    table: Table = {row: {c: cells[row] for c, cells in columns.items() if row in cells} for row in rows}
    print(compare.as_text(table, 1), end="\n\n")
    for line in claims(table):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
