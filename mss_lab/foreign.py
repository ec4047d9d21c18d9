"""Recognition of files that the package cannot read as audio, by their first bytes.

Contents: kind_of.
"""

from pathlib import Path

# First bytes of file formats that libsndfile does not read, and numbers of WAV codecs that libsndfile does not read.
FOREIGN_STARTS = {
    (4, b"ftyp"): "an MPEG-4 or QuickTime file, such as M4A",
    (0, b"\x30\x26\xb2\x75"): "a Windows Media file, such as WMA",
    (0, b"\x1a\x45\xdf\xa3"): "a Matroska or WebM file",
    (0, b"\xff\xf1"): "a stream of AAC",
    (0, b"\xff\xf9"): "a stream of AAC",
    (0, b"wvpk"): "a WavPack file",
    (0, b"MAC "): "a Monkey's Audio file",
    (0, b"#!AMR"): "an AMR file",
    (0, b"FLV"): "a Flash video",
    (0, b"DSD "): "a DSD file",
    (0, b"MThd"): "a MIDI file, which holds notes and no sound",
    (0, b"PK"): "a ZIP archive",
    (0, b"%PDF"): "a PDF document",
    (8, b"AVI "): "an AVI video",
}

WAV_CODECS = {
    0x50: "MPEG layer II",
    0x55: "MP3",
    0xFF: "AAC",
    0x160: "Windows Media Audio",
    0x161: "Windows Media Audio",
    0x162: "Windows Media Audio",
    0x163: "Windows Media Audio",
    0x270: "ATRAC3",
    0x674F: "Vorbis",
    0x1600: "AAC",
    0x2000: "Dolby AC-3",
    0x2001: "DTS",
}

# WAV codecs that libsndfile reads: integers, floats, A-law, mu-law, ADPCM and GSM. If one of these cannot be read, the
# codec is not the reason.
READABLE_WAV_CODECS = {0x1, 0x2, 0x3, 0x6, 0x7, 0x11, 0x31, 0x65, 0xFFFE}


def kind_of(path: Path) -> str:
    """The kind of a file that libsndfile does not read, such as "it is an MPEG-4 file"; empty if unknown."""
    with path.open("rb") as file:
        start = file.read(4096)
    for (at, sign), kind in FOREIGN_STARTS.items():
        if start[at:].startswith(sign):
            return f"it is {kind}"
    at = start.find(b"fmt ", 12)
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE" and 0 <= at <= len(start) - 10:
        codec = int.from_bytes(start[at + 8 : at + 10], "little")
        if codec not in READABLE_WAV_CODECS:
            return (
                f"it is a WAV file that holds {WAV_CODECS.get(codec, 'sound of an unknown codec')}, number {codec:#x}"
            )
    return "the file is empty" if not start else ""
