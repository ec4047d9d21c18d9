"""Networks on recordings: of any length without a seam, at any rate, of any number of channels, for any score."""

import inspect
import tracemalloc

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from mss_lab import catalogue, checks
from mss_lab.neural import apply, frontend, models, weights
from mss_lab.score.notes import Note, Score
from mss_lab.score.roll import piano_roll
from tests.neural.toy_network import ToyNetwork, ToySettings, network

RATE_HZ = 8000


class Fixed(nn.Module):
    """A network that has nothing to learn."""

    sources = ("violin", "bassoon")
    sample_rate_hz = RATE_HZ
    hop_samples = 32
    needs_score = False


class Identity(Fixed):
    """Gives the mixture to the first, nothing to the second, and notes how much it was given at once."""

    longest = 0

    def forward(self, mixture, conditions=None):
        self.longest = max(self.longest, mixture.shape[-1])
        return torch.stack([mixture, torch.zeros_like(mixture)], dim=1)


class Local(Fixed):
    """Masks that follow from the magnitude of nine frames, on the grid of its own transform."""

    def forward(self, mixture, conditions=None):
        transform = frontend.stft(mixture, 128, 32)
        level = nn.functional.avg_pool1d(nn.functional.pad(transform.abs(), (4, 4)), 9, 1)
        mask = torch.sigmoid(3 * torch.sin(20 * level))
        masks = torch.stack([mask, 1 - mask], dim=1)
        return frontend.istft(masks * transform[:, None], 128, 32, length=mixture.shape[-1])


class Reader(Fixed):
    """Plays what is written: a constant for each source wherever its roll says that it sounds."""

    needs_score = True

    def forward(self, mixture, conditions):
        written = conditions["rolls"].any(dim=-1).float().repeat_interleave(32, dim=-1)
        return written[..., : mixture.shape[-1]]


def noise(rng, seconds, channels=1, rate_hz=RATE_HZ):
    return rng.uniform(-0.5, 0.5, (channels, round(seconds * rate_hz))).astype(np.float32)


def error_db(found, expected):
    return 10 * np.log10(max(np.mean((found - expected) ** 2.0), 1e-30) / np.mean(expected**2.0))


