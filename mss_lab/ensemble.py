"""Ensembles: several methods of the catalogue, run on one mixture and combined to one estimate of each source.

Members are named as in the catalogue, with their options. Weights are given, or fitted on tracks whose sources are
known; they may differ between sources, and between regions of time and frequency. All of it is a small file, and the
whole is a method like any other:

    stack = ensemble.fit([ensemble.Member("xumx"), ensemble.Member("mask-inference")], validation_tracks)
    ensemble.write(stack, "stack.json")
    catalogue.register(ensemble.as_method("stack", ensemble.read("stack.json")))

The mathematics is in `mss_lab.stacking`.

Contents: Member, Ensemble, linear, fit, separate, as_method, write, read.
"""

import dataclasses
import functools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import catalogue, checks, files
from .datasets.track import Track
from .method import Method
from .refusals import RefusedType, RefusedValue
from .stacking import alignment, weights
from .stacking import regions as regional
from .stacking.regions import Regions

FORMAT = "mss_lab ensemble 1"


@dataclasses.dataclass(frozen=True)
class Member:
    """One method of an ensemble.

    Attributes
    ----------
    method : str
        Its name in the catalogue.
    options : dict of name -> value
        As for `mss_lab.catalogue.separator`; in a file, they must be numbers, texts, true, false or null.
    late_s : float, seconds
        By how much its estimates are late, which is undone. Methods of the package are never late;
        `mss_lab.stacking.alignment.lag_samples` measures it.
    """

    method: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    late_s: float = 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class Ensemble:
    """Members and their weights.

    Attributes
    ----------
    members : tuple of Member
    weights : dict of source name -> float (members,), or (bands, ranges, members) with regions
    otherwise : float (members,)
        Weights of a source that has none of its own.
    regions : Regions or None
        How time and frequency are divided.
    fitted_on : tuple of str
        Names of the tracks; never report a result on one of them.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If there is no member, or weights do not fit the members and regions, or one is negative.
    """

    members: tuple[Member, ...]
    weights: Mapping[str, np.ndarray]
    otherwise: np.ndarray
    regions: Regions | None = None
    fitted_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(_checked_members(self.members))
        of_regions = (*self.regions.shape, count) if self.regions is not None else (count,)
        _check_weights("otherwise", self.otherwise, ((count,),))
        for source, values in self.weights.items():
            _check_weights(f"weights[{source!r}]", values, {(count,), of_regions})


def linear(members: Sequence[Member], fixed: Sequence[float] = weights.REPORT_WEIGHTS) -> Ensemble:
    """An ensemble with given weights, the same for every source.

    Parameters
    ----------
    members : sequence of Member
    fixed : float >= 0 (members,)
        They must add up to 1, so that members which agree stay as they are. Default: those of the report, for three.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If they are not as many as the members, or do not add up to 1.

    Examples
    --------
    >>> linear([Member("hpss"), Member("hpss", {"window_s": 0.02})], [0.75, 0.25]).otherwise
    array([0.75, 0.25])
    """
    values = np.asarray(fixed, dtype=np.float64)
    result = Ensemble(tuple(members), {}, values)
    if abs(values.sum() - 1) > 1e-6:
        raise RefusedValue(
            f"weights must add up to 1, got {values.sum():g}: members that agree would change their level; "
            "divide the weights by their sum"
        )
    return result


