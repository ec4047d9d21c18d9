"""SynthSOD: orchestral and ensemble music rendered from scores with a sampled orchestra, each section a file.

Layout, checked against the public programs of the data set's makers and of Tunturi et al.:

    SynthSOD/
        SynthSOD_data/<song>/Tree/Violin_1.flac ...             one folder for each microphone, one file a section
        SynthSOD_metadata_train.json, _evaluation.json, _test.json     {"songs": {"0": {"song_name": ..., ...}, ...}}
        score_data/<song>.txt                                   aligned scores, a download of their own

44.1 kHz, stereo. A row of a score is onset and offset in seconds, MIDI pitch and General MIDI program, under a heading.
Violins 1 and violins 2 have the same program, so each of them gets the notes of both, as in Tunturi et al.

Contents: ABOUT, SOURCES, SPLITS, tracks, read. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

from ... import checks
from ...refusals import RefusedValue
from ...score.annotations import read_program_rows
from ...score.instruments import name_of
from ...score.notes import Note
from ..track import Track
from .shared import About, How, Stem, assemble, check_name, folders_of, locate

ABOUT = About(
    name="synthsod",
    title="SynthSOD",
    holds="467 songs for ensembles and orchestra, 47 hours, 18 sections",
    where="Zenodo (doi.org/10.5281/zenodo.13759492; aligned scores: doi.org/10.5281/zenodo.14971533)",
    licence="CC BY-SA 4.0, its scores CC BY 4.0",
    size="45 GB, scores 16 MB, a sample 2 GB",
    folders=("SynthSOD",),
    count=467,
    reference="Garcia-Martinez et al., SynthSOD, 2024 (arXiv 2409.10995)",
)

# A file's name, the standard name, and the General MIDI program of its notes in the scores.
SOURCES: Mapping[str, tuple[str, int]] = {
    "Violin_1": ("violin", 40),
    "Violin_2": ("violin", 40),
    "Viola": ("viola", 41),
    "Cello": ("cello", 42),
    "Bass": ("double bass", 43),
    "Flute": ("flute", 73),
    "Piccolo": ("piccolo", 72),
    "Clarinet": ("clarinet", 71),
    "Oboe": ("oboe", 68),
    "coranglais": ("english horn", 69),
    "Bassoon": ("bassoon", 70),
    "Horn": ("horn", 60),
    "Trumpet": ("trumpet", 56),
    "Trombone": ("trombone", 57),
    "Tuba": ("tuba", 58),
    "Harp": ("harp", 46),
    "Timpani": ("timpani", 47),
    "untunedpercussion": ("percussion", 0),
}

# Related instruments that the published models treat as one.
RELATED = {"piccolo": "flute", "english horn": "oboe"}

SPLITS = ("train", "evaluation", "test")

# Possible folders of the aligned scores: the name in Tunturi et al., and those of their archive.
SCORE_FOLDERS = ("score_data", "SynthSOD_aligned_scores", "SynthSOD-aligned-scores")
DATA_FOLDERS = ("SynthSOD_data", "SynthSOD-data")


def tracks(folder: str | os.PathLike[str] | None = None, split: str | None = None) -> tuple[str, ...]:
    """Names of the songs.

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    split : {"train", "evaluation", "test"}, optional
        The split of its authors, read from the JSON files next to the songs. Missing songs are left out.

    Raises
    ------
    FileNotFoundError
        If there is no data set, nothing in it, or no list of the split.
    ValueError
        If there is no such split, or the list cannot be read.
    """
    root = locate(ABOUT, folder)
    names = _tracks(_data(root))
    if split is None:
        return names
    path = root / f"SynthSOD_metadata_{checks.check_choice('split', split, SPLITS)}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist, and says which songs are for {split}; get it from {ABOUT.where}"
        )
    try:
        names_of_split = {song["song_name"] for song in json.loads(path.read_text(encoding="utf-8"))["songs"].values()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedValue(f"{path} must list songs with their song_name, got {error!r}; get it again") from error
    return tuple(name for name in names if name in names_of_split)


def read(
    folder: str | os.PathLike[str] | None,
    name: str,
    *,
    microphone: str = "Tree",
    related: str = "apart",
    **how: Unpack[How],
) -> Track:
    """Read one song, with its score if it is among the aligned scores (about 85 of 100 songs).

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    name : str
        One of `tracks`.
    microphone : str
        The folder of the song that is read.
    related : {"apart", "merged"}
        "merged" treats the piccolo as a flute and the cor anglais as an oboe, like the published models; it requires
        `players="merged"`.
    players, mono, sample_rate_hz, start_s, length_s
        Passed to `mss_lab.datasets.readers.shared.assemble`.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If the data set, the song or a file is missing or damaged.

    Reference: Garcia-Martinez et al., arXiv 2409.10995; scores: Tunturi et al., arXiv 2503.07352.
    """
    root = locate(ABOUT, folder)
    data = _data(root)
    song = data / check_name(ABOUT, name, _tracks(data))
    if checks.check_choice("related", related, ("apart", "merged")) == "merged" and how.get("players") != "merged":
        raise RefusedValue('related="merged" needs players="merged", got players apart; merge both, or neither')
    if not (song / microphone).is_dir():
        microphones = sorted(path.name for path in song.iterdir() if path.is_dir())
        raise FileNotFoundError(
            f"{song / microphone} does not exist; choose a microphone among {', '.join(microphones)}"
        )
    notes = _notes(root, name)
    stems = []
    for spelt, (source, program) in SOURCES.items():
        path = song / microphone / f"{spelt}.flac"
        if path.is_file():
            label = RELATED.get(source, source) if related == "merged" else source
            stems.append(Stem(label, path, None if notes is None else notes.get(program, ())))
    if not stems:
        raise FileNotFoundError(f"{song / microphone} must hold files such as Violin_1.flac, got none; unpack it again")
    return assemble(ABOUT, name, stems, **how)


def _data(root: Path) -> Path:
    return next((root / name for name in DATA_FOLDERS if (root / name).is_dir()), root)


def _tracks(data: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in data.iterdir() if path.is_dir() and any(path.glob("*/*.flac")))
    return folders_of(ABOUT, data, names, "folders of songs with <microphone>/<section>.flac in them")


def _notes(root: Path, name: str) -> dict[int, tuple[Note, ...]] | None:
    """Notes of each General MIDI program; None if there is no score."""
    paths = [root / folder / f"{name}.txt" for folder in SCORE_FOLDERS]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return None
    score = read_program_rows(path)
    return {program: score.notes_of(name_of(program)) for _, program in SOURCES.values()}
