"""Weights in files that cannot run code, each with a card that records how they were trained.

`NAME.safetensors` holds numbers and their names. `NAME.json`, the card, holds the network and its settings; the data,
seed, time and results of the training; and the SHA-256 of the numbers. A file without its card is not read.

Contents: save, load, card, network_of, shipped, shipped_card, shipped_names. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from .. import checks, files
from .. import shipped as shipping
from ..refusals import RefusedType, RefusedValue
from . import models
from .contracts import Network

FORMAT = "mss_lab network, version 1"
FOLDER = "models/networks"
DTYPES = {"float32": torch.float32, "float16": torch.float16}

# The entries of a card that `save` writes itself; its argument `card` must not have them.
OWN = ("format", "network", "settings", "sources", "sample_rate_hz", "needs_score", "parameters", "dtype", "sha256")


def save(
    model: Network,
    path: str | os.PathLike[str],
    card: Mapping[str, Any],
    *,
    dtype: str = "float32",
    force: bool = True,
) -> None:
    """Write a network's weights, and their card next to them; each file appears whole or not at all.

    Parameters
    ----------
    model : Network
        An instance of a class that is listed in `mss_lab.neural.models`.
    path : path
        Ends in .safetensors.
    card : mapping
        Other entries of the card, for JSON: data, seed, seconds, metrics, the command.
    dtype : {"float32", "float16"}
        Half precision halves the size of the file. Vectors, such as the statistics of batch normalisation, which can be
        very large or very small, stay in float32; they take little space.
    force : bool
        Whether existing files may be replaced.

    Raises
    ------
    ValueError
        If the class of the network is not listed, a weight is not finite or does not fit into half precision, or the
        card has entries that this function writes itself.
    FileExistsError, OSError
        As `mss_lab.files.whole_file`.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    path = _weights_path(path)
    stored_dtype = DTYPES[checks.check_choice("dtype", dtype, DTYPES)]
    claimed = [name for name in card if name in OWN]
    if claimed:
        raise RefusedValue(f"card must leave {', '.join(claimed)} to this function, got these entries; leave them out")
    state = {name: _stored(name, tensor, stored_dtype) for name, tensor in model.state_dict().items()}
    # Written by Python, so that the file has the usual permissions and a full disk is named in the error.
    numbers = safetensors.torch.save(state)
    try:
        with files.whole_file(path, force=force) as temporary:
            temporary.write_bytes(numbers)
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(f"{path} could not be written ({error.strerror}); make room, or choose another folder") from error
    full_card = {
        "format": FORMAT,
        "network": models.name_of(model),
        "settings": dataclasses.asdict(model.settings),
        "sources": list(model.sources),
        "sample_rate_hz": model.sample_rate_hz,
        "needs_score": model.needs_score,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "dtype": dtype,
        "sha256": hashlib.sha256(numbers).hexdigest(),
        **card,
    }
    with files.whole_file(path.with_suffix(".json"), force=force) as temporary:
        temporary.write_text(json.dumps(full_card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(path: str | os.PathLike[str]) -> Network:
    """The network of a file, with its weights in float32, ready to be used.

    Parameters
    ----------
    path : path
        Ends in .safetensors; its card is next to it.

    Raises
    ------
    FileNotFoundError
        If the file or its card is missing.
    ValueError
        If it is another kind of file (a pickle of PyTorch is never opened), is damaged, or does not fit its card.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    path = _weights_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; give a file that mss_lab.neural.weights.save wrote")
    facts = card(path)
    if shipping.sha256(path) != facts["sha256"]:
        raise RefusedValue(
            f"{path} is damaged, or not the file that its card {path.with_suffix('.json').name} was written for: its "
            "checksum is another; copy both again"
        )
    if facts["network"] not in models.MODELS:
        raise RefusedValue(
            f"{path} holds weights of a network called {facts['network']}, which is not known here; load the file that "
            "defines it first (--plugin FILE.py, or mss_lab.plugins.load)"
        )
    model = models.build(facts["network"], facts["settings"])
    try:
        model.load_state_dict(safetensors.torch.load_file(path))
    except (safetensors.SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise RefusedValue(
            f"{path} does not hold the weights of a {facts['network']} with its card's settings ({reason}); "
            "make it again, or copy both files again"
        ) from error
    model.eval()
    return model


def card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The card of a file of weights, as a dict.

    Raises
    ------
    FileNotFoundError
        If there is no card next to it.
    ValueError
        If the card was not written by `save`.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    path = Path(path).with_suffix(".json")
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}, the card of these weights, does not exist; weights without one are not read, because only the "
            "card says which network they belong to"
        )
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RefusedValue(f"{path} is damaged ({error}); copy it again, with its weights") from error
    missing = [name for name in OWN if not isinstance(facts, dict) or name not in facts]
    if missing or facts["format"] != FORMAT:
        raise RefusedValue(f"{path} must be the card of a network of mss_lab, got another file; copy it again")
    return facts


def network_of(weights: "str | os.PathLike[str] | Network | None", name: str) -> Network:
    """The network that the option `weights` of a method names.

    Parameters
    ----------
    weights : path, Network or None
        A file that `save` wrote, or a network in memory. None selects the shipped weights called `name`.
    name : str
        Name of the method's own network.

    Raises
    ------
    FileNotFoundError, ValueError
        In the cases of `load`, or if there are no shipped weights of that name.
    """
    if weights is None:
        if name not in shipped_names() and name in models.MODELS and name not in models.SHIPPED:
            raise RefusedValue(f"{name} is a network of your own and needs its weights; give weights=FILE.safetensors")
        if name not in shipped_names() and name in models.SHIPPED:
            raise RefusedValue(
                f"{name} needs weights of your own, because none are shipped for it; train it (mss-lab train {name}) "
                "and give weights=FILE.safetensors"
            )
        return shipped(name)
    if isinstance(weights, str | os.PathLike):
        return _cached(Path(weights).resolve(), _written_at(weights))
    if not hasattr(weights, "sample_rate_hz"):
        raise RefusedType(f"weights must be the path of a file or a network, got {weights!r}; give NAME.safetensors")
    return weights


def shipped_names() -> tuple[str, ...]:
    """The names of the networks whose weights are shipped."""
    try:
        folder = shipping.data_folder(FOLDER) / FOLDER
    except FileNotFoundError:
        return ()
    return tuple(sorted(path.stem for path in folder.glob("*.safetensors")))


def shipped(name: str) -> Network:
    """A network whose weights are shipped, by name; it is read once and shared by all callers.

    Raises
    ------
    ValueError
        If there is none of that name, or its file is damaged.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    path = _shipped_path(name)
    return _cached(path, _written_at(path))


def shipped_card(name: str) -> dict[str, Any]:
    """The card of a network whose weights are shipped, as from `card`; ValueError if there is none of that name.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    return card(_shipped_path(name))


def _shipped_path(name: str) -> Path:
    checks.check_choice("network", name, shipped_names())
    return shipping.data_folder(FOLDER) / FOLDER / f"{name}.safetensors"


@functools.lru_cache(maxsize=2)
def _cached(path: Path, written_at: int) -> Network:
    # The time is part of the key, so that a file that was replaced is read again.
    return load(path)


def _written_at(path: str | os.PathLike[str]) -> int:
    path = Path(path)
    return path.stat().st_mtime_ns if path.is_file() else 0


def _stored(name: str, tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    tensor = tensor.detach().cpu()
    if not tensor.is_floating_point():
        return tensor.contiguous()
    if not tensor.isfinite().all():
        raise RefusedValue(f"weights must be finite, got {name} with NaN or infinite values; train it again")
    stored = tensor.to(dtype if tensor.ndim > 1 else torch.float32)
    if not stored.isfinite().all():
        raise RefusedValue(
            f"{name} must fit into half precision, got a largest value of {tensor.abs().max():.3g}; use float32"
        )
    # A copy, so that two names of one shared tensor are both stored.
    return stored.clone(memory_format=torch.contiguous_format)


def _weights_path(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if path.suffix != ".safetensors":
        raise RefusedValue(
            f"a file of weights must end in .safetensors, got {path.name}; files of other kinds, such as PyTorch's "
            "own, can run code when they are opened, and are not read"
        )
    return path
