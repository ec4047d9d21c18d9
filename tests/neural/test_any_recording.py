"""Cerberus and the transcribers take recordings from one frame to many minutes, mono and stereo, at any rate."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import apply, transcribe  # noqa: E402
from mss_lab.neural.models.cerberus import Cerberus, CerberusSettings  # noqa: E402
from mss_lab.neural.models.transcriber import Transcriber, TranscriberSettings  # noqa: E402
from tests.neural.training import noise  # noqa: E402

RATE_HZ, HOP = 8_000, 128
SMALL = {"sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP}
SIZES = {"hidden": 5, "layers": 1, "even_level": True}
READERS = {"source_hidden": 3, "source_layers": 1, "embedding": 4}


def cerberus(**weights):
    torch.manual_seed(0)
    return Cerberus(CerberusSettings(**SMALL, **SIZES, dimensions=3, **weights))


def transcriber(reads):
    torch.manual_seed(0)
    return Transcriber(TranscriberSettings(**SMALL, **SIZES, **READERS, reads=reads))


SEPARATORS = {"masks": {}, "clustering": {"masks_weight": 0.0}}
TRANSCRIBERS = {
    "cerberus": cerberus,
    "mixture": lambda: transcriber("mixture"),
    "residual": lambda: transcriber("residual"),
}


def sources_of(mixture, network):
    """Halves of the mixture as sources, for a network that reads them."""
    return dict.fromkeys(network.sources, mixture / 2) if getattr(network, "reads_sources", False) else None


RECORDINGS = [
    pytest.param(1, 1, RATE_HZ, id="one sample"),
    pytest.param(HOP, 1, RATE_HZ, id="one frame"),
    pytest.param(2_000, 2, RATE_HZ, id="a moment in stereo"),
    pytest.param(30_001, 2, 44_100, id="stereo at 44.1 kHz"),
    pytest.param(30_000, 1, 48_000, id="mono at 48 kHz"),
    pytest.param(9_999, 1, 11_025, id="mono at 11 kHz"),
]


@pytest.mark.parametrize("weights", SEPARATORS.values(), ids=SEPARATORS)
@pytest.mark.parametrize(("samples", "channels", "rate_hz"), RECORDINGS)
def test_cerberus_separates_any_recording_into_what_adds_up_to_it(weights, samples, channels, rate_hz):
    mixture = noise(samples, channels)
    estimates = apply.separate(cerberus(masks="softmax", **weights), mixture, rate_hz)
    assert list(estimates) == ["a", "b"]
    for estimate in estimates.values():
        assert estimate.shape == mixture.shape and np.isfinite(estimate).all()
    if rate_hz == RATE_HZ:
        np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-5)


@pytest.mark.parametrize("make", TRANSCRIBERS.values(), ids=TRANSCRIBERS)
@pytest.mark.parametrize(("samples", "channels", "rate_hz"), RECORDINGS)
def test_they_transcribe_any_recording(make, samples, channels, rate_hz):
    network, mixture = make(), noise(samples, channels)
    rolls = transcribe.rolls(network, mixture, rate_hz, sources_of(mixture, network))
    assert rolls.shape[:2] == (2, 128)
    assert abs(rolls.shape[2] - (1 + samples * RATE_HZ / rate_hz // HOP)) <= 1
    assert np.isfinite(rolls).all() and rolls.min() >= 0 and rolls.max() <= 1


@pytest.mark.parametrize("make", TRANSCRIBERS.values(), ids=TRANSCRIBERS)
def test_equal_channels_are_transcribed_as_one(make):
    network, mono = make(), noise(12_000)
    stereo = np.concatenate([mono, mono])
    one, two = (transcribe.rolls(network, mix, RATE_HZ, sources_of(mix, network)) for mix in (mono, stereo))
    np.testing.assert_allclose(one, two, atol=1e-5)


@pytest.mark.slow(8)
@pytest.mark.parametrize("make", TRANSCRIBERS.values(), ids=TRANSCRIBERS)
def test_minutes_are_transcribed_as_their_parts_are(make):
    # Twenty minutes, at a low rate: forty chunks.
    network, seconds = make(), 1_200
    mixture = noise(seconds * RATE_HZ)
    whole = transcribe.rolls(network, mixture, RATE_HZ, sources_of(mixture, network))
    assert whole.shape[2] == 1 + seconds * RATE_HZ // HOP
    for start_s in (0, 606, 1_190):
        part = mixture[:, start_s * RATE_HZ : (start_s + 10) * RATE_HZ]
        alone = transcribe.rolls(network, part, RATE_HZ, sources_of(part, network))[..., 125:500]
        first = start_s * RATE_HZ // HOP + 125
        # Even seconds lie on the grid of frames. The level of a part differs a little from that of the whole.
        np.testing.assert_allclose(whole[..., first : first + 375], alone, atol=0.03)


def test_a_transcriber_is_refused_where_sources_are_to_be_separated():
    with pytest.raises(TypeError, match="must be a network that separates, got a Transcriber"):
        apply.separate(transcriber("mixture"), noise(2_000), RATE_HZ)
