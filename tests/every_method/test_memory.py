"""Memory: seamless chunks are the whole recording at once, estimates of memory are right, and excess is refused."""

import functools
import itertools
import math
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import audio, catalogue, chunks, cli, masks, memory, signals, transforms
from mss_lab.kernels import hpss
from mss_lab.metrics import energy
from mss_lab.nmf import filtering
from mss_lab.refusals import RefusedType, RefusedValue
from mss_lab.score import features, harmonics
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score
from mss_lab.spatial.entries import ADRESS
from tests.paths import ROOT

RATE_HZ = 8_000
SETTINGS = transforms.settings_for(RATE_HZ)
WINDOW = SETTINGS["window_samples"]
# Two notes at a time and a rest; some last over several chunks of the tests below.
SCORE = Score((Note("a", 57, 0.0, 1.3), Note("b", 64, 0.2, 2.9), Note("a", 60, 1.3, 2.0), Note("b", 52, 3.0, 3.1)))
SEAMLESS = {
    "score-masks": {"tuning_hz": 440.0, "tolerance_s": 0.05},
    "hpss": {"margin": 1.5},
    "adress": {"pans_rad": {"left": 0.3, "right": 1.2}},
}


def music(samples, channels=2, rng=None):
    """Two tones with harmonics from two places, noise, and silence in between."""
    rng = rng or np.random.default_rng(0)
    seconds = max(1.0, samples / RATE_HZ)
    low = signals.harmonic_tone(220.0, seconds, RATE_HZ, harmonics=6, amplitude=0.3)
    high = signals.harmonic_tone(329.6, seconds, RATE_HZ, harmonics=6, amplitude=0.2)
    mixture = (signals.pan(low, 0.3) + signals.pan(high, 1.2))[:, :samples]
    mixture = mixture + 0.01 * rng.standard_normal((2, samples))
    mixture[:, RATE_HZ : 2 * RATE_HZ] = 0
    return mixture[:channels].astype(np.float32)


def separated(method, mixture, monkeypatch, chunk_s, **options):
    monkeypatch.setattr(chunks, "CHUNK_S", chunk_s)
    return catalogue.separator(method, **SEAMLESS[method], **options)(mixture, RATE_HZ, SCORE)


def assert_same(some, others):
    assert list(some) == list(others)
    for name, estimate in some.items():
        assert_allclose(estimate, others[name], atol=2e-6)


@pytest.mark.parametrize("chunk_s", [0.001, 0.5, 1.0, 2.7])
@pytest.mark.parametrize("method", SEAMLESS)
def test_chunks_are_the_whole_recording_at_once(method, chunk_s, monkeypatch):
    mixture = music(round(3.3 * RATE_HZ))
    whole = separated(method, mixture, monkeypatch, 1e6)
    assert_same(separated(method, mixture, monkeypatch, chunk_s), whole)
    assert_allclose(sum(whole.values()), mixture, atol=2e-6)


