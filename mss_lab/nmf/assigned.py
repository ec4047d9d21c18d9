"""Sources from components that are assigned by hand: a mixture is divided among components, and their parts added up.

Each component takes the share of every bin that it has of the model; a source is the sum of its components, so that
moving one component from one source to another moves exactly its part of the sound.

Symbols: X[f, n] mixture, W[f, k] templates, H[k, n] activations, owners[k] the source of component k.

Contents: Shares, check_owners, NONE, UNASSIGNED. Lesson: notebooks/05_nmf_from_scratch.ipynb
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks, transforms
from ..refusals import RefusedType, RefusedValue, ShapeError
from . import components

# The owner of a component that belongs to no source, and the name of what these components make together.
NONE = -1
UNASSIGNED = "unassigned"
# Below this fraction of the model's largest value a bin is shared equally, as if all components were silent there.
LEAST_SHARE = 1e-12
# Waveforms that are kept, so that those of sources that did not change are not computed again.
MOST_KEPT = 24


class Shares:
    """A mixture divided among the components of its factorisation.

    Component k gets the fraction W[f, k] H[k, n] / sum over i of W[f, i] H[i, n] of every bin of X: `masks.ratio`.

    Parameters
    ----------
    mixture : float (channels, samples)
    templates : real >= 0 (freq, components)
    activations : real >= 0 (components, frames) or (channels, components, frames)
        Factors of the magnitude of ``transforms.stft(mixture, **settings)``.
    window_samples, hop_samples : int
        Of that transform.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform, or the factors do not fit its transform.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Virtanen, IEEE TASLP 2007 (components that are assigned to
    sources after the factorisation).

    Examples
    --------
    >>> mixture = np.random.default_rng(0).uniform(-1, 1, (1, 8000))
    >>> settings = transforms.settings_for(8000)
    >>> bins, frames = transforms.stft(mixture, **settings).shape[1:]
    >>> shares = Shares(mixture, np.ones((bins, 3)), np.ones((3, frames)), **settings)
    >>> estimates = shares.sources([0, 1, 1], ["voice", "guitar"])
    >>> list(estimates), bool(np.allclose(estimates["guitar"], mixture * 2 / 3))
    (['voice', 'guitar'], True)
    """

    def __init__(
        self,
        mixture: np.ndarray,
        templates: np.ndarray,
        activations: np.ndarray,
        *,
        window_samples: int,
        hop_samples: int,
    ) -> None:
        self._mixture = checks.check_waveform("mixture", mixture)
        self._settings: transforms.StftSettings = {"window_samples": window_samples, "hop_samples": hop_samples}
        self._stft = transforms.stft(self._mixture, **self._settings)
        count = np.shape(templates)[-1] if np.ndim(templates) else 0
        model = components.source_models(templates, activations, np.zeros(count, int), 1)[0]
        if model.shape[1:] != self._stft.shape[1:] or len(model) not in (1, len(self._stft)):
            raise ShapeError(
                f"templates and activations must be factors of the mixture's transform {self._stft.shape} (channels, "
                f"freq, frames), got a model of {model.shape}; factorise np.abs(transforms.stft(mixture, ...)) with "
                "the same window and hop"
            )
        self._templates, self._activations = np.asarray(templates), np.asarray(activations)
        self._count = count
        self._least = LEAST_SHARE * float(model.max()) or 1.0
        # Divided once, since every source needs it.
        self._over_model = (self._stft / (model + count * self._least)).astype(self._stft.dtype)
        self._kept: dict[tuple[int, ...], np.ndarray] = {}

    def component(self, number: int) -> np.ndarray:
        """The part of one component, counted from 0, float (channels, samples); raises TypeError or ValueError."""
        number = checks.check_number("number", number, at_least=0, at_most=self._count - 1, whole=True)
        return self._part((number,))

    def sources(self, owners: Any, names: Sequence[str]) -> dict[str, np.ndarray]:
        """The sources' waveforms, which add up to the mixture.

        Parameters
        ----------
        owners : int (components,)
            The source of each component, from 0, or -1 for none of them.
        names : sequence of str
            Names of the sources; one without components is silent.

        Returns
        -------
        dict of source name -> float (channels, samples)
            With ``"unassigned"`` for the components that no source has, if there are any.

        Raises
        ------
        ShapeError, TypeError, ValueError
            If there is not one owner for each component, or an owner is not one of the sources.
        """
        owners = check_owners("owners", owners, self._count, len(names))
        members = {name: tuple(k for k in range(self._count) if owners[k] == j) for j, name in enumerate(names)}
        free = tuple(k for k in range(self._count) if owners[k] == NONE)
        return {name: self._part(own) for name, own in (members | ({UNASSIGNED: free} if free else {})).items()}

    def _part(self, own: tuple[int, ...]) -> np.ndarray:
        if own not in self._kept:
            waveform = self._computed(own)
            waveform.flags.writeable = False
            self._kept[own] = waveform
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return self._kept[own]

    def _computed(self, own: tuple[int, ...]) -> np.ndarray:
        if not own:
            return np.zeros_like(self._mixture)
        inside = np.isin(np.arange(self._count), own).astype(int)
        model = components.source_models(self._templates, self._activations, inside, 2)[1]
        estimate = (model + len(own) * self._least) * self._over_model
        return transforms.istft(estimate.astype(self._stft.dtype), self._mixture.shape[1], **self._settings)


def check_owners(name: str, owners: Any, count: int, sources: int) -> tuple[int, ...]:
    """Return the owners as a tuple of int, or raise ShapeError, TypeError or ValueError.

    Parameters
    ----------
    name : str
        The argument's name in the caller; opens the message.
    owners : sequence of int
        From 0 to `sources` - 1, or -1 for no source.
    count, sources : int
        Numbers of the components and of the sources.
    """
    array = checks.check_axes(name, owners, "components")
    if array.shape != (count,):
        raise ShapeError(
            f"{name} must be one number for each of the {count} components, got {array.size}; -1 stands for no source"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise RefusedType(f"{name} must be whole numbers, got {array.dtype}; number the sources from 0")
    if count and not NONE <= array.min() <= array.max() < sources:
        raise RefusedValue(
            f"{name} must be from 0 to {sources - 1}, or -1 for no source, got {array.min()} to {array.max()}; "
            "number the sources from 0"
        )
    return tuple(array.tolist())
