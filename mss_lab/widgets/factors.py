"""Factor explorer: the components of a factorisation, assigned to sources by hand.

Every component is a row: its template over logarithmic frequency, and its activation over time. A reader drags it to a
source, or presses the source's number, and selects a component to hear it alone. It is an input for
`controls.explore`::

    shares = assigned.Shares(mixture, templates, activations, **settings)
    rows = factors.explorer(templates, activations, sample_rate_hz, sources=("voice", "guitar"), label="Whose is it?")

    def listen(owners):
        return controls.View(sound=rows.stems(shares, owners), sample_rate_hz=sample_rate_hz)

    controls.explore(listen, owners=rows)

Contents: explorer, Explorer. Lesson: notebooks/05_nmf_from_scratch.ipynb
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from .. import checks, plots, units
from ..nmf import assigned
from ..refusals import RefusedType, RefusedValue, ShapeError
from . import drawn, fallback, front_end, mask_grid

MOST_COMPONENTS = 100
FEWEST_SOURCES, MOST_SOURCES = 2, 9
# Range of a drawn template below its own peak.
RANGE_DB = 60.0
TICKS_HZ = (100, 1_000, 10_000)


def explorer(
    templates: Any,
    activations: Any,
    sample_rate_hz: int,
    *,
    hop_samples: int | None = None,
    window_samples: int | None = None,
    sources: int | Sequence[str] = 2,
    groups: Any = None,
    label: str = "",
) -> "Explorer":
    """Assign components to sources, by mouse, touch or keyboard, and select one to hear it alone.

    Parameters
    ----------
    templates : real >= 0 (freq, components)
        1 to 100 components of any factorisation of a magnitude spectrogram.
    activations : real >= 0 (components, frames) or (channels, components, frames)
        With channels, the largest of them is drawn.
    sample_rate_hz : int
    hop_samples, window_samples : int, optional
        Of the transform; a quarter of the window, and twice the number of bins less one, unless given.
    sources : int or sequence of str
        2 to 9 sources: how many, which are then called "source 1" and so on, or their names.
    groups : int (components,), optional
        The source of each component at the start, from 0, or -1 for none; by default all are -1.
    label : str
        Label of the input; in a panel by default the parameter's name.

    Returns
    -------
    Explorer
        An anywidget whose trait `value` is the source of each component, a tuple of int from -1 (none). Its trait
        `selected` is the component that plays alone, or -1.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the factors are no magnitudes or do not fit each other, if there are no components or more than 100, fewer
        than 2 sources or more than 9, or if `groups` is not such an assignment.

    Lesson: notebooks/05_nmf_from_scratch.ipynb. Reference: Virtanen, IEEE TASLP 2007 (components that are assigned to
    sources after the factorisation).
    """
    return Explorer(templates, activations, sample_rate_hz, hop_samples, window_samples, sources, groups, label)


class Explorer(drawn.Drawn):
    """The widget behind `explorer`.

    Attributes
    ----------
    value : tuple of int
        The source of each component, from 0, or -1 for none. Set it from code to assign them.
    selected : int
        The component that plays alone, from 0, or -1. A selection counts as a change of `value`, so that a panel
        computes its sound again.
    names : tuple of str
        The sources.
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    selected = drawn.Checked(assigned.NONE, by="check_selected").tag(sync=True)
    templates = traitlets.Bytes().tag(sync=True)
    activations = traitlets.Bytes().tag(sync=True)
    content = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        templates: Any,
        activations: Any,
        sample_rate_hz: int,
        hop_samples: int | None,
        window_samples: int | None,
        sources: int | Sequence[str],
        groups: Any,
        label: str,
    ) -> None:
        templates, activations = _check_factors(templates, activations)
        rate = checks.check_sample_rate(sample_rate_hz)
        self.names = _check_sources(sources)
        bins, self._count = templates.shape
        window_samples = window_samples or max(1, 2 * (bins - 1))
        checks.check_number("window_samples", window_samples, at_least=1, whole=True)
        hop_samples = hop_samples or max(1, window_samples // 4)
        checks.check_number("hop_samples", hop_samples, at_least=1, whole=True)
        grid = mask_grid.grid_for(bins, activations.shape[1])
        edges_hz = np.clip(units.bins_to_hz(np.array(grid.edges) - 0.5, window_samples, rate), 0, rate / 2)
        column_s = grid.frames_per_column * hop_samples / rate
        self._axes = fallback.Plane(edges_hz.tolist(), column_s, -hop_samples / 2 / rate)
        peaks = templates.max(axis=0)
        self._spectra = _spectra(np.maximum.reduceat(templates, np.array(grid.edges[:-1]), axis=0).T, peaks)
        starts = np.arange(0, activations.shape[1], grid.frames_per_column)
        self._curves = _curves(np.maximum.reduceat(activations, starts, axis=1) * peaks[:, np.newaxis])
        super().__init__(
            value=self._check("groups", (assigned.NONE,) * self._count if groups is None else groups),
            description=label,
            templates=self._spectra.tobytes(),
            activations=self._curves.tobytes(),
            content={
                "names": self.names,
                "colours": [plots.COLOURS[j % len(plots.COLOURS)] for j in range(len(self.names))],
                "rows": len(grid.edges) - 1,
                "columns": len(starts),
                "columnS": column_s,
                "edgesHz": self._axes.edges_hz,
                "ticksHz": [hz for hz in TICKS_HZ if hz < edges_hz[-1]],
                "peaksHz": (np.argmax(templates, axis=0) * rate / window_samples).tolist(),
                "energies": _energies(templates, activations).tolist(),
            },
        )

    def check(self, value: Any) -> tuple[int, ...]:
        """Return the assignment as a tuple of int, or raise ShapeError, TypeError or ValueError."""
        return self._check("value", value)

    def stems(self, shares: assigned.Shares, owners: Any) -> dict[str, np.ndarray]:
        """What a player should play: the selected component alone, or, if none is selected, all sources.

        Parameters
        ----------
        shares : nmf.assigned.Shares
            The mixture, divided among the same components.
        owners : int (components,)
            Usually the explorer's `value`.

        Returns
        -------
        dict of str -> float (channels, samples)
            ``"component N"``, counted from 1, or the sources of `Shares.sources`, which add up to the mixture.
        """
        if self.selected != assigned.NONE:
            return {f"component {self.selected + 1}": shares.component(self.selected)}
        return shares.sources(owners, self.names)

    def describe(self) -> str:
        """The components of each source, counted from 1, and the one that is selected."""
        parts = [*enumerate(self.names), (assigned.NONE, assigned.UNASSIGNED)]
        members = {name: [str(k + 1) for k, owner in enumerate(self.value) if owner == j] for j, name in parts}
        words = "; ".join(f"{name}: {', '.join(numbers)}" for name, numbers in members.items() if numbers)
        alone = "" if self.selected == assigned.NONE else f"; component {self.selected + 1} plays alone"
        return f"{words}{alone}"

    def png(self) -> bytes:
        """All templates and activations, each row labelled by its source."""
        owners = [self.names[owner] if owner != assigned.NONE else "" for owner in self.value]
        return fallback.factors_png(self._spectra, self._curves, owners, self._axes, self.content["ticksHz"])

    def _check(self, name: str, value: Any) -> tuple[int, ...]:
        return assigned.check_owners(name, value, self._count, len(self.names))

    def check_selected(self, number: Any) -> int:
        """Return the number of a component, or -1 for none; or raise TypeError or ValueError."""
        number = checks.check_number("selected", number, whole=True)
        if not assigned.NONE <= number < self._count:
            raise RefusedValue(
                f"selected must be from 0 to {self._count - 1}, or -1 for no component, got {number}; "
                "components are counted from 0"
            )
        return int(number)

    @traitlets.observe("selected")
    def _selected_changed(self, change: Any) -> None:
        # A panel observes `value` alone.
        if self.trait_has_value("value"):
            self.notify_change(traitlets.Bunch(name="value", old=self.value, new=self.value, owner=self, type="change"))


def _check_factors(templates: Any, activations: Any) -> tuple[np.ndarray, np.ndarray]:
    templates = checks.check_magnitude("templates", templates, "freq components")
    activations = np.asarray(activations)
    axes = "channels components frames" if activations.ndim == 3 else "components frames"
    activations = checks.check_magnitude("activations", activations, axes)
    if 0 in templates.shape or 0 in activations.shape:
        raise ShapeError(
            f"templates and activations must hold at least one component, bin and frame, got {templates.shape} and "
            f"{activations.shape}; take both from one factorisation"
        )
    if activations.ndim == 3:
        activations = activations.max(axis=0)
    if len(activations) != templates.shape[1]:
        raise ShapeError(
            f"activations must have one row for each of the {templates.shape[1]} templates, got {len(activations)}; "
            "take both from one factorisation"
        )
    if len(activations) > MOST_COMPONENTS:
        raise RefusedValue(
            f"there must be at most {MOST_COMPONENTS} components to be assigned by hand, got {len(activations)}; "
            "factorise with a lower rank, or show the loudest ones"
        )
    return templates, activations


def _check_sources(sources: Any) -> tuple[str, ...]:
    if isinstance(sources, str) or not isinstance(sources, Sequence):
        count = checks.check_number(
            "sources", sources, at_least=FEWEST_SOURCES, at_most=MOST_SOURCES, whole=True, hint="or pass their names"
        )
        return tuple(f"source {number}" for number in range(1, count + 1))
    if not all(isinstance(name, str) for name in sources):
        raise RefusedType(f"sources must be a number, or names (text), got {sources!r}; write the names in quotes")
    if not FEWEST_SOURCES <= len(sources) <= MOST_SOURCES or len({*sources, assigned.UNASSIGNED}) <= len(sources):
        raise RefusedValue(
            f"sources must be {FEWEST_SOURCES} to {MOST_SOURCES} different names, none of them "
            f"{assigned.UNASSIGNED!r}, got {list(sources)}; choose other names"
        )
    return tuple(sources)


def _spectra(spectra: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Bytes of templates (components, rows): 255 is a template's own peak, 0 is 60 dB below it or less."""
    relative = spectra / np.where(peaks > 0, peaks, 1)[:, np.newaxis]
    level_db = units.amplitude_to_db(relative, floor_db=-RANGE_DB)
    return np.asarray(np.rint(np.clip(1 + level_db / RANGE_DB, 0, 1) * 255), np.uint8)


def _curves(activations: np.ndarray) -> np.ndarray:
    """Bytes of activations (components, columns) on one scale; the square root keeps soft components visible."""
    loudest = float(activations.max())
    return np.asarray(np.rint(np.sqrt(activations / (loudest or 1.0)) * 255), np.uint8)


def _energies(templates: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """The part of all components' energy that each has; zeros if all are silent."""
    energies = np.sum(templates.astype(float) ** 2, axis=0) * np.sum(activations.astype(float) ** 2, axis=1)
    return np.asarray(energies / (energies.sum() or 1.0))
