"""The result of a listening test.

Contents: ratings, ratings_in_words. Lesson: notebooks/04_is_it_better.ipynb
"""

from typing import TYPE_CHECKING

import numpy as np

from ..metrics.listeners import Summary
from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRADES = {10: "bad", 30: "poor", 50: "fair", 70: "good", 90: "excellent"}


def ratings(summary: Summary, ax: "Axes | None" = None, *, title: str = "") -> "Axes":
    """Draw each system as a row, the best at the top: a grey dot for each listener, and the mean with its interval.

    The mean is a blue diamond, the 95 % confidence interval a blue bar; with one listener there is no interval.

    Parameters
    ----------
    summary : Summary
        From `mss_lab.metrics.listeners.summarise`.
    ax : matplotlib Axes, optional
        Left out, on a figure of its own.
    title : str

    Returns
    -------
    matplotlib Axes

    Lesson: notebooks/04_is_it_better.ipynb
    """
    if ax is None:
        from matplotlib.figure import Figure

        size = (7.5, 1.2 + 0.5 * len(summary.systems))
        ax = Figure(figsize=size, layout="constrained").subplots()
    for row, system in enumerate(summary.systems):
        values = list(system.by_listener.values())
        # Spread over the height of the row, so that equal values can be counted.
        heights = row + np.linspace(-0.3, 0.3, len(values) + 2)[1:-1]
        ax.plot(values, heights, "o", ms=4, color="0.55", zorder=3, label="" if row else "a listener")
        if len(values) > 1:
            words = "" if row else "95 % interval of the mean"
            ax.plot([system.low, system.high], [row, row], color=COLOURS[0], lw=3, label=words)
        ax.plot(system.mean, row, "D", ms=7, color=COLOURS[0], mec="white", zorder=4, label="" if row else "mean")
    ax.set_yticks(range(len(summary.systems)), [system.name for system in summary.systems])
    ax.set(xlim=(-2, 102), ylim=(len(summary.systems) - 0.5, -0.5), xlabel="rating (0 to 100)")
    ax.set_title(title, pad=18)  # above the words for the grades
    for rating, grade in GRADES.items():
        ax.text(rating, 1.01, grade, transform=ax.get_xaxis_transform(), ha="center", fontsize="small", color="0.35")
    for edge in range(20, 100, 20):
        ax.axvline(edge, color="0.85", lw=0.8, zorder=0)
    ax.legend(fontsize="small", loc="best")
    return ax


def ratings_in_words(summary: Summary) -> str:
    """What `ratings` shows, in one sentence: the alternative text of its picture."""
    parts = [
        f"{one.name} {one.mean:.0f}" + (f" ({one.low:.0f} to {one.high:.0f})" if len(one.by_listener) > 1 else "")
        for one in summary.systems
    ]
    count = len(summary.trusted)
    return f"Mean ratings by {count} listener{'s' if count > 1 else ''}, with 95 % intervals: {', '.join(parts)}."
