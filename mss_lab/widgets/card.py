"""The stylesheet of a widget that is shown as a card: the common rules of all cards, then its own.

Contents: styles.
"""

import pathlib


def styles(module_file: str) -> str:
    """The common stylesheet, followed by that of a module with the same name: `styles(__file__)`."""
    shared, own = pathlib.Path(__file__).with_suffix(".css"), pathlib.Path(module_file).with_suffix(".css")
    return shared.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")
