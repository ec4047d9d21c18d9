"""Every method that can take a stereo mixture, on the shipped band and on real recordings: SDR and run time.

    python -m tests.benchmarks.stereo [--recordings DIR] [--methods NAME ...] [--length SECONDS]

Figures are SDR over the whole file in dB. `gain` is the mean less that of the mixture left as it was, `to oracle` what
is missing to the oracle Wiener filter, `s` the run time in seconds. A method that asks for the number of sources is
told it; `told where` means that it was given the angles, which are known of the band alone. Methods that name
their estimates after what they found are given the names of the sources by `compare.match`. Those that give two parts
are judged in tables of their own, on sources added up as the table says. Methods that follow a score but have no
place for drums are left out of the band. Real recordings are judged where MSS_LAB_RECORDINGS or --recordings names
their folder. The last line says whether PROJET and the Gaussian model that starts from it beat ADRess and DUET on the
band by 2 dB.
"""

import argparse
import dataclasses
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mss_lab import catalogue, compare, masks, oracles, transforms
from mss_lab.datasets import pieces
from mss_lab.datasets.track import Track, read_track
from mss_lab.spatial import wiener

RECORDING = "pop-stereo/francium_30s"
VOICES = ("lead", "voice", "vocals", "backing_vocals")

# What the estimates of methods that give two parts are held against: these sources, and all others.
TWO_PARTS = {
    "hpss": ("drums",),
    "source-filter": VOICES,
    "repet": VOICES,
    "repet-adaptive": VOICES,
    "repet-similarity": VOICES,
    "robust-pca": VOICES,
}

# Methods with a score that have no place for a source without pitch, such as drums.
PITCHED_ALONE = ("score-masks", "constrained-nmf", "trained-nmf")

# Methods that give what is left over as an estimate of its own.
WITH_REST = ("sinusoidal", "auditory")

# Methods that need no score, and follow one if they are given it.
MAY_FOLLOW_SCORE = ("sinusoidal",)

