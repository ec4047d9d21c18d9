"""Training from the command line: the options that all trainings share, and what they say when they stop.

Contents: add_options, obey.
"""

import argparse
import sys
from collections.abc import Callable

from ..refusals import Refusal
from . import fit


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where to, how long, from which seed, and on what."""
    parser.add_argument("--out", required=True, help="folder for the run, the weights, and what is said of them")
    parser.add_argument("--steps", type=int, help="of the whole run (default: the recipe's)")
    parser.add_argument("--minutes", type=float, help="stop after these; the same command goes on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--accelerator", default="auto", help="cpu, gpu (default: what is there)")
    parser.add_argument("--devices", default="auto", type=_devices, help="how many (default: all)")
    parser.add_argument("--nodes", type=int, default=1, help="how many machines")
    parser.add_argument("--strategy", default="auto", help="Lightning's, such as ddp")
    parser.add_argument("--precision", default="auto", help="Lightning's (default: bf16-mixed on a GPU that has it)")
    parser.add_argument("--quiet", dest="progress", action="store_false", help="no progress bar")


def obey(command: str, train: Callable[[], fit.FitResult], summary: Callable[[fit.FitResult], str]) -> int:
    """Train, say how it went, and return the exit status: 0, 2 after an error, 130 after Ctrl-C.

    Parameters
    ----------
    command : str
        What errors are said by.
    train : function
    summary : function of its result
        Printed by one process of several.
    """
    try:
        result = train()
    except (Refusal, OSError, ArithmeticError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{command}: stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    if fit.process_rank() == 0:
        print(summary(result))
    return 0


def _devices(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
