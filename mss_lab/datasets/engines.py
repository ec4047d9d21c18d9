"""Two ways to render a score, with one interface: `mss_lab.datasets.timbres.Engine`.

An engine draws a timbre (an instrument, its player and the room it stands in) and plays scores with it. The
soundfont engine plays recordings of instruments through FluidSynth; its timbres are few, and a network learns them by
heart. The harmonic engine of `mss_lab.datasets.harmonic` makes every timbre up, so that no two are alike.

Contents: make, SoundfontEngine, find_soundfonts.
Lesson: notebooks/15_data_is_the_model.ipynb
"""

import dataclasses
import importlib.util
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..score.notes import Note, Score
from . import rooms
from .harmonic import HarmonicEngine
from .timbres import Engine, Timbre, plain, timbres_of

# Folders and file names of soundfonts other than FluidR3, which `render.find_soundfont` returns.
OTHER_SOUNDFONTS = ("MuseScore_General.sf3", "MuseScore_General_Lite.sf3", "MuseScore_General.sf2")
OTHER_FOLDERS = ("/usr/share/sounds/sf3", "/usr/share/soundfonts", "/usr/local/share/soundfonts")

# The instruments of orchestras and chamber groups: strings, brass, saxophones and reeds, flutes.
ORCHESTRAL_PROGRAMS = (40, 41, 42, 43, 56, 57, 58, 60, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74)

# A stem whose notes have this velocity on average is as loud as `render` makes it by default; each step of velocity
# above or below is a fifth of a decibel.
MIDDLE_VELOCITY = 80
LOUDNESS_LUFS = -27.0
DB_PER_VELOCITY = 0.2

FILTER_KNOTS_HZ = 62.5 * 2.0 ** np.arange(0, 8.5, 0.5)


def make(name: str) -> Engine:
    """The engine of a name, "harmonic" or "soundfont"; ValueError for any other."""
    engines = {"harmonic": HarmonicEngine, "soundfont": SoundfontEngine}
    result: Engine = engines[checks.check_choice("name", name, engines)]()
    return result


