"""What a network and its batches must provide: the contracts that training and separation rely on.

A network is a `torch.nn.Module` that is built from its settings alone. `Network` lists what it must have; a class of
your own that has it can be trained by `mss_lab.neural.fit.fit`, stored by `mss_lab.neural.weights.save` and run on a
recording by `mss_lab.neural.apply.separate`. All random numbers in it must be drawn from torch's own generator, which
training seeds at every step.

Contents: Batch, Settings, Network, Batches, check_network, check_separates, check_source_names, trains_with_notes.
Lesson: notebooks/16_learn_a_mask.ipynb
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch

from ..refusals import RefusedType, RefusedValue

# Tensors by name; the first axis of each counts examples. A training batch holds `sources` (batch, sources, samples),
# and all other input of the network, such as `rolls` (batch, sources, frames, 128).
Batch = Mapping[str, torch.Tensor]


class Settings(Protocol):
    """Sizes and choices of a network: a frozen dataclass of numbers, strings, booleans and tuples of them."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Network(Protocol):
    """A network that separates.

    Attributes
    ----------
    Settings : type
        An attribute of the class: the frozen dataclass of its settings. The class is called with an instance of it.
    settings : dataclass
    sources : tuple of str
        The sources that it separates, in the order of its estimates. Empty if it takes the players of any score.
    sample_rate_hz, hop_samples : int
        The rate of its waveforms, and the grid of its frames, on which the chunks of a recording begin. A network
        that reduces the rate of frames or samples in steps has a grid on which all steps begin.
    needs_score : bool
        Whether it cannot work without a score.

    A network may also have `prepare(batches)`, which is called once before training with the training batches;
    `baseline(mixture, conditions)`, which gives estimates to compare its own with, instead of the mixture;
    `references(batch)`, what its estimates should be, where these are not the sources of a batch;
    `separates`, false if it has no estimates of sources, as a transcriber; `learns_notes`, true if its loss needs
    `rolls` although it separates without a score; and `judge(batches)`, which gives the table of its metrics, where
    they are not those of a separator.
    """

    Settings: ClassVar[type]
    settings: Any
    sources: tuple[str, ...]
    sample_rate_hz: int
    hop_samples: int
    needs_score: bool
    training: bool

    def __call__(self, mixture: torch.Tensor, conditions: Batch | None = None) -> torch.Tensor:
        """Separate mixtures (batch, samples) into estimates (batch, sources, samples).

        `conditions` is the input besides the mixture: a training batch, or only the entries that the network reads,
        such as `rolls` (batch, sources, frames, 128) with 1 + samples // hop_samples frames. Other entries are ignored.
        """

    def loss(self, batch: Batch) -> torch.Tensor:
        """The mean loss over the examples of a batch, a scalar. The mixture is the sum of `sources`."""

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The weights by name, as every `nn.Module` gives them."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any:
        """Replace the weights, as every `nn.Module` does."""

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The parameters that are learned."""

    def train(self, mode: bool = True) -> Any:
        """Switch the network to training mode, or to evaluation mode."""

    def eval(self) -> Any:
        """Switch the network to evaluation mode."""

    def cpu(self) -> Any:
        """Move the network to the CPU."""


@runtime_checkable
class Batches(Protocol):
    """Training data by step: the batch of a step depends only on its number, not on earlier steps.

    Two optional attributes are used where they exist: `facts`, a dict for JSON with all that decides the batches, so
    that a run refuses to continue with others; and `part(step, rank, ranks)`, the share of one of several processes.
    """

    def __call__(self, step: int) -> Batch:
        """The batch of a step, counted from 0."""


BatchSource = Batches | Callable[[int], Batch]

NEEDED = ("settings", "sources", "sample_rate_hz", "hop_samples", "needs_score", "loss")


def check_network(model: Any) -> Network:
    """Return the network itself, or raise RefusedType, which names the attributes of the contract that it lacks."""
    missing = [name for name in NEEDED if not hasattr(model, name)]
    if not isinstance(model, torch.nn.Module):
        raise RefusedType(
            f"a network must be a torch.nn.Module, got {type(model).__name__}; see mss_lab.neural.contracts.Network"
        )
    if missing:
        raise RefusedType(
            f"a network must have {', '.join(NEEDED)}; {type(model).__name__} has no {', '.join(missing)}; see "
            "mss_lab.neural.contracts.Network"
        )
    return model  # type: ignore[return-value]


def check_separates(model: Network) -> Network:
    """Return the network itself, or raise RefusedType if it has no estimates of sources."""
    if not getattr(model, "separates", True):
        raise RefusedType(
            f"model must be a network that separates, got a {type(model).__name__}, which only transcribes; see "
            "mss_lab.neural.transcribe"
        )
    return model


def check_source_names(sources: Iterable[str]) -> tuple[str, ...]:
    """Return the names of a network's sources as a tuple, or raise RefusedValue if there are none, or one twice."""
    names = tuple(sources)
    if len(set(names)) != len(names) or not names:
        raise RefusedValue(f"sources must be names, each once, got {names}; name every player")
    return names


def trains_with_notes(model: Network) -> bool:
    """Whether the training batches of a network must hold `rolls`."""
    return model.needs_score or bool(getattr(model, "learns_notes", False))
