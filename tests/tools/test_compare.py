"""Compare: the figures are the measures', the table their means, and a separator that breaks its word is named."""

import csv
import itertools
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from mss_lab import audio, checks, compare, oracles, signals
from mss_lab.compare import Row
from mss_lab.datasets.track import Track
from mss_lab.metrics import energy
from mss_lab.score.files import write_csv
from mss_lab.score.notes import Note, Score
from tests.paths import ROOT

RATE_HZ = 8_000


@pytest.fixture
def tracks(rng, frozen):
    """A duet in mono, and one in stereo with a source that is silent."""
    score = Score((Note("a", 60, 0, 0.1), Note("b", 67, 0, 0.1)))
    mono = frozen({name: rng.standard_normal((1, 900)).astype(np.float32) for name in "ab"})
    stereo = frozen({name: rng.standard_normal((2, 700)).astype(np.float32) for name in "ac"})
    stereo = {**stereo, "silent": np.zeros((2, 700), np.float32)}
    return [Track("one", RATE_HZ, mono, score), Track("two", RATE_HZ, stereo)]


def cheat(track_sources, gains):
    """A separator that knows the sources and gives them back too quiet."""

    def separate(mixture, sample_rate_hz, score=None):
        return {
            name: gains * source
            for sources in track_sources
            for name, source in sources.items()
            if source.shape == mixture.shape
        }

    return separate


def row(method, track, source, sdr, **figures):
    return Row(method, track, source, sdr, **{"si_sdr": 0.0, "si_sdr_improvement": 0.0, "seconds": 0.0, **figures})


def test_every_separator_meets_every_track_and_source(tracks):
    seen = []

    def half(mixture, sample_rate_hz, score=None):
        seen.append((mixture.shape, sample_rate_hz, score))
        return dict.fromkeys(("c", "silent", "b", "a", "one more"), mixture / 2)

    knowing = cheat([track.sources for track in tracks], np.float32(0.3))
    rows = compare.compare({"half": half, "knowing": knowing}, iter(tracks))
    assert seen == [((1, 900), RATE_HZ, tracks[0].score), ((2, 700), RATE_HZ, None)]
    assert [(r.track, r.method, r.source) for r in rows] == [
        (track.name, method, source) for track in tracks for method in ("half", "knowing") for source in track.sources
    ]
    for r in rows:
        track = next(track for track in tracks if track.name == r.track)
        source, mixture = track.sources[r.source], track.mixture
        estimate = mixture / 2 if r.method == "half" else np.float32(0.3) * source
        for figure, expected in (
            (r.sdr, energy.sdr(source, estimate)),
            (r.si_sdr, energy.si_sdr(source, estimate)),
            (r.si_sdr_improvement, energy.si_sdr_improvement(source, estimate, mixture)),
        ):
            assert figure == pytest.approx(expected, nan_ok=True)
        assert r.seconds >= 0
    assert [r.sdr for r in rows if r.method == "knowing" and r.source != "silent"] == pytest.approx(
        [3.098] * 4, abs=1e-3
    )
    assert all(math.isnan(r.sdr) for r in rows if r.source == "silent")


def test_a_separator_that_spoils_its_input_spoils_nothing(tracks):
    def rude(mixture, sample_rate_hz, score=None):
        mixture[:] = 0
        return {name: np.ones_like(mixture) for name in tracks[0].sources}

    def polite(mixture, sample_rate_hz, score=None):
        return dict.fromkeys(tracks[0].sources, mixture)

    rows = compare.compare({"rude": rude, "polite": polite}, tracks[:1])
    assert [r.si_sdr_improvement for r in rows[2:]] == [0, 0]


def test_seconds_are_those_of_the_separation(tracks, monkeypatch):
    now = iter([10.0, 12.5])
    monkeypatch.setattr(compare.time, "perf_counter", lambda: next(now))
    rows = compare.compare({"slow": lambda mixture, rate, score: dict.fromkeys("ab", mixture)}, tracks[:1])
    assert [r.seconds for r in rows] == [2.5, 2.5]


def test_oracle_rows_frame_the_table(tracks):
    rows = compare.oracle_rows(tracks, kinds=("ratio", "wiener", "binary"))
    table = compare.pivot(rows)
    assert list(table) == ["mixture", "oracle ratio", "oracle wiener", "oracle binary"]
    assert list(table["mixture"]) == ["one", "two", "mean"]
    sources = tracks[0].sources
    expected = np.mean([energy.sdr(sources[n], e) for n, e in oracles.oracle(sources, RATE_HZ, "wiener").items()])
    assert table["oracle wiener"]["one"] == pytest.approx(expected)
    assert table["mixture"]["one"] == pytest.approx(np.mean([energy.sdr(sources[n], tracks[0].mixture) for n in "ab"]))
    assert list(compare.pivot(compare.oracle_rows(tracks))) == ["mixture", "oracle ratio", "oracle wiener"]