class SoundfontEngine:
    """Recordings of instruments, played by FluidSynth with small random variations.

    A timbre is one program of one soundfont, which its name says. Beside it are drawn: a filter of a few decibels, a
    tuning, a vibrato, the softness of attacks, and a room. Pitches are rounded to semitones before the tuning is
    added, and times to blocks of 64 samples. Unpitched sources play the drum kit that the timbre's program numbers.

    Parameters
    ----------
    paths : sequence of paths, optional
        Soundfonts (.sf2, and .sf3 where FluidSynth was built to read it). Without them, all that `find_soundfonts`
        finds.

    Raises
    ------
    FileNotFoundError
        If a soundfont is missing, or there is none.
    ValueError
        If two have the same name, which identifies their timbres.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """

    name = "soundfont"

    def __init__(self, paths: Sequence[str | os.PathLike[str]] | None = None) -> None:
        fonts = find_soundfonts() if paths is None else [_existing(path) for path in paths]
        if not fonts:
            raise FileNotFoundError(
                "paths must name at least one soundfont, got none; leave it out to use those on this machine"
            )
        # A link to a soundfont has the name of its target.
        self.paths = {path.resolve().stem: path for path in fonts}
        if len(self.paths) < len(fonts):
            raise RefusedValue(f"every soundfont must have its own name, got {', '.join(map(str, fonts))}; leave one")

    def timbres(self, programs: Iterable[int] = ORCHESTRAL_PROGRAMS) -> tuple[str, ...]:
        """Names of all timbres that can be drawn for some programs, in order; what a split by timbre divides."""
        return tuple(_name(font, program) for program in programs for font in sorted(self.paths))

    def draw_timbre(
        self, rng: np.random.Generator, program: int | None = None, font: str | None = None, *, shaped: bool = True
    ) -> Timbre:
        """Draw a timbre.

        Parameters
        ----------
        rng : np.random.Generator
        program : int in [0, 127], optional
            Without it, one of an orchestra's.
        font : str, optional
            Which soundfont, by its file's name without ending. Without it, any.
        shaped : bool
            Whether filter, tuning, vibrato, attack and room are drawn. Without them the soundfont is left as it is.

        Lesson: notebooks/15_data_is_the_model.ipynb
        """
        checks.check_generator("rng", rng)
        program = int(rng.choice(ORCHESTRAL_PROGRAMS)) if program is None else _checked_program(program)
        font = str(rng.choice(sorted(self.paths))) if font is None else checks.check_choice("font", font, self.paths)
        vibrates = rng.random() < 0.4
        knots_db = rng.normal(0, 2.0, len(FILTER_KNOTS_HZ)) + rng.normal(0, 1.0) * (np.log2(FILTER_KNOTS_HZ) - 10)
        settings = {
            "font": font,
            "filter_db": np.clip(knots_db, -12, 12) * shaped,
            "gain_db": rng.normal(0, 2.0) * shaped,
            "detune_cents": float(np.clip(rng.normal(0, 5), -10, 10)) * shaped,
            "drift_cents": rng.uniform(0, 4) * shaped,
            "vibrato_cents": rng.uniform(4, 22) * vibrates * shaped,
            "vibrato_hz": rng.uniform(4.5, 6.5),
            "vibrato_delay_s": rng.uniform(0.1, 0.4),
            "attack_s": rng.uniform(0.005, 0.06) * (rng.random() < 0.5) * shaped,
            **rooms.draw(rng, dry=0.4).facts(),
        }
        if not shaped:
            settings |= rooms.DRY.facts()
        return Timbre(self.name, _name(font, program), program, plain(settings))

    def play(
        self,
        score: Score,
        *,
        sample_rate_hz: int,
        rng: np.random.Generator,
        timbres: Mapping[str, Timbre] | None = None,
        tail_s: float = 0.5,
        room: rooms.Room | None = None,
        only: Sequence[Note] | None = None,
    ) -> dict[str, np.ndarray]:
        """Play a score.

        Parameters
        ----------
        score : Score
        sample_rate_hz : int in [8000, 96000]
        rng : np.random.Generator
            Draws timbres that are not given, what differs from one performance to the next, and the rooms' echoes.
        timbres : dict of source name -> Timbre, optional
        tail_s : float >= 0, seconds
            Audio after the last offset; its last 50 ms fade to silence.
        room : Room, optional
            One room for all, instead of every timbre's own.
        only : sequence of Note, optional
            Only these notes of the score sound, each exactly as among the others: with an equal generator, the stem
            less this is what the other notes sound like. (Where a pitch is repeated at once, the synthesiser damps the
            earlier note, which alone it does not.)

        Returns
        -------
        dict of source name -> float32 (1, samples)
            In the order of the score's sources. A stem's loudness is -27 LUFS, plus a fifth of a decibel for each step
            of its notes' mean velocity above 80, plus the timbre's gain.

        Raises
        ------
        ValueError
            If the rate is one that FluidSynth has not, a timbre belongs to another engine or to a soundfont that this
            one has not, or its soundfont lacks the program.
        ImportError
            If FluidSynth is missing; the message says what to install.

        Lesson: notebooks/15_data_is_the_model.ipynb
        """
        checks.check_number(
            "sample_rate_hz", sample_rate_hz, at_least=8_000, at_most=96_000, whole=True, unit="Hz",
            hint="FluidSynth plays at these rates only",
        )  # fmt: skip
        checks.check_number("tail_s", tail_s, at_least=0, unit="seconds")
        chosen = timbres_of(self, score, rng, timbres)
        samples = max(1, round((score.duration_s + tail_s) * sample_rate_hz))
        return {
            source: self._stem(score, source, timbre, samples, sample_rate_hz, rng, room, only)
            for source, timbre in chosen.items()
        }

    def _stem(
        self,
        score: Score,
        source: str,
        timbre: Timbre,
        samples: int,
        sample_rate_hz: int,
        rng: np.random.Generator,
        room: rooms.Room | None,
        only: Sequence[Note] | None,
    ) -> np.ndarray:
        from . import render

        font = self.paths[checks.check_choice(f"the soundfont of {source}'s timbre", timbre["font"], self.paths)]
        notes = score.notes_of(source)
        if not notes:
            return np.zeros((1, samples), np.float32)
        alone = Score(notes, (source,), score.unpitched & {source})
        bends = {} if source in score.unpitched else {source: _bends_cents(notes, timbre, samples, sample_rate_hz, rng)}
        velocity = float(np.mean([note.velocity for note in notes]))

        loudness = LOUDNESS_LUFS + DB_PER_VELOCITY * (velocity - MIDDLE_VELOCITY)

        def rendered(notes: tuple[Note, ...], loudness: float | None) -> np.ndarray:
            end_s = max([note.offset_s for note in notes], default=0.0)
            stem: np.ndarray = render.render(
                dataclasses.replace(alone, notes=notes), {source: _checked_program(timbre.program)}, soundfont=font,
                sample_rate_hz=sample_rate_hz, loudness=loudness, bends_cents=bends,
                tail_s=max(0.0, samples / sample_rate_hz - end_s),
            )[source][0]  # fmt: skip
            return stem.astype(float)

        few = notes if only is None else tuple(note for note in notes if note in only)
        # Of the rest only what is drawn from the generator is needed.
        stem = rendered(notes, loudness) if few else np.zeros(samples)
        if few and only is not None:
            # The factor by which the whole stem is scaled to its loudness.
            level = rendered(notes, None)
            gain = np.sum(stem * level) / max(np.sum(level**2), 1e-30)
            stem = gain * rendered(few, None)
        # Rounding of the tail may leave one sample too many or too few.
        dry = np.zeros(samples)
        dry[: min(samples, len(stem))] = stem[:samples]
        dry *= _attacks(notes, timbre["attack_s"], samples, sample_rate_hz) * 10 ** (timbre["gain_db"] / 20)
        dry = rooms.convolve(dry, rooms.minimum_phase(FILTER_KNOTS_HZ, timbre["filter_db"], sample_rate_hz))
        wet = rooms.apply(dry, room or rooms.Room.from_facts(timbre), sample_rate_hz, rng)
        return render.fade_out(wet[np.newaxis], 0.05, sample_rate_hz).astype(np.float32)


