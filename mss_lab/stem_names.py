"""Names of sources as file names that are valid on every operating system.

Contents: as_file_name, file_names, check_file_names.
"""

import unicodedata
from collections.abc import Iterable

from .refusals import RefusedValue

# Characters that are not allowed in file names on at least one system.
UNSAFE_IN_NAMES = set('/\\:*?"<>|')

# Devices of Windows, not allowed as file names there, with any extension.
RESERVED_NAMES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
RESERVED_NAMES |= {f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"}

# File systems allow 255 bytes; this leaves space for an extension and a number.
LONGEST_NAME_BYTES = 240


def as_file_name(name: str) -> str:
    """A source's name as a file name that is valid on every system: characters that one of them refuses become "_"."""
    safe = "".join(
        "_" if character in UNSAFE_IN_NAMES or not character.isprintable() else character for character in name
    ).strip(" .")
    stem, dot, rest = safe.partition(".")
    if stem.rstrip().upper() in RESERVED_NAMES:
        safe = f"{stem.rstrip()}_{dot}{rest}"
    return safe.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore").rstrip(" .")


def file_names(names: Iterable[str]) -> dict[str, str]:
    """A file name without extension for each source, such that all are different files on every system.

    Names that are valid file names are unchanged. The others are changed by `as_file_name`, and get a number if the
    result is in use ("a/b" with "a_b" becomes "a_b 2"). A name of which nothing remains becomes "source".

    Examples
    --------
    >>> file_names(["a/b", "a_b"])
    {'a/b': 'a_b 2', 'a_b': 'a_b'}
    """
    names = list(dict.fromkeys(names))
    chosen: dict[str, str] = {}
    used: set[str] = set()
    for name in sorted(names, key=lambda name: as_file_name(name) != name):
        plain = as_file_name(name) or "source"
        candidate, number = plain, 1
        while _as_one_file(candidate) in used:
            number += 1
            candidate = f"{plain} {number}"
        used.add(_as_one_file(candidate))
        chosen[name] = candidate
    return {name: chosen[name] for name in names}


def check_file_names(names: Iterable[str]) -> None:
    """Raise ValueError if a name is not a valid file name, or if two of them are the same file on some system."""
    used: dict[str, str] = {}
    for name in names:
        if not name or name != as_file_name(name):
            raise RefusedValue(
                f"a source's name must make a file name, got {name!r}; use letters, digits, - and _, "
                "or the names that mss_lab.stem_names.file_names gives"
            )
        # On Windows and macOS, "Violin" and "violin" are the same file: the second would replace the first.
        key = _as_one_file(name)
        if key in used:
            raise RefusedValue(
                f"source names must differ by more than capitals, got {used[key]!r} and {name!r}; rename one of them"
            )
        used[key] = name


def _as_one_file(name: str) -> str:
    """Equal for names that are the same file on some system: case and Unicode composition make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
