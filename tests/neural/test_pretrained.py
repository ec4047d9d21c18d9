"""Models of others: their estimates are those of their own packages, at every rate, length and number of channels."""

import os
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import audio, catalogue, memory
from mss_lab.neural import pretrained
from mss_lab.refusals import MissingExtra, RefusedValue, ShapeError
from tests.neural import pretrained as small
from tests.paths import ROOT

NAMES = ["vocals", "drums", "bass", "rest"]


@pytest.fixture(scope="module")
def demucs_folder(tmp_path_factory):
    pytest.importorskip("demucs", reason="not run: demucs is not installed")
    folder = tmp_path_factory.mktemp("demucs")
    small.write_th(folder / "tiny.th")
    return folder


@pytest.fixture(scope="module")
def open_unmix_folder(tmp_path_factory):
    if "openunmix" not in sys.modules:
        from mss_lab.neural.torch_audio import torchaudio  # noqa: F401
    pytest.importorskip("openunmix", reason="not run: openunmix is not installed")
    return small.write_open_unmix(tmp_path_factory.mktemp("open-unmix") / "model")


@pytest.fixture(params=["htdemucs", "open-unmix"])
def separate(request):
    folder = request.getfixturevalue("demucs_folder" if request.param == "htdemucs" else "open_unmix_folder")
    return catalogue.separator(request.param, weights=str(folder))


@pytest.mark.slow(2)
@pytest.mark.parametrize("seconds, overlap", [(0.1, 0.25), (0.75, 0.25), (2.0, 0.25), (1.6, 0.0), (1.3, 0.6)])
def test_htdemucs_is_the_separation_of_its_package(demucs_folder, seconds, overlap):
    api = pytest.importorskip("demucs.api")
    mixture = small.song(seconds)
    options = {"shifts": 0, "overlap": overlap, "device": "cpu"}
    oracle = api.Separator(model="tiny", repo=demucs_folder, **options).separate_tensor(torch.from_numpy(mixture))[1]
    estimates = pretrained.htdemucs(mixture, small.RATE, overlap=overlap, weights=demucs_folder)
    assert list(estimates) == NAMES
    for name, estimate in estimates.items():
        expected = oracle["other" if name == "rest" else name].numpy()
        assert np.abs(expected).max() > 0.01
        assert_allclose(estimate, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["HDemucs", "Demucs"])
def test_so_are_the_earlier_classes_of_the_package(tmp_path, kind, demucs_folder):
    from demucs.apply import apply_model
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs

    sources = small.SETTINGS["sources"]
    torch.manual_seed(3)
    if kind == "HDemucs":
        model = HDemucs(sources, channels=4, dconv_comp=2, segment=1)
    else:
        model = Demucs(sources, channels=4, depth=4, lstm_layers=0, dconv_comp=2, dconv_attn=9, dconv_lstm=9, segment=1)
    path = small.write_th(tmp_path / "older.th", model.eval())
    mixture = small.song(1.8)
    mixture -= mixture.mean()
    spread = mixture.mean(axis=0).std(ddof=1)
    oracle = apply_model(model, torch.from_numpy(mixture / spread)[None], shifts=0)[0].numpy() * spread
    estimates = pretrained.htdemucs(mixture, small.RATE, weights=path)
    for name, estimate in estimates.items():
        assert_allclose(estimate, oracle[sources.index("other" if name == "rest" else name)], atol=1e-5)


@pytest.mark.parametrize("iterations", [0, 1])
@pytest.mark.parametrize("seconds", [0.1, 1.7])
def test_open_unmix_is_the_separation_of_its_package(open_unmix_folder, iterations, seconds):
    from openunmix.utils import load_separator

    mixture = small.song(seconds)
    own = load_separator(str(open_unmix_folder), targets=list(small.TARGETS), niter=iterations).eval()
    with torch.inference_mode():
        oracle = own(torch.from_numpy(mixture)[None])[0].numpy()
    estimates = pretrained.open_unmix(mixture, small.RATE, iterations=iterations, weights=open_unmix_folder)
    assert list(estimates) == NAMES
    for estimate, expected in zip(estimates.values(), oracle, strict=True):
        assert np.abs(expected).max() > 0.01
        assert_allclose(estimate, expected, atol=1e-5)


