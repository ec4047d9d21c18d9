"""Slakh2100-redux: 1710 pop songs rendered from MIDI with sampled instruments, every track a stem, with its notes.

Layout, checked against mirdata's loader and its test files, and lists of the archive:

    slakh2100_flac_redux/train/Track00001/        also validation/, test/, omitted/
        metadata.yaml                             what each stem is
        stems/S00.flac ...                        some are missing: they could not be rendered
        MIDI/S00.mid ...
        mix.flac, all_src.mid

44.1 kHz, mono. BabySlakh, its first 20 songs, has no splits, is at 16 kHz, and has .wav files. The mixture is not used;
the mixture of a track is the sum of its stems. A stem that ends early is padded with silence. `omitted` contains
duplicates of songs in the other splits; it is read only on request.

Contents: ABOUT, SPLITS, tracks, read. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import os
import re
from pathlib import Path
from typing import Unpack

from ... import checks
from ...refusals import RefusedValue
from ...score.instruments import name_of
from ...score.midi import read_midi
from ...score.notes import Note
from ..track import Track
from .shared import About, How, Stem, assemble, check_name, folders_of, locate

ABOUT = About(
    name="slakh",
    title="Slakh2100-redux",
    holds="1710 songs, 118 hours of mixtures, stems of 34 classes with MIDI",
    where="Zenodo (doi.org/10.5281/zenodo.4599666; BabySlakh, 20 songs: doi.org/10.5281/zenodo.4603870)",
    licence="CC BY 4.0",
    size="104 GB",
    folders=("slakh2100_flac_redux", "slakh2100", "slakh", "babyslakh_16k"),
    count=1710,
    reference="Manilow, Wichern, Seetharaman and Le Roux, WASPAA 2019",
)

# The number of published songs in each.
SPLITS = {"train": 1289, "validation": 270, "test": 151}

OMITTED = "omitted"

_SONG = re.compile(r"Track\d{5}")


def tracks(folder: str | os.PathLike[str] | None = None, split: str | None = None) -> tuple[str, ...]:
    """Names of the songs, such as "Track00001".

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    split : {"train", "validation", "test", "omitted"}, optional
        As published: 1289, 270 and 151 songs. Default: all three; BabySlakh has no splits, and is then read as a whole.

    Raises
    ------
    FileNotFoundError
        If there is no data set, no such split in it, or nothing in it.
    ValueError
        If there is no such split.
    """
    return tuple(sorted(_songs(locate(ABOUT, folder), split)))


def read(folder: str | os.PathLike[str] | None, name: str, *, names: str = "class", **how: Unpack[How]) -> Track:
    """Read one song.

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    name : str
        One of `tracks`, in any split.
    names : {"class", "program"}
        Name sources by their class ("piano", "guitar", "bass", "drums", "strings (continued)", ...), or by their
        General MIDI program ("bright acoustic piano", ...); drums are "drums" in both.
    players : {"apart", "merged"}
        "merged" makes each class, or program, one source.
    mono, sample_rate_hz, start_s, length_s
        Passed to `mss_lab.datasets.readers.shared.assemble`.

    Raises
    ------
    FileNotFoundError, ShapeError, ValueError
        If the data set, the song or a file is missing or damaged.

    Reference: Manilow, Wichern, Seetharaman and Le Roux, WASPAA 2019.
    """
    root = locate(ABOUT, folder)
    songs = _songs(root, None)
    if name not in songs and (root / OMITTED / name).is_dir():
        songs[name] = root / OMITTED / name
    song = songs[check_name(ABOUT, name, tuple(songs))]
    checks.check_choice("names", names, ("class", "program"))
    stems = []
    for label, facts in _stems(song / "metadata.yaml").items():
        paths = [song / "stems" / f"{label}{ending}" for ending in (".flac", ".wav")]
        path = next((path for path in paths if path.is_file()), None)
        if path is not None:
            stems.append(Stem(_source(facts, names, song), path, _notes(song / "MIDI" / f"{label}.mid")))
        elif facts.get("audio_rendered") == "true":
            raise FileNotFoundError(f"{paths[0]} does not exist, though {song.name} says it has it; unpack it again")
    if not stems:
        raise FileNotFoundError(f"{song / 'stems'} must hold files such as S00.flac, got none; unpack it again")
    return assemble(ABOUT, name, stems, stems_differ_s=float("inf"), **how)


def _songs(root: Path, split: str | None) -> dict[str, Path]:
    """Names of the songs of a split, and their folders."""
    if split is not None:
        checks.check_choice("split", split, (*SPLITS, OMITTED))
        if not (root / split).is_dir():
            raise FileNotFoundError(f"{root} must hold a folder {split}; BabySlakh has no splits, so leave it out")
    folders = [root / part for part in ([split] if split else SPLITS) if (root / part).is_dir()] or [root]
    songs = {
        path.name: path
        for split_folder in folders
        for path in sorted(split_folder.iterdir())
        if _SONG.fullmatch(path.name)
    }
    folders_of(ABOUT, root, tuple(songs), "as train/Track00001/")
    return songs


def _source(facts: dict[str, str], names: str, song: Path) -> str:
    if facts.get("is_drum") == "true":
        return "drums"
    try:
        return facts["inst_class"].lower() if names == "class" else name_of(int(facts["program_num"]))
    except (KeyError, ValueError) as error:
        raise RefusedValue(f"{song / 'metadata.yaml'} must say what each stem is, got {facts} ({error})") from error


def _notes(path: Path) -> tuple[Note, ...] | None:
    if not path.is_file():
        return None
    try:
        return read_midi(path).notes
    except ValueError as error:
        # Some stems, for example of effects, have a MIDI file without a note.
        if "holds no notes" in str(error):
            return ()
        raise


def _stems(path: Path) -> dict[str, dict[str, str]]:
    """The song's record of each stem: label -> {key: value as text}.

    The record is YAML of a fixed form: keys without indentation, under `stems:` one block for each stem with two
    spaces, and its keys with four. Only this form is read, so that no library is needed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, and says what the stems are; unpack the song again")
    stems: dict[str, dict[str, str]] = {}
    inside, label = False, ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        word, colon, value = line.strip().partition(":")
        indent = len(line) - len(line.lstrip())
        if not word or word.startswith("#"):
            continue
        if not colon or (inside and indent == 4 and not label):
            raise RefusedValue(f"line {number} of {path} must be `word: value`, got {line!r}; get the song again")
        if indent == 0:
            inside, label = word == "stems", ""
        elif inside and indent == 2:
            label, stems[word] = word, {}
        elif inside and indent == 4:
            stems[label][word] = value.strip().strip("'\"")
    if not stems:
        raise RefusedValue(f"{path} must list stems, got none; get the song again")
    return stems
