"""DUET: levels and delays that were put in are found, masks are binary and add up, limits are said."""

import itertools
import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals, transforms
from mss_lab.datasets import pieces
from mss_lab.metrics import energy
from mss_lab.spatial import duet, ownership, panning
from mss_lab.spatial.entries import DUET
from mss_lab.spatial.panning import PanWarning
from tests.measures import mean_sdr_db

RATE = 16_000
SETTINGS = transforms.settings_for(RATE)
BIN = 6 / 51
# Angle, delay in samples, frequencies of the tones: the second and the third come from one angle.
PLACED = {
    "early": (0.5, 1.3, (310.0, 930.0)),
    "middle": (np.pi / 4, -2.0, (430.0, 1290.0)),
    "late": (np.pi / 4, 2.2, (560.0, 1680.0)),
    "right": (1.1, 0.4, (710.0, 2130.0)),
}


def placed(angle, delay_samples, frequencies_hz, duration_s=1.0, rate=RATE):
    """Tones at an angle that reach the right channel some samples later: exact, because tones can be shifted."""
    channels = []
    for gain, delay in ((np.cos(angle), 0), (np.sin(angle), delay_samples)):
        shifted = [signals.tone(f, duration_s, rate, phase_rad=-2 * np.pi * f * delay / rate) for f in frequencies_hz]
        channels.append(gain * sum(shifted))
    return 0.2 * np.concatenate(channels)


def four_places(duration_s=1.0):
    sources = {name: placed(*place, duration_s) for name, place in PLACED.items()}
    return sources, signals.mix(sources).astype(np.float32)


def pans_and_delays():
    return {n: place[0] for n, place in PLACED.items()}, {n: place[1] / RATE for n, place in PLACED.items()}


# Levels.


def test_attenuation_and_angle_are_inverse():
    angles = np.linspace(0.01, np.pi / 2 - 0.01, 50)
    attenuations = [duet.attenuation_of(angle) for angle in angles]
    assert_allclose(attenuations, np.tan(angles) - 1 / np.tan(angles), rtol=1e-9, atol=1e-12)
    assert_allclose([duet.angle_of(a) for a in attenuations], angles, rtol=1e-9)
    assert duet.attenuation_of(0.0) == -np.inf
    assert duet.attenuation_of(np.pi / 2) == np.inf
    assert_allclose([duet.angle_of(-np.inf), duet.angle_of(np.inf)], [0, np.pi / 2], atol=1e-12)


def test_the_level_of_a_peak_is_the_formula_of_the_paper():
    # a = (alpha + sqrt(alpha^2 + 4)) / 2.
    for alpha in (-2.9, -0.3, 0.0, 1.7):
        assert_allclose(np.tan(duet.angle_of(alpha)), (alpha + np.sqrt(alpha**2 + 4)) / 2, rtol=1e-12)


# Histogram and peaks.


def test_the_histogram_is_one_sum_for_each_bin(rng):
    stft = rng.standard_normal((2, 65, 20)) + 1j * rng.standard_normal((2, 65, 20))
    stft[0, 3, 3] = stft[1, 4, 4] = 0
    options = {"attenuation_limit": 2.0, "delay_limit_s": 2 / RATE, "bins": 5}
    found = duet.histogram(stft, RATE, **options, level_exponent=0.5, frequency_exponent=2.0)
    counted = np.zeros((5, 5))
    total = beyond_level = beyond_delay = 0.0
    for f, n in itertools.product(range(1, 33), range(20)):
        # Bin 32 of 64 is 4000 Hz, where two samples are half a turn.
        omega = np.pi * f / 64
        left, right = stft[:, f, n]
        power = abs(left) ** 2 + abs(right) ** 2
        total += power
        if not left or not right:
            beyond_level += power
            continue
        alpha, delta = abs(right / left) - abs(left / right), -np.angle(right / left) / omega
        beyond_level += power * (abs(alpha) > 2)
        beyond_delay += power * (abs(delta) > 2)
        if abs(alpha) <= 2 and abs(delta) <= 2:
            cell = int((alpha + 2) / 4 * 5), int((delta + 2) / 4 * 5)
            counted[cell] += abs(left * right) ** 0.5 * (omega * RATE) ** 2
    padded = np.pad(counted, 1)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    smooth = [[np.sum(kernel * padded[i : i + 3, j : j + 3]) for j in range(5)] for i in range(5)]
    assert_allclose(found.weight, smooth, rtol=1e-9)
    assert_allclose(found.beyond_attenuation, beyond_level / total, rtol=1e-9)
    assert_allclose(found.beyond_delay, beyond_delay / total, rtol=1e-9)
    # Centres, not edges.
    assert_allclose(found.attenuations, [-1.6, -0.8, 0, 0.8, 1.6], atol=1e-12)
    assert_allclose(found.delays_s * RATE, [-1.6, -0.8, 0, 0.8, 1.6], atol=1e-12)


