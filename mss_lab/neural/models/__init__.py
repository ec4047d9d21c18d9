"""The networks by name; a network's file is loaded when one is built.

A network is a `torch.nn.Module` that is built from its settings alone, and that the bench, the weights' files and the
chunks of a long recording can deal with because it has

- `Settings`, a frozen dataclass on the class: numbers, words, truth values and tuples of them, so that JSON can hold
  them. The class is called with one of them, and keeps it as `settings`;
- `sources`, a tuple of names, and `sample_rate_hz`, `hop_samples`: what it parts, and on which grid;
- `needs_score`: whether `forward` must be given rolls;
- `forward(mixture (batch, samples), rolls (batch, sources, frames, 128) or None)`, which returns estimates (batch,
  sources, samples). Frames are those of a centred transform, 1 + samples // hop_samples;
- `loss(batch)`, a scalar, the mean over the examples of a batch: a dict with `sources` (batch, sources, samples) and,
  where the network needs a score, `rolls`. The mixture is the sum of the sources;
- where it wants to see its data before training, `prepare(batches)`, with the same `batches(step)` that training uses.

Whatever is random in it draws from torch's generator, which training seeds at every step.

Contents: MODELS, names, build, name_of, settings_from. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import checks
from ...refusals import RefusedValue

if TYPE_CHECKING:
    from torch import nn

# Name -> "module:Class"; a module with a dot before it lies in this folder.
MODELS: dict[str, str] = {
    "context-window": ".context_window:ContextWindow",
    "mask-inference": ".mask_inference:MaskInference",
    "refiner": ".refiner:Refiner",
    "score-cnn": ".score_cnn:ScoreCnn",
    "xumx": ".xumx:Xumx",
    "xumx-informed": ".xumx:XumxInformed",
    "xumx-score-only": ".xumx:XumxScoreOnly",
}


def names() -> tuple[str, ...]:
    """The names of all networks."""
    return tuple(MODELS)


def class_of(name: str) -> Any:
    """The class of a network, by name; ValueError lists the names that there are."""
    module, _, kind = MODELS[checks.check_choice("network", name, MODELS)].partition(":")
    return getattr(importlib.import_module(module, package=__name__), kind)


def name_of(model: "nn.Module") -> str:
    """The name under which a network's class can be built again, or ValueError."""
    kind = type(model)
    for name, place in MODELS.items():
        module, _, label = place.partition(":")
        # A place in this folder opens with a dot; a class knows its module in full.
        module = f"{__name__}{module}" if module.startswith(".") else module
        if (module, label) == (kind.__module__, kind.__qualname__):
            return name
    raise RefusedValue(
        f"a network must be one of {', '.join(MODELS) or '(there are none)'} to be built again by name, got a "
        f"{kind.__name__}; add it to mss_lab.neural.models.MODELS"
    )


def build(name: str, settings: Mapping[str, Any] | None = None) -> "nn.Module":
    """A network with weights as they start, drawn from torch's generator.

    Parameters
    ----------
    name : str
        One of `names()`.
    settings : mapping, optional
        What differs from the defaults of its `Settings`; lists, as JSON has them, will do for tuples.

    Raises
    ------
    ValueError
        If there is no such network, it has no such setting, or one without a default is missing.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    kind = class_of(name)
    return kind(settings_from(kind.Settings, settings or {}))


def settings_from(kind: type, settings: Mapping[str, Any]) -> Any:
    """Settings of a dataclass from a mapping, such as one that was read from JSON."""
    known = {field.name: field for field in dataclasses.fields(kind)}
    for label in settings:
        checks.check_choice("setting", label, known)
    missing = [
        label
        for label, field in known.items()
        if label not in settings
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise RefusedValue(f"settings must give {', '.join(missing)}, got {', '.join(settings) or 'none'}; add them")
    return kind(**{label: _tuples(value) for label, value in settings.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
