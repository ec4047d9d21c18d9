"""What all plots share: colours, and lines that stand out.

Contents: COLOURS, outlined.
"""

from typing import Any

# Okabe and Ito, "Color universal design", 2008; black and yellow left out, which vanish on dark or light pages.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


def outlined(colour: str) -> list[Any]:
    """An edge around lines, so that they stand out from whatever is below."""
    from matplotlib import patheffects

    return [patheffects.Stroke(linewidth=4, foreground=colour), patheffects.Normal()]
