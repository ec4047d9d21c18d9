"""The blind test on the page: nothing gives a name away before the button, and ratings come back under their names."""

import json

import numpy as np
import pytest

from mss_lab.metrics import listeners
from mss_lab.metrics import listening as judge
from mss_lab.widgets import listening

RATE = 16_000
# A rate at which there are frequencies above the anchor of 7 kHz.
CLASS_RATE = 22_050


@pytest.fixture
def trial(rng):
    reference = rng.standard_normal((1, 4000)).astype(np.float32)
    estimates = {"masterly": reference + 0.1 * rng.standard_normal((1, 4000)).astype(np.float32)}
    return judge.trial(reference, estimates, RATE, rng=np.random.default_rng(2))


def _all_words(session):
    sent = [session._player.content, session._form.get_state()]
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
    assert session._form.closed
    with pytest.raises(ValueError, match="have been revealed; make a new trial"):
        session.set(A=90)


def test_a_reader_who_moves_the_sliders_is_heard_as_one_who_calls_set(trial):
    session = listening.rate(trial, RATE)
    page = session._form.content["page"]
    session._form.set_state({"value": {"page": page, "ratings": {"A": 10, "B": 20, "C": None}}})
    assert session.ratings is None
    # The last movement comes with the press.
    press = {"kind": "pressed", "page": page, "button": 0, "ratings": {"A": 10, "B": 20, "C": 30}}
    session._form._received(session._form, press, [])
    assert session.revealed
    assert session.ratings == {"A": 10, "B": 20, "C": 30}


def test_the_button_does_not_reveal_before_everything_is_rated(trial):
    session = listening.rate(trial, RATE)
    session.set(B=20)
    session._form.press(0)
    assert not session.revealed
    assert session._form.answer["kind"] == "error"
    assert "not rated yet: A, C" in session._form.answer["text"]
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
    with pytest.raises(ValueError, match="no stimulus 'Z' here; there are A, B, C"):
        listening.rate(trial, RATE).set(Z=3)


@pytest.mark.parametrize("rating", [-1, 101, 50.5, float("nan")])
def test_a_rating_outside_the_scale_is_refused_and_changes_nothing(trial, rating):
    session = listening.rate(trial, RATE)
    session.set(A=5)
    with pytest.raises(ValueError, match="the rating of B must be a whole number at least 0 and at most 100"):
        session.set(B=rating)
    assert session._form.ratings == {"A": 5, "B": None, "C": None}


# ---- several excerpts and listeners -------------------------------------------------------------------------------


@pytest.fixture
def excerpts(rng):
    def excerpt():
        reference = rng.standard_normal((1, 4000)).astype(np.float32)
        return reference, {name: reference + gain * reference[:, ::-1] for name, gain in (("near", 0.1), ("far", 1))}

    return {name: excerpt() for name in ("song", "choir", "duet")}


def rate_page(session, rating_of):
    """Rate every stimulus of the page by its true name, as a listener who knows them would."""
    session.set(**{label: rating_of(name) for label, name in session.trial.key.items()})


def ratings_by_name(name):
    return {"hidden reference": 100, "near": 80, "anchor 7 kHz": 60, "anchor 3.5 kHz": 40, "far": 20}[name]


def test_a_test_is_walked_through_page_by_page_and_saved(excerpts, tmp_path):
    session = listening.mushra(excerpts, CLASS_RATE, "Ann", tmp_path / "class")
    seen = []
    for number in range(1, 4):
        assert not session.finished
        assert session._form.content["heading"] == f"Excerpt {number} of 3"
        reference, estimates = excerpts[session.excerpt]
        np.testing.assert_array_equal(session.trial.reference, reference)
        assert sorted(session.trial.key.values()) == sorted(
            ["hidden reference", "anchor 3.5 kHz", "anchor 7 kHz", *estimates]
        )
        seen.append(session.excerpt)
        rate_page(session, ratings_by_name)
        session.next()
        saved = listeners.read(tmp_path / "class" / "Ann.csv")
        assert len(saved) == 5 * number
    assert session.finished and sorted(seen) == sorted(excerpts)
    assert tuple(saved) == session.results
    assert {(one.stimulus, one.rating) for one in saved} == {
        (name, ratings_by_name(name)) for name in ("hidden reference", "near", "far", "anchor 3.5 kHz", "anchor 7 kHz")
    }
    assert "All 3 excerpts are rated and saved" in session._form.answer["text"]
    with pytest.raises(ValueError, match="all 3 excerpts are rated; a test is rated once"):
        session.next()
    with pytest.raises(ValueError, match="all 3 excerpts are rated"):
        session.set(A=3)