@pytest.mark.parametrize("seconds", [0.3, 3.9, 4.0, 4.1, 7.77, 20.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_chunks_of_nothing_changed_are_the_whole(rng, frozen, seconds, channels):
    mixture = frozen(noise(rng, seconds, channels))
    model = Identity()
    estimates = apply.separate(model, mixture, RATE_HZ, chunk_s=4.0, overlap_s=1.0)
    assert tuple(estimates) == ("violin", "bassoon")
    assert_allclose(estimates["violin"], mixture, atol=1e-6)
    assert not estimates["bassoon"].any()
    assert all(estimate.dtype == np.float32 and estimate.shape == mixture.shape for estimate in estimates.values())
    # A chunk of 4 s, what a chunk may gain at the end, and 3/8 s on both sides.
    assert model.longest <= 5.1 * RATE_HZ


@pytest.mark.parametrize("chunk_s, overlap_s", [(2.0, 0.5), (3.3, 1.0), (5.0, 2.5)])
def test_there_is_no_seam(rng, chunk_s, overlap_s):
    mixture = noise(rng, 12.3)
    whole = Local()(torch.from_numpy(mixture))[0].numpy()
    parted = apply.separate(Local(), mixture, RATE_HZ, chunk_s=chunk_s, overlap_s=overlap_s)
    for expected, found in zip(whole, parted.values(), strict=True):
        assert error_db(found[0], expected) < -100
        # Nor anywhere: each tenth of a second by itself.
        stretches = np.array_split(np.arange(len(expected)), 123)
        assert max(error_db(found[0, part], expected[part]) for part in stretches) < -60


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("seconds", [0.7, 15.3])
def test_every_rate_comes_back_in_place(rate_hz, seconds):
    # A tone below half of both rates, faded in and out.
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    swell = np.sin(np.pi * times_s / seconds) ** 2
    tone = (0.5 * swell * np.sin(2 * np.pi * 440 * times_s))[None].astype(np.float32)
    estimates = apply.separate(Identity(), tone, rate_hz, chunk_s=4.0, overlap_s=1.0)
    assert estimates["violin"].shape == tone.shape
    assert error_db(estimates["violin"], tone) < -60


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("samples", [1, 2, 31, 100, 1000])
@pytest.mark.parametrize("channels", [1, 2])
def test_short_audio_keeps_the_contract(rng, rate_hz, samples, channels):
    mixture = rng.uniform(-0.5, 0.5, (channels, samples)).astype(np.float32)
    for estimate in apply.separate(network(dropout=0.0), mixture, rate_hz).values():
        assert estimate.shape == mixture.shape
        assert np.isfinite(estimate).all()


class Humming(Fixed):
    """Never silent, whatever it hears."""

    def forward(self, mixture, conditions=None):
        return torch.ones(len(mixture), 2, mixture.shape[-1])


def test_silence_stays_silent():
    for rate_hz in (8_000, 44_100):
        estimates = apply.separate(Humming(), np.zeros((2, 3 * rate_hz), np.float32), rate_hz)
        assert all(not estimate.any() for estimate in estimates.values())


def test_channels_are_separated_one_by_one(rng):
    model = network(dropout=0.0)
    stereo = noise(rng, 2.0, 2)
    both = apply.separate(model, stereo, RATE_HZ)
    for channel in range(2):
        alone = apply.separate(model, stereo[[channel]], RATE_HZ)
        for name in alone:
            assert_allclose(both[name][[channel]], alone[name], atol=1e-6)
    equal = apply.separate(model, stereo[[0, 0]], RATE_HZ)
    for name in equal:
        assert_allclose(equal[name][0], equal[name][1], atol=1e-7)


def test_double_precision_gives_the_same(rng):
    mixture = noise(rng, 1.0)
    single, double = (apply.separate(Local(), mixture.astype(dtype), RATE_HZ) for dtype in (np.float32, np.float64))
    for name in single:
        assert double[name].dtype == np.float32
        assert_array_equal(double[name], single[name])


def test_a_network_that_is_being_trained_is_left_so(rng):
    model = network()
    model.train()
    first, second = (apply.separate(model, noise(np.random.default_rng(1), 1.0), RATE_HZ) for _ in range(2))
    assert model.training and model.dropout.training
    for name in first:
        assert_array_equal(first[name], second[name])
        assert not np.shares_memory(first[name], second[name])


def quartet(*sources):
    notes = [Note(source, 60 + i, 0.5 + i, 1.5 + 2 * i) for i, source in enumerate(sources)]
    return Score(tuple(notes), sources)


def test_rolls_come_from_the_score_chunk_by_chunk(rng):
    score = Score((Note("bassoon", 45, 0.5, 2.25), Note("violin", 70, 1.0, 6.5), Note("bassoon", 47, 7.0, 9.75)))
    mixture = noise(rng, 10.0)
    found = apply.separate(Reader(), mixture, RATE_HZ, score, chunk_s=2.0, overlap_s=0.5)
    assert tuple(found) == score.sources == ("bassoon", "violin")
    written = piano_roll(score, 1 + 80_000 // 32, RATE_HZ / 32).any(axis=1)
    for source, row in zip(score.sources, written, strict=True):
        assert_allclose(found[source][0], np.repeat(row, 32)[:80_000], atol=1e-6)


def test_at_another_rate_notes_stay_where_they_are(rng):
    score = Score((Note("violin", 70, 1.0, 3.0),), ("violin", "bassoon"))
    found = apply.separate(Reader(), noise(rng, 5.0, rate_hz=44_100), 44_100, score)["violin"][0]
    times_s = np.arange(len(found)) / 44_100
    assert_allclose(found[(times_s > 1.02) & (times_s < 2.98)], 1, atol=1e-2)
    assert_allclose(found[(times_s < 0.98) | (times_s > 3.02)], 0, atol=1e-2)


def test_a_score_is_asked_for_where_it_is_needed(rng):
    mixture = noise(rng, 1.0)
    with pytest.raises(ValueError, match="this method needs a score, got none"):
        apply.separate(Reader(), mixture, RATE_HZ)
    with pytest.raises(ValueError, match=r"no note within the recording's 1 s, got a first note at 5 s"):
        apply.separate(Reader(), mixture, RATE_HZ, Score((Note("violin", 70, 5.0, 6.0),)))


@pytest.mark.parametrize(
    "names, expected",
    [
        (("violin", "clarinet", "tenor_sax", "bassoon"), [0, 1, 2, 3]),
        (("bassoon", "Saxophone", "Clarinet in Bb", "Violin I"), [3, 2, 1, 0]),
        (("bn", "vn"), [3, 0]),
        (("fagott",), [3]),
        (("TENOR SAX",), [2]),
    ],
)
def test_players_are_found_by_name_and_by_instrument(names, expected):
    sources = ("violin", "clarinet", "tenor_sax", "bassoon")
    found = apply.players_for(sources, quartet(*names))
    assert tuple(found) == names
    assert list(found.values()) == expected


def test_names_of_which_no_instrument_is_known_serve_as_names():
    assert apply.players_for(("soprano", "low_end"), quartet("low_end")) == {"low_end": 1}
    assert apply.players_for(("a", "b"), None) == {"a": 0, "b": 1}


def test_players_that_a_network_does_not_know_are_refused_in_words():
    sources = ("violin", "bassoon")
    with pytest.raises(
        ValueError, match=r"separates violin, bassoon, and no others; the score has 'viola', 'blob'; choose"
    ):
        apply.players_for(sources, quartet("violin", "viola", "blob"))
    with pytest.raises(ValueError, match=r"players=\{'viola': 'violin'\}"):
        apply.players_for(sources, quartet("violin", "viola"))
    with pytest.raises(
        ValueError, match=r"one of each; the score has 'violin 1' and 'violin 2', which are both its viol"
    ):
        apply.players_for(sources, quartet("violin 1", "violin 2"))
    with pytest.raises(ValueError, match="the score has 'drums'"):
        apply.players_for(("acoustic_grand_piano",), quartet("drums"))


def test_a_source_that_does_not_play_need_not_be_known(rng):
    score = Score((Note("violin", 70, 0.0, 1.0),), ("Violin 2", "violin", "silent", "bassoon"))
    sources = ("violin", "bassoon")
    assert apply.players_for(sources, score) == {"Violin 2": None, "violin": 0, "silent": None, "bassoon": 1}
    mixture = noise(rng, 1.0)
    estimates = apply.separate(Local(), mixture, RATE_HZ, score)
    assert tuple(estimates) == score.sources
    assert not estimates["silent"].any() and not estimates["Violin 2"].any()
    assert_array_equal(estimates["violin"], apply.separate(Local(), mixture, RATE_HZ)["violin"])
    nobody = Score((), ("silent",))
    assert not apply.separate(Local(), mixture, RATE_HZ, nobody)["silent"].any()


def test_who_stands_for_whom_can_be_said():
    sources = ("violin", "bassoon")
    score = quartet("viola", "cello")
    assert apply.players_for(sources, score, {"cello": "bassoon", "viola": "violin"}) == {"viola": 0, "cello": 1}
    with pytest.raises(ValueError, match="players must be one of 'cello', 'viola', got 'flute'"):
        apply.players_for(sources, score, {"flute": "violin"})
    with pytest.raises(ValueError, match=r"players\['viola'\] must be one of 'bassoon', 'violin', got 'oboe'"):
        apply.players_for(sources, score, {"viola": "oboe"})


def test_only_the_players_of_the_score_are_given(rng):
    mixture = noise(rng, 2.0)
    score = quartet("bassoon")
    (estimate,) = apply.separate(Local(), mixture, RATE_HZ, score).values()
    assert_array_equal(estimate, apply.separate(Local(), mixture, RATE_HZ)["bassoon"])


def test_memory_does_not_grow_with_the_recording():
    # Beside the mixture and the result; torch's own memory does not count here, and a chunk is a chunk.
    extra = []
    for seconds in (60, 240):
        mixture = np.full((1, seconds * RATE_HZ), 0.1, np.float32)
        tracemalloc.start()
        result = apply.separate(Identity(), mixture, RATE_HZ, chunk_s=10.0)
        extra.append(tracemalloc.get_traced_memory()[1] - sum(estimate.nbytes for estimate in result.values()))
        tracemalloc.stop()
    assert extra[1] < 1.1 * extra[0]


def test_what_makes_no_sense_is_refused(rng):
    mixture = noise(rng, 1.0)
    with pytest.raises(ValueError, match="chunk_s must be a number at least 8"):
        apply.separate(Identity(), mixture, RATE_HZ, chunk_s=5.0)
    with pytest.raises(ValueError, match=r"overlap_s must be a number at least 0\.1"):
        apply.separate(Identity(), mixture, RATE_HZ, overlap_s=0)
    with pytest.raises(checks.ShapeError, match="a mono signal keeps a channel axis"):
        apply.separate(Identity(), mixture[0], RATE_HZ)
    with pytest.raises(ValueError, match="sample_rate_hz must be"):
        apply.separate(Identity(), mixture, 44)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Toys whose weights are shipped, and their entries in the catalogue."""
    monkeypatch.setitem(models.MODELS, "toy", "tests.neural.toy_network:ToyNetwork")
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path))
    entries = []
    for name, score in (("toy-plain", False), ("toy-reader", True)):
        model = ToyNetwork(ToySettings(dropout=0.0, score=score))
        weights.save(model, tmp_path / "models" / "networks" / f"{name}.safetensors", {}, dtype="float16")
        lesson = "notebooks/17_xumx.ipynb"
        function = apply.network_separator(
            name, lesson=lesson, reference="this test.", bytes_at_once=1e6, bytes_a_second=1e6
        )
        monkeypatch.setattr(apply, name.replace("-", "_"), function, raising=False)
        entry = catalogue.Method(
            name=name,
            title="A toy",
            function=f".neural.apply:{name.replace('-', '_')}",
            needs=frozenset({"score"} if score else ()),
            gives="a violin and a bassoon",
            lesson=lesson,
            reference="this test",
            assumes="Nothing much",
            fits=frozenset({"score", "pitched"} if score else {"pitched"}),
        )
        entries.append(catalogue.register(entry))
    yield entries
    for entry in entries:
        catalogue.unregister(entry.name)


def test_shipped_weights_are_a_method_of_the_catalogue(shipped, rng):
    mixture = noise(rng, 2.0, 2, 22_050)
    score = quartet("violin", "bassoon")
    for entry in shipped:
        estimates = catalogue.separator(entry.name)(mixture, 22_050, score)
        assert tuple(estimates) == score.sources
        assert all(estimate.shape == mixture.shape and estimate.any() for estimate in estimates.values())
        options = entry.defaults()
        assert options == {"chunk_s": apply.CHUNK_S, "overlap_s": apply.OVERLAP_S, "players": None, "weights": None}
        documented = inspect.getdoc(entry.load())
        assert f"Lesson: {entry.lesson}" in documented
        assert all(option in documented for option in options)
    with pytest.raises(ValueError, match="needs a score, got none"):
        catalogue.separator("toy-reader")(mixture, 22_050)
