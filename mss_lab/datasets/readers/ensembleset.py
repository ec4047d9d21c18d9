"""EnsembleSet: 80 chamber pieces rendered from scores with a sampled orchestra, by many microphones at once.

Layout, checked against public programs that read it:

    BBCSO_Ensembles/<piece>/Mix_1/Violin_1.flac, Violin_2.flac, Viola.flac, Cello.flac, mix_<piece>.flac
    BBCSO_Ensembles/<piece>/Close/..., Tree/..., and others: one folder for each microphone or mix of them

44.1 kHz, stereo. The files `mix...` are not used; the mixture of a track is the sum of its stems. Notes are not read
either, because their format could not be verified.

Contents: ABOUT, SOURCES, tracks, read, rendered_stems. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

from ...refusals import RefusedValue
from ..track import Track
from .shared import About, How, Stem, assemble, check_name, folders_of, locate

ABOUT = About(
    name="ensembleset",
    title="EnsembleSet",
    holds="80 chamber pieces, 6 hours, 11 instruments, about 20 microphones and mixes",
    where="Zenodo (doi.org/10.5281/zenodo.6519024)",
    licence="CC BY-NC 4.0",
    size="58 GB; the mix Mix_1 alone comes with the Cadenza challenge",
    folders=("EnsembleSet", "BBCSO_Ensembles", "BBCSO_EnsembleSet", "EnsembleSet_Mix_1"),
    count=80,
    reference="Sarkar, Benetos and Sandler, ISMIR 2022",
)

# A file's name without its number, and the standard name.
SOURCES = {
    "Violin": "violin",
    "Viola": "viola",
    "Cello": "cello",
    "Bass": "double bass",
    "Flute": "flute",
    "Clarinet": "clarinet",
    "Oboe": "oboe",
    "Bassoon": "bassoon",
    "Horn": "horn",
    "Trumpet": "trumpet",
    "Timpani": "timpani",
}

_STEM = re.compile(r"([A-Za-z]+?)_?(\d*)\.flac")


def tracks(folder: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """Names of the pieces; FileNotFoundError if there is no data set, or nothing in it."""
    return _tracks(_root(folder))


def read(folder: str | os.PathLike[str] | None, name: str, *, microphone: str = "Mix_1", **how: Unpack[How]) -> Track:
    """Read one piece as recorded by one of the microphones; there is no score.

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    name : str
        One of `tracks`.
    microphone : str
        The folder of the piece that is read.
    players, mono, sample_rate_hz, start_s, length_s
        Passed to `mss_lab.datasets.readers.shared.assemble`.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If the data set, the piece or a file is missing or damaged.

    Reference: Sarkar, Benetos and Sandler, ISMIR 2022.
    """
    root = _root(folder)
    piece = root / check_name(ABOUT, name, _tracks(root))
    if not (piece / microphone).is_dir():
        microphones = sorted(path.name for path in piece.iterdir() if path.is_dir())
        raise FileNotFoundError(
            f"{piece / microphone} does not exist; choose a microphone among {', '.join(microphones)}"
        )
    return assemble(ABOUT, name, rendered_stems(piece / microphone, SOURCES), **how)


def rendered_stems(folder: Path, sources: Mapping[str, str]) -> list[Stem]:
    """Stems named like Violin_2.flac, in the order of `sources` and of their numbers; files called `mix` are left out.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If the name of a file is not that of an instrument.
    """
    files = []
    for path in folder.glob("*.flac"):
        if path.name.lower().startswith("mix") or path.name.startswith("."):
            continue
        named = _STEM.fullmatch(path.name)
        if not named or named[1] not in sources:
            raise RefusedValue(f"{path} must be named after one of {', '.join(sources)}, got {path.name}")
        files.append((list(sources).index(named[1]), int(named[2] or 0), named[1], path))
    if not files:
        raise FileNotFoundError(
            f"{folder} must hold files such as {next(iter(sources))}.flac, got none; unpack it again"
        )
    return [Stem(sources[spelt], path) for _, _, spelt, path in sorted(files)]


def _root(folder: str | os.PathLike[str] | None) -> Path:
    root = locate(ABOUT, folder)
    inner = [root / name for name in ABOUT.folders[1:] if (root / name).is_dir()]
    return inner[0] if inner else root


def _tracks(root: Path) -> tuple[str, ...]:
    names = sorted({path.parent.parent.name for path in root.glob("*/*/*.flac")})
    return folders_of(ABOUT, root, names, "folders with <microphone>/<instrument>.flac in them")
