"""Weights that others trained, read from their files without running anything that a file contains.

A file of PyTorch can be a program that runs when it is opened. Here only numbers, plain values and the names of a few
classes are read from it; a file with anything else is refused. The formats are those of the packages demucs and
openunmix, which are not part of the base installation: `pip install 'mss-lab[pretrained]'`.

Contents: TARGETS, CONNECT_S, OpenUnmixModels, demucs_model, open_unmix_models.
Lesson: notebooks/16_learn_a_mask.ipynb
"""

import contextlib
import dataclasses
import functools
import json
import os
import re
import socket
import ssl
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import safetensors
import torch

from .. import files
from ..refusals import MissingDownload, RefusedType, RefusedValue, require

# Names of the estimates, and the names of the same sources in both packages.
TARGETS = {"vocals": "vocals", "drums": "drums", "bass": "bass", "rest": "other"}

# The only classes of the package demucs that a file may name.
DEMUCS_CLASSES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
DEMUCS_ENDINGS = (".safetensors", ".th")

# The file of the model htdemucs in its repository on the Hugging Face hub, as the package demucs names both.
DEMUCS_FILE = "955717e8.safetensors"

# The files of the model umxhq, as the package openunmix names them, and the settings of its transform.
OPEN_UNMIX_URL = "https://zenodo.org/records/3370489/files/"
OPEN_UNMIX_FILES = {
    "vocals": "vocals-b62c91ce.pth",
    "drums": "drums-9619578f.pth",
    "bass": "bass-8d85a5bd.pth",
    "other": "other-b52fbbf7.pth",
}
OPEN_UNMIX_SETTINGS = {"sample_rate": 44_100, "nfft": 4096, "nhop": 1024, "nb_channels": 2}

# How long another computer may take to answer.
CONNECT_S = 10.0

PURPOSE = "reading this model"
NAME_A_FOLDER = (
    "they are needed once: connect this computer to the network and try again, or copy the files from another computer "
    "and name their folder (--set weights=FOLDER; in Python weights=)"
)


@dataclasses.dataclass(frozen=True)
class OpenUnmixModels:
    """The networks of Open-Unmix, one for each source, and the settings of their transform.

    Attributes
    ----------
    targets : dict of source name -> openunmix.model.OpenUnmix
        In the order of `TARGETS`, with the package's names.
    sample_rate_hz, window_samples, hop_samples : int
    """

    targets: dict[str, Any]
    sample_rate_hz: int
    window_samples: int
    hop_samples: int


def demucs_model(weights: str | os.PathLike[str] | None = None) -> Any:
    """A model of the package demucs that separates stereo into drums, bass, vocals and the rest.

    Parameters
    ----------
    weights : path, optional
        NAME.safetensors or NAME.th as the package demucs writes them, or a folder that contains one such file. Default:
        the file of htdemucs in its repository on the Hugging Face hub, which is loaded once and then kept on disk.

    Returns
    -------
    demucs.htdemucs.HTDemucs, demucs.hdemucs.HDemucs or demucs.demucs.Demucs
        On the CPU, in evaluation mode. It is read once and shared by all callers.

    Raises
    ------
    MissingExtra
        If the package demucs is not installed.
    MissingDownload
        If the file must be loaded, and cannot be.
    FileNotFoundError, TypeError, ValueError
        If there is no such file, or it is not a model of this kind: it contains other objects, names another class,
        is quantised or damaged, or separates other sources.
    """
    path = _downloaded_demucs() if weights is None else _demucs_path(weights)
    return _demucs_of(path.resolve(), path.stat().st_mtime_ns)


