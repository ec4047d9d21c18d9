"""What ships beside the package: where it lies, and whether it is whole.

Everything that ships stands in folders with a record, a JSON file that says where the rest comes from and holds the
SHA-256 of every other file.

Contents: data_folder, read_record, check_weights, sha256.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .refusals import RefusedValue

DATA_VARIABLE = "MSS_LAB_DATA"


def data_folder(part: str = "lessons") -> Path:
    """The folder `data`: the one MSS_LAB_DATA names, else the one beside the package.

    Parameters
    ----------
    part : str
        A folder that must be in it.

    Raises
    ------
    FileNotFoundError
        If it holds no such folder.
    """
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named) if named else Path(__file__).resolve().parents[1] / "data"
    if not (folder / part).is_dir():
        origin = f"{DATA_VARIABLE} names" if named else "beside the package lies"
        raise FileNotFoundError(
            f"what ships should be in {folder / part} ({origin} {folder}), which does not exist; install from a "
            f"clone of the repository (pip install -e .), or let {DATA_VARIABLE} name its folder data"
        )
    return folder


def read_record(path: str | os.PathLike) -> dict[str, Any]:
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
        If a file is damaged or the record cannot be read; the message names the file and the command that mends it.
    """
    path = Path(path)
    folder = path.parent
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        mend = f"make it again: {record['made_by']}, or take the folder from the repository: git checkout {folder}"
        checksums = record["sha256"].items()
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise RefusedValue(
            f"{path} is damaged ({type(error).__name__}: {error}); take it from the repository: git checkout {path}"
        ) from error
    for name, wanted in checksums:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing; {mend}")
        if sha256(folder / name) != wanted:
            raise RefusedValue(f"{folder / name} is damaged: its checksum is not the one in {path.name}; {mend}")
    return record


def check_weights(folder: str | os.PathLike) -> tuple[str, ...]:
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
        mend = f"take both from the repository: git checkout {folder}"
        for path in (card, weights):
            if not path.is_file():
                raise FileNotFoundError(f"{path} is missing; {mend}")
        try:
            wanted = json.loads(card.read_text(encoding="utf-8"))["sha256"]
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise RefusedValue(f"{card} is damaged ({type(error).__name__}: {error}); {mend}") from error
        if sha256(weights) != wanted:
            raise RefusedValue(f"{weights} is damaged: its checksum is not the one on its card; {mend}")
    return tuple(names)


def sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
