"""Separation at all levels: its sizes, masks that obey the tree, levels without labels, and queries of any length."""

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import models, recipes, targets  # noqa: E402
from mss_lab.neural import train as training  # noqa: E402
from mss_lab.neural.models.hierarchical import (  # noqa: E402
    Hierarchical,
    HierarchicalSettings,
    QueryByExample,
    QuerySettings,
)
from mss_lab.neural.models.mask_inference import level_db  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, train  # noqa: E402

LEVELS = ("leaf", "family")
TINY = {
    "sources": LEVELS, "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "hidden": 12,
    "layers": 1, "dropout": 0.0,
}  # fmt: skip
QUERY = {"query_hidden": 6, "query_layers": 1, "dimensions": 5}
SAMPLES = 40 * HOP


def tiny(**changes):
    torch.manual_seed(0)
    return Hierarchical(HierarchicalSettings(**{**TINY, **changes}))


def tiny_query(**changes):
    torch.manual_seed(0)
    return QueryByExample(QuerySettings(**{**TINY, **QUERY, **changes}))


def batch_of(examples=2):
    """The clip of two tones: the first one is the leaf, both are its family; the query is the first one, reversed."""
    made = clip(SAMPLES, examples)
    belongs = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).expand(examples, -1, -1)
    return {**made, "belongs": belongs, "query": made["sources"][:, 0].flip(-1)}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_networks_of_the_thesis_have_their_sizes():
    def recurrent(inputs):
        return 8 * 600 * (inputs + 600 + 2)

    def head(outputs):
        return 1201 * outputs * 513

    body = recurrent(513) + 3 * recurrent(1200) + 2 * 513
    with torch.device("meta"):
        single = Hierarchical(HierarchicalSettings(sources=("leaf",)))
        multi = Hierarchical(HierarchicalSettings())
        query = QueryByExample(QuerySettings())
    assert parameters(single) == body + head(1)
    assert parameters(multi) == body + head(3)
    asked = recurrent(513) + recurrent(1200) + head(20) + 2 * 513
    assert parameters(query) == body + 8 * 600 * 20 + head(3) + asked
    millions = [parameters(network) / 1e6 for network in (single, multi, query)]
    assert millions == pytest.approx([31.9, 33.1, 26.3 + 33.2], abs=0.1)


@pytest.mark.parametrize("name, millions", [("hierarchical", 33.1), ("query-by-example", 26.3 + 33.2)])
def test_the_paper_presets_have_the_sizes_of_the_thesis(name, millions):
    recipe = recipes.recipe(name, "paper")
    sources = [f"level {level}" for level in recipe.data.levels]
    with torch.device("meta"):
        network = models.build(recipe.network, {"sources": sources, **recipe.settings})
    assert parameters(network) / 1e6 == pytest.approx(millions, abs=0.1)


def test_with_the_constraint_no_mask_is_smaller_than_one_below_it():
    magnitude = torch.rand(2, 257, 9)
    for constrained in (True, False):
        masks = tiny(sources=("a", "b", "c"), constrained=constrained).eval().masks(magnitude)
        assert bool((masks.diff(dim=1) >= 0).all()) is constrained


def test_the_constraint_passes_the_gradient_to_one_mask_alone():
    network = tiny(sources=("a", "b", "c"))
    hidden = torch.randn(1, 4, 24, requires_grad=True)
    raw = network.to_masks(hidden)
    raw.retain_grad()
    masks = raw.transpose(1, 2).unflatten(1, (3, -1)).sigmoid().cummax(dim=1).values
    torch.testing.assert_close(masks, network.masks_of(hidden))
    masks[:, 2].sum().backward()
    by_level = raw.grad.transpose(1, 2).unflatten(1, (3, -1))
    assert bool(((by_level != 0).sum(dim=1) == 1).all())


def test_the_reference_of_a_family_is_the_sum_of_its_members():
    batch = batch_of()
    references = tiny().references(batch)
    torch.testing.assert_close(references[:, 0], batch["sources"][:, 0])
    torch.testing.assert_close(references[:, 1], batch["sources"].sum(dim=1))


def test_nothing_is_learnt_from_a_level_without_labels():
    batch = batch_of()
    network = tiny(constrained=False).train()
    network.loss({**batch, "labelled": torch.tensor([[0.0, 1.0]] * 2)}).backward()
    by_level = network.to_masks.weight.grad.unflatten(0, (2, -1))
    assert not by_level[0].any()
    assert by_level[1].any()
    # The mean over the levels that are labelled, not over all of them.
    both, leaf, family = (
        tiny(constrained=False).eval().loss({**batch, "labelled": torch.tensor([labelled] * 2)}).item()
        for labelled in ([1.0, 1.0], [1.0, 0.0], [0.0, 1.0])
    )
    assert both == pytest.approx((leaf + family) / 2)
    assert both == pytest.approx(tiny(constrained=False).eval().loss(batch).item())


