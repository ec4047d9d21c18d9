"""`mss-lab doctor`: what is installed, what is missing, and how to repair it."""

import argparse

from .. import doctor


def run(options: argparse.Namespace) -> int:
    """Print what was found; 1 if something is missing that is needed."""
    return doctor.run()
