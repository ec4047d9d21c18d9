"""Sections: repeats that the players leave out or add, cuts and parts, found by the sound alone and said in words."""

import dataclasses
import functools
import itertools

import numpy as np
import pytest

from mss_lab import audio
from mss_lab.cli import main
from mss_lab.datasets import pieces
from mss_lab.score import align, jumps, notes, passages, sections
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score
from mss_lab.score.passages import Section
from tests import sounds

RATE_HZ = 16_000
BEAT_S = 0.4

play = functools.partial(sounds.play, sample_rate_hz=RATE_HZ, tail_s=0.3, harmonics=10, amplitude=0.3)


def duet(seed=0, beats=24):
    """A violin and a cello in random steps, without any repetition."""
    rng = np.random.default_rng(seed)
    played = []
    for source, lowest, highest, slower in (("violin", 64, 80, 1), ("cello", 40, 57, 2)):
        beat = 0.0
        while beat < beats - 1e-9:
            # Everything starts anew in the middle, so that the piece has two halves.
            most = (beats / 2 if beat < beats / 2 else beats) - beat
            length = min(slower * rng.choice([0.5, 1, 1, 2]), most)
            midi = int(rng.integers(lowest, highest))
            played.append(Note(source, midi, beat * BEAT_S, (beat + length) * BEAT_S))
            beat += length
    return Score(tuple(played), ("violin", "cello"))


def halves(score, order, tempo=1.0):
    """The halves of a score in an order such as "aab": the oracle, made of moved copies of the notes."""
    half_s = score.duration_s / 2
    moved = []
    for place, name in enumerate(order):
        first_s = half_s * "ab".index(name)
        for note in score.notes:
            if first_s - 1e-6 <= note.onset_s < first_s + half_s - 1e-6:
                later_s = place * half_s - first_s
                moved.append(
                    dataclasses.replace(note, onset_s=note.onset_s + later_s, offset_s=note.offset_s + later_s)
                )
    return notes.with_tempo(Score(tuple(moved), score.sources), tempo)


def assert_same_notes(found, truth, within_s=0.1):
    assert len(found.notes) == len(truth.notes)
    for source in truth.sources:
        pairs = list(zip(truth.notes_of(source), found.notes_of(source), strict=True))
        assert [a.midi for a, _ in pairs] == [b.midi for _, b in pairs]
        assert max(abs(a.onset_s - b.onset_s) for a, b in pairs) < within_s


