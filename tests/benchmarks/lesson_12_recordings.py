"""Methods that know positions, and masks by shape, on real recordings: the experiment of lessons 11 to 14.

    python -m tests.benchmarks.lesson_12_recordings [--recordings DIR] [--out FILE] [--small]

Two kinds of stereo mixtures of real sources. "panned": the four players of each quartet, recorded apart in mono, each
panned by level alone, as the pan law has it. "released": a pop record, whose stems are as stereo as they were mixed.
The angles are known to all methods; for a stem they are those of its levels. Two filters know the truth: a ratio mask,
and the multichannel Wiener filter with the true powers and covariances.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from mss_lab import audio, catalogue, compare, experiments, lowrank, masks, oracles, signals, transforms
from mss_lab.kernels import hpss, repet
from mss_lab.metrics import energy
from mss_lab.spatial import wiener
from tests.benchmarks.recordings import experiment_file, mean_sdr_db, parse

LENGTH_S = 6.0
COMMAND = "python -m tests.benchmarks.lesson_12_recordings"
ABOUT = (
    f"SDR in dB over {LENGTH_S:g} s of each recording. Panned: four players of a quartet, recorded apart, panned by "
    "level to 20, 40, 55 and 75 degrees. Released: a stereo pop record and its stems. All methods know the angles."
)
PANS_RAD = np.radians((20.0, 40.0, 55.0, 75.0))
METHODS = ("adress", "duet", "projet", "local-gaussian")
TRUE_RATIO, TRUE_MODEL = "true ratio mask", "true powers and covariances"
RELEASED, START_S = "francium_30s", 8.0
LOADING = 1e-4


def quartets(recordings: Path, length_s: float) -> dict[str, tuple[dict[str, np.ndarray], int]]:
    """Each quartet's players, panned apart: name -> sources (2, samples) and their sample rate."""
    tracks = {}
    for folder in sorted((recordings / "Bach10-excerpts").glob("*")):
        sources = {}
        for path, pan_rad in zip(sorted(folder.glob("*.flac")), PANS_RAD, strict=True):
            wave, rate_hz = audio.read_audio(path)
            sources[path.stem] = signals.pan(wave[:1, : round(length_s * rate_hz)], float(pan_rad)).astype(np.float32)
        tracks[folder.name] = sources, rate_hz
    return tracks


def released(recordings: Path, length_s: float) -> tuple[dict[str, np.ndarray], int]:
    """The stems of the pop record, (2, samples), and their sample rate."""
    sources = {}
    for path in sorted((recordings / "pop-stereo" / RELEASED).glob("*.flac")):
        wave, rate_hz = audio.read_audio(path)
        start = min(round(START_S * rate_hz), max(0, wave.shape[1] - round(length_s * rate_hz)))
        sources[path.stem] = wave[:, start : start + round(length_s * rate_hz)]
    return {name: wave for name, wave in sources.items() if wave.any()}, rate_hz


def angles_rad(sources: dict[str, np.ndarray]) -> dict[str, float]:
    """The angle of each source by the levels of its channels."""
    return {name: float(np.arctan2(np.linalg.norm(x[1]), np.linalg.norm(x[0]))) for name, x in sources.items()}


def with_the_truth(sources: dict[str, np.ndarray], rate_hz: int) -> dict[str, np.ndarray]:
    """What the multichannel Wiener filter makes of the mixture with the true powers and covariances."""
    settings = transforms.settings_for(rate_hz)
    stfts = np.stack([transforms.stft(wave, **settings) for wave in sources.values()])
    # A source panned by level has a covariance of rank 1; a little of the identity makes the sum invertible everywhere.
    covariances = wiener.normalised(np.einsum("jckt,jdkt->jkcd", stfts, stfts.conj())) + LOADING * np.eye(2)
    filtered = wiener.filtered(stfts.sum(axis=0), np.mean(np.abs(stfts) ** 2, axis=1), covariances)
    samples = next(iter(sources.values())).shape[1]
    return masks.to_estimates(filtered, tuple(sources), samples, **settings)


def add_positions(record: experiments.Record, name: str, kind: str, sources: dict[str, np.ndarray], rate: int) -> None:
    """A row for each method that knows positions, on one recording."""
    mixture = signals.mix(sources)
    for method in ("mixture", *METHODS, TRUE_RATIO, TRUE_MODEL):
        key = {"recording": name, "kind": kind, "method": method}
        if record.has(**key):
            continue
        if method == "mixture":
            estimates = oracles.do_nothing(sources)
        elif method == TRUE_RATIO:
            estimates = oracles.oracle(sources, rate, "ratio")
        elif method == TRUE_MODEL:
            estimates = with_the_truth(sources, rate)
        else:
            estimates = catalogue.separator(method, pans_rad=angles_rad(sources))(mixture, rate)
        record.add(**key, sdr_db=mean_sdr_db(sources, estimates))
        print(f"{name:16}{kind:10}{method:28}{record.rows[-1]['sdr_db']:6.2f} dB", flush=True)


def add_shapes(record: experiments.Record, name: str, sources: dict[str, np.ndarray], rate: int) -> None:
    """A row each for the drums by HPSS, and for the vocals by REPET and by robust PCA."""
    mixture = signals.mix(sources)
    for kind, method, source, separate in (
        ("shape", "hpss", "drums", hpss.separate),
        ("shape", "repet", "vocals", repet.separate),
        ("low rank", "robust-pca", "vocals", lowrank.separate),
    ):
        key = {"recording": name, "kind": kind, "method": method}
        if source in sources and not record.has(**key):
            two = {source: sources[source], "the rest": mixture - sources[source]}
            estimate = compare.match(separate(mixture, rate), two)[source]
            before_db, after_db = energy.sdr(two[source], mixture), energy.sdr(two[source], estimate)
            record.add(**key, source=source, before_db=before_db, sdr_db=after_db)
            print(f"{name:16}{method:12}{source}: {before_db:.2f} dB, then {after_db:.2f} dB", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FILE", type=Path, help="the experiment's file (default: that of the course)")
    parser.add_argument("--small", action="store_true", help="one quartet, one second")
    options = parse(parser, arguments)
    with experiment_file("12_recordings", options) as out:
        run(options.recordings, out, options.small)
    return 0


def run(recordings: Path, out: Path, small: bool) -> None:
    """Measure what is not measured yet, and print it."""
    length_s = 1.0 if small else LENGTH_S
    tracks = quartets(recordings, length_s)
    has_record = (recordings / "pop-stereo" / RELEASED).is_dir()
    names = [*tracks, *([RELEASED] if has_record else [])]
    record = experiments.Record(out, command=COMMAND, about=ABOUT, recordings=names)
    for name, (sources, rate_hz) in tracks.items():
        add_positions(record, name, "panned", sources, rate_hz)
        if small:
            break
    if has_record:
        sources, rate_hz = released(recordings, length_s)
        add_positions(record, RELEASED, "released", sources, rate_hz)
        add_shapes(record, RELEASED, sources, rate_hz)


if __name__ == "__main__":
    sys.exit(main())
