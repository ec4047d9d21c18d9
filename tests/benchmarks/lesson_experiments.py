"""The program of the benchmarks that make the experiments of a lesson: options, records, and tables at the end.

Contents: LessonExperiment, Options, run.
"""

import argparse
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mss_lab import experiments
from tests.benchmarks.recordings import parse
from tests.paths import ROOT

Options = argparse.Namespace


@dataclasses.dataclass(frozen=True)
class LessonExperiment:
    """One experiment of a lesson.

    Attributes
    ----------
    make : function of a Record and the options
        Adds the rows that are missing.
    summary : function of the rows
        The lines that are printed at the end.
    about : str
        One or two sentences: what was compared, and on what.
    options : tuple of str
        Those of "seeds" and "steps" that change its rows.
    seeds : tuple of int
        The seeds of its draws, where "seeds" is not among its options.
    quartets : bool
        Whether the real quartets are among its sounds.
    """

    make: Callable[[experiments.Record, Options], None]
    summary: Callable[[list[dict[str, Any]]], Iterator[str]]
    about: str
    options: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    quartets: bool = False


def run(
    module: str,
    doc: str,
    lesson: int,
    of_lesson: Mapping[str, LessonExperiment],
    arguments: list[str] | None,
    *,
    steps: int,
) -> int:
    """Make the experiments of a lesson that the command line names, or continue them, and print their tables.

    `module` and `doc` are those of the benchmark, and `steps` is the default length of its trainings.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("what", nargs="+", choices=tuple(of_lesson), help="the experiments to make or to continue")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the sets of songs; see the docstring")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of other weights than those that ship")
    parser.add_argument("--seeds", type=int, default=2, help="of networks that are trained (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=steps, help="of their trainings (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / experiments.FOLDER, metavar="DIR")
    parser.add_argument("--small", action="store_true", help="a few seconds of sound; nothing is kept")
    options = parse(parser, arguments)
    if options.data is None and not options.small:
        parser.error("which songs? give --data DIR; the docstring says how to make them")
    quartets = [path.name for path in sorted((options.recordings / "Bach10-excerpts").glob("mix*"))]
    with tempfile.TemporaryDirectory() as scratch:
        for what in options.what:
            one = of_lesson[what]
            record = experiments.Record(
                (Path(scratch) if options.small else options.out) / f"{lesson}_{what}.json",
                command=f"python -m tests.benchmarks.{module} {what} --data SONGS"
                + "".join(f" --{name} {getattr(options, name)}" for name in one.options),
                about=one.about,
                seeds=range(options.seeds) if "seeds" in one.options else one.seeds,
                recordings=quartets if one.quartets else (),
            )
            one.make(record, options)
            print(f"{what}\n" + "\n".join(one.summary(record.rows)), end="\n\n", flush=True)
    return 0
