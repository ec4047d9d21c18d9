"""Scores, and how they were aligned with a recording.

Contents: score, fundamentals, time_map, alignment. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

from typing import TYPE_CHECKING

import numpy as np

from .. import checks, units
from ..score.align import Alignment, warp
from ..score.notes import Note, Score
from .sound import spectrogram
from .style import COLOURS, outlined

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, QuadMesh
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


def score(notes: Score, ax: "Axes", *, title: str = "") -> "Axes":
    """Draw notes as bars over time and pitch, one colour a source, with a legend.

    A note that sounds together with one of the same pitch of an earlier source is drawn as a thinner bar over it, so
    that both are visible.
    """
    drawn: dict[float, list[Note]] = {}
    for index, source in enumerate(notes.sources):
        own = notes.notes_of(source)
        heights = [0.8 * 0.5 ** _sources_at_the_same_time(note, drawn.get(note.midi, [])) for note in own]
        for note in own:
            drawn.setdefault(note.midi, []).append(note)
        ax.barh(
            [note.midi for note in own],
            [note.offset_s - note.onset_s for note in own],
            left=[note.onset_s for note in own],
            height=heights,
            color=COLOURS[index % len(COLOURS)],
            label=source,
        )
    ax.set(xlabel="time (s)", ylabel="MIDI pitch", xlim=(0, notes.duration_s or 1), title=title)
    if not notes.notes:
        ax.text(0.5, 0.5, "no note", transform=ax.transAxes, ha="center", va="center", color="grey")
    if notes.sources:
        ax.legend(loc="upper right", fontsize="small")
    return ax


def _sources_at_the_same_time(note: Note, others: list[Note]) -> int:
    return len({other.source for other in others if other.onset_s < note.offset_s and note.onset_s < other.offset_s})


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
        path_effects=outlined("black"),
    )


def time_map(found: Alignment, ax: "Axes", *, title: str = "") -> tuple["Line2D", "QuadMesh"]:
    """Draw an alignment: time in the score against time in the recording, over bands that show its confidence.

    Each segment between two points is a band, bright for a high confidence, dark for a low one. The grey line between
    the two ends would be a constant tempo.

    Returns
    -------
    Line2D, QuadMesh
        The curve, and the bands, for a colour bar from 0 to 1.

    Lesson: notebooks/07_scores_and_alignment.ipynb
    """
    recording_s, score_s = found.recording_times_s, found.score_times_s
    bands = ax.pcolormesh(
        recording_s, [0, 1], found.confidence[np.newaxis], transform=ax.get_xaxis_transform(), rasterized=True
    )
    bands.set(cmap="Oranges_r", clim=(0, 1))
    ax.plot(recording_s[[0, -1]], score_s[[0, -1]], color="grey", lw=0.8, ls="--")
    (line,) = ax.plot(recording_s, score_s, color=COLOURS[0], lw=1.6, marker=".", ms=3, path_effects=outlined("white"))
    ax.set(xlabel="time in the recording (s)", ylabel="time in the score (s)", title=title)
    ax.set(xlim=(recording_s[0], recording_s[-1]), ylim=(score_s[0], score_s[-1]))
    return line, bands


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
