"""Twenty-seven ways to play a source; the score says where each of them sounds."""

import itertools

import numpy as np
import pytest

from mss_lab.datasets import renditions
from mss_lab.datasets.timbres import Timbre
from mss_lab.score.notes import Note, Score

RATE = 1000
SCORE = Score((Note("oboe", 60, 0.1, 0.3, 80), Note("horn", 48, 0.0, 0.4, 120)), ("oboe", "horn"))


class Beeps:
    """An engine whose stems say how they were made: each sample of a note is its velocity and its timbre."""

    name = "beeps"

    def draw_timbre(self, rng, program=None):
        return Timbre(self.name, f"beeps/{rng.integers(10**9)}", program, ())

    def play(self, score, *, sample_rate_hz, rng, timbres=None, tail_s=0.5, room=None):
        samples = round((score.duration_s + tail_s) * sample_rate_hz)
        stems = {source: np.zeros((1, samples), np.float32) for source in score.sources}
        for note in score.notes:
            where = slice(round(note.onset_s * sample_rate_hz), round(note.offset_s * sample_rate_hz))
            stems[note.source][0, where] = 1000 * timbres[note.source].program + note.velocity
        return stems


TIMBRES = {
    source: tuple(Timbre("beeps", f"{source}/{program}", program, ()) for program in (1, 2, 3))
    for source in SCORE.sources
}


@pytest.fixture
def played():
    return renditions.play(SCORE, Beeps(), TIMBRES, sample_rate_hz=RATE, seed=0, tail_s=0.1)


def test_there_are_twenty_seven():
    assert len(renditions.ALL) == len(set(renditions.ALL)) == 27
    assert renditions.SHIFTS_S == (0.0, 0.1, 0.2)


def test_audio_and_notes_of_every_rendition_agree(played):
    for oboe, horn in itertools.product(renditions.ALL, renditions.ALL[::5]):
        audio, score = renditions.combine(played, {"horn": horn, "oboe": oboe})
        assert audio.shape == (2, 500 + 200) and audio.dtype == np.float32
        for row, source, rendition in ((audio[0], "oboe", oboe), (audio[1], "horn", horn)):
            (note,) = score.notes_of(source)
            (written,) = SCORE.notes_of(source)
            velocity = min(127, written.velocity + renditions.DYNAMICS[rendition.dynamics])
            wanted = np.zeros(700)
            wanted[round(note.onset_s * RATE) : round(note.offset_s * RATE)] = 1000 * (rendition.timbre + 1) + velocity
            np.testing.assert_array_equal(row, wanted)
            assert note.onset_s - written.onset_s == pytest.approx(renditions.SHIFTS_S[rendition.shift])
            assert note.offset_s - note.onset_s == pytest.approx(written.offset_s - written.onset_s)


def test_combining_leaves_what_was_played_alone(played):
    before = {source: stems.copy() for source, stems in played.stems.items()}
    audio, _ = renditions.combine(played, dict.fromkeys(SCORE.sources, renditions.ALL[0]))
    audio += 1
    assert all(np.array_equal(played.stems[source], before[source]) for source in before)


def test_a_shift_at_an_odd_rate_moves_notes_by_whole_samples(played):
    odd = renditions.Played(SCORE, 997, played.stems, played.timbres)
    audio, score = renditions.combine(odd, dict.fromkeys(SCORE.sources, renditions.Rendition(0, 0, 1)))
    assert score.notes_of("horn")[0].onset_s * 997 == pytest.approx(np.flatnonzero(audio[1])[0], abs=1e-9)


def test_draws_differ_and_repeat_with_their_seed(rng):
    drawn = renditions.draw("abcd", 400, rng=np.random.default_rng(1))
    assert len(drawn) == len({tuple(one.items()) for one in drawn}) == 400
    assert drawn == renditions.draw("abcd", 400, rng=np.random.default_rng(1))
    assert drawn != renditions.draw("abcd", 400, rng=np.random.default_rng(2))
    for source in "abcd":
        assert {one[source] for one in drawn} == set(renditions.ALL), "400 draws miss no one of 27"


@pytest.mark.parametrize("sources, count", [("a", 27), ("a", 26), ("ab", 729), ("ab", 1), ("abcdefghijklmnop", 50)])
def test_all_can_be_drawn(sources, count, rng):
    drawn = renditions.draw(sources, count, rng=rng)
    assert len({tuple(one.items()) for one in drawn}) == count
    assert all(list(one) == list(sources) for one in drawn)


def test_more_than_there_are_cannot_be_drawn(rng):
    with pytest.raises(ValueError, match=r"count must be .* at most 27, got 28; 1 source\(s\) combine no further"):
        renditions.draw("a", 28, rng=rng)


def test_a_source_without_three_timbres_is_refused():
    with pytest.raises(ValueError, match="timbres must hold 3 for every source, got 2 for 'horn'"):
        renditions.play(SCORE, Beeps(), {**TIMBRES, "horn": TIMBRES["horn"][:2]}, sample_rate_hz=RATE, seed=0)


def test_a_source_without_a_rendition_is_refused(played):
    with pytest.raises(ValueError, match="renditions must name every source, nothing came for horn"):
        renditions.combine(played, {"oboe": renditions.ALL[0]})
