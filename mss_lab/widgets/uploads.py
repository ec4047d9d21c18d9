"""Uploads: files that arrive from a page in pieces, and how they are read without leaving anything on the disk.

A page sends `begin` with the name and the size, then the pieces in order; each is answered by `ack`, so that the page
shows how far Python is and never sends more than a few pieces ahead. The file is kept in memory; to be read it is
written to the system's folder of temporary files for a moment.

Contents: MOST_BYTES, MOST_RECORDED_S, Upload, Uploads, limits, too_large, read_uploaded.
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .. import audio, memory, stem_names, temporary
from ..refusals import Refusal, RefusedValue

# Half an hour of stereo at 44.1 kHz with 16 bits has 300 MB; as FLAC an hour fits.
MOST_BYTES = 300_000_000
# Longer recordings from a microphone stop by themselves.
MOST_RECORDED_S = 600

Content = TypeVar("Content")


@dataclasses.dataclass
class Upload:
    """A file of which a part has arrived.

    Attributes
    ----------
    role : str
        What the file is for, such as "recording"; a newer file for the same purpose replaces it.
    name : str
        As on the reader's disk, without folders.
    size_bytes : int
        Of the whole file.
    data : bytearray
        The part that has arrived.
    """

    role: str
    name: str
    size_bytes: int
    data: bytearray


class Uploads:
    """The files that are arriving; a complete one is passed to `arrived`.

    Parameters
    ----------
    answer : callable, message -> None
        Sends a message to the page.
    arrived : callable, (role, name, bytes) -> None
    """

    def __init__(self, answer: Callable[[dict[str, Any]], None], arrived: Callable[[str, str, bytes], None]) -> None:
        self._answer = answer
        self._arrived = arrived
        self._by_id: dict[str, Upload] = {}

    def take(self, message: Mapping[str, Any], buffers: Any) -> None:
        """Take a message of the page: `begin`, `piece` or `cancel`."""
        number = str(message.get("id"))
        if message["kind"] == "begin":
            self._begin(number, message)
        elif message["kind"] == "cancel":
            self._by_id.pop(number, None)
        elif number in self._by_id:
            self._add(number, message, buffers)

    def _begin(self, number: str, message: Mapping[str, Any]) -> None:
        role, name, size_bytes = str(message["role"]), str(message["name"]), int(message["size"])
        for other in [key for key, upload in self._by_id.items() if upload.role == role]:
            del self._by_id[other]
        if size_bytes > MOST_BYTES:
            # The page refuses this before it sends; a page of an older version may not.
            self._answer({"kind": "refused", "id": number, "words": too_large(name, size_bytes)})
            return
        self._by_id[number] = Upload(role, name, size_bytes, bytearray())
        self._finish(number)

    def _add(self, number: str, message: Mapping[str, Any], buffers: Any) -> None:
        upload = self._by_id[number]
        piece = bytes(buffers[0]) if buffers else b""
        if message.get("at") != len(upload.data) or len(upload.data) + len(piece) > upload.size_bytes:
            del self._by_id[number]
            words = f"{upload.name} did not arrive complete; choose it again"
            self._answer({"kind": "refused", "id": number, "words": words})
            return
        upload.data += piece
        self._finish(number)

    def _finish(self, number: str) -> None:
        upload = self._by_id[number]
        self._answer({"kind": "ack", "id": number, "received": len(upload.data)})
        if len(upload.data) == upload.size_bytes:
            del self._by_id[number]
            self._arrived(upload.role, upload.name, bytes(upload.data))


def limits() -> dict[str, Any]:
    """What a page must know before it sends a sound, for `shared/file_line.js`."""
    return {
        "mostBytes": MOST_BYTES,
        # The page knows only the size of a file that it refuses.
        "mostWords": too_large("FILE", MOST_BYTES).partition(", and ")[2],
        "audioEndings": list(audio.SUBTYPES),
        "mostRecordedS": MOST_RECORDED_S,
    }


def too_large(name: str, size_bytes: int) -> str:
    """What is said of a file that is too large to be sent."""
    return (
        f"{name} has {memory.words(size_bytes)}, and at most {memory.words(MOST_BYTES)} can be sent; cut an excerpt, "
        "or save it as FLAC, OGG or MP3, which are smaller"
    )


def read_uploaded(name: str, data: bytes, read: Callable[[Path], Content]) -> Content:
    """Read the bytes of a file by a function that takes a path; the file exists only while it is read.

    Parameters
    ----------
    name : str
        The name of the file, whose ending may select how it is read.
    data : bytes
    read : callable, path -> content

    Raises
    ------
    RefusedValue
        If there are no bytes.
    Exception
        Those of `read`; a refusal has `name` in place of the path.
    """
    if not data:
        raise RefusedValue(f"{name} is empty; choose another file")
    ending = Path(name).suffix
    safe = (stem_names.as_file_name(Path(name).stem) or "file")[:100] + stem_names.as_file_name(f"a{ending}")[1:]
    with temporary.temporary_folder(Path(tempfile.gettempdir()) / "upload") as folder:
        path = folder / temporary.NEW / safe
        path.write_bytes(data)
        try:
            return read(path)
        except Refusal as error:
            # The reader knows the file by its own name.
            raise type(error)(str(error).replace(str(path), name)) from error
