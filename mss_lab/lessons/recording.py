"""The recording of a lesson: the shipped piece, or the reader's own with as much as is known about it.

Contents: Recording, NoSources, of_piece, own. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from .. import audio, checks
from ..refusals import RefusedValue
from ..score import notes
from ..score.files import read_score
from ..score.notes import Score

FilePath = str | os.PathLike[str]

# The lessons' own pieces last 10 to 30 s; a whole song would make every cell ten times as slow.
LENGTH_S = 30.0
SHORTEST_S = 1.0
# Files of one recording may differ this much in length, by padding of encoders and editors.
LENGTHS_DIFFER_S = 0.1
# A source of its own for what the stems leave over, where that is louder than this beside the mixture.
REST, REST_DB = "rest", -40.0


@dataclasses.dataclass(frozen=True)
class Recording:
    """What a lesson listens to.

    Attributes
    ----------
    title : str
    sample_rate_hz : int
    mixture : float32 (channels, samples), read-only
    sources : dict of str -> float32 (channels, samples), read-only
        The true stems, which add up to the mixture; empty if they are unknown.
    score : Score or None
    is_own : bool
        Whether it is the reader's, not the lesson's.
    remarks : tuple of str
        Sentences about how the files were read.
    """

    title: str
    sample_rate_hz: int
    mixture: np.ndarray
    sources: Mapping[str, np.ndarray]
    score: Score | None
    is_own: bool = False
    remarks: tuple[str, ...] = ()


class NoSources(dict[str, np.ndarray]):
    """The sources of the reader's own recording, which are unknown; access to one raises an error that says so."""

    def __missing__(self, name: str) -> np.ndarray:
        raise LookupError(
            f"there is no source {name!r}: your own recording is a mixture only, and this step needs its stems; "
            "give their folder with lab.use(path, stems=folder), go on with the next step, or go back to the lesson's "
            "recording with lab.use(None)"
        )


def of_piece(name: str) -> Recording:
    """The recording of a shipped piece."""
    from ..datasets import pieces

    piece = pieces.load(name)
    return Recording(
        piece.title, piece.sample_rate_hz, _read_only(piece.mixture), _all_read_only(piece.sources), piece.score
    )


def own(
    mixture: FilePath | None,
    score: Score | FilePath | None = None,
    stems: FilePath | None = None,
    *,
    start_s: float = 0.0,
    length_s: float | None = LENGTH_S,
) -> Recording:
    """The reader's own recording, from files.

    Parameters
    ----------
    mixture : path or None
        An audio file with one or two channels. None takes the sum of the stems.
    score : Score or path, optional
        Its parts get the names of the stems: by their names where these agree, the others in order.
    stems : path, optional
        A folder with one audio file for each source.
    start_s : float >= 0, seconds
    length_s : float >= 1, seconds, or None
        The section that is taken; None takes all to the end.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or cannot be read, if the files differ in length, or if the section is silent, too short
        or has more than two channels.
    """
    section = _section(start_s, length_s)
    remarks: list[str] = []
    waveforms: dict[str, np.ndarray] = {}
    whole: np.ndarray | None = None
    if mixture is not None:
        whole, sample_rate_hz = _read(mixture, None, section)
    if stems is not None:
        waveforms, sample_rate_hz = _read_stems(stems, None if whole is None else sample_rate_hz, section)
        if whole is None:
            whole = _sum(waveforms)
        else:
            waveforms = _with_rest(whole, waveforms, sample_rate_hz, remarks)
    if whole is None:
        raise RefusedValue("a recording needs a mixture or a folder of stems, got neither; give the path of one")
    title = Path(mixture if mixture is not None else str(stems)).stem
    if not whole.any():
        raise RefusedValue(f"{title} is silent in the section that is taken, {_in_words(section)}; choose another")
    if score is not None:
        score = score if isinstance(score, Score) else read_score(score)
        score = notes.section(score, start_s, whole.shape[1] / sample_rate_hz)
        if waveforms:
            score = _named_as_stems(score, tuple(waveforms), remarks)
    if length_s is not None and whole.shape[1] >= round(length_s * sample_rate_hz):
        remarks.insert(0, f"This is {_in_words(section)}; start_s and length_s take another section, None all.")
    sources = _all_read_only(waveforms) if waveforms else NoSources()
    return Recording(title, sample_rate_hz, _read_only(whole), sources, score, True, tuple(remarks))


def _section(start_s: float, length_s: float | None) -> dict[str, float | None]:
    checks.check_number("start_s", start_s, at_least=0, unit="seconds")
    if length_s is not None:
        checks.check_number("length_s", length_s, at_least=SHORTEST_S, unit="seconds")
    return {"start_s": start_s, "length_s": length_s}


def _in_words(section: Mapping[str, float | None]) -> str:
    start_s, length_s = section["start_s"], section["length_s"]
    return f"from {start_s:g} s to the end" if length_s is None else f"{length_s:g} s from {start_s:g} s on"


