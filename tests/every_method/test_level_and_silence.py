"""Two laws that hold for every method of the catalogue, on one short excerpt of a shipped chorale.

Level: a mixture times a number gives estimates times that number. Silence: what is heard after silence gives the same
estimates, later. Methods that decide (on pitches, streams, the number of peaks, a start) keep the second law
exactly, because they begin at the first sound (`mss_lab.silence`). What others do to each frame moves with the frames,
which are counted from the first sample, by no more than `MOST_MOVED_DB`.

Silent, equal and short channels are in every_method/test_catalogue.py.
"""

import importlib.util
import warnings

import numpy as np
import pytest

from mss_lab import audio, catalogue, compare, signals, silence
from mss_lab.datasets import pieces
from mss_lab.metrics import energy
from mss_lab.refusals import RefusedValue
from mss_lab.score import notes
from mss_lab.score.notes import Note, Score

RATE_HZ = 16_000
START_S, LENGTH_S = 1.0, 2.0
PANS_RAD = (0.35, 0.6, 0.95, 1.2)

PEERS = ("fastmnmf", "ilrma", "auxiva")
# Enough to tell whether the laws hold; by default these methods take long.
SMALL = {
    "fastmnmf": {"iterations": 3, "runs": 2},
    "ilrma": {"iterations": 3, "runs": 2},
    "auxiva": {"iterations": 3},
    "projet": {"iterations": 10},
    "local-gaussian": {"iterations": 2},
    "source-filter": {"iterations": 5, "runs": 1},
    "robust-pca": {"iterations": 10},
}

# Methods that begin at the first sound, so that silence in front of it changes nothing at all.
EXACT = {
    "source-filter", "adress", "duet", "projet", "local-gaussian", *PEERS, "kernel-additive", "repet", "repet-adaptive",
    "repet-similarity", "robust-pca", "sinusoidal", "auditory", "mask-inference", "xumx", "xumx-informed",
    "xumx-score-only", "score-cnn", "score-cnn-timbre", "dsis", "cerberus", "query-by-example",
}  # fmt: skip

# What rounding in single precision may change, in dB of the mixture. Where a pitch is searched for on a grid, rounding
# may move it to the next place.
ROUNDING_DB = -40.0
# How far the SDR may move where the frames move against the music. Constrained NMF has windows of 186 ms, learns from
# this excerpt alone, and hears notes that end before the first sound ring on, so that it cannot begin there.
MOST_MOVED_DB = dict.fromkeys(catalogue.names(downloads=False), 0.1) | {"constrained-nmf": 0.6}


@pytest.fixture(scope="module")
def music():
    """Two seconds of four voices, panned apart: the sources, their mixture and the score, from its first sound on."""
    piece = pieces.load("chorale_a")
    first, last = (round(time_s * piece.sample_rate_hz) for time_s in (START_S, START_S + LENGTH_S))
    sources = {}
    for pan_rad, (name, stem) in zip(PANS_RAD, piece.sources.items(), strict=True):
        mono = audio.resample(stem[:, first:last], piece.sample_rate_hz, RATE_HZ)
        sources[name] = signals.pan(mono, pan_rad).astype(np.float32)
    return sources, sum(sources.values()), notes.shift(piece.score, -START_S)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                name in PEERS and importlib.util.find_spec("pyroomacoustics") is None,
                reason="not run: pyroomacoustics is not installed",
            ),
        )
        for name in catalogue.names(downloads=False)
    ],
)
def answered(request, music):
    """A method's name, its separator, and what it makes of the excerpt as it is."""
    _, mixture, score = music
    plain = catalogue.separator(request.param, **SMALL.get(request.param, {}))

    def separate(mixture, score):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return plain(mixture, RATE_HZ, score if "score" in catalogue.get(request.param).needs else None)

    return request.param, separate, separate(mixture, score)


def difference_db(estimates, expected, mixture):
    """Energy of the difference of two answers, of all estimates together, in dB of that of the mixture."""
    assert tuple(estimates) == tuple(expected)
    away = sum(np.sum(np.square(estimates[name] - expected[name], dtype=float)) for name in expected)
    return 10 * np.log10(max(away / np.sum(np.square(mixture, dtype=float)), 1e-30))


def sdr_db(estimates, sources):
    matched = compare.match(estimates, sources)
    return np.mean([energy.sdr(source, matched[name]) for name, source in sources.items()])


@pytest.mark.parametrize("gain", [0.01, 7.0])
def test_a_louder_mixture_gives_louder_estimates(answered, music, gain):
    _, separate, expected = answered
    _, mixture, score = music
    estimates = separate((gain * mixture).astype(np.float32), score)
    estimates = {name: estimate / np.float32(gain) for name, estimate in estimates.items()}
    assert difference_db(estimates, expected, mixture) < ROUNDING_DB


def test_silence_at_the_ends_moves_the_estimates_and_changes_nothing(answered, music):
    # No whole number of hops, nor of hundredths of a second.
    before, behind = 16_345, 3_001
    name, separate, expected = answered
    sources, mixture, score = music
    padded = np.pad(mixture, ((0, 0), (before, behind)))
    estimates = separate(padded, notes.shift(score, before / RATE_HZ))
    heard = {source: estimate[:, before : before + mixture.shape[1]] for source, estimate in estimates.items()}
    if name in EXACT:
        assert all(not estimates[source][:, :before].any() for source in estimates)
        assert difference_db(heard, expected, mixture) < ROUNDING_DB
    else:
        assert abs(sdr_db(heard, sources) - sdr_db(expected, sources)) < MOST_MOVED_DB[name]


def test_a_recording_sounds_from_its_first_sample_to_its_last_that_is_not_0():
    waveform = np.zeros((2, 200_000))
    assert silence.sounding(waveform) == (0, 0)
    waveform[1, 150_000] = 1e-30
    assert silence.sounding(waveform) == (150_000, 150_001)
    waveform[0, 70_000] = -1.0
    assert silence.sounding(waveform) == (70_000, 150_001)
    assert silence.sounding(np.ones((1, 1))) == (0, 1)


def test_a_separator_hears_what_lies_between_silences_with_its_score():
    heard = []

    @silence.between_silences
    def separate(mixture, sample_rate_hz, score=None, *, gain=1.0):
        heard.append((mixture, score))
        return {"all": (gain * mixture).astype(np.float32)}

    mixture = np.zeros((1, 3_000), np.float32)
    mixture[0, 1_000:2_000] = 0.5
    score = Score((Note("flute", 60, 1.5, 2.5),), ("flute",))
    assert np.array_equal(separate(mixture, 1_000, score, gain=2.0)["all"], 2 * mixture)
    assert np.array_equal(heard[0][0], mixture[:, 1_000:2_000])
    assert heard[0][1].notes[0].onset_s == 0.5
    # Nothing is cut where nothing sounds, or where the score speaks of the silence alone: the method then says so.
    assert not separate(0 * mixture, 1_000)["all"].any()
    separate(mixture, 1_000, Score((Note("flute", 60, 2.2, 2.5),), ("flute",)))
    assert heard[1][0].shape == heard[2][0].shape == mixture.shape


def test_what_is_no_waveform_is_refused_before_it_is_cut():
    with pytest.raises((RefusedValue, TypeError), match="mixture"):
        catalogue.separator("duet")(np.full((2, 100), np.nan, np.float32), RATE_HZ)
