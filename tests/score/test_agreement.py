"""Whether a score suits a recording as it stands, and the tuning it is heard in, on rendered and real music."""

import warnings

import numpy as np
import pytest

from mss_lab import audio, catalogue
from mss_lab.datasets import pieces
from mss_lab.score import agreement, notes
from mss_lab.score.notes import Note, Score
from mss_lab.score.reading import ScoreWarning
from tests.benchmarks import agreement as benchmark

EXCERPT_S = 12.0


@pytest.fixture(scope="module")
def excerpt():
    """The start of a chorale: mixture, rate, score."""
    piece = pieces.load("chorale_a")
    return piece.mixture[:, : round(EXCERPT_S * piece.sample_rate_hz)], piece.sample_rate_hz, piece.score


def played_faster(ratio, excerpt):
    """The excerpt as on a record that turns too fast: higher and faster by one ratio, and its notes too."""
    mixture, rate, score = excerpt
    turned = audio.resample(mixture, round(rate * ratio), rate)
    return turned, rate, notes.with_tempo(score, round(rate * ratio) / rate)


@pytest.mark.parametrize("tuning_hz", [415.0, 432.0, 440.0, 442.0, 465.0])
def test_the_tuning_of_a_recording_is_found(excerpt, tuning_hz):
    found = agreement.agreement(*played_faster(tuning_hz / 440, excerpt))
    assert found.tuning_hz == pytest.approx(tuning_hz, rel=0.004)
    assert not found.is_doubtful


@pytest.mark.slow(7)
@pytest.mark.parametrize("method", ["score-masks", "informed-nmf"])
def test_a_recording_in_baroque_pitch_is_separated_as_well_as_any(excerpt, method):
    turned = played_faster(415 / 440, excerpt)
    plain, low = (catalogue.separator(method)(*given) for given in (excerpt, turned))
    for name, waveform in plain.items():
        same, _, _ = played_faster(415 / 440, (waveform, *excerpt[1:]))
        length = min(same.shape[1], low[name].shape[1])
        error = np.mean((low[name][:, :length] - same[:, :length]) ** 2)
        assert 10 * np.log10(np.mean(same**2) / error) > 5, f"{name} differs"


def test_a_score_moved_a_little_is_believed_and_a_wrong_one_is_not(excerpt):
    mixture, rate, score = excerpt
    moved = notes.jitter(score, 0.2, rng=np.random.default_rng(0))
    assert not agreement.agreement(mixture, rate, moved).is_doubtful
    assert agreement.agreement(mixture, rate, pieces.load("band").score).is_doubtful
    assert agreement.agreement(mixture, rate, notes.shift(score, 3.0)).is_doubtful
    assert agreement.agreement(mixture, rate, score).confidence > 0.8


def test_a_long_recording_is_judged_by_excerpts(excerpt, monkeypatch):
    mixture, rate, score = excerpt
    monkeypatch.setattr(agreement, "JUDGED_S", 6.0)
    monkeypatch.setattr(agreement, "EXCERPT_S", 2.0)
    found = agreement.agreement(mixture, rate, score)
    assert found.confidence > 0.8
    assert found.tuning_hz == pytest.approx(440, abs=3)
    assert agreement.agreement(mixture, rate, notes.shift(score, 3.0)).is_doubtful


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [1, 100, 8_000])
def test_nothing_speaks_against_a_score_where_there_is_nothing_to_hear(channels, samples):
    found = agreement.agreement(np.zeros((channels, samples)), 8_000, Score((Note("a", 60, 0.0, 1.0),)))
    assert (found.confidence, found.tuning_hz) == (1.0, 440.0)


def test_a_score_that_promises_the_same_all_the_time_cannot_be_wrong_in_time(rng):
    noise = rng.standard_normal((1, 16_000))
    assert agreement.agreement(noise, 8_000, Score((Note("a", 60, 0.0, 9.0),))).confidence == 1.0


def test_channels_and_level_do_not_count(excerpt):
    mixture, rate, score = excerpt
    plain = agreement.agreement(mixture, rate, score)
    both = agreement.agreement(np.concatenate([mixture, mixture]) * 1e-6, rate, score)
    assert both.confidence == pytest.approx(plain.confidence, abs=1e-3)
    assert both.tuning_hz == pytest.approx(plain.tuning_hz, abs=0.01)


@pytest.mark.slow(9)
def test_methods_warn_of_a_wrong_score_once_and_not_where_the_tuning_is_told(excerpt):
    mixture, rate, score = excerpt
    wrong = notes.shift(score, 3.0)
    for method in ("score-masks", "informed-nmf"):
        with pytest.warns(ScoreWarning, match=r"hardly fits.*Align it") as caught:
            catalogue.separator(method)(mixture, rate, wrong)
        assert len(caught) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            catalogue.separator(method, tuning_hz=440.0)(mixture, rate, wrong)
            catalogue.separator(method)(mixture, rate, score)


@pytest.mark.slow(28)
@pytest.mark.recordings
def test_real_recordings_tell_right_scores_from_wrong_ones(recordings):
    table = benchmark.confidences(benchmark.recordings_and_pieces(recordings))
    right = [value for row in table.values() for name in ("its own", "each note moved") for value in row[name]]
    wrong = [value for row in table.values() for value in row["moved as a whole"] + row["of another piece"]]
    assert min(right) > agreement.LEAST_CONFIDENCE
    assert np.mean(np.array(wrong) < agreement.LEAST_CONFIDENCE) > 0.85
