"""Commands of the command line, each of which is imported when it is chosen.

A command is a line of data: its name, what it is for, and the module with its options and its work. So the list of all
commands costs no import, and `mss-lab score` does not wait for what `mss-lab train` needs.

Contents: Command, Parser, add_commands.
"""

import argparse
import dataclasses
import importlib
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ..refusals import missing_extra
from .plain import one_line


@dataclasses.dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    name : str
        What is typed.
    about : str
        What it does, in a few words; empty for another name of a command, which no list shows.
    module : str
        The module that does it, from the package, such as "cli.separate". Its function `add_arguments`, where there
        is one, adds the options to a parser.
    run : str
        The module's function of the options that does the work and returns the exit status; None counts as 0. Empty
        for a command that only groups others, which `add_arguments` adds.
    """

    name: str
    about: str
    module: str
    run: str = "run"

    def fill(self, parser: "Parser") -> None:
        """Import the command, and let it add its options to its parser.

        Raises
        ------
        MissingExtra
            If a library is not installed that the command needs.
        """
        try:
            module = importlib.import_module(f"mss_lab.{self.module}")
        except ModuleNotFoundError as error:
            raise missing_extra(error, f"the command {self.name}") from error
        # Understood after the command as well, without a second line in each command's help.
        parser.add_argument("--traceback", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if self.run:
            parser.set_defaults(run=getattr(module, self.run))
        if hasattr(module, "add_arguments"):
            module.add_arguments(parser)


class Parser(argparse.ArgumentParser):
    """A parser that gets its options when it is used for the first time, and says errors in one line."""

    fill: "Callable[[Parser], None] | None" = None

    def get_ready(self) -> None:
        """Get the options, if they are not there yet."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Get the options if they are not there yet, then parse."""
        self.get_ready()
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End the program with the message, in one line whatever was typed, and status 2."""
        super().error(one_line(message))


def add_commands(parser: Parser, commands: Iterable[Command]) -> None:
    """Add commands to a `Parser`; where none of them is typed, the parser prints its help and the status is 2."""

    def print_help(options: argparse.Namespace) -> int:
        parser.print_help()
        return 2

    parser.set_defaults(run=print_help)
    places = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in commands:
        # Without a help text, argparse understands the command and lists it nowhere.
        one = places.add_parser(command.name, help=command.about) if command.about else places.add_parser(command.name)
        one.fill = command.fill
