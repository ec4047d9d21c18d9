"""Stored vectors of queries: which excerpts they come from, what belongs to which weights, and damaged files."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import audio, cli, hierarchy  # noqa: E402
from mss_lab.datasets import store as stores  # noqa: E402
from mss_lab.neural import query, query_method, query_vectors, weights  # noqa: E402
from mss_lab.neural.models.hierarchical import QueryByExample, QuerySettings  # noqa: E402
from mss_lab.neural.models.mask_inference import MaskInference, MaskInferenceSettings  # noqa: E402
from mss_lab.score.notes import Note, Score  # noqa: E402
from tests.neural.training import noise  # noqa: E402

RATE_HZ = 8_000
PROGRAMS = {"oboe": 68, "clarinet": 71, "violin": 40, "trumpet": 56}
SETTINGS = {
    "sources": ("level 1", "level 2"), "sample_rate_hz": RATE_HZ, "window_samples": 256, "hop_samples": 64,
    "hidden": 4, "layers": 1, "query_hidden": 4, "query_layers": 1, "dimensions": 3, "even_level": True,
}  # fmt: skip


def song(number, leaves):
    """Half a second of noise for each player; a trumpet is in no tree, and the third violin is silent."""
    rng = np.random.default_rng(number)
    audio = 0.1 * rng.standard_normal((len(leaves), RATE_HZ // 2))
    if number == 2:
        audio[leaves.index("violin")] = 0
    return {
        "audio": audio.astype(np.float16),
        "notes": np.zeros((0, 4)),
        "programs": np.array([PROGRAMS[leaf] for leaf in leaves], np.uint8),
        "timbres": np.array([f"{leaf} {number}" for leaf in leaves]),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two stores of songs, weights, and their vectors."""
    folder = tmp_path_factory.mktemp("vectors")
    pairs = [("oboe", "violin"), ("clarinet", "trumpet"), ("violin", "clarinet")]
    for side, count in (("train", 3), ("unseen", 2)):
        facts = {"sources": ["a", "b"], "sample_rate_hz": RATE_HZ, "split": side}
        stores.make(folder / side, lambda index: song(index, pairs[index]), count, facts=facts)
    torch.manual_seed(0)
    weights.save(QueryByExample(QuerySettings(**SETTINGS)), folder / "asked.safetensors", {})
    arguments = [folder / "train", folder / "unseen", "--weights", folder / "asked.safetensors", "--query-s", "0.25"]
    assert cli.main(["data", "vectors", *map(str, arguments)]) == 0
    return folder


def test_each_stem_of_the_tree_has_a_vector(made):
    vectors = query_vectors.load(made / "asked.vectors.npz", made / "asked.safetensors")
    rows = list(zip(vectors.side.tolist(), vectors.leaf.tolist(), vectors.timbre.tolist(), strict=True))
    assert rows == [
        ("train", "clarinet", "clarinet 1"),
        ("train", "clarinet", "clarinet 2"),
        ("train", "oboe", "oboe 0"),
        ("train", "violin", "violin 0"),
        ("unseen", "clarinet", "clarinet 1"),
        ("unseen", "oboe", "oboe 0"),
        ("unseen", "violin", "violin 0"),
    ]
    assert vectors.leaves == ("clarinet", "oboe", "violin")
    assert vectors.vectors.shape == (7, 3)


