"""A synthesiser of partials, and an engine that never plays the same instrument twice.

Every note is a sum of partials whose frequencies and levels follow smooth curves, computed every 4 ms and joined by
straight lines, and a part of noise. The response of the instrument's body is read off at the frequency that a partial
has at the moment, so that vibrato changes levels as it does on a violin. `mss_lab.neural.synth` makes the same sound in
torch, many voices at once; this file is what it is tested against, and is meant to be read.

Contents: HarmonicEngine, render, some_notes, control, silence, STEP_S. Lesson: notebooks/15_data_is_the_model.ipynb
"""

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..refusals import RefusedValue
from ..score.notes import Note, Score
from . import rooms
from .drawn import (
    GRID_PER_OCTAVE,
    GRID_SIZE,
    GRID_START_HZ,
    HIGHEST_HZ,
    HIGHEST_PART,
    draw_instrument,
    strokes,
)
from .timbres import Timbre, digest, plain, timbres_of

# Curves are computed this often.
STEP_S = 0.004
# Parameters with one row for each voice; the others have one for each note.
OF_VOICES = ("table_db", "noise_table_db", "noise", "room")
# The end of the stem fades out over this time, if it is not silent.
FADE_S = 0.05


class HarmonicEngine:
    """Random synthetic instruments, each used once.

    A program, if given, sets the centre of the distribution of timbres: a violin's formants and vibrato, a clarinet's
    weak even harmonics. Without a program, instruments are drawn that do not exist in reality. Pitches may be between
    semitones. A room is drawn with each timbre.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """

    name = "harmonic"

    def draw_timbre(self, rng: np.random.Generator, program: int | None = None) -> Timbre:
        """Draw an instrument, its player's habits and its room.

        Parameters
        ----------
        rng : np.random.Generator
        program : int in [0, 127], optional

        Returns
        -------
        Timbre
            Its name comes from its settings: two draws never share one.

        Lesson: notebooks/15_data_is_the_model.ipynb
        """
        checks.check_generator("rng", rng)
        if program is not None:
            program = checks.check_number("program", program, at_least=0, at_most=127, whole=True)
        drawn = {**draw_instrument(rng, program), **rooms.draw(rng).facts()}
        settings = plain(drawn)
        return Timbre(self.name, f"harmonic/{drawn['family']}-{digest(settings)}", program, settings)

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
            Its sources are pitched.
        sample_rate_hz : int in [8000, 192000]
        rng : np.random.Generator
            Draws timbres that are not given, and how every note is played.
        timbres : dict of source name -> Timbre, optional
        tail_s : float >= 0, seconds
            Audio after the last offset; its last 50 ms fade to silence.
        room : Room, optional
            One room for all, instead of every timbre's own.
        only : sequence of Note, optional
            Only these notes of the score sound, each exactly as among the others: with an equal generator, the stem
            less this is what the other notes sound like.

        Returns
        -------
        dict of source name -> float32 (1, samples)
            In the order of the score's sources. A note of velocity 80 has a root mean square of about 0.05, more or
            less by the timbre's gain.

        Raises
        ------
        ValueError
            If a source is unpitched, or a timbre belongs to another engine.

        Lesson: notebooks/15_data_is_the_model.ipynb
        """
        sample_rate_hz = checks.check_number(
            "sample_rate_hz", sample_rate_hz, at_least=8_000, at_most=192_000, whole=True, unit="Hz"
        )
        checks.check_number("tail_s", tail_s, at_least=0, unit="seconds")
        if score.unpitched:
            raise RefusedValue(
                f"the harmonic engine plays pitches, got the unpitched {', '.join(sorted(score.unpitched))}; "
                "play drums with the soundfont engine"
            )
        chosen = timbres_of(self, score, rng, timbres)
        samples = max(1, round((score.duration_s + tail_s) * sample_rate_hz))
        stems = {}
        for source, timbre in chosen.items():
            voice = self.voice(score, source, timbre, samples, sample_rate_hz, rng, room)
            if voice is not None and only is not None:
                voice = some_notes(voice, [note in only for note in score.notes_of(source)])
            stem = silence(samples) if voice is None else render(voice, samples, sample_rate_hz)
            stems[source] = fade_out(stem, sample_rate_hz).astype(np.float32)
        return stems

    def voice(
        self,
        score: Score,
        source: str,
        timbre: Timbre,
        samples: int,
        sample_rate_hz: int,
        rng: np.random.Generator,
        room: rooms.Room | None = None,
    ) -> dict[str, np.ndarray] | None:
        """The parameters of one stem, for `render` here or for `mss_lab.neural.synth.render`; None without notes.

        `strokes` with two more arrays: `noise`, white (1, at least `samples`), and `room`, a response (1, taps).

        Lesson: notebooks/15_data_is_the_model.ipynb
        """
        notes = score.notes_of(source)
        if not notes:
            return None
        voice = strokes(notes, dict(timbre.settings), sample_rate_hz, rng)
        voice["room"] = rooms.response(room or rooms.Room.from_facts(timbre), sample_rate_hz, rng)[np.newaxis]
        # In single precision, as the networks' batches are.
        voice["noise"] = rng.standard_normal((1, rooms.good_size(samples)), dtype=np.float32)
        return voice


def render(voice: Mapping[str, np.ndarray], samples: int, sample_rate_hz: int) -> np.ndarray:
    """The sound of parameters: (voices, samples) float64.

    Parameters
    ----------
    voice : dict of arrays
        As `mss_lab.datasets.drawn.strokes` draws them. `noise` (voices, samples or more) and `room` (voices, taps) may
        be left out: then there is none.
    samples : int
    sample_rate_hz : int

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    voices = len(voice["table_db"])
    step = step_samples(sample_rate_hz)
    tone, hiss = np.zeros((voices, samples)), np.zeros((voices, samples))
    for note in range(len(voice["start"])):
        start, owner = int(voice["start"][note]), int(voice["voice"][note])
        curves = control(voice, note, sample_rate_hz)
        own_tone, own_hiss = _sound(curves, voice["flutter"][note], step, sample_rate_hz)
        upto = max(0, min(samples - start, len(own_tone)))
        tone[owner, start : start + upto] += own_tone[:upto]
        hiss[owner, start : start + upto] += own_hiss[:upto]
    for owner in range(voices):
        if "noise" in voice:
            response_db = voice["noise_table_db"][owner]
            tone[owner] += hiss[owner] * _coloured(voice["noise"][owner], response_db, sample_rate_hz)[:samples]
        if "room" in voice:
            tone[owner] = rooms.convolve(tone[owner], voice["room"][owner])
    return tone


