"""MusicXML files as trees of elements: plain or compressed, by parts or by measures, and within the memory limit.

A score may come from any source. A small archive can unpack to gigabytes, and a few lines of entities can expand to as
much; both are refused before they take memory.

Contents: read_tree. Reference: W3C, MusicXML 4.0.
"""

import contextlib
import copy
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from ..refusals import RefusedValue

# Twice the size of the largest known scores: a whole symphony has about 60 MB of text.
MOST_MEGABYTES = 128

# A tree takes some 200 bytes of memory for each tag and each attribute, however short its text is.
MOST_MARKS = 12_000_000

# Exceptions of the standard library for damaged XML, and for damaged, encrypted or unknown archives.
_DAMAGED = (ElementTree.ParseError, expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, LookupError,
            RuntimeError, ValueError)  # fmt: skip


class _RootReached(Exception):
    """The root element begins, so that no declaration can follow."""


def read_tree(path: str | os.PathLike[str]) -> ElementTree.Element:
    """The root of a MusicXML file, with one <part> for each part and the <measure>s inside it.

    The first bytes of the file, not its name, show whether it is compressed. Files that list measures first and parts
    inside them (score-timewise) are rearranged. Namespaces are removed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RefusedValue
        If the file is not MusicXML, is a collection of scores, declares entities, or is too large to be read.
    """
    path = Path(path)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise FileNotFoundError(f"score {path} {problem}; give the path of a MusicXML file")
    try:
        root = _parsed(path, _text(path))
    except RefusedValue:
        raise
    except _DAMAGED as error:
        raise not_musicxml(path, error) from error
    if root.tag == "score-timewise":
        return _by_parts(root)
    if root.tag == "opus":
        raise RefusedValue(f"{path} must contain one score, got a list of scores (opus); read each of them by itself")
    if root.tag != "score-partwise":
        raise not_musicxml(path, f"it begins with <{root.tag}>")
    return root


def not_musicxml(path: Path, reason: object) -> RefusedValue:
    """The refusal of a file whose contents are not MusicXML."""
    return RefusedValue(f"{path} could not be read as MusicXML ({reason}); export the score again as MusicXML or MIDI")


def _text(path: Path) -> bytes:
    """The bytes of the score, unpacked if the file is an archive."""
    with path.open("rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
        file.seek(0)
        if not is_archive:
            return _at_most(path, file)
        with zipfile.ZipFile(file) as archive:
            score = archive.getinfo(_score_inside(path, archive))
            if score.file_size > MOST_MEGABYTES * 1_000_000:
                raise _too_large(path)
            with archive.open(score) as packed:
                # The size that an archive states may be wrong: reading stops at the limit.
                return _at_most(path, packed)


def _at_most(path: Path, file: Any) -> bytes:
    limit = MOST_MEGABYTES * 1_000_000
    text: bytes = file.read(limit + 1)
    if len(text) > limit or text.count(b"<") + text.count(b"=") > MOST_MARKS:
        raise _too_large(path)
    return text


def _too_large(path: Path) -> RefusedValue:
    return RefusedValue(
        f"{path} contains more than {MOST_MEGABYTES} MB of text, or more than {MOST_MARKS // 1_000_000} million tags "
        "and attributes, which no score needs; save each movement in its own file, or get the file again"
    )


def _score_inside(path: Path, archive: zipfile.ZipFile) -> str:
    """The name of the score in an archive: from its container file, otherwise the first XML file."""
    names = archive.namelist()
    if "META-INF/container.xml" in names:
        with archive.open("META-INF/container.xml") as file:
            container = _parsed(path, file.read(1_000_000))
        for rootfile in container.iter("rootfile"):
            if rootfile.get("full-path") in names:
                return rootfile.get("full-path", "")
    for name in names:
        if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF"):
            return name
    raise ValueError("the archive contains no XML file")


def _parsed(path: Path, text: bytes) -> ElementTree.Element:
    """The tree of a document without entities and without namespaces."""

    def declared(name: str, *_: object) -> None:
        raise RefusedValue(
            f"{path} declares the entity {name!r}, and MusicXML has no entities; export the score again, "
            "or delete the declaration"
        )

    def root_begins(*_: object) -> None:
        raise _RootReached

    # Declarations come before the root element: a parser that stops there has seen all of them.
    parser = expat.ParserCreate()
    parser.EntityDeclHandler = declared
    parser.StartElementHandler = root_begins
    with contextlib.suppress(_RootReached):
        parser.Parse(text, True)
    root = ElementTree.fromstring(text)
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    return root


def _by_parts(timewise: ElementTree.Element) -> ElementTree.Element:
    """Convert a score that lists its measures first to one that lists its parts first."""
    root = ElementTree.Element("score-partwise")
    parts: dict[str, ElementTree.Element] = {}
    for element in timewise:
        if element.tag != "measure":
            root.append(element)
            continue
        for inside in element.findall("part"):
            measure = copy.copy(inside)
            measure.tag, measure.attrib = "measure", dict(element.attrib)
            name = inside.get("id", "")
            parts.setdefault(name, ElementTree.Element("part", id=name)).append(measure)
    root.extend(parts.values())
    return root
