"""Histograms of where sound comes from, between two channels.

Contents: panorama, levels_and_delays. Lesson: notebooks/11_where_is_it.ipynb
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import units
from ..spatial.duet import Histogram, attenuation_of
from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.lines import Line2D


def panorama(
    histograms: Mapping[str, tuple[np.ndarray, np.ndarray]],
    ax: "Axes",
    *,
    pans_rad: Mapping[str, float] | None = None,
    range_db: float = 40,
    title: str = "",
) -> list["Line2D"]:
    """Draw panning histograms, each in dB below its own highest bin, over the angle from left to right.

    Parameters
    ----------
    histograms : dict of label -> (centres_rad, energy)
        As `mss_lab.spatial.panning.histogram` returns them.
    ax : matplotlib Axes
    pans_rad : dict of source name -> angle in radians, optional
        Marked by dotted lines.
    range_db : float > 0
        Levels this far below the highest are not shown.

    Returns
    -------
    list of matplotlib Line2D
        One for each histogram.

    Lesson: notebooks/11_where_is_it.ipynb
    """
    drawn = []
    for index, (label, (centres_rad, energy)) in enumerate(histograms.items()):
        highest = energy.max()
        level_db = units.power_to_db(energy / highest if highest > 0 else energy, floor_db=-2 * range_db)
        drawn += ax.plot(np.degrees(centres_rad), level_db, color=COLOURS[index % len(COLOURS)], lw=1.2, label=label)
    for name, angle_rad in (pans_rad or {}).items():
        ax.axvline(np.degrees(angle_rad), color="grey", lw=0.8, ls=":")
        # Above the picture and slanted, so that curves stay free and sources a few degrees apart readable.
        text = ax.text(np.degrees(angle_rad), 1.01, name, transform=ax.get_xaxis_transform(), fontsize="small")
        text.set(rotation=30, ha="left", va="bottom")
    ax.set(xlim=(0, 90), ylim=(-range_db, 3), xlabel="angle (degrees; 0 left, 45 centre, 90 right)")
    ax.set(xticks=range(0, 91, 15), ylabel="energy (dB re the highest)", title=title)
    if len(histograms) > 1:
        ax.legend(fontsize="small")
    return drawn


def levels_and_delays(
    found: Histogram,
    ax: "Axes",
    *,
    places: Mapping[str, tuple[float, float]] | None = None,
    range_db: float = 40,
    title: str = "",
) -> "QuadMesh":
    """Draw a DUET histogram in dB below its highest bin: delay to the right, level upwards.

    Parameters
    ----------
    found : Histogram
        As returned by `mss_lab.spatial.duet.histogram`.
    ax : matplotlib Axes
    places : dict of source name -> (angle in radians, delay in seconds), optional
        Marked by rings; positions outside the limits are left out.
    range_db : float > 0

    Returns
    -------
    matplotlib QuadMesh

    Lesson: notebooks/11_where_is_it.ipynb
    """
    highest = found.weight.max()
    level_db = units.power_to_db(found.weight / highest if highest > 0 else found.weight, floor_db=-range_db)
    delays_ms = 1000 * found.delays_s
    mesh = ax.pcolormesh(delays_ms, found.attenuations, level_db, shading="nearest", rasterized=True)
    mesh.set(cmap="magma", clim=(-range_db, 0))
    for name, (angle_rad, delay_s) in (places or {}).items():
        position = 1000 * delay_s, attenuation_of(angle_rad)
        if abs(position[0]) <= delays_ms[-1] and abs(position[1]) <= found.attenuations[-1]:
            ax.plot(*position, "o", ms=12, mfc="none", mec="white", mew=1.2)
            ax.annotate(name, position, (9, 5), textcoords="offset points", color="white", fontsize="small")
    ax.set(xlabel="delay of the right channel (ms)", ylabel=r"symmetric attenuation $\rho - 1/\rho$", title=title)
    return mesh
