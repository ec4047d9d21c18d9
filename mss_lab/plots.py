"""Plots: the only module that knows matplotlib. Every function draws on `ax` and returns what it drew.

Axes carry units: time in seconds, frequency in Hz on a logarithmic axis, level in dB. Colours are those of Okabe and
Ito, which colour-blind readers tell apart. `picture` closes a figure and shows it with a sentence for readers who
cannot see it.

Contents: COLOURS, waveform, spectrogram, mask, score, levels, fundamentals, time_map, melody, panorama,
levels_and_delays, tracks, heat_map, training_curve; side_by_side, components, bars, alignment; Picture, picture,
to_png, image_html.
"""

import base64
import functools
import html
import io
import math
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks, units
from .refusals import RefusedValue
from .score.align import Alignment, warp
from .score.notes import Score
from .spatial.duet import Histogram, attenuation_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, QuadMesh
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D

# matplotlib's text layout keeps global caches that are not made for two threads.
_drawing = threading.Lock()

# Okabe and Ito, "Color universal design", 2008; black and yellow left out, which vanish on dark or light pages.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")

# Cells of a drawn spectrogram: more than a screen shows, few enough to draw at once.
MOST_ROWS, MOST_COLUMNS = 256, 720


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
    times_s, edges_hz, cells = _cells(magnitude, sample_rate_hz, hop_samples, window_samples, lowest_hz, np.maximum)
    mesh = _draw_cells(ax, times_s, edges_hz, units.amplitude_to_db(cells, floor_db=top_db - range_db))
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
    """Draw a mask (channels, freq, frames) of values from 0 to 1, over time and logarithmic frequency."""
    values = checks.check_axes("values", values, "channels freq frames")[0]
    times_s, edges_hz, cells = _cells(values, sample_rate_hz, hop_samples, window_samples, lowest_hz, np.add)
    mesh = _draw_cells(ax, times_s, edges_hz, cells)
    mesh.set(cmap="cividis", clim=(0, 1))
    ax.set_title(title)
    return mesh


def score(notes: Score, ax: "Axes", *, title: str = "") -> "Axes":
    """Draw notes as bars over time and pitch, one colour a source, with a legend."""
    for index, source in enumerate(notes.sources):
        own = notes.notes_of(source)
        ax.barh(
            [note.midi for note in own],
            [note.offset_s - note.onset_s for note in own],
            left=[note.onset_s for note in own],
            height=0.8,
            color=COLOURS[index % len(COLOURS)],
            label=source,
        )
    ax.set(xlabel="time (s)", ylabel="MIDI pitch", xlim=(0, notes.duration_s or 1), title=title)
    if notes.sources:
        ax.legend(loc="upper right", fontsize="small")
    return ax


def levels(
    stft: np.ndarray, sample_rate_hz: int, window_samples: int, ax: "Axes", *, label: str = "", floor_db: float = -100
) -> "Line2D":
    """Draw the mean spectrum of a transform's first channel: level in dB against frequency in Hz."""
    power = np.mean(np.abs(checks.check_axes("stft", stft, "channels freq frames")[0]) ** 2, axis=-1)
    frequencies_hz = np.arange(len(power)) * sample_rate_hz / window_samples
    (line,) = ax.plot(frequencies_hz, units.power_to_db(power, floor_db), lw=1.2, label=label or None)
    ax.set(xlabel="frequency (Hz)", ylabel="level (dB)")
    return line


def fundamentals(
    notes: Score, ax: "Axes", *, tuning_hz: float = units.A4_HZ, colour: str = COLOURS[5], label: str = ""
) -> "LineCollection":
    """Draw each pitched note as a line at its fundamental frequency, on the axes of a spectrogram; the axes stay.

    Lesson: notebooks/07_scores_and_alignment.ipynb
    """
    checks.check_number("tuning_hz", tuning_hz, above=0, unit="Hz")
    pitched = [note for note in notes.notes if note.source not in notes.unpitched]
    return ax.hlines(
        units.midi_to_hz(np.array([note.midi for note in pitched], float), tuning_hz),
        [note.onset_s for note in pitched],
        [note.offset_s for note in pitched],
        color=colour,
        lw=2.5,
        label=label,
        path_effects=_outlined("black"),
    )


