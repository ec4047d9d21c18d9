"""Fallback: the picture and the sound that replace a widget where no front end runs.

Exported pages and notebooks without widgets show these: a PNG drawn with matplotlib's Agg canvas, which does not change
the figures of pyplot, and an HTML audio element that contains its data.

Contents: strips_png, panorama_png, kernel_png, Plane, painting_png, factors_png, roll_png, map_png, audio_html, encode.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import base64
import dataclasses
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import soundfile

from .. import audio, checks, plots
from ..score.notes import Score
from . import strips

# The sample rates of MPEG layer III; recordings at other rates are stored as FLAC.
MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
PEAK = 0.9
# The layer of paint over a spectrogram: a light blue, which is not among the colours of spectrograms.
PAINT = "#56b4e9"
PAINT_OPACITY = 0.6
# With more notes than this, numbers on them could not be read.
MOST_NUMBERED = 200


def strips_png(
    title: str,
    duration_s: float,
    envelopes: Mapping[str, np.ndarray],
    pictures: Mapping[str, np.ndarray],
    axis: strips.Axis | None,
    colours: Sequence[str] = (),
) -> bytes:
    """Waveforms and spectrograms of all stems, one below the other on one scale, as PNG bytes.

    Parameters
    ----------
    title : str
    duration_s : float
    envelopes : dict of stem name -> float (2, columns), as `strips.envelope` gives
    pictures : dict of stem name -> uint8 (rows, columns), as `strips.to_bytes` gives; may be empty
    axis : strips.Axis, or None without pictures
    colours : sequence of str, optional
        The colour of each waveform; by default those of `mss_lab.plots.COLOURS` in order.
    """
    from matplotlib.figure import Figure

    colours = colours or plots.COLOURS
    count = len(envelopes)
    figure = Figure(figsize=(9.0, 0.75 + 0.85 * count), layout="constrained")
    # All strips share one pair of axes: a pair for each would take a second to lay out, in every cell with a player.
    axes = figure.subplots(1, 2 if pictures else 1, squeeze=False)[0]
    peak = max((float(np.abs(item).max()) for item in envelopes.values()), default=0.0) or 1.0
    for row, item in enumerate(envelopes.values()):
        times_s = np.linspace(0, duration_s, item.shape[1], endpoint=False)
        low, high = count - row - 0.5 + 0.48 * item / peak
        axes[0].fill_between(times_s, low, high, color=colours[row % len(colours)], linewidth=0.4)
    axes[0].set_yticks(count - np.arange(count) - 0.5, list(envelopes))
    axes[0].tick_params(axis="y", length=0)
    if pictures and axis is not None:
        shown = _draw_strips([pictures[name] for name in envelopes], axis, axes[1])
        axes[1].set_title("frequency (Hz)", fontsize="medium", loc="left")
        # One or two strips are too low for the whole label and for a bar of the usual shape.
        label = "level (dB re loudest)" if count > 2 else "level (dB)"
        figure.colorbar(shown, ax=axes[1], label=label, pad=0.01, aspect=min(30, 8 * count))
    for ax in axes:
        ax.set(xlim=(0, duration_s), ylim=(0, count), xlabel="time (s)")
        for row in range(1, count):
            ax.axhline(row, color="black", linewidth=0.8)
    if title:
        figure.suptitle(title)
    return plots.to_png(figure)


def _draw_strips(pictures: Sequence[np.ndarray], axis: strips.Axis, axes: Any) -> Any:
    """Draw spectrogram strips one below the other, each one unit high, with ticks of frequency."""
    end_s = axis.first_s + axis.column_s * pictures[0].shape[1]
    # Row 0 is the lowest frequency of the lowest strip.
    shown = _show_levels(axes, np.concatenate(pictures[::-1]), (axis.first_s, end_s, 0, len(pictures)))
    # The rows are equal steps of log frequency, so the ticks are placed on a logarithmic scale.
    ticks_hz = [hz for hz in strips.TICKS_HZ if axis.low_hz <= hz <= axis.high_hz]
    octaves = np.log(axis.high_hz / axis.low_hz)
    ticks = [row + np.log(hz / axis.low_hz) / octaves for row in range(len(pictures)) for hz in ticks_hz]
    axes.set_yticks(ticks, [f"{hz:g}" for hz in ticks_hz] * len(pictures))
    return shown


def panorama_png(
    centres_deg: Sequence[float], levels_db: Sequence[float], range_db: float, low_deg: float, high_deg: float
) -> bytes:
    """A panning histogram with a window over it, as PNG bytes.

    Parameters
    ----------
    centres_deg, levels_db : sequence of float, equally long
        Angles from 0 (left) to 90 (right), and levels below the highest bin.
    range_db : float > 0
        Range of the level axis.
    low_deg, high_deg : float
        The window.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 2.4), layout="constrained")
    axes = figure.subplots()
    centres, levels = np.asarray(centres_deg), np.asarray(levels_db)
    inside = (centres >= low_deg) & (centres <= high_deg)
    axes.fill_between(centres, -range_db, levels, color="0.75", linewidth=0)
    axes.fill_between(centres, -range_db, levels, where=inside, color=plots.COLOURS[0], linewidth=0)
    axes.axvspan(low_deg, high_deg, color=plots.COLOURS[0], alpha=0.15, linewidth=0)
    axes.set(xlim=(0, 90), ylim=(-range_db, 0), xlabel="angle (degrees)", ylabel="level (dB)")
    ticks = range(0, 91, 15)
    named = {0: "0\nleft", 45: "45\ncentre", 90: "90\nright"}
    axes.set_xticks(ticks, [named.get(tick, str(tick)) for tick in ticks])
    return plots.to_png(figure)


