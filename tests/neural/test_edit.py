"""The editor separates as `apply.separate` does, and computes only what an edit changes."""

import dataclasses
import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import memory, steering  # noqa: E402
from mss_lab.datasets.track import Track  # noqa: E402
from mss_lab.neural import apply, edit, models  # noqa: E402
from mss_lab.score.notes import Note, Score  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, built  # noqa: E402

SOURCES = ("violin", "bassoon")
TINY = {
    "sources": SOURCES, "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "hidden": 8, "layers": 1,
    "dropout": 0.0, "score_hidden": 6, "score_layers": 1, "embedding": 8, "even_level": True,
}  # fmt: skip
CHUNKS = {"chunk_s": 2.0, "overlap_s": 0.5}

tiny = functools.partial(built, "dsis", TINY)


def score_of(length_s, *, lowest=60):
    rows = [(name, onset_s) for name in SOURCES for onset_s in np.arange(0, length_s, 0.5).tolist()]
    notes = tuple(Note(name, lowest + 5 * (name == "violin"), on, on + 0.4) for name, on in rows)
    return Score(notes, SOURCES)


def noise(rng, length_s, channels=1, rate_hz=RATE_HZ):
    return (0.1 * rng.standard_normal((channels, max(1, round(length_s * rate_hz))))).astype(np.float32)


def edited(score, index=0, midi=72):
    notes = list(score.notes)
    notes[index] = dataclasses.replace(notes[index], midi=midi)
    return Score(tuple(notes), score.sources)


@pytest.mark.parametrize(
    "variant, masks, length_s, channels, rate_hz",
    [
        ("residual", "softmax", 0.0, 1, RATE_HZ),
        ("residual", "leaky", 0.3, 2, 44_100),
        ("vanilla", "softmax", 1.9, 1, RATE_HZ),
        ("processed", "sigmoid", 1.9, 1, 48_000),
        ("residual", "softmax", 5.3, 2, 11_025),
    ],
)
def test_the_estimates_are_those_of_a_separation(rng, variant, masks, length_s, channels, rate_hz):
    model, mixture = tiny(variant=variant, masks=masks), noise(rng, length_s, channels, rate_hz)
    first = score_of(max(length_s, 0.5))
    editor = edit.Editor(model, mixture, rate_hz, **CHUNKS, even_level=True)
    for score in (first, edited(first), Score(first.notes[1:], SOURCES), first):
        expected = apply.separate(model, mixture, rate_hz, score, **CHUNKS, even_level=True)
        estimates = editor.separate(score)
        assert tuple(estimates) == tuple(expected)
        for name, estimate in estimates.items():
            assert estimate.dtype == np.float32
            np.testing.assert_allclose(estimate, expected[name], atol=1e-6)


def test_only_the_chunks_that_an_edit_reaches_are_computed(rng):
    model, mixture = tiny(), noise(rng, 12.0)
    score = score_of(12.0)
    editor = edit.Editor(model, mixture, RATE_HZ, **CHUNKS)
    editor.separate(score)
    chunks = editor.computed
    assert chunks > 5
    editor.separate(score)
    assert editor.computed == 0
    # The first note lies in the first chunk, and in no other's context.
    estimates = editor.separate(edited(score))
    assert editor.computed == 1
    for name, expected in apply.separate(model, mixture, RATE_HZ, edited(score), **CHUNKS).items():
        np.testing.assert_allclose(estimates[name], expected, atol=1e-6)
    editor.separate(score_of(12.0, lowest=50))
    assert editor.computed == chunks


def test_estimates_belong_to_the_caller(rng):
    model, mixture = tiny(), noise(rng, 1.0)
    editor = edit.Editor(model, mixture, RATE_HZ)
    first = editor.separate(score_of(1.0))
    kept = {name: estimate.copy() for name, estimate in first.items()}
    for estimate in first.values():
        estimate[:] = 0
    again = editor.separate(score_of(1.0))
    for name, estimate in again.items():
        np.testing.assert_array_equal(estimate, kept[name])


def test_a_score_may_have_no_notes_yet_and_silence_stays_silent(rng):
    model, mixture = tiny(), noise(rng, 3.0)
    estimates = edit.Editor(model, mixture, RATE_HZ, **CHUNKS).separate(Score((), SOURCES))
    assert tuple(estimates) == SOURCES
    # Softmax masks are not the default, so the two need not add up; both sound.
    assert all(estimate.any() for estimate in estimates.values())
    silent = edit.Editor(model, np.zeros((2, RATE_HZ), np.float32), RATE_HZ, even_level=True)
    assert not any(estimate.any() for estimate in silent.separate(score_of(1.0)).values())


