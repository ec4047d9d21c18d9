"""Deep clustering: a loss that equals its definition, and clusters that are the ideal binary mask."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import clustering  # noqa: E402
from tests.neural.training import random_tensor  # noqa: E402


def one_hot(labels, sources):
    return torch.nn.functional.one_hot(labels, sources).float()


def random_case(batch=3, bins=30, dimensions=5, sources=3):
    embeddings = torch.nn.functional.normalize(random_tensor(batch, bins, dimensions), dim=-1)
    labels = torch.from_numpy(np.random.default_rng(1).integers(sources, size=(batch, bins)))
    return embeddings, one_hot(labels, sources), random_tensor(batch, bins, seed=2).abs()


def by_definition(embeddings, loudest, weights):
    """The loss with the matrices of all pairs of bins."""
    values = []
    for v, y, w in zip(embeddings.double(), loudest.double(), weights.double(), strict=True):
        difference = v @ v.mT - y @ y.mT
        values.append((w[:, None] * w[None] * difference**2).sum() / w.sum() ** 2)
    return torch.stack(values).mean()


def test_the_loss_equals_its_definition():
    case = random_case()
    assert float(clustering.affinity_loss(*case)) == pytest.approx(float(by_definition(*case)), rel=1e-5)


def test_the_loss_is_zero_for_the_sources_themselves():
    _, loudest, weights = random_case()
    assert clustering.affinity_loss(loudest, loudest, weights) == pytest.approx(0, abs=1e-6)


def test_the_order_of_the_sources_and_the_axes_of_the_vectors_do_not_matter():
    embeddings, loudest, weights = random_case()
    expected = clustering.affinity_loss(embeddings, loudest, weights)
    turned = embeddings @ torch.linalg.qr(random_tensor(5, 5))[0]
    torch.testing.assert_close(clustering.affinity_loss(turned, loudest[..., [2, 0, 1]], weights), expected)


def test_bins_without_weight_do_not_count():
    embeddings, loudest, weights = random_case()
    weights[:, 10:] = 0
    less = clustering.affinity_loss(embeddings[:, :10], loudest[:, :10], weights[:, :10])
    torch.testing.assert_close(clustering.affinity_loss(embeddings, loudest, weights), less)
    assert clustering.affinity_loss(embeddings, loudest, 0 * weights) == 0


def test_a_longer_excerpt_has_no_larger_loss():
    embeddings, loudest, weights = random_case()
    twice = [torch.cat([part, part], dim=1) for part in (embeddings, loudest, weights)]
    torch.testing.assert_close(clustering.affinity_loss(*twice), clustering.affinity_loss(embeddings, loudest, weights))


def test_other_shapes_are_refused():
    embeddings, loudest, weights = random_case()
    with pytest.raises(ValueError, match="same batch and bins"):
        clustering.affinity_loss(embeddings, loudest[:, :-1], weights)


def test_the_loudest_source_of_each_bin_is_marked_once():
    magnitudes = torch.rand(2, 3, 5, 4)
    marked = clustering.loudest_source(magnitudes)
    assert (marked.sum(dim=1) == 1).all()
    torch.testing.assert_close((marked * magnitudes).sum(dim=1), magnitudes.amax(dim=1))
    # Where all are silent, one of them is marked nevertheless: such bins have no weight.
    assert clustering.audible_bins(torch.zeros(1, 5, 4)).sum() == 0


def test_audible_bins_lie_within_forty_decibels():
    magnitude = torch.tensor([1.0, 0.011, 0.009, 0.0]).reshape(1, 4, 1)
    assert clustering.audible_bins(magnitude).ravel().tolist() == [1, 1, 0, 0]


def test_clusters_of_the_sources_themselves_are_the_ideal_binary_mask(rng):
    labels = rng.integers(3, size=(20, 15))
    embeddings = np.eye(3)[labels]
    masks = clustering.cluster_masks(embeddings, np.ones(labels.shape), 3, rng=rng)
    assert (masks.sum(axis=0) == 1).all()
    expected = {(labels == source).tobytes() for source in range(3)}
    assert {mask.tobytes() for mask in masks} == expected


def test_silent_bins_do_not_move_the_clusters(rng):
    embeddings = np.zeros((10, 10, 2))
    embeddings[:5, :, 0] = embeddings[5:, :, 1] = 1
    audible = np.ones((10, 10))
    embeddings[9], audible[9] = (-50, -50), 0
    masks = clustering.cluster_masks(embeddings, audible, 2, rng=rng)
    assert {tuple(mask[:9, 0].tolist()) for mask in masks} == {(True,) * 5 + (False,) * 4, (False,) * 5 + (True,) * 4}


def test_silence_goes_to_the_first_group():
    masks = clustering.cluster_masks(np.zeros((4, 5, 2)), np.zeros((4, 5)), 2)
    assert masks[0].all() and not masks[1].any()
    with pytest.raises(ValueError, match="audible must be"):
        clustering.cluster_masks(np.zeros((4, 5, 2)), np.zeros((4, 6)), 2)
