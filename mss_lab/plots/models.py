"""What models learnt: components of NMF, the pitches of a voice, tracks of partials.

Contents: melody, components, tracks.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import checks, units
from .cells import draw
from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, QuadMesh
    from matplotlib.figure import Figure


def melody(
    sources: np.ndarray,
    pitches_hz: np.ndarray,
    sample_rate_hz: int,
    hop_samples: int,
    ax: "Axes",
    *,
    lines: Mapping[str, np.ndarray] | None = None,
    range_db: float = 50,
    title: str = "",
) -> "QuadMesh":
    """Draw how loud every pitch is in every frame, in dB below the loudest, and melodies as lines over it.

    Parameters
    ----------
    sources : real >= 0 (pitches, frames)
        Powers, such as the sources of `nmf.source_filter.fit`.
    pitches_hz : real > 0 (pitches,)
        In ascending order, in equal steps on a logarithmic scale.
    sample_rate_hz, hop_samples : int
    ax : matplotlib Axes
    lines : dict of name -> real (frames,), optional
        Fundamentals in Hz; 0, where there is none, is left out.
    range_db : float > 0

    Returns
    -------
    matplotlib QuadMesh
    """
    sources = checks.check_magnitude("sources", sources, "pitches frames")
    top = float(sources.max(initial=0)) or 1.0
    frame_s = hop_samples / sample_rate_hz
    times_s = (np.arange(sources.shape[1] + 1) - 0.5) * frame_s
    step = (pitches_hz[-1] / pitches_hz[0]) ** (0.5 / max(1, len(pitches_hz) - 1))
    edges_hz = np.append(pitches_hz / step, pitches_hz[-1] * step)
    mesh = draw(ax, times_s, edges_hz, units.power_to_db(sources / top, floor_db=-range_db))
    mesh.set(cmap="magma", clim=(-range_db, 0))
    for index, (name, line_hz) in enumerate((lines or {}).items()):
        shown_hz = np.where(np.asarray(line_hz) > 0, line_hz, np.nan)
        colour = ("#56B4E9", "#FFFFFF", "#009E73")[index % 3]
        ax.plot(np.arange(len(shown_hz)) * frame_s, shown_hz, color=colour, lw=1.4, label=name)
    if lines:
        ax.legend(loc="upper right", fontsize="small", facecolor="#444444", labelcolor="white", framealpha=0.8)
    ticks = [hz for hz in (100, 150, 200, 300, 400, 600, 800) if edges_hz[0] <= hz <= edges_hz[-1]]
    ax.set_yticks(ticks, [f"{hz}" for hz in ticks])
    ax.set(ylabel="fundamental (Hz)", title=title)
    return mesh


def components(
    templates: np.ndarray,
    activations: np.ndarray,
    sample_rate_hz: int,
    hop_samples: int,
    *,
    window_samples: int | None = None,
    names: Sequence[str] = (),
    lowest_hz: float = 50,
    highest_hz: float = 5000,
) -> "Figure":
    """Templates, against logarithmic frequency, and beside them their activations, against time: a line for each.

    Every template is drawn to its own peak. Activations share one scale, that of the model's magnitude: each is
    multiplied by its template's peak.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
    activations : real >= 0 (components, frames)
    sample_rate_hz, hop_samples : int
    window_samples : int, optional
        The window of the STFT; twice the number of bins less one unless given.
    names : sequence of str, optional
        Of the components, which are drawn from the top; numbers from 1 unless given.
    lowest_hz, highest_hz : float > 0
        Ends of the frequency axis.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    templates = checks.check_magnitude("templates", templates, "freq components")
    activations = checks.check_magnitude("activations", activations, "components frames")
    bins, count = templates.shape
    if len(activations) != count or (len(names) and len(names) != count):
        raise checks.ShapeError(
            f"activations and names must be one for each of the {count} templates, got {len(activations)} and "
            f"{len(names)}; take all from one factorisation"
        )
    frequencies_hz = np.arange(bins) * sample_rate_hz / (window_samples or max(1, 2 * (bins - 1)))
    times_s = np.arange(activations.shape[1]) * hop_samples / sample_rate_hz
    shown = (frequencies_hz >= lowest_hz) & (frequencies_hz <= highest_hz)
    peaks = templates.max(axis=0, initial=0)
    played = activations * peaks[:, np.newaxis]
    loudest = played.max(initial=0) or 1
    figure = Figure(figsize=(9, 1.2 + 0.55 * count), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for index in range(count):
        foot, colour = count - 1 - index, COLOURS[index % len(COLOURS)]
        for ax, across, line in (
            (left, frequencies_hz[shown], templates[shown, index] / (peaks[index] or 1)),
            (right, times_s, played[index] / loudest),
        ):
            # A line at the foot shows what is silent, too.
            ax.fill_between(across, foot, foot + 0.9 * line, color=colour, lw=0, alpha=0.6)
            ax.plot(across, foot + 0.9 * line, color=colour, lw=0.8)
    left.set(xscale="log", xlabel="frequency (Hz)", ylabel="component", xlim=(lowest_hz, highest_hz), title="Templates")
    ticks = [hz for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if lowest_hz <= hz <= highest_hz]
    left.set_xticks(ticks, [f"{hz:,}".replace(",", " ") for hz in ticks])
    left.minorticks_off()
    left.set_yticks(np.arange(count)[::-1], list(names) or [str(number) for number in range(1, count + 1)])
    left.set_ylim(-0.1, count)
    right.set(xlabel="time (s)", xlim=(0, times_s[-1] or 1), title="Activations")
    return figure


def tracks(
    times_s: np.ndarray, frequencies_hz: np.ndarray, labels: np.ndarray, ax: "Axes", *, colours: Sequence[str] = COLOURS
) -> "LineCollection":
    """Draw numbered points as lines over what is there, one a number, in colours that take turns.

    Parameters
    ----------
    times_s, frequencies_hz : float (points,)
    labels : int (points,)
        Points of one number make a line, in order of time; those below 0 are left out.
    ax : matplotlib Axes
    colours : sequence of str
        Line n gets colour n modulo their number.

    Returns
    -------
    matplotlib LineCollection
    """
    from matplotlib.collections import LineCollection

    kept = np.flatnonzero(labels >= 0)
    order = kept[np.lexsort((times_s[kept], labels[kept]))]
    points = np.stack([times_s, frequencies_hz], axis=1)[order]
    numbers, starts = np.unique(labels[order], return_index=True)
    lines = np.split(points, starts[1:]) if len(numbers) else []
    shades = [colours[number % len(colours)] for number in numbers]
    drawn = LineCollection(lines, colors=shades, linewidths=1.5)
    ax.add_collection(drawn)
    return drawn
