"""Results that a reader reached: estimates are matched in any order, and refused in words that say what is wrong."""

import numpy as np
import pytest

from mss_lab.lessons import answers
from mss_lab.metrics import energy

RNG = np.random.default_rng(0)
SOURCES = {"one": RNG.standard_normal((2, 500)), "other": RNG.standard_normal((2, 500))}
BOTH = np.stack(list(SOURCES.values()))


@pytest.mark.parametrize("answer", [BOTH, BOTH[::-1], list(BOTH), {"b": BOTH[1], "a": BOTH[0]}, 0.95 * BOTH])
def test_estimates_count_in_any_order_and_form(answer):
    assert answers.reached(answer, SOURCES, 20) is None


def test_the_limit_is_the_mean_sdr():
    estimates = BOTH + 0.3 * RNG.standard_normal(BOTH.shape)
    mean_db = np.mean([energy.sdr(source, estimate) for source, estimate in zip(BOTH, estimates, strict=True)])
    assert answers.reached(estimates, SOURCES, mean_db - 0.01) is None
    assert f"mean SDR is {mean_db:.1f} dB" in answers.reached(estimates, SOURCES, mean_db + 0.01)


def test_mono_sources_need_no_axis_of_channels():
    mono = {name: source[:1] for name, source in SOURCES.items()}
    assert answers.reached(BOTH[:, 0], mono, 100) is None
    assert answers.reached(BOTH[:, :1], mono, 100) is None


@pytest.mark.parametrize(
    "answer, words",
    [
        (np.zeros_like(BOTH), "are silent"),
        (np.stack([BOTH.sum(axis=0)] * 2), "all the same sound"),
        (3 * BOTH, "at the level of their sources"),
        (BOTH[:1], "got 1: one for each source"),
        (BOTH[:, :, :-1], "got one that is an array of shape"),
        (BOTH * np.nan, "NaN or infinite"),
        (BOTH * 1j, "must be 2 estimates"),
        ("loud", "must be 2 estimates"),
    ],
)
def test_what_is_wrong_is_said(answer, words):
    assert words in answers.reached(answer, SOURCES, 10)


@pytest.mark.parametrize("blank", [None, ..., NotImplemented])
def test_an_open_answer_is_blank(blank):
    with pytest.raises(answers.Blank):
        answers.reached(blank, SOURCES, 10)
