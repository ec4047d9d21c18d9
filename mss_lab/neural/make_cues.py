"""Make a store of cues, to train a refiner on.

    mss-lab data cues SONGS [SONGS ...] --out OUT --players J --items N

SONGS are stores of songs, as `mss-lab data training` makes them. A piece has so many players, of one
song or, where that has too few, or as often as `--strangers` says, of several. Their levels are drawn, their
microphones hear more than the instrument, and their notes are given errors such as a score has after it was aligned, or
after somebody wrote down what they heard. Then NMF learns from the mixture and these notes, as it will from a
recording: the longer the songs, the better it knows its instruments.

A piece is drawn from the seed and its number alone, so a run that was stopped goes on.

Contents: Plan, piece, as_read, make, add_arguments, run. Lesson: notebooks/18_with_a_score_from_a_score.ipynb
"""

import argparse
import dataclasses
import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .. import checks, units
from ..datasets import background, store
from ..refusals import RefusedValue
from ..score.notes import Note, Score
from . import refine

# Kept apart from all other draws of the same seed.
STREAM = 0xC0E5
GRID = {"sample_rate_hz": 16_000, "window_samples": 4096, "hop_samples": 1024}
# Bins that are kept: up to 4 kHz, where nearly all of the energy is.
BINS = 1024
# Levels of players differ by so much, a standard deviation.
LEVEL_DB = 3.0
# How often a piece has the times of an automatic alignment instead of those that somebody set by hand.
COARSE = 0.25
# How often the players of a piece come from different songs although one would do, and how often, where others are
# looked for, they must play an instrument that is there already: the hardest to tell apart.
STRANGERS, ALIKE = 0.15, 0.3
# How often a player's notes were written down by somebody who takes whole notes for their octaves or misses them, and
# how many notes at most.
MISREAD, MISREAD_NOTES = 0.4, 0.1

Item = store.Item


@dataclasses.dataclass(frozen=True)
class Plan:
    """All that a piece is drawn from.

    Attributes
    ----------
    songs : tuple of str
        Folders of stores.
    players : int
    seed : int
    strangers : float in [0, 1]
    """

    songs: tuple[str, ...]
    players: int
    seed: int
    strangers: float


def as_read(notes: np.ndarray, length_s: float, rng: np.random.Generator, *, coarse: bool) -> np.ndarray:
    """Notes with the errors of a score that was aligned or transcribed.

    Parameters
    ----------
    notes : float (notes, 4)
        Player, pitch, onset and offset in seconds.
    length_s : float
        Of the recording.
    rng : np.random.Generator
    coarse : bool
        Whether each note is moved by up to 0.2 s, as by an alignment, instead of some hundredths of a second. If not,
        the notes have also errors of a transcription. Some short notes are missing, and some are there that nobody
        played: beginnings of a note taken for an octave, a neighbour or a fifth. Of some players, up to a tenth of
        the notes are written an octave off, or not at all.

    Returns
    -------
    float64 (notes, 4)
        In order of onset, all within the recording.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Source: ours.
    """
    spread_s, late_s = rng.uniform(0.004, 0.028), rng.normal(0, 0.012)
    players = int(notes[:, 0].max(initial=-1)) + 1
    misread = np.where(rng.random(players) < MISREAD, rng.uniform(0, MISREAD_NOTES, players), 0.0)
    read = []
    for player, midi, onset_s, offset_s in notes:
        if coarse:
            moved_s = rng.uniform(-0.2, 0.2)
            read.append((player, midi, onset_s + moved_s, offset_s + moved_s))
            continue
        if rng.random() < 0.01 and offset_s - onset_s < 0.4:
            continue
        if rng.random() < misread[int(player)]:
            octave = rng.choice([-12, 0, 12])
            if not octave:
                continue
            midi += octave
        on_s = onset_s + rng.normal(0, spread_s) + late_s
        read.append((player, midi, on_s, offset_s + rng.normal(0.02, 0.05)))
        if rng.random() < 0.008:
            wrong = midi + rng.choice([-12, 12, -1, 1, 2, 7])
            read.append((player, wrong, on_s - 0.05, on_s + rng.uniform(0.0, 0.06)))
    found = np.array(read, np.float64).reshape(-1, 4)
    found[:, 2] = np.clip(found[:, 2], 0, max(0.0, length_s - 0.05))
    found[:, 3] = np.clip(found[:, 3], found[:, 2] + 0.04, length_s)
    return found[np.argsort(found[:, 2], kind="stable")]


