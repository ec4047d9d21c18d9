"""Notes that are given away take their sound with them, and leave the mixture as it was."""

from types import MappingProxyType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import segments  # noqa: E402
from mss_lab.neural.moved_notes import MOST, give_away  # noqa: E402
from mss_lab.neural.training_data import SongData  # noqa: E402

HOP, FRAMES, COUNT = 64, 60, 3
SAMPLES = HOP * (FRAMES - 1)


def segment():
    """Each source plays six notes, its sound being a constant of its own while one of them is held."""
    rolls = np.zeros((COUNT, FRAMES, 128), np.float32)
    sources = np.zeros((COUNT, SAMPLES), np.float32)
    for source in range(COUNT):
        for number in range(6):
            first = 10 * number + 2 * source
            rolls[source, first : first + 5, 50 + 10 * source + number] = 1
            sources[source, first * HOP + HOP : (first + 4) * HOP] = 1 + source
    return sources, rolls


@pytest.mark.parametrize("seed", range(12))
def test_the_sums_of_sounds_and_of_rolls_stay(seed):
    sources, rolls = segment()
    kept = sources.copy(), rolls.copy()
    moved_sources, moved_rolls = give_away(sources, rolls, HOP, np.random.default_rng(seed))
    np.testing.assert_array_equal(sources, kept[0])
    np.testing.assert_array_equal(rolls, kept[1])
    np.testing.assert_allclose(moved_sources.sum(axis=0), sources.sum(axis=0), atol=1e-5)
    np.testing.assert_array_equal(moved_rolls.max(axis=0), rolls.max(axis=0))
    assert moved_sources.dtype == moved_rolls.dtype == np.float32


@pytest.mark.parametrize("seed", range(12))
def test_sound_and_notes_move_together(seed):
    sources, rolls = give_away(*segment(), HOP, np.random.default_rng(seed))
    changed = 0
    for frame in range(1, FRAMES - 1):
        sample = frame * HOP + HOP // 2
        for owner in range(COUNT):
            # Pitches say whose sound it is.
            sounding = segment()[0][owner, sample] > 0 and segment()[1][owner, frame].any()
            if not sounding:
                continue
            pitch = int(np.flatnonzero(segment()[1][owner, frame])[0])
            (holder,) = np.flatnonzero(rolls[:, frame, pitch])
            changed += holder != owner
            others = [o for o in range(COUNT) if o != owner and rolls[holder, frame, 50 + 10 * o : 60 + 10 * o].any()]
            expected = 1 + owner + sum(1 + o for o in others if segment()[0][o, sample] > 0)
            assert sources[holder, sample] == pytest.approx(expected, abs=1e-4)
    assert changed > 0


def test_one_source_keeps_its_notes_and_silence_stays():
    sources, rolls = segment()
    alone = give_away(sources[:1], rolls[:1], HOP, np.random.default_rng(0))
    np.testing.assert_array_equal(alone[0], sources[:1])
    np.testing.assert_array_equal(alone[1], rolls[:1])
    nothing = give_away(sources, np.zeros_like(rolls), HOP, np.random.default_rng(0))
    np.testing.assert_array_equal(nothing[0], sources)


def test_no_more_notes_move_than_is_said():
    for seed in range(40):
        _, rolls = give_away(*segment(), HOP, np.random.default_rng(seed))
        onsets = np.argwhere((segment()[1] > rolls).any(axis=1))
        assert len(onsets) <= MOST


class Songs(list):
    facts = MappingProxyType({"sources": ("a", "b"), "sample_rate_hz": 8000})


def songs():
    rng = np.random.default_rng(0)
    notes = [(source, 60 + 5 * source, 0.25 * step, 0.25 * step + 0.2) for source in range(2) for step in range(16)]
    return Songs([{"audio": rng.standard_normal((2, 32_000)).astype(np.float32), "notes": np.array(notes)}] * 2)


def batches(**options):
    return segments.batches(songs(), length_samples=16_000, batch=4, seed=1, roll_hop_samples=HOP, **options)


def test_batches_move_notes_in_a_share_of_their_segments_and_keep_the_mixtures():
    plain, always, sometimes = batches(), batches(moved_notes=1.0), batches(moved_notes=0.5)
    differs = []
    for step in range(8):
        torch.testing.assert_close(always(step)["sources"].sum(1), plain(step)["sources"].sum(1), atol=1e-5, rtol=1e-5)
        assert (always(step)["rolls"] != plain(step)["rolls"]).flatten(1).any(dim=1).all()
        differs += (sometimes(step)["rolls"] != plain(step)["rolls"]).flatten(1).any(dim=1).tolist()
    assert 8 <= sum(differs) <= 24


def test_the_same_step_moves_the_same_notes_whatever_the_number_of_processes():
    moving = batches(moved_notes=1.0)
    whole, halves = moving(3), [moving.part(3, rank, 2) for rank in range(2)]
    for name in whole:
        torch.testing.assert_close(torch.cat([half[name] for half in halves]), whole[name])
        torch.testing.assert_close(moving(3)[name], whole[name])


def test_the_facts_name_it_where_it_is_used():
    assert "moved_notes" not in batches().facts
    assert batches(moved_notes=0.5).facts["moved_notes"] == 0.5


def test_refused_options():
    with pytest.raises(ValueError, match="moved_notes"):
        batches(moved_notes=1.5)
    with pytest.raises(ValueError, match="reads notes"):
        segments.batches(songs(), length_samples=100, batch=1, seed=0, moved_notes=0.5)
    assert SongData(moved_notes=0.5).moved_notes == 0.5
