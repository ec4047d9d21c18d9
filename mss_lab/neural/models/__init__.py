"""The networks by name; a network's file is loaded when one is built.

`mss_lab.neural.contracts.Network` lists what a network must have. A network of your own is added by `register`; it can
then be trained, and its weights stored and loaded, like the networks that ship.

Contents: MODELS, names, class_of, name_of, register, build, settings_from. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import checks
from ...refusals import RefusedType, RefusedValue

if TYPE_CHECKING:
    from ..contracts import Network

# Name -> "module:Class", where a module with a leading dot is in this folder; or a class that was registered.
MODELS: dict[str, str | type] = {
    "cerberus": ".cerberus:Cerberus",
    "context-window": ".context_window:ContextWindow",
    "conv-tasnet": ".conv_tasnet:ConvTasNet",
    "demucs": ".demucs:Demucs",
    "dsis": ".dsis:Dsis",
    "hdemucs": ".hdemucs:Hdemucs",
    "hierarchical": ".hierarchical:Hierarchical",
    "hybrid-demucs": ".hybrid_demucs:HybridDemucs",
    "mask-inference": ".mask_inference:MaskInference",
    "multichannel-unet": ".multichannel_unet:MultichannelUNet",
    "multires-unet": ".multires_unet:MultiResUNet",
    "query-by-example": ".hierarchical:QueryByExample",
    "refiner": ".refiner:Refiner",
    "score-cnn": ".score_cnn:ScoreCnn",
    "transcriber": ".transcriber:Transcriber",
    "wave-unet": ".wave_unet:WaveUNet",
    "xumx": ".xumx:Xumx",
    "xumx-informed": ".xumx:XumxInformed",
    "xumx-score-only": ".xumx:XumxScoreOnly",
}
SHIPPED = frozenset(MODELS)


def names() -> tuple[str, ...]:
    """The names of all networks."""
    return tuple(MODELS)


def class_of(name: str) -> Any:
    """The class of a network, by name; ValueError lists the names that exist."""
    entry = MODELS[checks.check_choice("network", name, MODELS)]
    if isinstance(entry, type):
        return entry
    module, _, kind = entry.partition(":")
    return getattr(importlib.import_module(module, package=__name__), kind)


def name_of(model: "Network") -> str:
    """The name under which a network's class is listed; ValueError if it is not."""
    kind = type(model)
    for name, entry in MODELS.items():
        if entry is kind or (isinstance(entry, str) and _full_name(entry) == (kind.__module__, kind.__qualname__)):
            return name
    raise RefusedValue(
        f"a network must be one of {', '.join(MODELS)} to be built again by name, got a {kind.__name__}; add it with "
        "mss_lab.neural.models.register"
    )


def register(name: str, kind: type) -> None:
    """Add a network of your own under a name, or replace one that was added before under that name.

    Parameters
    ----------
    name : str
        Not that of a network that ships.
    kind : type
        A subclass of `torch.nn.Module` with a frozen dataclass `Settings`; the class is called with an instance of it.
        See `mss_lab.neural.contracts.Network`.

    Raises
    ------
    TypeError
        If the class has no such `Settings`.
    ValueError
        If the name is a shipped network's.
    """
    if name in SHIPPED:
        raise RefusedValue(f"a network of your own must have a name of its own, got {name}, which ships with mss_lab")
    if not isinstance(kind, type) or not dataclasses.is_dataclass(getattr(kind, "Settings", None)):
        raise RefusedType(
            f"a network must be a class with a frozen dataclass Settings, got {kind!r}; see "
            "mss_lab.neural.contracts.Network"
        )
    MODELS[name] = kind


def _full_name(entry: str) -> tuple[str, str]:
    module, _, label = entry.partition(":")
    # The attribute `__module__` of a class is the full name.
    return f"{__name__}{module}" if module.startswith(".") else module, label


def build(name: str, settings: Mapping[str, Any] | None = None) -> "Network":
    """Build a network with initial weights, which are drawn from torch's generator.

    Parameters
    ----------
    name : str
        One of `names()`.
    settings : mapping, optional
        Settings that differ from the defaults of its `Settings`; lists, as JSON has them, are accepted for tuples.

    Raises
    ------
    ValueError
        If there is no such network, it has no such setting, or one without a default is missing.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    kind = class_of(name)
    network: Network = kind(settings_from(kind.Settings, settings or {}))
    return network


def settings_from(kind: type, settings: Mapping[str, Any]) -> Any:
    """Settings of a dataclass from a mapping, such as one that was read from JSON."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for label in settings:
        checks.check_choice("setting", label, fields)
    missing = [
        label
        for label, field in fields.items()
        if label not in settings
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise RefusedValue(f"settings must give {', '.join(missing)}, got {', '.join(settings) or 'none'}; add them")
    return kind(**{label: _tuples(value) for label, value in settings.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
