"""Separation by a query: recordings of any shape, one frame to minutes, and clear refusals."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import query  # noqa: E402
from mss_lab.neural.models.hierarchical import QueryByExample, QuerySettings  # noqa: E402
from mss_lab.neural.models.mask_inference import MaskInference, MaskInferenceSettings  # noqa: E402
from tests.neural.training import noise  # noqa: E402

SETTINGS = {
    "sources": ("level 1", "level 2"), "sample_rate_hz": 8_000, "window_samples": 512, "hop_samples": 128,
    "hidden": 6, "layers": 1, "query_hidden": 4, "query_layers": 1, "dimensions": 3, "even_level": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return QueryByExample(QuerySettings(**SETTINGS)).eval()


@pytest.mark.parametrize("channels, samples, rate_hz", [(1, 1, 8_000), (2, 5_000, 8_000), (1, 30_000, 44_100)])
def test_estimates_have_the_shape_of_the_mixture(network, channels, samples, rate_hz):
    estimates = query.separate(noise(samples, channels), rate_hz, noise(9_000, 2, seed=1), weights=network)
    assert list(estimates) == ["level 1", "level 2"]
    assert all(estimate.shape == (channels, samples) for estimate in estimates.values())


def test_a_query_may_be_longer_than_the_mixture_and_at_another_rate(network):
    mixture = noise(4_000)
    at_once = query.separate(mixture, 8_000, noise(40_000, seed=1), 16_000, weights=network)
    vector = query.vector_of(noise(40_000, seed=1), 16_000, weights=network)
    by_vector = query.separate(mixture, 8_000, vector, weights=network)
    np.testing.assert_allclose(by_vector["level 1"], at_once["level 1"], atol=1e-6)


def test_the_estimates_follow_the_query_in_every_chunk(network):
    mixture = noise(80_000)
    options = {"chunk_s": 3.0, "overlap_s": 1.0, "weights": network}
    first, second = (query.separate(mixture, 8_000, noise(8_000, seed=seed), **options) for seed in (1, 2))
    whole = query.separate(mixture, 8_000, noise(8_000, seed=1), weights=network)
    difference = np.abs(first["level 1"] - second["level 1"]).reshape(10, -1).max(axis=1)
    assert (difference > 1e-6).all()
    assert np.abs(first["level 1"] - whole["level 1"]).max() < 0.05 * np.abs(whole["level 1"]).max()


def test_queries_and_weights_that_do_not_suit_are_refused(network):
    with pytest.raises(ValueError, match="must sound, got a silent one"):
        query.separate(noise(4_000), 8_000, np.zeros((1, 4_000), np.float32), weights=network)
    with pytest.raises(ValueError, match="vector must be"):
        query.separate(noise(4_000), 8_000, np.zeros(7, np.float32), weights=network)
    other = MaskInference(MaskInferenceSettings(hidden=4, layers=1))
    with pytest.raises(TypeError, match="takes a query, got a MaskInference"):
        query.separate(noise(4_000), 8_000, noise(4_000), weights=other)