@pytest.mark.parametrize("more", [-1, 0, 1, WINDOW // 4, WINDOW])
@pytest.mark.parametrize("method", SEAMLESS)
def test_one_chunk_and_a_little_more_or_less(method, more, monkeypatch):
    mixture = music(RATE_HZ + more)
    assert_same(separated(method, mixture, monkeypatch, 1.0), separated(method, mixture, monkeypatch, 1e6))


@pytest.mark.parametrize("samples", [1, 2, WINDOW // 4, WINDOW - 1])
@pytest.mark.parametrize("method", SEAMLESS)
def test_recordings_shorter_than_a_window(method, samples, monkeypatch):
    mixture = music(samples)
    assert_same(separated(method, mixture, monkeypatch, 0.01), separated(method, mixture, monkeypatch, 1e6))


@pytest.mark.parametrize("method", ["score-masks", "hpss"])
def test_mono_and_silence(method, monkeypatch):
    mixture = music(3 * RATE_HZ, channels=1)
    assert_same(separated(method, mixture, monkeypatch, 0.4), separated(method, mixture, monkeypatch, 1e6))
    for estimate in separated(method, np.zeros_like(mixture), monkeypatch, 0.4).values():
        assert_array_equal(estimate, 0)


def test_score_masks_of_chunks_are_those_of_one_transform(monkeypatch):
    # The oracle is the formula on the transform of the whole recording.
    mixture = music(round(3.3 * RATE_HZ))
    stft = transforms.stft(mixture, **SETTINGS)
    mask = harmonics.score_masks(SCORE, stft.shape[2], sample_rate_hz=RATE_HZ, tolerance_s=0.05, **SETTINGS)
    expected = masks.to_estimates(masks.apply(mask, stft), SCORE.sources, mixture.shape[1], **SETTINGS)
    assert_same(separated("score-masks", mixture, monkeypatch, 0.3), expected)


def test_medians_of_chunks_are_those_of_one_transform(monkeypatch):
    mixture = music(round(3.3 * RATE_HZ))
    found = separated("hpss", mixture, monkeypatch, 0.3, length_s=0.5)
    frames = 2 * round((0.5 * RATE_HZ / SETTINGS["hop_samples"] - 1) / 2) + 1
    stft = transforms.stft(mixture, **SETTINGS)
    bins = 2 * round((31 * 44_100 / 4096 / (RATE_HZ / WINDOW) - 1) / 2) + 1
    harmonic, percussive = hpss.decompose(stft, frames=frames, bins=bins, margin=1.5)
    for name, part in (("harmonic", harmonic), ("percussive", percussive)):
        assert_allclose(found[name], transforms.istft(part, mixture.shape[1], **SETTINGS), atol=2e-6)


def test_many_sources_get_shorter_chunks_and_the_same_sound(monkeypatch):
    names = [f"player_{number}" for number in range(12)]
    score = Score(tuple(Note(name, 50 + k, 0.1 * k, 1.0 + 0.1 * k) for k, name in enumerate(names)))
    mixture = music(2 * RATE_HZ)
    whole = harmonics.separate(mixture, RATE_HZ, score, tuning_hz=440.0)
    heard = []
    honest = chunks.seamless
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1.5e6)
    monkeypatch.setattr(chunks, "seamless", lambda *a, **b: heard.extend(honest(*a, **b)) or heard)
    assert_same(harmonics.separate(mixture, RATE_HZ, score, tuning_hz=440.0), whole)
    assert len(heard) > 3


def peak_beyond_estimates(separate, mixture, *arguments, **options):
    separate(mixture[:, :RATE_HZ], *arguments, **options)
    tracemalloc.start()
    estimates = separate(mixture, *arguments, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - sum(estimate.nbytes for estimate in estimates.values())


def assert_declared_rightly(method, mixture, score=None, **options):
    separate = catalogue.separator(method, **options)
    told = memory.working_bytes_of(separate, memory.Recording.of(mixture, RATE_HZ, score))
    measured = peak_beyond_estimates(separate, mixture, RATE_HZ, score)
    assert told / 2 < measured < 2 * told


@pytest.mark.parametrize("sources", [2, 8])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_memory_of_score_masks_is_declared_rightly(sources, channels):
    score = Score(tuple(Note(f"player_{k}", 50 + k, 0.0, 6.0) for k in range(sources)))
    assert_declared_rightly("score-masks", music(6 * RATE_HZ, channels), score, tuning_hz=440.0)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_memory_of_medians_is_declared_rightly(channels):
    assert_declared_rightly("hpss", music(6 * RATE_HZ, channels))


@pytest.mark.parametrize("mode", ADRESS.options["mode"].rule.choices)
def test_the_memory_of_adress_is_declared_rightly(mode):
    pans_rad = {"left": 0.3, "centre": 0.8, "right": 1.2}
    assert_declared_rightly("adress", music(6 * RATE_HZ), pans_rad=pans_rad, mode=mode)


# Quick, as rounds do not change what is needed.
QUICK = {
    "constrained-nmf": {"iterations": 2, "tuning_hz": 440.0},
    "source-filter": {"iterations": 1, "runs": 2},
    "trained-nmf": {"iterations": 2, "tuning_hz": 440.0},
    "informed-nmf": {"iterations": 2, "free_iterations": 1, "tuning_hz": 440.0},
    "duet": {},
    "ica": {},
    "projet": {"iterations": 2},
    "local-gaussian": {"iterations": 1, "start": "adress"},
    "fastmnmf": {"iterations": 1, "runs": 2},
    "ilrma": {"iterations": 1, "runs": 2},
    "auxiva": {"iterations": 1},
    "kernel-additive": {"iterations": 1},
    "repet": {},
    "repet-adaptive": {},
    "repet-similarity": {},
    "robust-pca": {"iterations": 5},
    "sinusoidal": {},
    "auditory": {"bands": 16},
}


def band(seconds, rate_hz=RATE_HZ):
    """Two players from two places who change their notes every second, and their score."""
    played = [
        (Note("violin", 69 + k % 5, k, min(k + 1.0, seconds)), Note("bassoon", 50 + k % 7, k, min(k + 1.0, seconds)))
        for k in range(math.ceil(seconds))
    ]
    mixture = np.zeros((2, round(seconds * rate_hz)), np.float32)
    for number, pan_rad in ((0, 0.3), (1, 1.2)):
        for notes_now in played:
            note = notes_now[number]
            tone = signals.harmonic_tone(440 * 2 ** ((note.midi - 69) / 12), note.offset_s - note.onset_s, rate_hz)
            start = round(note.onset_s * rate_hz)
            mixture[:, start : start + tone.shape[1]] += 0.3 * signals.pan(tone, pan_rad).astype(np.float32)
    return mixture, rate_hz, Score(tuple(itertools.chain(*played)))


@pytest.mark.parametrize("seconds", [5.0, 11.0])
@pytest.mark.parametrize("method", QUICK)
def test_every_method_declares_its_memory_rightly(method, seconds):
    mixture, rate_hz, score = band(seconds)
    separate = catalogue.separator(method, **QUICK[method])
    told = memory.working_bytes_of(separate, memory.Recording.of(mixture, rate_hz, score))
    separate(mixture[:, :rate_hz], rate_hz, score)
    tracemalloc.start()
    estimates = separate(mixture, rate_hz, score)
    measured = tracemalloc.get_traced_memory()[1] - sum(estimate.nbytes for estimate in estimates.values())
    tracemalloc.stop()
    assert told / 2 < measured < 2 * told


def test_many_players_make_chunks_of_informed_nmf_shorter_and_no_difference_to_the_sound(monkeypatch):
    mixture, rate_hz, score = band(12.0)
    settings = transforms.settings_for(rate_hz)
    lengths_s = [filtering.fitting_chunk_s(sources, 2, 44_100, settings) for sources in (1, 4, 10, 40, 10_000)]
    assert lengths_s[:2] == [30.0, 30.0]
    assert lengths_s == sorted(lengths_s, reverse=True)
    assert 5.0 == lengths_s[4] < lengths_s[3] < 30.0
    separate = catalogue.separator("informed-nmf", **QUICK["informed-nmf"])
    whole = separate(mixture, rate_hz, score)
    monkeypatch.setattr(filtering, "CHUNK_BYTES", 1.0)
    parts = separate(mixture, rate_hz, score)
    assert_allclose(sum(parts.values()), mixture, atol=2e-6)
    for name, estimate in whole.items():
        assert energy.sdr(estimate, parts[name]) > 20


NETWORKS = {
    "mask-inference": {"chunk_s": 8.0},
    "xumx": {"chunk_s": 8.0},
    "xumx-informed": {"chunk_s": 8.0},
    "xumx-score-only": {"chunk_s": 8.0},
    "score-cnn": {"chunk_s": 8.0},
    "score-cnn-timbre": {"chunk_s": 8.0},
    "dsis": {"chunk_s": 8.0},
    "cerberus": {"chunk_s": 8.0},
    "query-by-example": {"chunk_s": 8.0},
    "refined-nmf": {"tuning_hz": 440.0},
}

# What torch takes is seen by the system alone. Large arrays must go back to it as soon as they are free.
MEASURING = """
import sys, warnings
warnings.simplefilter("ignore")
import torch
from mss_lab import catalogue, memory
from tests.benchmarks.memory import forget_peak, held_bytes, peak_bytes
from tests.every_method.test_memory import NETWORKS, band
torch.set_num_threads(1)
for method in sys.argv[1:]:
    separate = catalogue.separator(method, **NETWORKS[method])
    mixture, rate_hz, score = band(12.0, 16_000)
    separate(mixture[:, : 2 * rate_hz], rate_hz, score)
    held = held_bytes()
    forget_peak()
    estimates = separate(mixture, rate_hz, score)
    measured = peak_bytes() - held - sum(estimate.nbytes for estimate in estimates.values())
    print(method, memory.working_bytes_of(separate, memory.Recording.of(mixture, rate_hz, score)), measured)
"""


@pytest.mark.slow(6)
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="not run: only Linux tells the peak again")
def test_every_network_declares_its_memory_rightly():
    pytest.importorskip("torch")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURING, *NETWORKS]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert [line[0] for line in lines] == list(NETWORKS)
    print(ran.stdout)
    wrong = [line for line in lines if not float(line[1]) / 2 < float(line[2]) < 2 * float(line[1])]
    assert not wrong


def test_every_method_declares_its_memory():
    # The others are measured in tests/neural/test_pretrained.py, with --thorough.
    assert set(QUICK) | set(NETWORKS) | set(SEAMLESS) == set(catalogue.names(downloads=False))
    assert all(memory.is_limited(catalogue.separator(method)) for method in catalogue.names())


def test_what_is_heard_for_an_alignment_takes_little_more_than_it_returns():
    mixture = np.tile(music(RATE_HZ), (1, 60))
    features.analyse(mixture[:, :RATE_HZ], RATE_HZ)
    tracemalloc.start()
    heard = features.analyse(mixture, RATE_HZ)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4.5 * heard.magnitude.nbytes


def growing(recording, *, grains=1.0, **_):
    """A made-up method's need: eight bytes for each sample and grain, and 100 MB in any case."""
    return 1e8 + 8 * recording.samples * memory.amount(grains, 1.0)


@memory.limited("made-up", growing)
def made_up(mixture, sample_rate_hz, score=None, *, grains=1.0, reached=None):
    reached.append(mixture.shape)
    return {"all": mixture}


LONG = np.broadcast_to(np.float32(0.1), (2, 100_000_000))


def test_what_needs_too_much_is_refused_before_its_work_begins(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 64e9)
    reached = []
    made_up(LONG, 44_100, reached=reached)
    assert len(reached) == 1
    with pytest.raises(RefusedValue, match=r"made-up would need about 1\.7 GB .* may use 1\.5 GB; ") as refusal:
        made_up(LONG, 44_100, grains=2.0, reached=reached)
    assert "--memory 1.7" in str(refusal.value) and "allowing(1.7e9)" in str(refusal.value)
    assert len(reached) == 1
    with memory.allowing(1.7e9):
        made_up(LONG, 44_100, grains=2.0, reached=reached)
    assert len(reached) == 2
    with memory.allowing(5e8), pytest.raises(RefusedValue, match="may use 500 MB"):
        made_up(LONG, 44_100, reached=reached)


def test_the_excerpt_that_is_advised_fits_and_a_little_more_does_not(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 64e9)
    with pytest.raises(RefusedValue, match=r"an excerpt of at most [\d.]+ minutes") as refusal:
        made_up(LONG, 44_100, grains=3.0, reached=[])
    minutes = float(re.search(r"at most ([\d.]+) minutes", str(refusal.value))[1])
    made_up(LONG[:, : round(60 * minutes * 44_100)], 44_100, grains=3.0, reached=[])
    with pytest.raises(RefusedValue):
        made_up(LONG[:, : round(1.1 * 60 * minutes * 44_100)], 44_100, grains=3.0, reached=[])


def test_no_excerpt_is_advised_where_none_fits_and_no_more_memory_than_there_is(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 8e9)
    with pytest.raises(RefusedValue, match=r"choose smaller options or another method$"):
        made_up(LONG, 44_100, grains=1e6, reached=[])


def test_the_limit_is_never_more_than_the_computer_has(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 1e9)
    with memory.allowing(5e9), pytest.raises(RefusedValue, match="may use 1 GB"):
        memory.check("made-up", 2e9)


@pytest.mark.parametrize("most_bytes", [0, -1.0, float("nan"), "8"])
def test_a_limit_that_is_none_is_refused(most_bytes):
    with pytest.raises((RefusedValue, RefusedType), match="most_bytes"), memory.allowing(most_bytes):
        pass
    assert memory.allowed_bytes() == min(memory.MOST_BYTES, memory.computer_bytes())


def test_options_that_are_bound_count_before_the_call(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 64e9)
    memory.check_separator(made_up, LONG, 44_100)
    with pytest.raises(RefusedValue, match="made-up would need"):
        memory.check_separator(functools.partial(functools.partial(made_up, grains=9.0)), LONG, 44_100)
    memory.check_separator(functools.partial(functools.partial(made_up, grains=9.0), grains=1.0), LONG, 44_100)
    memory.check_separator(lambda *_: {}, LONG, 44_100)


@pytest.mark.parametrize("grains", [-1, None, "many", True, float("nan")])
def test_options_that_are_no_numbers_are_left_to_the_method(grains):
    made_up(np.zeros((1, 5), np.float32), 8_000, grains=grains, reached=[])


def test_a_refusal_says_what_is_needed_what_is_allowed_and_what_to_do(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 64e9)
    with pytest.raises(RefusedValue, match=r"^duet would need about 2\.5 GB .* may use 1\.5 GB; cut it$"):
        memory.check("duet", 2.5e9, advice="cut it")
    memory.check("duet", memory.MOST_BYTES)
    with pytest.raises(RefusedValue, match="would need"):
        memory.check("duet", float("nan"))


@pytest.mark.parametrize(
    ("size", "text"),
    [(12, "12 bytes"), (2e6, "2 MB"), (1.5e9, "1.5 GB"), (123.4e9, "123 GB"), (4.56e15, "4,560,000 GB")],
)
def test_sizes_in_words(size, text):
    assert memory.words(size) == text


def test_estimates_that_cannot_fit_into_the_computer_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 8e9)
    with pytest.raises(RefusedValue, match=r"10000 estimates of 1000000 samples would take 80 GB .* has 8 GB"):
        memory.zeros_for((str(k) for k in range(10_000)), (2, 1_000_000))
    silent = memory.zeros_for(["a", "b"], (2, 5))
    assert silent["a"].shape == (2, 5) and silent["a"].dtype == np.float32 and not silent["b"].any()


def test_the_command_line_refuses_before_it_aligns_and_takes_another_limit(tmp_path, monkeypatch, capsys):
    audio.write_audio(tmp_path / "mix.wav", music(RATE_HZ), RATE_HZ)
    write_csv(tmp_path / "notes.csv", SCORE)
    arguments = [str(tmp_path / "mix.wav"), "--score", str(tmp_path / "notes.csv"), "--out", str(tmp_path / "stems")]
    never = lambda *_, **__: pytest.fail("aligned, although the method would be refused")  # noqa: E731
    monkeypatch.setattr("mss_lab.score.align.align_score", never)
    assert cli.main(["separate", *arguments, "--align", "auto", "--memory", "1e-6"]) == 2
    assert "score-masks would need about" in capsys.readouterr().err
    assert cli.main(["separate", *arguments, "--memory", "0"]) == 2
    assert "--memory must be a number above 0 (gigabytes)" in capsys.readouterr().err
    assert cli.main(["separate", *arguments, "--memory", "2"]) == 0