def test_the_squared_distance_is_the_mean_of_squares():
    batch = batch_of()
    network = tiny(distance="squared").eval()
    transforms, mixture = network.transforms_of(batch["sources"])
    nodes = torch.stack([transforms[:, 0], transforms.sum(dim=1)], dim=1)
    target = targets.phase_sensitive_target(nodes, mixture)
    errors = network.masks(mixture.abs()) * mixture.abs().unsqueeze(1) - target
    assert network.loss(batch).item() == pytest.approx(errors.square().mean().item())
    assert tiny().eval().loss(batch).item() == pytest.approx(errors.abs().mean().item())
    with pytest.raises(ValueError, match="distance must be one of"):
        tiny(distance="cubed")


def test_one_clip_is_learnt_by_heart_at_both_levels():
    batch = batch_of(1)
    network = tiny(hidden=32, even_level=True)
    train(network, batch, 150, 1e-2)
    leaf = training.judge(network.eval(), [batch])[0]
    assert leaf["source"] == "leaf" and leaf["improvement"] > 8
    with torch.no_grad():
        estimate = network(batch["sources"].sum(dim=1))[:, 1]
    error = (estimate - batch["sources"].sum(dim=1)).square().sum() / batch["sources"].square().sum()
    assert float(error) < 0.01


def test_the_vector_of_a_query_does_not_depend_on_how_often_it_is_heard_or_how_loud():
    network = tiny_query(even_level=True).eval()
    query = batch_of(1)["query"]
    with torch.no_grad():
        once = network.embed(query)
        torch.testing.assert_close(network.embed(0.01 * query), once, rtol=1e-4, atol=1e-5)
        assert network.embed(query[:, :HOP]).shape == once.shape
        assert network.embed(query.repeat(1, 3)).shape == once.shape


def test_the_vector_is_the_mean_over_the_vectors_of_audible_bins():
    network = tiny_query().eval()
    query = batch_of(1)["query"]
    with torch.no_grad():
        magnitude = network._stft(query).abs()
        hidden = network.listen(network.normalise_query(level_db(magnitude)).transpose(1, 2))[0]
        vectors = network.to_vectors(hidden)[0].unflatten(-1, (257, 5))
        audible = (magnitude[0] > magnitude.max() / 1000).T
        torch.testing.assert_close(network.embed(query)[0], vectors[audible].mean(dim=0), rtol=1e-4, atol=1e-5)


def test_bins_that_are_not_audible_do_not_count():
    network = tiny_query().eval()
    query = batch_of(1)["query"]
    faint = torch.cat([query, torch.zeros(1, 20 * HOP)], dim=1)
    with torch.no_grad():
        magnitude = network._stft(faint).abs()
        assert float((magnitude > magnitude.max() / 1000).float().mean()) < 0.5
        # Only the recurrent layers connect the silence to what sounds before it.
        network.listen.weight_hh_l0_reverse.zero_()
        torch.testing.assert_close(network.embed(faint), network.embed(faint[:, : -8 * HOP]), rtol=1e-3, atol=1e-4)


def test_another_query_gives_another_estimate_and_its_vector_the_same():
    network, batch = tiny_query().eval(), batch_of(1)
    mixture = batch["sources"].sum(dim=1)
    with torch.no_grad():
        by_query = network(mixture, {"query": batch["query"]})
        assert not torch.allclose(by_query, network(mixture, {"query": batch["sources"][:, 1]}))
        torch.testing.assert_close(network(mixture, {"anchor": network.embed(batch["query"])}), by_query)


@pytest.mark.parametrize("conditioning", ["input", "product"])
def test_several_queries_of_a_mixture_are_as_one_query_after_the_other(conditioning):
    network, batch = tiny_query(conditioning=conditioning, even_vectors=True).eval(), batch_of()
    # The two mixtures differ. For each the first tone is asked for, and then the second.
    tones = torch.stack([batch["sources"][0], batch["sources"][1].cumsum(dim=-1).sin()])
    both = {
        "sources": tones,
        "query": tones.flatten(0, 1),
        "belongs": torch.tensor([[[1.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]]]).repeat(2, 1, 1),
    }
    alone = [{"sources": tones, "query": tones[:, asked], "belongs": both["belongs"][asked::2]} for asked in range(2)]
    mixture = tones.sum(dim=1)
    with torch.no_grad():
        torch.testing.assert_close(network.loss(both), sum(network.loss(one) for one in alone) / 2)
        expected = torch.stack([network(mixture, one) for one in alone], dim=1).flatten(0, 1)
        torch.testing.assert_close(network(mixture, both), expected)
        assert not torch.allclose(expected[0], expected[1])
    references = network.references(both)
    torch.testing.assert_close(references[:, 0], tones.flatten(0, 1))