def open_unmix_models(weights: str | os.PathLike[str] | None = None) -> OpenUnmixModels:
    """The four networks of Open-Unmix.

    Parameters
    ----------
    weights : path, optional
        A folder with separator.json and, for each of vocals, drums, bass and other, a file TARGET.json and a file
        TARGET*.pth, as the package openunmix reads them. Default: the four files of umxhq, which are loaded once from
        zenodo.org and then kept on disk. Their numbers take 142 MB.

    Raises
    ------
    MissingExtra
        If the package openunmix is not installed.
    MissingDownload
        If the files must be loaded, and cannot be.
    FileNotFoundError, TypeError, ValueError
        If a file is missing, is damaged, contains other objects than numbers, or belongs to another model.
    """
    if weights is None:
        return _downloaded_open_unmix()
    folder = _path(weights, "a folder of Open-Unmix")
    if not folder.is_dir():
        raise FileNotFoundError(
            f"weights must be a folder with separator.json, and TARGET.json and TARGET.pth for each of "
            f"{', '.join(TARGETS.values())}, got {folder}, which is no folder"
        )
    # The files and their times are part of the key, so that a folder that was changed is read again.
    inside = tuple(sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.*")))
    return _open_unmix_of(folder.resolve(), inside)


def _path(weights: Any, what: str) -> Path:
    if not isinstance(weights, str | os.PathLike):
        raise RefusedType(f"weights must be the path of {what}, got {weights!r}")
    return Path(weights).expanduser()


# ---- demucs


def _demucs_path(weights: str | os.PathLike[str]) -> Path:
    path = _path(weights, "a file of demucs, NAME.safetensors or NAME.th, or of its folder")
    if path.is_dir():
        inside = sorted(file for file in path.iterdir() if file.suffix in DEMUCS_ENDINGS)
        if len(inside) != 1:
            names = ", ".join(file.name for file in inside) or "none"
            raise RefusedValue(
                f"weights must be a folder with one file NAME.safetensors or NAME.th, got {path} with {names}; name "
                "the file itself"
            )
        return inside[0]
    path = files.existing_file(path, "file of weights", "give NAME.safetensors or NAME.th of demucs, or its folder")
    if path.suffix not in DEMUCS_ENDINGS:
        raise RefusedValue(f"weights of demucs must end in .safetensors or .th, got {path.name}; name such a file")
    return path


@functools.lru_cache(maxsize=1)
def _demucs_of(path: Path, _changed_ns: int) -> Any:
    # The time is part of the key, so that a file that was replaced is read again.
    classes = {name: _class(name) for name in DEMUCS_CLASSES}
    package = _safe_package(path, classes) if path.suffix == ".safetensors" else _pickled_package(path, classes)
    if not isinstance(package["state"], Mapping) or package["state"].get("__quantized"):
        raise _is_quantised(path)
    try:
        # The constructor draws initial values, which the weights replace.
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            model = require("demucs.states", PURPOSE).load_model(package)
        sources, channels, rate_hz = list(model.sources), model.audio_channels, int(model.samplerate)
    except Exception as error:
        # Settings or weights of another version or model can fail in any way.
        raise RefusedValue(
            f"{path} does not fit the installed package demucs ({_brief(error)}); copy it again"
        ) from error
    if sorted(sources) != sorted(TARGETS.values()) or channels != 2 or rate_hz < 1:
        raise RefusedValue(
            f"weights must be of a model that separates two channels into {', '.join(TARGETS.values())}, got {path} "
            f"for {channels} channel(s) and {', '.join(map(str, sources))}; choose another file"
        )
    return model.eval().requires_grad_(False)


def _class(name: str) -> Any:
    module, _, own_name = name.rpartition(".")
    return getattr(require(module, PURPOSE), own_name)


def _safe_package(path: Path, classes: Mapping[str, Any]) -> dict[str, Any]:
    """Class, arguments and weights of a file of numbers, with the rest as text in its header."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if "structure" in metadata:
                raise _is_quantised(path)
            name = metadata.get("klass", "")
            if name not in classes:
                raise _is_other_class(path, name or "no class")
            return {
                "klass": classes[name],
                "args": _decoded(json.loads(metadata["args"])),
                "kwargs": dict(_decoded(json.loads(metadata["kwargs"]))),
                "state": {key: file.get_tensor(key) for key in file.keys()},  # noqa: SIM118 (it is no mapping)
            }
    except RefusedValue:
        raise
    except (
        safetensors.SafetensorError,
        OSError,
        KeyError,
        TypeError,
        ValueError,
        ArithmeticError,
        RuntimeError,
    ) as error:
        raise RefusedValue(f"{path} is damaged, or no file of demucs ({_brief(error)}); copy it again") from error


def _decoded(value: Any) -> Any:
    """Plain values of JSON, in which demucs writes a fraction as an object."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_type") == "fraction":
        return Fraction(value["numerator"], value["denominator"])
    return {name: _decoded(item) for name, item in value.items()}


