"""`mss-lab listening`: the ratings of a class, read from one folder, as a table and a picture."""

import argparse
from typing import Any

from .. import files


def add_arguments(listening: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab listening` to a parser."""
    listening.add_argument("folder", metavar="FOLDER", help="folder with one .csv file of ratings per listener")
    listening.add_argument("--plot", metavar="FILE", help="write the means and intervals as a picture (PNG) here")
    listening.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(options: argparse.Namespace) -> int:
    """Print the mean rating of each system over the trusted listeners; write the picture where requested."""
    from ..metrics import listeners

    if options.plot:
        files.check_new_file(options.plot, force=options.force)
    summary = listeners.summarise(listeners.read(options.folder))
    print(summary.as_text())
    if options.plot:
        from .. import plots

        figure: Any = plots.ratings(summary).get_figure()
        with files.whole_file(options.plot, force=options.force) as temporary:
            temporary.write_bytes(plots.to_png(figure, dpi=150))
        print(f"{options.plot}: {plots.ratings_in_words(summary)}")
    return 0
