"""PHENICX-Anechoic: four orchestral passages, every player recorded alone in an anechoic room at Aalto, denoised.

Layout, checked against mirdata's loader and its test files:

    PHENICX-Anechoic/
        audio/beethoven/bassoon1.wav, bassoon2.wav, cello.wav, ...     also bruckner, mahler, mozart
        annotations/beethoven/bassoon.txt                              notes as played: onset_s,offset_s,C#4
        annotations/beethoven/bassoon_o.txt                            notes as written

44.1 kHz, mono. Notes are annotated for each section, whose players share them: with players apart, each gets all of
them. Beethoven's double bass ends before the others, and is padded with silence. Written notes of length 0, which are
ornaments, last 1 ms.

Contents: ABOUT, SOURCES, tracks, read. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import os
import re
from pathlib import Path
from typing import Unpack

from ... import checks
from ...refusals import RefusedValue
from ...score.notes import Note
from ..track import Track
from .shared import About, How, Stem, assemble, check_name, folders_of, locate

ABOUT = About(
    name="phenicx",
    title="PHENICX-Anechoic",
    holds="4 passages for orchestra, 10 minutes, 8 to 10 sections",
    where="Zenodo (doi.org/10.5281/zenodo.840025)",
    licence="CC BY-NC-SA 4.0",
    size="about 1 GB",
    folders=("PHENICX-Anechoic", "PHENICX", "phenicx_anechoic"),
    count=4,
    reference="Miron et al., Journal of Electrical and Computer Engineering 2016; Pätynen et al., Acustica 2008",
)

# A file's name without its number, and the standard name, in the order of a score.
SOURCES = {
    "flute": "flute",
    "oboe": "oboe",
    "clarinet": "clarinet",
    "bassoon": "bassoon",
    "horn": "horn",
    "trumpet": "trumpet",
    "violin": "violin",
    "viola": "viola",
    "cello": "cello",
    "doublebass": "double bass",
}

SHORTEST_NOTE_S = 0.001

_PLAYER = re.compile(r"([a-z]+?)(\d*)\.wav")
_PITCH = re.compile(r"([A-G])([#b]*)(-?\d+)")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def tracks(folder: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """Names of the pieces, such as "mozart"; FileNotFoundError if there is no data set, or nothing in it."""
    return _tracks(_root(folder))


def read(
    folder: str | os.PathLike[str] | None,
    name: str,
    *,
    times: str = "performed",
    **how: Unpack[How],
) -> Track:
    """Read one piece.

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    name : str
        One of `tracks`.
    times : {"performed", "written"}
        Whether to use the times of the recording, or those of the written score.
    players : {"apart", "merged"}
        "merged" makes each section one source, as in the papers.
    mono, sample_rate_hz, start_s, length_s
        Passed to `mss_lab.datasets.readers.shared.assemble`.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If the data set, the piece or a file is missing or damaged.

    Reference: Miron et al., Journal of Electrical and Computer Engineering 2016.
    """
    root = _root(folder)
    name = check_name(ABOUT, name, _tracks(root))
    ending = {"performed": "", "written": "_o"}[checks.check_choice("times", times, ("performed", "written"))]
    files = []
    for path in (root / "audio" / name).glob("[!.]*.wav"):
        named = _PLAYER.fullmatch(path.name)
        if not named or named[1] not in SOURCES:
            raise RefusedValue(f"{path} must be named after one of {', '.join(SOURCES)} and a number, got {path.name}")
        files.append((list(SOURCES).index(named[1]), int(named[2] or 0), named[1], path))
    notes = {
        section: _notes(root / "annotations" / name / f"{section}{ending}.txt", SOURCES[section])
        for section in {section for _, _, section, _ in files}
    }
    stems = [Stem(SOURCES[section], path, notes[section]) for _, _, section, path in sorted(files)]
    return assemble(ABOUT, name, stems, stems_differ_s=float("inf"), **how)


def _root(folder: str | os.PathLike[str] | None) -> Path:
    root = locate(ABOUT, folder)
    inner = root / ABOUT.folders[0]
    return inner if inner.is_dir() else root


def _tracks(root: Path) -> tuple[str, ...]:
    names = sorted({path.parent.name for path in root.glob("audio/*/*.wav")})
    return folders_of(ABOUT, root, names, "as audio/<piece>/<instrument>.wav")


def _notes(path: Path, source: str) -> tuple[Note, ...]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, and holds the notes of the {source}; get {ABOUT.title} again")
    notes = []
    for line, row in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        cells = [cell.strip() for cell in row.split(",")]
        if cells == [""]:
            continue
        try:
            onset_s, offset_s, pitch = float(cells[0]), float(cells[1]), _midi(cells[2])
            if offset_s == onset_s:
                offset_s = onset_s + SHORTEST_NOTE_S
            notes.append(Note(source, pitch, onset_s, offset_s))
        except (ValueError, IndexError) as error:
            raise RefusedValue(
                f"line {line} of {path} must be a note such as 4.35,5.01,C#4, got {row!r} ({error})"
            ) from error
    return tuple(notes)


def _midi(pitch: str) -> int:
    """The MIDI number of a note's name: 60 for C4."""
    named = _PITCH.fullmatch(pitch)
    if not named:
        raise RefusedValue(f"a pitch must be named like C#4 or Bb3, got {pitch!r}")
    return 12 * (int(named[3]) + 1) + _STEPS[named[1]] + named[2].count("#") - named[2].count("b")
