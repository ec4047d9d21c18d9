"""Deep score-informed separation: its sizes, rolls that steer, masks in their range, and one clip learnt by heart."""

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import models  # noqa: E402
from mss_lab.neural.models.dsis import VARIANTS, Dsis, DsisSettings  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, clip, mean_sdr_db, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "hidden": 12,
    "layers": 1, "dropout": 0.0, "score_hidden": 6, "score_layers": 1, "embedding": 8,
}  # fmt: skip
SAMPLES = 40 * HOP


def tiny(**changes):
    torch.manual_seed(0)
    return Dsis(DsisSettings(**{**TINY, **changes}))


def batch_with_rolls(batch=1):
    """The clip of two tones, and rolls that say when the second one, which is struck again and again, sounds."""
    made = clip(SAMPLES, batch)
    rolls = torch.zeros(batch, 2, 1 + SAMPLES // HOP, 128)
    rolls[:, 0, :, 62] = 1
    rolls[:, 1, ::4, 77] = 1
    return {**made, "rolls": rolls}


@pytest.mark.parametrize("variant, millions", list(zip(VARIANTS, (35.5, 50.1, 51.8), strict=True)))
def test_the_networks_of_the_thesis_have_their_sizes(variant, millions):
    with torch.device("meta"):
        network = Dsis(DsisSettings(variant=variant))

    def recurrent(inputs):
        return 8 * 600 * (inputs + 600 + 2)

    rolls, embedding = 4 * 88, 512
    inputs = 513 + rolls * (variant != "processed") + embedding * (variant != "vanilla")
    expected = recurrent(inputs) + 3 * recurrent(1200) + 1201 * 4 * 513 + 2 * 513 + 2 * rolls
    if variant != "vanilla":
        expected += recurrent(rolls) + recurrent(1200) + 1201 * embedding
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert round(expected / 1e6, 1) == millions


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("batch, samples", [(1, 1), (2, 40 * HOP + 17)])
def test_estimates_have_the_shape_of_the_mixture(variant, batch, samples):
    mixture = clip(samples, batch)["sources"].sum(dim=1)
    rolls = torch.zeros(batch, 2, 1 + samples // HOP, 128)
    with torch.no_grad():
        assert tiny(variant=variant).eval()(mixture, {"rolls": rolls}).shape == (batch, 2, samples)


@pytest.mark.parametrize("masks", ["leaky", "sigmoid", "softmax"])
def test_applied_masks_lie_between_nothing_and_everything(masks):
    model = tiny(masks=masks).eval()
    batch = batch_with_rolls()
    mixture = batch["sources"].sum(dim=1)
    with torch.no_grad():
        # Larger outputs: as they are drawn, they would lie within the range.
        model.to_masks.weight *= 100
        raw = model.masks(model._stft(mixture).abs(), batch)
        outside = bool((raw < 0).any() and (raw > 1).any())
        assert outside == (masks == "leaky")
        transform = model._stft(mixture)
        applied = model._stft(model(mixture, batch)).abs()
    # Energy of no estimate exceeds that of the mixture; by overlapping frames single bins may.
    assert (applied.square().sum(dim=(-2, -1)) <= 1.001 * transform.abs().square().sum(dim=(-2, -1))).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_note_of_one_source_changes_the_masks_of_all(variant):
    model, batch = tiny(variant=variant).eval(), batch_with_rolls()
    magnitude = model._stft(batch["sources"].sum(dim=1)).abs()
    edited = batch["rolls"].clone()
    edited[:, 0, 10:20, 70] = 1
    with torch.no_grad():
        change = (model.masks(magnitude, {"rolls": edited}) - model.masks(magnitude, batch)).abs().amax(dim=(2, 3))
    assert (change > 0).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_learns_one_clip_by_heart(variant):
    model, batch = tiny(variant=variant, masks="softmax"), batch_with_rolls()
    before = mean_sdr_db(model, batch)
    model.train()
    losses = train(model, batch, 80, 1e-2)
    assert losses[20] < 0.8 * losses[0]
    assert mean_sdr_db(model, batch) > max(8, before + 5)


def test_leaky_masks_learn_too():
    model, batch = tiny(masks="leaky"), batch_with_rolls()
    losses = train(model, batch, 40, 1e-2)
    assert losses[-1] < 0.5 * losses[0]


def test_silence_gives_silence_and_a_finite_loss():
    model = tiny(even_level=True)
    silence = {**batch_with_rolls(), "sources": torch.zeros(1, 2, SAMPLES)}
    loss = model.loss(silence)
    loss.backward()
    assert loss == 0 and all(torch.isfinite(p.grad).all() for p in model.parameters())
    assert not model.eval()(torch.zeros(1, SAMPLES), silence).any()


def test_it_is_built_by_name_from_settings_that_json_can_hold():
    stored = json.loads(json.dumps(dataclasses.asdict(tiny().settings)))
    model = models.build("dsis", stored)
    assert isinstance(model, Dsis) and model.settings == tiny().settings and model.needs_score


@pytest.mark.parametrize(
    "rolls, message",
    [
        (None, "give the score"),
        (torch.zeros(1, 2, 40, 128), "frames a second"),
        (torch.zeros(1, 3, 41, 128), "rolls must be"),
        (torch.zeros(1, 2, 41, 88), "rolls must be"),
        (torch.nn.functional.pad(torch.ones(1, 2, 41, 1), (20, 107)), "MIDI 21 to 108"),
        (torch.nn.functional.pad(torch.ones(1, 2, 41, 1), (109, 18)), "MIDI 21 to 108"),
    ],
)
def test_rolls_that_cannot_be_are_refused(rolls, message):
    mixture = clip(SAMPLES)["sources"].sum(dim=1)
    with pytest.raises(ValueError, match=message):
        tiny().eval()(mixture, None if rolls is None else {"rolls": rolls})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"variant": "late"}, "variant must be one of"),
        ({"masks": "relu"}, "masks must be one of 'leaky', 'sigmoid', 'softmax'"),
        ({"lowest_midi": 60, "pitches": 88}, "pitches must be"),
        ({"embedding": 0}, "embedding must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        DsisSettings(**{**TINY, **changes})
