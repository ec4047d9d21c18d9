"""Common parts of all readers: finding a data set, the message if it is missing, and making a track of its files.

Every reader has `ABOUT`, `tracks(folder)` and `read(folder, name)`. By default the folder is searched in the one that
the variable MSS_LAB_DATASETS names. Nothing is downloaded, and nothing is written.

Contents: VARIABLE, PLAYERS; About, Stem, How; locate, find, check_name, folders_of, assemble.
Lesson: notebooks/15_data_is_the_model.ipynb
"""

import dataclasses
import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from ... import audio, checks
from ...refusals import RefusedValue
from ...score.instruments import is_drums, numbered
from ...score.notes import Note, Score
from ..track import Track

VARIABLE = "MSS_LAB_DATASETS"

# Several players of one instrument: each is a separate source, or all of them are one source.
PLAYERS = ("apart", "merged")

# Lengths of stems of one piece may differ by this much, as encoders round; more means that a file was cut short.
STEMS_DIFFER_S = 0.1


@dataclasses.dataclass(frozen=True)
class About:
    """Information about a data set.

    Attributes
    ----------
    name, title : str
        Its name in commands and readers, and that of its authors.
    holds : str
        Its content.
    where, licence, size : str
        Where it can be obtained, under which licence, and the size of the download.
    folders : tuple of str
        Possible names of its unpacked folder; the first is used in messages.
    count : int
        The number of published pieces.
    reference : str
        The publication that describes it.
    """

    name: str
    title: str
    holds: str
    where: str
    licence: str
    size: str
    folders: tuple[str, ...]
    count: int
    reference: str


@dataclasses.dataclass(frozen=True)
class Stem:
    """One audio file of a piece.

    Attributes
    ----------
    source : str
        The standard name of the instrument, without a player's number.
    path : Path
    notes : tuple of Note, or None
        The notes that are played in it, under any source's name; None if they are not annotated.
    """

    source: str
    path: Path
    notes: tuple[Note, ...] | None = None


class How(TypedDict, total=False):
    """Options of every reader; `assemble` explains them."""

    players: str
    mono: bool
    sample_rate_hz: int | None
    start_s: float
    length_s: float | None


def find(about: About, folder: str | os.PathLike[str] | None = None) -> Path | None:
    """The folder of a data set: the given one, or its own in the one that MSS_LAB_DATASETS names; None if missing."""
    if folder is not None:
        return Path(folder) if Path(folder).is_dir() else None
    home = os.environ.get(VARIABLE)
    candidates = [Path(home) / name for name in about.folders] if home else []
    return next((candidate for candidate in candidates if candidate.is_dir()), None)


def locate(about: About, folder: str | os.PathLike[str] | None = None) -> Path:
    """Like `find`, but raises FileNotFoundError that states where to obtain the data set and where to put it."""
    path = find(about, folder)
    if path is not None:
        return path
    home = os.environ.get(VARIABLE)
    if folder is not None:
        searched = f"in {folder}, which is not a folder"
    elif home:
        searched = f"in {home} ({VARIABLE}), which contains no folder {' or '.join(about.folders)}"
    else:
        searched = f"nowhere: no folder was given, and {VARIABLE} is not set"
    raise FileNotFoundError(
        f"{about.title} was searched {searched}. It is available from {about.where} "
        f"(licence: {about.licence}; {about.size}). Unpack it and give its folder, or set {VARIABLE} to the folder "
        f"that contains {about.folders[0]}"
    )


def check_name(about: About, name: str, names: Sequence[str]) -> str:
    """Return `name` if it is one of the pieces; otherwise raise ValueError with the most similar names."""
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.4) or list(names[:3])
    raise RefusedValue(
        f"name must be a piece of {about.title} ({len(names)} found), got {name!r}; did you mean {', '.join(near)}?"
    )


def folders_of(about: About, folder: Path, names: Sequence[str], like: str) -> tuple[str, ...]:
    """Return the pieces of a folder, or raise FileNotFoundError if there is none, with what the folder contains."""
    if names:
        return tuple(names)
    entries = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    listed = ", ".join(entries[:5]) + (", ..." if len(entries) > 5 else "") if entries else "nothing"
    raise FileNotFoundError(
        f"{folder} must contain pieces of {about.title}, {like}, got {listed}; give the folder that contains them, "
        f"or get the complete data set from {about.where}"
    )


