"""Ratings of a class: files that are read back as written, screening, means with intervals, and bad files refused."""

import itertools

import numpy as np
import pytest
import scipy.integrate
import scipy.special

from mss_lab.metrics import listeners
from mss_lab.metrics.listeners import Rating

HIDDEN = "hidden reference"


def ratings_of(listener, *, hidden=100.0, trials=("one", "two"), **systems):
    return [
        Rating(listener, trial, stimulus, float(rating))
        for trial in trials
        for stimulus, rating in {HIDDEN: hidden, **systems}.items()
    ]


def t_quantile(share, freedom):
    """Student's quantile from the density, integrated and inverted here."""
    scale = scipy.special.gamma((freedom + 1) / 2) / scipy.special.gamma(freedom / 2) / np.sqrt(freedom * np.pi)
    below, above = 0.0, 1000.0
    for _ in range(100):
        middle = (below + above) / 2
        area = scipy.integrate.quad(lambda t: scale * (1 + t * t / freedom) ** (-(freedom + 1) / 2), 0, middle)[0]
        below, above = (middle, above) if 0.5 + area < share else (below, middle)
    return below


def test_a_file_is_read_back_as_it_was_written(tmp_path):
    names = ["Ann", 'one, "two"', "Flöte 1"]
    written = [Rating(names[0], names[1], names[2], 37.5), Rating(names[0], names[1], HIDDEN, 100.0)]
    path = tmp_path / "new folder" / "Ann.csv"
    listeners.write(path, written)
    assert listeners.read(path) == written
    assert listeners.read(path.parent) == written
    assert [item.name for item in path.parent.iterdir()] == ["Ann.csv"]
    # As a spreadsheet saves it: a mark of the encoding, other ends of lines, a column more.
    lines = path.read_text(encoding="utf-8").splitlines()
    table = "\r\n".join(f"{line},{index}" for index, line in enumerate(lines))
    path.write_text(table, encoding="utf-8-sig", newline="")
    assert listeners.read(path) == written


def test_a_page_is_added_to_the_file_and_several_files_are_read_together(tmp_path):
    ann, bob = ratings_of("Ann", P=40), ratings_of("Bob", P=60)
    for page in (ann[:2], ann[2:]):
        listeners.add(listeners.path_of(tmp_path, "Ann"), page)
    listeners.add(listeners.path_of(tmp_path, "Bob"), bob)
    (tmp_path / "notes.txt").write_text("not a table")
    assert listeners.read(tmp_path) == ann + bob
    assert listeners.read([tmp_path / "Bob.csv", tmp_path / "Ann.csv"]) == bob + ann
    before = (tmp_path / "Ann.csv").read_bytes()
    with pytest.raises(ValueError, match="two of 'hidden reference' by 'Ann' in trial 'two'; remove one"):
        listeners.add(tmp_path / "Ann.csv", ann[2:])
    with pytest.raises(ValueError, match="holds ratings by 'Ann', another listener; choose another name"):
        listeners.add(tmp_path / "Ann.csv", bob)
    assert (tmp_path / "Ann.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must have the columns listener, trial, stimulus, rating, .* listener is missing"),
        ("listener,trial,stimulus\nAnn,one,P\n", "rating is missing"),
        ("listener;trial;stimulus;rating\nAnn;one;P;3\n", "separated by commas; listener is missing"),
        ("listener,trial,stimulus,rating\n", "holds no rating"),
        (
            "listener,trial,stimulus,rating\nAnn,one,P,101\n",
            "line 2: rating must be a number at least 0 and at most 100",
        ),
        ("listener,trial,stimulus,rating\nAnn,one,P,-1\n", "line 2: rating must be a number at least 0"),
        ("listener,trial,stimulus,rating\nAnn,one,P,nan\n", "line 2: rating must be a number at least 0"),
        ("listener,trial,stimulus,rating\nAnn,one,P,good\n", "line 2: rating must be a number, got 'good'; correct it"),
        ("listener,trial,stimulus,rating\nAnn,one,P\n", "line 2: rating must be a number, got None"),
        ("listener,trial,stimulus,rating\nAnn,,P,3\n", "line 2: trial is empty; write a name"),
        ("listener,trial,stimulus,rating\nAnn,one,P,3\nAnn,one,P,4\n", "two of 'P' by 'Ann' in trial 'one'"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path, text, words):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        listeners.read(tmp_path)


