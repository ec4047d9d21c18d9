"""The networks of lessons 18 and 19 on real recordings, beside classical methods.

    python -m tests.benchmarks.network_experiments recordings bach10

They make `18_recordings` and `19_recordings` in data/experiments. A command that was stopped continues: it adds the
rows that are missing, and prints means. `--small` measures a few seconds, and keeps nothing. Everything
is measured at 16 kHz in mono, the rate of the networks. SDR is over the whole file; `windows_db` is the median over
windows of a second, by the protocol of Tunturi et al.
"""

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mss_lab import audio, catalogue, compare, experiments, oracles
from mss_lab.datasets.track import Track, read_track
from mss_lab.metrics import energy, protocols
from mss_lab.neural import apply, frontend, refine, score_filter, segments, weights
from mss_lab.neural.models import refiner
from mss_lab.nmf import fixed_pitch
from mss_lab.score import notes
from tests.benchmarks.recordings import parse
from tests.paths import ROOT

RATE_HZ, LONGEST_S = 16_000, 12.0
WITHOUT_SCORE = ("mixture", "xumx", "score-cnn-timbre", "oracle")
READERS = ("xumx-informed", "xumx-score-only", "score-cnn")
FIXED = ("xumx", "score-cnn-timbre", *READERS)
QUARTETS = "Bach10-excerpts"

Separator = Callable[..., Mapping[str, np.ndarray]]
Recording = tuple[Track, notes.Score | None, bool]


