"""The command line: `mss-lab COMMAND`; `mss-lab --help` lists the commands, and each explains itself with `--help`.

A command that refuses its input says so in one line and exits with 2. `doctor` and `evaluate` exit with 1 when what
they looked at is not as it should be. Any other exception is a fault of the package and keeps its traceback;
`--traceback` shows it for refusals, too.

Contents: main.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from .. import __version__, doctor, launch
from ..lessons import grade
from ..refusals import Refusal
from . import evaluate, listings, separate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help()
        return 2
    try:
        return options.run(options) or 0
    except BrokenPipeError:
        # The reader of our output went away, as `mss-lab methods | head -1` does. It is an OSError, so it comes first.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Refusal, OSError) as error:
        if options.traceback:
            traceback.print_exc()
        print(f"mss-lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mss-lab: stopped; nothing half-done was left behind", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mss-lab", description="Separate music, judge separations, open the workbook."
    )
    parser.add_argument("--version", action="version", version=f"mss-lab {__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where in the code an input was refused")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, about: str, run: Callable[[argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about)
        command.set_defaults(run=run)
        # Understood after the command as well, without a second line in each command's help.
        command.add_argument("--traceback", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        return command

    separate.add_arguments(add("separate", "separate a mixture into its sources", separate.run))
    add("methods", "list the separation methods and their options", listings.methods)
    evaluate.add_arguments(add("evaluate", "compare a folder of estimates with a folder of true sources", evaluate.run))
    add("datasets", "list the published data sets that can be read, and where they are", listings.datasets)
    grade.add_arguments(add("grade", "run students' notebooks and report on every exercise", grade.run))
    launch.add_arguments(add("lab", "open JupyterLab at the first lesson", launch.run))
    add("verify", "check that the lessons' audio and tables are as they were shipped", listings.verify)
    add("doctor", "what is installed, what is missing, and how to repair it", lambda options: doctor.run())
    return parser
