"""`mss-lab data`: the commands that make data, for the lessons and for training."""

from .commands import Command, Parser, add_commands

COMMANDS = (
    Command("lessons", "render the pieces of the lessons again", "datasets.make_lessons"),
    Command("training", "make songs to train and test networks on", "datasets.make_training"),
    Command("stems", "make songs to train networks on, from a folder of stems", "datasets.training_store"),
    Command("templates", "measure the harmonics of instruments again", "datasets.make_templates"),
    Command("vectors", "store the vectors of queries, beside a network that takes them", "neural.query_vectors"),
    Command("cues", "make pieces to train a refiner on, from songs", "neural.make_cues"),
)


def add_arguments(parser: Parser) -> None:
    """Add the commands of `mss-lab data` to a parser."""
    add_commands(parser, COMMANDS)