def filter_alone(mixture: np.ndarray, sample_rate_hz: int, score: notes.Score) -> dict[str, np.ndarray]:
    """The masks that the network of lesson 19 gets from the score, without the network."""
    network = weights.shipped("score-cnn")
    window, hop, samples = network.settings.window_samples, network.settings.hop_samples, mixture.shape[1]
    seats = apply.players_for(network.sources, score)
    rows = np.array([(seats[note.source], note.midi, note.onset_s, note.offset_s) for note in score.notes])
    roll = segments.roll_of(rows, len(network.sources), 1 + samples // hop, sample_rate_hz / hop)
    wide = score_filter.widen(torch.from_numpy(roll), network.settings.tolerance_s, sample_rate_hz / hop)
    masks = score_filter.score_masks(wide, network.claims).transpose(1, 2)
    transform = frontend.stft(torch.from_numpy(mixture), window, hop)[0]
    waves = frontend.istft(masks * transform, window, hop, length=samples).numpy()
    return {name: waves[seat][None] for name, seat in seats.items() if seat is not None}


class WithoutPhase(refiner.Refiner):
    """A refiner that does not read where in its bin and in its frame a sound lies."""

    def all_masks(self, magnitude, offsets, cues, strength=1.0):  # type: ignore[no-untyped-def]
        return super().all_masks(magnitude, torch.zeros_like(offsets), cues, strength)


def without_phase() -> WithoutPhase:
    """The shipped refiner without phase."""
    network: Any = weights.shipped("refiner")
    blind = WithoutPhase(network.settings)
    blind.load_state_dict(network.state_dict())
    return blind.eval()


def methods_for(tolerance_s: float, fixed: bool) -> dict[str, Separator]:
    """All methods that are compared; `fixed` adds the networks for four fixed instruments."""
    separators: dict[str, Separator] = {
        "score-masks": catalogue.separator("score-masks", tolerance_s=tolerance_s),
        "fixed-pitch NMF": functools.partial(fixed_pitch.separate, tolerance_s=tolerance_s),
        "refined-nmf": catalogue.separator("refined-nmf", tolerance_s=tolerance_s),
        "refined-nmf, no phase": functools.partial(refine.separate, tolerance_s=tolerance_s, weights=without_phase()),
        "informed-nmf": catalogue.separator("informed-nmf", tolerance_s=tolerance_s),
    }
    if fixed:
        separators["filter alone"] = filter_alone
        for name in FIXED:
            separators[name] = catalogue.separator(name)
    return separators


def estimates_of(method: str, separate: Separator | None, track: Track) -> Mapping[str, np.ndarray]:
    """Estimates of a method, of the unchanged mixture, or of the oracle."""
    if method == "mixture":
        return oracles.do_nothing(track.sources)
    if method == "oracle":
        return oracles.oracle(track.sources, track.sample_rate_hz)
    assert separate is not None
    return separate(track.mixture, track.sample_rate_hz, track.score)


def of_another(score: notes.Score, other: notes.Score, end_s: float) -> notes.Score:
    """The notes of another piece, under the names of this one."""
    names = dict(zip(other.sources, score.sources, strict=True))
    kept = (n for n in other.notes if n.onset_s < end_s)
    return notes.Score(tuple(notes.Note(names[n.source], n.midi, n.onset_s, n.offset_s) for n in kept), score.sources)


def measured(track: Track, estimates: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """For each source the SDR over the whole file and the median over its windows, in dB."""
    gain = protocols.PEAK / np.abs(track.mixture).max()
    scaled, scaled_estimates = (
        {name: gain * waveforms[name] for name in track.sources} for waveforms in (track.sources, estimates)
    )
    windows = protocols.frame_sdr(scaled, scaled_estimates, track.sample_rate_hz)
    return {
        name: (float(energy.sdr(source, estimates[name])), float(np.nanmedian(windows[name])))
        for name, source in track.sources.items()
        if source.any() and np.isfinite(windows[name]).any()
    }


def read_recordings(folder: Path, longest_s: float) -> Iterator[Recording]:
    """Each recording at the networks' rate; its coarse notes, if it has any; and whether it is one of the quartets."""
    for path in sorted(path.parent for path in folder.glob("*/*/notes.csv")):
        whole = read_track(path)
        assert whole.score is not None
        last_entry_s = max(min(note.onset_s for note in whole.score.notes_of(name)) for name in whole.score.sources)
        start_s = 0.0 if whole.duration_s <= longest_s else max(0.0, last_entry_s - 0.5)
        coarse = None
        if (path / "notes_coarse.csv").is_file():
            coarse = section(read_track(path, "notes_coarse.csv"), start_s, longest_s).score
        yield section(whole, start_s, longest_s), coarse, path.parent.name == QUARTETS


def section(track: Track, start_s: float, length_s: float) -> Track:
    """A section of a track in mono at the networks' rate, with the notes that begin in it."""
    assert track.score is not None
    span = slice(round(start_s * RATE_HZ), round((start_s + length_s) * RATE_HZ))
    stems = {
        name: audio.resample(wave.mean(axis=0, keepdims=True), track.sample_rate_hz, RATE_HZ)[:, span]
        for name, wave in track.sources.items()
    }
    moved = notes.shift(track.score, -start_s)
    kept = tuple(note for note in moved.notes if note.onset_s < length_s)
    return Track(track.name, RATE_HZ, stems, notes.Score(kept, track.score.sources))


def make_recordings(record: experiments.Record, recordings: list[Recording], chosen: tuple[str, ...] | None) -> None:
    """SDR of every player of every recording; the networks for four instruments on the quartets alone."""
    quartets = [track for track, _, is_quartet in recordings if is_quartet]
    for track, coarse, is_quartet in recordings:
        scores = {"fine": track.score} | ({"coarse": coarse} if coarse is not None else {})
        if is_quartet:
            other = quartets[(quartets.index(track) + 1) % len(quartets)].score
            scores["another's"] = of_another(track.score, other, track.duration_s)
        for score_name, score in scores.items():
            separators = methods_for(0.05 if score_name == "fine" else 0.2, is_quartet)
            separators = {"mixture": None, "oracle": None, **separators} if score_name == "fine" else separators
            for method, separate in separators.items():
                skipped = chosen is not None and method not in chosen
                skipped |= score_name != "fine" and method in WITHOUT_SCORE
                skipped |= score_name == "another's" and method not in READERS
                if skipped or record.has(recording=track.name, method=method, score=score_name):
                    continue
                used = Track(track.name, RATE_HZ, track.sources, score)
                add_rows(record, track, method, score_name, estimates_of(method, separate, used))


def add_rows(record: experiments.Record, track: Track, method: str, score: str, estimates: Mapping[str, np.ndarray]):
    """One row for each player."""
    for source, (sdr_db, windows_db) in measured(track, estimates).items():
        key = {"recording": track.name, "method": method, "score": score, "player": source}
        record.add(**key, sdr_db=round(sdr_db, 3), windows_db=round(windows_db, 3))


def make_bach10(record: experiments.Record, quartets: list[Recording], chosen: tuple[str, ...] | None) -> None:
    """The quartets by both metrics of lesson 19."""
    methods = ("mixture", "score-cnn-timbre", "filter alone", "score-cnn", "informed-nmf", "oracle")
    for track, _, _ in quartets:
        separators = {"mixture": None, "oracle": None, **methods_for(0.2, True)}
        for method in methods:
            skipped = chosen is not None and method not in chosen
            if skipped or record.has(recording=track.name, method=method, score="fine"):
                continue
            estimates = estimates_of(method, separators[method], track)
            ratios = protocols.bach10_ratios(track.sources, estimates, RATE_HZ)
            for player, (sdr_db, _) in measured(track, estimates).items():
                values = {f"bach10_{name}_db": round(value, 3) for name, value in ratios[player].items()}
                key = {"recording": track.name, "method": method, "score": "fine", "player": player}
                record.add(**key, sdr_db=round(sdr_db, 3), **values)


FILES = {"recordings": "18_recordings", "bach10": "19_recordings"}
ABOUT = {
    "recordings": "SDR of every player of real recordings, at 16 kHz in mono: up to 12 s from the moment when all "
    "players have begun. Networks for four instruments are on the quartets alone. Scores: `fine` were set by hand or "
    "on each stem, `coarse` are those of an automatic alignment, `another's` are those of another quartet.",
    "bach10": "SDR, and SDR, SIR and SAR of BSS Eval 3 (`sources`), of every player of the four real quartets, at "
    "16 kHz in mono, with notes that were set on each stem.",
}


def summary(rows: list[dict[str, Any]], columns: str) -> str:
    """Mean SDR of every method and score for each value of a column, as a table."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        values.setdefault((f"{row['method']}, {row['score']}", str(row[columns])), []).append(row["sdr_db"])
    table: dict[str, dict[str, float]] = {}
    for (label, column), sdrs_db in values.items():
        table.setdefault(label, {})[column] = float(np.mean(sdrs_db))
    return compare.as_text(table, 2)


def make(what: str, path: Path, recordings: Path, small: bool) -> list[dict[str, Any]]:
    """Add the rows that an experiment lacks; all its rows."""
    few = ("mixture", "score-masks", "filter alone", "xumx-informed") if small else None
    longest_s = 8.0 if small else LONGEST_S
    tracks = list(read_recordings(recordings, longest_s))
    if what == "bach10":
        tracks = [one for one in tracks if one[2]]
    record = experiments.Record(
        path,
        command=f"python -m tests.benchmarks.network_experiments {what}",
        about=ABOUT[what],
        recordings=[track.name for track, _, _ in tracks],
    )
    if what == "bach10":
        make_bach10(record, tracks, few)
    else:
        make_recordings(record, tracks, few)
    return record.rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="+", choices=tuple(ABOUT), help="the experiments to make or to continue")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / experiments.FOLDER, metavar="DIR")
    parser.add_argument("--small", action="store_true", help="few methods on little sound; nothing is kept")
    options = parse(parser, arguments)
    with tempfile.TemporaryDirectory() as scratch:
        for what in options.what:
            path = (Path(scratch) if options.small else options.out) / f"{FILES[what]}.json"
            rows = make(what, path, options.recordings, options.small)
            print(summary(rows, "recording"), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