def _pickled_package(path: Path, classes: Mapping[str, Any]) -> dict[str, Any]:
    """The same of an older file; nothing in it is called except the constructors of plain values and these classes."""
    package = _without_code(path, [*classes.values(), Fraction])
    expected = {"klass", "args", "kwargs", "state"}
    if not isinstance(package, Mapping) or not expected <= set(package) or not isinstance(package["kwargs"], Mapping):
        raise RefusedValue(
            f"{path} must be a model that demucs saved, with its class and its settings, got another file"
        )
    if not any(package["klass"] is one for one in classes.values()):
        raise _is_other_class(path, str(package["klass"]))
    return {name: package[name] for name in expected} | {"kwargs": dict(package["kwargs"])}


def _is_quantised(path: Path) -> RefusedValue:
    return RefusedValue(
        f"{path} holds quantised weights, which are not read here; choose a model that is not quantised"
    )


def _is_other_class(path: Path, name: str) -> RefusedValue:
    return RefusedValue(
        f"{path} must hold a model of the classes {', '.join(DEMUCS_CLASSES)}, got {name[:80]}; other classes are not "
        "loaded, because a file could run code by them"
    )


def _downloaded_demucs() -> Path:
    hub = require("huggingface_hub", PURPOSE)
    own = require("demucs.hf", PURPOSE)
    repository = f"{own.DEFAULT_NAMESPACE}/{own.hf_repo_name('htdemucs')}"
    try:
        return Path(hub.hf_hub_download(repository, DEMUCS_FILE, local_files_only=True))
    except OSError:
        # Not on this computer yet.
        pass
    constants = require("huggingface_hub.constants", PURPOSE)
    try:
        if not constants.HF_HUB_OFFLINE:
            # The library tries for half a minute; without a network this fails at once.
            _check_answers(constants.ENDPOINT)
        return Path(hub.hf_hub_download(repository, DEMUCS_FILE))
    except Exception as error:
        # Errors of several libraries, by the way that the request goes.
        what = f"htdemucs needs its weights, {DEMUCS_FILE} of {repository} on the Hugging Face hub"
        raise MissingDownload(f"{what}, which could not be loaded ({_brief(error)}); {NAME_A_FOLDER}") from error


def _check_answers(address: str) -> None:
    """Raise OSError if no computer answers at an address; any answer is enough."""
    request = urllib.request.Request(address, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=CONNECT_S).close()
    except urllib.error.HTTPError:
        return
    except urllib.error.URLError as error:
        # The library may know certificates that Python does not.
        if not isinstance(error.reason, ssl.SSLError):
            raise


# ---- Open-Unmix


@functools.lru_cache(maxsize=1)
def _open_unmix_of(folder: Path, _inside: tuple[tuple[str, int], ...]) -> OpenUnmixModels:
    settings = _json(folder / "separator.json")
    states, hidden = {}, {}
    for target in TARGETS.values():
        arguments = _json(folder / f"{target}.json").get("args")
        if not isinstance(arguments, Mapping) or not isinstance(arguments.get("hidden_size"), int):
            raise RefusedValue(
                f"{folder / target}.json must state the size of its network, args.hidden_size; copy it again"
            )
        paths = sorted(folder.glob(f"{target}*.pth"))
        if len(paths) != 1:
            names = ", ".join(path.name for path in paths) or "none"
            raise RefusedValue(
                f"{folder} must contain one file {target}*.pth, got {names}; the four sources are needed"
            )
        states[target], hidden[target] = _without_code(paths[0], []), arguments["hidden_size"]
    return _open_unmix(states, hidden, settings, str(folder))