@pytest.mark.parametrize("name", PLACED)
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_level_and_delay_of_one_source_are_found(name, rate):
    angle, delay_samples, frequencies_hz = PLACED[name]
    delay_s = delay_samples / RATE
    stft = transforms.stft(placed(angle, delay_s * rate, frequencies_hz, rate=rate), **transforms.settings_for(rate))
    angles, delays_s = duet.peaks(duet.histogram(stft, rate))
    assert len(angles) == 1
    assert abs(duet.attenuation_of(angles[0]) - duet.attenuation_of(angle)) < BIN
    assert abs(delays_s[0] - delay_s) < 0.1 / RATE


def test_levels_and_delays_of_disjoint_tones_are_found_checked_in_methods():
    # The level within one bin, the delay within 0.1 sample.
    found = duet.histogram(transforms.stft(four_places()[1], **SETTINGS), RATE)
    for count in (None, 4):
        angles, delays_s = duet.peaks(found, count)
        wanted = sorted((duet.attenuation_of(angle), delay) for angle, delay, _ in PLACED.values())
        heard = [(duet.attenuation_of(a), d * RATE) for a, d in zip(angles, delays_s, strict=True)]
        assert len(heard) == 4
        assert_allclose([place[0] for place in heard], [place[0] for place in wanted], atol=BIN)
        assert_allclose([place[1] for place in heard], [place[1] for place in wanted], atol=0.1)
    assert len(duet.peaks(found, 2)[0]) == 2


@pytest.mark.parametrize(("pan", "beyond"), [(0.2, True), (0.35, False), (1.2, False), (1.35, True), (0.0, True)])
def test_what_lies_near_a_side_is_not_counted_checked_in_methods(rng, pan, beyond):
    # Limits of 3 drop pans below 16.8 and above 73.2 degrees.
    assert_allclose(np.degrees([duet.angle_of(-3), duet.angle_of(3)]), [16.8, 73.2], atol=0.05)
    stft = transforms.stft(signals.pan(signals.noise(0.5, RATE, rng=rng), pan), **SETTINGS)
    found = duet.histogram(stft, RATE)
    assert_allclose(found.beyond_attenuation, float(beyond), atol=1e-6)
    assert found.weight.any() != beyond


def test_silence_has_no_peak():
    found = duet.histogram(np.zeros((2, 9, 4), complex), RATE, level_exponent=0)
    assert found.beyond_attenuation == found.beyond_delay == 0
    assert [part.shape for part in duet.peaks(found)] == [(0,), (0,)]


# The separator.


@pytest.mark.parametrize("mode", DUET.options["mode"].rule.choices)
def test_sources_at_one_angle_are_told_apart_by_their_delays(mode):
    sources, mixture = four_places()
    pans, delays_s = pans_and_delays()
    # Measured: 28.9 dB with masks, 29.3 dB demixed, found or given; the mixture itself has -4.8 dB.
    given = duet.separate(mixture, RATE, pans_rad=pans, delays_s=delays_s, mode=mode)
    assert mean_sdr_db(sources, given) > 24
    found = duet.separate(mixture, RATE, mode=mode)
    assert tuple(found) == ("pan_29", "pan_45", "pan_45_2", "pan_63")
    assert mean_sdr_db(sources, dict(zip(PLACED, found.values(), strict=True))) > 24


