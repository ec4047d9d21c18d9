"""The singer sings the pitches, the vowels and the rests that it is given."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mss_lab import units
from mss_lab.datasets import voice
from mss_lab.score.notes import Note

RATE_HZ = 22_050
MELODY = (Note("v", 60, 0.2, 1.4), Note("v", 64, 1.41, 2.6), Note("v", 57, 3.0, 3.5))


def sing(notes, vowels, rng, seconds=4.0, rate_hz=RATE_HZ):
    return voice.sing(notes, vowels, round(seconds * rate_hz), rate_hz, rng=rng)


def test_it_is_silent_before_between_and_after(rng):
    sung = sing(MELODY, "aei", rng)[0]
    for start_s, end_s in ((0, 0.19), (2.62, 2.99), (3.52, 4)):
        assert not sung[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)].any()
    assert np.abs(sung).max() == pytest.approx(0.5)


def test_it_goes_on_singing_from_one_syllable_to_the_next(rng):
    sung = sing(MELODY, "aaa", rng)[0]
    before, between = (sung[round(start_s * RATE_HZ) :][: RATE_HZ // 100] for start_s in (1.2, 1.405))
    assert 0.6 * np.std(before) > np.std(between) > 0.2 * np.std(before)
    envelope = voice._envelope(MELODY, 4 * RATE_HZ, RATE_HZ)[round(1.35 * RATE_HZ) : round(1.5 * RATE_HZ)]
    assert 0.6 * envelope.max() > envelope.min() > 0.25 * envelope.max()


def test_the_fundamental_is_the_score(rng):
    f0_hz = voice.fundamental_hz(MELODY, 4 * RATE_HZ, RATE_HZ, rng=rng)
    for note in MELODY:
        first, last = (round((note.onset_s + part) * RATE_HZ) for part in (0.1, note.offset_s - note.onset_s - 0.05))
        cents = 100 * (units.hz_to_midi(f0_hz[first:last]) - note.midi)
        assert abs(cents.mean()) < 10
        assert np.abs(cents).max() < voice.VIBRATO_CENTS + 20


def test_vibrato_waits_and_then_swings(rng):
    f0_hz = voice.fundamental_hz(MELODY, 4 * RATE_HZ, RATE_HZ, rng=rng)
    cents = 100 * (units.hz_to_midi(f0_hz) - 60)
    assert np.ptp(cents[round(0.25 * RATE_HZ) : round(0.44 * RATE_HZ)]) < 25
    late = cents[round(0.75 * RATE_HZ) : round(1.35 * RATE_HZ)]
    assert np.ptp(late) > 1.5 * voice.VIBRATO_CENTS
    spectrum = np.abs(np.fft.rfft((late - late.mean()) * np.hanning(len(late)), 1 << 16))
    assert np.argmax(spectrum) * RATE_HZ / (1 << 16) == pytest.approx(voice.VIBRATO_HZ, abs=0.6)


def test_a_glide_is_half_done_at_the_onset(rng):
    f0_hz = voice.fundamental_hz(MELODY, 4 * RATE_HZ, RATE_HZ, rng=rng)
    pitch = units.hz_to_midi(f0_hz)
    assert pitch[round(1.41 * RATE_HZ)] == pytest.approx(62, abs=0.5)
    assert np.abs(np.diff(pitch)).max() < 0.02


@pytest.mark.parametrize("vowel", sorted(voice.VOWEL_FORMANTS_HZ))
def test_a_vowel_has_its_formants(rng, vowel):
    # A low pitch samples the tract finely: the loudest harmonic below 1.2 kHz lies at one of the vowel's formants.
    low = (Note("v", 43, 0.1, 1.9),)
    sung = sing(low, vowel, rng, seconds=2.0)[0]
    spectrum = np.abs(np.fft.rfft(sung * np.hanning(len(sung))))
    hz = np.fft.rfftfreq(len(sung), 1 / RATE_HZ)
    first_hz, second_hz, *_ = voice.VOWEL_FORMANTS_HZ[vowel]
    strongest_hz = hz[np.argmax(spectrum * (hz > 200))]
    assert min(abs(strongest_hz - first_hz), abs(strongest_hz - second_hz)) < 100
    # And the second formant stands out from the valley above it.
    around, beyond = (spectrum[np.abs(hz - centre_hz) < 60].max() for centre_hz in (second_hz, second_hz + 350))
    if vowel in "aou":
        assert around > 2 * beyond


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_nothing_aliases(rate_hz):
    # A steady tone whose harmonics fall on bins of one second: whatever lies elsewhere has been folded back.
    f0_hz, controls = 1047, rate_hz // voice.CONTROL_SAMPLES + 2
    formants_hz = np.repeat(np.array(voice.VOWEL_FORMANTS_HZ["a"], float)[:, np.newaxis], controls, axis=1)
    tone = voice._harmonics(np.full(rate_hz, float(f0_hz)), formants_hz, rate_hz)
    power = np.abs(np.fft.rfft(tone)) ** 2
    assert power[f0_hz] > 0
    assert power.sum() - power[f0_hz::f0_hz].sum() < 1e-12 * power.sum()


def test_the_seed_decides(rng):
    first, again, other = (sing(MELODY, "aei", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.parametrize("samples", [1, 100])
def test_a_singer_without_notes_is_silent(rng, samples):
    assert_array_equal(voice.sing((), (), samples, RATE_HZ, rng=rng), np.zeros((1, samples)))


def test_refusals(rng):
    with pytest.raises(ValueError, match="one for each note, got 2 for 3"):
        sing(MELODY, "ae", rng)
    with pytest.raises(ValueError, match="vowel must be one of"):
        sing(MELODY, "aey", rng)
    overlapping = (Note("v", 60, 0, 1), Note("v", 62, 0.9, 2))
    with pytest.raises(ValueError, match=r"one note at a time.*end it earlier"):
        sing(overlapping, "ae", rng)
    with pytest.raises(TypeError, match="rng"):
        sing(MELODY, "aei", 0)
