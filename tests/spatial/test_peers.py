"""The peers of pyroomacoustics behind the contract: what they can do, that they leave no trace, and what is refused."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import catalogue, checks, compare, memory, signals
from mss_lab.metrics import energy
from mss_lab.refusals import MissingExtra
from mss_lab.spatial import panning, peers

RATE = 16_000
every_peer = pytest.mark.parametrize("separate", [peers.fastmnmf, peers.ilrma, peers.auxiva])


@pytest.fixture
def library():
    return pytest.importorskip("pyroomacoustics", reason="not run: pyroomacoustics is not installed")


def bursts(rng, duration_s=3.0):
    """Two noises of different colours that come and go at different times, on both sides of a small delay."""
    samples = round(duration_s * RATE)
    times = np.arange(samples) / RATE
    white = rng.standard_normal((2, samples))
    low = np.convolve(white[0], np.ones(6) / 6, "same") * (np.sin(2 * np.pi * 1.1 * times) > 0)
    high = np.diff(white[1], prepend=0) * (np.sin(2 * np.pi * 1.7 * times + 1) > 0)
    sources = {"low": np.stack([low, 0.5 * np.roll(low, 3)]), "high": np.stack([0.4 * np.roll(high, 2), high])}
    return {name: (0.2 * one).astype(np.float32) for name, one in sources.items()}


@pytest.mark.slow(4)
@every_peer
def test_two_sources_with_delays_come_apart(library, rng, separate):
    sources = bursts(rng)
    mixture = sum(sources.values())
    options = {"count": 2} if separate is peers.fastmnmf else {}
    estimates = compare.match(separate(mixture, RATE, window_s=0.064, **options), sources)
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
    for name, source in sources.items():
        assert energy.sdr(source, estimates[name]) > energy.sdr(source, mixture) + 6


@pytest.mark.slow(1.2)
@every_peer
def test_numpys_own_generator_is_left_as_it_was(library, rng, separate):
    mixture = sum(bursts(rng, 0.3).values())
    np.random.seed(7)  # noqa: NPY002
    wanted = np.random.rand(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    first = separate(mixture, RATE)
    assert_array_equal(np.random.rand(3), wanted)  # noqa: NPY002
    second = separate(mixture, RATE)
    for name in first:
        assert_array_equal(first[name], second[name])


def test_it_is_left_as_it_was_where_the_library_fails(library, rng, monkeypatch):
    def fails(*_, **__):
        np.random.rand(5)  # noqa: NPY002
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(library.bss, "ilrma", fails)
    mixture = sum(bursts(rng, 0.3).values())
    np.random.seed(7)  # noqa: NPY002
    wanted = np.random.rand(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    with pytest.warns(panning.PanWarning, match="sources of this mixture cannot be distinguished"):
        estimates = peers.ilrma(mixture, RATE)
    assert_array_equal(np.random.rand(3), wanted)  # noqa: NPY002
    for estimate in estimates.values():
        assert_allclose(estimate, mixture / 2, atol=1e-6)


def test_the_runs_are_brought_into_one_order_and_averaged(library, rng, monkeypatch):
    mixture = sum(bursts(rng, 0.5).values())
    original, found = library.bss.fastmnmf, []

    def watched(*args, **options):
        assert options["mic_index"] == "all"
        found.append(original(*args, **options))
        return found[-1]

    monkeypatch.setattr(library.bss, "fastmnmf", watched)
    many = peers.fastmnmf(mixture, RATE, count=2, iterations=5, rng=np.random.default_rng(1))
    assert len(found) == 3

    def replay(replies):
        answers = iter(replies)
        monkeypatch.setattr(library.bss, "fastmnmf", lambda *_, **__: next(answers))
        options = {"count": 2, "iterations": 5, "runs": len(replies), "rng": np.random.default_rng(1)}
        return peers.fastmnmf(mixture, RATE, **options)

    # The order of the sources within a run does not matter, but for the first run, whose order is kept.
    exchanged = replay([found[0], *(np.asarray(one)[..., ::-1] for one in found[1:])])
    for name in many:
        assert_allclose(exchanged[name], many[name], atol=1e-6)
    waveforms = [np.stack(list(replay([one]).values())) for one in found]
    means = [
        (waveforms[0] + waveforms[1][list(second)] + waveforms[2][list(third)]) / 3
        for second in ((0, 1), (1, 0))
        for third in ((0, 1), (1, 0))
    ]
    assert min(np.abs(mean - np.stack(list(many.values()))).max() for mean in means) < 1e-6


def test_images_are_ordered_by_their_spectrograms(rng):
    images = rng.standard_normal((3, 2, 5, 8)) + 1j * rng.standard_normal((3, 2, 5, 8))
    order = [2, 0, 1]
    turned = images[order] * np.exp(1j * rng.uniform(0, 6, (3, 1, 1, 1)))
    assert_array_equal(turned[peers._order_like(images, turned)], turned[np.argsort(order)])


def test_a_run_that_is_not_finite_or_far_too_loud_is_left_out(library, rng, monkeypatch):
    mixture = sum(bursts(rng, 0.5).values())
    good = []
    original = library.bss.fastmnmf
    monkeypatch.setattr(library.bss, "fastmnmf", lambda *a, **o: good.append(original(*a, **o)) or good[-1])
    alone = peers.fastmnmf(mixture, RATE, count=2, iterations=5, runs=1)
    broken = iter([np.full_like(good[0], np.nan), good[0], 1e3 * np.asarray(good[0])])
    monkeypatch.setattr(library.bss, "fastmnmf", lambda *_, **__: next(broken))
    of_three = peers.fastmnmf(mixture, RATE, count=2, iterations=5, runs=3)
    for name in alone:
        assert_allclose(of_three[name], alone[name], atol=1e-6)


def test_images_are_projected_back(rng):
    parts = rng.standard_normal((2, 2, 30, 4))
    sources = parts[0] + 1j * parts[1]
    mixing = rng.standard_normal((4, 2, 2)) + 1j * rng.standard_normal((4, 2, 2))
    wanted = np.einsum("fcj,jnf->jcfn", mixing, sources)
    scales = rng.standard_normal((2, 1, 4)) + 1j
    found = peers._images(wanted.sum(axis=0).transpose(2, 1, 0), (scales * sources).transpose(1, 2, 0))
    assert_allclose(found, wanted, atol=1e-10)


@every_peer
def test_long_recordings_are_refused_before_any_work(separate, monkeypatch):
    monkeypatch.setattr(memory, "computer_bytes", lambda: 64e9)
    minutes = np.broadcast_to(np.float32(0.1), (2, 5 * 60 * 44_100))
    with pytest.raises(ValueError, match=r"would need about [\d.]+ GB .* separate an excerpt of at most \d+ s, "):
        separate(minutes, 44_100)


@every_peer
def test_where_the_library_is_missing_it_says_how_to_get_it(separate, monkeypatch):
    # None is how Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mss-lab\[peers\]'"):
        separate(np.ones((2, 100), np.float32), RATE)


def test_the_catalogue_lists_them_whether_the_library_is_there_or_not():
    assert {"fastmnmf", "ilrma", "auxiva"} <= set(catalogue.names())
    assert catalogue.get("fastmnmf").options["runs"].default == 3


@pytest.mark.parametrize(
    ("separate", "options", "words"),
    [
        (peers.fastmnmf, {"count": 1}, "count must be a whole number at least 2"),
        (peers.fastmnmf, {"runs": 0}, "runs must be"),
        (peers.ilrma, {"components": 0}, "components must be"),
        (peers.auxiva, {"model": "cauchy"}, "model must be one of"),
        (peers.auxiva, {"iterations": 0}, "iterations must be"),
    ],
)
def test_options_that_cannot_be_are_refused(separate, options, words):
    with pytest.raises(ValueError, match=words):
        separate(np.ones((2, 100), np.float32), RATE, **options)
    with pytest.raises(checks.ShapeError, match="must have 2 channels"):
        separate(signals.tone(220.0, 0.1, RATE), RATE)
