"""Ensembles: fitted on one track and judged on another, as a method of the catalogue, in a file, and refused."""

import json

import numpy as np
import pytest

from mss_lab import catalogue, compare, ensemble, signals
from mss_lab.datasets.track import Track
from mss_lab.metrics import energy
from mss_lab.stacking import regions, weights
from tests.measures import refusal

RATE_HZ = 8000
MEMBERS = (ensemble.Member("hpss", {"window_s": 0.128}), ensemble.Member("hpss", {"window_s": 0.032, "length_s": 0.2}))
DIVIDED = regions.Regions(band_edges_hz=(800.0,), ratio_edges_db=(-6.0,), window_s=0.064)


def track(name, seed, channels=1):
    """Tones and clicks, whose names are those of the estimates of hpss."""
    rng = np.random.default_rng(seed)
    hz = rng.uniform(200, 600, 3)
    tones = sum(signals.harmonic_tone(one, 1.5, RATE_HZ, amplitude=0.1, harmonics=4) for one in hz)
    strokes = signals.clicks(np.sort(rng.uniform(0.1, 1.4, 6)), 1.5, RATE_HZ)
    decay = np.exp(-np.arange(400) / 80) * rng.standard_normal(400)
    strokes = np.convolve(strokes[0], decay)[: strokes.shape[1]][np.newaxis]
    sources = {"harmonic": tones, "percussive": strokes}
    return Track(
        name, RATE_HZ, {key: np.repeat(one, channels, axis=0).astype(np.float32) for key, one in sources.items()}
    )


@pytest.fixture
def registered():
    """Adds methods to the catalogue, and takes them out after the test."""
    names = []

    def register(method):
        names.append(method.name)
        return catalogue.register(method)

    yield register
    for name in names:
        catalogue.unregister(name)


def mean_sdr(separate, piece):
    return np.mean([row.sdr for row in compare.compare({"it": separate}, [piece])])


@pytest.mark.parametrize("divided", [None, DIVIDED], ids=["weights", "regions"])
def test_a_fitted_ensemble_beats_its_members_on_the_data_of_the_fit(divided):
    piece = track("a", 1)
    members = [mean_sdr(catalogue.separator(member.method, **member.options), piece) for member in MEMBERS]
    stack = ensemble.fit(MEMBERS, [piece], divided=divided)
    assert stack.fitted_on == ("a",) and set(stack.weights) == {"harmonic", "percussive"}

    def combined(*mixture):
        return ensemble.separate(stack, *mixture)

    assert mean_sdr(combined, piece) > max(members)


def test_weights_are_those_of_both_tracks_stacked():
    pieces = [track("a", 1), track("b", 2)]
    stack = ensemble.fit(MEMBERS, iter(pieces))
    for source in ("harmonic", "percussive"):
        estimates, sources = [], []
        for piece in pieces:
            of_members = [catalogue.separator(one.method, **one.options)(piece.mixture, RATE_HZ) for one in MEMBERS]
            estimates.append(np.stack([one[source] for one in of_members]))
            sources.append(piece.sources[source])
        expected = weights.fit(weights.products(np.concatenate(sources, axis=1), np.concatenate(estimates, axis=2)))
        assert np.allclose(stack.weights[source], expected, atol=1e-6)


@pytest.mark.parametrize("divided", [None, DIVIDED], ids=["weights", "regions"])
def test_an_ensemble_in_a_file_is_a_method_of_the_catalogue(tmp_path, registered, divided):
    stack = ensemble.fit(MEMBERS, [track("a", 1)], divided=divided)
    path = tmp_path / "stack.json"
    ensemble.write(stack, path)
    entry = registered(ensemble.as_method("two-hpss", ensemble.read(path)))
    assert entry.name in catalogue.names() and entry.title == "A weighted sum of hpss, hpss"
    piece = track("b", 2, channels=2)
    estimates = catalogue.separator("two-hpss")(piece.mixture, RATE_HZ, None)
    expected = ensemble.separate(stack, piece.mixture, RATE_HZ)
    for source, waveform in expected.items():
        assert waveform.dtype == np.float32 and np.array_equal(estimates[source], waveform)
    assert "exists" in refusal(lambda: ensemble.write(stack, path, force=False), FileExistsError)


def test_identical_members_are_the_method_itself():
    piece = track("a", 1)
    alone = catalogue.separator("hpss")(piece.mixture, RATE_HZ, None)
    stack = ensemble.linear([ensemble.Member("hpss")] * 3)
    assert stack.otherwise.tolist() == [0.7, 0.2, 0.1]
    for source, estimate in ensemble.separate(stack, piece.mixture, RATE_HZ).items():
        assert np.allclose(estimate, alone[source], atol=1e-6)


