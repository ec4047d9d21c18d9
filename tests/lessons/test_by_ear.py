"""Exercises by ear: what the check takes for right is what the sounds hold, by another measure than the ear."""

import numpy as np
import pytest

from mss_lab.content.lesson_04 import exercises as lesson_04
from mss_lab.content.lesson_05 import exercises as lesson_05
from mss_lab.content.lesson_06 import exercises as lesson_06
from mss_lab.datasets import pieces
from mss_lab.metrics import energy


def test_each_estimate_of_lesson_04_has_its_fault_and_the_level_has_the_lowest_sdr():
    voice, estimates = lesson_04.faulty_estimates()
    sdr_db = {fault: energy.sdr(voice, estimate) for fault, estimate in estimates.items()}
    assert min(sdr_db, key=sdr_db.get) == "level" and energy.si_sdr(voice, estimates["level"]) > 100
    errors = {fault: (estimate - voice)[0].astype(float) for fault, estimate in estimates.items()}
    _, sources = lesson_04._sung()
    guitar = sources["guitar"][0].astype(float)
    likeness = {
        fault: abs(error @ guitar) / np.linalg.norm(error) / np.linalg.norm(guitar) for fault, error in errors.items()
    }
    assert likeness["interference"] > 0.99 and max(likeness["dull"], likeness["artefacts"]) < 0.2
    spectra = {fault: np.abs(np.fft.rfft(estimate[0])) for fault, estimate in estimates.items()}
    above = slice(round(2500 / 44_100 * voice.shape[1]), None)
    high = {fault: np.linalg.norm(spectrum[above]) for fault, spectrum in spectra.items()}
    assert high["dull"] < 0.01 * np.linalg.norm(np.abs(np.fft.rfft(voice[0]))[above])
    assert set(lesson_04.FAULTS.values()) == set(estimates)


@pytest.mark.slow(2)
def test_the_pluck_of_lesson_05_is_the_component_with_the_flattest_spectrum():
    templates, _ = lesson_05.guitar_components()
    flatness = np.exp(np.mean(np.log(templates + 1e-12), axis=0)) / templates.mean(axis=0)
    assert flatness.argmax() == lesson_05.PLUCK and np.sort(flatness)[-2] < 0.3 * flatness.max()


@pytest.mark.slow(3)
def test_the_drums_of_lesson_06_follow_the_strokes_of_the_score():
    result, _ = lesson_06.drum_components()
    band = pieces.load("band")
    frame_s = 512 / band.sample_rate_hz
    strokes = {name: np.zeros(result.activations.shape[1]) for name in lesson_06.DRUMS}
    for note in band.score.notes_of("drums"):
        name = {36: "kick", 38: "snare", 42: "hat"}.get(round(note.midi))
        frame = round((note.onset_s - lesson_06.DRUMS_START_S) / frame_s)
        if name and 0 <= frame < result.activations.shape[1] - 20:
            strokes[name][frame] = 1
    rises = np.maximum(np.diff(result.activations, axis=1, prepend=0), 0)
    for component, drum in enumerate(lesson_06.DRUMS):
        agreement = {
            name: max(np.corrcoef(rises[component], np.roll(row, shift))[0, 1] for shift in range(-4, 4))
            for name, row in strokes.items()
        }
        assert max(agreement, key=agreement.get) == drum
