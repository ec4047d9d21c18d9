"""The query panel: select what is separated by a recording, an instrument, or a point on the map of instruments.

::

    from mss_lab.widgets import query_panel

    query_panel.panel(mixture, sample_rate_hz)

The query is an audio file or a sound from the microphone, an instrument of a menu, or a point of the map of stored
queries. A slider blends the levels of the hierarchy, from the instrument to its widest family. The player has what was
selected and the rest, which together are the mixture. From code::

    made = query_panel.panel(mixture, sample_rate_hz)
    made.set(instrument="clarinet", level=1.5)
    made.set(query="my_oboe.wav")
    made.set(point=(1.0, -0.5))
    made.selected, made.estimates

Contents: panel, Panel. Lesson: notebooks/22_hierarchies_and_queries.ipynb
"""

import dataclasses
import html
import os
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np

from .. import audio, checks, hierarchy, plots, units
from ..neural import query as queries
from ..neural import query_map, query_vectors
from ..neural import weights as stored_weights
from ..refusals import RefusedType, RefusedValue
from . import fallback, own_files, piece, player, query_form, words, worker

TITLE = "Select by a query"
SELECTED, REST = "selected", "the rest"
# Marks an argument that is left out, since None has a meaning.
_UNCHANGED: Any = object()


@dataclasses.dataclass(frozen=True, eq=False)
class _Result:
    """What a query gives: its vector, all levels, and their blend."""

    query: Mapping[str, Any]
    level: float
    vector: np.ndarray
    estimates: dict[str, np.ndarray]
    selected: np.ndarray


def panel(
    mixture: np.ndarray,
    sample_rate_hz: int,
    *,
    title: str = TITLE,
    tree: hierarchy.Hierarchy = hierarchy.QUARTET,
    weights: str | os.PathLike[str] | None = None,
) -> "Panel":
    """Separate a mixture by queries: from a file, the microphone, a menu, or a point on the map of instruments.

    Parameters
    ----------
    mixture : float (channels, samples)
        One or two channels.
    sample_rate_hz : int
        8 to 96 kHz.
    title : str
        Title of the panel.
    tree : Hierarchy
        It names the families; by default that of the network that ships.
    weights : path, optional
        Weights of a query network of your own, with the file of vectors beside it that `mss-lab data vectors` writes.

    Returns
    -------
    Panel
        Shown when it is the last line of a cell.

    Raises
    ------
    FileNotFoundError, ShapeError, TypeError, ValueError
        If the mixture is no waveform that a browser can play, or the weights have no vectors or take no query.

    Lesson: notebooks/22_hierarchies_and_queries.ipynb. Reference: Manilow, Wichern and Le Roux, ISMIR 2020.
    """
    return Panel(mixture, sample_rate_hz, title=title, tree=tree, weights=weights)


