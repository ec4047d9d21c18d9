"""Names of sources as names of files, such that a folder of stems opens on every system.

Contents: as_file_name, file_names, check_file_names.
"""

import unicodedata
from collections.abc import Iterable

from .refusals import RefusedValue

# Not allowed in file names by one system or another; a folder of stems should open on all of them.
UNSAFE_IN_NAMES = set('/\\:*?"<>|')

# Devices of Windows: no file may be called so there, with whatever ending.
RESERVED_NAMES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
RESERVED_NAMES |= {f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"}

# File systems allow 255 bytes; an ending and a number still find room.
LONGEST_NAME_BYTES = 240


def as_file_name(name: str) -> str:
    """A source's name as a file may bear it on every system: signs that one of them refuses become "_"."""
    safe = "".join("_" if sign in UNSAFE_IN_NAMES or not sign.isprintable() else sign for sign in name).strip(" .")
    stem, dot, rest = safe.partition(".")
    if stem.rstrip().upper() in RESERVED_NAMES:
        safe = f"{stem.rstrip()}_{dot}{rest}"
    return safe.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore").rstrip(" .")


def file_names(names: Iterable[str]) -> dict[str, str]:
    """A file name for each source, without an ending, such that no system takes two of them for one file.

    Names that can be file names keep theirs. The others are changed by `as_file_name`, and get a number where the
    result is taken ("a/b" beside "a_b" becomes "a_b 2"). A name of which nothing remains becomes "source".
    """
    names = list(dict.fromkeys(names))
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names, key=lambda name: as_file_name(name) != name):
        plain = as_file_name(name) or "source"
        candidate, number = plain, 1
        while _as_one_file(candidate) in taken:
            number += 1
            candidate = f"{plain} {number}"
        taken.add(_as_one_file(candidate))
        chosen[name] = candidate
    return {name: chosen[name] for name in names}


def check_file_names(names: Iterable[str]) -> None:
    """Raise ValueError if a name cannot be a file's, or if some system takes two of them for one file."""
    taken: dict[str, str] = {}
    for name in names:
        if not name or name != as_file_name(name):
            raise RefusedValue(
                f"a source's name must make a file name, got {name!r}; use letters, digits, - and _, "
                "or the names that mss_lab.stem_names.file_names gives"
            )
        # Windows and macOS take "Violin" and "violin" for one file: the second would replace the first.
        key = _as_one_file(name)
        if key in taken:
            raise RefusedValue(
                f"source names must differ by more than capitals, got {taken[key]!r} and {name!r}; rename one of them"
            )
        taken[key] = name


def _as_one_file(name: str) -> str:
    """Equal for names that some system takes for the same file: capitals and composed letters make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