def fit(
    members: Sequence[Member],
    tracks: Iterable[Track],
    *,
    constraint: str = "non-negative",
    divided: Regions | None = None,
    prior: float = 0.1,
) -> Ensemble:
    """Fit weights for each source on tracks whose sources are known.

    Parameters
    ----------
    members : sequence of Member
    tracks : iterable of Track
        A validation set: no member may have been trained on it. One track is in memory at a time.
    constraint : {"non-negative", "average"}
        As for `mss_lab.stacking.weights.fit`.
    divided : Regions, optional
        Fit weights for each of these regions. Default: one weight for each member and source. Regions need more data:
        fitted on a chorale of 30 s they did better than single weights on another, fitted on 3 s of it they did worse
        (`python -m tests.benchmarks.ensembles`, with and without `--length 3`).
    prior : float in [0, 1)
        As for `mss_lab.stacking.weights.fit`; only with regions.

    Returns
    -------
    Ensemble
        With weights for each source of the tracks, and for all others those fitted on all sources together.

    Raises
    ------
    TypeError, ValueError
        If there is no member or track, members differ in their sources or lack one of a track, or the estimates of a
        member are all late by the same number of samples, which must then be given as its `late_s`.
    """
    members = _checked_members(members)
    sums: dict[str, weights.Products] = {}
    names: list[str] = []
    for track in tracks:
        estimates = _run(members, track.mixture, track.sample_rate_hz, track.score)
        if missing := [source for source in track.sources if source not in estimates]:
            raise RefusedValue(f"the members must separate every source of {track.name}, got none of {missing}")
        _check_in_time(members, track, estimates)
        for source, waveform in track.sources.items():
            of_source = estimates[source]
            one = (
                weights.products(waveform, of_source)
                if divided is None
                else regional.products(waveform, of_source, track.mixture, track.sample_rate_hz, divided)
            )
            sums[source] = sums[source] + one if source in sums else one
        names.append(track.name)
    if not sums:
        raise RefusedValue("tracks must hold at least one track, got none; weights are fitted on known sources")
    total = functools.reduce(weights.Products.__add__, sums.values()).total()
    fitted = {source: weights.fit(one, constraint=constraint, prior=prior) for source, one in sums.items()}
    return Ensemble(members, fitted, weights.fit(total, constraint=constraint), divided, tuple(names))


def separate(
    of_members: Ensemble, mixture: np.ndarray, sample_rate_hz: int, score: Any = None
) -> dict[str, np.ndarray]:
    """Run all members on a mixture and combine their estimates.

    Parameters
    ----------
    of_members : Ensemble
    mixture : float (channels, samples)
    sample_rate_hz : int
    score : Score, optional
        Given to all members.

    Returns
    -------
    dict of source name -> float32 (channels, samples)

    Raises
    ------
    TypeError, ValueError
        If members differ in their sources, or one of them refuses the mixture.
    """
    mixture = checks.check_waveform("mixture", mixture)
    combined = {}
    for source, estimates in _run(of_members.members, mixture, sample_rate_hz, score).items():
        values = of_members.weights.get(source, of_members.otherwise)
        if values.ndim == 1:
            combined[source] = weights.combine(estimates, values)
        else:
            assert of_members.regions is not None
            combined[source] = regional.combine(estimates, values, mixture, sample_rate_hz, of_members.regions)
    return {source: waveform.astype(np.float32, copy=False) for source, waveform in combined.items()}


def as_method(name: str, of_members: Ensemble, *, title: str = "") -> Method:
    """An entry of the catalogue for an ensemble, which `mss_lab.catalogue.register` adds.

    Parameters
    ----------
    name : str
        Lower-case letters and digits, words separated by hyphens.
    of_members : Ensemble
    title : str
        One line; the default names the members.

    Returns
    -------
    Method
        It needs what any member needs: a score, two channels, libraries.
    """
    entries = [catalogue.get(member.method) for member in of_members.members]

    def separated(mixture: np.ndarray, sample_rate_hz: int, score: Any = None) -> dict[str, np.ndarray]:
        return separate(of_members, mixture, sample_rate_hz, score)

    return Method(
        name=name,
        title=title or f"A weighted sum of {', '.join(entry.name for entry in entries)}",
        function=separated,
        needs=frozenset().union(*(entry.needs for entry in entries)),
        gives=entries[0].gives,
        reference="Breiman, Machine Learning 1996",
        assumes="What its members assume",
        libraries=tuple(dict.fromkeys(library for entry in entries for library in entry.libraries)),
        pace=sum(entry.pace for entry in entries),
    )


