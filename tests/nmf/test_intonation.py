"""Intonation: known detunings are found, whatever the instrument, and silence has none."""

import numpy as np
import pytest

from mss_lab import signals, transforms
from mss_lab.metrics.energy import sdr
from mss_lab.nmf import informed, intonation
from mss_lab.score.notes import Note, Score
from mss_lab.units import cents_to_ratio, midi_to_hz

RATE_HZ = 16_000
WINDOW = 4096
PITCHES = np.array([48.0, 60.0, 67.0, 76.0])


def tones(offsets_cents, tuning_hz=440.0):
    """One tone a second, each off by so many cents: waveform and where each is written."""
    parts = [
        signals.harmonic_tone(float(midi_to_hz(midi, tuning_hz) * cents_to_ratio(cents)), 1.0, RATE_HZ)
        for midi, cents in zip(PITCHES, offsets_cents, strict=True)
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def analysed(waveform):
    stft = transforms.stft(waveform, window_samples=WINDOW, hop_samples=WINDOW // 4)[0]
    magnitude = np.abs(stft)
    seconds = np.arange(magnitude.shape[1]) * WINDOW / 4 / RATE_HZ
    return magnitude, np.stack([(seconds >= k) & (seconds < k + 1) for k in range(len(PITCHES))])


@pytest.mark.parametrize("tuning_hz", [415.0, 440.0])
@pytest.mark.parametrize("offsets", [(0, 0, 0, 0), (30, -20, 10, -36), (-14, 8, 22, 4)])
def test_each_tone_is_found_at_its_own_pitch(offsets, tuning_hz):
    magnitude, written = analysed(tones(offsets, tuning_hz))
    heard = intonation.spectra_where_written(magnitude, written)
    found = intonation.offsets_cents(heard, PITCHES, WINDOW, RATE_HZ, tuning_hz)
    assert np.abs(found - offsets).max() <= 4


def test_caution_keeps_a_pitch_near_the_tuning():
    magnitude, written = analysed(tones((30, -20, 10, -36)))
    heard = intonation.spectra_where_written(magnitude, written)
    free = intonation.offsets_cents(heard, PITCHES, WINDOW, RATE_HZ)
    careful = intonation.offsets_cents(heard, PITCHES, WINDOW, RATE_HZ, caution=0.5)
    assert np.all(np.abs(careful) <= np.abs(free))
    assert np.abs(careful).sum() < np.abs(free).sum()
    assert not intonation.offsets_cents(heard, PITCHES, WINDOW, RATE_HZ, caution=1e9).any()


def test_a_right_model_gives_each_its_own(rng, monkeypatch):
    monkeypatch.setattr(intonation, "BLOCK_FRAMES", 16)
    templates, activations = rng.uniform(0.1, 1, (50, 3)), rng.uniform(0.1, 1, (3, 40))
    magnitude = templates @ activations
    shares = intonation.spectra_by_share(magnitude, templates, activations)
    for k in range(3):
        wanted = np.sqrt(templates[:, k : k + 1] * activations[k]).sum(axis=1)
        np.testing.assert_allclose(shares[k], wanted, rtol=1e-5)


@pytest.mark.parametrize("frames", [1, 30])
def test_silence_has_no_intonation(frames):
    silence = np.zeros((WINDOW // 2 + 1, frames), np.float32)
    heard = intonation.spectra_where_written(silence, np.ones((len(PITCHES), frames), bool))
    assert not intonation.offsets_cents(heard, PITCHES, WINDOW, RATE_HZ).any()
    model = np.zeros((WINDOW // 2 + 1, 2), np.float32), np.zeros((2, frames), np.float32)
    assert not intonation.spectra_by_share(silence, *model).any()


def test_pitches_beyond_half_the_sample_rate_are_left_where_they_are():
    spectra = np.ones((2, WINDOW // 2 + 1), np.float32)
    assert not intonation.offsets_cents(spectra, np.array([126.0, 127.0]), WINDOW, 8_000).any()


def test_two_players_a_third_of_a_semitone_off_are_separated_better_when_they_are_followed():
    """The violin 30 cents sharp, the clarinet 30 flat, on the harmonics of a fifth."""
    sharp = signals.harmonic_tone(float(midi_to_hz(60.3)), 2.0, RATE_HZ, amplitude=0.3)
    flat = signals.harmonic_tone(float(midi_to_hz(66.7)), 2.0, RATE_HZ, amplitude=0.3)
    sources = {"violin": sharp.astype(np.float32), "clarinet": flat.astype(np.float32)}
    score = Score((Note("violin", 60, 0.0, 2.0), Note("clarinet", 67, 0.0, 2.0)))

    def mean_sdr(follow):
        found = informed.separate(
            sum(sources.values()), RATE_HZ, score, tuning_hz=440.0, follow_intonation=follow, free_iterations=0
        )
        return np.mean([sdr(sources[name], found[name]) for name in sources])

    assert mean_sdr(True) > mean_sdr(False) + 3
