"""`mss-lab lesson`: the commands for those who write lessons."""

from .commands import Command, Parser, add_commands

COMMANDS = (
    Command("measure", "measure how long lessons run, and write it into their cards", "lessons.runs_in"),
    Command("strip", "bring notebooks into the form that the repository keeps, without outputs", "lessons.strip"),
)


def add_arguments(parser: Parser) -> None:
    """Add the commands of `mss-lab lesson` to a parser."""
    add_commands(parser, COMMANDS)