def kernel_png(cells: np.ndarray, cell_hz: float, cell_s: float) -> bytes:
    """A kernel on its grid, with a mark on the middle bin, as PNG bytes.

    Parameters
    ----------
    cells : bool (rows, columns), both odd
        The first row is the highest frequency.
    cell_hz, cell_s : float > 0
        Height and width of a cell.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    rows, columns = cells.shape
    figure = Figure(figsize=(3.6, 3.2), layout="constrained")
    axes = figure.subplots()
    # Edges of the cells, half a step beyond the centres of the outermost ones.
    times_s = (np.arange(columns + 1) - columns / 2) * cell_s
    above_hz = (rows / 2 - np.arange(rows + 1)) * cell_hz
    colours = ListedColormap(["white", plots.COLOURS[0]])
    axes.pcolormesh(times_s, above_hz, cells, cmap=colours, vmin=0, vmax=1, edgecolors="0.75", linewidth=0.5)
    axes.plot([0], [0], "o", color="white", markeredgecolor=plots.COLOURS[4], markeredgewidth=2)
    axes.set(xlabel="time (s, from the bin)", ylabel="frequency (Hz, from the bin)")
    return plots.to_png(figure)


@dataclasses.dataclass(frozen=True)
class Plane:
    """The axes of cells that are painted on.

    Attributes
    ----------
    edges_hz : list of float, (rows + 1,)
        The bounds of the rows in ascending order.
    column_s, first_s : float
        Width of a column, and left edge of the first.
    """

    edges_hz: list[float]
    column_s: float
    first_s: float


def painting_png(picture: np.ndarray, mask: np.ndarray, plane: Plane, ticks_hz: Sequence[float]) -> bytes:
    """A spectrogram with a translucent mask over it, as PNG bytes.

    Parameters
    ----------
    picture : uint8 (rows, columns)
        As `strips.to_bytes` gives; row 0 is the lowest frequency.
    mask : float (rows, columns), 0 to 1
    plane : Plane
    ticks_hz : sequence of float
        The frequencies that are written at the axis.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    rows, columns = picture.shape
    figure = Figure(figsize=(7.6, 3.6), layout="constrained")
    axes = figure.subplots()
    extent = (plane.first_s, plane.first_s + columns * plane.column_s, 0, rows)
    shown = _show_levels(axes, picture, extent)
    paint = np.empty((rows, columns, 4))
    paint[..., :3] = to_rgb(PAINT)
    paint[..., 3] = PAINT_OPACITY * mask
    axes.imshow(paint, origin="lower", aspect="auto", extent=extent, interpolation="nearest")
    axes.set(xlabel="time (s)", ylabel="frequency (Hz)")
    positions = np.interp(ticks_hz, plane.edges_hz, np.arange(rows + 1))
    axes.set_yticks(positions, [f"{hz:g}" for hz in ticks_hz])
    figure.colorbar(shown, label="level (dB re loudest)")
    return plots.to_png(figure)


