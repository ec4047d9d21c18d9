"""Singers: notes in their range, vocal tracts that differ, consonants before vowels, and silence where no note is."""

import dataclasses

import numpy as np
import pytest

from mss_lab.datasets import singer, voice
from mss_lab.score.notes import Note

RATE_HZ = 16_000
NOTES = [Note("lead", midi, onset_s, onset_s + 0.6) for midi, onset_s in ((69, 0.5), (71, 1.1), (72, 2.5))]
PLAIN = singer.Singer(middle_midi=58.0, formant_ratio=1.0, consonants=0.0, second_voice=None)


def sung(one=PLAIN, notes=NOTES, seconds=4.0, seed=0):
    return singer.sing(notes, one, round(seconds * RATE_HZ), RATE_HZ, rng=np.random.default_rng(seed))


def strongest_hz(waveform, lowest_hz, highest_hz):
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    bins_hz = np.fft.rfftfreq(len(waveform), 1 / RATE_HZ)
    inside = (bins_hz >= lowest_hz) & (bins_hz <= highest_hz)
    return bins_hz[inside][np.argmax(spectrum[inside])]


def part(waveform, from_s, to_s):
    return waveform[round(from_s * RATE_HZ) : round(to_s * RATE_HZ)]


def test_a_melody_is_sung_in_the_range_of_the_singer():
    # A4 is sung an octave lower, at 220 Hz, by a voice whose middle is B flat 3.
    assert strongest_hz(part(sung(), 0.65, 1.0), 180, 260) == pytest.approx(220, rel=0.02)


def test_it_is_silent_where_no_note_is():
    waveform = sung()
    assert not part(waveform, 0, 0.45).any()
    assert np.abs(part(waveform, 1.9, 2.4)).max() < 1e-3 < np.abs(part(waveform, 2.6, 3.0)).max()
    assert not sung(notes=[]).any()


def test_consonants_stand_before_the_notes_and_are_noise_of_high_frequencies():
    with_consonants = sung(dataclasses.replace(PLAIN, consonants=1.0))
    before = part(with_consonants, 2.36, 2.5)
    assert np.abs(before).max() > 0.005
    spectrum = np.abs(np.fft.rfft(before)) ** 2
    low = np.fft.rfftfreq(len(before), 1 / RATE_HZ) < 500
    assert spectrum[~low].sum() > 10 * spectrum[low].sum()


def test_a_second_voice_sings_at_its_interval():
    both = part(sung(dataclasses.replace(PLAIN, second_voice=7)), 0.65, 1.0)
    assert strongest_hz(both, 300, 360) == pytest.approx(220 * 2 ** (7 / 12), rel=0.02)


def test_a_short_vocal_tract_has_high_formants():
    def centre_hz(ratio):
        rng = np.random.default_rng(3)
        waveform = voice.sing(NOTES[:1], ["a"], 2 * RATE_HZ, RATE_HZ, rng=rng, formant_ratio=ratio)[0]
        spectrum = np.abs(np.fft.rfft(waveform)) ** 2
        bins_hz = np.fft.rfftfreq(len(waveform), 1 / RATE_HZ)
        return np.sum(spectrum * bins_hz) / spectrum.sum()

    assert centre_hz(0.8) < centre_hz(1.0) < centre_hz(1.2)


def test_overlapping_notes_are_sung_one_after_the_other():
    overlapping = [dataclasses.replace(note, offset_s=note.onset_s + 2) for note in NOTES]
    assert np.isfinite(sung(notes=overlapping[::-1])).all()


def test_a_seed_draws_the_same_singer_and_the_same_song():
    first, second = (singer.draw(np.random.default_rng(4)) for _ in range(2))
    assert first == second != singer.draw(np.random.default_rng(5))
    np.testing.assert_array_equal(sung(first), sung(first))
    assert (sung(first) != sung(first, seed=1)).any()


def test_high_voices_have_short_tracts():
    singers = [singer.draw(np.random.default_rng(seed)) for seed in range(300)]
    middles, ratios = (np.array([getattr(one, name) for one in singers]) for name in ("middle_midi", "formant_ratio"))
    assert np.corrcoef(middles, ratios)[0, 1] > 0.5
    assert {one.second_voice is None for one in singers} == {True, False}


@pytest.mark.parametrize("bad", [0.4, 2.1, np.nan, "wide"])
def test_an_impossible_tract_is_refused(bad):
    with pytest.raises((TypeError, ValueError), match="formant_ratio must be"):
        voice.sing(NOTES, ["a"] * 3, RATE_HZ, RATE_HZ, rng=np.random.default_rng(0), formant_ratio=bad)
