"""Instruments drawn at random, and performances of notes on them: the parameters of a harmonic synthesiser.

There are two steps. `draw_instrument` draws the properties that stay the same from note to note: how the spectrum
falls, its formants and body resonances, attack and decay, and the habits of the player. `strokes` draws the properties
that vary: for every note its level, attack, vibrato, drift and noise, and how it is connected to the one before. The
result is a dict of arrays, which `mss_lab.datasets.harmonic` (NumPy) and `mss_lab.neural.synth` (torch) turn into
sound.

The ranges are wide on purpose. Named instruments are drawn around their known properties (formants after Meyer); the
others may have any value in between.

Contents: FAMILIES, PROGRAM_FAMILY, draw_instrument, strokes. Lesson: notebooks/15_data_is_the_model.ipynb

Reference: Meyer, Acoustics and the Performance of Music, 5th edition 2009 (formants, onsets, vibrato); training on
instruments that do not exist is an example of domain randomisation (Tobin et al., IROS 2017).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import units
from ..score.notes import Note

# The grid of an instrument's response over frequency: 12 values an octave from 27.5 Hz to beyond 20 kHz.
GRID_START_HZ = 27.5
GRID_PER_OCTAVE = 12
GRID_SIZE = 116
GRID_HZ = GRID_START_HZ * 2.0 ** (np.arange(GRID_SIZE) / GRID_PER_OCTAVE)

# Root mean square of a note of velocity 80, without a room.
REFERENCE_RMS = 0.05
MIDDLE_VELOCITY = 80
MOST_PARTIALS = 80
# No partial is above this fraction of the sample rate, and none above the audible range; the last tenth is faded out.
HIGHEST_PART = 0.48
HIGHEST_HZ = 18_000.0

# Two notes are joined if the second starts within this time of the first one's end.
JOINED_S = 0.06
# The longest time for which a note sounds after its end, without a room.
LONGEST_RELEASE_S = 0.4

# Ranges of each family, drawn uniformly (log: on a logarithmic scale). Levels in dB, falls in dB an octave.
#   fall: of the source, over the number of the harmonic; corner: where the response starts to fall faster, and steep:
#   how fast it does; even: the even harmonics' level; uneven: standard deviation of single harmonics; body: of the
#   response over frequency; brighter: by how much less the source falls for each dB of level.
FAMILIES: dict[str, dict[str, tuple[float, ...]]] = {
    "bow": {
        "fall": (4, 9), "corner": (1_800, 6_000), "steep": (6, 14), "even": (-2, 2), "uneven": (0.5, 3),
        "body": (2, 6), "formants": (1, 5), "brighter": (0.02, 0.12), "attack_s": (0.015, 0.12),
        "spread": (0.0, 0.5), "release_s": (0.05, 0.28), "vibrates": (0.75,), "vibrato_cents": (5, 38),
        "vibrato_hz": (4.5, 7), "tremolo_db": (0, 1.5), "noise_db": (-44, -24), "burst_db": (-6, 10),
        "wander_db": (0.4, 2.2), "scoop_cents": (-25, 10), "decay_db_s": (0, 0), "stretch": (0, 0),
    },
    "reed": {
        "fall": (1, 6), "corner": (800, 3_200), "steep": (9, 22), "even": (-4, 1), "uneven": (1, 4.5),
        "body": (0.5, 3), "formants": (0, 4), "brighter": (0.03, 0.16), "attack_s": (0.012, 0.06),
        "spread": (0.0, 0.6), "release_s": (0.03, 0.12), "vibrates": (0.4,), "vibrato_cents": (2, 18),
        "vibrato_hz": (4.2, 6.5), "tremolo_db": (0, 2), "noise_db": (-55, -32), "burst_db": (-6, 8),
        "wander_db": (0.2, 1.5), "scoop_cents": (-40, 15), "decay_db_s": (0, 0), "stretch": (0, 0),
    },
    "flute": {
        "fall": (7, 16), "corner": (1_500, 5_000), "steep": (4, 14), "even": (-6, 6), "uneven": (1.5, 5),
        "body": (0.5, 2), "formants": (0, 2), "brighter": (0.05, 0.2), "attack_s": (0.02, 0.09),
        "spread": (0.0, 0.6), "release_s": (0.04, 0.15), "vibrates": (0.8,), "vibrato_cents": (2, 20),
        "vibrato_hz": (4.5, 6.5), "tremolo_db": (0.5, 4), "noise_db": (-42, -20), "burst_db": (0, 14),
        "wander_db": (0.3, 2), "scoop_cents": (-50, 20), "decay_db_s": (0, 0), "stretch": (0, 0),
    },
    "brass": {
        "fall": (0, 5), "corner": (300, 1_800), "steep": (8, 18), "even": (-1, 1), "uneven": (0.5, 2.5),
        "body": (0.5, 2), "formants": (1, 3), "brighter": (0.1, 0.4), "attack_s": (0.015, 0.07),
        "spread": (0.2, 1.2), "release_s": (0.03, 0.12), "vibrates": (0.3,), "vibrato_cents": (2, 15),
        "vibrato_hz": (4.2, 6.5), "tremolo_db": (0, 2), "noise_db": (-60, -38), "burst_db": (-6, 10),
        "wander_db": (0.2, 1.2), "scoop_cents": (-70, 20), "decay_db_s": (0, 0), "stretch": (0, 0),
    },
    "voice": {
        "fall": (6, 13), "corner": (3_000, 6_000), "steep": (6, 12), "even": (-1, 1), "uneven": (0.5, 2),
        "body": (1, 3), "formants": (3, 5), "brighter": (0.04, 0.15), "attack_s": (0.03, 0.12),
        "spread": (0.0, 0.4), "release_s": (0.05, 0.2), "vibrates": (0.8,), "vibrato_cents": (10, 60),
        "vibrato_hz": (4.8, 6.5), "tremolo_db": (0, 2), "noise_db": (-50, -28), "burst_db": (-6, 10),
        "wander_db": (0.5, 2.5), "scoop_cents": (-90, 20), "decay_db_s": (0, 0), "stretch": (0, 0),
    },
    "organ": {
        "fall": (2, 12), "corner": (2_000, 8_000), "steep": (6, 18), "even": (-18, 3), "uneven": (2, 7),
        "body": (0.5, 2), "formants": (0, 2), "brighter": (0.0, 0.03), "attack_s": (0.008, 0.05),
        "spread": (0.0, 0.4), "release_s": (0.03, 0.15), "vibrates": (0.1,), "vibrato_cents": (2, 10),
        "vibrato_hz": (5, 7), "tremolo_db": (0, 2), "noise_db": (-60, -36), "burst_db": (-3, 12),
        "wander_db": (0.0, 0.5), "scoop_cents": (-10, 10), "decay_db_s": (0, 0), "stretch": (0, 0),
    },
    "pluck": {
        "fall": (2, 10), "corner": (1_500, 5_000), "steep": (6, 14), "even": (-2, 2), "uneven": (1, 4),
        "body": (1, 5), "formants": (0, 4), "brighter": (0.04, 0.16), "attack_s": (0.002, 0.008),
        "spread": (0.0, 0.2), "release_s": (0.05, 0.3), "vibrates": (0.1,), "vibrato_cents": (2, 12),
        "vibrato_hz": (4.5, 6.5), "tremolo_db": (0, 0.5), "noise_db": (-60, -46), "burst_db": (4, 22),
        "wander_db": (0.1, 0.8), "scoop_cents": (0, 8), "decay_db_s": (4, 30), "stretch": (1e-5, 8e-4),
    },
}  # fmt: skip

# An instrument without a name takes each range from a random family of those with sustained notes.
HELD = ("bow", "reed", "flute", "brass", "voice", "organ")

PROGRAM_FAMILY = {
    **dict.fromkeys(range(128), "free"),
    **dict.fromkeys((*range(16), *range(24, 40), 45, 46, 47, *range(104, 109), *range(112, 116)), "pluck"),
    **dict.fromkeys((*range(16, 21), 21, 23), "organ"),
    **dict.fromkeys((22, *range(64, 72), 109, 111), "reed"),
    **dict.fromkeys((*range(40, 45), *range(48, 52), 110), "bow"),
    **dict.fromkeys((52, 53, 54), "voice"),
    **dict.fromkeys(range(56, 64), "brass"),
    **dict.fromkeys(range(72, 80), "flute"),
}

# Known properties of single instruments: their formants (or strong body modes) in Hz, and special ranges.
FORMANTS_HZ = {
    40: (280, 480, 1_000, 2_600), 41: (220, 360, 900, 2_000), 42: (105, 190, 250, 1_200), 43: (65, 110, 400),
    56: (1_200, 2_400), 57: (560, 1_500), 58: (230, 400), 59: (1_600, 3_000), 60: (340, 750),
    64: (900, 1_900), 65: (700, 1_500, 2_800), 66: (500, 1_200, 2_500), 67: (350, 900, 2_000),
    68: (1_100, 2_700), 69: (950, 1_800), 70: (470, 1_150, 2_000), 71: (1_500, 3_200),
    52: (600, 1_100, 2_600, 3_300), 53: (450, 900, 2_500, 3_300), 73: (800,),
}  # fmt: skip
OWN_RANGES: dict[int, dict[str, tuple[float, ...]]] = {
    # A cylinder closed at one end has weak low even harmonics.
    71: {"even": (-28, -9), "fall": (2, 6), "corner": (1_200, 2_600), "vibrates": (0.1,)},
    68: {"fall": (-2, 4), "vibrates": (0.7,)},
    70: {"fall": (-1, 4), "corner": (600, 1_500)},
    66: {"fall": (2, 7), "vibrates": (0.5,), "noise_db": (-50, -28)},
    60: {"corner": (400, 900), "fall": (2, 6)},
    58: {"corner": (250, 500), "fall": (3, 8)},
    47: {"decay_db_s": (20, 60), "stretch": (1e-3, 4e-3)},
}
ENSEMBLES = (48, 49, 50, 51, 52, 61)


def draw_instrument(rng: np.random.Generator, program: int | None) -> dict[str, Any]:
    """Settings of an instrument and its player, drawn for a General MIDI program or, with None, for any instrument.

    Returns
    -------
    dict of setting -> number, text or array
        `table_db` and `noise_table_db` are the responses over GRID_HZ to partials and to noise.
    """
    family = "free" if program is None else PROGRAM_FAMILY[program]
    ranges = _ranges(family, program, rng)
    drawn: dict[str, Any] = {"family": family}
    for name in ("fall", "even", "uneven", "brighter", "spread", "vibrato_hz", "vibrato_cents", "tremolo_db"):
        drawn[name] = _uniform(rng, ranges[name])
    for name in ("noise_db", "burst_db", "wander_db", "scoop_cents"):
        drawn[name] = _uniform(rng, ranges[name])
    for name in ("attack_s", "release_s", "decay_db_s", "stretch"):
        low, high = ranges[name][0], ranges[name][1]
        drawn[name] = _log_uniform(rng, low, high) if high > 0 else 0.0
    drawn["vibrates"] = bool(rng.random() < ranges["vibrates"][0])
    drawn["vibrato_delay_s"] = rng.uniform(0.05, 0.45)
    drawn["vibrato_rise_s"] = rng.uniform(0.08, 0.5)
    drawn["even_until"] = rng.uniform(4, 14)
    # The fundamental of a reed or a low string may be weaker than the harmonics above it.
    drawn["partials_db"] = rng.normal(0, drawn["uneven"], 24)
    drawn["pluck_at"] = rng.uniform(0.06, 0.4) if family == "pluck" else 0.0
    drawn["duller"] = rng.uniform(0.1, 0.7)
    drawn["table_db"] = _response_db(rng, ranges, program)
    drawn["noise_table_db"] = _noise_response_db(rng, drawn["table_db"])
    drawn["burst_s"] = _log_uniform(rng, 0.008, 0.06)
    drawn["flutter"] = rng.uniform(0, 0.8)
    drawn["tuning_cents"] = float(np.clip(rng.normal(0, 5), -10, 10))
    drawn["intonation_cents"] = rng.uniform(0.5, 5)
    drawn["drift_cents"] = rng.uniform(0.5, 5)
    drawn["dynamics_db"] = rng.uniform(22, 40)
    drawn["uneven_levels_db"] = rng.uniform(0.3, 2)
    drawn["swell_db"] = rng.uniform(0, 5)
    drawn["legato"] = rng.uniform(0, 1)
    drawn["even_loudness"] = rng.uniform(0.5, 1)
    many = program in ENSEMBLES or rng.random() < 0.05
    drawn["players"] = int(rng.integers(2, 5)) if many else 1
    drawn["apart_cents"] = rng.uniform(3, 12)
    drawn["gain_db"] = rng.normal(0, 2)
    return drawn


def strokes(
    notes: Sequence[Note], instrument: Mapping[str, Any], sample_rate_hz: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw how one player plays some notes: the parameters of a voice.

    Parameters
    ----------
    notes : sequence of Note, in order of onset
        Of one source; they may sound together.
    instrument : mapping
        The settings of a timbre of the harmonic engine, or what `draw_instrument` gives.
        The settings of a timbre of the harmonic engine, or the result of `draw_instrument`.
    rng : np.random.Generator

    Returns
    -------
    dict of name -> array
        For the voice: `table_db` and `noise_table_db` (1, GRID_SIZE). For its notes, (notes,): `voice` (zeros), `start`
        (sample of the onset), and others whose names state their units. For their partials, (notes, partials):
        `partial_db`, `attack_s`, `decay_db_s`, `phase`, and `wander_hz`, `wander_phase` (notes, partials, 2). Phases
        are in turns. `partials` is the number of columns that a note uses. Several players of one voice play each note
        several times.
    """
    players = instrument["players"]
    joined, legato = _joints(notes, instrument, rng)
    onset_s, offset_s, midi, velocity = (
        np.repeat(np.array([getattr(note, name) for note in notes], dtype=float), players)
        for name in ("onset_s", "offset_s", "midi", "velocity")
    )
    joined, legato = np.repeat(joined, players, axis=0), np.repeat(legato, players, axis=0)
    count = len(onset_s)
    together = np.zeros(count, bool) if players == 1 else np.arange(count) % players > 0
    late_s = together * rng.uniform(0, 0.025, count)
    late_s = np.minimum(late_s, 0.2 * (offset_s - onset_s))
    apart_cents = together * rng.normal(0, instrument["apart_cents"], count)
    length_s = offset_s - onset_s - late_s

    cents = instrument["tuning_cents"] + rng.normal(0, instrument["intonation_cents"], count).clip(-10, 10)
    pitch_hz = units.midi_to_hz(midi + (cents + apart_cents) / 100)
    level_db = instrument["dynamics_db"] * (velocity - MIDDLE_VELOCITY) / 127
    level_db = level_db + rng.normal(0, instrument["uneven_levels_db"], count)

    voice = {
        "voice": np.zeros(count, np.int64),
        "start": np.rint((onset_s + late_s) * sample_rate_hz).astype(np.int64),
        "pitch_hz": pitch_hz,
        **_ends(length_s, joined, legato, instrument, rng),
        **_pitch_shape(midi, length_s, legato, instrument, rng),
        **_level_shape(length_s, level_db, instrument, rng),
        **_partials(pitch_hz, length_s, level_db, legato, instrument, sample_rate_hz, rng),
        "table_db": np.array(instrument["table_db"], dtype=float)[np.newaxis],
        "noise_table_db": np.array(instrument["noise_table_db"], dtype=float)[np.newaxis],
    }
    evened_db = _even_out(voice, instrument)
    # Noise keeps its level relative to the note, so only the note's own level is added to it.
    voice["level_db"] = level_db
    voice["gain_db"] = evened_db + 20 * np.log10(REFERENCE_RMS) + instrument["gain_db"] - 10 * np.log10(players)
    voice["noise_db"] = (
        voice["noise_db"] + 20 * np.log10(REFERENCE_RMS) + instrument["gain_db"] - 10 * np.log10(players)
    )
    return voice