def write(of_members: Ensemble, path: str | os.PathLike[str], *, force: bool = True) -> None:
    """Write an ensemble to a file of JSON, which holds names, options and weights, but no network.

    Parameters
    ----------
    of_members : Ensemble
    path : path
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    TypeError
        If an option cannot be written as text, such as an array.
    FileExistsError, OSError
        If the file exists and must not be replaced, or cannot be written.
    """
    content = {
        "format": FORMAT,
        "members": [{**dataclasses.asdict(member), "options": dict(member.options)} for member in of_members.members],
        "weights": {source: np.asarray(values).tolist() for source, values in of_members.weights.items()},
        "otherwise": np.asarray(of_members.otherwise).tolist(),
        "regions": dataclasses.asdict(of_members.regions) if of_members.regions is not None else None,
        "fitted_on": list(of_members.fitted_on),
    }
    try:
        text = json.dumps(content, indent=1)
    except TypeError as error:
        raise RefusedType(f"the options of a member must be numbers or texts to be written, got {error}") from error
    with files.whole_file(path, force=force) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read(path: str | os.PathLike[str]) -> Ensemble:
    """Read an ensemble from a file that `write` made.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file, or its numbers do not fit one another.
    """
    path = files.existing_file(path, "the ensemble", "give a file that mss_lab.ensemble.write made")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise RefusedValue(f'its format is {content["format"]!r}, not "{FORMAT}"')
        divided = content["regions"]
        return Ensemble(
            members=tuple(Member(**member) for member in content["members"]),
            weights={source: np.array(values, dtype=np.float64) for source, values in content["weights"].items()},
            otherwise=np.array(content["otherwise"], dtype=np.float64),
            regions=Regions(**divided) if divided is not None else None,
            fitted_on=tuple(content["fitted_on"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        detail = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise RefusedValue(f"{path} is no ensemble that can be read ({detail}); write it again") from error


def _run(members: Sequence[Member], mixture: np.ndarray, sample_rate_hz: int, score: Any) -> dict[str, np.ndarray]:
    """Estimates of all members by source, (members, channels, samples)."""
    by_member = []
    for member in members:
        estimates = catalogue.separator(member.method, **member.options)(mixture, sample_rate_hz, score)
        late_samples = round(member.late_s * sample_rate_hz)
        if late_samples:
            estimates = {name: alignment.shifted(waveform, late_samples) for name, waveform in estimates.items()}
        by_member.append(estimates)
    for member, estimates in zip(members[1:], by_member[1:], strict=True):
        if set(estimates) != set(by_member[0]):
            raise RefusedValue(
                f"all members must separate the same sources, got {', '.join(by_member[0])} from {members[0].method} "
                f"and {', '.join(estimates)} from {member.method}; pass a score, or choose other members"
            )
    return {name: np.stack([estimates[name] for estimates in by_member]) for name in by_member[0]}


def _check_in_time(members: Sequence[Member], track: Track, estimates: Mapping[str, np.ndarray]) -> None:
    """Refuse a member whose estimates are all late by the same number of samples."""
    for index, member in enumerate(members):
        lags = {
            alignment.lag_samples(waveform, estimates[source][index])
            for source, waveform in track.sources.items()
            if waveform.any() and estimates[source][index].any()
        }
        if len(lags) == 1 and lags != {0}:
            (lag,) = lags
            raise RefusedValue(
                f"the estimates of {member.method} must be in time with their sources, got a delay of {lag} samples "
                f"for all of {track.name}; give the member late_s={member.late_s + lag / track.sample_rate_hz:.6f}"
            )


def _checked_members(members: Sequence[Member]) -> tuple[Member, ...]:
    members = tuple(members)
    if not members:
        raise RefusedValue("members must hold at least one member, got none; pass [Member('hpss')]")
    for member in members:
        if not isinstance(member, Member):
            raise RefusedType(f"members must be Member objects, got {member!r}; pass Member({member!r})")
        checks.check_choice("method", member.method, catalogue.names())
        checks.check_number("late_s", member.late_s, at_least=-10, at_most=10, unit="seconds")
    return members


def _check_weights(name: str, values: np.ndarray, shapes: Iterable[tuple[int, ...]]) -> None:
    values = checks.check_finite(name, values)
    if values.shape not in set(shapes):
        raise checks.ShapeError(
            f"{name} must have the shape {' or '.join(map(str, sorted(shapes)))} for these members and regions, got "
            f"{values.shape}; fit the weights again"
        )
    if values.min() < 0:
        raise RefusedValue(f"{name} must be 0 or more, got {values.min():.3g}; a member cannot count against a source")