def _read(path: FilePath, rate_hz: int | None, section: Mapping[str, float | None]) -> tuple[np.ndarray, int]:
    start_s = float(section["start_s"] or 0.0)
    waveform, sample_rate_hz = audio.read_audio(path, rate_hz, start_s=start_s, length_s=section["length_s"])
    channels, samples = waveform.shape
    if channels > 2:
        raise RefusedValue(f"{path} must have one or two channels, got {channels}; mix it down to stereo first")
    if samples < SHORTEST_S * sample_rate_hz:
        raise RefusedValue(
            f"{path} must have at least {SHORTEST_S:g} s after start_s={start_s:g}, got "
            f"{samples / sample_rate_hz:.2f} s; choose an earlier start or a longer recording"
        )
    return waveform, sample_rate_hz


def _read_stems(
    folder: FilePath, rate_hz: int | None, section: Mapping[str, float | None]
) -> tuple[dict[str, np.ndarray], int]:
    """All stems of a folder with one rate, one length and one number of channels."""
    from ..datasets.track import audio_files

    paths = audio_files(folder)
    names = [path.stem for path in paths]
    if len(set(names)) != len(names):
        raise RefusedValue(f"{folder} must hold one audio file for each source, got two of one name among {names}")
    waveforms: dict[str, np.ndarray] = {}
    for path in paths:
        # The first stem decides the rate where there is no mixture.
        waveforms[path.stem], rate_hz = _read(path, rate_hz, section)
    assert rate_hz is not None
    channels = max(waveform.shape[0] for waveform in waveforms.values())
    return _of_one_length(waveforms, rate_hz, channels), rate_hz


def _of_one_length(
    waveforms: Mapping[str, np.ndarray], rate_hz: int, channels: int, samples: int | None = None
) -> dict[str, np.ndarray]:
    lengths = {name: waveform.shape[1] for name, waveform in waveforms.items()}
    samples = samples or max(lengths.values())
    off = {name: length / rate_hz for name, length in lengths.items()}
    if any(abs(length - samples) > LENGTHS_DIFFER_S * rate_hz for length in lengths.values()):
        listed = ", ".join(f"{name} {length_s:.2f} s" for name, length_s in off.items())
        raise RefusedValue(
            f"the files of one recording must have one length, {samples / rate_hz:.2f} s, got {listed}; "
            "export them from the same start to the same end"
        )
    padded = {}
    for name, waveform in waveforms.items():
        cut = np.pad(waveform[:, :samples], ((0, 0), (0, max(0, samples - waveform.shape[1]))))
        # A mono stem of a stereo recording is in its centre.
        padded[name] = np.repeat(cut, channels, axis=0) if len(cut) < channels else cut
    return padded


def _with_rest(
    mixture: np.ndarray, waveforms: Mapping[str, np.ndarray], rate_hz: int, remarks: list[str]
) -> dict[str, np.ndarray]:
    channels, samples = mixture.shape
    if any(len(waveform) > channels for waveform in waveforms.values()):
        raise RefusedValue("the stems are stereo and the mixture is mono; give the stereo mixture, or None for it")
    sources = _of_one_length(waveforms, rate_hz, channels, samples)
    rest = mixture - _sum(sources)
    rest_db = 10 * np.log10(max(float(np.vdot(rest, rest)), 1e-30) / float(np.vdot(mixture, mixture) or 1e-30))
    if rest_db <= REST_DB:
        return sources
    name = REST if REST not in sources else "rest of the mixture"
    remarks.append(
        f"The stems do not add up to the mixture: the difference, {rest_db:.1f} dB beside the mixture, is the source "
        f"`{name}`."
    )
    return {**sources, name: rest}


def _sum(waveforms: Mapping[str, np.ndarray]) -> np.ndarray:
    total: np.ndarray = np.sum(list(waveforms.values()), axis=0).astype(np.float32)
    return total


def _named_as_stems(score: Score, stems: tuple[str, ...], remarks: list[str]) -> Score:
    """The score with the names of the stems for its parts: the same name, else the next that is free, in order."""
    by_name = {name.casefold(): name for name in stems}
    names: dict[str, str] = {}
    for part in score.sources:
        if part.casefold() in by_name:
            # Each stem is one part; two parts that differ only by capitals are not the same.
            names[part] = by_name.pop(part.casefold())
    free = iter([name for name in stems if name not in names.values() and name != REST])
    for part in score.sources:
        if part not in names:
            names[part] = next(free, part)
    renamed = {part: name for part, name in names.items() if part != name}
    if renamed:
        pairs = ", ".join(f"{part} is {name}" for part, name in renamed.items())
        remarks.append(f"The parts of the score are matched with the stems in order: {pairs}.")
    order = [name for name in stems if name in names.values()]
    order += [name for name in _unique(names.values()) if name not in order]
    played = tuple(dataclasses.replace(note, source=names[note.source]) for note in score.notes)
    return Score(played, tuple(order), frozenset(names[part] for part in score.unpitched))


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _read_only(waveform: np.ndarray) -> np.ndarray:
    # A cell that wrote into the mixture would change the results of all cells that run later.
    view = waveform.view()
    view.setflags(write=False)
    return view


def _all_read_only(sources: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: _read_only(waveform) for name, waveform in sources.items()}
