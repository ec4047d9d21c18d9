"""The chooser: what the small mixtures are said to be they are, and what a method is said to assume it needs."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from mss_lab import catalogue
from mss_lab.lessons import chooser
from mss_lab.metrics import energy


@pytest.fixture(scope="module")
def cases():
    return chooser.cases(np.random.default_rng(14))


def test_cases_are_stereo_pairs_that_a_seed_repeats(cases):
    again = chooser.cases(np.random.default_rng(14))
    assert len(cases) == 8
    for title, case in cases.items():
        assert case.facts <= set(catalogue.FACTS)
        assert {"stereo", "two"} <= case.facts
        assert len(case.track.sources) == 2
        assert case.track.mixture.shape == (2, round(chooser.LENGTH_S * chooser.RATE_HZ))
        assert_array_equal(case.track.mixture, again[title].track.mixture)
        # Both sources taken together, the mixture itself has 0 dB.
        left = [energy.sdr(source, case.track.mixture) for source in case.track.sources.values()]
        assert np.mean(left) == pytest.approx(0, abs=0.1)
    with pytest.raises(TypeError, match="rng must be"):
        chooser.cases(1)


def test_what_is_said_of_places_and_scores_is_true(cases):
    for case in cases.values():
        angles = [np.arctan2(*np.sqrt(np.mean(source**2, axis=1))[::-1]) for source in case.track.sources.values()]
        assert (abs(angles[0] - angles[1]) > 0.3) == ("apart" in case.facts)
        if "score" in case.facts:
            for name, source in case.track.sources.items():
                for note in case.track.score.notes_of(name):
                    inside = slice(*(round(t * chooser.RATE_HZ) for t in (note.onset_s + 0.02, note.offset_s - 0.02)))
                    assert np.abs(source[:, inside]).max() > 0.01


# Networks that know four instruments are made for none of these mixtures.
JUDGED = [
    method.name for method in catalogue.METHODS if method.name not in chooser.COMPARED and "known" not in method.fits
]


@pytest.mark.slow(7)
@pytest.mark.parametrize("name", JUDGED)
def test_every_method_does_better_where_its_assumptions_hold(name, cases):
    fits, breaks = [], []
    for case in cases.values():
        (fits if chooser.suited(name, case.facts) else breaks).append(chooser.score_of(name, case))
    assert fits, "no mixture that it is made for"
    assert min(fits) > 2
    known = [value for value in breaks if np.isfinite(value)]
    assert min(known) < min(fits) - 1


def test_a_table_has_a_line_for_every_method_and_gaps_where_something_is_missing(cases):
    few = {title: cases[title] for title in ("two tunes, one place", "organ and drums")}
    found = chooser.table(few, ["score-masks", "hpss"])
    assert list(found) == ["score-masks", "hpss"]
    assert list(found["hpss"]) == list(few)
    assert np.isnan(found["score-masks"]["organ and drums"])
    assert found["score-masks"]["two tunes, one place"] > 10


def test_suited_means_that_every_assumption_is_a_fact():
    assert chooser.suited("adress", {"stereo", "apart", "sparse", "drums"})
    assert not chooser.suited("adress", {"stereo", "apart"})
    with pytest.raises(ValueError, match="method must be one of"):
        chooser.suited("addres", {"stereo"})
