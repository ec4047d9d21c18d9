"""`mss-lab datasets`: the published data sets that can be read, and where they are."""

import argparse

from ..datasets import readers
from ..datasets.readers import shared
from ..refusals import Refusal


def run(options: argparse.Namespace) -> int:
    """List the published data sets, and say which of them were found."""
    for name in readers.names():
        reader = readers.get(name)
        about = reader.ABOUT
        folder = shared.find(about)
        if folder is None:
            state = f"not found: unpack it as {about.folders[0]} in the folder that {shared.VARIABLE} names"
        else:
            try:
                state = f"found in {folder}: {len(reader.tracks(folder))} of {about.count} pieces"
            except (Refusal, OSError) as error:
                state = f"found in {folder}, but {error}"
        print(f"{name}: {about.title}\n  {about.holds}\n  From {about.where}")
        print(f"  Licence: {about.licence}\n  Size: {about.size}\n  {state[0].upper()}{state[1:]}")
    return 0
