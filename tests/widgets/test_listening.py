"""The blind test on the page: nothing gives a name away before the button, and ratings come back under their names."""

import json

import numpy as np
import pytest

from mss_lab.metrics import listening as judge
from mss_lab.widgets import listening

RATE = 16_000


@pytest.fixture
def trial(rng):
    reference = rng.standard_normal((1, 4000)).astype(np.float32)
    estimates = {"masterly": reference + 0.1 * rng.standard_normal((1, 4000)).astype(np.float32)}
    return judge.trial(reference, estimates, RATE, rng=np.random.default_rng(2))


def _all_words(session):
    sent = [session._player.content, [child.get_state() for child in session.children if child is not session._player]]
    return json.dumps([sent, session._repr_mimebundle_()[0]], default=str)


def test_no_name_is_on_the_page_before_the_reveal_and_all_are_after(trial):
    session = listening.rate(trial, RATE)
    session.set(A=10, B=20)
    assert not any(name in _all_words(session) for name in trial.key.values())
    session.set(C=30)
    session.reveal()
    assert all(name in _all_words(session) for name in trial.key.values())


def test_ratings_come_back_under_their_names_and_are_then_locked(trial):
    session = listening.rate(trial, RATE)
    assert session.ratings is None
    session.set(A=10, B=0)
    assert session.ratings is None
    session.set(C=30)
    assert session.ratings == {"A": 10, "B": 0, "C": 30}
    assert session.reveal() == {trial.key["A"]: 10, trial.key["B"]: 0, trial.key["C"]: 30}
    assert all(item.disabled for item in session._sliders.values())
    with pytest.raises(ValueError, match="have been revealed; make a new trial"):
        session.set(A=90)


def test_a_reader_who_moves_the_sliders_is_heard_as_one_who_calls_set(trial):
    session = listening.rate(trial, RATE)
    for place, item in enumerate(session._sliders.values(), start=1):
        item.value = 10 * place
    session._button.click()
    assert session.revealed
    assert session.ratings == {"A": 10, "B": 20, "C": 30}


def test_the_button_does_not_reveal_before_everything_is_rated(trial):
    session = listening.rate(trial, RATE)
    session.set(B=20)
    session._button.click()
    assert not session.revealed
    assert "not rated yet: A, C" in session._answer.value
    with pytest.raises(ValueError, match="not rated yet: A, C; move every slider"):
        session.reveal()


def test_every_stimulus_and_the_reference_is_a_version_of_the_player(trial):
    session = listening.rate(trial, RATE)
    assert [version["name"] for version in session._player.content["versions"]] == ["reference", "A", "B", "C"]
    # Nothing can be told at a glance: only the reference is drawn.
    assert session._player.content["strip"] is None
    assert session._player.content["byEar"]


def test_headless_it_shows_a_picture_a_sound_and_the_question(trial):
    data, _ = listening.rate(trial, RATE)._repr_mimebundle_()
    assert "<audio" in data["text/html"]
    assert "A, B, C" in data["text/plain"]


def test_what_is_no_trial_is_refused():
    with pytest.raises(TypeError, match="must be a Trial, got dict; make one with"):
        listening.rate({}, RATE)


def test_a_label_that_the_trial_does_not_have_is_refused(trial):
    with pytest.raises(ValueError, match="no stimulus 'Z'; it has A, B, C"):
        listening.rate(trial, RATE).set(Z=3)