def test_a_source_without_a_place_and_without_notes_is_silent(rng):
    score = Score(score_of(1.0).notes, (*SOURCES, "harp"))
    estimates = edit.Editor(tiny(), noise(rng, 1.0), RATE_HZ).separate(score)
    assert tuple(estimates) == (*SOURCES, "harp") and not estimates["harp"].any()


def test_players_are_assigned_as_for_a_separation(rng):
    model, mixture, players = tiny(), noise(rng, 1.0), {"first": "bassoon"}
    score = Score((Note("first", 60, 0, 0.5),), ("first",))
    expected = apply.separate(model, mixture, RATE_HZ, score, players=players)
    np.testing.assert_allclose(
        edit.Editor(model, mixture, RATE_HZ, players=players).separate(score)["first"], expected["first"], atol=1e-6
    )


def test_training_mode_is_left_as_it_was(rng):
    model = tiny().train()
    edit.Editor(model, noise(rng, 1.0), RATE_HZ).separate(score_of(1.0))
    assert model.training


def test_a_separator_keeps_the_editor_of_the_last_mixture(rng, monkeypatch):
    built = []

    class Counted(edit.Editor):
        def __init__(self, *arguments, **options):
            built.append(1)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(edit, "Editor", Counted)
    model, mixture, other = tiny(), noise(rng, 1.0), noise(rng, 1.0)
    separate = edit.separator(model, even_level=True)
    for one, count in ((mixture, 1), (mixture.copy(), 1), (other, 2), (mixture, 3)):
        estimates = separate(one, RATE_HZ, score_of(1.0))
        assert len(built) == count
        expected = apply.separate(model, one, RATE_HZ, score_of(1.0), even_level=True)
        np.testing.assert_allclose(estimates["violin"], expected["violin"], atol=1e-6)


def test_the_way_from_an_empty_score_can_be_separated(rng):
    stems = {name: noise(rng, 1.0) for name in SOURCES}
    track = Track("noise", RATE_HZ, stems, score_of(1.0))
    rows = steering.interpolation(edit.separator(tiny()), track, steps=2, rng=rng)
    assert len(rows) == 2 * 3


@pytest.mark.parametrize(
    "score, message",
    [
        (Score((Note("violin", 60, 5.0, 6.0),), SOURCES), "no note within the recording"),
        (Score((Note("violin", 20, 0.0, 0.5),), SOURCES), "MIDI 21 to 108"),
        (Score((Note("violin", 109, 0.0, 0.5),), SOURCES), "MIDI 21 to 108"),
        (Score((Note("harp", 60, 0.0, 0.5),), ("harp",)), "separates violin, bassoon"),
    ],
)
def test_scores_that_cannot_be_are_refused_and_the_editor_goes_on(rng, score, message):
    mixture = noise(rng, 1.0)
    editor = edit.Editor(tiny(), mixture, RATE_HZ)
    with pytest.raises(ValueError, match=message):
        editor.separate(score)
    with pytest.raises(TypeError):
        editor.separate(None)
    estimates = editor.separate(score_of(1.0))
    expected = apply.separate(tiny(), mixture, RATE_HZ, score_of(1.0))
    np.testing.assert_allclose(estimates["violin"], expected["violin"], atol=1e-6)


def test_networks_and_recordings_that_cannot_be_edited_are_refused(rng):
    with pytest.raises(TypeError, match="front end of its own"):
        edit.Editor(models.build("mask-inference", {"hidden": 4, "layers": 1}), noise(rng, 1.0), RATE_HZ)
    with pytest.raises(ValueError, match="mixture"):
        edit.Editor(tiny(), np.zeros(100, np.float32), RATE_HZ)
    with pytest.raises(ValueError, match="two overlaps"):
        edit.Editor(tiny(), noise(rng, 1.0), RATE_HZ, chunk_s=1.0, overlap_s=1.0)
    with memory.allowing(1e5), pytest.raises(ValueError, match="edit an excerpt"):
        edit.Editor(tiny(), noise(rng, 10.0), RATE_HZ)