def piece(index: int, plan: Plan) -> Item:
    """Piece number `index` of a plan, the same whenever it is asked for.

    Returns
    -------
    dict
        `audio` float16 (players, samples); `models` float16 (players, bins, frames), of the lowest bins; `notes`
        float64 (notes, 4), as read; `programs`.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    rng = np.random.default_rng([STREAM, plan.seed, plan.players, index])
    audio, notes, programs = _together(rng, plan)
    coarse = bool(rng.random() < COARSE)
    rate_hz = GRID["sample_rate_hz"]
    audio = background.with_background(audio, rate_hz, rng=rng)
    read = as_read(notes, audio.shape[1] / rate_hz, rng, coarse=coarse)
    names = tuple(f"player {number + 1}" for number in range(plan.players))
    score = Score(tuple(Note(names[int(player)], midi, on, off) for player, midi, on, off in read), names)
    mixture = audio.sum(axis=0, keepdims=True)
    learnt = refine.learnt_models(mixture, score, GRID, tolerance_s=0.2 if coarse else 0.05, tuning_hz=units.A4_HZ)
    models = refine.models_of_stretch(learnt, mixture, GRID, 0.0)[:, :BINS]
    return {
        "audio": audio.astype(np.float16),
        "models": models.astype(np.float16),
        "notes": read,
        "programs": programs,
    }


def make(
    songs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    players: int,
    items: int,
    seed: int = 0,
    strangers: float = STRANGERS,
    jobs: int = 1,
    on_shard: Callable[[int, int], None] | None = None,
) -> store.Store:
    """Make a store of cues, or finish one that was begun.

    Parameters
    ----------
    songs : sequence of path
        Stores of songs at the refiner's rate.
    out : path
    players : int >= 2
    items : int >= 1
    seed : int >= 0
    strangers : float in [0, 1]
        How often the players come from different songs although one has enough.
    jobs, on_shard
        As for `mss_lab.datasets.store.make`.

    Raises
    ------
    ValueError
        If a store has another rate, or none has songs; or as `store.make`.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    players = checks.check_number("players", players, at_least=2, whole=True)
    checks.check_number("strangers", strangers, at_least=0, at_most=1)
    if not songs:
        raise RefusedValue("songs must name at least one store of songs, got none")
    opened = [store.open_store(folder) for folder in songs]
    for one in opened:
        if one.facts.get("kind") != "songs" or one.facts["sample_rate_hz"] != GRID["sample_rate_hz"]:
            raise RefusedValue(
                f"{one.folder} must be a store of songs at {GRID['sample_rate_hz']} Hz; make it with "
                "mss-lab data training"
            )
    plan = Plan(tuple(str(Path(folder).resolve()) for folder in songs), players, seed, strangers)
    facts = {
        "kind": "cues",
        "grid": GRID,
        "bins": BINS,
        "players": players,
        "seed": seed,
        "strangers": strangers,
        "coarse": COARSE,
        "misread": [MISREAD, MISREAD_NOTES],
        "background": {
            "rumble": background.RUMBLE,
            "bumps": background.BUMPS,
            "hum": background.HUM,
            "hiss": background.HISS,
        },
        "songs": [{"items": len(one), **one.facts} for one in opened],
    }
    recipe = functools.partial(piece, plan=plan)
    return store.make(out, recipe, items, facts=facts, shard_items=8, jobs=jobs, on_shard=on_shard)


def _together(rng: np.random.Generator, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Players put together: float32 (players, samples), their notes, and what they play."""
    pool, cast = _pool(plan.songs)
    first = int(rng.integers(len(pool)))
    alone = rng.random() < plan.strangers
    here = rng.permutation(list(cast[first]))[: 1 + plan.players // 2 if alone else plan.players]
    chosen = [(first, int(player)) for player in here]
    while len(chosen) < plan.players:
        others = [(song, player) for song in range(len(pool)) if song != first for player in cast[song]]
        programs = {cast[song][player] for song, player in chosen}
        alike = [(song, player) for song, player in others if cast[song][player] in programs]
        choice = alike if alike and rng.random() < ALIKE else others
        chosen.append(choice[int(rng.integers(len(choice)))])
    parts, notes = [], []
    for number, (song, player) in enumerate(chosen):
        item = pool[song]
        parts.append(item["audio"][player].astype(np.float32) * units.db_to_amplitude(rng.normal(0, LEVEL_DB)))
        own = item["notes"][item["notes"][:, 0] == player].copy()
        own[:, 0] = number
        notes.append(own)
    samples = min(len(part) for part in parts)
    audio = np.stack([part[:samples] for part in parts]).astype(np.float32)
    found = np.concatenate(notes)
    found = found[found[:, 2] < samples / GRID["sample_rate_hz"]]
    peak = np.abs(audio.sum(axis=0)).max(initial=1e-9)
    return audio * np.float32(0.9 / peak), found, np.array([cast[song][player] for song, player in chosen], np.uint8)


@functools.lru_cache(maxsize=1)
def _pool(songs: tuple[str, ...]) -> tuple[list[Item], list[dict[int, int]]]:
    """All songs of all stores, and of each the players that have anything to play, with their programs."""
    pool = [one[index] for one in (store.open_store(folder) for folder in songs) for index in range(len(one))]
    casts = [
        {int(player): int(item["programs"][int(player)]) for player in np.unique(item["notes"][:, 0])} for item in pool
    ]
    some = [index for index, cast in enumerate(casts) if cast]
    return [pool[index] for index in some], [casts[index] for index in some]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab data cues` to a parser."""
    add = parser.add_argument
    add("songs", nargs="+", metavar="SONGS", help="stores of songs")
    add("--out", required=True, metavar="OUT", help="folder to put the pieces in; one that was begun is finished")
    add("--players", type=int, required=True, metavar="J", help="of every piece")
    add("--items", type=int, required=True, metavar="N", help="how many pieces")
    add("--seed", type=int, default=0, metavar="S", help="draws everything (default: %(default)s)")
    add("--strangers", type=float, default=STRANGERS, metavar="P",
        help="how often players come from different songs (default: %(default)g)")  # fmt: skip
    add("--jobs", type=int, default=1, metavar="K", help="processes; -1 for one a processor (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Make the pieces, and print how many there are."""
    made = make(
        options.songs, options.out, players=options.players, items=options.items, seed=options.seed,
        strangers=options.strangers, jobs=options.jobs,
    )  # fmt: skip
    print(f"{made.folder}: {len(made)} pieces for {made.facts['players']} players")
    return 0