def test_chunks_of_open_unmix_fade_into_each_other(open_unmix_folder):
    mixture = small.song(4.0)
    whole = pretrained.open_unmix(mixture, small.RATE, iterations=0, weights=open_unmix_folder)
    cut = pretrained.open_unmix(
        mixture, small.RATE, iterations=0, chunk_s=1.5, overlap_s=0.5, weights=open_unmix_folder
    )
    for name, estimate in cut.items():
        away = np.sum(np.square(estimate - whole[name])) / np.sum(np.square(whole[name]))
        assert 0 < away < 1e-3


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_rate_and_both_numbers_of_channels(separate, rate, channels, frozen):
    mixture = small.song(0.9, rate, channels)
    estimates = separate(frozen(mixture), rate)
    assert list(estimates) == NAMES
    stereo = np.repeat(mixture, 2, axis=0) if channels == 1 else mixture
    # The oracle: resampled as a whole, separated at the rate of the model, and resampled back as a whole.
    slow = separate(audio.resample(stereo, rate, small.RATE), small.RATE)
    for name, estimate in estimates.items():
        assert estimate.dtype == np.float32 and estimate.shape == mixture.shape
        expected = audio.resample(slow[name], small.RATE, rate)[:, : mixture.shape[1]]
        expected = expected.mean(axis=0, keepdims=True) if channels == 1 else expected
        inner = slice(rate // 100, -(rate // 100))
        assert_allclose(estimate[:, inner], expected[:, inner], atol=2e-4)


@pytest.mark.parametrize("samples", [1, 2, 1_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_short_recordings(separate, samples, channels, rate, rng):
    mixture = rng.uniform(-1, 1, (channels, samples)).astype(np.float32)
    for estimate in separate(mixture, rate).values():
        assert estimate.dtype == np.float32 and estimate.shape == mixture.shape
        assert np.isfinite(estimate).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 50_000)])
def test_silence_stays_silent(separate, shape):
    estimates = separate(np.zeros(shape, np.float32), small.RATE)
    assert list(estimates) == NAMES
    for estimate in estimates.values():
        assert_array_equal(estimate, np.zeros(shape, np.float32))


def test_silence_at_the_ends_moves_the_estimates_and_changes_nothing(separate):
    mixture = small.song(0.8)
    plain, later = separate(mixture, small.RATE), separate(np.pad(mixture, ((0, 0), (12_345, 678))), small.RATE)
    for name in NAMES:
        assert_array_equal(later[name][:, 12_345:-678], plain[name])
        assert not later[name][:, :12_345].any()


@pytest.mark.parametrize("other", [1.0, -1.0, 0.0])
def test_channels_that_are_equal_or_cancel(separate, other):
    mono = small.song(0.8, channels=1)
    for estimate in separate(np.concatenate([mono, other * mono]), small.RATE).values():
        assert np.isfinite(estimate).all() and np.abs(estimate).max() < 10


@pytest.mark.parametrize("gain", [1e-5, 100.0])
def test_htdemucs_does_not_depend_on_the_level(demucs_folder, gain):
    mixture = small.song(1.0)
    plain = pretrained.htdemucs(mixture, small.RATE, weights=demucs_folder)
    louder = pretrained.htdemucs(np.float32(gain) * mixture, small.RATE, weights=demucs_folder)
    for name in NAMES:
        assert_allclose(louder[name] / np.float32(gain), plain[name], atol=1e-5)


def test_the_same_call_gives_the_same_and_leaves_no_trace(separate):
    mixture = small.song(1.0)
    random.seed(5)
    torch.manual_seed(5)
    expected = random.random(), torch.rand(1)
    random.seed(5)
    torch.manual_seed(5)
    first = separate(mixture, small.RATE)
    assert (random.random(), torch.rand(1)) == expected
    second = separate(mixture.astype(np.float64), small.RATE)
    for name in NAMES:
        assert_array_equal(first[name], second[name])
        assert not np.shares_memory(first[name], second[name])