def find_soundfonts() -> list[Path]:
    """The soundfonts of this machine: FluidR3 GM, MuseScore General, and the one in the package pretty_midi.

    Each is returned once, the first one that exists. All three are free (MIT, MIT and GPL 2); none ships with this
    package.

    Raises
    ------
    FileNotFoundError
        If there is none; the message says how to get one.
    """
    from . import render

    fonts: list[Path] = []
    missing = None
    try:
        fonts.append(render.find_soundfont())
    except FileNotFoundError as error:
        missing = error
    others = [Path(folder) / name for folder in OTHER_FOLDERS for name in OTHER_SOUNDFONTS]
    fonts += [path for path in others if path.is_file()][:1]
    # Located without importing it, which takes a second.
    spec = importlib.util.find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        fonts += [path for path in sorted(Path(folder).glob("*.sf2")) if path.stem not in {one.stem for one in fonts}]
    if not fonts and missing:
        raise missing
    return fonts


def _name(font: str, program: int) -> str:
    return f"{font}/{program:03d}"


def _checked_program(program: int | None) -> int:
    return int(checks.check_number("program", program, at_least=0, at_most=127, whole=True))


def _existing(path: str | os.PathLike[str]) -> Path:
    if not Path(path).is_file():
        raise FileNotFoundError(f"soundfont {path} does not exist; give the path of a .sf2 or .sf3 file")
    return Path(path)


def _bends_cents(
    notes: Sequence[Note], timbre: Timbre, samples: int, sample_rate_hz: int, rng: np.random.Generator
) -> np.ndarray:
    """Tuning, drift and vibrato of a channel at every block of FluidSynth's 64 samples, in cents: (blocks,)."""
    from .render import BLOCK_SAMPLES

    times_s = np.arange(-(-samples // BLOCK_SAMPLES)) * BLOCK_SAMPLES / sample_rate_hz
    cents = np.full(len(times_s), timbre["detune_cents"])
    for rate_hz in rng.uniform(0.1, 1.0, 2):
        cents += timbre["drift_cents"] / 2 * np.sin(2 * np.pi * (rate_hz * times_s + rng.random()))
    onsets_s = np.array([note.onset_s for note in notes])
    depths = timbre["vibrato_cents"] * rng.uniform(0.3, 1.0, len(notes))
    phases = rng.random(len(notes))
    last = np.maximum(np.searchsorted(onsets_s, times_s, side="right") - 1, 0)
    # The vibrato starts slowly, around the pitch of the note.
    swell = np.clip((times_s - onsets_s[last] - timbre["vibrato_delay_s"]) / 0.25, 0, 1)
    result: np.ndarray = cents + depths[last] * swell * np.sin(
        2 * np.pi * (timbre["vibrato_hz"] * times_s + phases[last])
    )
    return result


def _attacks(notes: Sequence[Note], attack_s: float, samples: int, sample_rate_hz: int) -> np.ndarray:
    """Gain that softens the start of every note at which the source is otherwise silent: (samples,)."""
    gains = np.ones(samples)
    ends_s = -1.0
    for note in notes:
        length = round(attack_s * sample_rate_hz)
        start = round(note.onset_s * sample_rate_hz)
        if note.onset_s >= ends_s and length and start < samples:
            # FluidSynth starts at a block near the onset, so the ramp begins a block early: what came before it dies
            # away within the ramp's own shape, without a step.
            ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)
            part = gains[start : start + length]
            np.minimum(part, ramp[: len(part)], out=part)
            before = gains[max(0, start - length) : start]
            np.minimum(before, ramp[::-1][length - len(before) :], out=before)
        ends_s = max(ends_s, note.offset_s)
    return gains
