"""`mss-lab verify`: whether the audio, tables and networks are as they were shipped."""

import argparse

from .. import shipped
from ..datasets import pieces
from ..nmf import instruments


def run(options: argparse.Namespace) -> int:
    """Check everything that is shipped against its checksums."""
    names = pieces.names()
    for name in names:
        pieces.verify(name)
    print(f"The lessons' audio is whole: {', '.join(names)}")
    for folder in instruments.MEASURED_ON.values():
        shipped.read_record(shipped.data_folder(folder) / folder / instruments.RECORD)
    print("The tables of instruments are whole")
    networks = shipped.check_weights(shipped.data_folder("models/networks") / "models/networks")
    print(f"The networks are whole: {', '.join(networks)}")
    return 0