@pytest.mark.parametrize(
    "written, heard",
    [
        ("aa", "a"),
        ("a", "aa"),
        ("aabb", "ab"),
        ("ab", "aabb"),
        ("aabb", "abb"),
        ("aab", "ab"),
        ("abb", "ab"),
        ("ab", "aab"),
        ("aba", "ab"),
        ("ab", "aba"),
        ("ab", "a"),
        ("ab", "b"),
        ("aab", "aab"),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_repeats_may_be_left_out_and_added(written, heard, seed):
    piece = duet(seed)
    truth = halves(piece, heard)
    # A tempo of its own for each form, so that no time of the score is one of the recording.
    score = halves(piece, written, tempo=(0.8, 1.0, 1.3)[len(written) % 3])
    found, alignment = align.align_score(play(truth), RATE_HZ, score)
    assert_same_notes(found, truth)
    assert not alignment.is_doubtful
    assert bool(alignment.sections) == bool(alignment.remarks) == (written != heard)


def test_the_second_pass_is_left_out_and_named():
    piece = duet(3)
    _, alignment = align.align_score(play(halves(piece, "ab")), RATE_HZ, halves(piece, "aab"))
    half_s = piece.duration_s / 2
    assert np.allclose(alignment.sections, [(0, half_s), (2 * half_s, 3 * half_s)])
    assert alignment.remarks == (
        f"the second pass of a repeated passage, {half_s:.1f} to {2 * half_s:.1f} s of the score, "
        "is not in the recording and was left out",
    )
    _, alignment = align.align_score(play(halves(piece, "aab")), RATE_HZ, halves(piece, "ab"))
    assert alignment.remarks == (
        f"a passage, 0.0 to {half_s:.1f} s of the score, is played again in the recording, and its notes occur twice",
    )


def test_an_alignment_of_the_whole_squeezes_what_is_not_played_and_is_doubtful():
    piece = duet(1)
    recording = play(halves(piece, "a"))
    squeezed = align.align(recording, RATE_HZ, halves(piece, "aa"), extent="whole")
    assert squeezed.is_doubtful
    # The recording alone would not tell: hardly any of it is spent on the second pass.
    assert np.average(squeezed.confidence, weights=np.diff(squeezed.recording_times_s)) > align.LEAST_CONFIDENCE
    # The reverse: a long recording that gets a moment of the score.
    stretched = align.align(play(halves(piece, "aa")), RATE_HZ, halves(piece, "a"), extent="whole")
    assert stretched.is_doubtful


def test_a_long_rest_in_the_recording_lowers_confidence_by_its_share_alone():
    piece = duet(4)
    later = tuple(
        dataclasses.replace(note, onset_s=note.onset_s + shift_s, offset_s=note.offset_s + shift_s)
        for note in piece.notes
        for shift_s in [3.0 if note.onset_s >= piece.duration_s / 2 - 1e-6 else 0.0]
    )
    truth = Score(later, piece.sources)
    found, alignment = align.align_score(play(truth), RATE_HZ, piece)
    assert_same_notes(found, truth)
    without = align.align(play(piece), RATE_HZ, piece)
    share = 3 / truth.duration_s
    assert without.mean_confidence - 1.5 * share < alignment.mean_confidence


@pytest.mark.parametrize("seed", range(3))
def test_another_piece_stays_doubtful_however_it_may_jump(seed):
    alignment = align.align(play(duet(seed)), RATE_HZ, duet(seed + 50), extent="auto")
    assert alignment.is_doubtful and not alignment.sections and not alignment.remarks


def test_the_key_is_not_lost_where_jumps_are_allowed():
    piece = pieces.load("song")
    alignment = align.align(piece.mixture, piece.sample_rate_hz, notes.with_tempo(piece.score, 1.3), extent="auto")
    assert alignment.tuning_hz == pytest.approx(440, rel=0.005)
    assert not alignment.is_doubtful and not alignment.sections


def test_a_short_recording_is_found_in_a_long_score():
    piece = duet(5, beats=160)
    start_s, end_s = 20.0, 26.0
    recording = play(piece)[:, round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
    found, alignment = align.align_score(recording, RATE_HZ, notes.with_tempo(piece, 1.2))
    assert not alignment.is_doubtful and len(alignment.remarks) == 2
    inside = [note.midi for note in piece.notes if start_s + 0.2 < note.onset_s < end_s - 0.2]
    assert len(inside) <= len(found.notes) <= len(inside) + 6
    assert max(note.onset_s for note in found.notes) < 6.2


def test_played_puts_sections_one_after_the_other():
    piece = duet(2)
    half_s = piece.duration_s / 2
    for order in ("ab", "aab", "ba", "bab"):
        asked = [Section(half_s * "ab".index(name), half_s * ("ab".index(name) + 1)) for name in order]
        moved = sections.played(piece, asked)
        # The first section stays where it is.
        want = notes.shift(halves(piece, order), asked[0].start_s)
        assert [n.midi for n in moved.notes] == [n.midi for n in want.notes]
        assert np.allclose([n.onset_s for n in moved.notes], [n.onset_s for n in want.notes])
    assert sections.played(piece, [sections.whole(piece)]) == piece
    assert sections.remarks(piece, [sections.whole(piece)]) == ()


def test_passages_are_compared_note_for_note():
    piece = duet(6)
    half_s = piece.duration_s / 2
    twice = halves(piece, "aab")
    assert passages.similarity(twice, Section(0, half_s), half_s) == 1
    assert passages.similarity(twice, Section(0, half_s), 2 * half_s) < 0.5
    assert passages.is_repetition(twice, Section(half_s, 2 * half_s))
    assert not passages.is_repetition(twice, Section(2 * half_s, 3 * half_s))
    # Wherever a path jumps within the passes, the jump comes to lie at their end.
    places = passages.boundaries_s(twice)
    for k in (2, 5):
        leave_s = float(places[k])
        moved = passages.first_pass_kept(twice, places, leave_s, leave_s + half_s, until_s=3 * half_s)
        assert moved == pytest.approx((half_s, 2 * half_s))
    # A recording that ends within the second pass has no end of the first.
    assert passages.first_pass_kept(twice, places, 0.0, half_s, float(places[3]) + half_s) == pytest.approx(
        (places[3], half_s + places[3])
    )


def test_the_cheapest_path_is_the_one_found_by_trying_all():
    rng = np.random.default_rng(0)
    cells = rng.random((4, 5)).astype(np.float32)
    price = 0.3
    best = np.inf
    for path in np.ndindex(*(5,) * 4):
        cost = sum(cells[row, column] for row, column in enumerate(path))
        cost += price * ((path[0] > 1) + (path[-1] < 3))
        for before, after in itertools.pairwise(path):
            stays = 0.0 if before in (0, 4) else jumps.TEMPO_PRICE
            cost += {0: min(stays, price), 1: 0.0, 2: min(jumps.TEMPO_PRICE, price)}.get(after - before, price)
        best = min(best, cost)
    path, jumped, cost = jumps._cheapest(cells, price)
    assert cost == pytest.approx(best, abs=1e-5)
    assert not jumped[0] and len(path) == 4


def test_the_command_line_says_what_was_left_out(tmp_path, capsys):
    piece = duet(7)
    audio.write_audio(tmp_path / "mix.wav", play(halves(piece, "ab")), RATE_HZ)
    write_csv(tmp_path / "score.csv", halves(piece, "abb"))
    arguments = ["--score", str(tmp_path / "score.csv"), "--align", "auto", "--out", str(tmp_path / "stems")]
    assert main(["separate", str(tmp_path / "mix.wav"), *arguments]) == 0
    said = capsys.readouterr().out
    assert "the second pass of a repeated passage, 9.6 to 14.4 s of the score, is not in the recording" in said
    assert len(list((tmp_path / "stems").iterdir())) == 2
