"""Sounds: how the waveforms of a player travel to the page, once, as 16-bit samples.

The stems of a short piece are sent with the description of the player, as integers that the page can use at once. A
long piece would make the page wait and would fill its memory: it travels as FLAC, without loss, in chunks of some
seconds that are sent while the reader already looks at the player, and the page decodes only what is played.

Contents: Packed, pack, scale_of, block_envelope, chunk_count, flac_chunk.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import io
import math
from collections.abc import Sequence

import numpy as np
import soundfile

# Up to here all samples of a piece are sent in one message: about 30 s of five stereo stems at 44.1 kHz.
PLAIN_BYTES = 32 * 2**20
CHUNK_S = 4.0
# Long waveforms are drawn from the lowest and highest sample of blocks of this length.
BLOCK_SAMPLES = 256
# A fifth of the sizes that FLAC offers: twice as fast as the smallest files, and hardly larger.
COMPRESSION = 0.3


@dataclasses.dataclass(frozen=True)
class Packed:
    """The stems of a piece, ready to travel.

    Attributes
    ----------
    scales : tuple of float
        For each stem the value of one step of its integers; its peak is 32767 steps.
    samples : bytes
        The integers, stem by stem and channel by channel; empty for a long piece.
    envelopes : bytes
        For a long piece the lowest and highest integer over all channels of each block of samples, stem by stem.
    chunk_samples : int
        Length of the chunks of a long piece, or 0.
    """

    scales: tuple[float, ...]
    samples: bytes
    envelopes: bytes
    chunk_samples: int


def pack(stems: Sequence[np.ndarray], sample_rate_hz: int) -> Packed:
    """Pack stems of one shape, float (channels, samples); a long piece is packed without its samples."""
    channels, samples = stems[0].shape
    if 2 * channels * samples * len(stems) <= PLAIN_BYTES:
        scales = tuple(scale_of(waveform) for waveform in stems)
        integers = [_integers(waveform, scale) for waveform, scale in zip(stems, scales, strict=True)]
        return Packed(scales, b"".join(item.tobytes() for item in integers), b"", 0)
    # The peak of the blocks is that of the waveform, which is read once.
    blocks = [_block_extremes(waveform) for waveform in stems]
    scales = tuple(scale_of(extremes) for extremes in blocks)
    envelopes = [_integers(extremes, scale) for extremes, scale in zip(blocks, scales, strict=True)]
    return Packed(scales, b"", b"".join(item.tobytes() for item in envelopes), round(CHUNK_S * sample_rate_hz))


def chunk_count(samples: int, chunk_samples: int) -> int:
    """The number of chunks of a long piece."""
    return -(-samples // chunk_samples)


def flac_chunk(waveform: np.ndarray, scale: float, chunk: int, chunk_samples: int, sample_rate_hz: int) -> bytes:
    """Chunk number `chunk` of a stem, as the bytes of a FLAC file with 16 bits."""
    part = waveform[:, chunk * chunk_samples : (chunk + 1) * chunk_samples]
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        np.ascontiguousarray(_integers(part, scale).T),
        sample_rate_hz,
        format="FLAC",
        subtype="PCM_16",
        compression_level=COMPRESSION,
    )
    return buffer.getvalue()


def scale_of(waveform: np.ndarray) -> float:
    """The value of one step of a waveform's 16-bit integers: its peak is 32767 steps."""
    return float(max(waveform.max(), -waveform.min())) / 32767


def _integers(waveform: np.ndarray, scale: float) -> np.ndarray:
    # The scale follows from the waveform's own peak, so the rounding noise is about 98 dB below it at any level, and
    # nothing clips.
    if scale == 0:
        return np.zeros(waveform.shape, "<i2")
    return np.rint(waveform * (1 / scale)).astype("<i2")


def block_envelope(waveform: np.ndarray, scale: float) -> np.ndarray:
    """Lowest and highest integer of each block of samples over all channels, int16 (blocks, 2)."""
    return _integers(_block_extremes(waveform), scale)


def _block_extremes(waveform: np.ndarray) -> np.ndarray:
    """Lowest and highest sample of each block over all channels, float32 (blocks, 2)."""
    samples = waveform.shape[1]
    whole = samples // BLOCK_SAMPLES * BLOCK_SAMPLES
    blocks = np.empty((math.ceil(samples / BLOCK_SAMPLES), 2), np.float32)
    grouped = waveform[:, :whole].reshape(len(waveform), -1, BLOCK_SAMPLES)
    blocks[: grouped.shape[1]] = np.stack([grouped.min(axis=(0, 2)), grouped.max(axis=(0, 2))], axis=1)
    if whole < samples:
        blocks[-1] = waveform[:, whole:].min(), waveform[:, whole:].max()
    return blocks