def test_delays_are_looked_for_at_the_angles_that_are_given():
    sources = four_places()[0]
    pans, delays_s = pans_and_delays()
    three = {name: sources[name] for name in ("early", "late", "right")}
    mixture = signals.mix(three)
    pans = {name: pans[name] for name in three}
    delays_s = {name: delays_s[name] for name in three}
    known = duet.separate(mixture, RATE, pans_rad=pans, delays_s=delays_s, mode="demix")
    looked_for = duet.separate(mixture, RATE, pans_rad=pans, mode="demix")
    for name in three:
        assert energy.sdr(known[name], looked_for[name]) > 20


def test_masks_are_binary_and_add_up_also_where_places_are_equal(rng, frozen):
    mixture = frozen(rng.uniform(-1, 1, (2, 9_001)).astype(np.float32))
    pans = {"a": 0.3, "b": 1.2, "c": 0.3, "side": np.pi / 2}
    delays_s = {"a": 1e-4, "b": 0, "c": 1e-4, "side": 0}
    estimates = duet.separate(mixture, RATE, pans_rad=pans, delays_s=delays_s)
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
    assert_array_equal(estimates["a"], estimates["c"])
    assert np.abs(estimates["a"]).max() > 0.01
    # Masks are binary and sum to 1; a, b and the side share no bin.
    stft = transforms.stft(mixture, **SETTINGS)
    owner, sharers = ownership.owners(stft, RATE, [(pans[name], delays_s[name]) for name in pans])
    assert set(np.unique(owner)) == {0, 1, 3}
    assert sharers == [(0, 2), (1, 1), (0, 2), (3, 1)]


def test_each_bin_goes_to_the_place_that_leaves_least_over(rng):
    stft = rng.standard_normal((2, 33, 6)) + 1j * rng.standard_normal((2, 33, 6))
    places = [(0.4, 1e-4), (0.8, -5e-5), (1.2, 0.0)]
    owner, _ = ownership.owners(stft, RATE, places)
    for f, n in itertools.product(range(33), range(6)):
        left, right = stft[:, f, n]
        omega = np.pi * f / 32 * RATE
        costs = []
        for angle, delay_s in places:
            a = np.tan(angle)
            costs.append(abs(a * np.exp(-1j * omega * delay_s) * left - right) ** 2 / (1 + a**2))
        assert owner[f, n] == np.argmin(costs)


def test_the_most_likely_source_is_the_one_of_the_paper(rng):
    stft = rng.standard_normal((2, 33, 6)) + 1j * rng.standard_normal((2, 33, 6))
    angle, delay_s = 0.4, 1e-4
    a = np.tan(angle)
    late = np.exp(1j * np.linspace(0, np.pi * RATE, 33) * delay_s)[:, np.newaxis]
    # The paper's estimate is the source as the left channel has it.
    left = (stft[0] + a * late * stft[1]) / (1 + a**2)
    image = ownership.most_likely(stft, RATE, (angle, delay_s))
    assert_allclose(image, np.stack([left, a * left / late]), atol=1e-12)
    # A source that is there alone comes back as it was.
    alone = np.stack([left, a * left / late])
    assert_allclose(ownership.most_likely(alone, RATE, (angle, delay_s)), alone, atol=1e-12)


@pytest.mark.parametrize("mode", DUET.options["mode"].rule.choices)
@pytest.mark.parametrize("pan", [0.0, np.pi / 2])
def test_a_source_on_one_side_stays_there(mode, pan):
    mixture = signals.pan(signals.harmonic_tone(330.0, 0.5, RATE), pan).astype(np.float32)
    estimates = duet.separate(mixture, RATE, pans_rad={"here": pan, "there": np.pi / 2 - pan}, mode=mode)
    assert_allclose(estimates["here"], mixture, atol=1e-6)
    assert_allclose(estimates["there"], 0, atol=1e-6)


