"""Cerberus: its sizes, heads that are switched off and stay as they were, and one clip learnt by heart by each head."""

import dataclasses
import itertools
import json

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import models  # noqa: E402
from mss_lab.neural.models.cerberus import HEADS, Cerberus, CerberusSettings  # noqa: E402
from tests.neural.test_dsis import batch_with_rolls  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, mean_sdr_db, train, weights_of  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "hidden": 12,
    "layers": 1, "dropout": 0.0, "dimensions": 4,
}  # fmt: skip
LAYERS = {"clustering": "to_embeddings", "masks": "to_masks", "transcription": "to_rolls"}
COMBINATIONS = [heads for count in (1, 2, 3) for heads in itertools.combinations(HEADS, count)]


def tiny(heads=HEADS, **changes):
    torch.manual_seed(0)
    weights = {f"{name}_weight": float(name in heads) for name in HEADS}
    return Cerberus(CerberusSettings(**{**TINY, **weights, **changes}))


@pytest.mark.parametrize("count, millions", [(2, 15.3), (3, 15.7), (4, 16.1), (5, 16.4)])
def test_the_networks_of_the_thesis_have_their_sizes(count, millions):
    with torch.device("meta"):
        network = Cerberus(CerberusSettings(sources=tuple("abcde"[:count])))
    recurrent = sum(8 * 300 * (inputs + 300 + 2) for inputs in (513, 600, 600, 600))
    expected = recurrent + 2 * 513 + 601 * (20 * 513 + count * 513 + count * 88)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert round(expected / 1e6, 1) == millions


def test_networks_with_other_weights_begin_with_the_same_values():
    first, *others = (weights_of(tiny(heads)) for heads in COMBINATIONS)
    for other in others:
        assert other.keys() == first.keys()
        assert all(torch.equal(other[name], first[name]) for name in first)


@pytest.mark.parametrize("heads", COMBINATIONS, ids="+".join)
def test_a_head_without_weight_stays_as_it_was(heads):
    model, batch = tiny(heads), batch_with_rolls()
    before = weights_of(model)
    train(model, batch, 2, 1e-2)
    changed = {name for name, tensor in weights_of(model).items() if not torch.equal(tensor, before[name])}
    assert any(name.startswith("recurrent") for name in changed)
    for head, layer in LAYERS.items():
        assert any(name.startswith(layer) for name in changed) == (head in heads)


def test_the_loss_is_the_weighted_sum_of_those_of_the_heads():
    model, batch = tiny(clustering_weight=0.1, masks_weight=0.2, transcription_weight=0.7).eval(), batch_with_rolls()
    parts = model.losses(batch)
    assert set(parts) == set(HEADS)
    expected = 0.1 * parts["clustering"] + 0.2 * parts["masks"] + 0.7 * parts["transcription"]
    torch.testing.assert_close(model.loss(batch), expected)


def test_embeddings_have_length_one_and_the_order_of_the_bins():
    model, batch = tiny().eval(), batch_with_rolls(2)
    with torch.no_grad():
        hidden = model.hidden(model._stft(batch["sources"].sum(dim=1)).abs())
        vectors = model.embeddings_of(hidden)
        assert vectors.shape == (2, 257 * hidden.shape[1], 4)
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(vectors.shape[:2]))
        # Bin 3 of frame 5, computed by hand.
        rows = slice(3 * 4, 4 * 4)
        raw = (hidden[0, 5] @ model.to_embeddings.weight[rows].mT + model.to_embeddings.bias[rows]).sigmoid()
        torch.testing.assert_close(vectors[0, 3 * hidden.shape[1] + 5], raw / raw.norm())


@pytest.mark.parametrize("heads", [("masks",), ("clustering",), HEADS], ids="+".join)
def test_it_separates_one_clip_that_it_learnt(heads):
    model, batch = tiny(heads), batch_with_rolls()
    train(model, batch, 120, 1e-2)
    scores = [mean_sdr_db(model, {**batch, "sources": batch["sources"][:, order]}) for order in ([0, 1], [1, 0])]
    assert max(scores) > 6
    estimates = model(batch["sources"].sum(dim=1))
    torch.testing.assert_close(estimates.sum(dim=1), batch["sources"].sum(dim=1), atol=1e-5, rtol=0)


def test_it_transcribes_one_clip_that_it_learnt():
    model, batch = tiny(("transcription",)), batch_with_rolls()
    train(model, batch, 150, 2e-2)
    model.eval()
    with torch.no_grad():
        rolls = model.transcribe(batch["sources"].sum(dim=1))
    assert rolls.shape == batch["rolls"].shape
    assert (rolls[:, 0, :, 62] > 0.8).float().mean() > 0.9
    assert rolls[batch["rolls"] == 0].mean() < 0.05


def test_a_drawn_share_of_the_frames_gives_about_the_same_loss():
    batch = batch_with_rolls()
    model = tiny(("clustering",), clustered_share=0.3)
    with torch.no_grad():
        whole = float(tiny(("clustering",)).loss(batch))
        drawn = [float(model.loss(batch)) for _ in range(5)]
        assert len(set(drawn)) > 1
        assert sum(drawn) / 5 == pytest.approx(whole, rel=0.1)
        # In evaluation all bins are compared.
        kept = (tiny(("clustering",), clustered_share=share).eval().loss(batch) for share in (0.3, 1.0))
        assert float(next(kept)) == float(next(kept))


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("cerberus", stored)
    assert isinstance(model, Cerberus) and model.settings == tiny().settings and not model.needs_score


def test_a_batch_without_rolls_is_refused():
    batch = batch_with_rolls()
    del batch["rolls"]
    with pytest.raises(ValueError, match="songs with notes"):
        tiny().loss(batch)
    tiny(("masks",)).loss(batch)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"clustering_weight": 0, "masks_weight": 0, "transcription_weight": 0}, "not all be 0"),
        ({"masks_weight": -1}, "masks_weight must be"),
        ({"dimensions": 0}, "dimensions must be"),
        ({"clustered_share": 0}, "clustered_share must be"),
        ({"lowest_midi": 128}, "lowest_midi must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CerberusSettings(**{**TINY, **changes})
