"""What combining separators brings: networks alone, with equal and fitted weights, and with weights of regions.

    python -m tests.benchmarks.ensembles [--length SECONDS] [--members NAME ...]

Weights are fitted on one shipped chorale and judged on the other, both ways. Values are SDR in dB over the whole
length, for each source and their mean. The last two rows are fitted on the piece on which they are judged: no weights
of that kind can be better.
"""

import argparse
import sys

import numpy as np

from mss_lab import catalogue, ensemble
from mss_lab.datasets import pieces
from mss_lab.datasets.track import Track
from mss_lab.metrics import energy
from mss_lab.stacking.regions import Regions
from tests.benchmarks.stereo import shortened

MEMBERS = ("xumx", "mask-inference", "cerberus", "score-cnn-timbre")
PAIRS = (("chorale_a", "chorale_b"), ("chorale_b", "chorale_a"))


def kept(name: str) -> ensemble.Member:
    """A member that runs the method once for each mixture, and then remembers its estimates."""
    estimates: dict[bytes, dict[str, np.ndarray]] = {}

    def separate(mixture, sample_rate_hz, score=None):
        key = mixture.tobytes()
        if key not in estimates:
            estimates[key] = catalogue.separator(name)(mixture, sample_rate_hz, score)
        return estimates[key]

    catalogue.register(catalogue.Method(name=f"kept-{name}", title=name, function=separate))
    return ensemble.Member(f"kept-{name}")


def combinations(members: list[ensemble.Member], validation: Track, test: Track) -> dict[str, ensemble.Ensemble]:
    """Every ensemble of the table by its title."""
    divided = Regions()
    equal = [1 / len(members)] * len(members)
    singles = {
        member.method.removeprefix("kept-"): ensemble.linear(members, np.eye(len(members))[index])
        for index, member in enumerate(members)
    }
    return singles | {
        "equal weights": ensemble.linear(members, equal),
        "fitted, 0 or more": ensemble.fit(members, [validation]),
        "fitted, average": ensemble.fit(members, [validation], constraint="average"),
        "bands": ensemble.fit(members, [validation], divided=Regions(ratio_edges_db=())),
        "bands and levels": ensemble.fit(members, [validation], divided=divided),
        "bound: weights": ensemble.fit(members, [test]),
        "bound: bands and levels": ensemble.fit(members, [test], divided=divided, prior=0.0),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print a table for each pair of pieces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=float, default=None, metavar="SECONDS", help="of each piece; default: all")
    parser.add_argument("--members", nargs="+", default=list(MEMBERS), metavar="NAME", help="methods without a score")
    options = parser.parse_args(arguments)
    members = [kept(name) for name in options.members]
    try:
        _print_tables(members, options.length)
    finally:
        for member in members:
            catalogue.unregister(member.method)
    return 0


def _print_tables(members: list[ensemble.Member], length_s: float | None) -> None:
    for names in PAIRS:
        validation, test = (shortened(pieces.load(name), length_s) for name in names)
        print(f"\nfitted on {names[0]}, judged on {names[1]}")
        print(f"{'':26}" + "".join(f"{source:>11}" for source in test.sources) + f"{'mean':>11}")
        for title, stack in combinations(members, validation, test).items():
            estimates = ensemble.separate(stack, test.mixture, test.sample_rate_hz, test.score)
            values_db = [energy.sdr(source, estimates[name]) for name, source in test.sources.items()]
            print(f"{title:26}" + "".join(f"{value:11.2f}" for value in (*values_db, np.mean(values_db))), flush=True)


if __name__ == "__main__":
    sys.exit(main())