@pytest.mark.parametrize(("rate_hz", "anchors"), [(16_000, 1), (16_001, 2), (44_100, 2)])
def test_the_second_anchor_is_there_where_it_removes_something(excerpts, rate_hz, anchors):
    names = listening.mushra(excerpts, rate_hz).trial.key.values()
    assert sum(name.startswith("anchor") for name in names) == anchors


def test_no_name_of_a_system_is_on_the_page(excerpts):
    session = listening.mushra(excerpts, CLASS_RATE)
    assert not any(name in _all_words(session) for name in session.trial.key.values())


def test_the_next_page_waits_for_every_slider(excerpts, tmp_path):
    session = listening.mushra(excerpts, CLASS_RATE, "Ann", tmp_path)
    first = session.excerpt
    session.set(A=1, B=2, C=3, E=0)
    session._form.press(0)
    assert session._form.answer == {"text": "not rated yet: D; move every slider first", "kind": "error"}
    assert session.excerpt == first and not list(tmp_path.iterdir())
    stale = session._form.value
    session.set(D=4)
    session._form.press(0)
    assert session.excerpt != first and session.ratings is None
    # A slider that was still moving when the page was turned.
    session._form.set_state({"value": stale})
    assert session._form.unrated == list("ABCDE")


def test_a_second_session_continues_in_the_same_order(excerpts, tmp_path):
    before = listening.mushra(excerpts, CLASS_RATE, "Ann", tmp_path)
    orders = [(before.excerpt, dict(before.trial.key))]
    rate_page(before, ratings_by_name)
    before.next()
    orders.append((before.excerpt, dict(before.trial.key)))
    after = listening.mushra(excerpts, CLASS_RATE, "Ann", tmp_path)
    assert (after.excerpt, dict(after.trial.key)) == orders[1]
    assert after._form.content["heading"] == "Excerpt 2 of 3"
    assert after.results == before.results
    for _ in range(2):
        rate_page(after, ratings_by_name)
        after.next()
    assert listening.mushra(excerpts, CLASS_RATE, "Ann", tmp_path).finished
    # The first session is still open: it must not rate what the second has rated.
    rate_page(before, ratings_by_name)
    with pytest.raises(ValueError, match=r"two of .* by 'Ann'"):
        before.next()
    assert len(listeners.read(tmp_path)) == 15


def test_listeners_get_different_orders_and_a_seed_gives_the_same(excerpts):
    first = [listening.mushra(excerpts, CLASS_RATE, f"listener {number}") for number in range(12)]
    assert len({session.excerpt for session in first}) == 3
    assert len({tuple(session.trial.key.values()) for session in first}) > 5
    again = listening.mushra(excerpts, CLASS_RATE, "listener 3")
    assert (again.excerpt, again.trial.key) == (first[3].excerpt, first[3].trial.key)
    others = [listening.mushra(excerpts, CLASS_RATE, "listener 3", seed=seed).trial.key for seed in range(1, 6)]
    assert any(key != again.trial.key for key in others)


def test_a_page_that_cannot_be_saved_stays(excerpts, tmp_path):
    (tmp_path / "file").write_text("in the way")
    session = listening.mushra(excerpts, CLASS_RATE, "Ann", tmp_path / "file")
    first = session.excerpt
    rate_page(session, ratings_by_name)
    session._form.press(0)
    assert session._form.answer["kind"] == "error"
    assert session.excerpt == first and session.ratings is not None and session.results == ()


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda made: {}, {}, "excerpts must be a dict"),
        (lambda made: made | {"song": made["song"][0]}, {}, r"excerpts\['song'\] must be a pair"),
        (lambda made: made | {"song": (made["song"][0], {"near": made["song"][0]})}, {}, "the same systems"),
        (lambda made: made | {"=1": made["song"]}, {}, "the name of an excerpt must be"),
        (lambda made: made, {"listener": "a/b", "folder": "x"}, "listener must be a name"),
        (lambda made: made, {"folder": "x"}, "listener must be a name"),
        (lambda made: made, {"seed": -1}, "seed must be a whole number at least 0"),
    ],
)
def test_what_makes_no_test_is_refused(excerpts, change, options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        listening.mushra(change(excerpts), CLASS_RATE, **options)


@pytest.mark.parametrize("rating", [("Ann", "opera", "near"), ("Ann", "song", "other"), ("Bob", "song", "near")])
def test_a_file_of_another_test_or_listener_is_refused(excerpts, tmp_path, rating):
    listeners.write(tmp_path / "Ann.csv", [listeners.Rating(*rating, 5.0)])
    with pytest.raises(ValueError, match=r"belongs to another test|holds ratings by 'Bob'"):
        listening.mushra(excerpts, CLASS_RATE, "Ann", tmp_path)
