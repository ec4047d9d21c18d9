"""Bach10: ten chorales of J. S. Bach, each part recorded alone, with the times at which notes sound.

Layout, checked against the data set's own description and against public programs that read it:

    Bach10_v1.1/01-AchGottundHerr/
        01-AchGottundHerr.wav                       the mixture
        01-AchGottundHerr-violin.wav                soprano; also -clarinet, -saxphone (spelt so), -bassoon
        01-AchGottundHerr.txt                       onset played and written in ms, MIDI pitch, channel
        01-AchGottundHerr.mid, -GTF0s.mat, -GTNotes.mat

44.1 kHz, mono. Ends of notes are not in the text file, so each lasts until the next of its part. The data set's own
mixture is not used; the mixture of a track is the sum of its parts.

Contents: ABOUT, tracks, read. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import os
import re
from pathlib import Path
from typing import Unpack

from ...score.annotations import BACH10_SOURCES, read_bach10
from ..track import Track
from .shared import About, How, Stem, assemble, check_name, folders_of, locate

ABOUT = About(
    name="bach10",
    title="Bach10",
    holds="10 chorales, 5.5 minutes, played by violin, clarinet, saxophone and bassoon",
    where="the Interactive Audio Lab (music.cs.northwestern.edu/data/Bach10.html, after filling in a form)",
    licence="free for research, cite the paper",
    size="about 150 MB",
    folders=("Bach10", "Bach10_v1.1", "Bach10_v1.0"),
    count=10,
    reference="Duan and Pardo, IEEE Journal of Selected Topics in Signal Processing 2011",
)

# The spelling of sources in file names, the published one first.
SPELLINGS = {"saxophone": ("saxphone", "saxophone")}

_PIECE = re.compile(r"\d\d-\w+")


def tracks(folder: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """Names of the pieces, such as "01-AchGottundHerr"; FileNotFoundError if there is no data set, or nothing in it."""
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
        Whether notes have the times of the recording, or those of the written score.
    players, mono, sample_rate_hz, start_s, length_s
        Passed to `mss_lab.datasets.readers.shared.assemble`; every instrument has one player.

    Returns
    -------
    Track
        Sources violin, clarinet, saxophone, bassoon: soprano, alto, tenor, bass.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If the data set, the piece or a file is missing or damaged.

    Reference: Duan and Pardo, IEEE Journal of Selected Topics in Signal Processing 2011.
    """
    root = _root(folder)
    piece = root / check_name(ABOUT, name, _tracks(root))
    score = read_bach10(piece / f"{name}.txt", times=times)
    stems = [Stem(source, _stem(piece, source), score.notes_of(source)) for source in BACH10_SOURCES]
    return assemble(ABOUT, name, stems, **how)


def _root(folder: str | os.PathLike[str] | None) -> Path:
    root = locate(ABOUT, folder)
    inner = [root / name for name in ABOUT.folders if (root / name).is_dir()]
    return inner[0] if inner else root


def _tracks(root: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in root.iterdir() if path.is_dir() and _PIECE.fullmatch(path.name))
    return folders_of(ABOUT, root, names, "folders named like 01-AchGottundHerr")


def _stem(piece: Path, source: str) -> Path:
    paths = [piece / f"{piece.name}-{spelt}.wav" for spelt in SPELLINGS.get(source, (source,))]
    # If none exists, the published spelling is the one that is reported as missing.
    return next((path for path in paths if path.is_file()), paths[0])
