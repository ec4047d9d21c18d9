"""Your own recordings as training data: any folder of stems with notes, or any tracks, become a store in one call.

    from mss_lab.datasets import training_store
    training_store.make("my_stems", "my_songs")

`my_stems` holds a folder for each piece, with an audio file for each source and, if there is one, a file of notes
(.csv, .mid or MusicXML) that names its parts as the audio files are named; or it is itself such a folder. What comes
out has two stores of songs, `train` and `valid`, as `mss_lab.neural.train` reads them. Whole pieces are held out for
validation; where there is one piece only, its end is.

`mss-lab data stems my_stems my_songs` is the same from the command line.

Contents: make, tracks_in, tracks_of, add_arguments, run.
Lessons: notebooks/15_data_is_the_model.ipynb, notebooks/16_learn_a_mask.ipynb
"""

import argparse
import dataclasses
import functools
import itertools
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import audio, checks
from ..refusals import RefusedValue
from ..score.notes import Note, Score
from . import store
from .track import AUDIO_ENDINGS, Track, read_track

NOTES_ENDINGS = (".csv", ".mid", ".midi", ".musicxml", ".mxl", ".xml")
# No mixture of a store goes beyond this.
HIGHEST_PEAK = 0.95

TrackSource = Track | Callable[[], Track]


@dataclasses.dataclass(frozen=True)
class Excerpt:
    """A section of a piece that becomes one item of a store."""

    piece: int
    start_s: float
    end_s: float


def make(
    pieces: str | os.PathLike[str] | Sequence[TrackSource],
    out: str | os.PathLike[str],
    *,
    sample_rate_hz: int = 16_000,
    sources: Sequence[str] | None = None,
    valid_share: float = 0.2,
    item_s: float = 60.0,
    seed: int = 0,
) -> tuple[store.Store, store.Store]:
    """Make a training and a validation store of songs.

    Parameters
    ----------
    pieces : path, or sequence of Track or of functions that read one
        A folder as the module describes it; or tracks, such as those that `mss_lab.datasets.readers` read. Functions
        are called when their piece is needed, so that not all pieces lie in memory at once.
    out : path
        Folder for the stores `train` and `valid`. Made again with the same pieces, what is there is kept.
    sample_rate_hz : int
        Of the songs; pieces at other rates are resampled.
    sources : sequence of str, optional
        Names and order of the sources. Left out, all pieces must have the same ones. A piece without one of them gives
        silence for it; sources of a piece that are not named are left out.
    valid_share : float in (0, 1)
        How many of the pieces are held out, at least one; of a single piece, how much of its end.
    item_s : float > 0, seconds
        Longer pieces are cut into items of this length.
    seed : int >= 0
        Chooses the pieces that are held out.

    Returns
    -------
    (Store, Store)
        For training and for validation; the channels of every stem are averaged.

    Raises
    ------
    FileNotFoundError
        If the folder holds no stems.
    ValueError
        If pieces have different sources and none are named, or `out` holds stores of other pieces.
    """
    checks.check_number("valid_share", valid_share, above=0, below=1)
    checks.check_number("item_s", item_s, above=0, unit="seconds")
    seed = checks.check_number("seed", seed, at_least=0, whole=True)
    rate_hz = checks.check_sample_rate(sample_rate_hz)
    tracks = tracks_in(pieces) if isinstance(pieces, str | os.PathLike) else list(pieces)
    if not tracks:
        raise RefusedValue("pieces must hold at least one track, got none; give tracks, or a folder of stems")
    described = [_description(_read(track)) for track in tracks]
    names = _sources([piece["sources"] for piece in described], sources)
    parts = _split(described, valid_share, item_s, seed)
    facts = {
        "kind": "songs",
        "what": "stems",
        "sources": names,
        "sample_rate_hz": rate_hz,
        "seed": seed,
        "valid_share": valid_share,
        "item_s": item_s,
    }
    stores = []
    for part, excerpts in parts.items():
        there = sorted({described[excerpt.piece]["name"] for excerpt in excerpts})
        others = sorted({piece["name"] for piece in described} - set(there))
        # A checksum distinguishes the same pieces from others with the same names.
        digests = {described[excerpt.piece]["name"]: described[excerpt.piece]["digest"] for excerpt in excerpts}
        recipe = functools.partial(_item, tracks=tracks, excerpts=excerpts, sources=names, sample_rate_hz=rate_hz)
        about = {**facts, "split": part, "pieces": there, "held_out": others, "digests": digests}
        stores.append(store.make(Path(out) / part, recipe, len(excerpts), facts=about, shard_items=1))
    return stores[0], stores[1]


