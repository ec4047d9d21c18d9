"""The map of queries: its plane against scikit-learn's, and what a point of it stands for."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import query_map, query_vectors  # noqa: E402
from mss_lab.refusals import Refusal  # noqa: E402


def drawn(rng, queries=60, dimensions=7):
    """Vectors of three instruments around three means."""
    leaf = np.array(["oboe", "cello", "flute"] * (queries // 3))
    centres = {name: 3 * rng.standard_normal(dimensions) for name in ("oboe", "cello", "flute")}
    rows = np.stack([centres[name] + rng.standard_normal(dimensions) for name in leaf]).astype(np.float32)
    side = np.array(["train", "unseen"] * (queries // 2))
    return query_vectors.Vectors(rows, leaf, leaf, side, "")


@pytest.fixture
def vectors(rng):
    return drawn(rng)


def test_the_plane_is_that_of_the_principal_components(vectors):
    from sklearn.decomposition import PCA

    made = query_map.of(vectors)
    oracle = PCA(2).fit(vectors.vectors)
    for mine, theirs in zip(made.directions, oracle.components_, strict=True):
        assert abs(mine @ theirs) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(np.abs(made.positions), np.abs(oracle.transform(vectors.vectors)), atol=1e-4)
    (left, right), (bottom, top) = made.bounds
    assert (made.positions > [left, bottom]).all() and (made.positions < [right, top]).all()
    np.testing.assert_allclose(made.position_of(vectors.vectors[4]), made.positions[4], atol=1e-5)


def test_a_point_stands_for_a_vector_that_lies_there(vectors, rng):
    made = query_map.of(vectors)
    for point in 4 * rng.standard_normal((20, 2)):
        np.testing.assert_allclose(made.position_of(made.vector_at(point)), point, atol=1e-5)


def test_the_place_of_a_mean_stands_for_the_mean_and_there_is_no_step_around_it(vectors, rng):
    made = query_map.of(vectors)
    for leaf in made.leaves:
        mean = vectors.mean(leaf)
        place = made.position_of(mean)
        np.testing.assert_allclose(made.vector_at(place), mean, atol=1e-5)
        for near in place + 1e-4 * rng.standard_normal((5, 2)):
            np.testing.assert_allclose(made.vector_at(near), mean, atol=1e-3)
        assert made.nearest_leaf(mean) == (leaf, pytest.approx(0, abs=1e-5))


def test_between_the_means_the_vector_lies_between_them(rng):
    """Two instruments: halfway on the map is halfway between the means, in all dimensions."""
    vectors = drawn(rng, queries=60)
    two = vectors.leaf != "flute"
    two = query_vectors.Vectors(
        *(part[two] for part in (vectors.vectors, vectors.leaf, vectors.leaf, vectors.side)), ""
    )
    made = query_map.of(two)
    halfway = (two.mean("oboe") + two.mean("cello")) / 2
    np.testing.assert_allclose(made.vector_at(made.position_of(halfway)), halfway, atol=1e-4)


def test_the_shipped_vectors_have_a_map_and_instruments_are_nearest_to_themselves():
    made = query_map.of(query_vectors.shipped())
    assert made.positions.shape == (len(query_vectors.shipped().vectors), 2)
    for leaf, mean in zip(made.leaves, made.means, strict=True):
        assert made.nearest_leaf(made.vector_at(made.position_of(mean)))[0] == leaf


@pytest.mark.parametrize("point", [(1.0,), (1.0, np.nan), ("a", 1.0), (1.0, 2.0, 3.0)])
def test_a_point_that_is_none_is_refused(vectors, point):
    with pytest.raises((TypeError, ValueError)):
        query_map.of(vectors).vector_at(point)


def test_vectors_of_other_dimensions_are_refused(vectors):
    made = query_map.of(vectors)
    for wrong in (np.zeros(3), np.full(7, np.nan), np.zeros((1, 7))):
        with pytest.raises(Refusal):
            made.position_of(wrong)
    one = query_vectors.Vectors(vectors.vectors[:1], vectors.leaf[:1], vectors.timbre[:1], vectors.side[:1], "")
    with pytest.raises(Refusal, match="at least two vectors"):
        query_map.of(one)
