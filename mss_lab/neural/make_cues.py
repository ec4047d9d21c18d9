"""Make a store of cues, to train a refiner on.

    mss-lab data cues SONGS [SONGS ...] --out OUT --players J --items N

SONGS are stores of songs, as `mss-lab data training` makes them. A piece has J players. They come from one song or, if
that has too few, or with the probability `--different-songs`, from several. Their levels are drawn at random,
background noise is added to each, and their notes receive the errors of an alignment or a transcription. Then NMF
learns from the mixture and these notes, as it does for a recording: the longer the songs, the better it learns the
spectra of the instruments.

A piece depends only on the seed and its number, so a command that was stopped can be continued.

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

# Keeps these draws independent of other draws from the same seed.
STREAM = 0xC0E5
GRID = {"sample_rate_hz": 16_000, "window_samples": 4096, "hop_samples": 1024}
# Number of lowest bins that are stored: up to 4 kHz, where nearly all of the energy is.
BINS = 1024
# Standard deviation of the levels of players.
LEVEL_DB = 3.0
# Probability that a piece has the times of an automatic alignment instead of times that were set by hand.
COARSE = 0.25
# Probability that players come from different songs although one song has enough, and probability that an added player
# plays an instrument that is already in the piece: such players are the hardest to distinguish.
DIFFERENT_SONGS, SAME_INSTRUMENT = 0.15, 0.3
# Probability that notes of a player are transcribed an octave off or missing, and the largest share of such notes.
MISREAD, MISREAD_NOTES = 0.4, 0.1

Item = store.Item


@dataclasses.dataclass(frozen=True)
class Plan:
    """The settings from which all pieces follow.

    Attributes
    ----------
    songs : tuple of str
        Folders of stores.
    players : int
    seed : int
    different_songs : float in [0, 1]
        As for `make`.
    """

    songs: tuple[str, ...]
    players: int
    seed: int
    different_songs: float


def as_read(notes: np.ndarray, length_s: float, rng: np.random.Generator, *, coarse: bool) -> np.ndarray:
    """Add the errors of an aligned or transcribed score to notes.

    Parameters
    ----------
    notes : float (notes, 4)
        Player, pitch, onset and offset in seconds.
    length_s : float
        Length of the recording.
    rng : np.random.Generator
    coarse : bool
        True moves each note by up to 0.2 s, as an alignment does. False moves notes by some hundredths of a second, and
        adds errors of a transcription: some short notes are missing; some short notes are added before an onset, an
        octave, a fifth, a tone or a semitone away; and for some players up to a tenth of the notes are an octave off
        or missing.

    Returns
    -------
    float64 (notes, 4)
        In order of onset, all within the recording.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb. Reference: none, own method.
    """
    spread_s, late_s = rng.uniform(0.004, 0.028), rng.normal(0, 0.012)
    players = int(notes[:, 0].max(initial=-1)) + 1
    misread = np.where(rng.random(players) < MISREAD, rng.uniform(0, MISREAD_NOTES, players), 0.0)
    rows = []
    for player, midi, onset_s, offset_s in notes:
        if coarse:
            shift_s = rng.uniform(-0.2, 0.2)
            rows.append((player, midi, onset_s + shift_s, offset_s + shift_s))
            continue
        if rng.random() < 0.01 and offset_s - onset_s < 0.4:
            continue
        if rng.random() < misread[int(player)]:
            octave = rng.choice([-12, 0, 12])
            if not octave:
                continue
            midi += octave
        early_s = onset_s + rng.normal(0, spread_s) + late_s
        rows.append((player, midi, early_s, offset_s + rng.normal(0.02, 0.05)))
        if rng.random() < 0.008:
            wrong_midi = midi + rng.choice([-12, 12, -1, 1, 2, 7])
            rows.append((player, wrong_midi, early_s - 0.05, early_s + rng.uniform(0.0, 0.06)))
    sorted_notes = np.array(rows, np.float64).reshape(-1, 4)
    sorted_notes[:, 2] = np.clip(sorted_notes[:, 2], 0, max(0.0, length_s - 0.05))
    sorted_notes[:, 3] = np.clip(sorted_notes[:, 3], sorted_notes[:, 2] + 0.04, length_s)
    return sorted_notes[np.argsort(sorted_notes[:, 2], kind="stable")]


def piece(index: int, plan: Plan) -> Item:
    """Piece number `index` of a plan, the same in every call.

    Returns
    -------
    dict
        `audio` float16 (players, samples); `models` float16 (players, bins, frames), of the lowest bins; `notes`
        float64 (notes, 4), with the errors of `as_read`; `programs`, the General MIDI program of each player.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    rng = np.random.default_rng([STREAM, plan.seed, plan.players, index])
    audio, notes, programs = _combined_players(rng, plan)
    coarse = bool(rng.random() < COARSE)
    rate_hz = GRID["sample_rate_hz"]
    audio = background.with_background(audio, rate_hz, rng=rng)
    notes_with_errors = as_read(notes, audio.shape[1] / rate_hz, rng, coarse=coarse)
    names = tuple(f"player {number + 1}" for number in range(plan.players))
    score = Score(tuple(Note(names[int(player)], midi, on, off) for player, midi, on, off in notes_with_errors), names)
    mixture = audio.sum(axis=0, keepdims=True)
    learnt = refine.learnt_models(mixture, score, GRID, tolerance_s=0.2 if coarse else 0.05, tuning_hz=units.A4_HZ)
    models = refine.models_of_stretch(learnt, mixture, GRID, 0.0)[:, :BINS]
    return {
        "audio": audio.astype(np.float16),
        "models": models.astype(np.float16),
        "notes": notes_with_errors,
        "programs": programs,
    }