def test_a_model_that_shifts_its_positions_by_chance_gives_the_same(tmp_path, demucs_folder):
    path = small.write_th(tmp_path / "shifting.th", small.demucs_model(t_sin_random_shift=500))
    mixture = small.song(0.5)
    results = []
    for seed in (1, 2):
        random.seed(seed)
        results.append(pretrained.htdemucs(mixture, small.RATE, weights=path)["rest"])
    assert_array_equal(*results)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("samples", [1, 99, 100, 101, 460])
def test_gains_of_segments_add_up_to_1(samples, overlap):
    total = np.zeros(samples)
    for start, gains, _ in pretrained._segments(samples, 100, overlap):
        total[start : start + len(gains)] += gains
    assert_allclose(total, 1, atol=1e-6)


def test_three_channels_are_refused(separate):
    with pytest.raises(ShapeError, match="mixture must have 1 or 2 channels, got 3"):
        separate(np.ones((3, 100), np.float32), small.RATE)


@pytest.mark.parametrize("name", ["htdemucs", "open-unmix"])
def test_where_the_library_is_missing_it_says_how_to_get_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "demucs", None)
    monkeypatch.setitem(sys.modules, "openunmix", None)
    remedy = rf"method {name} needs \w+, which is not installed; install it with: pip install 'mss-lab\[pretrained\]'"
    with pytest.raises(MissingExtra, match=remedy):
        catalogue.separator(name)(np.ones((2, 100), np.float32), small.RATE)


@pytest.mark.parametrize("name", ["htdemucs", "open-unmix"])
def test_memory_is_declared_and_does_not_grow_with_the_recording(name, monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 64e9)
    separate = catalogue.separator(name)
    assert memory.is_limited(separate)
    minutes = [
        memory.working_bytes_of(separate, memory.Recording(60 * 44_100 * length, 44_100, 2)) for length in (1, 60)
    ]
    assert minutes[0] == minutes[1] < memory.MOST_BYTES
    with memory.allowing(1e8), pytest.raises(RefusedValue, match=f"{name} would need about"):
        separate(np.broadcast_to(np.float32(0.1), (2, 44_100 * 60)), 44_100)


MEASURING = """
import sys
import torch
from mss_lab import catalogue, memory
from tests.benchmarks.memory import forget_peak, held_bytes, peak_bytes
from tests.neural import pretrained as small
torch.set_num_threads(1)
separate = catalogue.separator(sys.argv[1], weights=sys.argv[2])
mixture = small.song(float(sys.argv[3]))
separate(mixture[:, : small.RATE // 4], small.RATE)
held = held_bytes()
forget_peak()
estimates = separate(mixture, small.RATE)
measured = peak_bytes() - held - sum(estimate.nbytes for estimate in estimates.values())
print(memory.working_bytes_of(separate, memory.Recording.of(mixture, small.RATE)), measured)
"""


@pytest.mark.slow(60)
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="not run: only Linux tells the peak again")
@pytest.mark.parametrize("name", ["htdemucs", "open-unmix"])
def test_memory_is_declared_rightly_for_networks_of_the_published_size(name, request, tmp_path):
    if not request.config.getoption("thorough"):
        pytest.skip("measured with --thorough: these networks are slow")
    if name == "htdemucs":
        request.getfixturevalue("demucs_folder")
        published = {"channels": 48, "bottom_channels": 512, "dconv_comp": 8, "t_layers": 5, "t_heads": 8}
        model = small.demucs_model(**published, t_hidden_scale=4.0, segment=Fraction(39, 5))
        weights, seconds = small.write_th(tmp_path / "large.th", model), 8.0
    else:
        request.getfixturevalue("open_unmix_folder")
        weights, seconds = small.write_open_unmix(tmp_path / "large", 4096, 1024, hidden=512), 30.0
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", MEASURING, name, str(weights), str(seconds)]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    declared, measured = map(float, ran.stdout.split())
    assert declared / 2 < measured < 2 * declared


def test_overlaps_that_do_not_fit_are_refused(open_unmix_folder):
    with pytest.raises(ValueError, match="two overlaps go into a chunk"):
        pretrained.open_unmix(small.song(0.1), small.RATE, chunk_s=5.0, overlap_s=4.0, weights=open_unmix_folder)
