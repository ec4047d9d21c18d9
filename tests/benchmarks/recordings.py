"""The option that tells a benchmark where the real recordings lie. Contents: parse."""

import argparse
import os
from pathlib import Path


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """Parse with `--recordings` added; ends the program in words where no folder is named."""
    parser.add_argument(
        "--recordings",
        metavar="DIR",
        type=Path,
        default=os.environ.get("MSS_LAB_RECORDINGS"),
        help="folder of the real recordings (default: MSS_LAB_RECORDINGS)",
    )
    options = parser.parse_args(arguments)
    if options.recordings is None:
        parser.error("which recordings? give --recordings DIR, or set MSS_LAB_RECORDINGS")
    options.recordings = Path(options.recordings)
    return options
