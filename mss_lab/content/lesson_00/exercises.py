"""Exercises of lesson 00, "Unmix in five minutes"."""

import numpy as np

from ... import signals, units
from ...datasets import pieces
from ...lessons import Exercise, answers

PIECE = "chorale_a"

RATE_HZ = 44_100
# Fundamentals to draw from, as every table of notes gives them.
NOTES_HZ = {
    "A2": 110.0, "B2": 123.5, "C3": 130.8, "D3": 146.8, "E3": 164.8, "F3": 174.6, "G3": 196.0, "A3": 220.0,
    "B3": 246.9, "C4": 261.6, "D4": 293.7, "E4": 329.6, "F4": 349.2, "G4": 392.0,
}  # fmt: skip

# 0.2: a mixture of three notes.
NOTE_RATE_HZ, NOTE_LENGTH_S = 8_000, 1.5
# 0.4: one player's notes are written in another key than they sound.
KEY_PIECE, KEY_LENGTH_S, KEY_PLAYER, KEY_SEMITONES = "chorale_b", 10, "saxophone", 3


def _bin_exercise(note="A3", window=4096):
    hz = NOTES_HZ[note]
    first, second = hz * window / RATE_HZ, 2 * hz * window / RATE_HZ

    def check(answer):
        return answers.number(
            answer,
            round(second),
            0.01,
            name="the bin",
            where="Think of how many Hz lie between one bin and the next.",
            mistakes={
                "That is the bin of the fundamental, which is the first harmonic.": round(first),
                "A bin has a whole number.": second,
                "The window and the sample rate have changed places.": window / (2 * hz),
            },
        )

    return Exercise.from_files(
        __file__,
        number="0.1",
        kind="number",
        task=f"In which bin of a {window}-sample window at 44 100 Hz lies the second harmonic of {note} ({hz:g} Hz)?",
        check=check,
        hints=(
            "The lowest bin is bin 0, at 0 Hz. The bins lie sample_rate / window Hz apart.",
            "The second harmonic has twice the frequency of the note. How many bins is that, rounded?",
        ),
        values={"hz": hz, "window": window},
        praise=f"The note's first harmonic is in bin {round(first)}, not {first:.1f}: bins are a grid, and music does "
        "not stay on it.",
        drawn=_draw_bin,
    )


def _draw_bin(rng):
    def draw():
        return str(rng.choice(list(NOTES_HZ))), int(rng.choice([2048, 4096, 8192]))

    def between_bins(note_and_window):
        note, window = note_and_window
        parts = np.array([1, 2]) * NOTES_HZ[note] * window / RATE_HZ % 1
        # Neither on a bin, nor half-way, where it would be open which way to round.
        return np.all((np.abs(parts - 0.5) > 0.06) & (np.abs(parts - 0.5) < 0.44))

    return _bin_exercise(*answers.telling(draw, between_bins))


def _hidden_note_exercise(written=(57, 64), hidden=61):
    def given():
        slopes, levels = (0.8, 1.2, 1.0), (0.3, 0.3, 0.1)
        notes = [
            signals.harmonic_tone(
                units.midi_to_hz(pitch), NOTE_LENGTH_S, NOTE_RATE_HZ, harmonics=8, slope=slope, amplitude=level
            )
            for pitch, slope, level in zip((*written, hidden), slopes, levels, strict=True)
        ]
        mixture = signals.fade(np.sum(notes, axis=0), 0.05, NOTE_RATE_HZ)
        return {"mixture": mixture, "sample_rate_hz": NOTE_RATE_HZ, "written": list(written)}

    def check(answer):
        return answers.number(
            answer,
            hidden,
            0.3,
            name="the pitch",
            where="Look at the peaks that are left when all bins that the two written notes claim are set to zero.",
            mistakes={
                "That is an octave too high: you have probably read the second harmonic.": hidden + 12,
                "That is an octave too low.": hidden - 12,
                "That is the lower of the notes that the score has.": min(written),
                "That is the higher of the notes that the score has.": max(written),
                "That is a semitone too high.": hidden + 1,
                "That is a semitone too low.": hidden - 1,
            },
        )

    return Exercise.from_files(
        __file__,
        number="0.2",
        kind="sound",
        task='Three notes sound in `lab.given("0.2")`. Its score has two of them, `written`. Which MIDI pitch has the '
        "third?",
        check=check,
        given=given,
        hints=(
            "Take the spectrum of the mixture with one long window: the notes do not change.",
            "Set to zero what `claim_of` claims for the two written notes, and draw what is left.",
            "The lowest strong peak that is left is a fundamental. Which pitch does the equation for f0 give it?",
        ),
        praise="You have found a player whom the score does not know. Lesson 05 finds all of them without a score.",
        drawn=_draw_hidden,
    )


