"""How the sounds of a player travel: plain for short pieces, as FLAC in chunks for long ones, the same samples."""

import io
import time

import numpy as np
import pytest
import soundfile

from mss_lab import signals
from mss_lab.widgets import player, sounds

RATE_HZ = 16_000


@pytest.fixture
def stems(rng):
    stereo = signals.noise(2.3, RATE_HZ, rng=rng, channels=2).astype(np.float32)
    return [0.3 * stereo, -2.0 * stereo, np.zeros_like(stereo)]


def integers(packed, stems):
    return np.frombuffer(packed.samples, "<i2").reshape(len(stems), *stems[0].shape)


def test_a_short_piece_is_sent_as_integers_to_within_half_a_step(stems):
    packed = sounds.pack(stems, RATE_HZ)
    assert packed.chunk_samples == 0
    assert packed.envelopes == b""
    for values, scale, stem in zip(integers(packed, stems), packed.scales, stems, strict=True):
        np.testing.assert_allclose(values * scale, stem, atol=0.51 * scale, rtol=0)
        assert scale == pytest.approx(np.abs(stem).max() / 32767)


def test_a_long_piece_is_the_same_integers_in_chunks(stems, monkeypatch):
    plain = integers(sounds.pack(stems, RATE_HZ), stems)
    monkeypatch.setattr(sounds, "PLAIN_BYTES", 0)
    packed = sounds.pack(stems, RATE_HZ)
    assert packed.samples == b""
    # A length that is no whole number of chunks.
    chunk_samples = 7001
    count = sounds.chunk_count(stems[0].shape[1], chunk_samples)
    assert (count - 1) * chunk_samples < stems[0].shape[1] <= count * chunk_samples
    for number, stem in enumerate(stems):
        chunks = [sounds.flac_chunk(stem, packed.scales[number], i, chunk_samples, RATE_HZ) for i in range(count)]
        read = [soundfile.read(io.BytesIO(chunk), dtype="int16", always_2d=True) for chunk in chunks]
        assert {rate for _, rate in read} == {RATE_HZ}
        np.testing.assert_array_equal(np.concatenate([samples for samples, _ in read]).T, plain[number])


@pytest.mark.parametrize("samples", [1, 255, 256, 257, 1000])
def test_the_envelope_of_a_long_piece_holds_every_peak(samples, stems, monkeypatch):
    monkeypatch.setattr(sounds, "PLAIN_BYTES", 0)
    short = [stem[:, :samples] for stem in stems]
    packed = sounds.pack(short, RATE_HZ)
    blocks = -(-samples // sounds.BLOCK_SAMPLES)
    envelopes = np.frombuffer(packed.envelopes, "<i2").reshape(len(short), blocks, 2)
    for envelope, scale, stem in zip(envelopes, packed.scales, short, strict=True):
        for block in range(blocks):
            part = stem[:, block * sounds.BLOCK_SAMPLES : (block + 1) * sounds.BLOCK_SAMPLES]
            np.testing.assert_allclose(envelope[block] * scale, [part.min(), part.max()], atol=0.51 * scale, rtol=0)


@pytest.fixture
def sent(stems, monkeypatch):
    """A player of a long piece in four chunks, and a list of the messages that it sends."""
    monkeypatch.setattr(sounds, "PLAIN_BYTES", 0)
    monkeypatch.setattr(sounds, "CHUNK_S", 0.6)
    made = player.play({"a": stems[0], "b": stems[1]}, RATE_HZ)
    messages = []
    monkeypatch.setattr(made, "send", lambda content, buffers=None: messages.append((content, buffers)))
    return made, messages


def wait_for(condition):
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    assert condition()


def test_a_page_that_asks_gets_all_chunks_in_order(sent, stems):
    made, messages = sent
    assert made.samples == b""
    made._on_message(made, {"kind": "chunks", "revision": made.content["revision"]}, [])
    wait_for(lambda: len(messages) == 4)
    assert [content["chunk"] for content, _ in messages] == [0, 1, 2, 3]
    for stem, scale, number in ((stems[0], made.content["scales"][0], 0), (stems[1], made.content["scales"][1], 1)):
        parts = [soundfile.read(io.BytesIO(buffers[number]), dtype="int16")[0] for _, buffers in messages]
        np.testing.assert_allclose(np.concatenate(parts).T * scale, stem, atol=0.51 * scale, rtol=0)


def test_the_spectrograms_of_a_long_piece_follow_and_are_those_of_a_short_one(sent, stems, monkeypatch):
    made, _ = sent
    assert made.pictures == b""
    assert made.describe().startswith("Waveforms of a, b")
    made._on_message(made, {"kind": "chunks", "revision": made.content["revision"]}, [])
    wait_for(lambda: made.pictures)
    assert made.describe().startswith("Waveforms and spectrograms of a, b")
    monkeypatch.setattr(sounds, "PLAIN_BYTES", 2**20)
    short = player.play({"a": stems[0], "b": stems[1]}, RATE_HZ)
    assert made.pictures == short.pictures
    assert short.samples


def test_chunks_of_sounds_that_have_been_replaced_are_not_sent(sent, stems):
    made, messages = sent
    old = made.content["revision"]
    made.replace({"a": stems[1], "b": stems[0]}, RATE_HZ)
    made._on_message(made, {"kind": "chunks", "revision": old}, [])
    made._send_chunks({**made.content, "revision": old}, list(stems[:2]))
    time.sleep(0.05)
    assert messages == []


def test_two_hours_are_refused_with_a_length_that_fits():
    # The samples of all stems are one array, so that the test needs little memory.
    piece = np.broadcast_to(np.float32(0.1), (2, 2 * 3600 * 44_100))
    with pytest.raises(ValueError, match=r"cut each to \d+ samples or fewer"):
        player.play({"one": piece}, 44_100)