def some_notes(voice: Mapping[str, np.ndarray], kept: Sequence[bool]) -> dict[str, np.ndarray]:
    """The parameters of a voice of which only some notes sound, (notes,) in the order in which they were drawn."""
    players = len(voice["start"]) // len(kept)
    rows = np.repeat(np.asarray(kept, bool), players)
    return {name: values if name in OF_VOICES else values[rows] for name, values in voice.items()}


def control(voice: Mapping[str, np.ndarray], note: int, sample_rate_hz: int) -> dict[str, np.ndarray]:
    """The curves of one note, every 4 ms from its onset until it has died away.

    Returns
    -------
    dict
        `f0_hz` and `turns` (points,): frequency of the fundamental, and its phase; `noise` (points,): its level;
        `gains` (partials, points); `ratios`, `phase` (partials,): frequencies over the fundamental's, and phases at the
        onset, in turns.
    """
    p = {name: values[note] for name, values in voice.items() if name not in OF_VOICES}
    owner = int(voice["voice"][note])
    step = step_samples(sample_rate_hz)
    points = int(np.ceil((p["held_s"] + p["release_s"]) * sample_rate_hz / step)) + 1
    times_s = np.arange(points) * step / sample_rate_hz
    ends = _falling(times_s - p["held_s"], p["release_s"])

    vibrato = np.clip((times_s - p["vibrato_delay_s"]) / p["vibrato_rise_s"], 0, 1)
    swing = np.sin(2 * np.pi * (p["vibrato_hz"] * times_s + p["vibrato_phase"]))
    drift = np.sin(2 * np.pi * (p["drift_hz"][:, np.newaxis] * times_s + p["drift_phase"][:, np.newaxis]))
    cents = p["vibrato_cents"] * vibrato * swing + 0.5 * p["drift_cents"] @ drift
    cents = cents + p["scoop_cents"] * np.exp(-times_s / p["scoop_s"])
    f0_hz = p["pitch_hz"] * 2 ** (cents / 1200)
    turns = np.concatenate([[0.0], np.cumsum(0.5 * (f0_hz[1:] + f0_hz[:-1]))]) * step / sample_rate_hz

    # Swell and slope run over the note's length; past its end they stay where they are.
    way = np.clip(times_s / p["held_s"], 0, 1)
    shape_db = p["swell_db"] * np.sin(np.pi * way) + p["slope_db"] * (way - 0.5)
    shape_db = shape_db + p["overshoot_db"] * np.exp(-times_s / p["overshoot_s"])
    trembling = np.sin(2 * np.pi * (p["vibrato_hz"] * times_s + p["vibrato_phase"] + p["tremolo_phase"]))
    shape_db = shape_db + p["tremolo_db"] * vibrato * trembling

    partials = int(p["partials"])
    number = np.arange(1, partials + 1)
    ratios = number * np.sqrt(1 + p["stretch"] * (number**2 - 1))
    frequency_hz = ratios[:, np.newaxis] * f0_hz
    level_db = (p["level_db"] + p["gain_db"] + p["partial_db"][:partials])[:, np.newaxis] + shape_db
    level_db = level_db + p["brighter"] * np.log2(number)[:, np.newaxis] * shape_db
    level_db = level_db + _read(voice["table_db"][owner], frequency_hz)
    wander_turns = (
        p["wander_hz"][:partials, :, np.newaxis] * times_s + p["wander_phase"][:partials, :, np.newaxis]
    )  # (partials, 2, points)
    level_db = level_db + 0.5 * p["wander_db"] * np.sin(2 * np.pi * wander_turns).sum(axis=1)
    level_db = level_db - p["decay_db_s"][:partials, np.newaxis] * times_s
    gains = 10 ** (level_db / 20) * _rising(times_s, p["attack_s"][:partials, np.newaxis]) * ends
    gains = gains * _below_limit(frequency_hz, sample_rate_hz)

    noise_db = p["noise_db"] + 0.5 * shape_db - p["noise_decay_db_s"] * times_s
    burst = 1 + 10 ** (p["burst_db"] / 20) * np.exp(-times_s / p["burst_s"])
    noise = 10 ** (noise_db / 20) * burst * _rising(times_s, p["noise_attack_s"]) * ends
    return {
        "f0_hz": f0_hz, "turns": turns, "gains": gains, "ratios": ratios, "phase": p["phase"][:partials],
        "noise": noise,
    }  # fmt: skip