@pytest.mark.slow(1)
def test_the_band_needs_a_wider_histogram_and_says_so():
    piece = pieces.load("band")
    mixture = piece.mixture[:, : 8 * piece.sample_rate_hz]
    with pytest.warns(PanWarning, match=r"\d+ % of the energy is nearer to a side.*16\.8 to 73\.2 degrees") as caught:
        narrow = duet.separate(mixture, piece.sample_rate_hz)
    assert caught[0].filename == __file__
    assert not any(name.startswith("pan_7") for name in narrow)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wide = duet.separate(mixture, piece.sample_rate_hz, attenuation_limit=4, level_exponent=0.5)
        given = duet.separate(mixture, piece.sample_rate_hz, pans_rad=piece.pans_rad)
    assert tuple(wide) == ("pan_20", "pan_45", "pan_52", "pan_75")
    sources = {name: source[:, : mixture.shape[1]] for name, source in piece.sources.items()}
    # Measured: 11.8 dB.
    assert mean_sdr_db(sources, given) > 10


def test_delays_longer_than_the_histogram_reaches_are_warned_of(rng):
    mono = signals.noise(1.0, RATE, rng=rng)
    far_apart = np.concatenate([mono, np.roll(mono, 16, axis=1)])
    with pytest.warns(PanWarning, match=r"has a longer delay than the histogram's range, 0\.188 ms"):
        duet.separate(far_apart, RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        duet.separate(far_apart, RATE, delay_limit_s=0.0015)


def test_more_sources_than_peaks_are_warned_of():
    mixture = np.repeat(signals.tone(440.0, 0.5, RATE), 2, axis=0).astype(np.float32)
    with pytest.warns(PanWarning, match="4 sources were requested"):
        assert tuple(duet.separate(mixture, RATE, count=4)) == ("pan_45",)


@pytest.mark.filterwarnings("ignore::mss_lab.spatial.panning.PanWarning")
@pytest.mark.parametrize("mode", DUET.options["mode"].rule.choices)
@pytest.mark.parametrize("samples", [1, 2, 1_000, 3_000])
@pytest.mark.parametrize("rate", [8_000, 96_000])
def test_equal_silent_and_short_channels_are_never_nan(rng, mode, samples, rate):
    left = rng.uniform(-1, 1, (1, samples)).astype(np.float32)
    for right in (left, -left, 0 * left):
        for mixture in (np.concatenate([left, right]), np.concatenate([right, left]), np.zeros((2, samples), "f")):
            for pans in (None, {"a": 0.0, "b": np.pi / 2}):
                for estimate in duet.separate(mixture, rate, mode=mode, pans_rad=pans).values():
                    assert estimate.shape == mixture.shape
                    assert estimate.dtype == np.float32
                    assert np.isfinite(estimate).all()


@pytest.mark.slow(1.1)
def test_memory_does_not_grow_with_length(rng):
    def beyond_estimates(duration_s):
        mixture = rng.uniform(-1, 1, (2, duration_s * 8_000)).astype(np.float32)
        tracemalloc.start()
        estimates = duet.separate(mixture, 8_000, pans_rad={"left": 0.4, "right": 1.2})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - sum(estimate.nbytes for estimate in estimates.values())

    assert beyond_estimates(180) < 1.2 * beyond_estimates(60)


def test_long_music_has_one_set_of_sources(monkeypatch):
    mixture = four_places(4.0)[1]
    whole = duet.separate(mixture, RATE)
    monkeypatch.setattr(panning, "BLOCK_S", 0.9)
    honest = duet.chunks
    monkeypatch.setattr(duet, "chunks", lambda samples, rate: honest(samples, rate, chunk_s=1.5, fade_s=0.5))
    in_parts = duet.separate(mixture, RATE)
    assert tuple(in_parts) == tuple(whole)
    assert_allclose(sum(in_parts.values()), mixture, atol=1e-6)
    for name in whole:
        assert not np.array_equal(in_parts[name], whole[name])
        assert energy.sdr(whole[name], in_parts[name]) > 15


def test_sources_that_play_one_after_the_other_are_all_found(monkeypatch):
    monkeypatch.setattr(panning, "BLOCK_S", 1.0)
    alone = {name: placed(*PLACED[name]) for name in ("early", "late", "right")}
    mixture = np.concatenate([*alone.values(), np.zeros((2, RATE))], axis=1).astype(np.float32)
    found = duet.separate(mixture, RATE)
    assert tuple(found) == ("pan_29", "pan_45", "pan_63")
    given = duet.separate(mixture, RATE, pans_rad={name: PLACED[name][0] for name in alone}, mode="demix")
    for place, (source, estimate, demixed) in enumerate(
        zip(alone.values(), found.values(), given.values(), strict=True)
    ):
        part = np.s_[:, place * RATE + 2_000 : (place + 1) * RATE - 2_000]
        source = source[:, 2_000:-2_000]
        assert energy.sdr(source, estimate[part]) > 25
        assert energy.sdr(source, demixed[part]) > 25


def test_digital_silence_has_no_say_in_delays_however_levels_are_weighed(rng):
    mono = signals.noise(0.5, RATE, rng=rng)
    mixture = np.concatenate([mono, np.roll(mono, 2, axis=1)]).astype(np.float32)
    padded = np.pad(mixture, ((0, 0), (0, 4 * RATE)))
    options = {"pans_rad": {"late": np.pi / 4}, "level_exponent": 0.0, "mode": "demix"}
    assert energy.sdr(padded, duet.separate(padded, RATE, **options)["late"]) > 15


def test_each_option_is_used(rng):
    mixture = four_places()[1]
    mixture = mixture + 0.1 * rng.standard_normal(mixture.shape)
    pans, _ = pans_and_delays()
    plain = duet.separate(mixture, RATE, pans_rad=pans)
    for option in ({"mode": "demix"}, {"window_s": 0.02}, {"delay_limit_s": 0.5e-4}, {"bins": 5}):
        other = duet.separate(mixture, RATE, pans_rad=pans, **option)
        assert np.abs(plain["early"] - other["early"]).max() > 1e-3
    stft = transforms.stft(mixture, **SETTINGS)
    for option in ({"level_exponent": 0.5}, {"frequency_exponent": 1.0}, {"attenuation_limit": 1.0}):
        assert not np.allclose(duet.histogram(stft, RATE).weight, duet.histogram(stft, RATE, **option).weight)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"mode": "masks"}, ValueError, "mode must be one of"),
        ({"attenuation_limit": 0}, ValueError, "attenuation_limit must be a number at least"),
        ({"delay_limit_s": 0}, ValueError, "delay_limit_s must be a number at least"),
        ({"bins": 3}, ValueError, "bins must be a whole number at least 5"),
        ({"level_exponent": -1}, ValueError, "level_exponent must be"),
        ({"frequency_exponent": -1}, ValueError, "frequency_exponent must be"),
        ({"count": 0}, ValueError, "count must be"),
        ({"delays_s": {"a": 0.0}}, ValueError, "delays_s needs pans_rad"),
        ({"pans_rad": {"a": 0.5}, "delays_s": {"b": 0.0}}, ValueError, "must name the sources of pans_rad, a, got"),
        ({"pans_rad": {"a": 0.5}, "delays_s": {"a": 2.0}}, ValueError, r"delays_s\['a'\] must be"),
        ({"pans_rad": {"a": 0.5}, "delays_s": 0.0}, ValueError, "must name the sources"),
        ({"pans_rad": {"a": 2.0}}, ValueError, r"pans_rad\['a'\] must be"),
        ({"window_s": -1}, ValueError, "window_s must be"),
    ],
)
def test_options_that_cannot_be_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        duet.separate(np.zeros((2, 100), np.float32), RATE, **options)
    with pytest.raises(checks.ShapeError, match="must have 2 channels"):
        duet.separate(np.zeros((1, 100), np.float32), RATE)