def test_files_that_are_no_tables_or_missing_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no file of ratings; copy the listeners' \.csv files"):
        listeners.read(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"does not exist; name a listener's \.csv file"):
        listeners.read(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"listener,trial,stimulus,rating\n\xff\xfe,\n")
    with pytest.raises(ValueError, match="not a table of text in UTF-8"):
        listeners.read(tmp_path)
    with pytest.raises(ValueError, match="at least one rating, got none"):
        listeners.read([])


def test_the_same_rating_in_two_files_is_refused(tmp_path):
    for name in ("a.csv", "b.csv"):
        listeners.write(tmp_path / name, ratings_of("Ann", P=3))
    with pytest.raises(ValueError, match="the files hold two of 'hidden reference' by 'Ann'"):
        listeners.read(tmp_path)


@pytest.mark.parametrize("name", ["", " ", "a/b", "../up", "CON", "=1+1", "a\nb", None, "x" * 400])
def test_names_that_cannot_name_a_file_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="listener must be a name"):
        listeners.path_of(tmp_path, name)


def test_means_and_intervals_are_those_of_the_trusted_listeners():
    means = {"Ann": (40, 80), "Bob": (50, 90), "Cem": (66, 70)}
    ratings = [one for name, (p, q) in means.items() for one in ratings_of(name, P=p, Q=q)]
    ratings += ratings_of("Dan", hidden=60, P=0, Q=0)
    summary = listeners.summarise(ratings)
    assert (summary.trusted, summary.dropped, summary.trials) == (("Ann", "Bob", "Cem"), ("Dan",), 2)
    assert [system.name for system in summary.systems] == [HIDDEN, "Q", "P"]
    for column, name in enumerate("PQ"):
        values = np.array([pair[column] for pair in means.values()], float)
        width = t_quantile(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
        (system,) = (one for one in summary.systems if one.name == name)
        assert system.mean == pytest.approx(values.mean())
        assert system.low == pytest.approx(max(0, values.mean() - width))
        assert system.high == pytest.approx(min(100, values.mean() + width))
        assert system.by_listener == dict(zip(means, values, strict=True))
    hidden = summary.systems[0]
    assert (hidden.mean, hidden.low, hidden.high) == (100, 100, 100)


def test_the_interval_holds_the_true_mean_in_95_of_100_tests():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(300):
        ratings = [
            one
            for listener, rating in enumerate(rng.normal(50, 8, 6))
            for one in ratings_of(f"L{listener}", trials=("one",), P=rating)
        ]
        (system,) = (one for one in listeners.summarise(ratings).systems if one.name == "P")
        inside += system.low <= 50 <= system.high
    # Three standard deviations of 300 draws are 3.8 %.
    assert inside / 300 == pytest.approx(0.95, abs=0.038)


def test_each_listener_counts_once_however_many_trials_are_rated():
    ratings = ratings_of("Ann", trials=("one", "two", "three"), P=90) + ratings_of("Bob", trials=("one",), P=30)
    (system,) = (one for one in listeners.summarise(ratings).systems if one.name == "P")
    assert system.mean == 60
    # The order of the lines makes no difference.
    for order in itertools.islice(itertools.permutations(ratings), 0, 5000, 1000):
        assert {(one.name, one.mean) for one in listeners.summarise(order).systems} == {("P", 60), (HIDDEN, 100)}


def test_one_listener_has_no_interval():
    summary = listeners.summarise(ratings_of("Ann", P=40))
    (system,) = (one for one in summary.systems if one.name == "P")
    assert (system.mean, system.low, system.high) == (40, 0, 100)
    assert "of one listener: none" in summary.as_text()


def test_the_table_states_means_intervals_and_who_was_dropped():
    ratings = [one for i in range(4) for one in ratings_of(f"L{i}", P=40 + i)] + ratings_of("Dan", hidden=0, P=9)
    lines = listeners.summarise(ratings).as_text().splitlines()
    assert lines[1] == "hidden reference  100.0   100.0 to 100.0"
    assert lines[2].split() == ["P", "41.5", "39.4", "to", "43.6"]
    assert lines[3] == "4 of 5 listeners trusted, 2 trials"
    assert lines[4] == "dropped, since they missed the hidden reference too often: Dan"


def test_a_test_without_a_trusted_listener_has_no_result():
    with pytest.raises(ValueError, match="none of 1 listeners can be trusted"):
        listeners.summarise(ratings_of("Dan", hidden=10, P=9))
    with pytest.raises(ValueError, match="none of 1 listeners can be trusted"):
        listeners.summarise([Rating("Dan", "one", "P", 50.0)])
    with pytest.raises(ValueError, match="at least one rating, got none"):
        listeners.summarise([])
