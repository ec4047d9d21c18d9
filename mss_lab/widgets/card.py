"""The stylesheet of a widget that stands on a card: what all cards share, then its own.

Contents: styles.
"""

import pathlib


def styles(module_file: str) -> str:
    """The card's stylesheet, and behind it the one beside a module: `styles(__file__)`."""
    shared, own = pathlib.Path(__file__).with_suffix(".css"), pathlib.Path(module_file).with_suffix(".css")
    return shared.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")
