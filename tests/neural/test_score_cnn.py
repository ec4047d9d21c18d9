"""The score-filtered network: the paper's sizes, masks that add up, the way back through the same convolutions."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import checks  # noqa: E402
from mss_lab.neural import models  # noqa: E402
from mss_lab.neural.models.score_cnn import Autoencoder, ScoreCnn, ScoreCnnSettings  # noqa: E402
from tests.neural.training import mean_sdr_db, train  # noqa: E402

RATE_HZ = 8_000
HOP = 128
TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "window": "hann",
    "bins": 257, "frames": 12, "step": 3, "filters": 4, "frequency_kernel": 10, "frequency_stride": 4,
    "time_kernel": 8, "bottleneck": 16, "tolerance_s": 0.05, "even_level": True, "input_scale": 1.0,
    "loss": "mean",
}  # fmt: skip
VARIANTS = [
    {},
    {"shared_branch": True},
    {"timbre_only": True},
    {"masks_times_score": True},
    {"bins": 129},
    {"bins": 130, "timbre_only": True},
    {"even_level": False},
]


def tiny(**changes):
    torch.manual_seed(0)
    return ScoreCnn(ScoreCnnSettings(**{**TINY, **changes}))


def clip(samples=47 * HOP, batch=1, pitches=(60, 67), seed=0):
    """Two players with one timbre each, who change their notes at times of their own, and their rolls."""
    rng = np.random.default_rng(seed)
    times = np.arange(samples) / RATE_HZ
    sources = np.zeros((batch, 2, samples), np.float32)
    rolls = np.zeros((batch, 2, 1 + samples // HOP, 128), np.float32)
    for b in range(batch):
        for j, (first, partials) in enumerate(zip(pitches, ((1, 2, 3, 4, 5), (1, 3, 5)), strict=True)):
            edges = np.linspace(0, samples / RATE_HZ, 4 + j)
            for start_s, stop_s in itertools.pairwise(edges):
                pitch = first + int(rng.integers(6))
                hz = 440 * 2 ** ((pitch - 69) / 12)
                tone = sum(np.sin(2 * np.pi * h * hz * times) / h for h in partials)
                sources[b, j] += 0.1 * ((times >= start_s) & (times < stop_s)) * tone
                first_frame, last_frame = int(start_s * RATE_HZ / HOP), int(np.ceil(stop_s * RATE_HZ / HOP))
                rolls[b, j, first_frame:last_frame, pitch] = 1
    return {"sources": torch.from_numpy(sources), "rolls": torch.from_numpy(rolls)}


# Sizes


@pytest.mark.parametrize(
    "changes, millions", [({}, 214.0), ({"shared_branch": True}, 85.5), ({"timbre_only": True}, 214.0)]
)
def test_the_paper_network_has_its_sizes(changes, millions):
    with torch.device("meta"):
        network = Autoencoder(ScoreCnnSettings(**changes))
    assert (network.positions, network.moments, network.units) == (505, 11, 166_650)
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 1) == millions
    assert network.squeeze.weight.numel() == pytest.approx(42.7e6, rel=1e-2)
    assert network.expand.weight.numel() == pytest.approx(42.7e6 * (1 if "shared_branch" in changes else 4), rel=1e-2)


def test_the_paper_convolutions_take_and_give_its_shapes():
    with torch.device("meta"):
        network = Autoencoder(ScoreCnnSettings())
    # All but the dense layers, which would fill a gigabyte.
    network.along_frequency.to_empty(device="cpu")
    network.along_time.to_empty(device="cpu")
    with torch.no_grad():
        hidden = network.along_frequency(torch.zeros(1, 4, 30, 2049))
        assert hidden.shape == (1, 30, 30, 505)
        squeezed = network.along_time(hidden)
        assert squeezed.shape == (1, 30, 11, 505) and squeezed.numel() == network.units
        assert network.back(squeezed.expand(4, -1, -1, -1)).shape == (1, 4, 30, 2049)


@pytest.mark.parametrize("changes", VARIANTS)
def test_segments_come_back_in_their_shape(changes):
    model = tiny(**changes)
    inputs = 1 if model.settings.timbre_only else 2
    rough = model.network(torch.rand(3, inputs, 12, model.settings.bins))
    assert rough.shape == (3, 2, 12, model.settings.bins)
    assert rough.min() >= 0


# The way back


def test_the_way_back_is_the_transpose_of_the_way_in():
    # <to(x), y> = <x, back(y)>, plane by plane: what a tied transposed convolution means.
    torch.manual_seed(1)
    network = tiny().network.double()
    x = torch.randn(1, 2, 12, 257, dtype=torch.float64)
    y = torch.randn(2, 4, 5, 62, dtype=torch.float64)
    back = network.back(y)
    for j in range(2):
        alone = torch.zeros_like(x)
        alone[:, j] = x[:, j]
        there = torch.nn.functional.conv2d(alone, network.along_frequency.weight, stride=(1, 4))
        there = torch.nn.functional.conv2d(there, network.along_time.weight)
        torch.testing.assert_close((there[0] * y[j]).sum(), (x[0, j] * back[0, j]).sum())


def test_a_shared_branch_leads_back_through_every_plane_of_one_convolution():
    torch.manual_seed(1)
    network = tiny(shared_branch=True).network.double()
    x = torch.randn(1, 2, 12, 257, dtype=torch.float64)
    y = torch.randn(1, 4, 5, 62, dtype=torch.float64)
    there = torch.nn.functional.conv2d(x, network.along_frequency.weight, stride=(1, 4))
    there = torch.nn.functional.conv2d(there, network.along_time.weight)
    back = network.back(y)
    torch.testing.assert_close((there * y).sum(), (x * back).sum())


def test_branches_of_their_own_do_not_share_and_a_shared_one_does():
    own, shared = tiny().network, tiny(shared_branch=True).network
    assert own.expand.out_features == 2 * shared.expand.out_features
    x = torch.rand(1, 2, 12, 257)
    before = own(x)
    with torch.no_grad():
        own.expand.weight[: own.units] = 0
        own.expand.bias[: own.units] = 0
    after = own(x)
    assert torch.equal(before[:, 1], after[:, 1])
    assert not after[:, 0].any() and before[:, 0].any()


def test_bins_that_the_stride_does_not_reach_get_the_bias_alone():
    network = tiny(bins=260, window_samples=1024).network
    with torch.no_grad():
        network.bias[:] = torch.tensor([0.5, 2.0])
    rough = network(torch.rand(1, 2, 12, 260))
    reached = 62 * 4 + 10
    assert reached == 258
    assert (rough[0, 0, :, reached:] == 0.5).all() and (rough[0, 1, :, reached:] == 2.0).all()
    assert not (rough[0, 0, :, :reached] == 0.5).all()


# What it gives


@pytest.mark.parametrize("changes", VARIANTS)
@pytest.mark.parametrize("samples", [1, HOP - 1, 12 * HOP, 40 * HOP + 17])
def test_estimates_add_up_to_the_mixture(changes, samples):
    batch = clip(samples, batch=2)
    mixture = batch["sources"].sum(dim=1)
    with torch.no_grad():
        estimates = tiny(**changes)(mixture, batch)
    assert estimates.shape == (2, 2, samples) and estimates.dtype == torch.float32
    torch.testing.assert_close(estimates.sum(dim=1), mixture, atol=1e-6, rtol=0)


@pytest.mark.parametrize("changes", VARIANTS)
def test_masks_add_up_to_one_also_where_the_network_says_nothing(changes):
    model = tiny(**changes)
    batch = clip()
    magnitude = torch.rand(1, 48, 257)
    for bias in (0.0, -1e6):
        with torch.no_grad():
            model.network.bias.fill_(bias)
            masks = model.masks(magnitude, batch["rolls"], torch.ones(1, 1, 1, 1))
        assert masks.min() >= 0
        torch.testing.assert_close(masks.sum(dim=1), torch.ones(1, 48, 257), atol=1e-6, rtol=0)
    if not model.settings.masks_times_score and model.settings.bins == 257:
        assert torch.allclose(masks, torch.tensor(0.5))


def test_masks_times_the_score_leave_what_only_one_claims_to_that_one():
    model = tiny(masks_times_score=True, tolerance_s=0.0)
    batch = clip()
    magnitude = torch.rand(1, 48, 257)
    given = model._score_masks(magnitude, batch["rolls"])
    with torch.no_grad():
        masks = model.masks(magnitude, batch["rolls"], torch.ones(1, 1, 1, 1))
    assert (given == 1).any() and (given == 0).any()
    torch.testing.assert_close(masks[given == 1], torch.ones_like(masks[given == 1]))
    assert not masks[given == 0].any()


@pytest.mark.parametrize("changes", VARIANTS)
def test_silence_gives_silence(changes):
    estimates = tiny(**changes)(torch.zeros(1, 20 * HOP), {"rolls": torch.zeros(1, 2, 21, 128)})
    assert estimates.shape == (1, 2, 20 * HOP)
    assert not estimates.any()


@pytest.mark.parametrize("changes", VARIANTS)
@pytest.mark.parametrize("samples", [1, 5 * HOP, 23 * HOP, 30 * HOP])
def test_the_loss_and_its_gradient_are_finite(changes, samples):
    model = tiny(**changes)
    for batch in (clip(samples), {name: torch.zeros_like(value) for name, value in clip(samples).items()}):
        model.zero_grad()
        loss = model.loss(batch)
        loss.backward()
        assert loss.shape == () and torch.isfinite(loss)
        assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_a_score_of_equal_shares_is_heard_as_no_score():
    # In bins that nobody claims, every input is the mixture divided by the number of players.
    model = tiny()
    magnitude = torch.rand(1, 12, 257)
    network_input = model._network_input(magnitude, model._score_masks(magnitude, torch.zeros(1, 2, 12, 128)))
    torch.testing.assert_close(network_input, (magnitude / 2).unsqueeze(1).expand(-1, 2, -1, -1))


def test_what_the_network_sees_adds_up_to_the_mixture():
    model = tiny()
    batch = clip()
    magnitude = torch.rand(1, 48, 257)
    network_input = model._network_input(magnitude, model._score_masks(magnitude, batch["rolls"]))
    torch.testing.assert_close(network_input.sum(dim=1), magnitude)


@pytest.mark.parametrize("even_level", [True, False])
def test_one_segment_is_masked_as_the_loss_masks_it(even_level):
    # A recording of one segment goes the same way through separation and through the loss.
    model = tiny(even_level=even_level)
    batch = clip(11 * HOP)
    magnitude = model._stft(batch["sources"]).abs().transpose(-1, -2)
    heard = model._stft(batch["sources"].sum(dim=1)).abs().transpose(-1, -2)
    scale = model._scale(batch["sources"].sum(dim=1))
    masks = model.masks(heard, batch["rolls"], scale)
    expected = ((masks * heard.unsqueeze(1) - magnitude) * scale).square().sum(dim=1).mean()
    torch.testing.assert_close(model.loss(batch), expected)


def test_what_is_left_after_the_last_whole_segment_is_not_used():
    # 53 frames, of which the last 5 make no segment of 12; they hear nothing before the 49th hop.
    model, batch = tiny(even_level=False), clip(52 * HOP)
    before = model.loss(batch)
    batch["sources"][..., 50 * HOP :] *= 3
    assert torch.equal(model.loss(batch), before)
    batch["sources"][..., 40 * HOP :] *= 3
    assert not torch.equal(model.loss(batch), before)


def test_the_papers_loss_is_the_sum_over_a_segment():
    batch = clip(batch=2)
    torch.testing.assert_close(tiny(loss="sum").loss(batch), tiny().loss(batch) * 12 * 257)


def test_the_loss_is_the_mean_over_the_examples_of_a_batch():
    model = tiny()
    batch = clip(47 * HOP, batch=3)
    alone = [model.loss({name: value[index : index + 1] for name, value in batch.items()}) for index in range(3)]
    torch.testing.assert_close(model.loss(batch), torch.stack(alone).mean())


def test_an_even_level_makes_estimates_follow_the_volume():
    batch = clip()
    mixture = batch["sources"].sum(dim=1)
    with torch.no_grad():
        for even, same in ((True, True), (False, False)):
            model = tiny(even_level=even)
            model.network.bias.data.fill_(0.05)
            soft, loud = model(mixture, batch), model(30 * mixture, batch) / 30
            assert torch.allclose(soft, loud, atol=1e-6) == same


def test_without_a_score_the_bins_above_are_shared_as_the_upper_half_of_those_below():
    model = tiny(bins=129, timbre_only=True)
    magnitude = torch.rand(1, 20, 257)
    with torch.no_grad():
        masks = model.masks(magnitude, None, torch.ones(1, 1, 1, 1))
    weights = magnitude[0, 7, 64:129]
    share = (masks[0, :, 7, 64:129] * weights).sum(dim=-1) / weights.sum()
    torch.testing.assert_close(masks[0, :, 7, 129:], share[:, None].expand(-1, 128))


def test_inputs_are_left_as_they_were():
    batch = clip()
    kept = {name: value.clone() for name, value in batch.items()}
    model = tiny()
    mixture = batch["sources"].sum(dim=1)
    before = mixture.clone()
    model(mixture, batch)
    model.loss(batch)
    assert torch.equal(mixture, before) and all(torch.equal(batch[name], kept[name]) for name in batch)


def test_a_missing_score_and_rolls_of_another_grid_are_refused():
    model = tiny()
    mixture = torch.zeros(1, 10 * HOP)
    with pytest.raises(ValueError, match="needs a score, got none"):
        model(mixture)
    with pytest.raises(checks.ShapeError, match=r"rolls must be \(1, 2, 11, 128\)"):
        model(mixture, {"rolls": torch.zeros(1, 2, 10, 128)})
    tiny(timbre_only=True)(mixture)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"timbre_only": True, "shared_branch": True}, "timbre_only leaves the network one input"),
        ({"sources": ("a", "a")}, "names, each once"),
        ({"bins": 258}, "bins must be a whole number at least 1 and at most 257"),
        ({"time_kernel": 13}, "time_kernel must be a whole number at least 1 and at most 12"),
        ({"step": 13}, "step must be"),
        ({"hop_samples": 129}, "hop_samples must be"),
        ({"tolerance_s": -1}, "tolerance_s must be"),
        ({"loss": "median"}, "loss must be one of 'mean', 'sum'"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ScoreCnnSettings(**{**TINY, **changes})


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("score-cnn", stored)
    assert isinstance(model, ScoreCnn) and model.settings == tiny().settings
    assert model.sources == ("a", "b") and model.hop_samples == HOP and model.sample_rate_hz == RATE_HZ
    assert model.needs_score and not tiny(timbre_only=True).needs_score
    assert not any("claims" in name for name in model.state_dict())


@pytest.mark.parametrize("changes", VARIANTS)
def test_half_precision_inside_leaves_the_sum_exact(changes):
    model, batch = tiny(**changes), clip()
    mixture = batch["sources"].sum(dim=1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.loss(batch)
        estimates = model(mixture, batch)
    loss.backward()
    torch.testing.assert_close(loss, model.loss(batch), rtol=0.05, atol=0)
    torch.testing.assert_close(estimates.sum(dim=1), mixture, atol=1e-6, rtol=0)


# What it learns


@pytest.mark.parametrize("changes", VARIANTS[:5])
def test_the_loss_falls_by_a_fifth_in_twenty_steps(changes):
    losses = train(tiny(**changes), clip(), 20, 3e-3)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("changes, learning_rate", [({}, 3e-3), ({"timbre_only": True}, 1e-2)])
def test_it_learns_one_clip_by_heart(changes, learning_rate):
    model = tiny(**changes)
    batch = clip()
    before = mean_sdr_db(model, batch)
    train(model, batch, 120, learning_rate)
    assert mean_sdr_db(model, batch) > max(8, before + 3)


def test_training_is_the_same_from_the_same_seed():
    first, second = (train(tiny(), clip(), 5, 3e-3) for _ in range(2))
    assert first == second
