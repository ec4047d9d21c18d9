"""Make a set of songs to train or test on: `mss-lab data training WHAT OUT --items N --split SIDE`.

WHAT is `chorales`, played by violin, clarinet, tenor saxophone and bassoon as in Bach10; `bands`, songs that are made
up for piano, guitar, bass, drums, strings and a lead instrument; `pop`, the same songs as vocals, drums, bass and the
rest; `quartets` or `madrigals` of music21's corpus; or a folder of MIDI files. The last three are played by `--players`
instruments drawn anew for every song: those that reach the notes of their voice, or, with `--tree`, different leaves of
a tree of instruments, all equally often. A song is a few seconds of a performance. The side of the split decides which
pieces and which timbres are drawn from: see `mss_lab.datasets.splits`. What the real recordings play is on no side.

A song is drawn from the seed, the side and its number alone. So a run that was stopped goes on with the same command,
and more songs are added by a larger `--items`.

Contents: SIDES, UNSEEN_FONTS; Plan, song, make, add_arguments, run. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import argparse
import dataclasses
import functools
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import checks, hierarchy, shipped
from ..refusals import RefusedValue
from ..score.instruments import program_of
from ..score.notes import Score, select
from . import engines, pop, render, repertoire, rooms, songs, splits, store
from .make_templates import RANGES
from .timbres import Engine

SAMPLE_RATE_HZ = 16_000
SONG_S = 12.0

# Who sings which voice of a chorale, and with which General MIDI program.
QUARTET = {"soprano": "violin", "alto": "clarinet", "tenor": "tenor_sax", "bass": "bassoon"}
PROGRAMS = {"violin": 40, "clarinet": 71, "tenor_sax": 66, "bassoon": 70}

# General MIDI programs of a band's instruments, of which one is drawn for every song; drums have kits.
BAND = {
    "piano": (0, 1, 2, 3, 4, 5),
    "guitar": (24, 25, 26, 27, 28, 29),
    "bass": (32, 33, 34, 35, 36, 38),
    "drums": (0, 8, 16, 24, 25, 32),
    "strings": (48, 49, 50, 51),
    "lead": (56, 65, 66, 71, 73, 80, 81, 40),
}

# Songs that are made up, and their sources.
INVENTED = {"bands": tuple(BAND), "pop": tuple(pop.INSTRUMENTS)}

SIDES = ("train", "valid", "seen", "unseen")
# Pieces of each side; "seen" and "unseen" play the same ones.
SHARES = {"train": 0.8, "valid": 0.08, "test": 0.12}

# Not used in training. MuseScore's font was derived from FluidR3's, so neither of these two could be in this set
# while the other is used for training.
UNSEEN_FONTS = ("TimGM6mb",)

# Fraction of the stems with a synthetic instrument, in all splits except "unseen".
MADE_UP = 0.3
# How often all players sit in one room, instead of each where its timbre was drawn.
ONE_ROOM = 0.6
# No mixture goes beyond this.
HIGHEST_PEAK = 0.95


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that a song is drawn from.

    Attributes
    ----------
    works : tuple of Work
        Empty for songs that are made up.
    sources : tuple of str
        Names of the sources, in the order of `audio`.
    programs : tuple of int, or None
        What each of them plays; None draws it for every song.
    drawn_from : tuple of int
        The programs that are drawn for a song, each at most once; empty draws those that reach the notes of a voice.
    voices : tuple of str, or None
        Which voice each source plays; None draws as many as there are sources.
    fonts : tuple of str
        Paths of the soundfonts.
    made_up : float in [0, 1]
        Of how many stems the harmonic engine draws the instrument.
    seed, side : int
    song_s : float, seconds
    sample_rate_hz : int
    """

    works: tuple[repertoire.Work, ...]
    sources: tuple[str, ...]
    programs: tuple[int, ...] | None
    voices: tuple[str, ...] | None
    fonts: tuple[str, ...]
    made_up: float
    seed: int
    side: int
    song_s: float = SONG_S
    sample_rate_hz: int = SAMPLE_RATE_HZ
    drawn_from: tuple[int, ...] = ()

    @property
    def is_pop(self) -> bool:
        """Whether its sources are those of pop songs, which several instruments play."""
        return not self.works and self.sources == INVENTED["pop"]


