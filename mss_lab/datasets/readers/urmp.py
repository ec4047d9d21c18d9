"""URMP: 44 pieces for two to five players, recorded one by one at the University of Rochester, with their notes.

Layout, checked against public programs that read it:

    Dataset/01_Jupiter_vn_vc/
        AuSep_1_vn_01_Jupiter.wav, AuSep_2_vc_01_Jupiter.wav    each player alone
        AuMix_01_Jupiter_vn_vc.wav                              the mixture
        Notes_1_vn_01_Jupiter.txt                               onset in s, frequency in Hz, duration in s
        F0s_1_vn_01_Jupiter.txt, Sco_01_Jupiter_vn_vc.mid, .pdf, Vid_*.mp4
    Dataset/Supplementary_Files/

48 kHz, mono. The mixture is not used; the mixture of a track is the sum of the players. Files that end in `_cleaned`,
results of denoising by others, are not players; see `mss_lab.metrics.protocols.denoise`.

Contents: ABOUT, tracks, read. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import os
import re
from pathlib import Path
from typing import Unpack

from ...refusals import RefusedValue
from ...score.annotations import URMP_INSTRUMENTS, read_urmp_notes
from ..track import Track
from .shared import About, How, Stem, assemble, check_name, folders_of, locate

ABOUT = About(
    name="urmp",
    title="URMP",
    holds="44 duets, trios, quartets and quintets, 13 instruments",
    where="Dryad (doi.org/10.5061/dryad.ng3r749) or labsites.rochester.edu/air/projects/URMP.html",
    licence="CC0 1.0 at Dryad, cite the paper",
    size="12 GB, most of it video",
    folders=("URMP", "Dataset"),
    count=44,
    reference="Li, Liu, Dinesh, Duan and Sharma, IEEE Transactions on Multimedia 2019",
)

_PIECE = re.compile(r"(\d\d)_([^_]+)((?:_[a-z]+)+)")


def tracks(folder: str | os.PathLike[str] | None = None, *, as_in: str | None = None) -> tuple[str, ...]:
    """Names of the pieces, such as "01_Jupiter_vn_vc".

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    as_in : "tunturi", optional
        Only the pieces of Tunturi et al.'s evaluation: at least two instruments, and no saxophone.

    Raises
    ------
    FileNotFoundError
        If there is no data set, or nothing in it.
    ValueError
        If `as_in` is not the name of an evaluation.
    """
    names = _tracks(_root(folder))
    if as_in is None:
        return names
    if as_in != "tunturi":
        raise RefusedValue(f'as_in must be "tunturi" or None, got {as_in!r}; leave it out for all pieces')
    return tuple(name for name in names if len(set(_players(name))) > 1 and "sax" not in _players(name))


def read(
    folder: str | os.PathLike[str] | None,
    name: str,
    **how: Unpack[How],
) -> Track:
    """Read one piece; sources in the order of the players' numbers, notes with their fractions of a semitone.

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    name : str
        One of `tracks`.
    players, mono, sample_rate_hz, start_s, length_s
        Passed to `mss_lab.datasets.readers.shared.assemble`.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If the data set, the piece or a file is missing or damaged.

    Reference: Li, Liu, Dinesh, Duan and Sharma, IEEE Transactions on Multimedia 2019.
    """
    root = _root(folder)
    piece = root / check_name(ABOUT, name, _tracks(root))
    named = _PIECE.fullmatch(name)
    assert named is not None
    stems = []
    for number, short in enumerate(_players(name), start=1):
        if short not in URMP_INSTRUMENTS:
            raise RefusedValue(f"{piece} must name its players as {', '.join(URMP_INSTRUMENTS)} do, got {short!r}")
        ending = f"{number}_{short}_{named[1]}_{named[2]}"
        score = read_urmp_notes(piece / f"Notes_{ending}.txt")
        stems.append(Stem(URMP_INSTRUMENTS[short], piece / f"AuSep_{ending}.wav", score.notes))
    return assemble(ABOUT, name, stems, **how)


def _root(folder: str | os.PathLike[str] | None) -> Path:
    root = locate(ABOUT, folder)
    return root / "Dataset" if (root / "Dataset").is_dir() else root


def _tracks(root: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in root.iterdir() if path.is_dir() and _PIECE.fullmatch(path.name))
    return folders_of(ABOUT, root, names, "folders named like 01_Jupiter_vn_vc")


def _players(name: str) -> list[str]:
    named = _PIECE.fullmatch(name)
    assert named is not None
    return named[3].strip("_").split("_")