def heard_through(sources, noise, rng, names):
    """Estimates under other names, in another order: the sources with noise of their own level times `noise`."""
    shuffled = rng.permutation(list(sources))
    return {
        name: (sources[source] + noise * rng.standard_normal(sources[source].shape)).astype(np.float32)
        for name, source in zip(names, shuffled, strict=True)
    }, list(shuffled)


@pytest.fixture
def quartet(rng, frozen):
    return frozen({name: rng.standard_normal((2, 500)).astype(np.float32) for name in "abcd"})


@pytest.mark.parametrize("level", [1e-6, 1.0, 1e3])
def test_match_finds_who_is_who(quartet, rng, frozen, level):
    sources = {name: np.float32(level) * source for name, source in quartet.items()}
    estimates, order = heard_through(sources, 0.5 * level, rng, ("one", "two", "three", "four"))
    matched = compare.match(frozen(estimates), frozen(sources))
    assert list(matched) == list(sources)
    for name, source in zip(estimates, order, strict=True):
        assert matched[source] is estimates[name]


def test_match_has_the_highest_total_of_all_assignments(quartet, rng):
    estimates = {
        str(i): sum(w * s for w, s in zip(rng.uniform(0, 1, 4), quartet.values(), strict=True)) for i in range(4)
    }
    # In these blends taking the best for each source in turn goes wrong.
    first_choice = {n: max(estimates, key=lambda e: energy.sdr(quartet[n], estimates[e])) for n in quartet}
    assert len(set(first_choice.values())) < 4

    def total(order):
        return sum(energy.sdr(quartet[name], estimates[label]) for name, label in zip(quartet, order, strict=True))

    matched = compare.match(estimates, quartet)
    found = sum(energy.sdr(quartet[name], matched[name]) for name in quartet)
    assert found == pytest.approx(max(total(order) for order in itertools.permutations(estimates)))


def test_match_leaves_out_what_is_too_many(quartet, rng):
    noise = {f"noise {i}": rng.standard_normal((2, 500)).astype(np.float32) for i in range(2)}
    matched = compare.match({**noise, **{f"est {name}": quartet[name] for name in "dcba"}}, quartet)
    assert all(matched[name] is quartet[name] for name in quartet)


def test_match_gives_silence_where_there_is_nothing_left(quartet):
    matched = compare.match({"x": quartet["c"], "y": quartet["a"]}, quartet)
    assert matched["a"] is quartet["a"]
    assert matched["c"] is quartet["c"]
    for name in "bd":
        assert matched[name].shape == (2, 500)
        assert matched[name].dtype == np.float32
        assert not matched[name].any()


@pytest.mark.no_warnings
def test_match_meets_silence_perfection_and_one_sample(quartet):
    silent = np.zeros((2, 500), np.float32)
    # A silent source takes what no other wants, and a perfect estimate is worth more than any other.
    matched = compare.match({"x": silent, "y": quartet["a"], "z": quartet["b"]}, {"none": silent, "b": quartet["b"]})
    assert matched["b"] is quartet["b"]
    matched = compare.match({"z": quartet["b"]}, {"none": silent, "b": quartet["b"]})
    assert matched["b"] is quartet["b"]
    assert not matched["none"].any()
    close, closer = (quartet["a"] * np.float32(gain) for gain in (1.001, 1.0001))
    assert compare.match({"x": close, "y": closer, "z": quartet["b"]}, {"a": quartet["a"]})["a"] is closer
    one = {name: np.full((1, 1), value) for name, value in (("left", 0.5), ("right", -0.25))}
    assert compare.match({"1": one["right"], "2": one["left"]}, one)["left"] is one["left"]
    # Left equal to right and twice the same estimate: any order is as good, and nothing is used twice.
    twins = {"x": silent + 1, "y": silent + 1}
    matched = compare.match(twins, {"p": silent + 2, "q": silent + 3})
    assert {id(e) for e in matched.values()} == {id(e) for e in twins.values()}


def test_match_refuses_what_does_not_fit(quartet):
    with pytest.raises(checks.ShapeError, match="every estimate and the sources must have the same shape"):
        compare.match({"x": np.zeros((1, 500))}, quartet)
    with pytest.raises(TypeError, match="estimates must map source names to waveforms, got ndarray"):
        compare.match(np.zeros((2, 500)), quartet)
    with pytest.raises(ValueError, match="sources must hold at least one source"):
        compare.match(quartet, {})
    with pytest.raises(ValueError, match=r"estimates\['x'\] must be finite"):
        compare.match({"x": np.full((2, 500), np.nan)}, quartet)


