"""CadenzaWoodwind: woodwind quartets rendered from scores, made for the second Cadenza challenge.

Layout, checked against the challenge's program, its description and a public program that reads it:

    CadenzaWoodwind/02-lamortdase-strings/Mix_1/Flute.flac, Clarinet.flac, Oboe.flac, Sax.flac, Bassoon.flac, mix_*.flac

Clarinet and alto saxophone play the same part: a quartet has one of them. In some copies the files are directly in the
piece's folder, or one folder deeper; a piece is named by its path. 44.1 kHz, stereo; there are no notes.

Contents: ABOUT, SOURCES, tracks, read. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import os
from pathlib import Path
from typing import Unpack

from ... import checks
from ..track import Track
from .ensembleset import rendered_stems
from .shared import About, How, assemble, check_name, folders_of, locate

ABOUT = About(
    name="cadenza",
    title="CadenzaWoodwind",
    holds="19 woodwind pieces, each as two quartets: with clarinet or with alto saxophone",
    where="Zenodo (zenodo.org/records/12664932) and cadenzachallenge.org",
    licence="Creative Commons; its makers name it in two ways, so see the record",
    size="see the record",
    folders=("CadenzaWoodwind",),
    count=19,
    reference="Miller, Cox and Roa Dabike, the second Cadenza challenge, 2024",
)

SOURCES = {"Flute": "flute", "Oboe": "oboe", "Clarinet": "clarinet", "Sax": "alto sax", "Bassoon": "bassoon"}

# The source that is left out for each choice, since two sources share a part.
QUARTETS = {"clarinet": "alto sax", "saxophone": "clarinet"}

MICROPHONE = "Mix_1"


def tracks(folder: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """Names of the pieces; FileNotFoundError if there is no data set, or nothing in it."""
    return _tracks(_root(folder))


def read(folder: str | os.PathLike[str] | None, name: str, *, quartet: str = "clarinet", **how: Unpack[How]) -> Track:
    """Read one piece; there is no score.

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    name : str
        One of `tracks`.
    quartet : {"clarinet", "saxophone"}
        Which of the two plays their common part; if only one of them exists, it plays.
    players, mono, sample_rate_hz, start_s, length_s
        Passed to `mss_lab.datasets.readers.shared.assemble`.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If the data set, the piece or a file is missing or damaged.

    Reference: Miller, Cox and Roa Dabike, 2024.
    """
    root = _root(folder)
    piece = root / check_name(ABOUT, name, _tracks(root))
    silent = QUARTETS[checks.check_choice("quartet", quartet, tuple(QUARTETS))]
    inner = piece / MICROPHONE
    stems = rendered_stems(inner if inner.is_dir() else piece, SOURCES)
    if set(QUARTETS.values()) <= {stem.source for stem in stems}:
        stems = [stem for stem in stems if stem.source != silent]
    return assemble(ABOUT, name, stems, **how)


def _root(folder: str | os.PathLike[str] | None) -> Path:
    root = locate(ABOUT, folder)
    inner = root / ABOUT.folders[0]
    return inner if inner.is_dir() else root


def _tracks(root: Path) -> tuple[str, ...]:
    holders = {path.parent for path in root.rglob("*.flac")}
    pieces = {holder.parent if holder.name == MICROPHONE else holder for holder in holders} - {root}
    names = sorted(piece.relative_to(root).as_posix() for piece in pieces)
    return folders_of(ABOUT, root, names, "folders of pieces with Mix_1/Flute.flac in them")