def song(index: int, plan: Plan) -> store.Item:
    """Song number `index` of a plan, the same in every call.

    Every work is played once before any is played twice, in an order that is drawn. Made-up songs are all different.

    Returns
    -------
    dict
        `audio` float16 (sources, samples), `notes` float64 (notes, 4), `piece` and `timbres`, names, and `programs`.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    rng = np.random.default_rng([plan.seed, plan.side, index])
    if not plan.works:
        name, score, programs = _invented_song(index, plan, rng)
    else:
        work = _work(index, plan)
        name = work.name
        score, programs = _performed(work, plan, rng)
    stems, timbres = _played(score, programs, plan, rng)
    if plan.is_pop:
        stems, score = pop.joined(stems, score, plan.sample_rate_hz, rng)
        timbres, programs = pop.of_first(timbres), pop.of_first(programs)
    audio = np.stack([stems[source] for source in plan.sources])
    # What is added up must be what is said to be its parts: all of a song are turned down alike.
    peak = max(np.abs(audio).max(initial=0.0), np.abs(audio.sum(axis=0)).max(initial=0.0))
    audio *= min(1.0, HIGHEST_PEAK / max(peak, 1e-9))
    number = {source: i for i, source in enumerate(plan.sources)}
    notes = [(number[note.source], note.midi, note.onset_s, note.offset_s) for note in score.notes]
    return {
        "audio": audio.astype(np.float16),
        "notes": np.array(notes, np.float64).reshape(-1, 4),
        "piece": np.array(name),
        "timbres": np.array([timbres[source] for source in plan.sources]),
        "programs": np.array([programs[source] for source in plan.sources], np.uint8),
    }


def make(
    what: str,
    out: str | os.PathLike[str],
    *,
    items: int,
    split: str,
    seed: int = 0,
    players: int = 4,
    tree: str | None = None,
    jobs: int = 1,
    backend: str | None = None,
    song_s: float = SONG_S,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    made_up: float = MADE_UP,
    works: Sequence[repertoire.Work] | None = None,
    on_shard: Callable[[int, int], None] | None = None,
) -> store.Store:
    """Make one side of a training set.

    Parameters
    ----------
    what : str
        "chorales", "bands", "pop", "quartets", "madrigals", or a folder of MIDI files.
    out : path
        Folder of the store.
    items : int >= 1
    split : str
        One of SIDES.
    seed : int >= 0
    players : int >= 1
        Sources of a song, where they are not those of chorales, bands or pop songs.
    tree : str, optional
        Name of a tree of `mss_lab.hierarchy.TREES`, from whose leaves the players are drawn.
    jobs, backend, on_shard
        As for `mss_lab.datasets.store.make`.
    song_s : float > 0, seconds
    sample_rate_hz : int
    made_up : float in [0, 1]
        Of how many stems the harmonic engine draws the instrument; of none on the side "unseen", and of no drums.
    works : sequence of Work, optional
        What `what` would read, where it has been read already.

    Returns
    -------
    Store
        Its facts say from what it was made, and what was held out.

    Raises
    ------
    ModuleNotFoundError, ImportError, FileNotFoundError
        If music21, FluidSynth, soundfonts or MIDI files are missing; the message says what to install.
    ValueError
        If no piece is left for this side, or the folder holds another store.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    checks.check_choice("split", split, SIDES)
    checks.check_number("song_s", song_s, above=0, unit="seconds")
    checks.check_number("made_up", made_up, at_least=0, at_most=1)
    drawn_from = _programs_of(tree, what, players)
    is_quartet = what == "chorales"
    players = len(QUARTET) if is_quartet else checks.check_number("players", players, at_least=1, whole=True)
    sources = {"chorales": tuple(QUARTET.values()), **INVENTED}.get(
        what, tuple(f"player {i + 1}" for i in range(players))
    )
    kept: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    if what not in INVENTED:
        works = [work for work in (read(what) if works is None else works) if len(work.lines) >= players]
        kept, held_out = pieces_of(split, works)
        if not kept:
            raise RefusedValue(
                f"{what} must hold pieces for the side {split!r} with at least {players} voices, got none among "
                f"{len(works)}; give more pieces, or fewer players"
            )
    fonts = _fonts(split)
    plan = Plan(
        works=tuple(work for work in works or () if work.name in kept),
        sources=sources,
        programs=tuple(PROGRAMS.values()) if is_quartet else None,
        voices=tuple(QUARTET) if is_quartet else None,
        fonts=tuple(map(str, fonts)),
        made_up=0.0 if split == "unseen" else made_up,
        seed=checks.check_number("seed", seed, at_least=0, whole=True),
        side=SIDES.index(split),
        song_s=song_s,
        sample_rate_hz=checks.check_sample_rate(sample_rate_hz),
        drawn_from=drawn_from,
    )
    facts = {
        **_facts(plan, what, split),
        "soundfonts": {path.stem: shipped.sha256(path) for path in fonts},
        "unseen_soundfonts": UNSEEN_FONTS,
        "pieces": kept,
        "held_out": held_out,
    }
    recipe = functools.partial(song, plan=plan)
    return store.make(out, recipe, items, facts=facts, jobs=jobs, backend=backend, on_shard=on_shard)