def factors_png(
    spectra: np.ndarray, curves: np.ndarray, owners: Sequence[str], plane: Plane, ticks_hz: Sequence[float]
) -> bytes:
    """Templates and activations, a row for each component with the name of its source, as PNG bytes.

    Parameters
    ----------
    spectra : uint8 (components, rows)
        255 is the peak of a template.
    curves : uint8 (components, columns)
    owners : sequence of str
        The source of each component; "" for none.
    plane : Plane
    ticks_hz : sequence of float
        The frequencies that are written at the axis.
    """
    from matplotlib.figure import Figure

    count, rows = spectra.shape
    figure = Figure(figsize=(8.4, 1.0 + 0.24 * min(count, 30)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
    end_s = plane.first_s + plane.column_s * curves.shape[1]
    options: dict[str, Any] = {"aspect": "auto", "cmap": "cividis", "interpolation": "nearest"}
    left.imshow(spectra, extent=(0, rows, count + 0.5, 0.5), **options)
    right.imshow(curves, extent=(plane.first_s, end_s, count + 0.5, 0.5), **options)
    positions = np.interp(ticks_hz, plane.edges_hz, np.arange(rows + 1))
    left.set_xticks(positions, [f"{hz:g}" for hz in ticks_hz])
    left.set(xlabel="frequency (Hz)", title="templates")
    right.set(xlabel="time (s)", title="activations")
    # With many components each second or third row is labelled.
    shown = range(0, count, -(-count // 30))
    left.set_yticks([k + 1 for k in shown], [f"{owners[k]} {k + 1}".strip() for k in shown], fontsize="small")
    return plots.to_png(figure)


def roll_png(
    score: Score,
    supported: np.ndarray,
    duration_s: float,
    picture: np.ndarray | None = None,
    extent: tuple[float, float, float, float] | None = None,
) -> bytes:
    """Notes over the spectrogram of a recording, as PNG bytes: a colour and a number for each source.

    Parameters
    ----------
    score : Score
    supported : bool (notes,)
        Notes for which this is False have a dashed edge and no colour inside.
    duration_s : float > 0
        End of the time axis, unless notes end later.
    picture : uint8 (rows, columns), optional
        Lowest pitch first.
    extent : (start_s, end_s, low_midi, high_midi), optional
        Edges of the picture.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    axes = figure.subplots()
    if picture is not None:
        axes.imshow(picture, cmap="gray", vmin=0, vmax=400, origin="lower", aspect="auto", extent=extent)
    numbers = {source: number for number, source in enumerate(score.sources)}
    edges = [plots.COLOURS[numbers[note.source] % len(plots.COLOURS)] for note in score.notes]
    boxes = [
        [(on, midi - 0.45), (off, midi - 0.45), (off, midi + 0.45), (on, midi + 0.45)]
        for on, off, midi in ((note.onset_s, note.offset_s, note.midi) for note in score.notes)
    ]
    faces = [edge if is_supported else "none" for edge, is_supported in zip(edges, supported, strict=True)]
    styles = ["-" if is_supported else "--" for is_supported in supported]
    # One collection: a patch for each of ten thousand notes would take a minute.
    axes.add_collection(PolyCollection(boxes, facecolors=faces, edgecolors=edges, linestyles=styles, linewidths=1.2))
    for note in score.notes if len(score.notes) <= MOST_NUMBERED else ():
        at, words = ((note.onset_s + note.offset_s) / 2, note.midi), str(numbers[note.source] + 1)
        label = axes.annotate(words, at, color="white", fontsize=6, ha="center", va="center_baseline")
        label.set_in_layout(False)
    for source, number in numbers.items():
        colour = plots.COLOURS[number % len(plots.COLOURS)]
        axes.plot([], [], "s", color=colour, label=f"{number + 1} {source}")
    pitches = [note.midi for note in score.notes] or [48, 72]
    axes.set(xlim=(0, max(duration_s, score.duration_s)), ylim=(min(pitches) - 4, max(pitches) + 4))
    axes.set(xlabel="time (s)", ylabel="MIDI pitch", facecolor="0.15" if picture is not None else "0.3")
    axes.legend(loc="upper right", fontsize="small", ncols=min(6, len(numbers)))
    return plots.to_png(figure)


def map_png(positions: np.ndarray, content: Mapping[str, Any]) -> bytes:
    """A map of queries with a ring where the current one lies, as PNG bytes.

    Parameters
    ----------
    positions : float (queries, 2)
    content : mapping
        As `query_form.Form` has it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    axes = figure.subplots()
    kinds = np.array(content["kinds"])
    for number, name in enumerate(content["familyNames"]):
        rows = positions[kinds == number]
        axes.plot(*rows.T, ".", ms=3, alpha=0.5, color=plots.COLOURS[number % len(plots.COLOURS)], label=name)
    for leaf, (across, up) in zip(content["leaves"], content["places"], strict=True):
        axes.text(across, up, leaf, fontsize="small", weight="bold", ha="center", va="center")
    axes.plot(*content["position"], "o", ms=12, mfc="none", mec="black", mew=2)
    axes.set(xlim=content["bounds"][0], ylim=content["bounds"][1])
    axes.set(xlabel="first principal component", ylabel="second principal component")
    axes.legend(fontsize="small")
    return plots.to_png(figure)


def audio_html(waveform: np.ndarray, sample_rate_hz: int, label: str) -> str:
    """An HTML audio element that contains the sound: MP3 if the rate allows, else FLAC; a peak above 0.9 is lowered.

    Parameters
    ----------
    waveform : float (channels, samples), one or two channels
    sample_rate_hz : int
    label : str
        Label for screen readers.
    """
    waveform = checks.check_waveform("waveform", waveform)
    peak = float(np.abs(waveform).max())
    mime, encoded = encode(waveform * (PEAK / peak if peak > PEAK else 1.0), sample_rate_hz)
    data = base64.b64encode(encoded).decode()
    return f'<audio controls aria-label="{html.escape(label)}" src="data:{mime};base64,{data}"></audio>'


def encode(waveform: np.ndarray, sample_rate_hz: int) -> tuple[str, bytes]:
    """A waveform (channels, samples) within -1 and 1 as a small file: its MIME type, and MP3 or FLAC by the rate."""
    buffer = io.BytesIO()
    if sample_rate_hz in MP3_RATES_HZ:
        soundfile.write(buffer, waveform.T, sample_rate_hz, format="MP3", subtype=audio.SUBTYPES[".mp3"])
        return "audio/mpeg", buffer.getvalue()
    soundfile.write(buffer, waveform.T, sample_rate_hz, format="FLAC", subtype="PCM_16")
    return "audio/flac", buffer.getvalue()


def _show_levels(axes: Any, picture: np.ndarray, extent: tuple[float, float, float, float]) -> Any:
    """Draw the bytes of a strip in the colours of the page, with a scale in dB; returns what a colour bar needs."""
    from matplotlib.colors import LinearSegmentedColormap

    return axes.imshow(
        picture / 255 * strips.RANGE_DB - strips.RANGE_DB,
        cmap=LinearSegmentedColormap.from_list("mss-lab", list(strips.PALETTE)),
        vmin=-strips.RANGE_DB,
        vmax=0,
        origin="lower",
        aspect="auto",
        extent=extent,
    )
