"""X-UMX, alone, with a score and from a score: sizes of the papers, what masks depend on, and what training does."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from mss_lab import checks, transforms
from mss_lab.neural import frontend, losses, models, weights
from mss_lab.neural.models import xumx
from tests.benchmarks import combination_loss as published
from tests.neural.training import random_tensor, train

RATE_HZ, WINDOW, HOP = 8000, 64, 16
NAMES = ("violin", "clarinet", "bassoon")


def small(score="none", *, sources=NAMES, seed=0, **changes):
    """A network of a few hundred weights, in float64, without dropout."""
    torch.manual_seed(seed)
    settings = {"window_samples": WINDOW, "hop_samples": HOP, "bandwidth_hz": 3000, "hidden": 8, "layers": 2,
                "score_hidden": 6, "dropout": 0.0, "score_dropout": 0.0} | changes  # fmt: skip
    return xumx.Xumx(xumx.XumxSettings(sources=sources, score=score, sample_rate_hz=RATE_HZ, **settings)).double()


def batch_of(items=2, samples=400, *, sources=3, seed=0):
    generator = torch.Generator().manual_seed(seed + 100)
    rolls = (torch.rand(items, sources, 1 + samples // HOP, 128, generator=generator) < 0.05).double()
    return {"sources": 0.1 * random_tensor(items, sources, samples, seed=seed), "rolls": rolls}


def parameters(settings):
    # Counting needs no memory for the weights.
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in xumx.Xumx(settings).parameters())


# Sizes


@pytest.mark.parametrize("score, four, three",
                         [("none", 28.32, 21.24), ("concatenate", 29.77, 22.33), ("only", 25.50, 19.13)])  # fmt: skip
def test_sizes_of_the_paper(score, four, three):
    counts = {
        family: parameters(xumx.XumxSettings(sources=sources, score=score)) / 1e6
        for family, sources in xumx.FAMILIES.items()
    }
    for family in ("strings", "woodwinds", "brass"):
        assert counts[family] == pytest.approx(four, abs=0.005)
    assert counts["percussion"] == pytest.approx(three, abs=0.005)
    assert sum(counts.values()) == pytest.approx({"none": 106.2, "concatenate": 111.6, "only": 95.6}[score], abs=0.1)


def test_size_of_the_stereo_reference():
    assert parameters(xumx.XumxSettings(channels=2)) / 1e6 == pytest.approx(35.57, abs=0.005)


def test_grid_and_instruments_of_the_paper():
    settings = xumx.XumxSettings()
    assert (settings.bins, settings.input_bins) == (2049, 1487)
    assert len({name for sources in xumx.FAMILIES.values() for name in sources}) == 15


# The bench's contract


@pytest.mark.parametrize("name, needs_score", [("xumx", False), ("xumx-informed", True), ("xumx-score-only", True)])
def test_it_is_built_by_name_saved_and_loaded(name, needs_score, tmp_path):
    settings = {"sources": list(NAMES), "sample_rate_hz": RATE_HZ, "window_samples": WINDOW, "hop_samples": HOP,
                "bandwidth_hz": 3000, "hidden": 8, "layers": 1, "score_hidden": 6}  # fmt: skip
    model = models.build(name, settings).eval()
    assert models.name_of(model) == name
    assert (model.sources, model.sample_rate_hz, model.hop_samples) == (NAMES, RATE_HZ, HOP)
    assert model.needs_score is needs_score
    again = models.build(name, json.loads(json.dumps(dataclasses.asdict(model.settings))))
    assert again.settings == model.settings
    batch = {label: tensor.float() for label, tensor in batch_of().items()}
    model.train()(batch["sources"].sum(1), batch)
    model.eval()
    weights.save(model, tmp_path / "small.safetensors", {})
    loaded = weights.load(tmp_path / "small.safetensors").eval()
    arguments = (batch["sources"].sum(1), batch)
    assert_close(loaded(*arguments), model(*arguments), rtol=0, atol=0)


@pytest.mark.parametrize("score", xumx.SCORES)
@pytest.mark.parametrize("items, samples", [(1, 400), (2, 33), (2, 1)])
def test_estimates_have_the_shape_of_sources(score, items, samples):
    model, batch = small(score), batch_of(items, samples)
    # One frame has nothing to be normalised by; in use, what was learnt serves.
    model.train(items * (1 + samples // HOP) > 1)
    estimates = model(batch["sources"].sum(1), batch)
    assert estimates.shape == (items, 3, samples) and estimates.isfinite().all()
    masks = model.masks(batch["sources"].sum(1), batch["rolls"])
    assert masks.shape == (items, 3, 1, WINDOW // 2 + 1, 1 + samples // HOP)
    assert (masks >= 0).all()


@pytest.mark.parametrize("score", xumx.SCORES)
def test_estimates_are_the_mixture_through_its_masks(score):
    model, batch = small(score), batch_of()
    mixture = batch["sources"].sum(1)
    masks = model.masks(mixture, batch["rolls"])[:, :, 0]
    expected = frontend.istft(masks * frontend.stft(mixture, WINDOW, HOP).unsqueeze(1), WINDOW, HOP, length=400)
    assert_close(model(mixture, batch), expected)


@pytest.mark.parametrize("score", xumx.SCORES)
def test_silence_stays_silent(score):
    model, batch = small(score), batch_of()
    batch["sources"] = torch.zeros_like(batch["sources"])
    assert not model(batch["sources"].sum(1), batch).any()
    loss = model.loss(batch)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_it_runs_in_single_precision_and_with_half_around_it():
    model = small("concatenate").float()
    batch = {name: tensor.float() for name, tensor in batch_of().items()}
    expected = model.loss(batch)
    assert expected.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert model.loss(batch).item() == pytest.approx(expected.item(), rel=0.05)


def test_each_channel_is_masked_for_itself():
    model, sources = small(channels=2), 0.1 * random_tensor(2, 3, 2, 400)
    mixture = sources.sum(1)
    estimates = model(mixture)
    assert estimates.shape == (2, 3, 2, 400)
    transform = frontend.stft(mixture, WINDOW, HOP)
    masks = model.masks(mixture)
    expected = frontend.istft(masks * transform.unsqueeze(1), WINDOW, HOP, length=400)
    assert_close(estimates, expected)
    targets = frontend.stft(sources, WINDOW, HOP).abs()
    frequency = losses.frequency_loss(masks, transform.abs(), targets)
    time_domain = [losses.weighted_sdr_loss(estimates[:, :, c], sources[:, :, c]) for c in range(2)]
    assert_close(model.loss({"sources": sources}), frequency + 10 * sum(time_domain) / 2)


# The published form


@pytest.mark.parametrize("bridging", [True, False])
@pytest.mark.parametrize("score", xumx.SCORES)
def test_loss_and_gradients_are_those_of_the_published_form(score, bridging):
    model, batch = small(score, bridging=bridging), batch_of()
    model.prepare(lambda step: batch_of(seed=step))
    with torch.no_grad():
        for seed, parameter in enumerate(model.parameters()):
            parameter += 0.1 * parameter.abs().mean().clamp(min=0.5) * random_tensor(*parameter.shape, seed=seed)
    sources, rolls = batch["sources"], batch["rolls"] if model.needs_score else None
    transform = frontend.stft(sources.sum(1), WINDOW, HOP)
    targets = frontend.stft(sources, WINDOW, HOP).abs()
    masks = published.published_masks(model, transform.abs(), rolls)
    frequency, time_domain = published.published_loss(masks, transform, targets, sources, hop=HOP)
    (frequency + 10 * time_domain).backward()
    expected = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    loss = model.loss(batch)
    loss.backward()
    assert_close(loss, frequency + 10 * time_domain, rtol=1e-8, atol=0)
    scale = max(gradient.norm() for gradient in expected)
    for (name, parameter), gradient in zip(model.named_parameters(), expected, strict=True):
        assert (parameter.grad - gradient).norm() <= 1e-8 * scale, name
    # In use, what was learnt of means and deviations takes the place of the batch's own.
    model.eval()
    assert_close(model.masks(sources.sum(1), rolls)[:, :, 0], published.published_masks(model, transform.abs(), rolls))


def test_weights_of_the_loss():
    batch = batch_of()
    whole, frequency, time_domain = (
        small(**changes).loss(batch) for changes in ({}, {"time_weight": 0.0}, {"frequency_weight": 0.0})
    )
    assert_close(whole, frequency + time_domain)
    assert_close(small(frequency_weight=2.0, time_weight=5.0).loss(batch), 2 * frequency + time_domain / 2)


def test_sums_of_sources_may_be_left_out_of_both_losses():
    batch, model = batch_of(), small()
    mixture, sources = batch["sources"].sum(1), batch["sources"]
    estimates, masks = model(mixture), model.masks(mixture)[:, :, 0]
    magnitudes = frontend.stft(mixture, WINDOW, HOP).abs(), frontend.stft(sources, WINDOW, HOP).abs()
    for combine in (False, True):
        frequency = losses.frequency_loss(masks, *magnitudes, combine=combine)
        time_domain = losses.weighted_sdr_loss(estimates, sources, combine=combine)
        assert_close(small(combine=combine).loss(batch), frequency + 10 * time_domain)


@pytest.mark.parametrize("level", [1.0, 1e-2])
def test_perfect_estimates_cost_nothing(level, monkeypatch):
    # Sources that share no bin: each item holds one, so that masks of 0 and 1 are perfect.
    sources = torch.zeros(3, 3, 400, dtype=torch.float64)
    sources[range(3), range(3)] = level * random_tensor(3, 400)
    ideal = torch.eye(3, dtype=torch.float64).reshape(3, 3, 1, 1, 1).expand(3, 3, 1, WINDOW // 2 + 1, 26)
    model = small()
    assert model.loss({"sources": sources}) > 1e-3
    monkeypatch.setattr(model, "_masks", lambda magnitude, rolls: ideal)
    assert model.loss({"sources": sources}).item() == pytest.approx(0, abs=1e-10)


def test_others_may_play_beside_the_sources():
    model, batch = small().eval(), batch_of()
    alone = model.loss(batch)
    assert_close(model.loss(batch | {"mixture": batch["sources"].sum(1)}), alone)
    mixture = batch["sources"].sum(1) + 0.1 * random_tensor(2, 400, seed=7)
    estimates, sources = model(mixture), batch["sources"]
    frequency = losses.frequency_loss(
        model.masks(mixture)[:, :, 0],
        frontend.stft(mixture, WINDOW, HOP).abs(),
        frontend.stft(sources, WINDOW, HOP).abs(),
    )
    assert_close(
        model.loss(batch | {"mixture": mixture}), frequency + 10 * losses.weighted_sdr_loss(estimates, sources)
    )


# What masks depend on


@pytest.mark.parametrize("training", [True, False])
def test_score_only_masks_follow_from_the_score_alone(training):
    model, batch = small("only").train(training), batch_of()
    one, other = random_tensor(2, 400, seed=1), 100 * random_tensor(2, 400, seed=2)
    masks = model.masks(one, batch["rolls"])
    assert torch.equal(model.masks(other, batch["rolls"]), masks)
    assert not torch.equal(model.masks(one, batch_of(seed=1)["rolls"]), masks)


@pytest.mark.parametrize("score", ["concatenate", "multiply", "late"])
def test_informed_masks_follow_from_both(score):
    model, batch = small(score).eval(), batch_of()
    mixture = batch["sources"].sum(1)
    masks = model.masks(mixture, batch["rolls"])
    # A dead mask would depend on nothing.
    assert (masks > 0).any()
    assert not torch.equal(model.masks(random_tensor(2, 400, seed=2), batch["rolls"]), masks)
    assert not torch.equal(model.masks(mixture, batch_of(seed=1)["rolls"]), masks)


def test_without_a_score_rolls_are_not_looked_at():
    model, batch = small().eval(), batch_of()
    mixture = batch["sources"].sum(1)
    assert torch.equal(model(mixture), model(mixture, batch))


def test_masks_start_around_one():
    masks = small(hidden=64).masks(random_tensor(4, 2000))
    assert masks.mean().item() == pytest.approx(1.08, abs=0.1) and masks.max() > 2


@pytest.mark.parametrize("score", xumx.SCORES)
def test_order_of_sources_is_of_no_importance(score):
    model, batch, order = small(score), batch_of(), [2, 0, 1]
    turned = small(score)
    turned.branches = torch.nn.ModuleList([model.branches[j] for j in order])
    mixture = batch["sources"].sum(1)
    for one in (model, turned):
        one.train()
    assert_close(turned(mixture, {"rolls": batch["rolls"][:, order]}), model(mixture, batch)[:, order])
    shuffled = {"sources": batch["sources"][:, order], "rolls": batch["rolls"][:, order]}
    assert_close(turned.loss(shuffled), model.loss(batch))


@pytest.mark.parametrize("bridging", [True, False])
@pytest.mark.parametrize("changed", ["encoder", "memory"])
def test_branches_hear_of_one_another_over_bridges_alone(bridging, changed):
    model, mixture = small(bridging=bridging).eval(), random_tensor(2, 400)
    before = model.masks(mixture)
    with torch.no_grad():
        for parameter in getattr(model.branches[0], changed).parameters():
            parameter += 0.5
    after = model.masks(mixture)
    assert not torch.equal(after[:, 0], before[:, 0])
    assert torch.equal(after[:, 1:], before[:, 1:]) is not bridging


def test_bridges_have_no_weights():
    assert parameters(small(bridging=False).settings) == parameters(small().settings)


# Before training, and in training


def test_inputs_are_measured_on_training_mixtures():
    model = small("concatenate")
    seen = [batch_of(seed=step) for step in range(xumx.PREPARING_STEPS)]
    asked = []
    model.prepare(lambda step: asked.append(step) or seen[step])
    assert asked == list(range(xumx.PREPARING_STEPS))
    heard = np.concatenate([batch["sources"].sum(1).numpy() for batch in seen])
    magnitude = np.abs(transforms.stft(heard, window_samples=WINDOW, hop_samples=HOP))
    bins = magnitude[:, : model.settings.input_bins]
    for branch in model.branches:
        assert_close(branch.input_shift, -torch.from_numpy(bins.mean((0, 2))))
        assert_close(branch.input_scale, 1 / torch.from_numpy(bins.std((0, 2))))


def test_a_bin_that_never_moves_is_not_blown_up():
    model = small()
    # A sine at the middle of bin 4 leaves nothing in the bins far from it.
    tone = 0.1 * torch.sin(torch.pi * torch.arange(4000, dtype=torch.float64) / 8)
    fading = tone * torch.hann_window(4000, dtype=torch.float64)
    model.prepare(lambda step: {"sources": fading.expand(1, 3, 4000)})
    scale = model.branches[0].input_scale
    assert_close(scale.max(), scale.min() / xumx.LEAST_DEVIATION)
    model.prepare(lambda step: {"sources": torch.zeros(1, 3, 400)})
    assert_close(model.branches[0].input_scale, torch.ones_like(scale))
    score_only = small("only")
    score_only.prepare(None)


def harmonic_batch(pitches, *, silent=(), samples=2000):
    """Each source holds its pitch through one item each: fundamental and octave, with a roll that says so."""
    times = torch.arange(samples, dtype=torch.float64) / RATE_HZ
    hz = 440 * 2 ** ((torch.tensor(pitches, dtype=torch.float64) - 69) / 12)
    tones = 0.1 * (torch.sin(2 * torch.pi * hz[..., None] * times) + torch.sin(4 * torch.pi * hz[..., None] * times))
    rolls = torch.zeros(*hz.shape, 1 + samples // HOP, 128, dtype=torch.float64)
    for item, row in enumerate(pitches):
        for source, pitch in enumerate(row):
            if source in silent:
                tones[item, source] = 0
            else:
                rolls[item, source, :, pitch] = 1
    return {"sources": tones, "rolls": rolls}


@pytest.mark.slow(5)
@pytest.mark.parametrize("score", xumx.SCORES)
def test_training_makes_the_loss_smaller(score):
    batch = harmonic_batch([[50, 62, 74], [57, 69, 52]], samples=500)
    model = small(score)
    model.prepare(lambda step: batch)
    curve = train(model, batch, 15, 2e-2)
    assert curve[-1] < 0.8 * curve[0]


@pytest.mark.slow(6)
def test_a_source_without_notes_learns_to_stay_silent():
    batch = harmonic_batch([[60, 72, 80], [67, 76, 55]], silent=(2,), samples=500)
    model = small("only")
    train(model, batch, 40, 2e-2)
    energy = model(batch["sources"].sum(1), batch).square().sum((0, 2))
    assert energy[2] < 0.05 * energy[:2].min()


def test_an_octave_up_in_the_score_moves_what_is_heard_up():
    # One mixture of two pitches an octave apart can be shared out in two ways, and the score alone tells which.
    low = [50, 54, 57]
    batch = harmonic_batch([[p, p + 12] for p in low] + [[p + 12, p] for p in low], samples=800)
    model = small("only", sources=NAMES[:2], window_samples=256, hop_samples=64, hidden=32)
    batch["rolls"] = batch["rolls"][:, :, ::4]
    train(model, batch, 60, 0.01)
    mixture, rolls = batch["sources"].sum(1), batch["rolls"].clone()
    rolls[:3, 0], rolls[:3, 1] = rolls[:3, 0].roll(12, -1), rolls[:3, 1].roll(-12, -1)

    def centre_hz(rolls):
        power = frontend.stft(model(mixture, {"rolls": rolls})[:3, 0], 256, 64).abs().square().mean(-1)
        return (power * torch.arange(129) * RATE_HZ / 256).sum(-1) / power.sum(-1)

    assert (centre_hz(rolls) > 1.25 * centre_hz(batch["rolls"])).all()


# What is refused


def test_shapes_that_do_not_fit_are_refused():
    model, batch = small("concatenate"), batch_of()
    mixture = batch["sources"].sum(1)
    for rolls in (None, batch["rolls"][:, :2], batch["rolls"][:, :, 1:], batch["rolls"][:1], batch["rolls"][..., :88]):
        with pytest.raises(checks.ShapeError, match="rolls must be"):
            model(mixture, None if rolls is None else {"rolls": rolls})
    for wrong in (batch["sources"], mixture[0], mixture[:, :0], mixture[:, None, None]):
        with pytest.raises(checks.ShapeError, match="mixture must be"):
            model(wrong, batch)
    with pytest.raises(checks.ShapeError, match=r"sources must be .* for 3 sources"):
        model.loss(batch | {"sources": batch["sources"][:, :2]})
    with pytest.raises(checks.ShapeError, match="2 channel"):
        small(channels=2)(mixture)


@pytest.mark.parametrize("changes, words",
                         [({"sources": ("violin",)}, "2 names or more"), ({"sources": ("a", "a")}, "each once"),
                          ({"score": "early"}, "score must be one of"), ({"hop_samples": 500}, "4 parts or more"),
                          ({"hop_samples": 2048}, "4 parts or more"), ({"hidden": 7}, "hidden must be even"),
                          ({"dropout": 1.0}, "dropout must be"), ({"bandwidth_hz": 30_000}, "bandwidth_hz must be"),
                          ({"frequency_weight": 0, "time_weight": 0}, "must not both be 0"),
                          ({"layers": 0}, "layers must be")])  # fmt: skip
def test_settings_that_make_no_network_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        xumx.XumxSettings(**changes)
