"""Waveforms, spectrograms, masks and spectra.

Contents: waveform, spectrogram, mask, levels, side_by_side.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import checks, units
from ..refusals import RefusedValue
from . import scales
from .cells import draw, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


def waveform(signal: np.ndarray, sample_rate_hz: int, ax: "Axes", *, label: str = "", start_s: float = 0) -> "Line2D":
    """Draw the first channel against time in seconds."""
    signal = checks.check_waveform("signal", signal)
    times_s = start_s + np.arange(signal.shape[1]) / sample_rate_hz
    (line,) = ax.plot(times_s, signal[0], lw=0.8, label=label or None)
    end_s = start_s + max(1, signal.shape[1] - 1) / sample_rate_hz
    ax.set(xlabel="time (s)", ylabel="amplitude", xlim=(start_s, end_s))
    return line


def spectrogram(
    stft: np.ndarray,
    sample_rate_hz: int,
    hop_samples: int,
    ax: "Axes",
    *,
    window_samples: int | None = None,
    range_db: float = 70,
    loudest_db: float | None = None,
    lowest_hz: float = 50,
    title: str = "",
) -> "QuadMesh":
    """Draw the level of a transform's first channel, in dB, over time and logarithmic frequency.

    Parameters
    ----------
    stft : complex or real (channels, freq, frames)
        An STFT, its magnitude, or a model of it.
    sample_rate_hz, hop_samples : int
    ax : matplotlib Axes
    window_samples : int, optional
        The window of the STFT; twice the number of bins less one unless given.
    range_db : float > 0
        Levels this far below the loudest are drawn as silence.
    loudest_db : float, optional
        Level of the brightest colour. Give one value to all pictures that are compared.
    lowest_hz : float > 0
        Bottom of the frequency axis.

    Returns
    -------
    matplotlib QuadMesh
    """
    magnitude = np.abs(checks.check_axes("stft", stft, "channels freq frames")[0])
    top_db = float(units.amplitude_to_db(magnitude.max())) if loudest_db is None else loudest_db
    if not np.isfinite(top_db):
        top_db = 0.0
    # A cell shows its loudest bin, and the loudest is so in dB, too: fewer logarithms when they come last.
    # Silence, minus infinity, would be left blank; it gets the darkest colour instead.
    times_s, edges_hz, cells = thinned(magnitude, sample_rate_hz, hop_samples, window_samples, lowest_hz, np.maximum)
    mesh = draw(ax, times_s, edges_hz, units.amplitude_to_db(cells, floor_db=top_db - range_db))
    mesh.set(cmap="magma", clim=(top_db - range_db, top_db))
    ax.set_title(title)
    return mesh


def mask(
    values: np.ndarray,
    sample_rate_hz: int,
    hop_samples: int,
    ax: "Axes",
    *,
    window_samples: int | None = None,
    lowest_hz: float = 50,
    title: str = "",
) -> "QuadMesh":
    """Draw a mask (channels, freq, frames) of values from 0 to 1, over time and logarithmic frequency.

    Where `picture` or a control shows the figure, its masks get one scale of colours, unless they have one already.
    """
    values = checks.check_axes("values", values, "channels freq frames")[0]
    times_s, edges_hz, cells = thinned(values, sample_rate_hz, hop_samples, window_samples, lowest_hz, np.add)
    mesh = draw(ax, times_s, edges_hz, cells)
    mesh.set(cmap="cividis", clim=(0, 1), gid=scales.MASK)
    ax.set_title(title)
    return mesh


def levels(
    stft: np.ndarray, sample_rate_hz: int, window_samples: int, ax: "Axes", *, label: str = "", floor_db: float = -100
) -> "Line2D":
    """Draw the mean spectrum of a transform's first channel: level in dB against frequency in Hz."""
    power = np.mean(np.abs(checks.check_axes("stft", stft, "channels freq frames")[0]) ** 2, axis=-1)
    frequencies_hz = np.arange(len(power)) * sample_rate_hz / window_samples
    (line,) = ax.plot(frequencies_hz, units.power_to_db(power, floor_db), lw=1.2, label=label or None)
    ax.set(xlabel="frequency (Hz)", ylabel="level (dB)")
    return line


def side_by_side(
    stfts: Mapping[str, np.ndarray],
    sample_rate_hz: int,
    hop_samples: int,
    *,
    columns: int = 2,
    range_db: float = 70,
    window_samples: int | None = None,
    lowest_hz: float = 50,
) -> "Figure":
    """Spectrograms with their names, all on one scale of colours, and the scale beside them."""
    from matplotlib.figure import Figure

    if not stfts:
        raise RefusedValue("stfts must hold at least one transform, got none; give a dict of name -> transform")
    loudest_db = max(float(units.amplitude_to_db(np.abs(stft).max())) for stft in stfts.values())
    rows = -(-len(stfts) // columns)
    figure = Figure(figsize=(5.2 * min(columns, len(stfts)), 2.6 * rows), layout="constrained")
    grid = figure.subplots(rows, min(columns, len(stfts)), squeeze=False, sharex=True, sharey=True)
    mesh = None
    for ax, (name, stft) in zip(grid.flat, stfts.items(), strict=False):
        mesh = spectrogram(
            stft,
            sample_rate_hz,
            hop_samples,
            ax,
            window_samples=window_samples,
            range_db=range_db,
            loudest_db=loudest_db,
            lowest_hz=lowest_hz,
            title=name,
        )
        ax.label_outer()
    for ax in grid.flat[len(stfts) :]:
        ax.set_visible(False)
    if mesh is not None:
        figure.colorbar(mesh, ax=grid, label="level (dB)")
    return figure