# What the Gaussian model is started from, besides its default.
STARTS = ("projet", "duet", "kernel-additive", "informed-nmf")
WANTED_DB = 2.0


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a table: what it is called, the method, its options, and whether it is given the score."""

    label: str
    method: str
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)
    scored: bool = False


def lines_for(track: Track, pans_rad: Mapping[str, float] | None, names: list[str]) -> Iterator[Line]:
    """All methods that separate a track into all its sources, with their variants."""
    for method in catalogue.METHODS:
        if method.name not in names or method.name in TWO_PARTS or ("score" in method.needs and track.score is None):
            continue
        if method.name in PITCHED_ALONE and track.score is not None and track.score.unpitched:
            continue
        known = method.options
        count = {"count": len(track.sources)} if "count" in known and "stereo" in method.needs else {}
        if method.name in WITH_REST:
            count = {"count": len(track.sources) - 1}
        if method.name in MAY_FOLLOW_SCORE and track.score is not None:
            yield Line(f"{method.name}, with the score", method.name, {}, scored=True)
        if "start" not in known:
            yield Line(method.name, method.name, count, scored="score" in method.needs)
            if "pans_rad" in known and pans_rad is not None:
                yield Line(f"{method.name}, told where", method.name, {"pans_rad": pans_rad})
            continue
        for start in STARTS:
            if start not in catalogue.names() or (start == "informed-nmf" and track.score is None):
                continue
            begin = catalogue.get(start).options
            own = {"count": len(track.sources)} if "pans_rad" in begin else {}
            scored = "score" in catalogue.get(start).needs
            yield Line(f"{method.name} from {start}", method.name, {"start": catalogue.separator(start, **own)}, scored)
            if "pans_rad" in begin and pans_rad is not None:
                told = catalogue.separator(start, pans_rad=pans_rad)
                yield Line(f"{method.name} from {start}, told where", method.name, {"start": told})


def grouped(track: Track, together: tuple[str, ...]) -> Track | None:
    """The track as two sources: those named, and the rest; None if either is empty."""
    parts: dict[str, list[np.ndarray]] = {"them": [], "the rest": []}
    for name, source in track.sources.items():
        parts["them" if name in together else "the rest"].append(source)
    if not all(parts.values()):
        return None
    return Track(track.name, track.sample_rate_hz, {n: np.sum(s, axis=0) for n, s in parts.items()}, track.score)


def multichannel_oracle(track: Track) -> dict[str, np.ndarray]:
    """The multichannel Wiener filter with the true powers, and one true spatial covariance for each frequency."""
    settings = transforms.settings_for(track.sample_rate_hz)
    stfts = np.stack([transforms.stft(source, **settings) for source in track.sources.values()])
    powers = np.mean(np.abs(stfts) ** 2, axis=1)
    covariances = wiener.normalised(np.einsum("jcfn,jdfn->jfcd", stfts, stfts.conj()))
    parts = wiener.filtered(stfts.sum(axis=0), powers, covariances)
    return masks.to_estimates(parts, tuple(track.sources), track.mixture.shape[1], **settings)


def rows_of(track: Track, lines: list[Line], failures: list[str]) -> list[compare.Row]:
    """Rows of all lines, between the mixture and the oracles; what fails is told and left out."""
    rows = compare.measure("mixture", track, oracles.do_nothing(track.sources), 0.0)
    for line in lines:
        separate = catalogue.separator(line.method, **line.options)
        score = track.score if line.scored else None
        began = time.perf_counter()
        try:
            estimates = separate(track.mixture, track.sample_rate_hz, score)
            took_s = time.perf_counter() - began
            rows += compare.measure(line.label, track, compare.match(estimates, track.sources), took_s)
        except Exception as error:
            failures.append(f"{line.label} on {track.name}: {type(error).__name__}: {error}")
    for kind in ("ratio", "wiener"):
        rows += compare.measure(f"oracle {kind}", track, oracles.oracle(track.sources, track.sample_rate_hz, kind), 0.0)
    return rows + compare.measure("oracle multichannel Wiener", track, multichannel_oracle(track), 0.0)


def table_of(rows: list[compare.Row]) -> dict[str, dict[str, float]]:
    """SDR of each source and their mean, with gain, distance to the oracle, and seconds."""
    table = compare.pivot(rows, "sdr", columns="source")
    seconds = {row.method: row.seconds for row in rows}
    floor, ceiling = table["mixture"]["mean"], table["oracle wiener"]["mean"]
    for label, cells in table.items():
        cells |= {"gain": cells["mean"] - floor, "to oracle": ceiling - cells["mean"], "s": seconds[label]}
    return table


def shown(track: Track, pans_rad: Mapping[str, float] | None, names: list[str], failures: list[str]) -> dict:
    """Print the tables of a track; returns the first."""
    print(f"{track.name}: {', '.join(track.sources)}; {track.duration_s:.1f} s at {track.sample_rate_hz} Hz")
    first = table_of(rows_of(track, list(lines_for(track, pans_rad, names)), failures))
    print(compare.as_text(first), end="\n\n", flush=True)
    for together in dict.fromkeys(TWO_PARTS.values()):
        methods = [name for name, group in TWO_PARTS.items() if group == together and name in names]
        pair = grouped(track, together)
        if pair is None or not methods:
            continue
        them = " and ".join(name for name in track.sources if name in together)
        print(f"{track.name}: {them} against the rest")
        table = table_of(rows_of(pair, [Line(name, name) for name in methods], failures))
        print(compare.as_text(table), end="\n\n", flush=True)
    return first


def verdict(table: Mapping[str, Mapping[str, float]]) -> str:
    """Whether the two that should lead do, by how much, each way of knowing where the sources are."""
    found = []
    for told in ("", ", told where"):
        old = [table[name + told]["mean"] for name in ("adress", "duet") if name + told in table]
        for name in ("projet", "local-gaussian from projet"):
            if name + told in table and len(old) == 2:
                lead = table[name + told]["mean"] - max(old)
                found.append(f"{name}{told}: {lead:+.1f} dB, {'yes' if lead >= WANTED_DB else 'no'}")
    return f"Ahead of ADRess and DUET by {WANTED_DB:g} dB on the band? " + ("; ".join(found) or "not run")


def shortened(track: Track, length_s: float | None) -> Track:
    """The first seconds of a track."""
    if length_s is None:
        return track
    samples = round(length_s * track.sample_rate_hz)
    return dataclasses.replace(track, sources={name: source[:, :samples] for name, source in track.sources.items()})


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", metavar="DIR", type=Path, default=os.environ.get("MSS_LAB_RECORDINGS"))
    parser.add_argument(
        "--methods", nargs="+", choices=catalogue.names(), default=list(catalogue.names(downloads=False))
    )
    parser.add_argument("--length", type=float, metavar="SECONDS", help="listen to the beginning alone")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    failures: list[str] = []
    band = pieces.load("band")
    track = Track(band.name, band.sample_rate_hz, band.sources, band.score)
    table = shown(shortened(track, options.length), band.pans_rad, options.methods, failures)
    if options.recordings is None:
        print("Real recordings: not run, MSS_LAB_RECORDINGS names no folder", end="\n\n")
    else:
        track = read_track(Path(options.recordings) / RECORDING, None)
        shown(shortened(track, options.length), None, options.methods, failures)
    print(verdict(table))
    for failure in failures:
        print(f"FAILED {failure}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
