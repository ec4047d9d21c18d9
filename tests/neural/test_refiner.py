"""The refiner: its masks, what it sees of phase and of neighbours, the cues it is told, and recordings parted by it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import signals, transforms
from mss_lab.datasets import store
from mss_lab.metrics.energy import sdr
from mss_lab.neural import cues, frontend, make_cues, models, recipes, refine, train, training_data, weights
from mss_lab.neural.models import refiner
from mss_lab.nmf import fixed_pitch
from mss_lab.score.notes import Note, Score

RATE_HZ = 16_000
SMALL = {"channels": [8, 8], "bins": 512}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return models.build("refiner", SMALL)


@pytest.fixture
def told_nothing(rng):
    """A batch of two segments, three players, and what they are told, all at random."""
    frames, samples = 12, 11 * 1024
    return {
        "sources": torch.from_numpy(rng.normal(0, 0.1, (2, 3, samples)).astype(np.float32)),
        "models": torch.from_numpy(rng.random((2, 3, 512, frames)).astype(np.float32)),
        "fundamentals": torch.from_numpy(rng.uniform(20, 100, (2, 3, frames)).astype(np.float32)),
        "sounding": torch.from_numpy(rng.integers(0, 2, (2, 3, frames)).astype(np.float32)),
        "key_length_s": torch.from_numpy(rng.uniform(0, 60, (2, 3, frames)).astype(np.float32)),
    }


def with_an_opinion(network):
    """The network with a last layer that says something."""
    torch.nn.init.normal_(network.outward.weight, 0, 0.3, generator=torch.Generator().manual_seed(1))
    return network


def duet(seconds=3.0):
    """Two players a fifth apart, one with vibrato, and their score."""
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swing = 0.02 * np.sin(2 * np.pi * 5.5 * times_s)
    high = sum(np.sin(h * (2 * np.pi * 440 * times_s + 6 * swing)) / h for h in range(1, 8))
    low = sum(np.sin(2 * np.pi * h * 293.66 * times_s) / h**1.5 for h in range(1, 8))
    sources = {"high": 0.1 * high[np.newaxis], "low": 0.1 * low[np.newaxis]}
    notes = (Note("high", 69, 0.0, seconds), Note("low", 62, 0.0, seconds))
    return {name: x.astype(np.float32) for name, x in sources.items()}, Score(notes, ("high", "low"))


# The network


def test_masks_add_up_to_one_whatever_the_network_says(network, told_nothing):
    network = with_an_opinion(network)
    mixture = told_nothing["sources"].sum(dim=1)
    transform = frontend.stft(mixture, 4096, 1024)
    offsets = refiner.reassigned(mixture, transform, 4096, 1024)
    masks = network.all_masks(transform.abs(), offsets, told_nothing)
    assert masks.shape == (2, 3, 2049, 12)
    assert masks.min() >= 0
    assert_allclose(masks.sum(dim=1).detach(), 1, atol=1e-5)
    assert_allclose(network(mixture, told_nothing).sum(dim=1).detach(), mixture, atol=1e-6)


def test_training_starts_from_nmf(network, told_nothing):
    mixture = told_nothing["sources"].sum(dim=1)
    transform = frontend.stft(mixture, 4096, 1024)
    told = told_nothing["models"].double() / transform[:, :512].abs().amax(dim=(1, 2))[:, None, None, None] + 1e-5
    wanted = told**2 / (told**2).sum(dim=1, keepdim=True)
    offsets = refiner.reassigned(mixture, transform, 4096, 1024)
    found = network.masks(transform[:, :512].abs(), offsets[:, :, :512], *list(told_nothing.values())[1:])
    assert_allclose(found.detach(), wanted, atol=1e-5)


def test_the_order_of_players_does_not_matter(network, told_nothing):
    network = with_an_opinion(network)
    mixture = told_nothing["sources"].sum(dim=1)
    order = [2, 0, 1]
    turned = {name: tensor[:, order] for name, tensor in told_nothing.items()}
    assert_allclose(network(mixture, turned).detach(), network(mixture, told_nothing)[:, order].detach(), atol=1e-5)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 30.0])
def test_level_does_not_matter(network, told_nothing, factor):
    network = with_an_opinion(network)
    mixture = told_nothing["sources"].sum(dim=1)
    louder = {**told_nothing, "models": told_nothing["models"] * factor}
    found = network(mixture * factor, louder) / factor
    assert_allclose(found.detach(), network(mixture, told_nothing).detach(), atol=2e-4)


def test_the_loss_is_minus_the_sdr(network, told_nothing):
    estimates = network(told_nothing["sources"].sum(dim=1), told_nothing).detach()
    ratios_db = [
        sdr(source[None].numpy(), estimate[None].numpy())
        for source, estimate in zip(told_nothing["sources"].flatten(0, 1), estimates.flatten(0, 1), strict=True)
    ]
    assert float(network.loss(told_nothing).detach()) == pytest.approx(-np.mean(ratios_db), abs=0.05)


def test_a_player_who_rests_is_not_judged(network, told_nothing):
    silent = {**told_nothing, "sources": told_nothing["sources"].clone()}
    silent["sources"][:, 2] = 0
    alone = network(silent["sources"].sum(dim=1), silent).detach()[:, :2]
    two = silent["sources"][:, :2]
    ratio_db = 10 * torch.log10((two - alone).square().sum(-1) / two.square().sum(-1))
    assert float(network.loss(silent).detach()) == pytest.approx(float(ratio_db.mean()), abs=0.05)
    nothing = {**told_nothing, "sources": torch.zeros_like(told_nothing["sources"])}
    assert torch.isfinite(network.loss(nothing))


def test_below_the_lowest_note_nothing_is_corrected(network, told_nothing):
    network = with_an_opinion(network)
    mixture = told_nothing["sources"].sum(dim=1)
    told_nothing["fundamentals"][..., :6] = 50.0
    told_nothing["fundamentals"][..., 6:] = 0.0
    transform = frontend.stft(mixture, 4096, 1024)
    offsets = refiner.reassigned(mixture, transform, 4096, 1024)
    given = transform[:, :512].abs(), offsets[:, :, :512], *list(told_nothing.values())[1:]
    changed = (network.masks(*given) - network.masks(*given, strength=0.0)).abs().amax(dim=1).detach()
    assert_array_equal(changed[:, :35, :6], 0)
    assert changed[:, 35:, :6].min() > 0
    assert changed[:, :, 6:].min() > 0, "where nobody has a note, nothing is known to be below"


def test_bins_must_suit_the_levels():
    with pytest.raises(ValueError, match="bins must be a multiple of 8"):
        models.build("refiner", {**SMALL, "bins": 500})
    with pytest.raises(ValueError, match="at most 2048"):
        models.build("refiner", {**SMALL, "bins": 4096})


# What it sees


def test_phase_tells_the_frequency_of_a_tone_and_the_time_of_a_click():
    times = torch.arange(4 * 4096)
    tone = torch.sin(2 * torch.pi * 441.3 / RATE_HZ * times)[None]
    bins = refiner.reassigned(tone, frontend.stft(tone, 4096, 1024), 4096, 1024)[0, 0, :, 8]
    true_bin = 441.3 * 4096 / RATE_HZ
    for place in (112, 113, 114):
        assert place + float(bins[place]) == pytest.approx(true_bin, abs=0.01)
    click = torch.zeros(1, 4 * 4096)
    click[0, 8 * 1024 + 300] = 1.0
    hops = refiner.reassigned(click, frontend.stft(click, 4096, 1024), 4096, 1024)[0, 1]
    assert_allclose(hops[100:1000, 8], 300 / 1024, atol=1e-3)
    assert_allclose(hops[100:1000, 9], 300 / 1024 - 1, atol=1e-3)


def test_silence_has_no_place():
    silence = torch.zeros(1, 8192)
    assert not refiner.reassigned(silence, frontend.stft(silence, 4096, 1024), 4096, 1024).any()


def test_features_of_neighbouring_harmonics_come_from_one_fundamental_away():
    features = torch.arange(40.0).reshape(1, 1, 1, 40, 1)
    up = refiner._shifted(features, torch.full((1, 1, 1), 7.4))[0, 0, 0, :, 0]
    assert_array_equal(up[:33], np.arange(7, 40))
    assert not up[33:].any()
    down = refiner._shifted(features, torch.full((1, 1, 1), -7.4))[0, 0, 0, :, 0]
    assert_array_equal(down[7:], np.arange(33))
    assert not down[:7].any()
    assert not refiner._shifted(features + 1, torch.zeros(1, 1, 1)).any(), "no note, no neighbour"


def test_a_fundamental_is_that_of_the_nearest_note():
    notes = np.array([(0, 69, 1.0, 2.0), (0, 57, 2.3, 3.0), (1, 81, 0.0, 0.1)])
    told = cues.fundamentals(notes, 2, 40, 0.1, 4.0)
    where = told["fundamentals"]
    assert where[0, 15] == pytest.approx(110.0)
    assert where[0, 27] == pytest.approx(55.0)
    assert where[0, 21] == pytest.approx(110.0), "rings on"
    assert where[0, 22] == pytest.approx(55.0), "nearer to the next"
    assert where[0, 6] == 0 and where[0, 8] == pytest.approx(110.0)
    assert_array_equal(np.flatnonzero(told["sounding"][0]), [*range(10, 21), *range(23, 31)])
    later = cues.fundamentals(notes, 2, 10, 0.1, 4.0, start_s=1.5)
    for name, array in told.items():
        assert_array_equal(later[name], array[:, 15:25])
    tuned = cues.fundamentals(notes, 2, 40, 0.1, 4.0, tuning_hz=415.0)
    assert tuned["fundamentals"][0, 15] == pytest.approx(110.0 * 415 / 440)


def test_a_note_is_known_as_long_as_it_is_heard_in_all():
    notes = np.array([(0, 69, 1.0, 2.0), (0, 57, 2.3, 3.0), (0, 69, 3.3, 3.8), (1, 69, 0.0, 0.1)])
    key_length_s = cues.fundamentals(notes, 2, 40, 0.1, 4.0)["key_length_s"]
    assert_allclose(key_length_s[0, [15, 27, 36]], [1.5, 0.7, 1.5])
    assert_allclose(key_length_s[1, [0, 20]], [0.1, 0.0])


def test_of_a_chord_the_first_is_told():
    notes = np.array([(0, 69, 0.0, 1.0), (0, 76, 0.0, 1.0)])
    assert_allclose(cues.fundamentals(notes, 1, 5, 0.1, 4.0)["fundamentals"], 110.0)


# On recordings


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100])
def test_estimates_add_up_at_any_rate(network, rate_hz):
    sources, score = duet(2.0)
    mixture = sum(sources.values())
    mixture = np.repeat(np.concatenate([mixture, 0.5 * mixture]), 3, axis=1)[:, : 2 * rate_hz]
    found = refine.separate(mixture, rate_hz, score, weights=with_an_opinion(network))
    assert list(found) == ["high", "low"]
    assert_allclose(sum(found.values()), mixture, atol=2e-6)
    assert all(estimate.shape == mixture.shape and estimate.dtype == np.float32 for estimate in found.values())


def test_without_corrections_it_is_nmf_on_the_networks_grid(network):
    sources, score = duet()
    mixture = sum(sources.values())
    found = refine.separate(mixture, RATE_HZ, score, weights=with_an_opinion(network), strength=0.0)
    alone = fixed_pitch.separate(mixture, RATE_HZ, score)
    for name, source in sources.items():
        assert sdr(source, found[name]) == pytest.approx(sdr(source, alone[name]), abs=0.5)


def test_silence_and_a_single_sample(network):
    score = duet()[1]
    silent = refine.separate(np.zeros((1, RATE_HZ), np.float32), RATE_HZ, score, weights=network)
    assert not any(estimate.any() for estimate in silent.values())
    short = refine.separate(np.full((1, 1), 0.5, np.float32), RATE_HZ, score, weights=network)
    assert_allclose(sum(short.values()), 0.5, atol=1e-6)


def test_channels_share_their_masks(network):
    sources, score = duet()
    mixture = sum(sources.values())
    stereo = np.concatenate([mixture, -mixture])
    one = refine.separate(mixture, RATE_HZ, score, weights=with_an_opinion(network))
    two = refine.separate(stereo, RATE_HZ, score, weights=network)
    for name, estimate in one.items():
        assert_allclose(two[name], np.concatenate([estimate, -estimate]), atol=1e-5)


def scale(seconds=14.0):
    """Two players a tenth apart, who go up a step every half second, and their score."""
    steps = np.arange(round(2 * seconds))
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sources, notes = {}, []
    for name, lowest, falls in (("high", 67, 0.6), ("low", 51, 0.4)):
        # Seven steps, so that no two stretches begin alike.
        midi = lowest + np.array([0, 2, 4, 5, 7, 9, 11])[steps % 7]
        phase = 2 * np.pi * np.cumsum(440 * 2 ** ((np.repeat(midi, RATE_HZ // 2) - 69) / 12)) / RATE_HZ
        strike = np.exp(-4 * (times_s % 0.5))
        sources[name] = (0.1 * strike * sum(falls**h * np.sin(h * phase) for h in range(1, 8)))[np.newaxis]
        notes += [Note(name, float(m), 0.5 * k, 0.5 * k + 0.49) for k, m in zip(steps, midi, strict=True)]
    return {name: x.astype(np.float32) for name, x in sources.items()}, Score(tuple(notes), tuple(sources))


def test_every_stretch_of_a_long_recording_is_told_its_own_notes(network):
    sources, score = scale()
    mixture = sum(sources.values())
    found = refine.separate(mixture, RATE_HZ, score, weights=network, strength=0.0, tolerance_s=0.05)
    assert_allclose(sum(found.values()), mixture, atol=2e-6)
    for name, source in sources.items():
        for start in range(0, mixture.shape[1] - RATE_HZ, 2 * RATE_HZ):
            stretch = slice(start, start + 2 * RATE_HZ)
            assert sdr(source[:, stretch], found[name][:, stretch]) > 10

    told = []

    class Listener:
        settings = network.settings
        sample_rate_hz = RATE_HZ

        def parameters(self):
            return network.parameters()

        def separate_channels(self, mixture, cues, *, strength):
            told.append(cues)
            return torch.zeros(2, *mixture.shape)

    refine.separate(mixture, RATE_HZ, score, weights=Listener(), tolerance_s=0.05)
    assert len(told) == 3
    for number, cue in enumerate(told):
        start_s = number * (refine.CHUNK_S - refine.FADE_S)
        middle = round((np.ceil(2 * start_s) / 2 + 0.25 - start_s) * RATE_HZ / 1024)
        playing = next(
            note for note in score.notes if note.source == "high" and note.onset_s >= np.ceil(2 * start_s) / 2
        )
        wanted = 440 * 2 ** ((playing.midi - 69) / 12) * 4096 / RATE_HZ
        assert float(cue["fundamentals"][0, 0, middle]) == pytest.approx(wanted, rel=1e-3)


class Contrary:
    """A network that gives everything to one player in one stretch, and to the other in the next."""

    def __init__(self, network):
        self.settings = network.settings
        self.sample_rate_hz = network.sample_rate_hz
        self.parameters = network.parameters
        self.stretches = 0

    def separate_channels(self, mixture, cues, *, strength):
        self.stretches += 1
        everything, nothing = mixture, torch.zeros_like(mixture)
        return torch.stack([everything, nothing] if self.stretches % 2 else [nothing, everything])


def test_a_long_recording_has_no_seams(network):
    """The tones are so low that a jump from all to nothing is far larger than any step of the mixture itself."""
    times_s = np.arange(20 * RATE_HZ) / RATE_HZ
    tones_hz = (440 * 2 ** ((midi - 69) / 12) for midi in (43, 36))
    mixture = sum(0.3 * np.sin(2 * np.pi * hz * times_s) for hz in tones_hz)[np.newaxis].astype(np.float32)
    score = Score((Note("high", 43, 0.0, 20.0), Note("low", 36, 0.0, 20.0)), ("high", "low"))
    contrary = Contrary(network)
    estimates = refine.separate(mixture, RATE_HZ, score, weights=contrary)
    assert contrary.stretches >= 3
    largest_step = np.abs(np.diff(mixture[0])).max()
    for estimate in estimates.values():
        # Every player has something and nothing in turn, and gets from one to the other without a jump.
        assert np.abs(estimate[0, : 4 * RATE_HZ]).max() > 0.5 or np.abs(estimate[0, -4 * RATE_HZ :]).max() > 0.5
        assert np.abs(np.diff(estimate[0])).max() < 1.1 * largest_step
    np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


def test_what_is_asked_is_checked(network):
    sources, score = duet()
    mixture = sum(sources.values())
    with pytest.raises(ValueError, match="strength"):
        refine.separate(mixture, RATE_HZ, score, weights=network, strength=2.0)
    with pytest.raises((TypeError, ValueError), match="score"):
        refine.separate(mixture, RATE_HZ, None, weights=network)
    with pytest.raises(ValueError, match="without a prime factor above 11"):
        refine.learnt_models(mixture, score, {**make_cues.GRID, "hop_samples": 1000}, tolerance_s=0.2, tuning_hz=440.0)


# Data, and learning from it


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """A store of four songs of two seconds, each of two players an octave apart."""

    def song(index):
        rng = np.random.default_rng(index)
        times_s = np.arange(2 * RATE_HZ) / RATE_HZ
        # An octave: every harmonic of the upper meets one of the lower.
        midi = (57 + index, 69 + index)
        pitches = [
            sum(
                np.sin(2 * np.pi * h * 440 * 2 ** ((m - 69) / 12) * times_s + rng.uniform(0, 6)) / h
                for h in range(1, 9)
            )
            for m in midi
        ]
        notes = [(player, m, 0.1, 1.9) for player, m in enumerate(midi)]
        gate = (times_s > 0.1) & (times_s < 1.9)
        audio = 0.05 * np.stack(pitches) * gate
        return {
            "audio": audio.astype(np.float16),
            "notes": np.array(notes, np.float64),
            "programs": np.array([40, 40 + index], np.uint8),
        }

    folder = tmp_path_factory.mktemp("data") / "songs"
    facts = {"kind": "songs", "sources": ["a", "b"], "sample_rate_hz": RATE_HZ}
    store.make(folder, song, 4, facts=facts)
    return folder


@pytest.fixture(scope="module")
def data(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cues")
    for part, seed in (("train", 1), ("valid", 2)):
        make_cues.make([songs], folder / part / "two", players=2, items=4, seed=seed)
    make_cues.make([songs], folder / "train" / "three", players=3, items=2, seed=1)
    return folder


def test_notes_as_read_are_near_the_notes_played(rng):
    notes = np.array([(0, 60, 0.5 * k, 0.5 * k + 0.45) for k in range(200)])
    fine = make_cues.as_read(notes, 101.0, rng, coarse=False)
    kept = [row for row in fine if row[3] - row[2] > 0.2]
    errors_s = [np.abs(notes[:, 2] - row[2]).min() for row in kept]
    assert 0.002 < np.std(errors_s) < 0.03 and max(errors_s) < 0.15
    assert np.all(np.diff(fine[:, 2]) >= 0) and np.all(fine[:, 3] > fine[:, 2])
    coarse = make_cues.as_read(notes, 101.0, rng, coarse=True)
    assert len(coarse) == len(notes)
    late_s = coarse[:, 2] - np.clip(np.round(coarse[:, 2] / 0.5) * 0.5, 0, None)
    assert 0.15 < np.abs(late_s).max() <= 0.2 + 1e-9


def test_a_transcription_has_its_errors(rng):
    """Sixty players of 200 short notes each; every note of a player has a pitch of its own."""
    notes = np.array([(player, 40 + k / 4, 0.4 * k, 0.4 * k + 0.35) for player in range(60) for k in range(200)])
    read = make_cues.as_read(notes, 81.0, rng, coarse=False)
    # Of every written note: how many semitones it is off, and how long it is.
    off = read[:, 1] - (40 + np.round(read[:, 2] / 0.4) / 4)
    whole = read[:, 3] - read[:, 2] > 0.15
    assert 0.004 < np.mean(~whole) < 0.014, "beginnings taken for another pitch"
    octaves = np.array([np.mean(np.abs(off[whole & (read[:, 0] == player)]) > 11) for player in range(60)])
    assert 0.2 < np.mean(octaves > 0.01) < 0.5, "some players are misread, the others never"
    assert octaves.max() < 0.12
    missing = np.array([1 - np.sum(whole & (read[:, 0] == player)) / 200 for player in range(60)])
    assert 0.02 < missing.max() < 0.1
    assert missing[octaves > 0.03].mean() > 2 * missing[octaves == 0].mean()


def test_pieces_are_the_same_whenever_they_are_made(songs, data, tmp_path):
    first = store.open_store(data / "train" / "three")
    again = make_cues.make([songs], tmp_path / "three", players=3, items=2, seed=1)
    for index in range(2):
        for name, array in first[index].items():
            assert_array_equal(array, again[index][name])
    item = first[0]
    assert item["audio"].shape == (3, 2 * RATE_HZ)
    assert item["models"].shape == (3, 1024, 1 + 2 * RATE_HZ // 1024)
    assert np.abs(item["audio"].astype(float).sum(axis=0)).max() == pytest.approx(0.9, abs=0.01)


def test_microphones_hear_more_than_their_players(songs, tmp_path):
    """The songs have nothing below 200 Hz; of eight players about half rumble."""
    made = make_cues.make([songs], tmp_path / "pieces", players=2, items=4, seed=5)
    shares = []
    for item in made:
        power = np.abs(np.fft.rfft(item["audio"].astype(float))) ** 2
        low = np.fft.rfftfreq(item["audio"].shape[1], 1 / RATE_HZ) < 60
        shares += list(power[:, low].sum(axis=1) / power.sum(axis=1))
    assert sum(share > 3e-4 for share in shares) >= 2, shares
    assert sum(share < 1e-4 for share in shares) >= 1, shares


def test_models_of_pieces_fit_their_players(data):
    """Each player's model lies nearest to that player's own magnitude."""
    item = store.open_store(data / "train" / "two")[0]
    stfts = transforms.stft(item["audio"].astype(np.float32), window_samples=4096, hop_samples=1024)
    true, told = np.abs(stfts)[:, :1024].reshape(2, -1), item["models"].astype(float).reshape(2, -1)
    likeness = np.corrcoef(np.concatenate([true, told]))[:2, 2:]
    assert np.all(np.argmax(likeness, axis=1) == [0, 1])
    assert np.all(np.diag(likeness) > 0.85)


def test_stores_that_do_not_suit_are_refused(songs, data, tmp_path):
    with pytest.raises(ValueError, match="must be a store of cues"):
        cues.batches([store.open_store(songs)], length_frames=8, batch=1, seed=0)
    with pytest.raises(ValueError, match="at least one store"):
        cues.batches([], length_frames=8, batch=1, seed=0)
    with pytest.raises(ValueError, match="must be a store of songs"):
        make_cues.make([data / "train" / "two"], tmp_path / "x", players=2, items=1)
    with pytest.raises(ValueError, match="must hold stores of cues"):
        training_data.stores_in(tmp_path)


def test_batches_depend_on_seed_and_step_alone(data):
    stores = training_data.stores_in(data / "train")
    draw = cues.batches(stores, length_frames=16, batch=2, seed=3)
    players = set()
    for step in range(8):
        batch, same = draw(step), cues.batches(stores, length_frames=16, batch=2, seed=3)(step)
        players.add(batch["sources"].shape[1])
        assert all(torch.equal(batch[name], same[name]) for name in batch)
        count = batch["sources"].shape[1]
        assert batch["sources"].shape == (2, count, 15 * 1024)
        assert batch["models"].shape == (2, count, 1024, 16)
        assert all(batch[name].shape == (2, count, 16) for name in ("fundamentals", "sounding", "key_length_s"))
    assert players == {2, 3}
    other = cues.batches(stores, length_frames=16, batch=2, seed=4)
    assert any(not torch.equal(draw(step)["sources"], other(step)["sources"]) for step in range(3))


def test_a_segment_has_the_notes_of_its_own_time(data):
    drawn = cues.batches(training_data.stores_in(data / "valid"), length_frames=10, batch=1, seed=0)
    item = store.open_store(data / "valid" / "two")[0]
    changed = {**item, "notes": np.array([(0, 57, 0.0, 1.0), (0, 69, 1.0, 2.0)])}
    begin, end = (drawn._segment(changed, place) for place in (0.0, 0.999))
    assert_allclose(begin["fundamentals"][0], 220 * 4096 / RATE_HZ)
    assert_allclose(end["fundamentals"][0], 440 * 4096 / RATE_HZ)
    frames = 1 + 2 * RATE_HZ // 1024
    last = (frames - 10) * 1024
    assert_array_equal(end["sources"], item["audio"][:, last : last + 9 * 1024].astype(np.float32))


def test_a_piece_shorter_than_a_segment_is_followed_by_silence(data):
    batch = cues.batches(training_data.stores_in(data / "train"), length_frames=60, batch=1, seed=0)(0)
    assert batch["sources"].shape[-1] == 59 * 1024
    assert not batch["sources"][..., 2 * RATE_HZ + 1 :].any()
    assert not batch["models"][..., 2 * RATE_HZ // 1024 + 2 :].any()


@pytest.mark.slow(18)
def test_it_learns_and_its_weights_come_back(data, tmp_path):
    options = {"accelerator": "cpu", "progress": False, "learning_rate": 1e-2, "warmup_steps": 5}
    result = train.train(
        "refiner",
        data,
        tmp_path,
        steps=40,
        changes={"settings": SMALL},
        validate_every=40,
        schedule="constant",
        **options,
    )
    losses = [row["loss"] for row in result.curve]
    assert result.steps == 40
    assert losses[-1] < losses[0] - 0.5, losses
    loaded = weights.load(tmp_path / "refiner.safetensors")
    figures = weights.card(tmp_path / "refiner.safetensors")["figures"]
    players, mean = figures["table"]
    assert (players["source"], mean["source"]) == ("players", "mean")
    assert players["improvement"] > 0, "over NMF alone"
    again = train.judge(loaded, recipes.recipe("refiner").data.open(data, None, 0).validation(loaded))
    assert again == figures["table"], "what was judged is what was written"
    sources, score = duet()
    found = refine.separate(sum(sources.values()), RATE_HZ, score, weights=loaded)
    assert_allclose(sum(found.values()), sum(sources.values()), atol=2e-6)


def test_pan_is_kept(network):
    """A source on the left alone stays there."""
    sources, score = duet()
    panned = {name: signals.pan(x, angle) for (name, x), angle in zip(sources.items(), (0.0, np.pi / 2), strict=True)}
    found = refine.separate(sum(panned.values()), RATE_HZ, score, weights=network)
    assert found["high"][0].std() > 3 * found["high"][1].std()
