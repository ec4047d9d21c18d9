"""The files of the course, which ship with the package: where they are, and whether they are complete and undamaged.

The course is two folders, `notebooks` and `data`. In a checkout of the repository they are beside the package. A wheel
carries them inside the package, in `_course`, where `setup.py` copies them when it is built.

Every folder of data has a record, a JSON file that states the origin of the data and contains the SHA-256 of every
other file in the folder.

Contents: course_folder, is_checkout, data_folder, read_record, check_weights, remedy, sha256.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .refusals import RefusedValue

DATA_VARIABLE = "MSS_LAB_DATA"

PACKAGE = Path(__file__).resolve().parent
# Where a wheel carries the course; setup.py copies it there. A checkout has no such folder.
IN_THE_WHEEL = PACKAGE / "_course"


def course_folder() -> Path:
    """The folder that holds the course, with `notebooks` and `data` in it.

    In a checkout, or an editable installation of one, this is the repository's folder; otherwise it is inside the
    installed package. Its files belong to the installation: a reader's own copy is made by `mss-lab lab FOLDER`.
    """
    return IN_THE_WHEEL if IN_THE_WHEEL.is_dir() else PACKAGE.parent


def is_checkout() -> bool:
    """Whether the package runs from a checkout of the repository, not from an installed wheel."""
    beside = PACKAGE.parent
    return not IN_THE_WHEEL.is_dir() and (beside / "pyproject.toml").is_file() and (beside / "notebooks").is_dir()


def data_folder(part: str = "lessons") -> Path:
    """The folder `data`: the one that MSS_LAB_DATA names, else the one of the course.

    Parameters
    ----------
    part : str
        A folder that must be in it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named) if named else course_folder() / "data"
    if not (folder / part).is_dir():
        origin = f"{DATA_VARIABLE} names {folder}" if named else "where the package was installed"
        raise FileNotFoundError(
            f"the course's data should be in {folder / part} ({origin}), which does not exist; {remedy(folder / part)}"
        )
    return folder


def read_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a folder's record, and compare every file that it lists with its checksum.

    Parameters
    ----------
    path : path
        The record: JSON with at least `sha256`, a dict of file name -> checksum, and `made_by`, a command.

    Raises
    ------
    FileNotFoundError
        If a file that is listed is missing.
    ValueError
        If a file is damaged or the record cannot be read; the message names the file and the command that restores it.
    """
    path = Path(path)
    folder = path.parent
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        repair = f"make it again: {record['made_by']}, or {remedy(folder)}"
        checksums = record["sha256"].items()
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise RefusedValue(f"{path} is damaged ({type(error).__name__}: {error}); {remedy(path)}") from error
    for name, checksum in checksums:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing; {repair}")
        if sha256(folder / name) != checksum:
            raise RefusedValue(f"{folder / name} is damaged: its checksum is not the one in {path.name}; {repair}")
    return record


def check_weights(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """Compare every network's weights with the checksum on their card; no network is built.

    Parameters
    ----------
    folder : path
        With NAME.safetensors, and its card NAME.json.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    FileNotFoundError
        If weights or a card are missing.
    ValueError
        If a file is damaged.
    """
    folder = Path(folder)
    names = sorted({path.stem for path in folder.glob("*") if path.suffix in (".safetensors", ".json")})
    for name in names:
        card, weights = folder / f"{name}.json", folder / f"{name}.safetensors"
        repair = remedy(folder)
        for path in (card, weights):
            if not path.is_file():
                raise FileNotFoundError(f"{path} is missing; {repair}")
        try:
            checksum = json.loads(card.read_text(encoding="utf-8"))["sha256"]
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise RefusedValue(f"{card} is damaged ({type(error).__name__}: {error}); {repair}") from error
        if sha256(weights) != checksum:
            raise RefusedValue(f"{weights} is damaged: its checksum is not the one on its card; {repair}")
    return tuple(names)


def remedy(path: str | os.PathLike[str]) -> str:
    """How to restore a file or folder of the course, in words for the end of a message.

    Parameters
    ----------
    path : path
        What is missing or damaged.
    """
    path = Path(path).absolute()
    if not path.is_relative_to(course_folder()):
        return f"copy it again from {course_folder() / 'data'}"
    if is_checkout():
        return f"take it from the repository: git checkout -- {path}"
    return "install the package again: pip install --force-reinstall --no-deps mss-lab"


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