def test_pivot_takes_means_of_means_and_leaves_out_nan():
    rows = [
        row("x", "one", "a", 1.0),
        row("x", "one", "b", 3.0),
        row("x", "two", "a", 10.0),
        row("x", "two", "silent", math.nan),
        row("y", "two", "a", math.nan),
        row("y", "one", "a", -2.0),
    ]
    table = compare.pivot(rows)
    assert table["x"] == {"one": 2.0, "two": 10.0, "mean": 6.0}
    assert list(table["y"]) == ["two", "one", "mean"]
    assert math.isnan(table["y"]["two"])
    assert table["y"]["one"] == table["y"]["mean"] == -2.0
    by_source = compare.pivot(rows, columns="source")["x"]
    assert by_source["a"] == 5.5
    assert by_source["b"] == 3.0
    assert math.isnan(by_source["silent"])
    assert by_source["mean"] == 4.25


@pytest.mark.parametrize("figure", compare.METRICS)
def test_pivot_shows_the_figure_asked_for(figure):
    rows = [Row("x", "one", "a", 1.0, 2.0, 3.0, 4.0)]
    assert compare.pivot(rows, figure)["x"]["one"] == 1.0 + compare.METRICS.index(figure)


@pytest.mark.no_warnings
def test_a_perfect_and_a_hopeless_score_have_no_mean_and_raise_no_warning():
    table = compare.pivot(
        [row("x", "one", "a", math.inf), row("x", "one", "b", -math.inf), row("x", "two", "a", math.inf)]
    )
    assert math.isnan(table["x"]["one"])
    assert table["x"]["mean"] == math.inf


def test_a_line_of_means_leaves_out_nan():
    table = compare.with_mean({"a": {"SDR": 1.0, "SIR": math.nan}, "b": {"SDR": 4.0}})
    assert table["mean"]["SDR"] == 2.5
    assert math.isnan(table["mean"]["SIR"])
    assert table["a"]["SDR"] == 1.0


def test_a_table_of_text_lines_up():
    text = compare.as_text({"short": {"mean": 6.0, "one": 2.04}, "a longer name": {"two": -10.0, "one": math.nan}})
    assert text.splitlines() == [
        "               one    two  mean",
        "short          2.0      -   6.0",
        "a longer name    -  -10.0     -",
    ]
    values = {"x": {"one": 1.006, "two": -0.001, "three": -math.inf, "mean": math.inf}}
    assert compare.as_text(values, 2).splitlines()[1].split() == ["x", "1.01", "0.00", "-inf", "inf"]