def test_needs_and_libraries_are_those_of_all_members():
    stack = ensemble.linear([ensemble.Member("xumx"), ensemble.Member("dsis")], [0.5, 0.5])
    entry = ensemble.as_method("networks", stack, title="Two networks")
    assert entry.needs == {"score"} and "torch" in entry.libraries and entry.title == "Two networks"


def late_hpss(mixture, sample_rate_hz, score=None):
    estimates = catalogue.separator("hpss")(mixture, sample_rate_hz, score)
    return {name: np.roll(waveform, 40, axis=1) for name, waveform in estimates.items()}


def test_a_late_member_is_noticed_and_moved(registered):
    registered(catalogue.Method(name="late-hpss", title="hpss, 5 ms late", function=late_hpss))
    piece = track("a", 1)
    message = refusal(lambda: ensemble.fit([ensemble.Member("hpss"), ensemble.Member("late-hpss")], [piece]))
    assert "late-hpss" in message and "40 samples" in message and "late_s=0.005000" in message
    both = [ensemble.Member("hpss"), ensemble.Member("late-hpss", late_s=0.005)]
    combined = ensemble.separate(ensemble.linear(both, [0.5, 0.5]), piece.mixture, RATE_HZ)
    alone = catalogue.separator("hpss")(piece.mixture, RATE_HZ, None)
    assert all(energy.sdr(alone[name][:, :-40], combined[name][:, :-40]) > 60 for name in alone)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: ensemble.linear([], []), ValueError, "at least one member"),
        (lambda: ensemble.linear(["hpss"], [1]), TypeError, "pass Member('hpss')"),
        (lambda: ensemble.linear([ensemble.Member("hpps")], [1]), ValueError, "did you mean 'hpss'"),
        (lambda: ensemble.linear(MEMBERS, [0.5, 0.6]), ValueError, "add up to 1"),
        (lambda: ensemble.linear(MEMBERS, [1.5, -0.5]), ValueError, "0 or more"),
        (lambda: ensemble.linear(MEMBERS), ValueError, "shape (2,)"),
        (lambda: ensemble.fit(MEMBERS, []), ValueError, "at least one track"),
        (
            lambda: ensemble.fit([MEMBERS[0], ensemble.Member("repet")], [track("a", 1)]),
            ValueError,
            "same sources",
        ),
        (
            lambda: ensemble.fit([ensemble.Member("repet")], [track("a", 1)]),
            ValueError,
            "every source of a",
        ),
        (
            lambda: ensemble.Ensemble(MEMBERS, {"harmonic": np.ones((3, 3, 2))}, np.ones(2), DIVIDED),
            ValueError,
            "weights['harmonic']",
        ),
    ],
)
def test_bad_ensembles_are_refused(call, error, words):
    assert words in refusal(call, error)


@pytest.mark.parametrize(
    "change, words",
    [
        ("{", "no ensemble"),
        ("[]", "no ensemble"),
        ({"format": "other"}, "its format is 'other'"),
        ({"members": None}, "no ensemble"),
        ({"members": [{"method": "hpss", "late": 3}]}, "late"),
        ({"members": [{"method": "nothing"}]}, "nothing"),
        ({"otherwise": [1]}, "shape (2,)"),
        ({"weights": {"harmonic": [float("nan"), 1]}}, "finite"),
        ({"weights": {"harmonic": ["a", 1]}}, "no ensemble"),
        ({"regions": {"band_edges_hz": [2, 1]}}, "must rise"),
        ("without fitted_on", "'fitted_on' is missing"),
    ],
)
def test_damaged_files_are_refused_in_words(tmp_path, change, words):
    path = tmp_path / "stack.json"
    ensemble.write(ensemble.linear(MEMBERS, [0.5, 0.5]), path)
    content = json.loads(path.read_text())
    if isinstance(change, dict):
        content.update(change)
    elif change == "without fitted_on":
        del content["fitted_on"]
    path.write_text(json.dumps(content) if isinstance(change, dict) or "fitted" in change else change)
    message = refusal(lambda: ensemble.read(path))
    assert words in message and "stack.json" in message


def test_files_that_do_not_exist_and_options_that_are_no_text_are_refused(tmp_path):
    assert "does not exist" in refusal(lambda: ensemble.read(tmp_path / "none.json"), FileNotFoundError)
    odd = ensemble.linear([ensemble.Member("hpss", {"margin": np.ones(3)})], [1])
    assert "numbers or texts" in refusal(lambda: ensemble.write(odd, tmp_path / "odd.json"), TypeError)