@functools.lru_cache(maxsize=1)
def _downloaded_open_unmix() -> OpenUnmixModels:
    states = {}
    for target, name in OPEN_UNMIX_FILES.items():
        try:
            with _patient():
                states[target] = torch.hub.load_state_dict_from_url(
                    OPEN_UNMIX_URL + name, map_location="cpu", progress=True, check_hash=True, weights_only=True
                )
        except Exception as error:
            what = f"open-unmix needs its weights, {', '.join(OPEN_UNMIX_FILES.values())} of {OPEN_UNMIX_URL}"
            raise MissingDownload(f"{what}, which could not be loaded ({_brief(error)}); {NAME_A_FOLDER}") from error
    hidden = {target: int(state["fc1.weight"].shape[0]) for target, state in states.items()}
    return _open_unmix(states, hidden, OPEN_UNMIX_SETTINGS, OPEN_UNMIX_URL)


def _open_unmix(
    states: Mapping[str, Any], hidden: Mapping[str, int], settings: Mapping[str, Any], where: str
) -> OpenUnmixModels:
    """The networks with their weights; `where` names the files in a refusal."""
    sizes = [settings.get(name) for name in ("sample_rate", "nfft", "nhop", "nb_channels")]
    if not all(isinstance(size, int | float) and size == int(size) >= 1 for size in sizes) or sizes[3] != 2:
        raise RefusedValue(
            f"separator.json of {where} must state sample_rate, nfft and nhop as whole numbers, and nb_channels as 2, "
            f"got {sizes}; choose a model for stereo"
        )
    rate_hz, window, hop = (int(size) for size in sizes[:3] if size is not None)
    targets = {}
    for target, state in states.items():
        try:
            targets[target] = _network(state, hidden[target], window)
        except Exception as error:
            # Weights of another model can fail in any way.
            raise RefusedValue(
                f"the weights for {target} of {where} do not fit a network of openunmix of this size "
                f"({_brief(error)}); copy the files again"
            ) from error
    return OpenUnmixModels(targets, rate_hz, window, hop)


def _network(state: Mapping[str, torch.Tensor], hidden: int, window_samples: int) -> Any:
    # Before openunmix, which needs torchaudio: this file loads it also where its native library cannot be loaded.
    from .torch_audio import torchaudio  # noqa: F401

    read_bins = int(state["input_mean"].shape[0])
    with torch.random.fork_rng(devices=[]):
        network = require("openunmix.model", PURPOSE).OpenUnmix(window_samples // 2 + 1, 2, hidden, max_bin=read_bins)
    # The published files have further entries, such as windows; what the network needs must be there.
    missing = [
        name for name in network.load_state_dict(state, strict=False).missing_keys if "num_batches_tracked" not in name
    ]
    if missing:
        raise ValueError(f"without {missing[0]}")
    return network.eval().requires_grad_(False)


def _json(path: Path) -> dict[str, Any]:
    path = files.existing_file(
        path, "file", "a folder of Open-Unmix has separator.json, and for each source TARGET.json"
    )
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise RefusedValue(f"{path} is damaged ({_brief(error)}); copy it again") from error
    if not isinstance(value, dict):
        raise RefusedValue(f"{path} must be a JSON object with settings, got {type(value).__name__}; copy it again")
    return value


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    """Let connections that have no limit of their own wait for `CONNECT_S`, not for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


# ---- both


def _without_code(path: Path, classes: list[Any]) -> Any:
    """The content of a file of PyTorch: numbers, plain values and the classes, and nothing that is run."""
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(classes):
            # torch warns of formats that it then refuses or reads.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # A damaged or hostile file can fail in any way.
        named = re.search(r"(?:GLOBAL|function|class) ([\w.]+\.\w+)", str(error))
        reason = f"it refers to {named[1]}" if named else _brief(error)
        raise RefusedValue(
            f"{path} was not opened, because it is damaged or holds more than weights and settings ({reason}); such a "
            "file can run code. Choose another"
        ) from error


def _brief(error: BaseException) -> str:
    """The first line of an error, or its kind if it has none, without the full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0][:200].rstrip(" .:") if lines else "") or type(error).__name__
