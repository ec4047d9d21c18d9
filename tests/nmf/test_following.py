"""NMF that follows the pitch: movements are found, steady tones are left alone, weights are shared by all positions."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab import transforms
from mss_lab.lessons import chooser
from mss_lab.metrics.energy import sdr
from mss_lab.nmf import following, informed, pitch_tracks, shapes
from mss_lab.nmf.constrained import keys_of
from mss_lab.score.notes import Note, Score
from mss_lab.score.reading import ScoreWarning
from mss_lab.units import cents_to_ratio, midi_to_hz

RATE_HZ = 16_000
WINDOW, HOP = 2048, 256
GRID = (WINDOW, RATE_HZ)
FREQ = WINDOW // 2 + 1


def tone(midi, cents, slope=1.0):
    """A tone of twelve harmonics whose pitch is off by so many cents at each sample: (1, samples)."""
    phase = 2 * np.pi * np.cumsum(midi_to_hz(midi) * cents_to_ratio(np.asarray(cents))) / RATE_HZ
    return sum(np.sin(h * phase) / h**slope for h in range(1, 13))[np.newaxis].astype(np.float32) * 0.1


def magnitude_of(waveform):
    return transforms.common_magnitude(transforms.stft(waveform, window_samples=WINDOW, hop_samples=HOP))


def tracked(waveform, pitches):
    """Tracks of keys that may sound at any time, after a rough fit."""
    V = magnitude_of(waveform)
    wide = shapes.of_keys(np.array(pitches), (0.0,), *GRID, width_cents=60.0, width_bins=2.2)
    rough, H = following.fit(V, np.ones((len(pitches), V.shape[1]), bool), wide, iterations=8)
    return pitch_tracks.tracks_cents(V, rough, H, pitch_tracks.combs(np.array(pitches), *GRID))


SECONDS = np.arange(2 * RATE_HZ) / RATE_HZ
MOVEMENTS = {
    "vibrato": 30 * np.sin(2 * np.pi * 5 * SECONDS),
    "portamento": np.clip(-45 + 60 * SECONDS, -45, 45),
    "steady and sharp": np.full(len(SECONDS), 20.0),
}


@pytest.mark.parametrize("movement", MOVEMENTS)
@pytest.mark.parametrize("midi", [60.0, 72.0])
def test_a_known_movement_is_found(movement, midi):
    cents = MOVEMENTS[movement]
    found = tracked(tone(midi, cents), [midi])[0][8:-8]
    true = cents[::HOP][8 : 8 + len(found)]
    assert np.sqrt(np.mean((found - true) ** 2)) < 10


def test_a_steady_tone_is_left_alone():
    found = tracked(tone(64.0, np.zeros(RATE_HZ)), [64.0])
    assert np.abs(found[:, 8:-8]).max() <= pitch_tracks.STEP_CENTS


def test_two_tones_are_followed_each_by_itself():
    mixture = tone(57.0, MOVEMENTS["vibrato"]) + tone(64.0, np.zeros(len(SECONDS)))
    moving, still = tracked(mixture, [57.0, 64.0])[:, 8:-8]
    assert np.corrcoef(moving, MOVEMENTS["vibrato"][::HOP][8 : 8 + len(moving)])[0, 1] > 0.8
    assert np.mean(np.abs(still)) < 8


def test_drums_silence_and_pitches_too_high_have_no_track():
    noise = np.random.default_rng(0).normal(0, 0.1, (1, RATE_HZ // 2)).astype(np.float32)
    assert not tracked(noise, [np.nan]).any()
    assert not tracked(np.zeros((1, RATE_HZ // 2), np.float32), [60.0]).any()
    assert pitch_tracks.combs(np.array([np.nan, 127.0]), 512, 8_000) == [None, None]


def test_a_track_does_not_depend_on_level():
    waveform = tone(60.0, MOVEMENTS["vibrato"])
    assert_allclose(tracked(waveform * np.float32(1e-5), [60.0]), tracked(waveform, [60.0]))


def test_nearness_lies_between_two_places_and_adds_up_to_one():
    cents = np.array([[-80.0, -50.0, -10.0, 0.0, 12.5, 50.0]])
    near = following.nearness(cents)[:, 0]
    assert_allclose(near.sum(axis=0), 1, rtol=1e-6)
    assert np.count_nonzero(near, axis=0).max() <= 2
    within = np.clip(cents[0], -50, 50)
    assert_allclose(np.array(following.POSITIONS_CENTS) @ near, within, atol=1e-4)


def problem(rng, positions=following.POSITIONS_CENTS):
    """A magnitude, where keys may sound, their shapes, and tracks over all the positions."""
    bells = shapes.of_keys(np.array([57.0, 64.0]), positions, *GRID, harmonics=10)
    allowed = np.ones((2, 30), bool)
    allowed[0, :6] = False
    tracks = rng.uniform(-50, 50, (2, 30)) if len(positions) > 1 else None
    return rng.random((FREQ, 30)).astype(np.float32), allowed, bells, tracks


def divergence(V, W, H, tracks):
    Y = following.models(W, H, tracks, np.zeros(len(H), int), 1)[0, 0].astype(float) + 1e-10
    return float(np.sum(V * np.log(V / Y) - V + Y))


@pytest.mark.parametrize("free", [0, 3])
def test_weights_are_shared_by_all_places(rng, free):
    V, allowed, bells, tracks = problem(rng)
    W, H = following.fit(V, allowed, bells, tracks, iterations=6, free_iterations=free, by_share=False)
    assert not H[~allowed].any()
    misfits = []
    for key in range(2):
        dense = bells.toarray().reshape(2, 10, len(following.POSITIONS_CENTS), 2, FREQ)[key, :, :, key]
        weights, *_ = np.linalg.lstsq(dense.reshape(10, -1).T, W[:, key].ravel(), rcond=None)
        misfits.append(np.abs(np.einsum("h,hcf->cf", weights, dense) - W[:, key]).max() / W[:, key].max())
    assert max(misfits) < 1e-4 if free == 0 else max(misfits) > 1e-2


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("positions", [(0.0,), following.POSITIONS_CENTS])
def test_the_divergence_never_rises_with_plain_updates(rng, positions, free):
    V, allowed, bells, tracks = problem(rng, positions)
    found = []
    for n in range(1, 13):
        fitted = following.fit(
            V, allowed, bells, tracks, iterations=n, free_iterations=n if free else 0, by_share=False
        )
        found.append(divergence(V, *fitted, tracks))
    assert all(later <= earlier * (1 + 1e-5) for earlier, later in itertools.pairwise(found))
    assert found[-1] < found[0]


def test_blocks_of_frames_change_nothing(rng, monkeypatch):
    V, allowed, bells, tracks = problem(rng)
    whole = following.fit(V, allowed, bells, tracks, iterations=4)
    monkeypatch.setattr(following, "BLOCK_BINS", 4 * FREQ)
    for one, other in zip(whole, following.fit(V, allowed, bells, tracks, iterations=4), strict=True):
        assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_a_key_that_is_not_heard_has_the_harmonics_of_its_kin(rng):
    """The dull player's other pitch was not in what was learnt from; the bright one's tells nothing about it."""
    keys = (("dull", 60.0), ("dull", 61.0), ("bright", 61.0))
    bells = shapes.of_keys(np.array([60.0, 61.0, 61.0]), (0.0,), *GRID, harmonics=10)
    weights = np.array([[0.5**h for h in range(10)], np.zeros(10), np.ones(10)], np.float32)
    allowed = np.zeros((3, 40), bool)
    allowed[0, :20] = allowed[2, 20:] = True
    V = shapes.templates(weights, bells, FREQ)[0].T @ allowed.astype(np.float32)
    similarity = following.pitch_similarity(keys)
    assert_allclose(similarity[:2, 2], 0)
    W, _ = following.fit(V, allowed, bells, iterations=8, similarity=similarity)
    dense = bells.toarray().reshape(3, 10, 3, FREQ)[1, :, 1]
    learnt, *_ = np.linalg.lstsq(dense.T, W[0, 1], rcond=None)
    assert_allclose(learnt / learnt[0], weights[0], atol=0.05)


def test_drums_are_nobodys_kin():
    keys = (("kit", 36.0), ("kit", 37.0), ("flute", 72.0), ("flute", 73.0))
    similarity = following.pitch_similarity(keys, frozenset({"kit"}))
    assert_allclose(similarity[:2], np.eye(4)[:2])
    assert 0 < similarity[2, 3] < 1


def test_shapes_are_the_same_dense_and_sparse():
    bells = shapes.of_keys(np.array([60.0, np.nan]), (-25.0, 0.0, 25.0), 512, 8_000, harmonics=6)
    dense = bells.toarray().reshape(2, 6, 3, 2, 257)
    assert_allclose(dense[0, :, 2, 0], shapes.harmonic_shapes(60.25, 512, 8_000, harmonics=6))
    assert_allclose(dense[1, :, 1, 1], shapes.noise_shapes(512, 8_000, bands=6))
    assert not dense[1, :, [0, 2]].any() and not dense[0, :, :, 1].any()
    with pytest.raises(ValueError, match="shapes must be"):
        shapes.templates(np.ones((3, 6), np.float32), bells, 257)


def vibrating():
    """A singer with a wide vibrato over a steady organ, on harmonics that meet."""
    parts = {"singer": [], "organ": []}
    written = []
    for i, (high, low) in enumerate(((69, 57), (72, 60), (71, 64), (76, 57))):
        swing = 40 * np.sin(2 * np.pi * 5.5 * np.arange(RATE_HZ) / RATE_HZ + i)
        parts["singer"].append(tone(high, swing, slope=0.7))
        parts["organ"].append(tone(low, np.zeros(RATE_HZ), slope=1.2))
        written += [Note("singer", high, i, i + 1.0), Note("organ", low, i, i + 1.0)]
    return {name: np.concatenate(part, axis=1) for name, part in parts.items()}, Score(tuple(written))


def test_following_a_vibrato_separates_better():
    sources, score = vibrating()

    def mean_sdr(**options):
        found = informed.separate(sum(sources.values()), RATE_HZ, score, tolerance_s=0.0, tuning_hz=440.0, **options)
        return np.mean([sdr(sources[name], found[name]) for name in sources])

    assert mean_sdr() > mean_sdr(follow_pitch=False) + 1


@pytest.mark.parametrize("samples", [1, 100, RATE_HZ // 2])
@pytest.mark.parametrize("channels", [1, 2])
def test_estimates_add_up_for_any_length(samples, channels):
    sources, score = vibrating()
    mixture = np.vstack([sum(sources.values()), sources["organ"]])[:channels, :samples]
    found = informed.separate(mixture, RATE_HZ, score, tuning_hz=440.0)
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


def test_keys_that_excerpts_leave_out_still_sound(monkeypatch):
    sources, score = vibrating()
    monkeypatch.setattr(informed, "LEARN_FROM_S", 1.0)
    monkeypatch.setattr(informed, "EXCERPT_S", 0.5)
    found = informed.separate(sum(sources.values()), RATE_HZ, score, tolerance_s=0.0, tuning_hz=440.0)
    assert len(keys_of(score)) > 4
    # The third second lies in neither excerpt, and its notes are written nowhere else.
    third = slice(2 * RATE_HZ, 3 * RATE_HZ)
    for name, source in sources.items():
        assert sdr(source[:, third], found[name][:, third]) > 3


@pytest.mark.parametrize("option", [{"chunk_iterations": 0}, {"floor": -1.0}])
def test_new_options_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} must be"):
        informed.separate(np.ones((1, RATE_HZ), np.float32), RATE_HZ, vibrating()[1], **option)


def test_a_key_whose_notes_are_written_at_the_wrong_time_stays_finite():
    """A second late, over silence and other notes: such a key may find nothing at its middle place."""
    case = chooser.cases(np.random.default_rng(14))["two tunes, score 1 s late"]
    with pytest.warns(ScoreWarning):
        estimates = informed.separate(case.track.mixture, case.track.sample_rate_hz, case.track.score)
    assert all(np.isfinite(estimate).all() for estimate in estimates.values())
    np.testing.assert_allclose(sum(estimates.values()), case.track.mixture, atol=1e-5)
