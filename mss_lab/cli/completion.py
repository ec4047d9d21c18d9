"""Completion of commands and options in the shell, by the library argcomplete where it is installed.

`eval "$(register-python-argcomplete mss-lab)"` tells bash or zsh to ask `mss-lab` for completions. It then runs the
program with the variable `_ARGCOMPLETE` set; without this variable the library is not even looked for.

Contents: answer_the_shell.
"""

import argparse
import os

from ..refusals import require
from .commands import Parser


def answer_the_shell(parser: Parser) -> None:
    """Print completions and end the program, if it was started by a shell for that; otherwise do nothing.

    Raises
    ------
    MissingExtra
        If a shell asks, and argcomplete is not installed.
    """
    if "_ARGCOMPLETE" not in os.environ:
        return
    _fill(parser, os.environ.get("COMP_LINE", "").split()[1:])
    require("argcomplete", "completion in the shell").autocomplete(parser)


def _fill(parser: Parser, words: list[str]) -> None:
    """Let the commands among the words add their options, which argcomplete wants to see before it parses."""
    for word in words:
        groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        chosen = groups[0].choices.get(word) if groups else None
        if chosen is not None:
            parser = chosen
            parser.get_ready()
