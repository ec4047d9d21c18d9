"""Transcription of recordings: any length, rate and channels, no seams between chunks, and clear refusals."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import frontend, transcribe  # noqa: E402
from mss_lab.neural.models.cerberus import Cerberus, CerberusSettings  # noqa: E402
from mss_lab.neural.models.mask_inference import MaskInference, MaskInferenceSettings  # noqa: E402
from mss_lab.neural.models.transcriber import Transcriber, TranscriberSettings  # noqa: E402

RATE_HZ, HOP = 8_000, 128
SMALL = {"sources": ("a", "b"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": HOP}


class Listener(torch.nn.Module):
    """A network that knows no more than a frame: the roll of both sources is the level of 128 bins."""

    sources, sample_rate_hz, hop_samples = ("a", "b"), RATE_HZ, HOP

    def transcribe(self, mixture, conditions=None):
        magnitude = frontend.stft(mixture, 512, HOP).abs()[:, :128].transpose(1, 2) / 64
        return torch.stack([magnitude, 2 * magnitude], dim=1)


def noise(samples, channels=1, seed=0):
    return np.random.default_rng(seed).standard_normal((channels, samples)).astype(np.float32) * 0.05


def test_chunks_leave_no_seams():
    mixture = noise(50_000)
    whole = transcribe.rolls(Listener(), mixture, RATE_HZ, chunk_s=100)
    assert whole.shape == (2, 128, 1 + 50_000 // HOP)
    for chunk_s in (0.5, 1.3):
        parts = transcribe.rolls(Listener(), mixture, RATE_HZ, chunk_s=chunk_s, context_s=0.2)
        # The last chunk may be padded to a second, which changes its last frames.
        np.testing.assert_allclose(parts[..., :-4], whole[..., :-4], rtol=1e-4, atol=1e-5)


def test_level_and_channels_do_not_matter():
    mixture = noise(20_000, 2)
    expected = transcribe.rolls(Listener(), mixture, RATE_HZ)
    np.testing.assert_allclose(transcribe.rolls(Listener(), 0.01 * mixture, RATE_HZ), expected, rtol=1e-3, atol=1e-5)
    mono = mixture.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(transcribe.rolls(Listener(), mono, RATE_HZ), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("samples, rate_hz", [(1, RATE_HZ), (300, 44_100), (9_000, 16_000)])
def test_the_number_of_frames_is_that_of_the_recording(samples, rate_hz):
    frames = transcribe.rolls(Listener(), noise(samples), rate_hz).shape[-1]
    assert abs(frames - (1 + samples * RATE_HZ / rate_hz // HOP)) <= 1


def test_nothing_sounds_in_silence():
    assert not transcribe.rolls(Listener(), np.zeros((2, 9_000), np.float32), RATE_HZ).any()
    assert transcribe.transcribe(Listener(), np.zeros((1, 9_000), np.float32), RATE_HZ).notes == ()


def test_a_tone_becomes_a_note_at_its_time():
    # Bin 40 of the listener, from 0.5 to 1 s, is taken for MIDI 40.
    times_s = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = np.sin(2 * np.pi * 40 * RATE_HZ / 512 * times_s) * ((times_s >= 0.5) & (times_s < 1))
    found = transcribe.transcribe(Listener(), tone[None].astype(np.float32), RATE_HZ, threshold={"a": 0.4})
    (note,) = found.notes_of("a")
    assert found.sources == ("a", "b")
    assert note.midi == 40
    assert (note.onset_s, note.offset_s) == pytest.approx((0.5, 1.0), abs=0.05)


@pytest.mark.parametrize("reads", ["mixture", "residual"])
def test_the_networks_that_ship_transcribe(reads):
    torch.manual_seed(0)
    sizes = {"hidden": 6, "layers": 1, "source_hidden": 4, "source_layers": 1, "embedding": 4}
    network = Transcriber(TranscriberSettings(**SMALL, **sizes, reads=reads))
    mixture = noise(20_000)
    sources = {"a": mixture / 2, "b": mixture / 2} if reads != "mixture" else None
    found = transcribe.rolls(network, mixture, RATE_HZ, sources)
    assert found.shape == (2, 128, 1 + 20_000 // HOP)
    assert found[:, 21:109].min() > 0 and not found[:, :21].any()
    cerberus = Cerberus(CerberusSettings(**SMALL, hidden=6, layers=1, dimensions=2))
    assert transcribe.rolls(cerberus, mixture, RATE_HZ).shape == found.shape


def test_refused_inputs():
    mask = MaskInference(MaskInferenceSettings(**SMALL, hidden=4, layers=1))
    with pytest.raises(TypeError, match="that transcribes, got a MaskInference"):
        transcribe.rolls(mask, noise(5_000), RATE_HZ)
    with pytest.raises(ValueError, match="got no b; add them"):
        transcribe.rolls(Listener(), noise(5_000), RATE_HZ, {"a": noise(5_000)})
    with pytest.raises(ValueError, match="the mixture"):
        transcribe.rolls(Listener(), noise(5_000), RATE_HZ, {"a": noise(5_000), "b": noise(4_000)})
    with pytest.raises(ValueError, match="chunk_s"):
        transcribe.rolls(Listener(), noise(5_000), RATE_HZ, chunk_s=0)