def test_a_product_scales_and_shifts_what_is_known_of_the_mixture():
    network = tiny_query(conditioning="product").eval()
    magnitude, anchor = torch.rand(1, 257, 7), torch.randn(1, 5)
    with torch.no_grad():
        known = network.to_features(network.recurrent(network.features(magnitude))[0])
        scaled = known * (1 + network.to_scale(anchor)) + network.to_shift(anchor)
        torch.testing.assert_close(network.hidden(magnitude, {"anchor": anchor}), scaled.clamp(min=0))


def test_even_vectors_have_mean_0_and_spread_1_over_the_queries_of_a_batch():
    network, queries = tiny_query(even_vectors=True), torch.randn(6, 4000)
    with torch.no_grad():
        vectors = network.embed(queries)
        torch.testing.assert_close(vectors.mean(dim=0), torch.zeros(5), atol=1e-4, rtol=0)
        assert float(tiny_query().embed(queries).std(dim=0).max()) < 0.1 < float(vectors.std(dim=0).min())
        # One query has no spread of its own; in use, none has.
        assert bool(network.embed(queries[:1]).isfinite().all())
        torch.testing.assert_close(network.eval().embed(queries)[:1], network.embed(queries[:1]))


def named_batch(leaf):
    return {**batch_of(), "leaf": torch.tensor(leaf)}


def test_the_loss_of_names_is_the_cross_entropy_of_the_known_instruments():
    network = tiny_query(leaves=("flute", "oboe", "viola"), naming_weight=0.5).eval()
    plain = tiny_query().eval()
    batch = named_batch([2, -1])
    with torch.no_grad():
        plain.load_state_dict({name: value for name, value in network.state_dict().items() if "to_names" not in name})
        probabilities = network.to_names(network.embed(batch["query"])).softmax(dim=-1)
        expected = plain.loss(batch) - 0.5 * probabilities[0, 2].log()
        torch.testing.assert_close(network.loss(batch), expected)
        # Where no instrument is known, there is nothing to name.
        torch.testing.assert_close(network.loss(named_batch([-1, -1])), plain.loss(batch))


def test_names_train_the_network_that_reads_the_query():
    network = tiny_query(leaves=("flute", "oboe"), naming_weight=1.0).train()
    batch = named_batch([0, 1])
    # The second query is another sound than the first one.
    batch["query"] = torch.cat([batch["query"][:1], batch["sources"][:1, 1]])
    train(network, batch, 60, 1e-2)
    with torch.no_grad():
        named = network.eval().to_names(network.embed(batch["query"])).argmax(dim=-1)
    assert named.tolist() == [0, 1]


def test_queries_without_a_name_or_with_one_that_the_network_has_not_are_refused():
    network = tiny_query(leaves=("flute", "oboe"))
    with pytest.raises(ValueError, match="which leaf each query plays, got no leaf"):
        network.loss(batch_of())
    with pytest.raises(ValueError, match="must be less than 2, got 2; name all leaves"):
        network.loss(named_batch([0, 2]))
    with pytest.raises(ValueError, match="leaves must be names, each once"):
        tiny_query(leaves=("flute", "flute"))


def test_refused_inputs():
    network, batch = tiny_query().eval(), batch_of(1)
    mixture = batch["sources"].sum(dim=1)
    with pytest.raises(ValueError, match="must hold a query, got none"):
        network(mixture)
    with pytest.raises(ValueError, match="must sound, got a silent one"):
        network(mixture, {"query": torch.zeros(1, 5000)})
    for anchor in (torch.zeros(3, 5), torch.zeros(0, 5), torch.zeros(2, 4), torch.zeros(5)):
        with pytest.raises(ValueError, match="as many queries for each mixture"):
            network(mixture.expand(2, -1), {"anchor": anchor})
    with pytest.raises(ValueError, match="conditioning must be"):
        tiny_query(conditioning="sum")
    with pytest.raises(ValueError, match="got no belongs"):
        network.loss({"sources": batch["sources"], "query": batch["query"]})
    with pytest.raises(ValueError, match="one row for each estimate, 1, got 2"):
        tiny().loss({**batch, "belongs": batch["belongs"].repeat(2, 1, 1)})
    with pytest.raises(ValueError, match="as many levels in the settings"):
        tiny(sources=("a", "b", "c")).loss(batch)
    with pytest.raises(ValueError, match="masks"):
        tiny(masks="softmax")


def test_a_judge_compares_each_level_with_the_sum_of_its_sources():
    batch = batch_of()
    rows = training.judge(tiny().eval(), [batch])
    assert [row["source"] for row in rows] == ["leaf", "mean"]
    assert rows[0]["segments"] == 2


@pytest.mark.parametrize("name", ["hierarchical", "query-by-example"])
def test_the_networks_are_built_by_name(name):
    settings = {"sources": ["leaf", "family"], "hidden": 8, "layers": 1}
    settings |= {"query_hidden": 4, "query_layers": 1} if name == "query-by-example" else {}
    assert models.name_of(models.build(name, settings)) == name