def time_map(found: Alignment, ax: "Axes", *, title: str = "") -> tuple["Line2D", "QuadMesh"]:
    """Draw an alignment: time in the score against time in the recording, over bands that tell its confidence.

    Each stretch between two points is a band, white where the alignment is confident, dark where it is at a loss. A
    grey line joins the two ends: on it the tempo would be constant.

    Returns
    -------
    Line2D, QuadMesh
        The curve, and the bands, for a bar of colours from 0 to 1.

    Lesson: notebooks/07_scores_and_alignment.ipynb
    """
    recording_s, score_s = found.recording_times_s, found.score_times_s
    bands = ax.pcolormesh(
        recording_s, [0, 1], found.confidence[np.newaxis], transform=ax.get_xaxis_transform(), rasterized=True
    )
    bands.set(cmap="Oranges_r", clim=(0, 1))
    ax.plot(recording_s[[0, -1]], score_s[[0, -1]], color="grey", lw=0.8, ls="--")
    (line,) = ax.plot(recording_s, score_s, color=COLOURS[0], lw=1.6, marker=".", ms=3, path_effects=_outlined("white"))
    ax.set(xlabel="time in the recording (s)", ylabel="time in the score (s)", title=title)
    ax.set(xlim=(recording_s[0], recording_s[-1]), ylim=(score_s[0], score_s[-1]))
    return line, bands


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
    mesh = _draw_cells(ax, times_s, edges_hz, units.power_to_db(sources / top, floor_db=-range_db))
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


def bars(values: Mapping[str, Mapping[str, float]], ax: "Axes", *, ylabel: str = "SDR (dB)") -> list["BarContainer"]:
    """Groups of bars: a group for each inner name, a colour for each outer name, the value on each bar."""
    groups = list(dict.fromkeys(name for inner in values.values() for name in inner))
    width = 0.8 / max(1, len(values))
    drawn = []
    for index, (label, inner) in enumerate(values.items()):
        positions = np.arange(len(groups)) + (index - (len(values) - 1) / 2) * width
        heights = np.array([inner.get(group, np.nan) for group in groups], dtype=float)
        # A bar of infinite length cannot be drawn; its value is written at the foot instead.
        lengths = np.where(np.isinf(heights), 0, heights)
        container = ax.bar(positions, lengths, width * 0.95, label=label, color=COLOURS[index % len(COLOURS)])
        texts = ["" if np.isnan(height) else f"{height:.1f}" for height in heights]
        ax.bar_label(container, texts, fontsize="x-small")
        drawn.append(container)
    ax.set_xticks(range(len(groups)), groups)
    ax.set_ylabel(ylabel)
    ax.axhline(0, color="grey", lw=0.8)
    if values:
        ax.legend(fontsize="small")
    return drawn


