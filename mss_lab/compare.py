"""Comparison: separators on tracks, one row of metrics for each source.

Contents: Row, compare, oracle_rows, measure, match; pivot, with_mean, as_text; write_csv, write_table.
Lesson: notebooks/04_is_it_better.ipynb
"""

import csv
import dataclasses
import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import scipy.optimize

from . import checks, files, oracles
from .datasets.track import Track
from .method import Separator
from .metrics import energy
from .refusals import RefusedType, RefusedValue


@dataclasses.dataclass(frozen=True)
class Row:
    """Metrics of one source of one track, separated by one method.

    Attributes
    ----------
    method, track, source : str
    sdr, si_sdr, si_sdr_improvement : float, dB
        Over the whole file, as in `mss_lab.metrics.energy`.
    seconds : float
        Duration of the separation of the whole track.
    """

    method: str
    track: str
    source: str
    sdr: float
    si_sdr: float
    si_sdr_improvement: float
    seconds: float


METRICS = ("sdr", "si_sdr", "si_sdr_improvement", "seconds")

# The value of an infinite SDR in the assignment of estimates: a finite value beyond every other.
BEYOND_DB = 400.0


def compare(separators: Mapping[str, Separator], tracks: Iterable[Track]) -> list[Row]:
    """Run every separator on every track, and measure the estimates.

    Parameters
    ----------
    separators : dict of a name for the table -> separator
        Called as `separator(mixture, sample_rate_hz, score)`; must return an estimate for every source of the track.
    tracks : iterable of Track

    Returns
    -------
    list of Row
        In the order of tracks, then separators, then sources.

    Raises
    ------
    TypeError
        If a separator returns no dict.
    ValueError
        If a source is missing in it.
    ShapeError
        If an estimate has another shape than the mixture.

    Lesson: notebooks/04_is_it_better.ipynb.
    """
    rows: list[Row] = []
    for track in tracks:
        for method, separate in separators.items():
            start_s = time.perf_counter()
            estimates = separate(track.mixture, track.sample_rate_hz, track.score)
            rows += measure(method, track, estimates, time.perf_counter() - start_s)
    return rows


def oracle_rows(tracks: Iterable[Track], kinds: Sequence[str] = ("ratio", "wiener")) -> list[Row]:
    """Rows for comparison: the unchanged mixture, and oracles of the given kinds."""
    rows: list[Row] = []
    for track in tracks:
        rows += measure("mixture", track, oracles.do_nothing(track.sources), 0.0)
        for kind in kinds:
            start_s = time.perf_counter()
            estimates = oracles.oracle(track.sources, track.sample_rate_hz, kind)
            rows += measure(f"oracle {kind}", track, estimates, time.perf_counter() - start_s)
    return rows


def measure(method: str, track: Track, estimates: Mapping[str, np.ndarray], seconds: float) -> list[Row]:
    """One row for each source of a track, from existing estimates."""
    if not isinstance(estimates, Mapping):
        raise RefusedType(
            f"{method} must return a dict of source name -> waveform, got {type(estimates).__name__} for {track.name}; "
            "see the contract of a separator"
        )
    missing = [source for source in track.sources if source not in estimates]
    if missing:
        raise RefusedValue(
            f"{method} returned no estimate of {', '.join(missing)} in {track.name}, got "
            f"{', '.join(estimates) or 'none'}; does the score name every source?"
        )
    for name, source in track.sources.items():
        description = f"the estimate of {name} that {method} returned for {track.name}"
        checks.check_same_shape(description, estimates[name], "the mixture", source)
    mixture = track.mixture
    return [
        Row(
            method,
            track.name,
            name,
            energy.sdr(source, estimates[name]),
            energy.si_sdr(source, estimates[name]),
            energy.si_sdr_improvement(source, estimates[name], mixture),
            seconds,
        )
        for name, source in track.sources.items()
    ]