def _sound(
    curves: Mapping[str, np.ndarray], flutter: float, step: int, sample_rate_hz: int
) -> tuple[np.ndarray, np.ndarray]:
    """The sum of a note's partials, and the level of its noise, both (samples,)."""
    fraction = np.arange(step) / step
    f0_hz = curves["f0_hz"]
    rising_hz = np.diff(f0_hz)[:, np.newaxis]
    # A straight line of frequency is a parabola of phase.
    inside = (f0_hz[:-1, np.newaxis] * fraction + 0.5 * rising_hz * fraction**2) * step / sample_rate_hz
    turns = (curves["turns"][:-1, np.newaxis] + inside).ravel()
    tone = np.zeros(len(turns))
    for ratio, phase, gain in zip(curves["ratios"], curves["phase"], curves["gains"], strict=True):
        tone += _line(gain, fraction) * np.sin(2 * np.pi * (ratio * turns + phase))
    # A bow or a reed excites the instrument once a period, and the noise is modulated with the same period.
    return tone, _line(curves["noise"], fraction) * (1 + flutter * np.cos(2 * np.pi * turns))


def _line(points: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Straight lines between points, at `fraction` (0 to 1) of the way from each to the next."""
    result: np.ndarray = (points[:-1, np.newaxis] + np.diff(points)[:, np.newaxis] * fraction).ravel()
    return result


def _coloured(noise: np.ndarray, response_db: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """White noise through a response over the grid, of mean square 1 on average."""
    bins_hz = np.arange(len(noise) // 2 + 1) * sample_rate_hz / len(noise)
    gains = 10 ** (_read(response_db, np.maximum(bins_hz, GRID_START_HZ)) / 20) * _below_limit(bins_hz, sample_rate_hz)
    gains = gains / np.sqrt(np.mean(gains**2))
    return np.fft.irfft(np.fft.rfft(noise.astype(float)) * gains, len(noise))


def _read(table_db: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """A response over the grid, at any frequencies: straight lines over the logarithm of frequency."""
    result: np.ndarray = np.interp(
        np.log2(frequency_hz / GRID_START_HZ) * GRID_PER_OCTAVE, np.arange(GRID_SIZE), table_db
    )
    return result


def _rising(times_s: np.ndarray, length_s: np.ndarray) -> np.ndarray:
    result: np.ndarray = 0.5 - 0.5 * np.cos(np.pi * np.clip(times_s / length_s, 0, 1))
    return result


def _falling(times_s: np.ndarray, length_s: np.ndarray) -> np.ndarray:
    result: np.ndarray = 0.5 + 0.5 * np.cos(np.pi * np.clip(times_s / length_s, 0, 1))
    return result


def _below_limit(frequency_hz: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """1 below the highest frequency that may sound, 0 above it, and linear in between, without a click."""
    highest_hz = min(HIGHEST_HZ, HIGHEST_PART * sample_rate_hz)
    return np.clip((highest_hz - frequency_hz) / (0.1 * highest_hz), 0, 1)


def step_samples(sample_rate_hz: int) -> int:
    """Samples between two points of a curve."""
    return max(1, round(STEP_S * sample_rate_hz))


def silence(samples: int) -> np.ndarray:
    """A voice without notes, (1, samples)."""
    return np.zeros((1, samples))


def fade_out(waveform: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """The waveform (voices, samples) with its last 50 ms faded to silence."""
    samples = min(round(FADE_S * sample_rate_hz), waveform.shape[1])
    gains = np.ones(waveform.shape[1])
    gains[waveform.shape[1] - samples :] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1))
    return waveform * gains