def tracks_in(folder: str | os.PathLike[str]) -> list[TrackSource]:
    """The pieces of a folder of stems, each as a function that reads it: the folder itself, or its subfolders.

    Raises
    ------
    FileNotFoundError
        If neither holds audio.
    """
    folder = Path(folder)
    candidates = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())] if folder.is_dir() else []
    with_audio = [path for path in candidates if _has_audio(path)]
    if not with_audio:
        raise FileNotFoundError(
            f"{folder} must hold stems, or a folder of stems for each piece, got none; give one audio file "
            f"({', '.join(AUDIO_ENDINGS)}) for each source"
        )
    return [functools.partial(read_track, path, _notes_file(path)) for path in with_audio]


def tracks_of(songs: store.Store) -> list[Track]:
    """The items of a store of songs as tracks, so that any separator can be compared on them.

    Parameters
    ----------
    songs : Store
        As `make` or `mss-lab data training` makes it.

    Returns
    -------
    list of Track
        In the order of the items; mono, and named after their piece and number.
    """
    names = tuple(songs.facts["sources"])
    tracks = []
    for index in range(len(songs)):
        item = songs[index]
        sources = {name: item["audio"][i : i + 1].astype(np.float32) for i, name in enumerate(names)}
        notes = (Note(names[int(j)], float(midi), float(on), float(off)) for j, midi, on, off in item["notes"])
        title = f"{item['piece']}, item {index + 1}" if "piece" in item else f"item {index + 1}"
        tracks.append(Track(title, songs.facts["sample_rate_hz"], sources, Score(tuple(notes), names)))
    return tracks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab data stems` to a parser."""
    add = parser.add_argument
    add("stems", metavar="STEMS", help="folder with a folder of stems for each piece, or with the stems of one piece")
    add("out", metavar="OUT", type=Path, help="folder for the stores train and valid")
    add("--sample-rate", type=int, default=16_000, metavar="HZ", help="of the songs (default: %(default)s)")
    add("--sources", type=lambda text: tuple(text.split(",")), metavar="A,B", help="names and order of the sources")
    add("--valid-share", type=float, default=0.2, metavar="P", help="share that is held out (default: %(default)g)")
    add("--item-s", type=float, default=60.0, metavar="T", help="longest item in seconds (default: %(default)g)")
    add("--seed", type=int, default=0, metavar="S", help="chooses what is held out (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Make the stores, and print what each of them holds."""
    stores = make(
        options.stems,
        options.out,
        sample_rate_hz=options.sample_rate,
        sources=options.sources,
        valid_share=options.valid_share,
        item_s=options.item_s,
        seed=options.seed,
    )
    for one in stores:
        pieces = len(one.facts["pieces"])
        print(f"{one.folder}: {len(one)} items from {pieces} pieces, sources {', '.join(one.facts['sources'])}")
    return 0


def _has_audio(folder: Path) -> bool:
    return any(path.suffix.lower() in AUDIO_ENDINGS and not path.name.startswith(".") for path in folder.iterdir())


def _notes_file(folder: Path) -> str | None:
    files = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in NOTES_ENDINGS)
    files = [name for name in files if not name.startswith(".")]
    named = [name for name in files if Path(name).stem == "notes"]
    if len(named or files) > 1:
        raise RefusedValue(
            f"{folder} must hold one file of notes, got {', '.join(files)}; call the one that counts notes.csv or "
            "notes.mid"
        )
    return next(iter(named or files), None)


def _read(track: TrackSource) -> Track:
    return track if isinstance(track, Track) else track()


def _description(track: Track) -> dict[str, Any]:
    digest = 0
    for waveform in track.sources.values():
        digest = zlib.crc32(np.ascontiguousarray(waveform).tobytes(), digest)
    if track.score is not None:
        digest = zlib.crc32(repr(track.score.notes).encode(), digest)
    return {
        "name": track.name,
        "sources": tuple(track.sources),
        "duration_s": track.duration_s,
        "digest": f"{digest:08x}",
    }


def _sources(of_pieces: Sequence[tuple[str, ...]], chosen: Sequence[str] | None) -> tuple[str, ...]:
    if chosen is not None:
        names_of_pieces = {name for names in of_pieces for name in names}
        for name in chosen:
            checks.check_choice("sources", name, sorted(names_of_pieces))
        return tuple(chosen)
    kinds = {frozenset(names) for names in of_pieces}
    if len(kinds) > 1:
        listed = "; ".join(sorted(", ".join(sorted(names)) for names in kinds))
        raise RefusedValue(
            f"all pieces must have the same sources, got {listed}; name those to learn with sources=, or rename stems"
        )
    return of_pieces[0]


def _split(
    described: Sequence[dict[str, Any]], valid_share: float, item_s: float, seed: int
) -> dict[str, list[Excerpt]]:
    """The excerpts of training and validation; no piece is in both, unless there is one only."""
    count = len(described)
    if count == 1:
        end_s = described[0]["duration_s"]
        border_s = (1 - valid_share) * end_s
        return {
            "train": _excerpts(0, 0.0, border_s, item_s),
            "valid": _excerpts(0, border_s, end_s, item_s),
        }
    order = np.random.default_rng(seed).permutation(count)
    held_out = set(order[: max(1, round(valid_share * count))].tolist())
    parts: dict[str, list[Excerpt]] = {"train": [], "valid": []}
    for piece in range(count):
        part = parts["valid" if piece in held_out else "train"]
        part += _excerpts(piece, 0.0, described[piece]["duration_s"], item_s)
    if not parts["train"]:
        raise RefusedValue(f"valid_share must leave a piece to train on, got {valid_share:g} of {count} pieces")
    return parts


def _excerpts(piece: int, start_s: float, end_s: float, item_s: float) -> list[Excerpt]:
    borders_s = np.linspace(start_s, end_s, max(1, round((end_s - start_s) / item_s)) + 1)
    return [Excerpt(piece, float(a), float(b)) for a, b in itertools.pairwise(borders_s)]


def _item(
    index: int,
    *,
    tracks: Sequence[TrackSource],
    excerpts: Sequence[Excerpt],
    sources: Sequence[str],
    sample_rate_hz: int,
) -> store.Item:
    excerpt = excerpts[index]
    track = _read(tracks[excerpt.piece])
    first, last = (round(time_s * track.sample_rate_hz) for time_s in (excerpt.start_s, excerpt.end_s))
    silence = np.zeros(last - first, np.float32)
    stems = [
        track.sources[source][:, first:last].mean(axis=0) if source in track.sources else silence for source in sources
    ]
    waveforms = audio.resample(np.stack(stems).astype(np.float32), track.sample_rate_hz, sample_rate_hz)
    peak = max(np.abs(waveforms).max(initial=0.0), np.abs(waveforms.sum(axis=0)).max(initial=0.0))
    waveforms *= min(1.0, HIGHEST_PEAK / max(float(peak), 1e-9))
    return {
        "audio": waveforms.astype(np.float16),
        "notes": _notes(track, excerpt, sources),
        "piece": np.array(track.name),
    }


def _notes(track: Track, excerpt: Excerpt, sources: Sequence[str]) -> np.ndarray:
    """Notes of the excerpt, (notes, 4): index of the source, pitch, onset and offset in seconds from its start."""
    notes: Iterable[Any] = () if track.score is None else track.score.notes
    number = {source: index for index, source in enumerate(sources)}
    length_s = excerpt.end_s - excerpt.start_s
    rows = []
    for note in notes:
        onset_s, offset_s = (
            min(max(time_s - excerpt.start_s, 0.0), length_s) for time_s in (note.onset_s, note.offset_s)
        )
        if note.source in number and offset_s > onset_s:
            rows.append((number[note.source], note.midi, onset_s, offset_s))
    return np.array(rows, np.float64).reshape(-1, 4)