def match(estimates: Mapping[str, np.ndarray], sources: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Assign estimates to sources so that the total SDR is highest, and name them accordingly.

    For methods that separate sources without knowing their names. Using the true sources favours such a method a
    little; the result of the unchanged mixture shows by how much.

    Parameters
    ----------
    estimates : dict of any name -> float (channels, samples)
        If there are more estimates than sources, the worst ones are left out. If there are fewer, the sources that
        would gain least get silence, whose SDR is 0 dB.
    sources : dict of source name -> float (channels, samples)
        The true sources. A silent source has no SDR, so it gets an estimate that no other source needs.

    Returns
    -------
    dict of source name -> float (channels, samples)
        In the order of `sources`; the arrays of `estimates`, not copies. No estimate is used twice.

    Raises
    ------
    TypeError, ValueError
        If one is not a dict of waveforms.
    ShapeError
        If the shapes differ.
    """
    estimates = checks.check_sources("estimates", estimates)
    sources = checks.check_sources("sources", sources)
    first_estimate, first_source = next(iter(estimates.values())), next(iter(sources.values()))
    checks.check_same_shape("every estimate", first_estimate, "the sources", first_source)
    gains_db = [[energy.sdr(source, estimate) for estimate in estimates.values()] for source in sources.values()]
    gains_db = np.nan_to_num(np.clip(gains_db, -BEYOND_DB, BEYOND_DB), nan=0.0)
    matched = dict(zip(*scipy.optimize.linear_sum_assignment(gains_db, maximize=True), strict=True))
    waveforms = list(estimates.values())
    return {
        name: waveforms[matched[row]] if row in matched else np.zeros(first_source.shape, np.float32)
        for row, name in enumerate(sources)
    }


def pivot(rows: Sequence[Row], metric: str = "sdr", columns: str = "track") -> dict[str, dict[str, float]]:
    """Means of one metric: method -> column -> mean over the sources, and "mean" over those means.

    Parameters
    ----------
    rows : sequence of Row
    metric : {"sdr", "si_sdr", "si_sdr_improvement", "seconds"}
    columns : {"track", "source"}

    Returns
    -------
    dict of dicts
        Silent sources (nan) are left out of the means.
    """
    checks.check_choice("metric", metric, METRICS)
    checks.check_choice("columns", columns, ("track", "source"))
    table: dict[str, dict[str, float]] = {}
    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]
        cells = {
            column: _mean([getattr(row, metric) for row in own if getattr(row, columns) == column])
            for column in dict.fromkeys(getattr(row, columns) for row in own)
        }
        table[method] = {**cells, "mean": _mean(list(cells.values()))}
    return table


def with_mean(table: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The table with one more row, the mean of each column."""
    columns = dict.fromkeys(column for cells in table.values() for column in cells)
    means = {column: _mean([cells.get(column, math.nan) for cells in table.values()]) for column in columns}
    return {**{line: dict(cells) for line, cells in table.items()}, "mean": means}


def as_text(table: Mapping[str, Mapping[str, float]], decimals: int = 1) -> str:
    """A table of names and values as text; a column "mean" comes last, and "-" means that there is no value."""
    columns = sorted(dict.fromkeys(column for cells in table.values() for column in cells), key="mean".__eq__)

    def cell(method: str, column: str) -> str:
        value = table[method].get(column, math.nan)
        # Adding 0 turns the -0.0 that rounding may leave into 0.0.
        return "-" if math.isnan(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"

    lines = [["", *columns], *([method, *(cell(method, column) for column in columns)] for method in table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(text.rjust(w) for text, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def write_csv(path: str | os.PathLike[str], rows: Sequence[Row], *, force: bool = True) -> None:
    """Write all rows as a table; the file is written completely or not at all."""
    with files.whole_file(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in dataclasses.fields(Row)])
        table.writeheader()
        table.writerows(dataclasses.asdict(row) for row in rows)


def write_table(path: str | os.PathLike[str], table: Mapping[str, Mapping[str, float]], *, force: bool = True) -> None:
    """Write a table of names and values; the file is written completely or not at all."""
    columns = list(dict.fromkeys(column for cells in table.values() for column in cells))
    with files.whole_file(path, force=force) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["name", *columns])
        lines.writerows([name, *(cells.get(column, "") for column in columns)] for name, cells in table.items())


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    # Not np.mean, which warns of +inf (a perfect estimate) together with -inf (a useless one).
    return float(sum(defined) / len(defined)) if defined else math.nan
