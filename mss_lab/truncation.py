"""Audio files that were cut short: the part of the sound that a file announces but does not contain.

An interrupted download or copy leaves a file that decoders read as far as it goes, without an error. Most formats state
how much there should be: WAV, AIFF, AU, W64 and CAF write the size of the sound into a header, Ogg marks its last page,
and MP3 consists of frames of known sizes. (FLAC needs no test here: its decoder refuses a stream that is cut.)

Programs that write to a pipe cannot go back to their header, and leave a size of 0 or the largest possible one there.
Such files are complete. An MP3 file without a count of its frames that was cut exactly between two of them cannot be
distinguished from a complete one.

Contents: what_is_missing. References: Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0
(WAV); EBU Tech 3306 (RF64); Apple, Audio Interchange File Format 1.3; RFC 3533 (Ogg); ISO/IEC 11172-3 (MP3).
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

# Sizes that mean "unknown" are within this distance of 2 and 4 gigabytes: programs subtract their headers.
NEAR_BYTES = 1 << 16

# An Ogg page is at most this long, so the last one begins within as many bytes of the end.
LONGEST_PAGE_BYTES = 27 + 255 + 255 * 255
OGG_LAST_PAGE = 4

# Some encoders leave out the padding of the last MP3 frame.
MP3_TOLERANCE_BYTES = 4
MP3_KBIT_PER_S = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
MP3_RATES_HZ = (44_100, 48_000, 32_000)


class Chunk(NamedTuple):
    """A named part of a file: where its content begins, and its number of bytes according to its header."""

    name: bytes
    start: int
    size: int


def what_is_missing(path: str | os.PathLike[str]) -> str:
    """Describe the missing part of an audio file; empty if the file is complete or cannot be tested.

    Parameters
    ----------
    path : path
        A file of any format; unknown formats count as complete.
    """
    path = Path(path)
    length = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(0)
        if start[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
            return _missing_of(_riff_sound(file), length)
        if start[:4] == b"FORM":
            return _missing_of(_named(_chunks(file, 12, ">4sI", even=True), b"SSND"), length)
        if start[:4] in (b".snd", b"dns."):
            return _missing_of(_au_sound(file), length)
        if start[:4] == b"riff":
            return _missing_of(_named(_chunks(file, 40, "<16sQ", size_of_header=24, align=8), b"data"), length)
        if start[:4] == b"caff":
            return _missing_of(_named(_chunks(file, 8, ">4sQ"), b"data"), length)
        if start[:4] == b"OggS":
            return _missing_of_ogg(file, length)
        # MP3 is last, because it has no name at its start, only a pattern of bits.
        return _missing_of_mp3(file, length)


def _missing_of(sound: Chunk | None, length: int) -> str:
    if sound is None or _is_unknown(sound.size):
        return ""
    missing = sound.start + sound.size - length
    if missing <= 0:
        return ""
    return (
        f"its header promises {sound.size} bytes of sound, of which {missing} ({missing / sound.size:.0%}) are missing"
    )


def _is_unknown(size: int) -> bool:
    return size == 0 or size >= 1 << 63 or any(abs(size - (1 << bits)) <= NEAR_BYTES for bits in (31, 32))


def _chunks(
    file: BinaryIO, start: int, layout: str, *, size_of_header: int = 0, even: bool = False, align: int = 1
) -> Iterator[Chunk]:
    """The chunks of a file in order; `size_of_header` is for formats whose sizes include the chunk's own header."""
    align = 2 if even else align
    width = struct.calcsize(layout)
    while True:
        file.seek(start)
        header = file.read(width)
        if len(header) < width:
            return
        name, size = struct.unpack(layout, header)
        size = max(0, size - size_of_header)
        yield Chunk(name, start + width, size)
        # Chunks begin at multiples of two bytes (WAV, AIFF) or eight (W64).
        start += -(-(width + size) // align) * align


def _named(chunks: Iterator[Chunk], name: bytes) -> Chunk | None:
    return next((chunk for chunk in chunks if chunk.name.startswith(name)), None)


def _riff_sound(file: BinaryIO) -> Chunk | None:
    order: Literal["<", ">"] = ">" if file.read(4) == b"RIFX" else "<"
    large = 0
    for chunk in _chunks(file, 12, f"{order}4sI", even=True):
        if chunk.name == b"ds64":
            # RF64 stores sizes beyond four gigabytes here: first that of the file, then that of the sound.
            file.seek(chunk.start)
            sizes = file.read(16)
            large = struct.unpack("<QQ", sizes)[1] if len(sizes) == 16 else 0
        if chunk.name == b"data":
            return chunk._replace(size=large) if chunk.size == 0xFFFF_FFFF else chunk
    return None


def _au_sound(file: BinaryIO) -> Chunk | None:
    header = file.read(12)
    if len(header) < 12:
        return None
    start, size = struct.unpack((">" if header[:4] == b".snd" else "<") + "4xII", header)
    return Chunk(b"data", start, size)


def _missing_of_ogg(file: BinaryIO, length: int) -> str:
    file.seek(max(0, length - 2 * LONGEST_PAGE_BYTES))
    tail = file.read()
    at = tail.rfind(b"OggS\0")
    page = tail[at:] if at >= 0 else b""
    segments = page[26] if len(page) > 26 else 255
    whole = len(page) >= 27 + segments + sum(page[27 : 27 + segments])
    if whole and page[5] & OGG_LAST_PAGE:
        return ""
    return "the page that ends an Ogg stream is missing"


def _missing_of_mp3(file: BinaryIO, length: int) -> str:
    content = file.read()
    at = _after_id3(content)
    kind = content[at : at + 2]
    frames = 0
    while at + 4 <= length:
        size = _mp3_frame_bytes(content[at : at + 4])
        # Another layer or version is not a frame of this stream, but a tag or damage, which the decoder handles.
        if size == 0 or (content[at + 1] ^ kind[1]) & 0xFE:
            return ""
        at += size
        frames += 1
    missing = at - length
    if frames < 2 or missing <= MP3_TOLERANCE_BYTES:
        return ""
    return "its last MP3 frame is not complete"


def _after_id3(content: bytes) -> int:
    """Position at which the tags at the start of an MP3 file end."""
    at = 0
    while content[at : at + 3] == b"ID3" and len(content) >= at + 10:
        # Seven bits a byte; a footer, if there is one, has the length of the header.
        size = sum(
            (byte & 0x7F) << shift for byte, shift in zip(content[at + 6 : at + 10], (21, 14, 7, 0), strict=True)
        )
        at += 10 + size + (10 if content[at + 5] & 0x10 else 0)
    return at


def _mp3_frame_bytes(header: bytes) -> int:
    """The length of an MPEG audio frame, header included; 0 if it is not a frame, or the header does not say."""
    if header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    generation = 1 if version == 3 else 2
    rate_hz = MP3_RATES_HZ[rate] >> (0, 1, 2)[{3: 0, 2: 1, 0: 2}[version]]
    bits_per_s = 1000 * MP3_KBIT_PER_S[generation, layer][bitrate - 1]
    padding = header[2] >> 1 & 1
    if layer == 1:
        return (12 * bits_per_s // rate_hz + padding) * 4
    samples = 576 if layer == 3 and generation == 2 else 1152
    return samples // 8 * bits_per_s // rate_hz + padding
