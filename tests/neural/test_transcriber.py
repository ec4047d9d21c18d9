"""Networks that transcribe: their sizes, what they read, one clip learnt by heart, and their table."""

import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import models  # noqa: E402
from mss_lab.neural.models.transcriber import READS, Transcriber, TranscriberSettings  # noqa: E402
from tests.neural.test_dsis import batch_with_rolls  # noqa: E402
from tests.neural.training import HOP, RATE_HZ, train  # noqa: E402

TINY = {
    "sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP, "hidden": 12,
    "layers": 1, "dropout": 0.0, "source_hidden": 6, "source_layers": 1, "embedding": 8,
}  # fmt: skip


def tiny(**changes):
    torch.manual_seed(0)
    return Transcriber(TranscriberSettings(**{**TINY, **changes}))


@pytest.mark.parametrize("reads", READS)
def test_the_networks_have_the_sizes_of_their_layers(reads):
    with torch.device("meta"):
        network = Transcriber(TranscriberSettings(reads=reads))

    def recurrent(inputs):
        return 8 * 600 * (inputs + 600 + 2)

    spectra = 4 * 513
    inputs = 513 + spectra * (reads in ("vanilla", "residual")) + 512 * (reads in ("processed", "residual"))
    expected = recurrent(inputs) + 3 * recurrent(1200) + 1201 * 4 * 88 + 2 * 513
    if reads != "mixture":
        expected += 2 * spectra
    if reads in ("processed", "residual"):
        expected += recurrent(spectra) + recurrent(1200) + 1201 * 512
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


@pytest.mark.parametrize("reads", READS)
def test_it_learns_the_notes_of_one_clip_by_heart(reads):
    model, batch = tiny(reads=reads), batch_with_rolls()
    losses = train(model, batch, 150, 2e-2)
    assert losses[-1] < 0.2 * losses[0]
    model.eval()
    with torch.no_grad():
        rolls = model(batch["sources"].sum(dim=1), batch)
    assert rolls.shape == batch["rolls"].shape
    assert (rolls[:, 0, :, 62] > 0.8).float().mean() > 0.9
    assert rolls[batch["rolls"] == 0].mean() < 0.05
    by_source = {row["source"]: row for row in model.judge([batch])}
    assert by_source["a"]["f1"] > 0.9 and set(by_source) == {"a", "b", "mean"}


@pytest.mark.parametrize("reads", READS)
def test_it_reads_the_sources_unless_it_reads_the_mixture_alone(reads):
    model, batch = tiny(reads=reads).eval(), batch_with_rolls()
    mixture = batch["sources"].sum(dim=1)
    exchanged = {"sources": batch["sources"].flip(1)}
    with torch.no_grad():
        same = torch.equal(model(mixture, batch), model(mixture, exchanged))
    assert same == (reads == "mixture")


def test_an_even_level_makes_the_notes_follow_no_volume():
    batch = batch_with_rolls()
    loud = {**batch, "sources": 30 * batch["sources"]}
    for even in (True, False):
        model = tiny(reads="residual", even_level=even).eval()
        with torch.no_grad():
            soft, strong = (model(one["sources"].sum(dim=1), one) for one in (batch, loud))
        assert torch.allclose(soft, strong, atol=1e-3) == even


def test_the_table_counts_frames():
    model, batch = tiny().eval(), batch_with_rolls()
    model.to_rolls.weight.data.zero_()
    model.to_rolls.bias.data.fill_(-9.0)
    # Pitch 62 of source a always, and half of what is true of source b, which sounds in every fourth frame.
    model.to_rolls.bias.data[62 - 21] = 9.0
    model.to_rolls.bias.data[88 + 77 - 21] = 9.0
    rows = {row["source"]: row for row in model.judge([batch])}
    assert rows["a"] == {"source": "a", "precision": 1.0, "recall": 1.0, "f1": 1.0}
    share = float((batch["rolls"][0, 1, :, 77] > 0).float().mean())
    assert rows["b"]["precision"] == pytest.approx(share, abs=1e-3) and rows["b"]["recall"] == 1.0
    assert rows["mean"]["precision"] == pytest.approx((1 + share) / 2, abs=2e-3)


def test_missing_or_misshapen_sources_are_refused():
    mixture = batch_with_rolls()["sources"].sum(dim=1)
    assert tiny().eval()(mixture).shape[-1] == 128
    with pytest.raises(ValueError, match="separate first"):
        tiny(reads="vanilla")(mixture)
    with pytest.raises(ValueError, match="sources must be"):
        tiny(reads="vanilla")(mixture, {"sources": mixture[:, None]})


def test_it_is_built_by_name():
    model = models.build("transcriber", TINY)
    assert isinstance(model, Transcriber) and model.learns_notes and not model.needs_score


@pytest.mark.parametrize(
    "changes, message", [({"reads": "both"}, "reads must be"), ({"pitches": 0}, "pitches must be")]
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TranscriberSettings(**{**TINY, **changes})