def _draw_hidden(rng):
    def draw():
        low, high, hidden = (int(pitch) for pitch in rng.integers(50, 70, 3))
        return (min(low, high), max(low, high)), hidden

    def is_audible(drawn):
        written, hidden = drawn
        # Fundamentals that lie on no harmonic of another note, and far enough apart for one window.
        return all(abs(hidden - pitch) in (3, 4, 6, 8, 9, 10) for pitch in written) and written[1] - written[0] > 2

    return _hidden_note_exercise(*answers.telling(draw, is_audible))


def _check_contested(answer):
    rng = answers.rng(3)
    shape = answers.varied(4, 3, 6, rng), answers.varied(8, 6, 10, rng), answers.varied(7, 5, 9, rng)
    claims = rng.random(shape) * (rng.random(shape) < 0.4)
    claims[1] = 0
    claimed = claims > 0
    shared = claimed & (claimed.sum(axis=0) > 1)
    counts = claimed.sum(axis=(1, 2))
    expected = shared.sum(axis=(1, 2)) / np.maximum(counts, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = answers.call(answer, claims, name="contested")
        return answers.array(
            result,
            expected,
            "sources",
            name="the result",
            mistakes={
                "A source that claims no bin came out as nan.": np.where(counts > 0, expected, np.nan),
                "That divides by the number of all bins, not by the number that the source itself claims.": shared.sum(
                    axis=(1, 2)
                )
                / claims[0].size,
                "A source's own claim counts as another's: every bin comes out as contested.": (counts > 0) * 1.0,
                "That is the share of bins that no other source claims.": np.where(counts > 0, 1 - expected, 0),
                "That adds up the sizes of the claims; the task is to count bins.": (claims * shared).sum(axis=(1, 2))
                / np.maximum(claims.sum(axis=(1, 2)), 1e-12),
            },
        )


def _wrong_key():
    piece = pieces.load(KEY_PIECE)
    names = list(piece.score.sources)
    rows = [
        (names.index(note.source), note.midi + KEY_SEMITONES * (note.source == KEY_PLAYER), note.onset_s, note.offset_s)
        for note in piece.score.notes
        if note.offset_s < KEY_LENGTH_S
    ]
    mixture = piece.mixture[:, : KEY_LENGTH_S * piece.sample_rate_hz]
    return {
        "mixture": mixture,
        "sample_rate_hz": piece.sample_rate_hz,
        "players": names,
        "notes": np.array(rows, dtype=float),
    }


def _check_key(answer):
    if answers.is_blank(answer):
        raise answers.Blank
    if not isinstance(answer, list | tuple) or len(answer) != 2:
        return f'The answer must be a player and a number of semitones, got {answers.describe(answer)}: ("violin", 1).'
    player, semitones = answer
    wrong = answers.text(
        player,
        KEY_PLAYER,
        ("violin", "clarinet", "saxophone", "bassoon"),
        dict.fromkeys(("violin", "clarinet", "bassoon"), "This player's notes are right as they are written."),
    )
    return wrong or answers.number(
        semitones,
        KEY_SEMITONES,
        0.01,
        "semitones",
        name="the distance",
        where="The player is right. Compare what the moved notes claim with where the sound is.",
        mistakes={
            "The player is right, but the sign is turned round.": -KEY_SEMITONES,
            "The player is right; the octave is not.": KEY_SEMITONES + 12,
        },
    )


EXERCISES = (
    _bin_exercise(),
    _hidden_note_exercise(),
    Exercise.from_files(
        __file__,
        number="0.3",
        kind="construct",
        task="Write `contested(claims)`: for claims (sources, freq, frames), for each source the share of the bins it "
        "claims that another source claims as well; 0 for a source that claims none.",
        check=_check_contested,
        hints=(
            "claims > 0 is True where a source claims a bin. Summed over axis 0, how many sources claim it?",
            "A bin is contested for a source if it claims the bin and the number of sources that claim it is above 1.",
            "Count over axes 1 and 2; divide by the source's own count, or by 1 where that is 0.",
        ),
        praise="Apply it to the claims of the quartet: the saxophone has the largest share of contested bins, and "
        "still the best SDR. Counting bins is not enough; what counts is how much of a player's energy lies in them.",
    ),
    Exercise.from_files(
        __file__,
        number="0.4",
        kind="sound",
        task='In `lab.given("0.4")` one player\'s notes are written in another key than they sound. Which player, and '
        "how many semitones too high are they written?",
        check=_check_key,
        given=_wrong_key,
        hints=(
            "Make the notes a Score, separate, and solo the players: one of them sounds empty.",
            "Or measure it: the mean level of the mixture in the bins that a player's notes claim.",
            "Move one player's notes by -6 to 6 semitones. For which player does a move raise the level? Which move "
            "raises it most?",
        ),
        praise="Parts for transposing instruments look like this. You found it without a true stem: the notes of the "
        "right key lie where the sound is.",
    ),
)