class Panel(ipywidgets.VBox):  # type: ignore[misc,unused-ignore]
    """The widget behind `panel`.

    Attributes
    ----------
    recording : Recording or None
        The newest sound that was a query.
    vector : float32 (dimensions,)
        The query, as the network sums it up.
    estimates : dict of level name -> float32 (channels, samples)
        What the network gives for the query, at every level.
    selected : float32 (channels, samples)
        Their blend at the level of the slider.
    """

    def __init__(
        self,
        mixture: np.ndarray,
        sample_rate_hz: int,
        *,
        title: str = TITLE,
        tree: hierarchy.Hierarchy = hierarchy.QUARTET,
        weights: str | os.PathLike[str] | None = None,
    ) -> None:
        self._mixture = np.array(checks.check_waveform("mixture", mixture), np.float32)
        self._rate_hz = piece.check_playable_rate(sample_rate_hz)
        self._network = queries.check_network(stored_weights.network_of(weights, queries.NAME))
        vectors = query_vectors.vectors_of(weights)
        self._map, self._tree, self._title = query_map.of(vectors), tree, title
        self.recording: own_files.Recording | None = None
        self._recorded_vector: np.ndarray | None = None
        self._result: _Result | None = None
        self._player: player.Player | None = None
        self._words = words.Words()
        start = {"instrument": self._map.leaves[0]}
        state = {"query": start, "level": 1.0, "content": self._content(vectors, start)}
        points = self._map.positions.astype("<f4").tobytes()
        self._form = query_form.Form({**state, "points": points}, self._check_query, self._check_level, self._arrived)
        self._recordings = worker.LatestWorker(self._read, self._take_recording, self._fail)
        self._separations = worker.LatestWorker(self._separate, self._show, self._fail)
        super().__init__([self._form, self._words])
        self._separations.run_now((start, 1.0))
        self._form.observe(self._changed, ["query", "level"])

    @property
    def vector(self) -> np.ndarray:
        """See the class."""
        return self._newest.vector

    @property
    def estimates(self) -> dict[str, np.ndarray]:
        """See the class."""
        return dict(self._newest.estimates)

    @property
    def selected(self) -> np.ndarray:
        """See the class."""
        return self._newest.selected

    @property
    def _newest(self) -> _Result:
        assert self._result is not None
        return self._result

    # -- from code

    def set(
        self,
        *,
        instrument: str = _UNCHANGED,
        query: str | os.PathLike[str] | np.ndarray = _UNCHANGED,
        query_rate_hz: int | None = None,
        point: Sequence[float] = _UNCHANGED,
        level: float = _UNCHANGED,
    ) -> np.ndarray:
        """Choose a query or a level from code, as a reader would; what is left out does not change.

        Parameters
        ----------
        instrument : str
            One of the map.
        query : path or float (channels, samples)
            A recording of the instrument; a waveform needs `query_rate_hz`, a file must not have it.
        point : (across, up)
            On the map, in the unit of the vectors.
        level : float
            From 1, the instrument, to the number of levels; 1.5 is half of each of the levels 1 and 2.

        Returns
        -------
        float32 (channels, samples)
            What is selected.

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            If a choice is refused, or several queries are given. The panel shows the message.
        """
        arguments = {"instrument": instrument, "query": query, "point": point}
        arguments = {name: value for name, value in arguments.items() if value is not _UNCHANGED}
        try:
            if len(arguments) > 1:
                raise RefusedType(f"one query selects, got {' and '.join(arguments)}; give one of them")
            level = self._form.level if level is _UNCHANGED else self._check_level(level)
            if "query" in arguments:
                self._recordings.run_now((query, query_rate_hz))
                chosen = self._form.query
            else:
                chosen = self._check_query(arguments or self._form.query)
        except (TypeError, ValueError) as error:
            self._fail(None, error)
            raise
        self._form.unobserve(self._changed, ["query", "level"])
        try:
            with self._form.hold_sync():
                self._form.query, self._form.level = chosen, level
        finally:
            self._form.observe(self._changed, ["query", "level"])
        self._separations.run_now((chosen, level))
        return self.selected

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is being read or separated; return False if the time is over before."""
        return all(each.wait(timeout_s) for each in (self._recordings, self._separations))

    # -- from the page

    def _changed(self, _change: Any) -> None:
        self._words.busy = True
        self._separations.submit((dict(self._form.query), self._form.level))

    def _arrived(self, _role: str, name: str, data: bytes) -> None:
        self._words.busy = True
        self._recordings.submit((own_files.Uploaded(name, data), None))

    def _check_query(self, value: Any) -> dict[str, Any]:
        """Return a query in the form that the page has it, or raise TypeError or ValueError."""
        if not isinstance(value, Mapping) or len(value) != 1:
            raise RefusedType(f"a query is an instrument, a point or a recording, got {value!r}")
        ((kind, what),) = value.items()
        if kind == "instrument":
            return {kind: checks.check_choice("instrument", what, self._map.leaves)}
        if kind == "point":
            return {kind: self._check_point(what)}
        if kind == "recording" and self.recording is not None:
            return {kind: self.recording.name}
        raise RefusedValue("there is no recording yet; choose a file, or record one")

    def _check_point(self, value: Any) -> list[float]:
        if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
            raise RefusedType(f"point must be two numbers, across and up, got {value!r}")
        return [
            float(checks.check_number(f"point ({name})", number, at_least=low, at_most=high))
            for name, number, (low, high) in zip(("across", "up"), value, self._map.bounds, strict=True)
        ]

    def _check_level(self, value: Any) -> float:
        most = len(self._network.sources)
        return float(checks.check_number("level", value, at_least=1, at_most=most))

    # -- recordings

    def _read(self, job: tuple[Any, int | None]) -> tuple[own_files.Recording, np.ndarray]:
        recording = own_files.read_recording(job)
        try:
            vector = queries.vector_of(recording.waveform, recording.sample_rate_hz, weights=self._network)
        except RefusedValue as error:
            raise RefusedValue(f"{recording.name}: {error}") from error
        return recording, vector

    def _take_recording(self, _job: Any, read: tuple[own_files.Recording, np.ndarray]) -> None:
        self.recording, self._recorded_vector = read
        self._form.content = {**self._form.content, "recording": self.recording.describe()}
        if self._form.query == {"recording": self.recording.name}:
            # Another file of the same name: an equal value would start nothing.
            self._changed(None)
        else:
            self._form.query = {"recording": self.recording.name}

    # -- separating

    def _vector_of(self, query: Mapping[str, Any]) -> np.ndarray:
        ((kind, what),) = query.items()
        if kind == "instrument":
            return self._map.mean(what)
        if kind == "point":
            return self._map.vector_at(what)
        assert self._recorded_vector is not None
        return self._recorded_vector

    def _separate(self, job: tuple[Mapping[str, Any], float]) -> _Result:
        query, level = job
        before = self._result
        vector = self._vector_of(query)
        if before is not None and np.array_equal(before.vector, vector):
            estimates = before.estimates
        else:
            estimates = queries.separate(self._mixture, self._rate_hz, vector, weights=self._network)
        return _Result(query, level, vector, estimates, hierarchy.blended(list(estimates.values()), level))

    def _show(self, _job: Any, result: _Result) -> None:
        versions = {"separated": {SELECTED: result.selected, REST: self._mixture - result.selected}}
        if "recording" in result.query and self.recording is not None:
            versions["query"] = {"query": self._beside_the_mixture(self.recording)}
        text = self._in_words(result)
        if self._player is None:
            self._player = player.Player(versions, self._rate_hz, title=text)
            self.children = (self._form, self._words, self._player)
        else:
            self._player.replace(versions, self._rate_hz, title=text)
        self._result = result
        across, up = (float(number) for number in self._map.position_of(result.vector))
        self._form.content = {**self._form.content, "position": [across, up], "selected": text}
        self._words.say(self._remarks(result))

    def _beside_the_mixture(self, recording: own_files.Recording) -> np.ndarray:
        """A query as the player needs it: at the rate of the mixture, with its channels and its length."""
        waveform = audio.resample(recording.waveform, recording.sample_rate_hz, self._rate_hz)
        channels, samples = self._mixture.shape
        waveform = waveform[:, :samples]
        waveform = np.pad(waveform, ((0, 0), (0, samples - waveform.shape[1])))
        return (
            waveform
            if len(waveform) == channels
            else np.broadcast_to(waveform.mean(axis=0), (channels, samples)).copy()
        )

    def _in_words(self, result: _Result) -> str:
        """Such as "clarinet", or "half clarinet, half single reeds"."""
        lower, share = divmod(result.level, 1)
        names = [self._node(result.query, int(lower)), *([self._node(result.query, int(lower) + 1)] if share else [])]
        return names[0] if len(names) == 1 else f"{1 - share:.0%} {names[0]}, {share:.0%} {names[1]}"

    def _node(self, query: Mapping[str, Any], level: int) -> str:
        """The node of a level for a query; only an instrument of the tree has names for its families."""
        ((kind, what),) = query.items()
        if kind == "instrument" and what in self._tree.leaves and self._tree.levels == len(self._network.sources):
            return self._tree.ancestor(what, level)
        name = {"instrument": what, "point": "the point"}.get(kind, f"what {what} plays")
        return name if level == 1 else f"level {level} of {name}"

    def _remarks(self, result: _Result) -> str:
        power = float(np.mean(self._mixture**2, dtype=np.float64))
        level_db = units.power_to_db(float(np.mean(result.selected**2, dtype=np.float64)) / power) if power else -np.inf
        loud = f"{level_db:.1f} dB re the mixture" if np.isfinite(level_db) else "silence"
        leaf, distance = self._map.nearest_leaf(result.vector)
        return f"{self._in_words(result)}: {loud}. The nearest mean vector is that of the {leaf}, at {distance:.1f}."

    def _fail(self, _job: Any, error: Exception) -> None:
        self._words.fail(error)

    # -- the map

    def _content(self, vectors: query_vectors.Vectors, start: Mapping[str, Any]) -> dict[str, Any]:
        in_tree = all(leaf in self._tree.leaves for leaf in self._map.leaves) and self._tree.levels > 1
        families = [self._tree.ancestor(leaf, 2) if in_tree else leaf for leaf in self._map.leaves]
        names = list(dict.fromkeys(families))
        number_of = {leaf: names.index(family) for leaf, family in zip(self._map.leaves, families, strict=True)}
        positions = [self._map.position_of(mean).tolist() for mean in self._map.means]
        return {
            "title": self._title,
            "leaves": list(self._map.leaves),
            "places": positions,
            "families": [number_of[leaf] for leaf in self._map.leaves],
            "familyNames": names,
            "colours": list(plots.COLOURS),
            "kinds": [number_of[str(leaf)] for leaf in vectors.leaf],
            "bounds": [list(bound) for bound in self._map.bounds],
            "levels": len(self._network.sources),
            "recording": "",
            "position": positions[self._map.leaves.index(start["instrument"])],
            "selected": "",
        }

    # -- without a front end

    def static(self) -> tuple[bytes, str]:
        """The picture of the map (PNG bytes) and the HTML that replace the panel without a front end."""
        content = self._form.content
        png = fallback.map_png(self._map.positions, content)
        text = f"{self._title}: {self._words.text}"
        _png, page = self._player.static() if self._player is not None else (b"", "")
        shown = plots.image_html(png, f"Map of the stored queries. {text}")
        return png, f"<div><p>{html.escape(text)}</p>{shown}{page}</div>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = dict(super()._repr_mimebundle_(**kwargs))
        _png, page = self.static()
        return data | {"text/plain": f"{self._title}: {self._words.text}", "text/html": page}, {}