def _facts(plan: Plan, what: str, split: str) -> dict[str, Any]:
    """What the store says of how it was made, without the files that it was made from."""
    return {
        "kind": "songs",
        # A folder is no fact: the same files may lie elsewhere.
        "what": what if what in ("chorales", *INVENTED, *repertoire.COLLECTIONS) else "MIDI files",
        "split": split,
        "seed": plan.seed,
        "sources": plan.sources,
        "programs": plan.programs,
        "sample_rate_hz": plan.sample_rate_hz,
        "song_s": plan.song_s,
        "engine": "soundfont" if not plan.made_up else "soundfont and harmonic",
        "made_up": plan.made_up,
        **({"drawn_from": plan.drawn_from} if plan.drawn_from else {}),
    }


def _programs_of(tree: str | None, what: str, players: int) -> tuple[int, ...]:
    """The General MIDI programs of the leaves of a tree; none without a tree."""
    if tree is None:
        return ()
    leaves = hierarchy.TREES[checks.check_choice("tree", tree, hierarchy.TREES)].leaves
    if what in ("chorales", *INVENTED):
        raise RefusedValue(f"{what} have players of their own, got the tree {tree}; leave the tree out")
    programs = []
    for leaf in leaves:
        try:
            programs.append(program_of(leaf))
        except ValueError as error:
            raise RefusedValue(f"tree must hold pitched instruments, got {leaf}; choose another tree") from error
    checks.check_number("players", players, at_least=1, at_most=len(programs), whole=True)
    return tuple(programs)


def read(what: str) -> tuple[repertoire.Work, ...]:
    """The works that a word, or a folder, stands for."""
    if what == "chorales":
        return repertoire.read_chorales()
    if what in repertoire.COLLECTIONS:
        return repertoire.read_corpus(what)
    return repertoire.read_midi_folder(what)