def assemble(
    about: About,
    name: str,
    stems: Sequence[Stem],
    *,
    players: str = "apart",
    mono: bool = False,
    sample_rate_hz: int | None = None,
    start_s: float = 0.0,
    length_s: float | None = None,
    stems_differ_s: float = STEMS_DIFFER_S,
) -> Track:
    """Read the stems of one piece as a track, completely or a section of it.

    Parameters
    ----------
    about : About
    name : str
        Name of the piece.
    stems : sequence of Stem
        In the order of the track's sources.
    players : {"apart", "merged"}
        "apart" numbers the players of one instrument ("violin", "violin 2"); "merged" adds them up.
    mono : bool
        Whether to average the channels.
    sample_rate_hz : int, optional
        Resample to this rate. Default: that of the files.
    start_s : float >= 0, seconds
    length_s : float > 0, seconds, optional
        The section to read. By default, or beyond the end, it lasts to the end of the piece. Only the section is read
        from the files, and the score is cut to it: notes that cross an edge are shortened.
    stems_differ_s : float
        How much shorter a stem may be; it is padded with silence.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If a stem is missing, is not audio, or differs from the others in sample rate, channels or length.
    """
    checks.check_choice("players", players, PLAYERS)
    checks.check_number("start_s", start_s, at_least=0, unit="seconds")
    if length_s is not None:
        checks.check_number("length_s", length_s, above=0, unit="seconds")
    lengths, file_rate_hz = _lengths(about, stems, stems_differ_s)
    samples = max(lengths)
    start = round(start_s * file_rate_hz)
    if start >= samples:
        raise RefusedValue(
            f"start_s must lie before the end of {name}, at {samples / file_rate_hz:.3f} s, got {start_s:g}"
        )
    stop = samples if length_s is None else min(samples, max(start + 1, round((start_s + length_s) * file_rate_hz)))

    sources: dict[str, np.ndarray] = {}
    notes: dict[str, tuple[Note, ...] | None] = {}
    for stem, length in zip(stems, lengths, strict=True):
        waveform = _stretch(stem.path, length, start, stop, file_rate_hz, mono)
        label = stem.source if players == "merged" else numbered(stem.source, sources)
        if label in sources:
            checks.check_same_shape(f"{stem.path.name} and the stems before it", waveform, label, sources[label])
            sources[label] = sources[label] + waveform
            notes[label] = _joined(notes[label], stem.notes)
        else:
            sources[label], notes[label] = waveform, stem.notes
    rate_hz = file_rate_hz if sample_rate_hz is None else checks.check_sample_rate(sample_rate_hz)
    sources = {label: audio.resample(waveform, file_rate_hz, rate_hz) for label, waveform in sources.items()}
    score = _score(notes, start / file_rate_hz, stop / file_rate_hz)
    return Track(name, rate_hz, checks.check_sources(f"the stems of {name}", sources), score)


def _lengths(about: About, stems: Sequence[Stem], differ_s: float) -> tuple[list[int], int]:
    """Samples of each stem, and the sample rate of all."""
    headings = [audio.audio_length(stem.path) for stem in stems]
    lengths, rates = [samples for samples, _ in headings], [rate_hz for _, rate_hz in headings]
    if len(set(rates)) > 1:
        listed = ", ".join(f"{stem.path.name} {rate_hz} Hz" for stem, rate_hz in zip(stems, rates, strict=True))
        raise RefusedValue(
            f"the stems of one piece must have one sample rate, got {listed}; get them again from {about.where}"
        )
    longest_s = max(lengths) / rates[0]
    for stem, samples in zip(stems, lengths, strict=True):
        length_s = samples / rates[0]
        if longest_s - length_s > differ_s:
            raise checks.ShapeError(
                f"{stem.path} must last {longest_s:.2f} s like the longest stem, got {length_s:.2f} s; "
                f"an interrupted download ends like this: get it again from {about.where}"
            )
    return lengths, rates[0]


def _stretch(path: Path, samples: int, start: int, stop: int, rate_hz: int, mono: bool) -> np.ndarray:
    """Samples start to stop of a file with `samples` samples, float32, with silence after the end of the file."""
    if start < samples:
        waveform, _ = audio.read_audio(path, start_s=start / rate_hz, length_s=(stop - start) / rate_hz)
    else:
        # The section lies after this stem's end: one sample is read to know the number of channels.
        waveform = 0 * audio.read_audio(path, length_s=1 / rate_hz)[0]
    if mono:
        waveform = waveform.mean(axis=0, keepdims=True)
    missing = stop - start - waveform.shape[1]
    return np.pad(waveform, ((0, 0), (0, missing))) if missing > 0 else waveform[:, : stop - start]


def _joined(notes: tuple[Note, ...] | None, others: tuple[Note, ...] | None) -> tuple[Note, ...] | None:
    """The notes of players who become one source; exactly equal notes are one note."""
    if notes is None or others is None:
        return notes if others is None else others
    existing = {(note.midi, note.onset_s, note.offset_s) for note in notes}
    return notes + tuple(note for note in others if (note.midi, note.onset_s, note.offset_s) not in existing)


def _score(notes: dict[str, tuple[Note, ...] | None], start_s: float, stop_s: float) -> Score | None:
    if all(played is None for played in notes.values()):
        return None
    kept = [
        dataclasses.replace(
            note,
            source=source,
            onset_s=max(note.onset_s, start_s) - start_s,
            offset_s=min(note.offset_s, stop_s) - start_s,
        )
        for source, played in notes.items()
        for note in played or ()
        if note.offset_s > start_s and note.onset_s < stop_s
    ]
    return Score(tuple(kept), tuple(notes), frozenset(source for source in notes if is_drums(source)))
