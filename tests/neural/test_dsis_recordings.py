"""Deep score-informed separation of recordings as they come: short and long, mono and stereo, at any rate."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import apply, segments  # noqa: E402
from mss_lab.neural.models.dsis import VARIANTS  # noqa: E402
from mss_lab.score.notes import Note, Score  # noqa: E402
from tests.neural.training import built  # noqa: E402

SOURCES = ("violin", "clarinet", "tenor_sax", "bassoon")
RATE_HZ, HOP = 8_000, 128
TINY = {
    "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "hidden": 4, "layers": 1, "dropout": 0.0,
    "score_hidden": 4, "score_layers": 1, "embedding": 4, "masks": "softmax", "even_level": True, "lowest_midi": 34,
    "pitches": 64,
}  # fmt: skip

tiny = functools.partial(built, "dsis", TINY)


def score_of(length_s):
    onsets_s = np.arange(0, max(length_s, 0.1), 0.7).tolist()
    notes = [Note(source, 50 + 5 * i, on, on + 0.5) for i, source in enumerate(SOURCES) for on in onsets_s]
    return Score(tuple(notes), SOURCES)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "samples, channels, rate_hz", [(1, 1, 8_000), (HOP, 2, 8_000), (700, 1, 96_000), (30_000, 2, 22_050)]
)
def test_recordings_of_a_frame_or_seconds_are_separated_whole(rng, variant, samples, channels, rate_hz):
    mixture = rng.uniform(-0.3, 0.3, (channels, samples)).astype(np.float32)
    estimates = apply.separate(tiny(variant=variant), mixture, rate_hz, score_of(samples / rate_hz))
    assert tuple(estimates) == SOURCES
    assert all(one.shape == mixture.shape and np.isfinite(one).all() for one in estimates.values())
    if rate_hz == RATE_HZ:
        # Softmax masks leave nothing out.
        np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-5)


@pytest.mark.slow(8)
def test_minutes_take_no_more_memory_at_once_than_a_chunk(rng):
    length_s, longest = 240, 0
    mixture = rng.uniform(-0.3, 0.3, (1, length_s * RATE_HZ)).astype(np.float32)
    model = tiny()
    steered = model.steered

    def counted(prepared, conditions, samples):
        nonlocal longest
        longest = max(longest, samples)
        return steered(prepared, conditions, samples)

    model.steered = counted
    estimates = apply.separate(model, mixture, RATE_HZ, score_of(length_s))
    np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-4)
    # A chunk, its context on both sides, and what the last one may have more.
    assert longest <= (apply.CHUNK_S + 1.75 * apply.OVERLAP_S) * RATE_HZ


def test_a_louder_recording_has_louder_estimates_and_no_others(rng):
    mixture = rng.uniform(-0.01, 0.01, (1, RATE_HZ)).astype(np.float32)
    quiet, loud = (apply.separate(tiny(), gain * mixture, RATE_HZ, score_of(1.0)) for gain in (1, 50))
    for name in SOURCES:
        np.testing.assert_allclose(loud[name], 50 * quiet[name], atol=1e-4)


@pytest.mark.parametrize("wrong_rate_hz", [50.0, 62.0, 86.13])
def test_rolls_of_another_frame_rate_are_refused(wrong_rate_hz):
    model, samples = tiny(), 2 * RATE_HZ
    frames = 1 + round(samples / RATE_HZ * wrong_rate_hz)
    rolls = torch.zeros(1, len(SOURCES), frames, 128)
    with pytest.raises(ValueError, match=r"62\.5 frames a second"):
        model(torch.zeros(1, samples), {"rolls": rolls})


@pytest.mark.parametrize("midi", [33, 98])
def test_notes_outside_the_trained_range_are_refused(rng, midi):
    score = Score((*score_of(1.0).notes, Note("bassoon", midi, 0.0, 0.5)), SOURCES)
    with pytest.raises(ValueError, match="MIDI 34 to 97"):
        apply.separate(tiny(), rng.uniform(-0.3, 0.3, (1, RATE_HZ)).astype(np.float32), RATE_HZ, score)


@pytest.mark.parametrize("midi", [34, 97])
def test_the_lowest_and_the_highest_note_of_the_range_are_read(rng, midi):
    mixture = rng.uniform(-0.3, 0.3, (1, RATE_HZ)).astype(np.float32)
    with_note = Score((*score_of(1.0).notes, Note("bassoon", midi, 0.0, 0.5)), SOURCES)
    one, other = (apply.separate(tiny(), mixture, RATE_HZ, score) for score in (score_of(1.0), with_note))
    assert np.abs(one["bassoon"] - other["bassoon"]).max() > 1e-6


def test_an_instrument_that_it_never_heard_is_refused_with_a_way_out(rng):
    mixture = rng.uniform(-0.3, 0.3, (1, RATE_HZ)).astype(np.float32)
    score = Score((Note("harp", 60, 0.0, 0.5),), ("harp",))
    with pytest.raises(ValueError, match="players="):
        apply.separate(tiny(), mixture, RATE_HZ, score)
    estimates = apply.separate(tiny(), mixture, RATE_HZ, score, players={"harp": "violin"})
    assert tuple(estimates) == ("harp",) and estimates["harp"].any()


def test_rolls_of_a_segment_fit_the_network(rng):
    samples = 5 * HOP + 3
    roll = segments.roll_of(np.array([[0, 60, 0.0, 0.05]]), len(SOURCES), 1 + samples // HOP, RATE_HZ / HOP)
    estimates = tiny()(torch.zeros(1, samples), {"rolls": torch.from_numpy(roll)[None]})
    assert estimates.shape == (1, len(SOURCES), samples)