def alignment(
    stft: np.ndarray,
    sample_rate_hz: int,
    hop_samples: int,
    written: Score,
    found: Alignment,
    *,
    window_samples: int | None = None,
    range_db: float = 50,
) -> "Figure":
    """A recording's spectrogram with the notes of a score as written, and as warped; below, the time map.

    Parameters
    ----------
    stft : complex or real (channels, freq, frames)
        The recording's.
    sample_rate_hz, hop_samples, window_samples, range_db
        As for `spectrogram`.
    written : Score
        The score that was aligned, with its own times.
    found : Alignment
        From this score to this recording.

    Returns
    -------
    matplotlib Figure
        Three axes on one axis of time.

    Lesson: notebooks/07_scores_and_alignment.ipynb
    """
    from matplotlib.figure import Figure

    pitches = [note.midi for note in written.notes if note.source not in written.unpitched]
    figure = Figure(figsize=(9, 7.2), layout="constrained")
    before, after, curve = figure.subplots(3, 1, sharex=True)
    shown = (before, written, "notes as written"), (after, warp(written, found), "notes warped")
    for ax, notes, title in shown:
        mesh = spectrogram(
            stft,
            sample_rate_hz,
            hop_samples,
            ax,
            window_samples=window_samples,
            range_db=range_db,
            lowest_hz=0.8 * float(units.midi_to_hz(min(pitches, default=33), found.tuning_hz)),
            title=title,
        )
        # Two octaves above the highest note: enough to see harmonics end, low enough to see the notes.
        top_hz = 4 * float(units.midi_to_hz(max(pitches, default=81), found.tuning_hz))
        ax.set_ylim(top=min(top_hz, sample_rate_hz / 2))
        fundamentals(notes, ax, tuning_hz=found.tuning_hz)
        ax.set_xlabel("")
    duration_s = before.get_xlim()[1]
    _, bands = time_map(found, curve, title="time map")
    curve.set_xlim(0, duration_s)
    figure.colorbar(mesh, ax=[before, after], label="level (dB)", aspect=40)
    figure.colorbar(bands, ax=curve, label="confidence")
    return figure


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
    ax.set(xticks=range(0, 91, 15), ylabel="energy (dB below the highest)", title=title)
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
        Of `mss_lab.spatial.duet.histogram`.
    ax : matplotlib Axes
    places : dict of source name -> (angle in radians, delay in seconds), optional
        Marked by rings; those beyond the limits are left out.
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
        place = 1000 * delay_s, attenuation_of(angle_rad)
        if abs(place[0]) <= delays_ms[-1] and abs(place[1]) <= found.attenuations[-1]:
            ax.plot(*place, "o", ms=12, mfc="none", mec="white", mew=1.2)
            ax.annotate(name, place, (9, 5), textcoords="offset points", color="white", fontsize="small")
    ax.set(xlabel="delay of the right channel (ms)", ylabel="symmetric attenuation a - 1/a", title=title)
    return mesh


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


def heat_map(
    table: Mapping[str, Mapping[str, float]],
    ax: "Axes",
    *,
    outlined: Collection[tuple[str, str]] = (),
    label: str = "SDR (dB)",
    decimals: int = 0,
) -> "AxesImage":
    """Draw a table of names and figures as coloured cells with the figures in them.

    Parameters
    ----------
    table : dict of line -> dict of column -> float
        nan, or a column that a line has not, is left blank.
    ax : matplotlib Axes
    outlined : collection of (line, column)
        Cells to frame.
    label : str
        Of the colours.
    decimals : int >= 0

    Returns
    -------
    matplotlib AxesImage

    Raises
    ------
    ValueError
        If the table is empty.
    """
    from matplotlib.patches import Rectangle

    columns = list(dict.fromkeys(column for cells in table.values() for column in cells))
    if not columns:
        raise RefusedValue("the table must have at least one line and one column, got none; measure something first")
    values = np.array([[cells.get(column, np.nan) for column in columns] for cells in table.values()], float)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    image = ax.imshow(values, cmap="cividis", aspect="auto", vmin=low, vmax=max(high, low + 1e-9))
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            # White on the dark half of the colours, black on the bright one.
            colour = "white" if value < (low + high) / 2 else "black"
            # Adding 0 turns the -0.0 that rounding may leave into 0.0.
            text = f"{round(value, decimals) + 0.0:.{decimals}f}"
            ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    for line, name in outlined:
        corner = (columns.index(name) - 0.46, list(table).index(line) - 0.46)
        ax.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, edgecolor=COLOURS[1], lw=2))
    ax.set_xticks(range(len(columns)), [column.replace(", ", ",\n") for column in columns], fontsize=8)
    ax.set_yticks(range(len(table)), list(table), fontsize=8)
    ax.figure.colorbar(image, ax=ax, label=label)
    return image


