"""Make the pieces of data/lessons again: `mss-lab data lessons [PIECE ...] [--out DIR]`.

Every piece is a recipe: written lines, a tempo, instruments, a seed. The command performs and renders it, and replaces
its folder as a whole. All random numbers come from the seed, so the same versions of FluidSynth and of the soundfont
give the same samples.

Contents: Recipe, RECIPES, make, write, add_arguments, run. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import soundfile
from tqdm import tqdm

from .. import audio, checks, files, loudness, shipped, signals
from ..refusals import RefusedValue
from ..score.midi import write_midi
from ..score.notes import Score, select
from . import performance, pieces, render, voice
from .scores import band, chorales, notation, song

SAMPLE_RATE_HZ = 44_100
LOUDNESS_LUFS = -27.0
TAIL_S = 1.0
LARGEST_PEAK = 0.9

# General MIDI programs, counted from 0.
CHORALE_PROGRAMS = {"violin": 40, "clarinet": 71, "saxophone": 66, "bassoon": 70}
BAND_PROGRAMS = {"drums": 0, "bass": 32, "electric_piano": 4, "lead": 73}
SONG_PROGRAMS = {"guitar": 24, "bass": 32}

# Drums and bass are 7 degrees apart, electric piano and lead 55.
BAND_PANS_DEGREES = {"drums": 45, "bass": 52, "electric_piano": 20, "lead": 75}

# Two bars of this tempo are a whole number of MIDI ticks and of the synthesiser's blocks at 44.1 kHz (8192 and 2940),
# so that the loop is repeated exactly.
BAND_TEMPO_BPM = 112.5
BAND_LOOP_S = 8 * 60 / BAND_TEMPO_BPM
BAND_ROUNDS = 5
# A sixteenth of silence first, as any recording has.
BAND_LEAD_IN_S = 60 / BAND_TEMPO_BPM / 4

CC0 = "CC0-1.0"
SOUNDFONT_CREDIT = "Sounds: FluidR3 GM soundfont by Frank Wen and contributors (MIT licence), through FluidSynth."


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a piece is made.

    Attributes
    ----------
    title, credits : str
    programs : dict of source name -> General MIDI program
        A source without a program is made by `extra`.
    play : function of a generator -> Score
        The notes as played; its sources are those of the piece, in order.
    seed : int
    pans_rad : dict of source name -> angle in radians, or None
    extra : function of (score, samples, sample_rate_hz, generator), or None
        Makes the other sources: dict of source name -> float (1, samples).
    tail_s : float, seconds
        Audio after the last note.
    facts : dict
        Other facts about the piece, for its record.
    """

    title: str
    credits: str
    programs: dict[str, int]
    play: Callable[[np.random.Generator], Score]
    seed: int
    pans_rad: dict[str, float] | None = None
    extra: Callable[[Score, int, int, np.random.Generator], dict[str, np.ndarray]] | None = None
    tail_s: float = TAIL_S
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def make(name: str) -> tuple[Score, dict[str, np.ndarray]]:
    """Play and render one piece.

    Parameters
    ----------
    name : str
        A key of RECIPES.

    Returns
    -------
    score : Score
        The notes as played.
    stems : dict of source name -> float32 (1, samples)
        Dry and mono, every one at -27 LUFS.

    Raises
    ------
    ValueError
        If there is no such recipe, or the mixture would exceed a peak of 0.9.
    ImportError, FileNotFoundError
        If FluidSynth or its soundfont is missing.
    """
    recipe = RECIPES[checks.check_choice("piece", name, RECIPES)]
    rng = np.random.default_rng(recipe.seed)
    score = recipe.play(rng)
    # The length of the piece is that of all its sources, including those that are not rendered here.
    tail_s = recipe.tail_s + score.duration_s - select(score, recipe.programs).duration_s
    stems = render.render(
        select(score, recipe.programs),
        recipe.programs,
        sample_rate_hz=SAMPLE_RATE_HZ,
        loudness=LOUDNESS_LUFS,
        tail_s=tail_s,
    )
    if recipe.extra is not None:
        samples = next(iter(stems.values())).shape[1]
        for source, waveform in recipe.extra(score, samples, SAMPLE_RATE_HZ, rng).items():
            stems[source] = loudness.at_loudness(waveform, SAMPLE_RATE_HZ, LOUDNESS_LUFS).astype(np.float32)
    stems = {source: stems[source] for source in score.sources}
    peak = np.abs(signals.mix(_panned(stems, recipe.pans_rad))).max()
    if peak > LARGEST_PEAK:
        raise RefusedValue(f"the mixture of {name} has a peak of {peak:.2f}, above {LARGEST_PEAK}; lower LOUDNESS_LUFS")
    return score, stems


