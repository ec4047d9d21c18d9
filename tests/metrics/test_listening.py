"""Listening tests: anchors take away what they should, order is blind and repeatable, careless listeners are found."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import signals
from mss_lab.checks import ShapeError
from mss_lab.metrics import listening

RATE = 44_100


def _level_db(waveform):
    middle = waveform[:, RATE // 4 : -RATE // 4]
    return 10 * np.log10(np.mean(middle**2))


@pytest.mark.parametrize("cutoff_hz", [3_500, 7_000])
def test_an_anchor_keeps_what_is_below_its_cutoff_and_takes_what_is_above(cutoff_hz):
    for frequency_hz in (100, 0.99 * cutoff_hz):
        tone = signals.tone(frequency_hz, 1, RATE)
        assert abs(_level_db(listening.anchor(tone, RATE, cutoff_hz)) - _level_db(tone)) < 0.1
    for frequency_hz, softer_db in ((cutoff_hz * 8 / 7, 60), (cutoff_hz * 9 / 7, 60), (15_000, 60)):
        tone = signals.tone(frequency_hz, 1, RATE)
        assert _level_db(listening.anchor(tone, RATE, cutoff_hz)) < _level_db(tone) - softer_db


def test_an_anchor_delays_nothing():
    click = signals.clicks([0.25], 0.5, RATE)
    anchored = listening.anchor(click, RATE)
    assert anchored.argmax() == click.argmax()
    assert_allclose(anchored[0, : click.argmax()][::-1][:500], anchored[0, click.argmax() + 1 :][:500], atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (2, 10), (2, 5000)])
def test_an_anchor_has_the_shape_and_type_of_its_reference(rng, shape):
    waveform = rng.standard_normal(shape).astype(np.float32)
    waveform.setflags(write=False)
    anchored = listening.anchor(waveform, RATE)
    assert anchored.shape == shape
    assert anchored.dtype == np.float32
    assert not listening.anchor(np.zeros(shape), RATE).any()


def test_an_anchor_above_what_the_recording_has_is_refused():
    with pytest.raises(ValueError, match=r"cutoff_hz must be a number above 0 and below 3500 .* lower cutoff"):
        listening.anchor(np.ones((1, 100)), 8_000, 3_500)


def _trial(seed, **options):
    rng = np.random.default_rng(seed)
    reference = rng.standard_normal((1, 4000))
    estimates = {name: reference + gain * rng.standard_normal((1, 4000)) for name, gain in (("x", 0.1), ("y", 1))}
    return reference, estimates, listening.trial(reference, estimates, RATE, rng=np.random.default_rng(seed), **options)


def test_a_trial_holds_the_hidden_reference_the_anchors_and_every_estimate_once():
    reference, estimates, trial = _trial(1, cutoffs_hz=(3_500, 7_000))
    assert list(trial.stimuli) == list(trial.key) == list("ABCDE")
    assert sorted(trial.key.values()) == ["anchor 3.5 kHz", "anchor 7 kHz", "hidden reference", "x", "y"]
    wanted = {
        **estimates,
        "hidden reference": reference,
        "anchor 3.5 kHz": listening.anchor(reference, RATE, 3_500),
        "anchor 7 kHz": listening.anchor(reference, RATE, 7_000),
    }
    for label, name in trial.key.items():
        assert_array_equal(trial.stimuli[label], wanted[name])
    assert_array_equal(trial.reference, reference)


def test_the_order_follows_the_seed_and_every_stimulus_gets_every_place():
    assert _trial(3)[2].key == _trial(3)[2].key
    reference, estimates, _ = _trial(0)
    rng = np.random.default_rng(0)
    keys = [listening.trial(reference, estimates, RATE, rng=rng).key for _ in range(60)]
    for label in "ABCD":
        assert {key[label] for key in keys} == {"x", "y", "hidden reference", "anchor 3.5 kHz"}


def test_ratings_come_back_under_their_names():
    trial = _trial(5)[2]
    ratings = {label: 10 * place for place, label in enumerate("ABCD")}
    assert trial.reveal(ratings) == {trial.key[label]: rating for label, rating in ratings.items()}


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        ({"A": 1, "B": 2, "C": 3}, "one rating for each of A, B, C, D"),
        ({"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}, "one rating for each of A, B, C, D"),
        ({"A": 1, "B": 2, "C": 3, "D": 101}, "rating of D must be a number at least 0 and at most 100"),
        ({"A": 1, "B": 2, "C": 3, "D": np.nan}, "rating of D must be a number"),
    ],
)
def test_ratings_that_do_not_fit_are_refused(ratings, words):
    with pytest.raises(ValueError, match=words):
        _trial(5)[2].reveal(ratings)


def test_a_trial_of_too_many_stimuli_is_refused():
    reference = np.ones((1, 4000))
    many = {f"estimate {i}": reference for i in range(11)}
    with pytest.raises(ValueError, match=r"at most 12 stimuli, got 13 .* several trials"):
        listening.trial(reference, many, RATE, rng=np.random.default_rng(0))


def test_an_estimate_with_the_name_of_the_hidden_reference_is_refused():
    reference = np.ones((1, 4000))
    with pytest.raises(ValueError, match="must not have the name 'hidden reference'"):
        listening.trial(reference, {"hidden reference": reference}, RATE, rng=np.random.default_rng(0))


def test_an_estimate_of_another_length_is_refused():
    with pytest.raises(ShapeError, match="must have the same shape"):
        listening.trial(np.ones((1, 40)), {"x": np.ones((1, 41))}, RATE, rng=np.random.default_rng(0))


def test_an_order_without_a_generator_is_refused():
    with pytest.raises(TypeError, match="default_rng"):
        listening.trial(np.ones((1, 4000)), {"x": np.ones((1, 4000))}, RATE, rng=3)


def test_listeners_are_kept_up_to_15_percent_of_misses():
    ratings = np.full((5, 20), 100.0)
    ratings[1, :3] = 89  # 3 of 20 is exactly 15 percent
    ratings[2, :4] = 89
    ratings[3, :] = 90  # 90 itself is no miss
    ratings[4, :] = np.nan
    ratings.setflags(write=False)
    assert_array_equal(listening.trusted_listeners(ratings), [True, True, False, True, False])


def test_trials_that_were_missed_do_not_count():
    ratings = np.array([[80, 100, 100, 100, 100, 100, 100], [80, 100, np.nan, np.nan, np.nan, np.nan, np.nan]])
    assert_array_equal(listening.trusted_listeners(ratings), [True, False])


def test_ratings_outside_the_scale_are_refused():
    with pytest.raises(ValueError, match="from 0 to 100, got 101"):
        listening.trusted_listeners([[101.0, 5.0]])