def training_curve(
    rows: Sequence[Mapping[str, float]] | Mapping[str, Sequence[Mapping[str, float]]],
    ax: "Axes | None" = None,
    *,
    over: str = "step",
    title: str = "",
) -> "Axes":
    """Draw how the loss of one or several runs falls, on a logarithmic axis.

    Parameters
    ----------
    rows : sequence of dict, or dict of run name -> sequence of dict
        As `mss_lab.neural.run_folder.read_curve` gives them: `step`, `loss`, `seconds`, and at times `validation`,
        which is drawn as dots joined by a dashed line. Other columns are left alone. There may be none yet.
    ax : matplotlib Axes, optional
        Left out, on a figure of its own.
    over : {"step", "seconds"}
        What runs to the right.
    title : str

    Returns
    -------
    matplotlib Axes
        Its lines bear the labels "training" and "validation", behind the name of the run where there are several. Where
        no run was validated, names stand alone.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    checks.check_choice("over", over, ("step", "seconds"))
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.5, 2.8), layout="constrained").subplots()
    from matplotlib.ticker import LogLocator, NullFormatter

    runs = rows if isinstance(rows, Mapping) else {"": rows}
    validated = any("validation" in row for curve in runs.values() for row in curve)
    for index, (name, curve) in enumerate(runs.items()):
        # A run of its own has a colour for each line; of several, each has one for both.
        colours = (COLOURS[0], COLOURS[4]) if len(runs) == 1 else 2 * (COLOURS[index % len(COLOURS)],)
        for column, colour, style in zip(("loss", "validation"), colours, ("-", "o--"), strict=True):
            points = [(row[over], row[column]) for row in curve if column in row]
            if points:
                kind = {"loss": "training", "validation": "validation"}[column]
                label = f"{name} {kind}".strip() if validated or not name else name
                width = 1.5 if column == "loss" else 1.0
                ax.plot(*zip(*points, strict=True), style, label=label, lw=width, ms=4, color=colour)
    if any(np.min(line.get_ydata()) > 0 for line in ax.lines):
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    if len(ax.lines) > 1:
        ax.legend(fontsize="small")
    ax.set(xlabel={"step": "step", "seconds": "time of training (s)"}[over], ylabel="loss", title=title)
    ax.grid(alpha=0.3, which="both")
    return ax


class Picture:
    """A finished figure that a notebook shows as an image with alternative text."""

    def __init__(self, png: bytes, alternative_text: str) -> None:
        self.png = png
        self.alternative_text = alternative_text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": image_html(self.png, self.alternative_text), "text/plain": self.alternative_text}


def picture(figure: "Figure", alternative_text: str, *, dpi: int = 90) -> Picture:
    """Render a figure to PNG and close it.

    Parameters
    ----------
    figure : matplotlib Figure
    alternative_text : str
        One sentence that says what the picture shows, for readers who cannot see it.
    dpi : int
        Dots per inch.
    """
    if not alternative_text.strip():
        raise RefusedValue("alternative_text is empty; say in one sentence what the picture shows")
    png = to_png(figure, dpi)
    # Figures made by pyplot stay in its list until they are closed; for others this does nothing.
    from matplotlib import pyplot

    pyplot.close(figure)
    return Picture(png, alternative_text)


def to_png(figure: "Figure", dpi: int = 100) -> bytes:
    """A figure as PNG bytes, drawn by Agg whatever canvas it has; a little compressed, so fast. Safe in any thread."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas, figure_dpi = figure.canvas, figure.dpi
    buffer = io.BytesIO()
    with _drawing:
        try:
            figure.dpi = dpi
            FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 1, "dpi": (dpi, dpi)})
        finally:
            # The figure is the caller's: it gets its canvas and resolution back.
            figure.set_canvas(canvas)
            figure.dpi = figure_dpi
    return buffer.getvalue()


def image_html(png: bytes, alternative_text: str) -> str:
    """An HTML image element with the PNG inside."""
    data = base64.b64encode(png).decode()
    text = html.escape(alternative_text, quote=True)
    return f'<img src="data:image/png;base64,{data}" alt="{text}" style="max-width: 100%">'


def _outlined(colour: str) -> list:
    """An edge around lines, so that they stand out from whatever is below."""
    from matplotlib import patheffects

    return [patheffects.Stroke(linewidth=4, foreground=colour), patheffects.Normal()]


