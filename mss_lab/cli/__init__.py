"""The command line: `mss-lab COMMAND`; `mss-lab --help` lists the commands, and each explains itself with `--help`.

A command that refuses its input says so in one line and exits with 2; a lack of memory is said in the same way.
`doctor` and `evaluate` exit with 1 when what they looked at is not as it should be. Ctrl-C, SIGTERM and SIGHUP end a
command with 128 plus the number of the signal, and leave no half-written result. Warnings of the package are said in
one line each. Any other exception is a fault of the package and keeps its traceback; `--traceback` shows it for
refusals, too.

Contents: COMMANDS, main.
"""

import contextlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from .. import __version__
from ..refusals import Refusal, in_words
from .commands import Command, Parser, add_commands
from .completion import answer_the_shell
from .plain import one_line, plain_streams
from .stopping import WORDS, stop_signals

COMMANDS = (
    Command("separate", "separate a mixture into its sources", "cli.separate"),
    Command("transcribe", "write the notes of a mixture, as a network finds them, as MIDI", "cli.transcribe"),
    Command("evaluate", "compare a folder of estimates with a folder of true sources", "cli.evaluate"),
    Command("listening", "sum up the ratings of a listening test, from a folder of them", "cli.listening"),
    Command("score", "say what is read in a score, or write it in another format", "cli.score"),
    Command("methods", "list the separation methods and their options", "cli.methods"),
    Command("datasets", "list the published data sets that can be read", "cli.datasets"),
    Command("train", "train a network by its recipe, or continue a run", "cli.train"),
    Command("data", "make the lessons' audio, data to train on, or tables of instruments", "cli.data", run=""),
    Command("lesson", "measure how long lessons run, or strip their outputs", "cli.lesson", run=""),
    Command("grade", "run students' notebooks and report on every exercise", "cli.grade"),
    Command("book", "execute the lessons and write them as pages for a browser", "lessons.book"),
    Command("lab", "open the notebooks in JupyterLab, laid out in a folder of yours if you name one", "launch"),
    Command("serve", "separate recordings of your own on a page in the browser", "serve"),
    Command("doctor", "say what is installed, what is missing, and how to repair it", "doctor"),
    # The former name of `mss-lab doctor --files`.
    Command("verify", "", "doctor", run="verify"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Left out, those of the process, which then ends with this command.
    """
    # Signals that arrive while the process ends would only interrupt the interpreter's own cleaning up.
    alone = arguments is None
    with stop_signals(at_end=signal.SIG_IGN if alone else None, insist=alone) as arrived:
        try:
            with plain_streams(), _warnings_in_one_line():
                status = _run(arguments, arrived)
            sys.stdout.flush()
            return status
        except BrokenPipeError:
            # The reader of our output went away, as `mss-lab methods | head -1` does.
            _no_more_output()
            return 0
        except OSError as error:
            _no_more_output()
            print(f"mss-lab: the output could not be written ({error.strerror})", file=sys.stderr)
            return 2
        except BaseException:
            # A library that was interrupted may have raised an error of its own instead.
            if not arrived:
                raise
            print(WORDS, file=sys.stderr, flush=True)
            return 128 + arrived[0]


def _run(arguments: Sequence[str] | None, arrived: Sequence[int]) -> int:
    wants_traceback = "--traceback" in (sys.argv[1:] if arguments is None else arguments)
    try:
        parser = _parser()
        answer_the_shell(parser)
        # The command that is chosen loads numpy and more. That takes a second, in which Ctrl-C is obeyed already.
        options = parser.parse_args(arguments)
        wants_traceback = options.traceback
        return options.run(options) or 0
    except BrokenPipeError:
        raise
    except (Refusal, OSError, MemoryError) as error:
        if arrived:
            raise KeyboardInterrupt from error
        if wants_traceback:
            traceback.print_exc()
        print(f"mss-lab: {one_line(in_words(error))}", file=sys.stderr)
        return 2


def _no_more_output() -> None:
    # What is still buffered would fail again when the interpreter ends.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """What the package warns of, said as the commands say everything; warnings of others stay as they are."""
    show = warnings.showwarning

    def show_in_one_line(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if category.__module__.startswith("mss_lab."):
            print(f"mss-lab: {one_line(str(message))}", file=sys.stderr)
        else:
            show(message, category, *place, **more)

    with warnings.catch_warnings():
        warnings.showwarning = show_in_one_line
        yield


def _parser() -> Parser:
    parser = Parser(prog="mss-lab", description="Separate music, judge separations, open the workbook.")
    parser.add_argument("--version", action="version", version=f"mss-lab {__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where in the code an input was refused")
    add_commands(parser, COMMANDS)
    return parser
