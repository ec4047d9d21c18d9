"""REPET and its kin: loops whose rounds and periods are known, and recordings that do not repeat."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals, transforms
from mss_lab.datasets import pieces
from mss_lab.kernels import period, repet
from mss_lab.metrics import energy

RATE = 16_000
VARIANTS = (repet.separate, repet.separate_adaptive, repet.separate_similar)
every_variant = pytest.mark.parametrize("separate", VARIANTS, ids=lambda function: function.__name__)


def one_round(rng, period_s, sample_rate_hz=RATE):
    """Strokes of different sounds at random times, and a bass note."""
    samples = round(period_s * sample_rate_hz)
    sound = 0.1 * signals.harmonic_tone(110.0, period_s, sample_rate_hz)[:, :samples]
    for start in rng.integers(0, samples // 2, 8):
        length = samples - start
        stroke = rng.standard_normal(length) * np.exp(-np.arange(length) / (0.03 * sample_rate_hz))
        sound[0, start:] += 0.3 * np.cumsum(stroke) / 5 if start % 2 else 0.3 * stroke
    return sound


def looped(rng, period_s, rounds, sample_rate_hz=RATE):
    return np.tile(one_round(rng, period_s, sample_rate_hz), (1, rounds))


def melody(rng, duration_s, sample_rate_hz=RATE):
    """Notes of random pitches, which no loop explains."""
    notes = []
    while sum(note.shape[1] for note in notes) < duration_s * sample_rate_hz:
        hz, length_s = rng.uniform(300, 900), rng.uniform(0.2, 0.5)
        note = signals.harmonic_tone(hz, length_s, sample_rate_hz, harmonics=5, amplitude=0.2)
        notes.append(signals.fade(note, 0.02, sample_rate_hz))
    return np.concatenate(notes, axis=1)[:, : round(duration_s * sample_rate_hz)]


# Periods.


def brute_beats(magnitude):
    power = magnitude.astype(float) ** 2
    frames = power.shape[1]
    beats = [np.mean(power[:, : frames - lag] * power[:, lag:]) for lag in range(frames)]
    return np.array(beats) / beats[0]


@pytest.mark.parametrize("size", [(5, 1), (5, 2), (300, 7), (20, 64)])
@pytest.mark.parametrize("level", [1e-20, 1.0, 1e15])
def test_the_beat_spectrum_is_that_of_brute_force(rng, size, level, frozen):
    magnitude = frozen(rng.random(size).astype(np.float32))
    assert_allclose(period.beat_spectrum(np.float32(level) * magnitude), brute_beats(magnitude), rtol=1e-5)


def test_silence_has_no_beats():
    assert_array_equal(period.beat_spectrum(np.zeros((4, 9))), np.zeros(9))
    assert period.beat_spectrum(np.zeros((4, 0))).shape == (0,)


@pytest.mark.parametrize("period_s", [0.9, 1.37, 2.5])
@pytest.mark.parametrize("over", [False, True])
def test_the_period_of_a_known_loop_is_found(rng, period_s, over):
    mixture = looped(rng, period_s, 8)
    if over:
        mixture = mixture + melody(rng, mixture.shape[1] / RATE)[:, : mixture.shape[1]]
    found = period.period_of(mixture, RATE, transforms.settings_for(RATE))
    assert abs(found - period_s) < 0.003


@pytest.mark.parametrize("sample_rate_hz", [8_000, 96_000])
def test_periods_are_in_seconds_at_every_rate(rng, sample_rate_hz):
    mixture = looped(rng, 1.1, 5, sample_rate_hz)
    assert abs(period.period_of(mixture, sample_rate_hz, transforms.settings_for(sample_rate_hz)) - 1.1) < 0.01


@pytest.mark.slow(0.5)
def test_the_loop_of_the_band_is_found_in_its_mixture():
    piece = pieces.load("band")
    settings = transforms.settings_for(piece.sample_rate_hz)
    assert abs(period.period_of(piece.mixture, piece.sample_rate_hz, settings) - 64 / 15) < 0.001


def test_of_several_rounds_the_shortest_is_the_period():
    lags = np.arange(200)
    beats = 0.2 + 0.3 * np.exp(-(((lags + 10) % 20 - 10) ** 2) / 8) + 0.0002 * lags
    assert abs(period.find_period(beats, 0.1, shortest_s=0.8, longest_s=9) - 2.0) < 0.02
    # A beat that is much less alike than the bar is no period.
    beats += 0.4 * np.exp(-(((lags + 30) % 60 - 30) ** 2) / 8)
    assert abs(period.find_period(beats, 0.1, shortest_s=0.8, longest_s=9) - 6.0) < 0.02
    assert abs(period.find_period(beats, 0.1, shortest_s=0.8, longest_s=5) - 2.0) < 0.2


def test_a_period_is_read_between_frames():
    lags = np.arange(100)
    beats = np.exp(-((lags - 30.3) ** 2) / 50)
    assert abs(period.find_period(beats, 1.0, shortest_s=10, longest_s=49) - 30.3) < 0.03


def test_without_a_lag_to_look_at_the_period_is_everything():
    assert period.find_period(np.ones(5), 0.1) == pytest.approx(0.5)
    assert period.find_period(np.zeros(0), 0.1) == pytest.approx(0.1)
    # Without a peak: the highest lag between the limits.
    assert period.find_period(np.linspace(1, 0, 100), 0.1, shortest_s=1.0, longest_s=3.0) == pytest.approx(1.0)
    assert 1.0 <= period.find_period(np.zeros(100), 0.1, shortest_s=1.0, longest_s=3.0) <= 3.0


@pytest.mark.parametrize("frames", range(12))
def test_a_period_is_found_in_however_few_frames(rng, frames):
    for _ in range(50):
        found = period.find_period(rng.random(frames), 1.0, shortest_s=0.5, longest_s=9)
        assert 0 < found <= max(1, frames)


def test_long_recordings_are_listened_to_in_parts(rng, monkeypatch):
    seen = []
    honest = period.beat_spectrum
    monkeypatch.setattr(period, "LISTEN_S", 20.0)
    monkeypatch.setattr(period, "EXCERPT_S", 5.0)
    monkeypatch.setattr(period, "beat_spectrum", lambda magnitude: seen.append(magnitude.shape[1]) or honest(magnitude))
    settings = transforms.settings_for(RATE)
    found = period.period_of(looped(rng, 1.37, 30), RATE, settings, longest_s=2.0)
    assert abs(found - 1.37) < 0.01
    assert len(seen) > 1
    assert max(seen) * settings["hop_samples"] / RATE < 8


def test_beats_change_with_the_music(rng):
    mixture = np.concatenate([looped(rng, 0.9, 20), looped(rng, 1.4, 13)], axis=1)
    settings = transforms.settings_for(RATE)
    magnitude = np.abs(transforms.stft(mixture, **settings))[0]
    frame_s = settings["hop_samples"] / RATE
    found = repet.local_periods(magnitude, frame_s, longest_s=2.0)
    assert found.shape == (magnitude.shape[1],)
    times_s = np.arange(len(found)) * frame_s
    assert np.abs(found[times_s < 15.5] - 0.9).max() < 0.03
    assert np.abs(found[times_s > 20.5] - 1.4).max() < 0.03
    beats = period.beat_spectrogram(magnitude, 100, 40)
    assert beats.shape == (100, len(range(0, magnitude.shape[1], 40)))
    assert_array_equal(beats[:, 3], period.beat_spectrum(magnitude[:, 70:170]))
    assert_array_equal(beats[:, 0], period.beat_spectrum(magnitude[:, :100]))


# What repeats.


def brute_repeating(magnitude, period_frames):
    frames = magnitude.shape[-1]
    starts = [round(k * period_frames) for k in range(frames) if round(k * period_frames) < frames]
    result = np.empty(magnitude.shape)
    for start, end in zip(starts, [*starts[1:], frames], strict=True):
        for n in range(start, end):
            others = [s + n - start for s, e in zip(starts, [*starts[1:], frames], strict=True) if s + n - start < e]
            result[..., n] = np.minimum(np.median(magnitude[..., others], axis=-1), magnitude[..., n])
    return result


@pytest.mark.parametrize("period_frames", [1, 3, 4.4, 7.5, 20, 30])
@pytest.mark.parametrize("frames", [1, 2, 20])
def test_what_repeats_is_that_of_brute_force(rng, period_frames, frames, frozen):
    magnitude = frozen(rng.random((2, 3, frames)))
    assert_allclose(repet.repeating(magnitude, period_frames), brute_repeating(magnitude, period_frames), rtol=1e-12)


def test_a_loop_alone_is_all_background(rng):
    loop = looped(rng, 1.024, 8)  # 32 hops
    found = repet.separate(loop, RATE, period_s=1.024)
    inside = slice(RATE, -RATE)
    assert energy.sdr(loop[:, inside], found["background"][:, inside]) > 30


@every_variant
def test_a_known_loop_is_recovered_under_a_melody(separate, rng):
    loop = looped(rng, 1.37, 12)
    over = melody(rng, loop.shape[1] / RATE)[:, : loop.shape[1]]
    found = separate(loop + over, RATE)
    assert tuple(found) == ("background", "foreground")
    assert_allclose(sum(found.values()), loop + over, atol=1e-6)
    for name, source in (("background", loop), ("foreground", over)):
        assert energy.sdr(source, found[name]) > energy.sdr(source, loop + over) + 4
        assert energy.sdr(source, found[name]) > 4


@pytest.mark.slow(3)
def test_the_band_without_its_lead():
    piece = pieces.load("band")
    lead = piece.sources["lead"]
    assert energy.sdr(lead, piece.mixture) < -7
    for separate, at_least in zip(VARIANTS, (8, 8, 5), strict=True):
        found = separate(piece.mixture, piece.sample_rate_hz)
        assert energy.sdr(lead, found["foreground"]) > at_least
        assert energy.sdr(piece.mixture - lead, found["background"]) > at_least + 6


@pytest.mark.slow(0.4)
def test_a_changing_period_wants_the_adaptive_one(rng):
    first, second = looped(rng, 0.9, 20), looped(rng, 1.4, 13)
    loop = np.concatenate([first, second], axis=1)
    over = melody(rng, loop.shape[1] / RATE)[:, : loop.shape[1]]
    fixed, adaptive = (
        one(loop + over, RATE, longest_s=2.0)["foreground"] for one in (repet.separate, repet.separate_adaptive)
    )
    assert energy.sdr(over, adaptive) > energy.sdr(over, fixed) + 2
    for half in (slice(0, 15 * RATE), slice(21 * RATE, None)):
        assert energy.sdr(over[:, half], adaptive[:, half]) > 8


@pytest.mark.slow(0.6)
def test_what_comes_back_at_no_period_wants_the_similar_one(rng):
    sounds = [one_round(rng, 0.5) for _ in range(3)]
    pauses = rng.uniform(0.0, 0.6, 40)
    parts = [np.pad(sounds[rng.integers(3)], ((0, 0), (0, round(pause * RATE)))) for pause in pauses]
    loop = np.concatenate(parts, axis=1)
    over = melody(rng, loop.shape[1] / RATE)[:, : loop.shape[1]]
    fixed, similar = (one(loop + over, RATE)["foreground"] for one in (repet.separate, repet.separate_similar))
    assert energy.sdr(over, similar) > energy.sdr(over, fixed) + 1


@every_variant
@pytest.mark.parametrize("highpass_hz", [0.0, 200.0])
def test_below_the_highpass_all_is_background(separate, rng, highpass_hz):
    mixture = signals.noise(4.0, RATE, rng=rng)
    foreground = separate(mixture, RATE, highpass_hz=highpass_hz)["foreground"]
    spectrum = np.mean(np.abs(transforms.stft(foreground, window_samples=2048, hop_samples=512))[0] ** 2, axis=1)
    below = spectrum[2:20].mean() / spectrum[40:].mean()  # bins of 7.8 Hz
    assert below < 1e-3 if highpass_hz else below > 0.2


def test_a_period_that_is_given_is_used_and_none_is_looked_for(rng, monkeypatch):
    loop = looped(rng, 1.0, 8)
    over = melody(rng, 8.0)
    found = repet.separate(loop + over, RATE)
    monkeypatch.setattr(repet, "period_of", None)
    right, wrong = (repet.separate(loop + over, RATE, period_s=seconds) for seconds in (1.0, 1.31))
    # The period that is found may be off by a tenth of a frame, which costs less than 1 dB here.
    assert abs(energy.sdr(over, right["foreground"]) - energy.sdr(over, found["foreground"])) < 1.0
    assert energy.sdr(over, right["foreground"]) > energy.sdr(over, wrong["foreground"]) + 3


def test_one_period_serves_all_chunks(rng, monkeypatch):
    asked, lengths = [], []
    honest_chunks, honest_period = repet.chunks, repet.period_of
    monkeypatch.setattr(repet, "period_of", lambda *rest, **more: asked.append(1) or honest_period(*rest, **more))
    monkeypatch.setattr(
        repet,
        "chunks",
        lambda samples, rate, chunk_s: lengths.append(chunk_s) or honest_chunks(samples, rate, chunk_s=7.0),
    )
    loop = looped(rng, 1.0, 24)
    over = melody(rng, 24.0)
    found = repet.separate(loop + over, RATE)
    assert len(asked) == 1
    assert lengths == [repet.CHUNK_S]
    assert_allclose(sum(found.values()), loop + over, atol=1e-6)
    assert energy.sdr(over, found["foreground"]) > 5


@every_variant
def test_channels_keep_to_themselves_but_share_their_rounds(separate, rng):
    loop = looped(rng, 1.0, 10)
    mixture = np.concatenate([loop, 0.5 * loop])
    found = separate(mixture, RATE)["background"]
    assert_allclose(found[1], 0.5 * found[0], atol=1e-6)
    one_sided = separate(np.concatenate([loop, 0 * loop]), RATE)
    assert not one_sided["background"][1].any()
    # As far as equally similar frames are told apart by rounding.
    assert energy.sdr(found[:1], one_sided["background"][:1]) > 50


@every_variant
@pytest.mark.parametrize("samples", [1, 900, 30_000])
@pytest.mark.parametrize("sample_rate_hz", [8_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_length_and_rate_adds_up(separate, rng, samples, sample_rate_hz, channels, frozen):
    mixture = frozen(rng.uniform(-1, 1, (channels, samples)).astype(np.float32))
    found = separate(mixture, sample_rate_hz)
    for one in found.values():
        assert one.shape == mixture.shape
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


@every_variant
def test_digital_silence_in_the_middle_is_sane(separate, rng):
    mixture = looped(rng, 1.0, 6)
    mixture[:, 2 * RATE : 4 * RATE] = 0
    found = separate(mixture, RATE)
    assert_allclose(sum(found.values()), mixture, atol=1e-6)
    assert max(np.abs(one[:, 2 * RATE + 4096 : 4 * RATE - 4096]).max() for one in found.values()) < 1e-6


def test_what_cannot_be_is_refused(rng):
    loop = looped(rng, 1.0, 3)
    for make, words in (
        (lambda: repet.separate(loop, RATE, period_s=0), "period_s must be a number at least"),
        (lambda: repet.separate(loop, RATE, shortest_s=0), "shortest_s must be a number at least 0.01"),
        (lambda: repet.separate(loop, RATE, shortest_s=3, longest_s=2), "longest_s must be a number at least 3"),
        (lambda: repet.separate(loop, RATE, highpass_hz=-1), "highpass_hz must be a number at least 0"),
        (lambda: repet.separate_adaptive(loop, RATE, repeats=0), "repeats must be a whole number at least 1"),
        (lambda: repet.separate_adaptive(loop, RATE, longest_s=0.1), "longest_s must be a number at least 0.8"),
        (lambda: repet.separate_similar(loop, RATE, count=0), "count must be a whole number at least 1"),
        (lambda: repet.separate_similar(loop, RATE, least_distance_s=0), "least_distance_s must be a number at least"),
        (lambda: repet.repeating(np.ones((1, 3, 4)), 0.5), "period_frames must be a number at least 1"),
        (lambda: repet.repeating(-np.ones((1, 3, 4)), 2), "magnitudes of 0 or more"),
        (lambda: period.find_period(np.ones(9), 0), "frame_s must be a number above 0"),
        (lambda: period.beat_spectrogram(np.ones((3, 9)), 0, 1), "window_frames must be a whole number at least 1"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
    with pytest.raises(checks.ShapeError):
        period.beat_spectrum(np.ones((1, 3, 9)))
