"""The picture of a listening test shows the numbers of its summary."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mss_lab import plots
from mss_lab.metrics import listeners


def summary_of(by_system):
    rows = [
        listeners.Rating(f"L{number}", "one", name, float(rating))
        for name, values in {"hidden reference": [100] * 9, **by_system}.items()
        for number, rating in enumerate(values[: len(by_system["P"])])
    ]
    return listeners.summarise(rows)


def test_every_listener_is_a_dot_and_every_system_a_row_with_its_interval():
    summary = summary_of({"P": [40, 50, 66], "Q": [70, 80, 90]})
    ax = plots.ratings(summary, title="A test")
    rows = [label.get_text() for label in ax.get_yticklabels()]
    assert rows == ["hidden reference", "Q", "P"]
    lowest, highest = ax.get_ylim()
    assert lowest > highest  # the first row is at the top
    for row, system in enumerate(summary.systems):
        lines = [line for line in ax.lines if np.allclose(np.mean(line.get_ydata()), row) and len(line.get_xdata()) < 4]
        drawn = [sorted(np.atleast_1d(line.get_xdata())) for line in lines]
        assert sorted(system.by_listener.values()) in drawn
        assert [system.low, system.high] in drawn
        assert [system.mean] in drawn
    assert ax.get_xlabel() == "rating (0 to 100)" and ax.get_title() == "A test"


def test_one_listener_has_no_interval():
    ax = Figure().subplots()
    assert plots.ratings(summary_of({"P": [40]}), ax) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a listener", "mean"]


@pytest.mark.parametrize(
    ("ratings", "words"),
    [
        ([40], "Mean ratings by 1 listener, with 95 % intervals: hidden reference 100, P 40."),
        ([40, 41, 42], "3 listeners, with 95 % intervals: hidden reference 100 (100 to 100), P 41 (39 to 43)."),
    ],
)
def test_the_alternative_text_states_the_values(ratings, words):
    assert words in plots.ratings_in_words(summary_of({"P": ratings}))
