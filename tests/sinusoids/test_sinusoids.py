"""Sinusoids: found where they are, joined along time, parted where they meet, and made again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, signals
from mss_lab.metrics import energy
from mss_lab.score.notes import Note, Score
from mss_lab.sinusoids import contours, partials, peaks, synthesis, tracks
from mss_lab.sinusoids.contours import Contour
from mss_lab.sinusoids.separation import separate

RATE = 44_100
SETTINGS = peaks.settings_for(RATE)
HOP = SETTINGS["hop_samples"]
BIN_HZ = RATE / SETTINGS["window_samples"]
inside = slice(6_000, -6_000)


def drawn(waveform, rate=RATE):
    return peaks.analyse(waveform, peaks.settings_for(rate))


def flat(f0_hz, frames, source=0, first=0):
    return Contour(source, first, np.full(frames, float(f0_hz)))


def duet(seconds=1.0, rate=RATE, slopes=(1.0, 2.0), pitches=(220.0, 330.0)):
    """Two tones a fifth apart, every third harmonic of one at every second of the other."""
    return [
        signals.fade(signals.harmonic_tone(f0_hz, seconds, rate, slope=slope, amplitude=0.3), 0.02, rate)
        for f0_hz, slope in zip(pitches, slopes, strict=True)
    ]


# Peaks. The checked answer of the reference: steady sinusoid, Blackman-Harris, no zero-padding: 0.003 bin, 0.03 dB.


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("place", [40.0, 40.13, 40.37, 40.5, 40.72, 300.25])
def test_a_sinusoid_is_found_to_a_hundredth_of_a_bin_as_in_the_reference(rate, place):
    settings = peaks.settings_for(rate)
    spacing_hz = rate / settings["window_samples"]
    waveform = signals.tone(place * spacing_hz, 0.6, rate, amplitude=0.3, phase_rad=0.7)
    found = peaks.find_peaks(drawn(waveform, rate)[0], rate, floor_db=-60)
    middle = (found.frame >= 8) & (found.frame < found.frames - 8)
    assert_array_equal(found.frame[middle], np.arange(8, found.frames - 8))
    assert np.abs(found.frequency_hz[middle] / spacing_hz - place).max() < 0.01
    assert np.abs(20 * np.log10(found.amplitude[middle] / 0.3)).max() < 0.1
    times_s = found.frame[middle] * settings["hop_samples"] / rate
    turned = found.phase_rad[middle] - (0.7 + 2 * np.pi * place * spacing_hz * times_s)
    assert np.abs(np.angle(np.exp(1j * turned))).max() < 1e-3


def test_peaks_are_as_many_as_partials_and_the_floor_leaves_the_quiet_out():
    waveform = signals.tone(1_000.0, 0.5, RATE, amplitude=0.5) + signals.tone(2_000.0, 0.5, RATE, amplitude=0.5e-2)
    for floor_db, count in ((-30, 1), (-60, 2)):
        found = peaks.find_peaks(drawn(waveform)[0, :, 10:-10], RATE, floor_db=floor_db)
        assert len(found.frame) == count * found.frames


def test_magnitudes_have_peaks_without_phases():
    stft = drawn(signals.tone(440.0, 0.3, RATE))[0]
    with_phase, without = peaks.find_peaks(stft, RATE), peaks.find_peaks(np.abs(stft), RATE)
    assert_array_equal(with_phase.frequency_hz, without.frequency_hz)
    assert not without.phase_rad.any()


def test_peaks_of_a_recording_do_not_depend_on_the_blocks(rng):
    mixture = np.concatenate([duet(2.5)[0], signals.noise(2.5, RATE, rng=rng, amplitude=0.01)])
    whole, parts = (peaks.of_recording(mixture, RATE, SETTINGS, block_s=block_s) for block_s in (100, 0.7))
    magnitude = np.sqrt(np.mean(np.abs(drawn(mixture)) ** 2, axis=0))
    direct = peaks.find_peaks(magnitude, RATE)
    for found in (whole, parts):
        assert found.frames == direct.frames
        strong = [one.amplitude > 1e-4 for one in (found, direct)]
        assert_array_equal(found.frame[strong[0]], direct.frame[strong[1]])
        assert_allclose(found.frequency_hz[strong[0]], direct.frequency_hz[strong[1]], rtol=1e-5)


def test_the_floor_of_a_recording_is_that_of_its_loudest_block():
    tone = signals.tone(500.0, 2.0, RATE)
    tone[:, RATE:] *= 1e-5
    found = peaks.of_recording(tone, RATE, SETTINGS, block_s=0.5)
    assert len(found.frame)
    assert found.frame.max() < 1.1 * RATE / HOP


def test_the_windows_transform_is_that_of_the_window():
    taper = peaks.transforms.make_window("blackman-harris", 256)
    centred = np.arange(256) - 128
    for distance in (0.0, 0.3, 1.7, 3.9, -2.2):
        wanted = np.sum(taper * np.cos(2 * np.pi * distance * centred / 256))
        assert peaks.window_transform(distance, 256) == pytest.approx(wanted, abs=1e-3 * taper.sum())
        wanted = np.sum(taper**2 * np.cos(2 * np.pi * distance * centred / 256))
        assert peaks.window_transform(distance, 256, 2) == pytest.approx(wanted, abs=1e-3 * taper.sum())


# Tracks.


def handmade(rows, frames):
    """Peaks from (frame, frequency) pairs."""
    rows = sorted(rows)
    frame, frequency_hz = (np.array(part) for part in zip(*rows, strict=True))
    return peaks.Peaks(frame, frequency_hz.astype(float), np.ones(len(rows)), np.zeros(len(rows)), frames)


def test_two_lines_are_two_tracks_and_a_jump_ends_one():
    rows = [(n, 440.0 * 2 ** (n * 30 / 1200)) for n in range(10)] + [(n, 200.0) for n in range(10)]
    rows += [(n, 4_000.0) for n in range(10, 20)] + [(n, 200.0 * 2 ** (120 / 1200)) for n in range(10, 20)]
    found = handmade(rows, 20)
    labels = tracks.track(found)
    assert labels.max() == 3
    for label in range(4):
        assert len(set(found.frame[labels == label])) == np.sum(labels == label) == 10
    # 30 cents a frame are a glide, 120 at once are another note; with larger jumps allowed, they are not.
    assert tracks.track(found, jump_cents=130).max() == 2
    assert tracks.track(found, jump_cents=20, least_frames=1).max() > 9


def test_tracks_sleep_through_gaps_and_short_ones_are_none():
    rows = [(n, 300.0) for n in range(20) if n not in (5, 6)] + [(12, 900.0), (13, 900.0)]
    found = handmade(rows, 20)
    assert tracks.track(found).max() == 0
    assert np.sum(tracks.track(found) == -1) == 2
    assert tracks.track(found, gap_frames=1).max() == 1
    assert tracks.track(found, least_frames=2).max() == 1


def test_a_peak_goes_to_the_nearest_track_alone():
    # Two tracks 40 cents apart, one of which stops: the other must not jump over, nor be taken.
    up = 2 ** (40 / 1200)
    found = handmade([(0, 500.0), (0, 500.0 * up), (1, 500.0 * up), (2, 500.0 * up)], 3)
    labels = tracks.track(found, least_frames=1)
    assert labels[0] == 0
    assert_array_equal(labels[1:], 1)


def test_crossing_partials_of_a_tone_with_vibrato_are_followed():
    waveform = signals.vibrato_tone(300.0, 1.0, RATE, depth_cents=40, harmonics=4)
    found = peaks.find_peaks(drawn(waveform)[0], RATE, floor_db=-40)
    labels = tracks.track(found)
    lengths = np.bincount(labels[labels >= 0])
    assert np.sum(lengths > 0.9 * found.frames) == 4


@pytest.mark.parametrize("option", [{"jump_cents": 0}, {"gap_frames": -1}, {"least_frames": 0}])
def test_tracking_refuses_what_makes_no_sense(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} must be"):
        tracks.track(handmade([(0, 1.0)], 1), **option)


# Synthesis. The checked answers: residual of a synthetic ten-partial tone below -40 dB; two notes that share nothing
# above 20 dB.


def test_a_tone_of_ten_partials_is_made_again_to_forty_db_as_in_the_reference():
    tone = signals.harmonic_tone(220.0, 1.0, RATE)
    stft = drawn(tone)
    found = peaks.find_peaks(stft[0], RATE)
    labels = tracks.track(found)
    assert labels.max() == 9
    made = synthesis.from_tracks(found, labels, tone.shape[1], RATE, HOP)
    assert made.shape == tone.shape
    assert energy.sdr(tone[:, inside], made[:, inside]) > 40
    resolved = partials.resolve(stft, [flat(220.0, stft.shape[-1])], RATE)
    made = synthesis.additive(resolved, [0], 1, tone.shape[1], RATE, HOP)[0]
    assert energy.sdr(tone[:, inside], made[:, inside]) > 40
    left = stft - synthesis.lobes(resolved, [0], 1, RATE, *stft.shape[1:])[0]
    assert np.sum(np.abs(left[..., 10:-10]) ** 2) < 1e-4 * np.sum(np.abs(stft[..., 10:-10]) ** 2)


def test_two_notes_that_share_nothing_are_added_up_to_twenty_db_as_in_the_reference():
    one, other = duet(pitches=(220.0, 311.1))
    stft = drawn(one + other)
    courses = [flat(220.0, stft.shape[-1]), flat(311.1, stft.shape[-1], 1)]
    resolved = partials.resolve(stft, courses, RATE)
    made = synthesis.additive(resolved, [0, 1], 2, one.shape[1], RATE, HOP)
    assert energy.sdr(one, made[0]) > 20
    assert energy.sdr(other, made[1]) > 20


def test_a_chirp_follows_the_cubic_phase():
    chirp = signals.chirp(300.0, 350.0, 1.0, RATE)
    found = peaks.find_peaks(drawn(chirp)[0], RATE, floor_db=-30)
    made = synthesis.from_tracks(found, tracks.track(found, least_frames=20), chirp.shape[1], RATE, HOP)
    assert energy.sdr(chirp[:, inside], made[:, inside]) > 28


def test_a_steep_glide_takes_the_turns_that_are_smoothest():
    # 500 to 900 Hz in one hop of 512 samples: by its slope at the start alone, the phase would miss whole turns.
    rate, hop = 44_100, 512
    slope = 2 * np.pi * 400 / rate / hop
    t = np.arange(hop)
    phase = 0.3 + 2 * np.pi * 500 / rate * t + slope * t**2 / 2
    last = 0.3 + 2 * np.pi * 500 / rate * hop + slope * hop**2 / 2
    found = peaks.Peaks(np.array([4, 5]), np.array([500.0, 900.0]), np.ones(2), np.array([0.3, last]), 10)
    made = synthesis.from_tracks(found, np.zeros(2, int), 10 * hop, rate, hop)
    assert_allclose(made[0, 4 * hop : 5 * hop], np.cos(phase), atol=1e-3)


def test_a_track_that_slept_sounds_on():
    tone = signals.tone(500.0, 0.6, RATE)
    found = peaks.find_peaks(drawn(tone)[0], RATE, floor_db=-30)
    kept = ~np.isin(found.frame, (20, 21))
    gappy = peaks.Peaks(
        *(part[kept] for part in (found.frame, found.frequency_hz, found.amplitude, found.phase_rad)), found.frames
    )
    made = synthesis.from_tracks(gappy, tracks.track(gappy), tone.shape[1], RATE, HOP)
    assert energy.sdr(tone[:, inside], made[:, inside]) > 40


def test_what_ends_fades_within_one_hop():
    found = peaks.Peaks(np.arange(5, 9), np.full(4, 500.0), np.ones(4), np.zeros(4), 20)
    made = synthesis.from_tracks(found, np.zeros(4, int), 20 * HOP, RATE, HOP)[0]
    assert not made[: 4 * HOP].any() and not made[9 * HOP :].any()
    assert np.abs(made[4 * HOP : 5 * HOP]).max() > 0.5
    assert np.abs(np.diff(made)).max() < 1.2 * 2 * np.pi * 500 / RATE


# Contours.


def test_stretched_harmonics_lie_where_a_stiff_string_has_them():
    assert_allclose(contours.harmonic_hz(100.0, np.array([1, 2, 10])), [100, 200, 1000])
    assert_allclose(contours.harmonic_hz(100.0, np.array([10]), 1e-3), [1000 * np.sqrt(1.1)])
    assert contours.harmonic_hz(np.ones(7), np.arange(1, 4)).shape == (3, 7)


@pytest.mark.parametrize("inharmonicity", [0.0, 4e-4])
def test_a_note_is_heard_where_it_is_played_not_where_it_is_written(inharmonicity):
    played_hz = 440.0 * 2 ** (20 / 1200)
    numbers = np.arange(1, 9)
    places_hz = contours.harmonic_hz(played_hz, numbers, inharmonicity)
    tone = sum(signals.tone(f, 1.0, RATE, amplitude=0.2 / h) for h, f in zip(numbers, places_hz, strict=True))
    found = peaks.of_recording(tone, RATE, SETTINGS)
    score = Score((Note("violin", 69, 0.2, 0.8),), ("violin",))
    heard = contours.from_score(found, score, RATE / HOP, tolerance_s=0.1, inharmonicity=inharmonicity)
    assert [one.source for one in heard] == [0]
    assert heard[0].first == int(0.1 * RATE / HOP)
    assert_allclose(heard[0].f0_hz, played_hz, rtol=3e-4)


def test_silent_notes_stay_as_written():
    nothing = peaks.of_recording(np.zeros((1, RATE), np.float32), RATE, SETTINGS)
    score = Score((Note("violin", 69, 0.2, 0.8), Note("drum", 40, 0.1, 0.2)), ("drum", "violin"), frozenset({"drum"}))
    heard = contours.from_score(nothing, score, RATE / HOP)
    assert [one.source for one in heard] == [1]
    assert_allclose(heard[0].f0_hz, 440.0)


@pytest.mark.parametrize("pitches", [(220.0, 311.1), (220.0, 330.0), (146.8, 246.9, 392.0)])
def test_fundamentals_are_found_without_a_score(pitches):
    tones = [signals.harmonic_tone(f0_hz, 1.0, RATE, amplitude=0.2) for f0_hz in pitches]
    found = contours.from_peaks(peaks.of_recording(sum(tones), RATE, SETTINGS), RATE / HOP, len(pitches))
    for source, f0_hz in enumerate(pitches):
        own = [one for one in found if one.source == source]
        assert sum(len(one.f0_hz) for one in own) > 0.9 * RATE / HOP
        assert abs(1200 * np.log2(np.median(np.concatenate([one.f0_hz for one in own])) / f0_hz)) < 10


def test_no_more_sources_than_asked_for_and_none_sounds_twice(rng):
    scattered = [flat(rng.uniform(80, 1000), rng.integers(10, 80), first=rng.integers(0, 300)) for _ in range(60)]
    for count in (1, 3):
        streams = contours.into_streams(scattered, count)
        assert {one.source for one in streams} == set(range(count))
        busy = np.zeros((count, 500), int)
        for one in streams:
            busy[one.source, one.first : one.first + len(one.f0_hz)] += 1
        assert busy.max() == 1
        middles = [np.median(np.concatenate([o.f0_hz for o in streams if o.source == s])) for s in range(count)]
        assert middles == sorted(middles)


def test_melodies_far_apart_are_two_streams():
    low = [flat(110 * 2 ** (n / 12), 20, first=25 * n) for n in (0, 2, 4, 5)]
    high = [flat(880 / 2 ** (n / 12), 20, first=25 * n + 3) for n in (0, 2, 4, 5)]
    streams = contours.into_streams([*high, *low], 4)
    assert {one.source for one in streams} == {0, 1}
    assert all((one.source == 0) == (one.f0_hz[0] < 300) for one in streams)


def test_a_stream_follows_its_melody():
    climb = [flat(f0_hz, 20, first=25 * n) for n, f0_hz in enumerate((100, 140, 200, 200, 260))]
    streams = contours.into_streams([*climb, flat(400, 20)], 2)
    assert [one.source for one in streams] == [0 if one.f0_hz[0] < 300 else 1 for one in streams]


# Shared partials.


def shared_partial(delay=0.0, away_cents=0.0):
    """Two tones whose partials at 660 Hz coincide, with amplitudes 1/3 and 1/2 of their fundamentals."""
    one = [signals.tone(220.0 * h, 1.0, RATE, amplitude=0.3 / h) for h in range(1, 7)]
    up = 2 ** (away_cents / 1200)
    other = [signals.tone(330.0 * up * h, 1.0, RATE, amplitude=0.3 / h, phase_rad=delay) for h in range(1, 7)]
    return sum(one), sum(other), 330.0 * up


def test_a_shared_partial_is_parted_as_its_neighbours_expect():
    one, other, other_hz = shared_partial()
    stft = drawn(one + other)
    resolved = partials.resolve(stft, [flat(220.0, stft.shape[-1]), flat(other_hz, stft.shape[-1], 1)], RATE)
    frame = stft.shape[-1] // 2
    at = {
        (c, h): np.abs(
            resolved.amplitude[0, (resolved.frame == frame) & (resolved.contour == c) & (resolved.number == h)]
        )[0]
        for c, h in ((0, 1), (0, 2), (0, 3), (1, 1), (1, 2))
    }
    assert resolved.shared[(resolved.contour == 0) & (resolved.number == 3)].all()
    assert not resolved.shared[(resolved.contour == 0) & (resolved.number == 2)].any()
    assert at[0, 2] == pytest.approx(0.15, rel=0.01)
    # Together they are the sum; apart, in the order of the truth, 0.10 and 0.15.
    assert at[0, 3] + at[1, 2] == pytest.approx(0.25, rel=0.02)
    assert 0.06 < at[0, 3] < 0.11 < at[1, 2]


def test_partials_a_bin_and_a_half_apart_are_parted_by_the_sound_itself():
    away = 1200 * np.log2(1 + 1.5 * BIN_HZ / 660)
    one, other, other_hz = shared_partial(delay=1.0, away_cents=away)
    stft = drawn(one + other)
    courses = [flat(220.0, stft.shape[-1]), flat(other_hz, stft.shape[-1], 1)]
    resolved = partials.resolve(stft, courses, RATE, regularisation=1e-5)
    middle = (resolved.frame > 10) & (resolved.frame < stft.shape[-1] - 10)
    for contour, number, amplitude in ((0, 3, 0.1), (1, 2, 0.15)):
        found = resolved.amplitude[0, middle & (resolved.contour == contour) & (resolved.number == number)]
        assert_allclose(np.abs(found), amplitude, rtol=0.05)


def test_without_a_shared_place_least_squares_see_the_waveform_itself():
    # The oracle: weighted least squares in time, with the squared window as weight.
    tone = signals.tone(1_000.0, 0.3, RATE, amplitude=0.2, phase_rad=0.4) + signals.tone(
        1_050.0, 0.3, RATE, amplitude=0.1
    )
    stft = drawn(tone)
    resolved = partials.resolve(stft, [flat(1_000.0, 30), flat(1_050.0, 30, 1)], RATE, harmonics=1)
    n, window = 12, SETTINGS["window_samples"]
    taper = peaks.transforms.make_window("blackman-harris", window)
    piece = tone[0, n * HOP - window // 2 : n * HOP + window // 2]
    t = (np.arange(window) - window // 2) / RATE
    columns = np.concatenate([[np.cos(2 * np.pi * f * t), -np.sin(2 * np.pi * f * t)] for f in (1_000.0, 1_050.0)])
    wanted = np.linalg.lstsq((columns * taper).T, piece * taper, rcond=None)[0]
    found = resolved.amplitude[0, resolved.frame == n]
    assert_allclose([found[0].real, found[0].imag, found[1].real, found[1].imag], wanted, atol=1e-3)


# The separator.


@pytest.mark.parametrize("resynthesis", ["mask", "additive"])
@pytest.mark.parametrize("scored", [True, False])
def test_a_duet_is_parted(resynthesis, scored):
    one, other = duet()
    score = Score((Note("low", 57, 0.0, 1.0), Note("high", 64, 0.0, 1.0)), ("high", "low")) if scored else None
    estimates = separate(one + other, RATE, score, count=2, resynthesis=resynthesis)
    assert list(estimates) == (["high", "low"] if scored else ["harmonic_1", "harmonic_2", "residual"])
    low, high = ("low", "high") if scored else ("harmonic_1", "harmonic_2")
    # Measured: 14 dB or more in every case, from -3.6 and 3.6 dB.
    assert energy.sdr(one, estimates[low]) > 12
    assert energy.sdr(other, estimates[high]) > 12
    assert_allclose(sum(estimates.values()), one + other, atol=1e-6)


@pytest.mark.parametrize("resynthesis", ["mask", "additive"])
def test_what_has_no_pitch_gets_what_no_harmonic_explains(resynthesis, rng):
    one, other = duet()
    hiss = signals.noise(1.0, RATE, rng=rng, amplitude=0.1)
    notes = (Note("low", 57, 0.0, 1.0), Note("high", 64, 0.0, 1.0), Note("drums", 40, 0.0, 0.1))
    score = Score(notes, ("drums", "high", "low"), frozenset({"drums"}))
    mixture = (one + other + hiss).astype(np.float32)
    estimates = separate(mixture, RATE, score, resynthesis=resynthesis)
    assert list(estimates) == ["drums", "high", "low"]
    assert energy.sdr(hiss, estimates["drums"]) > 1.5
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
    blind = separate(mixture, RATE, count=2, resynthesis=resynthesis)
    assert energy.sdr(hiss, blind["residual"]) > 1.5
    drums_alone = Score((Note("drums", 40, 0.0, 0.1),), ("drums",), frozenset({"drums"}))
    assert_allclose(separate(mixture, RATE, drums_alone)["drums"], mixture, atol=1e-6)


def test_a_chunk_sees_its_own_part_of_a_contour():
    from mss_lab.sinusoids.separation import _within

    ramp = Contour(3, 10, 100.0 + np.arange(50))
    (cut,) = _within([ramp, flat(100.0, 5)], 20.5, 12)
    assert (cut.source, cut.first) == (3, 0)
    assert_allclose(cut.f0_hz, 100 + 10.5 + np.arange(12))
    (cut,) = _within([ramp], 4.5, 12)
    assert cut.first == 6
    assert_allclose(cut.f0_hz, 100.5 + np.arange(6))


@pytest.mark.parametrize("resynthesis", ["mask", "additive"])
def test_a_note_that_ended_takes_nothing_of_what_has_no_pitch(resynthesis, rng):
    tone = np.zeros((1, RATE))
    tone[:, : RATE // 2] = signals.harmonic_tone(220.0, 0.5, RATE)
    mixture = tone + signals.noise(1.0, RATE, rng=rng, amplitude=0.1)
    score = Score((Note("low", 57, 0.0, 0.5), Note("drums", 40, 0.0, 0.1)), ("low", "drums"), frozenset({"drums"}))
    estimates = separate(mixture, RATE, score, resynthesis=resynthesis)
    assert np.abs(estimates["low"][:, int(0.7 * RATE) :]).max() < 1e-6


def test_channels_keep_their_levels():
    one, other = duet()
    mixture = (signals.pan(one, 0.3) + signals.pan(other, 1.2)).astype(np.float32)
    estimates = separate(mixture, RATE, count=2)
    assert energy.sdr(signals.pan(one, 0.3), estimates["harmonic_1"]) > 14
    assert energy.sdr(signals.pan(other, 1.2), estimates["harmonic_2"]) > 14


@pytest.mark.slow(0.4)
def test_chunks_do_not_show_and_sources_keep_their_names():
    one, other = duet(9.0, 8_000)
    whole = separate(one + other, 8_000, count=2)
    parts = separate(one + other, 8_000, count=2, chunk_s=2.0)
    assert list(whole) == list(parts)
    for name in whole:
        assert energy.sdr(whole[name], parts[name]) > 25 or name == "residual"


@pytest.mark.slow(1.4)
def test_long_recordings_are_worked_through_chunk_by_chunk(monkeypatch, rng):
    # At a low rate; what is watched is the longest transform that is ever resolved.
    from mss_lab.sinusoids import separation

    seen = []
    real = separation.resolve
    monkeypatch.setattr(
        separation,
        "resolve",
        lambda stft, *rest, **options: seen.append(stft.shape[-1]) or real(stft, *rest, **options),
    )
    rate = 2_000
    tone = np.tile(signals.fade(signals.harmonic_tone(200.0, 1.0, rate, harmonics=4), 0.1, rate), (2, 120))
    estimates = separation.separate(tone.astype(np.float32), rate, count=2)
    assert_allclose(sum(estimates.values()), tone, atol=1e-6)
    assert len(seen) >= 8
    assert max(seen) < 17 * rate / peaks.settings_for(rate)["hop_samples"]


@pytest.mark.parametrize("resynthesis", ["mask", "additive"])
@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
@pytest.mark.parametrize("kind", ["one sample", "one frame", "silence", "noise", "twins", "one side"])
def test_odd_mixtures_get_a_sane_answer(resynthesis, rate, kind, rng):
    tone = signals.harmonic_tone(220.0, 0.3, rate)
    mixture = {
        "one sample": tone[:, 1:2],
        "one frame": tone[:, :50],
        "silence": np.zeros((2, rate // 5)),
        "noise": signals.noise(0.3, rate, rng=rng),
        "twins": np.concatenate([tone, tone]),
        "one side": np.concatenate([tone, 0 * tone]),
    }[kind].astype(np.float32)
    score = Score((Note("low", 57, 0.0, 0.3), Note("high", 96, 0.0, 0.3)), ("high", "silent", "low"))
    for notes in (None, score):
        # More sources than there are fundamentals.
        estimates = separate(mixture, rate, notes, count=6, resynthesis=resynthesis)
        assert len(estimates) <= 7
        for estimate in estimates.values():
            assert np.isfinite(estimate).all()
            assert estimate.shape == mixture.shape
        assert_allclose(sum(estimates.values()), mixture, atol=1e-6)
        if kind == "twins":
            assert all(np.abs(estimate[0] - estimate[1]).max() < 1e-6 for estimate in estimates.values())
        if kind == "one side" and resynthesis == "mask":
            assert all(not estimate[1].any() for estimate in estimates.values())
    if kind == "silence":
        assert list(separate(mixture, rate)) == ["residual"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"count": 0}, "count must be"),
        ({"resynthesis": "granular"}, "resynthesis must be one of"),
        ({"harmonics": 0}, "harmonics must be"),
        ({"near_cents": 0}, "near_cents must be"),
        ({"lobe_bins": 0}, "lobe_bins must be"),
        ({"inharmonicity": -1}, "inharmonicity must be"),
        ({"lowest_hz": 0}, "lowest_hz must be"),
        ({"highest_hz": 50}, "highest_hz must be"),
        ({"tolerance_s": -1}, "tolerance_s must be"),
        ({"floor_db": 0}, "floor_db must be"),
        ({"window_s": 0}, "window_s must be"),
        ({"chunk_s": 1}, "chunk_s must be"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        separate(np.ones((1, 100), np.float32), RATE, **options)


def test_what_is_no_spectrum_is_refused():
    with pytest.raises(checks.ShapeError, match=r"must be \(freq, frames\)"):
        peaks.find_peaks(np.ones((1, 3, 3)), RATE)
    with pytest.raises(ValueError, match="must be finite"):
        peaks.find_peaks(np.full((3, 3), np.nan), RATE)
