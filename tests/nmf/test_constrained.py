"""Constraint templates: zeros of the score stay, what they leave open is learnt, and what nobody can know is shared."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import signals, transforms, units
from mss_lab.chunks import chunks
from mss_lab.metrics.energy import sdr
from mss_lab.nmf import beta, constrained, filtering
from mss_lab.score import notes
from mss_lab.score.notes import Note, Score

RATE_HZ = 16_000
WINDOW, HOP = 2048, 512
FRAME_RATE_HZ = RATE_HZ / HOP


def tones(pitches, name, seconds, slope):
    parts = [
        signals.fade(
            signals.harmonic_tone(units.midi_to_hz(midi), seconds, RATE_HZ, slope=slope, amplitude=0.2), 0.02, RATE_HZ
        )
        for midi in pitches
    ]
    written = [Note(name, midi, i * seconds, (i + 1) * seconds) for i, midi in enumerate(pitches)]
    return np.concatenate(parts, axis=1).astype(np.float32), written


def duet(low=(57, 60, 64, 60), high=(69, 67, 72, 76), seconds=1.0, slopes=(0.3, 2.0), late=0.5):
    """A bright low player and a dull high one who starts half a note later, equally loud; they meet in octaves, too."""
    bright, first = tones(low, "bright", seconds, slopes[0])
    dull, second = tones(high, "dull", seconds, slopes[1])
    late_s = late * seconds
    wait = round(late_s * RATE_HZ)
    bright, dull = np.pad(bright, ((0, 0), (0, wait))), np.pad(dull, ((0, 0), (wait, 0)))
    bright *= np.sqrt(np.mean(dull**2) / np.mean(bright**2))
    second = [Note(n.source, n.midi, n.onset_s + late_s, n.offset_s + late_s) for n in second]
    return {"bright": bright, "dull": dull}, Score((*first, *second), ("bright", "dull"))


def magnitude_of(mixture):
    return np.abs(transforms.stft(mixture, window_samples=WINDOW, hop_samples=HOP))[0]


def starts(score, frames, **options):
    keys = constrained.keys_of(score)
    W = constrained.template_start(keys, WINDOW, RATE_HZ, onsets=options.get("onsets", False))
    return keys, W, constrained.activation_start(score, keys, frames, FRAME_RATE_HZ, **options)


def test_templates_are_one_over_m_at_the_harmonics_and_zero_elsewhere():
    hz = transforms.stft_frequencies_hz(WINDOW, RATE_HZ)
    keys = (("a", 69), ("b", 45.5))
    W = constrained.template_start(keys, WINDOW, RATE_HZ, harmonics=6)
    assert W.shape == (WINDOW // 2 + 1, 2)
    for (_, midi), template in zip(keys, W.T, strict=True):
        f0_hz = 440 * 2 ** ((midi - 69) / 12)
        wanted = np.zeros_like(template)
        for m in range(6, 0, -1):
            near = np.abs(hz - m * f0_hz) <= m * f0_hz * (2 ** (0.5 / 12) - 1) + RATE_HZ / WINDOW
            wanted[near & (m * f0_hz < RATE_HZ / 2)] = 1 / m
        assert_allclose(template, wanted, rtol=1e-6)
    # The bands of pitches two semitones apart do not meet at the fundamental, not even with the bin that is added.
    two = constrained.template_start((("a", 81), ("a", 83)), 8192, RATE_HZ, harmonics=1)
    assert not (two[:, 0] * two[:, 1]).any() and two.any(axis=0).all()


def test_onset_templates_are_flat_and_stand_behind():
    keys = (("a", 69), ("b", 57))
    plain, both = (constrained.template_start(keys, WINDOW, RATE_HZ, onsets=o) for o in (False, True))
    assert_array_equal(both[:, :2], plain)
    assert_allclose(both[:, 2:], 0.1)


def test_activations_are_one_around_notes_and_zero_elsewhere():
    score = Score((Note("a", 69, 1.0, 2.0), Note("a", 69, 4.0, 4.5), Note("b", 57, 0.1, 9.0)), ("b", "a"))
    keys = constrained.keys_of(score)
    assert keys == (("b", 57), ("a", 69))
    H = constrained.activation_start(score, keys, 60, 10.0)
    assert set(np.unique(H)) == {0, 1}
    assert_array_equal(np.flatnonzero(H[1]), [*range(8, 25), *range(38, 50)])
    assert H[0].all(), "cut to the recording at both ends"
    both = constrained.activation_start(score, keys, 60, 10.0, onsets=True)
    assert_array_equal(both[:2], H)
    assert_array_equal(np.flatnonzero(both[3]), [*range(7, 11), *range(37, 41)])
    exact = constrained.activation_start(score, keys, 60, 10.0, tolerance_s=0.0, release_s=0.0)
    assert_array_equal(np.flatnonzero(exact[1]), [*range(10, 20), *range(40, 45)])
    late = constrained.activation_start(score, keys, 20, 10.0, start_s=1.5)
    assert_array_equal(late, H[:, 15:35])
    # An onset before the first frame is not moved into it.
    assert not constrained.activation_start(score, keys, 20, 10.0, onsets=True, start_s=1.5)[2:].any()


@pytest.mark.parametrize("iterations", [0, 1, 7, 60])
@pytest.mark.parametrize("b", [0.0, 1.0, 1.3, 2.0])
def test_what_starts_at_zero_stays_at_zero(b, iterations):
    sources, score = duet(seconds=0.5)
    V = magnitude_of(sum(sources.values()))
    _, W, H = starts(score, V.shape[1], tolerance_s=0.05, onsets=True)
    assert not H.all() and not W.all()
    found = constrained.fit(V, W, H, beta=b, iterations=iterations)
    assert not found.templates[W == 0].any()
    assert not found.activations[H == 0].any()
    assert np.isfinite(found.activations).all() and found.activations.any()


def test_the_divergence_never_rises_and_the_level_does_not_matter():
    sources, score = duet(seconds=0.5)
    V = magnitude_of(sum(sources.values()))
    _, W, H = starts(score, V.shape[1])
    found = constrained.fit(V, W, H, iterations=20, measure_every=1)
    assert (np.diff(found.divergences) <= 1e-5 * found.divergences[0]).all()
    assert found.divergences[-1] < 0.6 * found.divergences[0]
    # A little below: bins that nobody may have would cost without end.
    model = W @ H * (V.sum() / (W @ H).sum()) + 1e-20
    assert found.divergences[0] == pytest.approx(beta.divergence(V, model), rel=0.2)
    louder = constrained.fit(1000 * V, W, 5 * H, iterations=20)
    assert_allclose(louder.templates, found.templates, atol=1e-5)
    assert_allclose(louder.activations, 1000 * found.activations, rtol=1e-2, atol=1e-3 * found.activations.max() * 1000)


def test_a_note_that_is_deleted_contributes_nothing():
    sources, score = duet()
    without = Score(tuple(note for note in score.notes if note != score.notes_of("dull")[-1]), score.sources)
    V = magnitude_of(sum(sources.values()))
    keys, W, H = starts(without, V.shape[1], tolerance_s=0.05)
    assert ("dull", 76) not in keys
    found = constrained.fit(V, W, H)
    dull = np.array([source == "dull" for source, _ in keys])
    model = found.templates[:, dull] @ found.activations[dull]
    # The third note ends at 3.5 s and may ring for 0.35 s.
    silent = round(3.87 * FRAME_RATE_HZ)
    assert not model[:, silent:].any() and model[:, :silent].any()
    # Only of the bins that nobody claims, between harmonics, does the player get a share.
    estimates = constrained.separate(sources["bright"], RATE_HZ, without, tolerance_s=0.05)
    last = slice(round(3.9 * RATE_HZ), round(4 * RATE_HZ))
    assert np.mean(estimates["dull"][:, last] ** 2) < 1e-2 * np.mean(estimates["bright"][:, last] ** 2)


def reached(sources, score, **options):
    found = constrained.separate(sum(sources.values()), RATE_HZ, score, tolerance_s=0.05, **options)
    return min(sdr(source, found[name]) for name, source in sources.items())


def test_octaves_come_apart_where_templates_have_more_than_one_harmonic():
    # Every harmonic of the upper player is one of the lower's, so a mask of harmonics alone cannot tell.
    pitches = (57, 60, 62, 64)
    octaves = duet(pitches, tuple(pitch + 12 for pitch in pitches))
    assert reached(*octaves) > 7.5
    assert reached(*octaves, harmonics=1) < reached(*octaves) - 2
    assert reached(*octaves) > reached(*octaves, iterations=0) + 2, "learnt, not given"


def test_notes_that_always_go_together_cannot_be_told_apart():
    # Never alone and never with another partner: whatever the one takes from the other, the model fits as well.
    together = duet((57, 60, 62, 64), (69, 72, 74, 76), late=0.0)
    assert reached(*together) < 5


def test_unisons_are_shared():
    sources, score = duet((57, 60), (57, 60), late=0.0)
    mixture = sources["bright"] + 0.5 * sources["dull"]
    found = constrained.separate(mixture, RATE_HZ, score)
    # Equal constraints stay equal: each gets half, whatever it played.
    for estimate in found.values():
        assert_allclose(estimate, mixture / 2, atol=1e-6)


def test_onset_templates_hear_what_harmonics_cannot():
    sources, score = duet(seconds=0.5)
    click = signals.clicks([note.onset_s for note in score.notes_of("dull")], 2.25, RATE_HZ, amplitude=0.9)
    V = magnitude_of(sum(sources.values()) + click.astype(np.float32))
    divergences = []
    for onsets in (False, True):
        _, W, H = starts(score, V.shape[1], tolerance_s=0.05, onsets=onsets)
        divergences.append(constrained.fit(V, W, H, iterations=30).divergences[-1])
    assert divergences[1] < 0.6 * divergences[0]


def test_another_tuning_is_followed_and_heard():
    sources, score = duet()

    def reached_at(a4_hz, tuning_hz):
        # The same samples at a lower rate: everything lower and slower, the score slower with it.
        slow_hz, slow = round(RATE_HZ * a4_hz / 440), notes.with_tempo(score, a4_hz / 440)
        found = constrained.separate(sum(sources.values()), slow_hz, slow, tolerance_s=0.05, tuning_hz=tuning_hz)
        return min(sdr(sources[name], found[name]) for name in sources)

    assert reached_at(415, 415.0) > reached_at(415, 440.0) + 5
    # Within a semitone the tuning is heard.
    assert reached_at(430, None) == pytest.approx(reached_at(430, 430.0), abs=0.5)
    assert reached_at(430, None) > 9


def test_a_note_that_ends_before_a_chunk_may_ring_on_in_it(monkeypatch):
    sources, score = duet((60,), (67,), late=0.0)
    mixture = np.pad(sum(sources.values()), ((0, 0), (0, RATE_HZ)))
    asked = []

    def keys_of(score, *between_s):
        asked.append(between_s)
        return real(score, *between_s)

    real = constrained.keys_of
    monkeypatch.setattr(constrained, "keys_of", keys_of)
    short = functools.partial(chunks, chunk_s=1.2, fade_s=0.1)
    monkeypatch.setattr(filtering, "chunks", lambda samples, rate, **_: short(samples, rate))
    constrained.separate(mixture, RATE_HZ, score, tolerance_s=0.2, release_s=0.3)
    assert_allclose(asked, [(-0.5, 1.7), (0.6, 2.5)])


@pytest.mark.parametrize("onsets", [False, True])
@pytest.mark.parametrize("channels", [1, 2])
def test_estimates_add_up_and_inputs_stay(channels, onsets, frozen):
    sources, score = duet(seconds=0.5)
    mixture = frozen(np.vstack([sum(sources.values()), 0.3 * sources["dull"]])[:channels])
    found = constrained.separate(mixture, RATE_HZ, score, onsets=onsets)
    assert list(found) == ["bright", "dull"]
    assert all(e.shape == mixture.shape and e.dtype == np.float32 for e in found.values())
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


def test_timbre_is_learnt_and_the_players_come_apart():
    assert reached(*duet()) > 10


def test_left_equal_to_right_is_mono_twice():
    sources, score = duet(seconds=0.5)
    mono = sum(sources.values())
    both = constrained.separate(np.repeat(mono, 2, axis=0), RATE_HZ, score)
    for name, alone in constrained.separate(mono, RATE_HZ, score).items():
        assert_allclose(both[name], np.repeat(alone, 2, axis=0), atol=1e-5)


@pytest.mark.parametrize("onsets", [False, True])
@pytest.mark.parametrize("samples", [1, 100, RATE_HZ])
def test_silence_gives_silence(samples, onsets):
    found = constrained.separate(np.zeros((1, samples), np.float32), RATE_HZ, duet()[1], onsets=onsets)
    assert all(not waveform.any() for waveform in found.values())


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000])
def test_any_usual_rate(rate_hz, rng):
    mixture = signals.noise(0.3, rate_hz, rng=rng).astype(np.float32)
    found = constrained.separate(mixture, rate_hz, duet(seconds=0.1)[1], onsets=True)
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


def test_one_sample():
    found = constrained.separate(np.ones((1, 1), np.float32), RATE_HZ, duet()[1])
    assert_allclose(sum(found.values()), [[1.0]], atol=1e-6)


def test_notes_beyond_the_recording_change_nothing():
    sources, score = duet(seconds=0.5)
    mixture = sum(sources.values())
    longer = Score((*score.notes, Note("dull", 40, 30.0, 31.0)), score.sources)
    for name, found in constrained.separate(mixture, RATE_HZ, longer).items():
        assert_array_equal(found, constrained.separate(mixture, RATE_HZ, score)[name])


def test_chunks_join_without_a_seam(monkeypatch):
    sources, score = duet(seconds=1.5)
    # A rest longer than a chunk, in which nobody has a template.
    score = Score((*score.notes, Note("dull", 72, 12.0, 12.5)), score.sources)
    mixture = np.pad(sum(sources.values()), ((0, 0), (0, 6 * RATE_HZ)))
    whole = constrained.separate(mixture, RATE_HZ, score, tolerance_s=0.05)
    short = functools.partial(chunks, chunk_s=2.0, fade_s=0.5)
    monkeypatch.setattr(filtering, "chunks", lambda samples, rate, **_: short(samples, rate))
    joined = constrained.separate(mixture, RATE_HZ, score, tolerance_s=0.05)
    assert_allclose(sum(joined.values()), mixture, atol=1e-6)
    for name in sources:
        assert sdr(whole[name], joined[name]) > 10
        assert np.abs(np.diff(joined[name])).max() <= np.abs(np.diff(mixture)).max()


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (None, "needs a score"),
        (Score((), ("nobody",)), "no note at all"),
        (notes.shift(duet()[1], 100.0), "no note within"),
        (Score((Note("drums", 36, 0.0, 1.0),), unpitched=frozenset({"drums"})), "drums has none"),
    ],
)
def test_scores_that_cannot_be_followed_are_refused(score, words):
    with pytest.raises(ValueError, match=words):
        constrained.separate(np.ones((1, RATE_HZ), np.float32), RATE_HZ, score)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"harmonics": 0}, "harmonics must be"),
        ({"width_bins": -1.0}, "width_bins must be"),
        ({"width_cents": 60.0}, "width_cents must be .*at most 50"),
        ({"tuning_hz": 0.0}, "tuning_hz must be"),
        ({"tolerance_s": -0.1}, "tolerance_s must be"),
        ({"release_s": -0.1}, "release_s must be"),
        ({"iterations": -1}, "iterations must be"),
        ({"exponent": 0.0}, "exponent must be"),
        ({"beta": np.nan}, "beta must be"),
    ],
)
def test_options_out_of_range_are_refused(option, words):
    with pytest.raises(ValueError, match=words):
        constrained.separate(np.ones((1, RATE_HZ), np.float32), RATE_HZ, duet()[1], **option)