def make(
    songs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    players: int,
    items: int,
    seed: int = 0,
    different_songs: float = DIFFERENT_SONGS,
    jobs: int = 1,
    on_shard: Callable[[int, int], None] | None = None,
) -> store.Store:
    """Make a store of cues, or finish one that was started.

    Parameters
    ----------
    songs : sequence of path
        Stores of songs at the refiner's rate.
    out : path
    players : int >= 2
    items : int >= 1
    seed : int >= 0
    different_songs : float in [0, 1]
        Probability that the players come from different songs although one song has enough.
    jobs, on_shard
        As for `mss_lab.datasets.store.make`.

    Raises
    ------
    ValueError
        If a store has another rate, or none has songs; or as `store.make`.

    Lesson: notebooks/18_with_a_score_from_a_score.ipynb
    """
    players = checks.check_number("players", players, at_least=2, whole=True)
    checks.check_number("different_songs", different_songs, at_least=0, at_most=1)
    if not songs:
        raise RefusedValue("songs must name at least one store of songs, got none")
    stores = [store.open_store(folder) for folder in songs]
    for opened in stores:
        if opened.facts.get("kind") != "songs" or opened.facts["sample_rate_hz"] != GRID["sample_rate_hz"]:
            raise RefusedValue(
                f"{opened.folder} must be a store of songs at {GRID['sample_rate_hz']} Hz; make it with "
                "mss-lab data training"
            )
    plan = Plan(tuple(str(Path(folder).resolve()) for folder in songs), players, seed, different_songs)
    facts = {
        "kind": "cues",
        "grid": GRID,
        "bins": BINS,
        "players": players,
        "seed": seed,
        # Existing stores and cards use this name.
        "strangers": different_songs,
        "coarse": COARSE,
        "misread": [MISREAD, MISREAD_NOTES],
        "background": {
            "rumble": background.RUMBLE,
            "bumps": background.BUMPS,
            "hum": background.HUM,
            "hiss": background.HISS,
        },
        "songs": [{"items": len(opened), **opened.facts} for opened in stores],
    }
    recipe = functools.partial(piece, plan=plan)
    return store.make(out, recipe, items, facts=facts, shard_items=8, jobs=jobs, on_shard=on_shard)


def _combined_players(rng: np.random.Generator, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Combine players into a piece: float32 (players, samples), their notes, and their programs."""
    pool, programs_of_songs = _pool(plan.songs)
    first = int(rng.integers(len(pool)))
    from_several = rng.random() < plan.different_songs
    own = rng.permutation(list(programs_of_songs[first]))[: 1 + plan.players // 2 if from_several else plan.players]
    chosen = [(first, int(player)) for player in own]
    while len(chosen) < plan.players:
        others = [(song, player) for song in range(len(pool)) if song != first for player in programs_of_songs[song]]
        programs = {programs_of_songs[song][player] for song, player in chosen}
        same_program = [(song, player) for song, player in others if programs_of_songs[song][player] in programs]
        candidates = same_program if same_program and rng.random() < SAME_INSTRUMENT else others
        chosen.append(candidates[int(rng.integers(len(candidates)))])
    parts, notes = [], []
    for number, (song, player) in enumerate(chosen):
        item = pool[song]
        parts.append(item["audio"][player].astype(np.float32) * units.db_to_amplitude(rng.normal(0, LEVEL_DB)))
        player_notes = item["notes"][item["notes"][:, 0] == player].copy()
        player_notes[:, 0] = number
        notes.append(player_notes)
    samples = min(len(part) for part in parts)
    audio = np.stack([part[:samples] for part in parts]).astype(np.float32)
    all_notes = np.concatenate(notes)
    all_notes = all_notes[all_notes[:, 2] < samples / GRID["sample_rate_hz"]]
    peak = np.abs(audio.sum(axis=0)).max(initial=1e-9)
    return (
        audio * np.float32(0.9 / peak),
        all_notes,
        np.array([programs_of_songs[song][player] for song, player in chosen], np.uint8),
    )


@functools.lru_cache(maxsize=1)
def _pool(songs: tuple[str, ...]) -> tuple[list[Item], list[dict[int, int]]]:
    """All songs of all stores that have notes, and for each song the programs of the players that have notes."""
    pool = [opened[index] for opened in (store.open_store(folder) for folder in songs) for index in range(len(opened))]
    programs_of_songs = [
        {int(player): int(item["programs"][int(player)]) for player in np.unique(item["notes"][:, 0])} for item in pool
    ]
    with_notes = [index for index, programs in enumerate(programs_of_songs) if programs]
    return [pool[index] for index in with_notes], [programs_of_songs[index] for index in with_notes]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab data cues` to a parser."""
    add = parser.add_argument
    add("songs", nargs="+", metavar="SONGS", help="stores of songs")
    add("--out", required=True, metavar="OUT", help="folder for the pieces; one that was started is finished")
    add("--players", type=int, required=True, metavar="J", help="number of players in every piece")
    add("--items", type=int, required=True, metavar="N", help="number of pieces")
    add("--seed", type=int, default=0, metavar="S", help="seed of all random choices (default: %(default)s)")
    add("--different-songs", type=float, default=DIFFERENT_SONGS, metavar="P",
        help="probability that players come from different songs (default: %(default)g)")  # fmt: skip
    add("--jobs", type=int, default=1, metavar="K", help="processes; -1 for one per core (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Make the pieces, and print their number."""
    cue_store = make(
        options.songs, options.out, players=options.players, items=options.items, seed=options.seed,
        different_songs=options.different_songs, jobs=options.jobs,
    )  # fmt: skip
    print(f"{cue_store.folder}: {len(cue_store)} pieces for {cue_store.facts['players']} players")
    return 0