def test_a_vector_is_that_of_an_excerpt_of_its_stem(made):
    network = weights.load(made / "asked.safetensors")
    store = stores.open_store(made / "train")
    drawn = query_vectors.draw(store, network, query_s=10.0)
    # Longer than the stem: the whole of it, and then silence.
    padded = np.pad(store[0]["audio"][0].astype(np.float32), (0, 10 * RATE_HZ - RATE_HZ // 2))
    expected = query.vector_of(padded[None], RATE_HZ, weights=network)
    np.testing.assert_allclose(drawn["vectors"][drawn["leaf"].tolist().index("oboe")], expected, atol=1e-6)


def test_the_mean_of_an_instrument_is_over_its_training_queries(made):
    vectors = query_vectors.load(made / "asked.vectors.npz")
    np.testing.assert_allclose(vectors.mean("clarinet"), vectors.vectors[:2].mean(axis=0), atol=1e-6)
    unseen = slice(4, None)
    unseen_only = query_vectors.Vectors(
        vectors.vectors[unseen], vectors.leaf[unseen], vectors.timbre[unseen], vectors.side[unseen], vectors.weights
    )
    np.testing.assert_allclose(unseen_only.mean("oboe"), vectors.vectors[5], atol=1e-6)
    mean = query_vectors.of_instrument("clarinet", weights=made / "asked.safetensors")
    np.testing.assert_array_equal(mean, vectors.mean("clarinet"))


def test_an_instrument_without_vectors_is_refused(made):
    with pytest.raises(ValueError, match="instrument must be one of 'clarinet', 'oboe', 'violin', got 'flute'"):
        query_vectors.of_instrument("flute", weights=made / "asked.safetensors")


def test_the_same_command_writes_the_same_file(made):
    before = (made / "asked.vectors.npz").read_bytes()
    query_vectors.save([made / "train", made / "unseen"], made / "asked.safetensors", query_s=0.25)
    assert (made / "asked.vectors.npz").read_bytes() == before
    other = query_vectors.save([made / "train", made / "unseen"], made / "asked.safetensors", query_s=0.25, seed=1)
    assert (made / "asked.vectors.npz").read_bytes() != before
    assert len(other.leaf) == 7
    query_vectors.save([made / "train", made / "unseen"], made / "asked.safetensors", query_s=0.25)


def test_vectors_of_other_weights_and_damaged_files_are_refused(made, tmp_path):
    torch.manual_seed(1)
    path = tmp_path / "other.safetensors"
    weights.save(QueryByExample(QuerySettings(**SETTINGS)), path, {})
    with pytest.raises(FileNotFoundError, match="does not exist; make it again: mss-lab data vectors SONGS"):
        query_vectors.of_instrument("oboe", weights=path)
    vectors = (made / "asked.vectors.npz").read_bytes()
    query_vectors.path_of(path).write_bytes(vectors)
    with pytest.raises(ValueError, match="got those of other weights; make it again"):
        query_vectors.of_instrument("oboe", weights=path)
    query_vectors.path_of(path).write_bytes(vectors[:-200])
    with pytest.raises(ValueError, match="is damaged, or no file of vectors"):
        query_vectors.load(query_vectors.path_of(path))
    rows = {"leaf": np.array(["oboe"]), "timbre": np.array(["a"]), "side": np.array(["train"]), "weights": np.array("")}
    for bad in (np.full((1, 3), np.nan), np.zeros((2, 3)), np.zeros(3)):
        np.savez(query_vectors.path_of(path), vectors=bad, **rows)
        with pytest.raises(ValueError, match="must hold a finite vector"):
            query_vectors.load(query_vectors.path_of(path))


def test_songs_and_networks_that_do_not_suit_are_refused(made, tmp_path):
    path = tmp_path / "masks.safetensors"
    weights.save(MaskInference(MaskInferenceSettings(hidden=4, layers=1)), path, {})
    with pytest.raises(TypeError, match="takes a query, got a MaskInference"):
        query_vectors.save([made / "train"], path)
    with pytest.raises(ValueError, match="at least one store"):
        query_vectors.save([], made / "asked.safetensors")
    with pytest.raises(ValueError, match="instruments of the tree, got none"):
        tree = hierarchy.from_nested({"brass": {"tuba": {}, "horn": {}}})
        query_vectors.save([made / "train"], made / "asked.safetensors", tree=tree)
    with pytest.raises(ValueError, match="query_s"):
        query_vectors.save([made / "train"], made / "asked.safetensors", query_s=0)


def test_as_a_method_it_separates_each_source_of_a_score_by_the_vector_of_its_instrument(made):
    asked = made / "asked.safetensors"
    score = Score((Note("Violin I", 69, 0.1, 0.4), Note("Oboe", 72, 0.2, 0.5)), ("Violin I", "Oboe"))
    mixture = noise(4_000, 2)
    estimates = query_method.query_by_example(mixture, RATE_HZ, score, weights=asked)
    assert list(estimates) == ["Violin I", "Oboe"]
    vector = query_vectors.of_instrument("violin", weights=asked)
    alone = query.separate(mixture, RATE_HZ, vector, weights=asked)
    np.testing.assert_allclose(estimates["Violin I"], alone["level 1"], atol=1e-6)
    assert list(query_method.query_by_example(mixture, RATE_HZ, weights=asked)) == ["clarinet", "oboe", "violin"]
    with pytest.raises(ValueError, match="separates clarinet, oboe, violin, and no others; the score has 'Trumpet'"):
        query_method.query_by_example(
            mixture, RATE_HZ, Score((Note("Trumpet", 60, 0, 1),), ("Trumpet",)), weights=asked
        )


def test_as_a_method_it_separates_what_a_file_plays(made, tmp_path):
    asked, mixture = made / "asked.safetensors", noise(4_000)
    recording = 0.5 * noise(6_000, 2, seed=3)
    audio.write_audio(tmp_path / "query.wav", recording, 16_000)
    estimates = query_method.query_by_example(mixture, RATE_HZ, query=tmp_path / "query.wav", weights=asked)
    expected = query.separate(mixture, RATE_HZ, recording, 16_000, weights=asked)
    assert list(estimates) == ["level 1", "level 2"]
    np.testing.assert_allclose(estimates["level 2"], expected["level 2"], atol=1e-3)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        query_method.query_by_example(mixture, RATE_HZ, query=tmp_path / "other.wav", weights=asked)
