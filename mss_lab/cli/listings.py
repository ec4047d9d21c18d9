"""`mss-lab methods`, `datasets` and `verify`: what there is to separate with, to read and to listen to."""

import argparse

from .. import catalogue, launch
from ..refusals import MissingExtra, Refusal


def methods(options: argparse.Namespace) -> int:
    """List the methods of the catalogue with their options; says of each what is not installed."""
    for method in catalogue.METHODS:
        needs = f" (needs {', '.join(sorted(method.needs))})" if method.needs else ""
        print(f"{method.name}{needs}\n  {method.title}.\n  Gives {method.gives}.")
        try:
            listed = _listed(method)
        except MissingExtra as error:
            # The rest of the list is of use without this method.
            listed = f" not known here: {error}"
        lesson = method.lesson if (launch.ROOT / method.lesson).is_file() else f"{method.lesson} (not written yet)"
        print(f"  Options:{listed}\n  Lesson: {lesson}\n  Source: {method.source}")
    return 0


def _listed(method: catalogue.Method) -> str:
    """Every option with its default, and what it may be."""
    rules = method.rules()
    lines = []
    for name, value in method.options().items():
        words = rules[name].words() if name in rules else ""
        default = "" if value is None else f"={value:.4g}" if isinstance(value, float) else f"={value}"
        lines.append(f"\n    {name}{default}{f'  ({words})' if words else ''}")
    return "".join(lines) or " none"


def datasets(options: argparse.Namespace) -> int:
    """List the published data sets, and say which of them were found."""
    from ..datasets import readers
    from ..datasets.readers import shared

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


def verify(options: argparse.Namespace) -> int:
    """Check everything that is shipped against its checksums."""
    from .. import shipped
    from ..datasets import pieces
    from ..nmf import instruments

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
