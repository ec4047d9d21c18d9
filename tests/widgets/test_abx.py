"""The A/B/X test: what reaches the page shows nothing of X, and answers are counted."""

import json
import warnings

import numpy as np
import pytest

from mss_lab import loudness
from mss_lab.metrics import abx
from mss_lab.widgets import listening

RATE = 16_000


@pytest.fixture
def sounds(rng):
    a = 0.2 * rng.standard_normal((2, 4000)).astype(np.float32)
    # Softer, with a higher peak: nothing of it is equal by chance.
    b = 0.3 * a
    b[:, 100] = 0.7
    return a, b


def start(sounds, trials=6, seed=1, **options):
    return listening.abx(*sounds, RATE, trials, rng=np.random.default_rng(seed), **options)


def samples_of(session):
    """The integers of A, B and X as they travel."""
    return np.frombuffer(session._player.samples, "<i2").reshape(3, -1)


def words_on_the_page(session):
    """What the page shows, or what a screen reader reads: all that travels, without the samples and their scales."""
    content = {name: value for name, value in session._player.content.items() if name not in ("scales", "revision")}
    state = {name: getattr(session._form, name) for name in ("content", "value", "answer", "closed", "table")}
    return json.dumps([content, state], default=str)


def test_x_is_the_same_samples_as_the_sound_that_it_is(sounds):
    session = start(sounds)
    key = abx.order(6, rng=np.random.default_rng(1))
    assert set(key) == {"A", "B"}
    for letter in key:
        a, b, x = samples_of(session)
        assert not np.array_equal(a, b)
        np.testing.assert_array_equal(x, {"A": a, "B": b}[letter])
        session.answer("A")
    assert session.result == abx.Result(key.count("A"), 6)


def test_pages_are_alike_whatever_x_is(sounds):
    # Two tests whose orders are opposite in the first trial.
    first = {abx.order(6, rng=np.random.default_rng(seed))[0]: seed for seed in range(20)}
    sessions = [start(sounds, seed=seed) for seed in first.values()]
    pages = [words_on_the_page(session) for session in sessions]
    assert len(pages) == 2 and pages[0] == pages[1]
    texts = [json.dumps(session._repr_mimebundle_()[0]["text/html"]) for session in sessions]
    assert texts[0] == texts[1]
    # Nor does a page change in another way when X changes than when it stays.
    for session in sessions:
        before = session._player.content
        session.answer("B")
        after = session._player.content
        changed = {name for name in after if after[name] != before[name]}
        assert changed <= {"revision", "scales"}
    assert words_on_the_page(sessions[0]) == words_on_the_page(sessions[1])


def test_nothing_is_drawn_and_no_gain_is_sent(sounds):
    content = start(sounds)._player.content
    assert content["blind"] and content["byEar"] and content["strip"] is None
    assert [version["gainDb"] for version in content["versions"]] == [0, 0, 0]
    png, _ = start(sounds)._player.static()
    assert png == start((sounds[1], sounds[0]))._player.static()[0]


def test_both_sounds_are_equally_loud(sounds):
    session = start(sounds)
    loudnesses = [loudness.loudness_lufs(sound, RATE) for sound in session._sounds.values()]
    assert loudnesses[0] == pytest.approx(loudnesses[1], abs=1e-4)
    np.testing.assert_array_equal(session._sounds["A"], sounds[0])


def test_the_inputs_are_not_changed(sounds):
    for sound in sounds:
        sound.setflags(write=False)
    session = start(sounds)
    session.answer("B")


def test_the_result_comes_after_the_last_answer_and_not_before(sounds):
    session = start(sounds)
    key = abx.order(6, rng=np.random.default_rng(1))
    assert session._form.content["heading"] == "Trial 1 of 6"
    for number, letter in enumerate(key, start=1):
        assert session.result is None
        assert "right" not in words_on_the_page(session)
        assert session._form.content["heading"] == f"Trial {number} of 6"
        session._form.press(abx.LETTERS.index(letter))
    assert session.answers == key
    assert session.result == abx.Result(6, 6)
    assert session._form.answer["text"] == (
        "6 of 6 right; by guessing 1.6 % would do at least as well. 6 or more right answers are significant at 5 %."
    )
    assert session._form.table["rows"] == [[str(n), x, x] for n, x in enumerate(key, start=1)]
    with pytest.raises(ValueError, match="all 6 trials are answered; make a new test"):
        session.answer("A")


def test_a_press_for_an_earlier_trial_does_not_count(sounds):
    session = start(sounds)
    press = {"kind": "pressed", "page": session._form.content["page"], "button": 1, "ratings": {}}
    session._form._received(session._form, press, [])
    session._form._received(session._form, press, [])
    assert session.answers == ("B",)


def test_equal_sounds_leave_guessing(sounds):
    session = start((sounds[0], sounds[0]))
    a, b, x = samples_of(session)
    assert np.array_equal(a, b) and np.array_equal(a, x)


def test_too_few_trials_are_said(sounds):
    with pytest.warns(UserWarning, match="with 4 trials no result can be significant at 5 %; take at least 5"):
        session = start(sounds, trials=4)
    assert "no result can be significant" in session._form.answer["text"]
    for _ in range(4):
        session.answer("A")
    assert "No number of right answers would be significant" in session._form.answer["text"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        start(sounds, trials=5)


def test_one_silent_sound_is_allowed_and_two_are_not(sounds):
    silence = np.zeros_like(sounds[0])
    assert not samples_of(start((sounds[0], silence)))[1].any()
    with pytest.raises(ValueError, match="both silent, so there is nothing to listen to"):
        start((silence, silence))


def test_mono_and_one_sample():
    assert start((np.ones((1, 1)), -np.ones((1, 1)))).result is None


@pytest.mark.parametrize(
    ("a", "b", "options", "words"),
    [
        (np.ones((1, 40)), np.ones((1, 41)), {}, "must have the same shape"),
        (np.ones((1, 40)), np.ones((2, 40)), {}, "must have the same shape"),
        (np.ones((1, 40)), np.full((1, 40), np.nan), {}, "b "),
        (np.ones((1, 40)), np.ones((1, 40)), {"trials": 0}, "trials must be a whole number at least 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b, options, words):
    with pytest.raises(ValueError, match=words):
        start((a, b), **options)


def test_other_letters_are_refused(sounds):
    with pytest.raises(ValueError, match="letter must be one of 'A', 'B', got 'X'"):
        start(sounds).answer("X")


def test_headless_it_shows_the_question_and_both_sounds(sounds):
    data, _ = start(sounds, title="A <title>")._repr_mimebundle_()
    assert "A/B/X test of 6 trials" in data["text/plain"]
    assert data["text/html"].count("<audio") == 2
    assert "A &lt;title&gt;" in data["text/html"]
