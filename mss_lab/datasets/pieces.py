"""The pieces that ship: their names and folders, and how they are read and verified.

A piece is a folder with `piece.json`, `score.mid`, `LICENCE` and one FLAC file for each source. Stems are stored dry
and mono; a stereo piece gives the angle of each source, and the loader pans them. Reading needs no synthesiser.

Contents: Piece; names, load, verify. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import os
from pathlib import Path
from typing import Any

from .. import audio, signals
from ..refusals import RefusedValue
from ..score.midi import read_midi
from ..score.notes import Score
from ..shipped import data_folder, read_record
from .track import Track

RECORD = "piece.json"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Piece(Track):
    """One piece that ships: a track with its title, licence and credits.

    Attributes
    ----------
    name, sample_rate_hz, sources, score, mixture, duration_s
        As in `Track`; sources are stereo if the piece is panned, and the notes are the played ones.
    title, licence, credits : str
    pans_rad : dict of source name -> angle in radians, or None for a mono piece
        0 is left, pi/4 the centre, pi/2 right (see `signals.pan`).
    """

    score: Score
    title: str
    licence: str
    credits: str
    pans_rad: dict[str, float] | None = None


def names() -> tuple[str, ...]:
    """Names of the pieces that ship, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in (data_folder() / "lessons").glob(f"*/{RECORD}")))


def load(name_or_folder: str | os.PathLike[str]) -> Piece:
    """Read a piece, and verify its files with the checksums in its record.

    Parameters
    ----------
    name_or_folder : str or path
        A name from `names`, or the folder of another piece.

    Raises
    ------
    FileNotFoundError
        If there is no such piece, or a file of it is missing.
    ValueError
        If a file is damaged or the record cannot be read; the message names the file and the command that restores it.
    """
    folder = _folder(name_or_folder)
    record = verify(folder)
    pans_rad = record["pans_rad"]
    sources = {}
    for source in record["sources"]:
        stem, rate = audio.read_audio(folder / f"{source}.flac")
        if rate != record["sample_rate_hz"]:
            raise RefusedValue(f"{folder / source}.flac has {rate} Hz, its record says {record['sample_rate_hz']} Hz")
        sources[source] = signals.pan(stem, pans_rad[source]) if pans_rad else stem
    return Piece(
        name=record["name"],
        title=record["title"],
        sample_rate_hz=record["sample_rate_hz"],
        sources=sources,
        score=read_midi(folder / "score.mid"),
        licence=record["licence"],
        credits=record["credits"],
        pans_rad=pans_rad,
    )


def verify(name_or_folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Compare every file of a piece with the checksum in its record, and return the record.

    Raises
    ------
    FileNotFoundError, ValueError
        As for `load`.
    """
    return read_record(_folder(name_or_folder) / RECORD)


def _folder(name_or_folder: str | os.PathLike[str]) -> Path:
    if isinstance(name_or_folder, str) and Path(name_or_folder).name == name_or_folder:
        folder = data_folder() / "lessons" / name_or_folder
    else:
        folder = Path(name_or_folder)
    if not (folder / RECORD).is_file():
        raise FileNotFoundError(
            f"there is no piece {os.fspath(name_or_folder)!r} (no {folder / RECORD}); "
            f"choose one of {', '.join(names())}, or give the folder of a piece"
        )
    return folder
