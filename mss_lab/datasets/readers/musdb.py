"""MUSDB18 and MUSDB18-HQ: 150 pop songs, each as drums, bass, vocals and the rest.

Layout, checked against the program `musdb` of the data set's makers:

    musdb18hq/train/A Classic Education - NightOwl/mixture.wav, drums.wav, bass.wav, other.wav, vocals.wav
    musdb18/train/A Classic Education - NightOwl.stem.mp4     five streams: mixture, drums, bass, other, vocals
    the same under test/

44.1 kHz, stereo; there are no notes. The mixture is not read: in HQ it is the sum of the sources, up to rounding.
Reading .stem.mp4 requires the program ffmpeg; the HQ version requires nothing.

Contents: ABOUT, SPLITS, VALIDATION, tracks, read. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Unpack

from ... import checks
from ...refusals import MissingExtra, RefusedValue
from ..track import Track
from .shared import About, How, Stem, assemble, check_name, folders_of, locate

ABOUT = About(
    name="musdb",
    title="MUSDB18",
    holds="150 pop songs, 10 hours, as drums, bass, vocals and other",
    where="Zenodo (HQ: doi.org/10.5281/zenodo.3338373; compressed: doi.org/10.5281/zenodo.1117372)",
    licence="for academic use; most songs CC BY-NC-SA 4.0, see the list that comes with it",
    size="22.7 GB as HQ, 4.7 GB compressed",
    folders=("musdb18hq", "MUSDB18-HQ", "musdb18", "MUSDB18"),
    count=150,
    reference="Rafii, Liutkus, Stöter, Mimilakis and Bittner, MUSDB18, 2017 (doi.org/10.5281/zenodo.1117372)",
)

# The number of published songs in each; "valid" is the part of "train" that `musdb` holds out, and "fit" the other
# part.
SPLITS = {"train": 100, "test": 50, "fit": 86, "valid": 14}

VALIDATION = (
    "Actions - One Minute Smile",
    "Clara Berry And Wooldog - Waltz For My Victims",
    "Johnny Lokke - Promises & Lies",
    "Patrick Talbot - A Reason To Leave",
    "Triviul - Angelsaint",
    "Alexander Ross - Goodbye Bolero",
    "Fergessen - Nos Palpitants",
    "Leaf - Summerghost",
    "Skelpolu - Human Mistakes",
    "Young Griffo - Pennies",
    "ANiMAL - Rockshow",
    "James May - On The Line",
    "Meaxic - Take A Step",
    "Traffic Experiment - Sirens",
)

# The stream of each source in a .stem.mp4, counted from 0; stream 0 is the mixture.
STREAMS = {"drums": 1, "bass": 2, "other": 3, "vocals": 4}

_ENDING = ".stem.mp4"


def tracks(folder: str | os.PathLike[str] | None = None, split: str | None = None) -> tuple[str, ...]:
    """Names of the songs, artist and title.

    Parameters
    ----------
    folder : path or None
        Folder of the data set. None: searched in the folder that MSS_LAB_DATASETS names.
    split : {"train", "test", "fit", "valid"}, optional
        "train" and "test" as published: 100 and 50 songs. "valid" is the 14 songs of "train" that are usually held out
        in training, and "fit" the other 86. Default: all songs.

    Raises
    ------
    FileNotFoundError
        If there is no data set, or nothing in it.
    ValueError
        If there is no such split.
    """
    return tuple(sorted(_songs(locate(ABOUT, folder), split)))


def read(folder: str | os.PathLike[str] | None, name: str, **how: Unpack[How]) -> Track:
    """Read one song; there is no score.

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
        If the data set, the song or a file is missing or damaged.
    MissingExtra
        If the song is a .stem.mp4 and there is no ffmpeg.

    Reference: Rafii, Liutkus, Stöter, Mimilakis and Bittner, 2017.
    """
    songs = _songs(locate(ABOUT, folder), None)
    song = songs[check_name(ABOUT, name, tuple(songs))]
    if song.is_dir():
        return assemble(ABOUT, name, [Stem(source, song / f"{source}.wav") for source in STREAMS], **how)
    with tempfile.TemporaryDirectory(prefix="mss-lab-") as unpacked:
        stems = [Stem(source, _unpack(song, stream, Path(unpacked))) for source, stream in STREAMS.items()]
        return assemble(ABOUT, name, stems, **how)


def _songs(root: Path, split: str | None) -> dict[str, Path]:
    """Names of the songs of a split, and their folders or files."""
    parts: tuple[str, ...] = ("train", "test")
    if split is not None:
        checks.check_choice("split", split, tuple(SPLITS))
        parts = ("test",) if split == "test" else ("train",)
    songs = {}
    for path in sorted(path for part in parts for path in (root / part).glob("*")):
        name = path.name.removesuffix(_ENDING)
        is_song = any(path.glob("*.wav")) if path.is_dir() else path.name.endswith(_ENDING)
        held_out = name in VALIDATION
        if (
            is_song
            and not path.name.startswith(".")
            and (split not in ("fit", "valid") or held_out == (split == "valid"))
        ):
            songs[name] = path
    folders_of(ABOUT, root, tuple(songs), "in train/ and test/, as folders or as .stem.mp4")
    return songs


def _unpack(song: Path, stream: int, folder: Path) -> Path:
    """Write one stream of a .stem.mp4 as a WAV file."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise MissingExtra(
            f"{song.name} is read by the program ffmpeg, which is not installed; install it, or get MUSDB18-HQ, which "
            f"does not need it: {ABOUT.where}"
        )
    path = folder / f"{stream}.wav"
    command = [program, "-v", "error", "-nostdin", "-i", str(song), "-map", f"0:a:{stream}", "-c:a", "pcm_f32le"]
    process = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    if process.returncode or not path.is_file():
        messages = process.stderr.strip().splitlines()
        raise RefusedValue(
            f"{song} could not be unpacked ({messages[-1] if messages else 'ffmpeg messages nothing'}); get it again"
        )
    return path