def write(name: str, out: Path) -> dict[str, Any]:
    """Make one piece and put its folder under `out`, completely or not at all; returns its record."""
    recipe = RECIPES[checks.check_choice("piece", name, RECIPES)]
    score, stems = make(name)
    with files.whole_folder(out / name, force=True) as folder:
        for source, waveform in stems.items():
            # FLAC keeps all of its 16 bits, and the strongest compression costs no time when reading.
            soundfile.write(
                folder / f"{source}.flac", waveform.T, SAMPLE_RATE_HZ, subtype="PCM_16", compression_level=1.0
            )
        write_midi(folder / "score.mid", score, programs=recipe.programs)
        (folder / "LICENCE").write_text(_licence(recipe), encoding="utf-8")
        record = {
            "name": name,
            "title": recipe.title,
            "credits": recipe.credits,
            "licence": CC0,
            "sources": list(score.sources),
            "sample_rate_hz": SAMPLE_RATE_HZ,
            "pans_rad": recipe.pans_rad,
            "programs": recipe.programs,
            "loudness_lufs": LOUDNESS_LUFS,
            "seed": recipe.seed,
            "facts": recipe.facts,
            "versions": {**render.versions(), "numpy": np.__version__, "scipy": scipy.__version__},
            "made_by": f"mss-lab data lessons {name}",
            "sha256": {path.name: shipped.sha256(path) for path in sorted(folder.iterdir())},
        }
        (folder / pieces.RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab data lessons` to a parser."""
    parser.add_argument("piece", nargs="*", metavar="PIECE", help=f"which: {', '.join(RECIPES)}; all if none is named")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to put them in (default: data/lessons)")


def run(options: argparse.Namespace) -> int:
    """Make the pieces, and print a table of them."""
    for name in options.piece:
        if name not in RECIPES:
            raise RefusedValue(f"there is no piece {name!r}; choose from {', '.join(RECIPES)}")
    out = options.out or shipped.data_folder() / "lessons"
    chosen = options.piece or list(RECIPES)
    for name in tqdm(chosen, unit="piece", desc="rendering"):
        write(name, out)
    sys.stdout.write(_table([out / name for name in chosen]))
    return 0


def _table(folders: list[Path]) -> str:
    lines = [f"{'piece':<12}{'source':<16}{'notes':>6}{'seconds':>9}{'peak':>7}{'LUFS':>8}{'MB':>7}"]
    total = 0
    for folder in folders:
        piece = pieces.load(folder)
        for source in piece.sources:
            path = folder / f"{source}.flac"
            stem, rate = audio.read_audio(path)
            lines.append(
                f"{piece.name:<12}{source:<16}{len(piece.score.notes_of(source)):>6}{stem.shape[1] / rate:>9.2f}"
                f"{np.abs(stem).max():>7.2f}{loudness.loudness_lufs(stem, rate):>8.2f}{path.stat().st_size / 1e6:>7.2f}"
            )
        size = sum(path.stat().st_size for path in folder.iterdir())
        total += size
        seconds = piece.mixture.shape[1] / piece.sample_rate_hz
        peak = np.abs(piece.mixture).max()
        count = len(piece.score.notes)
        lines.append(f"{piece.name:<12}{'mixture':<16}{count:>6}{seconds:>9.2f}{peak:>7.2f}{'':>8}{size / 1e6:>7.2f}")
    return "\n".join([*lines, f"{'all':<58}{total / 1e6:>7.2f}", ""])


def _panned(stems: dict[str, np.ndarray], pans_rad: dict[str, float] | None) -> dict[str, np.ndarray]:
    return {source: signals.pan(stem, pans_rad[source]) for source, stem in stems.items()} if pans_rad else stems


def _play_chorale(lines: dict[str, str], tempo_bpm: float) -> Callable[[np.random.Generator], Score]:
    return lambda rng: performance.perform(notation.read_voices(lines), tempo_bpm, rng=rng)


def _play_band(rng: np.random.Generator) -> Score:
    tempo = BAND_TEMPO_BPM

    def strictly(lines: dict[str, str], velocity: int) -> Score:
        written = _merge(notation.read_voices(lines))
        return performance.perform(
            written, tempo, rng=rng, velocity=velocity, hold_beats=0.0, breath_s=0.0, slowing=0.0, lead_in_s=0.0
        )

    loop = strictly(band.LOOP, 80)
    drums = performance.drum_grid(band.DRUMS, band.DRUM_PITCHES, tempo, rng=rng)
    lead = strictly({"lead": band.LEAD}, 84)
    last = strictly(band.LAST_CHORD, 80)
    last_drums = performance.drum_grid(band.LAST_DRUMS, band.DRUM_PITCHES, tempo, rng=rng)
    rounds = [BAND_LEAD_IN_S + number * BAND_LOOP_S for number in range(BAND_ROUNDS)]
    end_s = BAND_LEAD_IN_S + BAND_ROUNDS * BAND_LOOP_S
    parts = [(start_s, part) for start_s in rounds for part in (loop, drums)]
    parts += [(rounds[1], lead), (end_s, last), (end_s, last_drums)]
    return performance.join(parts, tuple(BAND_PROGRAMS))


def _merge(lines: dict[str, tuple[notation.Written, ...]]) -> dict[str, list[notation.Written]]:
    """Join lines named "electric_piano 1", "electric_piano 2", which are fingers of one player."""
    merged: dict[str, list[notation.Written]] = {}
    for name, line in lines.items():
        merged.setdefault(name.split()[0], []).extend(line)
    return merged


def _play_song(rng: np.random.Generator) -> Score:
    lines = dict(notation.read_voices(song.LINES))
    lines["guitar"] = performance.let_ring(lines["guitar"], bar_beats=3)
    return performance.perform(lines, 96, rng=rng)


def _sing(score: Score, samples: int, sample_rate_hz: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"voice": voice.sing(score.notes_of("voice"), song.VOWELS, samples, sample_rate_hz, rng=rng)}


def _licence(recipe: Recipe) -> str:
    return f"""{recipe.title}

{recipe.credits}

The audio and the MIDI file in this folder are dedicated to the public domain under CC0 1.0 Universal:
https://creativecommons.org/publicdomain/zero/1.0/

To the extent possible under law, the mss_lab authors have waived all copyright and related or neighbouring rights to
these files. You may copy, change and perform them, also for money, without asking. They come without any warranty.

The audio was rendered with the soundfont FluidR3 GM, Copyright (c) 2000-2002, 2008 Frank Wen, Copyright (c) 2008
Toby Smithe, released under the MIT licence. The soundfont itself is not part of these files.
"""


RECIPES = {
    "chorale_a": Recipe(
        title="Johann Sebastian Bach: Uns ist ein Kindlein heut geborn, BWV 414",
        credits=f"Music: J. S. Bach (1685-1750), public domain. {SOUNDFONT_CREDIT}",
        programs=CHORALE_PROGRAMS,
        play=_play_chorale(chorales.KINDLEIN, 88),
        seed=414,
    ),
    "chorale_b": Recipe(
        title="Johann Sebastian Bach: Ach wie flüchtig, ach wie nichtig, BWV 26/6",
        credits=f"Music: J. S. Bach (1685-1750), public domain. {SOUNDFONT_CREDIT}",
        programs=CHORALE_PROGRAMS,
        play=_play_chorale(chorales.FLUECHTIG, 88),
        seed=266,
    ),
    "band": Recipe(
        title="Five rounds",
        credits=f"Music: the mss_lab authors, CC0. {SOUNDFONT_CREDIT}",
        programs=BAND_PROGRAMS,
        play=_play_band,
        seed=5,
        pans_rad={source: float(np.deg2rad(angle)) for source, angle in BAND_PANS_DEGREES.items()},
        tail_s=1.5,
        facts={
            "loop": {
                "start_s": BAND_LEAD_IN_S,
                "period_s": BAND_LOOP_S,
                "rounds": BAND_ROUNDS,
                "sources": ["drums", "bass", "electric_piano"],
            }
        },
    ),
    "song": Recipe(
        title="Song without words",
        credits=f"Music and voice synthesis: the mss_lab authors, CC0. {SOUNDFONT_CREDIT}",
        programs=SONG_PROGRAMS,
        play=_play_song,
        seed=7,
        extra=_sing,
        facts={"vowels": list(song.VOWELS), "vibrato_hz": voice.VIBRATO_HZ, "vibrato_cents": voice.VIBRATO_CENTS},
    ),
}