def _cells(
    values: np.ndarray,
    sample_rate_hz: int,
    hop_samples: int,
    window_samples: int | None,
    lowest_hz: float,
    combine: np.ufunc,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (freq, frames) thinned to what a screen can show: edges in seconds and Hz, cells of logarithmic frequency.

    A cell holds the largest of its values where `combine` is np.maximum, their mean where it is np.add.
    """
    bins, frames = values.shape
    window_samples = 2 * (bins - 1) if window_samples is None else window_samples
    spacing_hz = sample_rate_hz / max(1, window_samples)
    lowest_hz = max(lowest_hz, spacing_hz / 2)
    edges_hz = np.geomspace(lowest_hz, max(sample_rate_hz / 2, lowest_hz * 2), MOST_ROWS + 1)
    # A drawn row takes the bins that fall inside it, or, where rows are finer than bins, the bin that it lies in.
    low = np.clip(np.rint(edges_hz[:-1] / spacing_hz).astype(int), 0, bins - 1)
    high = np.clip(np.rint(edges_hz[1:] / spacing_hz).astype(int), low + 1, bins)
    step = max(1, -(-frames // MOST_COLUMNS))
    starts = np.arange(0, frames, step)
    thin = values if step == 1 else combine.reduceat(values, starts, axis=1)
    # One pass for all rows: each reaches to the start of the next, or is one bin where both start alike.
    high = np.append(np.maximum(low[1:], low[:-1] + 1), high[-1])
    cells = combine.reduceat(thin[: high[-1]], low, axis=0)
    if combine is np.add:
        cells = cells / np.outer(high - low, np.diff(np.append(starts, frames)))
    # Frame n is centred on n hops, so its cell starts half a hop earlier.
    times_s = (np.append(starts, frames) - 0.5) * hop_samples / sample_rate_hz
    return times_s, edges_hz, cells


def _draw_cells(ax: "Axes", times_s: np.ndarray, edges_hz: np.ndarray, cells: np.ndarray) -> "QuadMesh":
    times, frequencies = np.meshgrid(times_s, edges_hz)
    mesh = _mesh_class()(np.stack([times, frequencies], axis=-1), array=cells, antialiased=False, rasterized=True)
    ax.add_collection(mesh, autolim=False)
    ax.set(yscale="log", xlabel="time (s)", ylabel="frequency (Hz)", ylim=(edges_hz[0], edges_hz[-1]))
    ax.set_xlim(max(0.0, times_s[0]), times_s[-1])
    ticks = [hz for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000) if edges_hz[0] <= hz <= edges_hz[-1]]
    ax.set_yticks(ticks, [f"{hz:,}".replace(",", " ") for hz in ticks])
    ax.minorticks_off()
    return mesh


@functools.cache
def _mesh_class() -> type:
    """A QuadMesh of upright rectangles that is drawn as one image; three times as quick as cell by cell."""
    from matplotlib.artist import allow_rasterization
    from matplotlib.collections import QuadMesh

    class Mesh(QuadMesh):
        @allow_rasterization
        def draw(self, renderer: Any) -> None:
            if not self.get_visible():
                return
            corners, transform = np.asarray(self.get_coordinates()), self.get_transform()
            across = transform.transform(corners[0])[:, 0]
            upwards = transform.transform(corners[:, 0])[:, 1]
            # Only a canvas of pixels can take an image of its own pixels.
            if self.axes is None or not hasattr(renderer, "buffer_rgba") or not np.isfinite([*across, *upwards]).all():
                super().draw(renderer)
                return
            left, columns = _cells_of_pixels(across, self.axes.bbox.x0, self.axes.bbox.x1)
            bottom, rows = _cells_of_pixels(upwards, self.axes.bbox.y0, self.axes.bbox.y1)
            if len(rows) and len(columns):
                values = np.ma.asanyarray(self.get_array())[np.ix_(rows, columns)]
                context = renderer.new_gc()
                context.set_clip_path(self.get_clip_path())
                renderer.draw_image(context, left, bottom, self.to_rgba(values, alpha=self.get_alpha(), bytes=True))
                context.restore()
            self.stale = False

    return Mesh


def _cells_of_pixels(edges: np.ndarray, first: float, last: float) -> tuple[int, np.ndarray]:
    """The first pixel between `first` and `last` whose middle lies in a cell, and the cell of each pixel from there."""
    cells = np.arange(len(edges) - 1)
    if edges[0] > edges[-1]:
        edges, cells = edges[::-1], cells[::-1]
    start = math.ceil(max(first, edges[0]) - 0.5)
    stop = math.ceil(min(last, edges[-1]) - 0.5)
    middles = np.arange(start, max(start, stop)) + 0.5
    return start, cells[np.searchsorted(edges, middles, side="right") - 1]