def test_rows_are_written_and_read_back(tmp_path):
    rows = [row("x, with comma", "one", "Bläser", 1.25, seconds=0.5), row("y", "one", "a", math.nan)]
    compare.write_csv(tmp_path / "new" / "rows.csv", rows)
    with (tmp_path / "new" / "rows.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["method", "track", "source", "sdr", "si_sdr", "si_sdr_improvement", "seconds"]
    assert (table[0]["method"], table[0]["source"]) == ("x, with comma", "Bläser")
    assert float(table[0]["sdr"]) == 1.25
    assert math.isnan(float(table[1]["sdr"]))
    with pytest.raises(FileExistsError, match="exists already"):
        compare.write_csv(tmp_path / "new" / "rows.csv", rows, force=False)


def test_a_table_is_written_whole(tmp_path):
    compare.write_table(tmp_path / "table.csv", {"a": {"SDR": 1.5}, "b": {"SIR": 2.0, "SDR": -1.0}})
    assert (tmp_path / "table.csv").read_text().split() == ["name,SDR,SIR", "a,1.5,", "b,-1.0,2.0"]


def test_a_separator_that_leaves_out_a_source_is_refused(tracks):
    with pytest.raises(ValueError, match=r"lazy returned no estimate of b in one, got a; does the score name every"):
        compare.compare({"lazy": lambda mixture, rate, score: {"a": mixture}}, tracks)


def test_a_separator_that_returns_another_shape_is_refused(tracks):
    with pytest.raises(
        checks.ShapeError, match=r"the estimate of a that short returned for one and the mixture.*\(1, 899\)"
    ):
        compare.compare({"short": lambda mixture, rate, score: dict.fromkeys("ab", mixture[:, 1:])}, tracks)


@pytest.mark.parametrize("returned", [None, [np.zeros((1, 900))], np.zeros((2, 1, 900))])
def test_a_separator_that_returns_no_dict_is_refused(tracks, returned):
    with pytest.raises(TypeError, match="stack must return a dict of source name -> waveform, got"):
        compare.compare({"stack": lambda mixture, rate, score: returned}, tracks)


def test_an_estimate_that_is_not_finite_is_refused(tracks):
    with pytest.raises(ValueError, match="estimate must be finite"):
        compare.compare({"nan": lambda mixture, rate, score: dict.fromkeys("ab", mixture * np.nan)}, tracks)


def test_figures_and_columns_that_are_misspelt_are_refused():
    with pytest.raises(ValueError, match=r"metric must be one of .*did you mean 'sdr'"):
        compare.pivot([], "SDR")
    with pytest.raises(ValueError, match=r"columns must be one of .*did you mean 'track'"):
        compare.pivot([], columns="tracks")


def test_the_benchmark_prints_a_table_for_each_set(tmp_path):
    # Trained templates want players that are named after instruments.
    score = Score((Note("oboe", 60, 0.0, 0.5), Note("flute", 67, 0.1, 0.6)))
    for set_, piece, files in (
        ("Bach10-excerpts", "first", ("notes.csv", "notes_coarse.csv")),
        ("Bach10-excerpts", "second", ("notes.csv",)),
        ("URMP-16k", "duet", ("notes.csv",)),
    ):
        folder = tmp_path / set_ / piece
        folder.mkdir(parents=True)
        for name, hz in (("oboe", 261.6), ("flute", 392.0)):
            audio.write_audio(folder / f"{name}.wav", signals.harmonic_tone(hz, 0.6, RATE_HZ, amplitude=0.3), RATE_HZ)
        for file in files:
            write_csv(folder / file, score)
    command = [sys.executable, "-m", "tests.benchmarks.score_informed", "--recordings", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second = (table.splitlines()[1:] for table in done.stdout.strip().split("\n\n"))
    assert first[0].split() == ["first", "second", "mean"]
    assert second[0].split() == ["duet", "mean"]
    names = [line.split("  ")[0] for line in first[1:]]
    assert names[0] == "mixture"
    assert names[-2:] == ["oracle ratio", "oracle wiener"]
    assert {
        "score masks (fine, 0.05 s)",
        "score masks, equal claims (fine, 0.05 s)",
        "score masks (coarse, 0.2 s)",
        "score masks (each note moved, 0.2 s)",
        "score masks (all moved, 0.2 s)",
    } <= set(names)
    cells = [re.split(r" {2,}", line) for line in first[1:]]
    figures = {name: [float(text) for text in texts if text != "-"] for name, *texts in cells}
    assert figures["mixture"] == pytest.approx([0, 0, 0], abs=0.2)
    assert figures["score masks (fine, 0.05 s)"][2] > 8
    # The second piece has no coarse notes: its cell is empty, and the mean is that of the first.
    assert len(figures["score masks (coarse, 0.2 s)"]) == 2
    assert "coarse" not in "".join(second)


def test_the_stereo_benchmark_prints_its_tables():
    command = [sys.executable, "-m", "tests.benchmarks.stereo", "--length", "2", "--methods", "adress", "duet", "hpss"]
    environment = {name: value for name, value in os.environ.items() if name != "MSS_LAB_RECORDINGS"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # From the title on: what a library prints of its own as it loads is not ours to judge.
    first, second, *_, last = done.stdout[done.stdout.index("band: drums, bass") :].strip().split("\n\n")
    names = [re.split(r" {2,}", line)[0] for line in first.splitlines()]
    begin = names.index("mixture")
    assert names[begin : begin + 3] == ["mixture", "adress", "adress, told where"], done.stdout
    assert names[-1] == "oracle multichannel Wiener"
    title, head, *lines = second.splitlines()
    assert title == "band: drums against the rest"
    assert head.split() == ["them", "the", "rest", "gain", "to", "oracle", "s", "mean"]
    figures = {re.split(r" {2,}", line)[0]: [float(text) for text in re.split(r" {2,}", line)[1:]] for line in lines}
    assert list(figures)[:2] == ["mixture", "hpss"]
    for them, rest, gain, to_oracle, _, mean in figures.values():
        assert mean == pytest.approx((them + rest) / 2, abs=0.11)
        assert gain == pytest.approx(mean - figures["mixture"][-1], abs=0.11)
        assert to_oracle == pytest.approx(figures["oracle wiener"][-1] - mean, abs=0.11)
    assert last.startswith("Ahead of ADRess and DUET by 2 dB on the band?")
