"""The same music at 44.1 and at 48 kHz through every method of the catalogue: SDR at both rates, and the difference.

    python -m tests.benchmarks.sample_rates [--length SECONDS] [--methods NAME ...] [--pieces NAME ...] [--seeds 3]

The sources of a shipped piece are resampled and added up to the mixture at the new rate. Figures are SDR in dB over the
whole length, mean over the sources. A method whose start is drawn (it has an option `rng`) is run with several seeds,
and judged by their mean; beside it stands the standard deviation over the seeds, the larger of those at both rates.
Methods that need two channels are run on the band alone, networks for four instruments on the chorales; methods that
give two parts are judged on the sources added up as in the benchmark `stereo`. The last lines name what differs by more
than 0.3 dB.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator

import numpy as np

from mss_lab import audio, catalogue, compare, silence
from mss_lab.datasets import pieces
from mss_lab.datasets.track import Track
from mss_lab.metrics import energy
from tests.benchmarks.stereo import PITCHED_ALONE, TWO_PARTS, WITH_REST, grouped, shortened

RATES_HZ = (44_100, 48_000)
LIMIT_DB = 0.3

# Without a score they decide on pitches frame by frame, and their figures move with the frames by some tenths. So they
# are judged by the mean over as many beginnings as there are seeds, a part of a hop apart.
MOVES_WITH_FRAMES = ("sinusoidal", "source-filter")
BEGINNING_S = 0.0029


def at_rate(track: Track, sample_rate_hz: int) -> Track:
    """The track at another rate."""
    sources = {
        name: audio.resample(source, track.sample_rate_hz, sample_rate_hz) for name, source in track.sources.items()
    }
    return Track(track.name, sample_rate_hz, sources, track.score)


def from_second(track: Track, start_s: float) -> Track:
    """What comes after the first sound and so many seconds; for methods that are not given the score."""
    first = silence.sounding(track.mixture)[0] + round(start_s * track.sample_rate_hz)
    sources = {name: source[:, first:] for name, source in track.sources.items()}
    return Track(track.name, track.sample_rate_hz, sources)


def suits(method: catalogue.Method, track: Track) -> bool:
    """Whether the method can take the track: its channels, its score, its instruments."""
    if "stereo" in method.needs and track.mixture.shape[0] != 2:
        return False
    if method.name in PITCHED_ALONE and track.score is not None and track.score.unpitched:
        return False
    return "known" not in method.fits or set(track.sources) == {"violin", "clarinet", "saxophone", "bassoon"}


def judged(method: catalogue.Method, track: Track) -> Track | None:
    """The track with the sources that the method gives: all of them, or two groups; None if a group is empty."""
    return grouped(track, TWO_PARTS[method.name]) if method.name in TWO_PARTS else track


def sdr_db(method: catalogue.Method, track: Track, seed: int) -> float:
    """Mean SDR over the sources, estimates matched to them; the seed is that of the draws, or chooses the beginning."""
    if method.name in MOVES_WITH_FRAMES:
        track = from_second(track, seed * BEGINNING_S)
    known = method.options
    options: dict[str, object] = {"rng": np.random.default_rng(seed)} if "rng" in known else {}
    if "count" in known and ("stereo" in method.needs or method.name in WITH_REST):
        options["count"] = len(track.sources) - (method.name in WITH_REST)
    score = track.score if "score" in method.needs else None
    estimates = catalogue.separator(method.name, **options)(track.mixture, track.sample_rate_hz, score)
    matched = compare.match(estimates, track.sources)
    # A source that is silent in the excerpt has no SDR.
    return float(np.mean([energy.sdr(source, matched[name]) for name, source in track.sources.items() if source.any()]))


def rows(methods: list[str], tracks: list[Track], seeds: int) -> Iterator[tuple[str, str, np.ndarray, float]]:
    """Method, piece, SDR at each rate, and the spread over the seeds."""
    for track in tracks:
        both = [at_rate(track, rate_hz) for rate_hz in RATES_HZ]
        for name in methods:
            method = catalogue.get(name)
            parts = [judged(method, one) for one in both]
            if not suits(method, track) or any(part is None for part in parts):
                continue
            draws = range(seeds if "rng" in method.options or name in MOVES_WITH_FRAMES else 1)
            figures = np.array([[sdr_db(method, part, seed) for seed in draws] for part in parts if part is not None])
            yield name, track.name, figures.mean(axis=1), float(figures.std(axis=1).max())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=float, metavar="SECONDS", help="listen to the beginning alone")
    parser.add_argument(
        "--methods", nargs="+", choices=catalogue.names(), default=list(catalogue.names(downloads=False))
    )
    parser.add_argument("--pieces", nargs="+", choices=pieces.names(), default=list(pieces.names()))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    loaded = [pieces.load(name) for name in options.pieces]
    tracks = [Track(piece.name, piece.sample_rate_hz, piece.sources, piece.score) for piece in loaded]
    beyond = []
    print(f"{'method':18}{'piece':11}{'44.1 kHz':>10}{'48 kHz':>10}{'difference':>12}{'over seeds':>12}")
    for name, piece, (low, high), spread in rows(
        options.methods, [shortened(track, options.length) for track in tracks], options.seeds
    ):
        print(f"{name:18}{piece:11}{low:10.2f}{high:10.2f}{high - low:+12.2f}{spread:12.2f}", flush=True)
        if not abs(high - low) <= LIMIT_DB:
            beyond.append(f"{name} on {piece}: {high - low:+.2f} dB")
    print(f"Beyond {LIMIT_DB:g} dB: " + ("; ".join(beyond) or "none"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
