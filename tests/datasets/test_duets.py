"""Duets: the performance follows from the seed, the sound from the instruments."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab.datasets import duets, pieces, repertoire, splits
from mss_lab.neural import segments

PROGRAMS = {"flute": 73, "oboe": 68}


@pytest.fixture(scope="module")
def work():
    return repertoire.work_of("chorale", pieces.load("chorale_a").score)


def test_other_instruments_play_the_same_performance(work):
    first, second = duets.draw_players(PROGRAMS, 2, [1])
    one, other = (duets.song(work, players, [15, 4], length_s=3.0) for players in (first, second))
    assert_array_equal(one["notes"], other["notes"])
    assert len(one["notes"]) and not np.allclose(one["audio"], other["audio"])
    assert set(one["timbres"]).isdisjoint(other["timbres"])
    splits.check_no_leak([one], [other], kinds=("timbres",))
    with pytest.raises(ValueError, match="no piece"):
        splits.check_no_leak([one], [other])


def test_a_song_follows_from_its_seed_and_has_the_common_level(work):
    players = duets.draw_players(PROGRAMS, 1, 1)[0]
    one, again, other = (duets.song(work, players, seed, length_s=3.0) for seed in (4, 4, 5))
    assert_array_equal(one["audio"], again["audio"])
    assert not np.array_equal(one["notes"], other["notes"])
    assert one["audio"].shape == (2, 24_000) and one["audio"].dtype == np.float32
    assert_allclose(one["audio"].std(axis=1), duets.LEVEL, rtol=1e-3)
    low, high = duets.RANGE_MIDI
    assert one["notes"][:, 1].min() >= low and one["notes"][:, 1].max() <= high


def test_a_longer_list_of_players_begins_with_the_shorter_one():
    few, many = duets.draw_players(PROGRAMS, 2, [7]), duets.draw_players(PROGRAMS, 4, [7])
    assert few == many[:2]
    names = [timbre.name for players in many for timbre in players.values()]
    assert len(set(names)) == len(names)


def test_a_list_of_songs_can_be_trained_on(work):
    songs = [duets.song(work, duets.draw_players(PROGRAMS, 1, 1)[0], n, length_s=1.0) for n in range(2)]
    listed = duets.Songs(songs, {"sources": tuple(PROGRAMS), "sample_rate_hz": 8000})
    batch = segments.batches(listed, length_samples=4000, batch=2, seed=0)(0)
    assert batch["sources"].shape == (2, 2, 4000)


def test_too_few_voices_are_refused(work):
    players = duets.draw_players({f"player {n}": 73 for n in range(5)}, 1, 1)[0]
    with pytest.raises(ValueError, match="got 4 voices"):
        duets.song(work, players, 0)