def _joints(
    notes: Sequence[Note], instrument: Mapping[str, Any], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each note is joined to the one before and to the one after, (notes, 2), and the slurs of these joints.

    The second array holds intervals in semitones, from the note before to this one if they are slurred, and likewise
    for the note after; otherwise NaN.
    """
    joined = np.zeros((len(notes), 2), bool)
    slurs = np.full((len(notes), 2), np.nan)
    # Slurs come in runs: a player changes between slurred and separate notes only sometimes.
    slurring = rng.random() < instrument["legato"]
    for index in range(1, len(notes)):
        if rng.random() < 0.25:
            slurring = rng.random() < instrument["legato"]
        before, note = notes[index - 1], notes[index]
        gap_s = note.onset_s - before.offset_s
        # Notes of a chord are not joined, they overlap.
        if abs(gap_s) <= JOINED_S and note.onset_s > before.onset_s + 0.02:
            joined[index - 1, 1] = joined[index, 0] = True
            if slurring and before.midi != note.midi:
                slurs[index - 1, 1] = slurs[index, 0] = before.midi - note.midi
    return joined, slurs


def _ends(
    length_s: np.ndarray,
    joined: np.ndarray,
    legato: np.ndarray,
    instrument: Mapping[str, Any],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """How long each note is held, and how long its release lasts."""
    count = len(length_s)
    release_s = np.minimum(instrument["release_s"] * np.exp(rng.normal(0, 0.2, count)), LONGEST_RELEASE_S)
    slurred = ~np.isnan(legato[:, 1])
    release_s = np.where(slurred, rng.uniform(0.02, 0.06, count), release_s)
    # A note that is followed by a new attack ends almost completely before the next one starts.
    separated = joined[:, 1] & ~slurred
    release_s = np.where(separated, np.minimum(rng.uniform(0.015, 0.06, count), 0.25 * length_s), release_s)
    held_s = np.where(separated, length_s - 0.7 * release_s, length_s)
    return {"held_s": held_s, "release_s": release_s}


def _pitch_shape(
    midi: np.ndarray, length_s: np.ndarray, legato: np.ndarray, instrument: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Vibrato, drift, and the pitch at the start of notes."""
    count = len(midi)
    slurred = ~np.isnan(legato[:, 0])
    scoop_cents = instrument["scoop_cents"] * rng.uniform(0, 1.2, count) * (rng.random(count) < 0.6)
    # A slur starts between the two notes: within a third of the step, at most a semitone from the second.
    start_cents = np.clip(100 * np.nan_to_num(legato[:, 0]) * rng.uniform(0.1, 0.35, count), -100, 100)
    depth_cents = instrument["vibrato_cents"] * rng.uniform(0.35, 1.25, count) * (rng.random(count) < 0.9)
    return {
        "scoop_cents": np.where(slurred, start_cents, scoop_cents),
        "scoop_s": np.minimum(rng.uniform(0.008, 0.03, count), 0.1 * length_s + 1e-4),
        "drift_cents": instrument["drift_cents"] * rng.uniform(0.2, 1, (count, 2)),
        "drift_hz": rng.uniform(0.2, 2.0, (count, 2)),
        "drift_phase": rng.random((count, 2)),
        "vibrato_cents": depth_cents * instrument["vibrates"],
        "vibrato_hz": instrument["vibrato_hz"] * np.exp(rng.normal(0, 0.04, count)),
        # A short note has no time for vibrato.
        "vibrato_delay_s": instrument["vibrato_delay_s"] * rng.uniform(0.6, 1.4, count),
        "vibrato_rise_s": instrument["vibrato_rise_s"] * rng.uniform(0.7, 1.3, count),
        "vibrato_phase": rng.random(count),
    }


def _level_shape(
    length_s: np.ndarray, level_db: np.ndarray, instrument: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Swell, tremolo, noise, and how level affects brightness."""
    count = len(length_s)
    is_held = instrument["decay_db_s"] == 0
    trembles = instrument["vibrates"] or rng.random() < 0.1
    return {
        "swell_db": is_held * instrument["swell_db"] * rng.normal(0.2, 0.6, count) * np.minimum(1, length_s / 0.4),
        "slope_db": is_held * rng.normal(0, 1.5, count) * np.minimum(1, length_s / 0.4),
        "overshoot_db": is_held * np.abs(rng.normal(0, 1.5, count)),
        "overshoot_s": rng.uniform(0.03, 0.12, count),
        "tremolo_db": instrument["tremolo_db"] * rng.uniform(0.3, 1, count) * trembles,
        "tremolo_phase": rng.uniform(-0.2, 0.2, count) + 0.5 * (rng.random() < 0.5),
        "brighter": np.full(count, instrument["brighter"]),
        # Noise depends on level, but less than the tone does.
        "noise_db": instrument["noise_db"] + 0.7 * level_db + rng.normal(0, 1.5, count),
        "burst_db": instrument["burst_db"] + rng.normal(0, 2, count),
        "burst_s": instrument["burst_s"] * np.exp(rng.normal(0, 0.2, count)),
        "flutter": np.full(count, instrument["flutter"]),
        "noise_decay_db_s": np.full(count, float(instrument["decay_db_s"])),
    }  # fmt: skip


def _partials(
    pitch_hz: np.ndarray,
    length_s: np.ndarray,
    level_db: np.ndarray,
    legato: np.ndarray,
    instrument: Mapping[str, Any],
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Properties of single partials, each array (notes, partials)."""
    highest_hz = min(HIGHEST_HZ, HIGHEST_PART * sample_rate_hz)
    partials = np.clip((highest_hz / pitch_hz).astype(np.int64), 1, MOST_PARTIALS)
    most = int(partials.max(initial=1))
    shape = (len(pitch_hz), most)
    number = np.arange(1, most + 1)
    fall_db = instrument["fall"] - instrument["brighter"] * level_db
    partial_db = -fall_db[:, np.newaxis] * np.log2(number)
    dimming = np.clip(1 - (number - 2) / instrument["even_until"], 0, 1) * (number % 2 == 0)
    partial_db = partial_db + instrument["even"] * dimming
    own_db = np.array(instrument["partials_db"], dtype=float)
    partial_db[:, : len(own_db)] += own_db[:most]
    partial_db = partial_db + rng.normal(0, 0.3 * instrument["uneven"], shape)
    if instrument["pluck_at"]:
        partial_db = partial_db + 20 * np.log10(np.abs(np.sin(np.pi * number * instrument["pluck_at"])) + 0.03)
    slurred = ~np.isnan(legato[:, 0])
    attack_s = np.where(slurred, rng.uniform(0.015, 0.05, len(pitch_hz)), instrument["attack_s"])
    # Stronger notes have a shorter attack, low ones a longer one.
    attack_s = attack_s * np.exp(rng.normal(0, 0.25, len(pitch_hz)) - 0.02 * level_db)
    attack_s = attack_s * np.clip((220 / pitch_hz) ** 0.25, 0.6, 1.8)
    longest_s = 0.5 * np.maximum(length_s, 0.006)[:, np.newaxis]
    spread = (1 + instrument["spread"] * np.log2(number)) * np.exp(rng.normal(0, 0.15, shape))
    decay_db_s = instrument["decay_db_s"] * (pitch_hz[:, np.newaxis] / 220) ** 0.5 * number ** instrument["duller"]
    return {
        "partials": partials,
        "partial_db": partial_db,
        "attack_s": np.clip(attack_s[:, np.newaxis] * spread, 0.0015, np.maximum(longest_s, 0.0015)),
        "noise_attack_s": np.clip(0.4 * attack_s, 0.002, np.maximum(longest_s[:, 0], 0.002)),
        "decay_db_s": decay_db_s * np.exp(rng.normal(0, 0.2, shape)),
        "stretch": np.full(len(pitch_hz), float(instrument["stretch"])) * (pitch_hz / 220),
        "phase": rng.random(shape),
        "wander_db": np.full(len(pitch_hz), float(instrument["wander_db"])),
        "wander_hz": rng.uniform(0.5, 9, (*shape, 2)),
        "wander_phase": rng.random((*shape, 2)),
    }


def _even_out(voice: Mapping[str, np.ndarray], instrument: Mapping[str, Any]) -> np.ndarray:
    """Gain in dB of each note, (notes,): with it, notes of one velocity have about the same loudness in any timbre."""
    number = np.arange(1, voice["partial_db"].shape[1] + 1)
    position = np.log2(voice["pitch_hz"][:, np.newaxis] * number / GRID_START_HZ) * GRID_PER_OCTAVE
    level_db = voice["partial_db"] + np.interp(position, np.arange(GRID_SIZE), voice["table_db"][0])
    power = np.where(number <= voice["partials"][:, np.newaxis], 10 ** (level_db / 10), 0.0)
    note_db = 10 * np.log10(0.5 * power.sum(axis=1) + 1e-30)
    middle_db = np.median(note_db) if len(note_db) else 0.0
    result: np.ndarray = -(middle_db + instrument["even_loudness"] * (note_db - middle_db))
    return result


def _ranges(family: str, program: int | None, rng: np.random.Generator) -> dict[str, tuple[float, ...]]:
    if family == "free":
        return {name: FAMILIES[str(rng.choice(HELD))][name] for name in FAMILIES["bow"]}
    return {**FAMILIES[family], **(OWN_RANGES.get(program, {}) if program is not None else {})}


def _response_db(rng: np.random.Generator, ranges: Mapping[str, tuple[float, ...]], program: int | None) -> np.ndarray:
    """The response of an instrument's body and bell, in dB over GRID_HZ."""
    octaves = np.log2(GRID_HZ)
    response = -_uniform(rng, ranges["steep"]) * np.maximum(
        0, octaves - np.log2(_log_uniform(rng, ranges["corner"][0], ranges["corner"][1]))
    )
    if program is not None and program in FORMANTS_HZ:
        centres_hz = np.array(FORMANTS_HZ[program]) * np.exp(rng.normal(0, 0.08, len(FORMANTS_HZ[program])))
    else:
        fewest, most = ranges["formants"]
        count = int(rng.integers(int(fewest), int(most) + 1))
        centres_hz = np.exp(rng.uniform(np.log(200), np.log(4_000), count))
    for centre_hz in centres_hz:
        width = rng.uniform(0.15, 0.6)
        response += rng.uniform(2, 14) * np.exp(-0.5 * ((octaves - np.log2(centre_hz)) / width) ** 2)
    # Resonances of a body: a random curve with a bend every quarter to half octave.
    step = rng.uniform(0.25, 0.5)
    knots = np.arange(octaves[0], octaves[-1] + step, step)
    rough = np.interp(octaves, knots, rng.normal(0, _uniform(rng, ranges["body"]), len(knots)))
    result: np.ndarray = np.clip(response + rough, -90, 30)
    return result


def _noise_response_db(rng: np.random.Generator, table_db: np.ndarray) -> np.ndarray:
    """The spectrum of breath or bow noise: partly that of the instrument, and brighter than its tone."""
    octaves = np.log2(GRID_HZ)
    own = rng.uniform(0.3, 0.8) * table_db
    lows = -rng.uniform(3, 12) * np.maximum(0, np.log2(_log_uniform(rng, 200, 1_500)) - octaves)
    highs = -rng.uniform(0, 6) * np.maximum(0, octaves - np.log2(_log_uniform(rng, 1_500, 6_000)))
    result: np.ndarray = np.clip(own + lows + highs, -90, 30)
    return result


def _uniform(rng: np.random.Generator, ends: tuple[float, ...]) -> float:
    return float(rng.uniform(ends[0], ends[1]))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
