"""Other levels, other stretches, other company: and the notes go along."""

import numpy as np
import pytest

from mss_lab.checks import ShapeError
from mss_lab.datasets import augment

RATE = 1000


@pytest.fixture
def song(rng, frozen):
    """Two sources that sound exactly where their notes are: each sample of a note is its pitch."""
    notes = np.array([[0, 60, 0.0, 0.5], [1, 48, 0.25, 2.0], [0, 62, 0.5, 1.25], [0, 64, 1.5, 2.0]])
    audio = np.zeros((2, 2000), np.float32)
    for source, midi, onset_s, offset_s in notes:
        audio[int(source), round(onset_s * RATE) : round(offset_s * RATE)] = midi
    return frozen(audio, notes)


def drawn(notes, samples):
    audio = np.zeros((2, samples), np.float32)
    for source, midi, onset_s, offset_s in notes:
        audio[int(source), round(onset_s * RATE) : round(offset_s * RATE)] = midi
    return audio


@pytest.mark.parametrize(
    "start, length", [(0, 2000), (0, 700), (300, 900), (499, 2), (1250, 1), (1900, 500), (5000, 9)]
)
def test_what_a_segment_says_is_what_sounds(song, start, length):
    audio, notes = augment.segment(*song, start, length, RATE)
    wanted = np.zeros((2, length), np.float32)
    part = song[0][:, start : start + length]
    wanted[:, : part.shape[1]] = part
    np.testing.assert_array_equal(audio, wanted)
    np.testing.assert_array_equal(drawn(notes, length), wanted)
    assert notes.shape[1] == 4 and (notes[:, 3] > notes[:, 2]).all()


def test_a_note_that_only_touches_the_segment_is_not_in_it(song):
    _, notes = augment.segment(*song, 500, 750, RATE)
    assert notes[:, 1].tolist() == [48, 62]


def test_random_segments_come_from_everywhere_and_fit(song, rng):
    starts = set()
    for _ in range(300):
        audio, notes = augment.random_segment(*song, 1995, RATE, rng=rng)
        np.testing.assert_array_equal(drawn(notes, 1995), audio)
        starts.add(int(np.flatnonzero(audio[1])[0]))
    # The second source starts at sample 250, so that its place tells the start: 0 to 5, both ends included.
    assert starts == {250 - start for start in range(6)}


def test_a_song_shorter_than_the_segment_is_followed_by_silence(song, rng):
    audio, notes = augment.random_segment(*song, 3000, RATE, rng=rng)
    assert audio.shape == (2, 3000) and not audio[:, 2000:].any()
    np.testing.assert_array_equal(drawn(notes, 3000), audio)


def test_gains_are_one_a_source_and_spread_over_their_range(song, rng):
    audio, _ = song
    gains = np.array([augment.random_gains(audio, rng=rng).max(axis=1) / audio.max(axis=1) for _ in range(500)])
    assert gains.min() >= 0.25 and gains.max() <= 1.25
    np.testing.assert_allclose(gains.mean(axis=0), 0.75, atol=0.07)
    assert abs(np.corrcoef(gains.T)[0, 1]) < 0.15
    louder = augment.random_gains(audio, rng=rng, low=2, high=2)
    np.testing.assert_array_equal(louder, 2 * audio)


def test_halves_are_not_multiplied_as_halves(song, rng):
    assert augment.random_gains(song[0].astype(np.float16), rng=rng).dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 1), (3, 0), (2, 5)])
def test_silence_stays_silence(shape, rng):
    silence, none = np.zeros(shape, np.float32), np.zeros((0, 4))
    assert not augment.random_gains(silence, rng=rng).any()
    audio, notes = augment.random_segment(silence, none, 4, RATE, rng=rng)
    assert audio.shape == (shape[0], 4) and not audio.any() and notes.shape == (0, 4)


def test_incoherent_sources_come_from_songs_and_places_of_their_own(rng):
    # Song k is k + 1 at every sample of every source, plus a ramp that tells the place.
    songs = [
        {
            "audio": 100.0 * (k + 1) + np.tile(np.arange(50.0), (3, 1)),
            "notes": np.array([[source, 60 + k, 0.0, 0.05] for source in range(3)]),
        }
        for k in range(4)
    ]
    met = set()
    for _ in range(200):
        audio, notes = augment.incoherent(songs, 10, RATE, rng=rng)
        song, start = np.divmod(audio[:, 0], 100)
        np.testing.assert_array_equal(audio, audio[:, :1] + np.arange(10))
        by_source = notes[np.argsort(notes[:, 0])]
        np.testing.assert_array_equal(by_source[:, :2], np.stack([np.arange(3), 59 + song], axis=1))
        assert (np.diff(notes[:, 2]) >= 0).all() and notes[:, 3].max() <= 0.01
        met.add((tuple(song), len(set(start))))
    assert len({songs for songs, _ in met}) > 40, "songs are drawn for each source"
    assert any(places == 3 for _, places in met), "and places too"


def test_the_same_seed_draws_the_same(song):
    found = [augment.random_segment(*song, 100, RATE, rng=np.random.default_rng(5))[0] for _ in range(2)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda audio, notes: augment.segment(audio[0], notes, 0, 1, RATE), ShapeError, "audio must be"),
        (
            lambda audio, notes: augment.segment(audio, notes[:, :3], 0, 1, RATE),
            ShapeError,
            r"notes must be \(notes, 4\)",
        ),
        (lambda audio, notes: augment.segment(audio, notes, -1, 1, RATE), ValueError, "start_samples must be"),
        (lambda audio, notes: augment.segment(audio, notes, 0, 0, RATE), ValueError, "length_samples must be"),
        (lambda audio, notes: augment.random_gains(audio, rng=0), TypeError, "rng must be"),
        (
            lambda audio, notes: augment.random_gains(audio, rng=np.random.default_rng(0), low=2, high=1),
            ValueError,
            "high must be",
        ),
        (
            lambda audio, notes: augment.incoherent([], 5, RATE, rng=np.random.default_rng(0)),
            ValueError,
            "at least one",
        ),
        (
            lambda audio, notes: augment.incoherent(
                [{"audio": audio, "notes": notes}, {"audio": audio[:1], "notes": notes}] * 9,
                5,
                RATE,
                rng=np.random.default_rng(0),
            ),
            ValueError,
            "must have the same sources",
        ),
    ],
)
def test_bad_input_is_refused(song, call, error, words):
    with pytest.raises(error, match=words):
        call(*song)