def pieces_of(split: str, works: Sequence[repertoire.Work]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the pieces of a side, families whole, and of those that are on no side.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    families = repertoire.families(works)
    held_out = repertoire.held_out(families)
    names = [work.name for work in works if work.name not in held_out]
    sides = splits.split(names, SHARES, groups=families)
    side = "test" if split in ("seen", "unseen") else split
    return sides[side], tuple(sorted(held_out & families.keys()))


def _fonts(split: str) -> list[Path]:
    # By the names of the files themselves, as in timbres: a link must not add an unseen font to the training set.
    paths = [path.resolve() for path in engines.find_soundfonts()]
    fonts = [path for path in paths if (path.stem in UNSEEN_FONTS) == (split == "unseen")]
    if not fonts:
        which = "among" if split == "unseen" else "other than"
        raise FileNotFoundError(
            f"the side {split!r} needs a soundfont {which} {', '.join(UNSEEN_FONTS)}, and there is none; "
            f"{render.HOW_TO_INSTALL}"
        )
    return fonts


def _work(index: int, plan: Plan) -> repertoire.Work:
    round_number, position = divmod(index, len(plan.works))
    order = np.random.default_rng([plan.seed, plan.side, 1 << 40, round_number]).permutation(len(plan.works))
    work: repertoire.Work = plan.works[order[position]]
    return work


def _invented_song(index: int, plan: Plan, rng: np.random.Generator) -> tuple[str, Score, dict[str, int]]:
    """A song for a band: its name, its notes, and what each source plays."""
    # "seen" and "unseen" play the same songs; the other sides have their own.
    side = "test" if SIDES[plan.side] in ("seen", "unseen") else SIDES[plan.side]
    written = np.random.default_rng([plan.seed, *side.encode(), index])
    score = songs.draw(written, length_s=plan.song_s, instruments=tuple(BAND) if plan.is_pop else plan.sources)
    programs = {source: int(rng.choice(BAND[source])) for source in score.sources}
    if plan.is_pop:
        score = pop.present(score, rng)
        programs |= dict.fromkeys(pop.INSTRUMENTS["vocals"], pop.VOICE_PROGRAM)
    return f"song {plan.seed} {side} {index}", score, programs


def _performed(work: repertoire.Work, plan: Plan, rng: np.random.Generator) -> tuple[Score, dict[str, int]]:
    """A stretch of a performance, from just before a note on, and what each source plays."""
    voices = plan.voices
    if voices is None:
        lines = list(work.lines)
        voices = tuple(lines[i] for i in sorted(rng.choice(len(lines), len(plan.sources), replace=False)))
    programs = plan.programs
    if programs is None and plan.drawn_from:
        # From the highest voice down, so that few notes must go by octaves.
        chosen = rng.choice(plan.drawn_from, len(voices), replace=False)
        programs = tuple(sorted((int(program) for program in chosen), key=_middle, reverse=True))
    elif programs is None:
        programs = tuple(_reaching(work.lines[voice], rng) for voice in voices)
    score = repertoire.perform(
        work,
        rng=rng,
        voices=dict(zip(voices, plan.sources, strict=True)),
        ranges={source: RANGES[program] for source, program in zip(plan.sources, programs, strict=True)},
    )
    latest_s = max(0.0, score.duration_s - plan.song_s)
    onsets_s = [note.onset_s for note in score.notes if note.onset_s <= latest_s] or [0.0]
    start_s = min(latest_s, max(0.0, onsets_s[rng.integers(len(onsets_s))] - rng.uniform(0.0, 0.4)))
    return repertoire.excerpt(score, start_s, plan.song_s), dict(zip(plan.sources, programs, strict=True))


def _middle(program: int) -> float:
    """The middle of an instrument's range, as a MIDI number."""
    lowest, highest = RANGES[program]
    return (lowest + highest) / 2


def _reaching(line: Sequence[Any], rng: np.random.Generator) -> int:
    """A program of an orchestra that reaches most notes of a line."""
    beyond = {
        program: sum(not RANGES[program][0] <= note.midi <= RANGES[program][1] for note in line)
        for program in engines.ORCHESTRAL_PROGRAMS
    }
    return int(rng.choice([program for program in beyond if beyond[program] == min(beyond.values())]))


def _played(
    score: Score, programs: Mapping[str, int], plan: Plan, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Every source by an engine and a timbre of its own: float32 (samples,), and the timbre's name."""
    samples = round(plan.song_s * plan.sample_rate_hz)
    room = rooms.draw(rng) if rng.random() < ONE_ROOM else None
    stems, timbres = {}, {}
    for source, program in programs.items():
        if plan.is_pop and source in pop.INSTRUMENTS["vocals"]:
            stems[source], timbres[source] = pop.with_singer(score, samples, plan.sample_rate_hz, room, rng)
            continue
        made_up = rng.random() < plan.made_up and source not in score.unpitched
        engine = _engine("harmonic" if made_up else "soundfont", plan.fonts)
        timbre = engine.draw_timbre(rng, program)
        played = engine.play(
            select(score, [source]), sample_rate_hz=plan.sample_rate_hz, rng=rng, timbres={source: timbre}, room=room
        )[source][0, :samples]
        stems[source] = np.pad(played, (0, samples - len(played)))
        timbres[source] = timbre.name
    return stems, timbres


@functools.lru_cache(maxsize=4)
def _engine(name: str, fonts: tuple[str, ...]) -> Engine:
    return engines.SoundfontEngine(fonts) if name == "soundfont" else engines.make(name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab data training` to a parser."""
    add = parser.add_argument
    add("what", metavar="WHAT", help="chorales, bands, pop, quartets, madrigals, or a folder of MIDI files")
    add("out", metavar="OUT", type=Path, help="folder to put the songs in; one that was begun is finished")
    add("--items", type=int, required=True, metavar="N", help="how many songs")
    add("--split", choices=SIDES, default="train", help="which side of the split (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="S", help="draws everything (default: %(default)s)")
    add("--seconds", type=float, default=SONG_S, metavar="T", help="length of a song (default: %(default)g)")
    add("--players", type=int, default=4, metavar="J",
        help="sources of a song of quartets, madrigals or MIDI files (default: %(default)s)")  # fmt: skip
    add("--tree", metavar="NAME", help="draw the players from the leaves of this tree of instruments, such as quartet")
    add("--made-up", type=float, default=MADE_UP, metavar="P",
        help="share of stems whose instrument the harmonic engine draws (default: %(default)g)")  # fmt: skip
    add("--jobs", type=int, default=1, metavar="K", help="processes; -1 for one a processor (default: %(default)s)")
    add("--backend", help="joblib's: loky, threading, dask or ray")


def run(options: argparse.Namespace) -> int:
    """Make the songs, and print how many there are and how long it took."""
    started_s = time.monotonic()
    with tqdm(unit="shard", desc="rendering", disable=None) as bar:

        def on_shard(done: int, shards: int) -> None:
            bar.total = shards
            bar.update(done - bar.n)

        songs_stored = make(
            options.what, options.out, items=options.items, split=options.split, seed=options.seed,
            players=options.players, tree=options.tree, jobs=options.jobs, backend=options.backend,
            song_s=options.seconds, made_up=options.made_up, on_shard=on_shard,
        )  # fmt: skip
    sys.stdout.write(
        f"{options.out}: {len(songs_stored)} songs of {options.seconds:g} s from "
        f"{len(songs_stored.facts['pieces'])} pieces, {time.monotonic() - started_s:.0f} s\n"
    )
    return 0
