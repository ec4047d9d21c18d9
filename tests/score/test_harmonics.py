"""Score masks: the score is taken at its word, in the right bins and frames, and what is shared adds up."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, masks, signals, transforms
from mss_lab.datasets.track import read_track
from mss_lab.metrics import energy
from mss_lab.score import harmonics, notes
from mss_lab.score.notes import Note, Score
from tests.measures import mean_sdr_db

RATE_HZ = 16_000
GRID = {"window_samples": 2048, "hop_samples": 512, "sample_rate_hz": RATE_HZ}
B_FLAT_1 = 34
PIECES = ("mix01_bwv296", "mix02_bwv385", "mix05_bwv255", "mix08_bwv297")


def loop_masks(
    score,
    frames,
    *,
    window_samples,
    hop_samples,
    sample_rate_hz,
    tolerance_s,
    count=20,
    cents=40.0,
    bins=1.0,
    slope=1.0,
    tuning_hz=440.0,
):
    """Equations 1 to 4, one bin of one frame of one note after the other, in plain Python."""
    freq = window_samples // 2 + 1
    claims = np.zeros((len(score.sources), freq, frames))
    for note in score.notes:
        j = score.sources.index(note.source)
        f0 = tuning_hz * 2 ** ((note.midi - 69) / 12)
        for t in range(frames):
            # A frame is the note's if the hop that starts at it shares any time with the widened note.
            starts_s, ends_s = t * hop_samples / sample_rate_hz, (t + 1) * hop_samples / sample_rate_hz
            if ends_s <= note.onset_s - tolerance_s or starts_s >= note.offset_s + tolerance_s:
                continue
            for f in range(freq):
                hz = f * sample_rate_hz / window_samples
                for h in range(1, count + 1):
                    if h * f0 >= sample_rate_hz / 2:
                        break
                    reach_hz = h * f0 * (2 ** (cents / 1200) - 1) + bins * sample_rate_hz / window_samples
                    if abs(hz - h * f0) <= reach_hz:
                        claims[j, f, t] = max(claims[j, f, t], h**-slope)
    shares = np.full(claims.shape, 1 / len(score.sources))
    for f, t in np.ndindex(freq, frames):
        total = sum(claims[:, f, t])
        if total > 0:
            shares[:, f, t] = claims[:, f, t] / total
    return shares


def two_notes(first=60, second=67, onset_s=0.1, offset_s=0.9):
    return Score((Note("a", first, onset_s, offset_s), Note("b", second, onset_s, offset_s)))


def two_tones(sample_rate_hz=RATE_HZ, duration_s=1.0, first_hz=261.63, second_hz=392.0):
    """What `two_notes` says, played."""
    return {
        "a": signals.harmonic_tone(first_hz, duration_s, sample_rate_hz, harmonics=8),
        "b": signals.harmonic_tone(second_hz, duration_s, sample_rate_hz, harmonics=8, amplitude=0.3),
    }


@pytest.mark.parametrize(
    "options",
    [
        {"tolerance_s": 0.0},
        {"tolerance_s": 0.05},
        {"tolerance_s": 0.2, "slope": 0.0},
        {"tolerance_s": 0.05, "width_bins": 0.0},
        {"tolerance_s": 0.05, "width_cents": 0.0, "slope": 0.5},
        {"tolerance_s": 0.05, "harmonics": 1},
        {"tolerance_s": 0.05, "tuning_hz": 415.0},
        {"tolerance_s": 0.05, "tuning_hz": 442.0},
    ],
)
@pytest.mark.parametrize("sample_rate_hz, window_samples", [(8_000, 256), (44_100, 512)])
def test_masks_equal_the_loop(options, sample_rate_hz, window_samples):
    # Odd times, so that no edge of a note falls on the edge of a frame; a fraction of a semitone; a silent player.
    score = Score(
        (
            Note("a", 57, 0.013, 0.101),
            Note("b", 69.4, 0.031, 0.077),
            Note("a", 64, 0.111, 0.127),
            Note("b", 45, 0.0, 0.019),
        ),
        ("silent", "b", "a"),
    )
    grid = {"window_samples": window_samples, "hop_samples": window_samples // 4, "sample_rate_hz": sample_rate_hz}
    frames = 20
    names = {"harmonics": "count", "width_bins": "bins", "width_cents": "cents"}
    expected = loop_masks(score, frames, **grid, **{names.get(name, name): value for name, value in options.items()})
    masked = harmonics.score_masks(score, frames, **grid, **options)
    assert masked.shape == (3, 1, window_samples // 2 + 1, frames)
    assert_allclose(masked[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize("slope", [0, 1, 3])
def test_masks_are_shares_that_add_up_to_one(rng, slope):
    drawn = tuple(
        Note("abc"[index % 3], float(rng.uniform(30, 90)), float(start), float(start + rng.uniform(0.01, 0.5)))
        for index, start in enumerate(rng.uniform(0, 2, 40))
    )
    masked = harmonics.score_masks(Score(drawn), 70, **GRID, slope=slope)
    assert masked.dtype == np.float32
    assert masked.min() >= 0
    assert_allclose(masked.sum(axis=0), 1, atol=1e-6)


def test_disjoint_scores_share_nothing():
    # Fundamentals alone, so that no harmonic of one meets one of the other; then one player after the other.
    apart = harmonics.score_claims(two_notes(), 40, **GRID, harmonics=1)
    turns = Score((Note("a", 60, 0.1, 0.3), Note("b", 60, 0.6, 0.9)))
    in_turn = harmonics.score_claims(turns, 40, **GRID, tolerance_s=0.05)
    for claims in (apart, in_turn):
        claimed = claims.max(axis=0) > 0
        assert 0 < claimed.mean() < 0.9
        shares = masks.ratio(claims)
        assert set(np.unique(shares[:, claimed])) == {0.0, 1.0}
        assert_array_equal(shares[:, ~claimed], 0.5)


def test_players_in_unison_get_half_each():
    score = Score((Note("a", 60, 0.1, 0.9), Note("b", 60, 0.1, 0.9)), ("a", "b", "c"))
    claimed = harmonics.score_claims(score, 40, **GRID)[0, 0] > 0
    shares = harmonics.score_masks(score, 40, **GRID)[:, 0]
    assert claimed.any()
    assert_array_equal(shares[:2, claimed], 0.5)
    assert not shares[2, claimed].any()
    assert_allclose(shares[:, ~claimed], 1 / 3)


@pytest.mark.parametrize("slope, upper", [(0.0, 1 / 2), (1.0, 2 / 3), (2.0, 4 / 5)])
def test_an_octave_leaves_shared_bins_to_the_lower_harmonic(slope, upper):
    score = Score((Note("low", 57, 0, 1), Note("high", 69, 0, 1)))
    shares = harmonics.score_masks(score, 20, **GRID, slope=slope, width_cents=0)[:, 0, :, 10]
    bins_hz = transforms.stft_frequencies_hz(2048, RATE_HZ)
    odd, even = np.argmin(np.abs(bins_hz - 220)), np.argmin(np.abs(bins_hz - 440))
    assert_allclose(shares[:, odd], [1, 0])
    assert_allclose(shares[:, even], [1 - upper, upper], rtol=1e-6)


def test_notes_of_one_player_claim_together_and_no_louder():
    low, high = Note("a", 57, 0, 1), Note("a", 69, 0, 1)
    claims = [harmonics.score_claims(Score(of), 20, **GRID) for of in ((low,), (high,), (low, high), (low, high, low))]
    assert_array_equal(claims[2], np.maximum(claims[0], claims[1]))
    assert_array_equal(claims[3], claims[2])
    assert claims[3].max() == 1


def test_harmonics_above_half_the_rate_are_left_out():
    # A6 is 1760 Hz: harmonics 1 and 2 lie below 4 kHz, the third does not and reaches down no further than 40 cents.
    claim = harmonics.harmonic_claim(93, 1024, 8_000)
    bins_hz = transforms.stft_frequencies_hz(1024, 8_000)
    assert set(np.unique(claim)) == {0.0, 0.5, 1.0}
    assert not claim[bins_hz > 3520 * 2 ** (40 / 1200) + 8].any()
    # A note above half the rate claims nothing, nor does one exactly there.
    assert not harmonics.harmonic_claim(127, 1024, 8_000).any()
    assert not harmonics.harmonic_claim(69, 1024, 8_000, tuning_hz=4_000.0).any()


def test_claims_fall_with_the_number_of_the_harmonic():
    claim = harmonics.harmonic_claim(60, 4096, 44_100, slope=1.0)
    for number in range(1, 21):
        nearest = round(number * 261.6256 * 4096 / 44_100)
        assert claim[nearest] == pytest.approx(1 / number)
    assert claim[round(21 * 261.6256 * 4096 / 44_100)] == 0
    assert set(np.unique(harmonics.harmonic_claim(60, 4096, 44_100, slope=0))) == {0.0, 1.0}


def test_a_low_note_claims_a_bin_for_each_of_its_harmonics():
    bins_hz = transforms.stft_frequencies_hz(4096, 44_100)
    fundamental_hz = 440 * 2 ** ((B_FLAT_1 - 69) / 12)
    claim = harmonics.harmonic_claim(B_FLAT_1, 4096, 44_100)
    narrow = harmonics.harmonic_claim(B_FLAT_1, 4096, 44_100, width_bins=0)
    own = [np.abs(bins_hz - number * fundamental_hz) <= fundamental_hz / 2 for number in range(1, 21)]
    assert all(claim[near].any() for near in own)
    # Without the width in bins the paper's 40 cents miss every bin near some harmonics: that is what it is for.
    assert not all(narrow[near].any() for near in own)


def test_the_tolerance_widens_both_ways_and_is_clipped_at_both_ends():
    score = Score((Note("a", 60, 0.4, 0.5),))

    def frames_with_claims(**options):
        return np.flatnonzero(harmonics.score_claims(score, 40, **GRID, **options).any(axis=(0, 1, 2)))

    rate = RATE_HZ / 512
    for tolerance_s in (0.0, 0.1, 0.2):
        found = frames_with_claims(tolerance_s=tolerance_s)
        expected = np.arange(math.floor((0.4 - tolerance_s) * rate), math.ceil((0.5 + tolerance_s) * rate))
        assert_array_equal(found, expected)
    assert_array_equal(frames_with_claims(tolerance_s=100.0), np.arange(40))


def test_a_note_that_is_deleted_claims_nothing():
    kept, deleted = Note("a", 60, 0.1, 0.4), Note("a", 66, 0.7, 0.9)
    before = harmonics.score_claims(Score((kept, deleted)), 40, **GRID, tolerance_s=0)
    after = harmonics.score_claims(Score((kept,)), 40, **GRID, tolerance_s=0)
    late = slice(math.floor(0.7 * RATE_HZ / 512), None)
    assert before[..., late].any()
    assert not after[..., late].any()
    assert_array_equal(before[..., : late.start], after[..., : late.start])


def test_notes_beyond_the_recording_are_cut_off():
    inside, beyond = Note("a", 60, 0.1, 9.0), Note("b", 72, 50.0, 60.0)
    claims = harmonics.score_claims(Score((inside, beyond)), 40, **GRID)
    assert claims[0, ..., -1].any()
    assert not claims[1].any()


@pytest.mark.parametrize("sample_rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_two_tones_come_apart_at_every_sample_rate(sample_rate_hz):
    sources = two_tones(sample_rate_hz)
    mixture = sum(sources.values()).astype(np.float32)
    estimates = harmonics.separate(mixture, sample_rate_hz, two_notes(onset_s=0, offset_s=1))
    left_alone = mean_sdr_db(sources, dict.fromkeys(sources, mixture))
    assert mean_sdr_db(sources, estimates) > left_alone + 10
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


@pytest.mark.parametrize("semitones", [-3, 1, 2])
def test_a_transposed_score_separates_wrongly(semitones):
    sources = two_tones()
    mixture = sum(sources.values())
    right = two_notes(onset_s=0, offset_s=1)
    sdr = [
        mean_sdr_db(sources, harmonics.separate(mixture, RATE_HZ, score))
        for score in (right, notes.transpose(right, semitones))
    ]
    assert sdr[0] > sdr[1] + 5


def test_a_score_with_swapped_names_gives_swapped_estimates():
    mixture = sum(two_tones().values())
    straight = harmonics.separate(mixture, RATE_HZ, two_notes(60, 67))
    swapped = harmonics.separate(mixture, RATE_HZ, two_notes(67, 60))
    assert_allclose(straight["a"], swapped["b"], atol=1e-6)
    assert energy.sdr(straight["b"], straight["a"]) < 3


@pytest.mark.parametrize("tuning_hz", [415.0, 442.0])
def test_the_tuning_can_be_told(tuning_hz):
    sources = two_tones(first_hz=261.63 * tuning_hz / 440, second_hz=392.0 * tuning_hz / 440)
    mixture = sum(sources.values())
    told, untold = (
        mean_sdr_db(sources, harmonics.separate(mixture, RATE_HZ, two_notes(onset_s=0, offset_s=1), **options))
        for options in ({"tuning_hz": tuning_hz}, {"tuning_hz": 440.0})
    )
    # Baroque pitch is a semitone away. 442 Hz lies 8 cents from 440, well within the claims.
    assert told > untold + 6 if tuning_hz == 415 else abs(told - untold) < 3


def test_late_music_needs_the_tolerance():
    sources = {name: np.pad(tone, ((0, 0), (3_200, 0))) for name, tone in two_tones(duration_s=0.5).items()}
    mixture = sum(sources.values())
    early = two_notes(onset_s=0.05, offset_s=0.55)
    tight, loose = (
        mean_sdr_db(sources, harmonics.separate(mixture, RATE_HZ, early, tolerance_s=t)) for t in (0.0, 0.2)
    )
    assert loose > tight + 3


def test_stereo_gets_the_mask_of_mono_in_each_channel(frozen):
    sources = two_tones()
    stereo = frozen(np.concatenate([sources["a"] + sources["b"], 0.5 * sources["b"] - sources["a"]]).astype(np.float32))
    estimates = harmonics.separate(stereo, RATE_HZ, two_notes())
    for channel in (0, 1):
        alone = harmonics.separate(stereo[channel : channel + 1], RATE_HZ, two_notes())
        for name, estimate in estimates.items():
            assert_allclose(estimate[channel : channel + 1], alone[name], atol=1e-6)


def test_channels_that_cancel_are_separated_like_any_other():
    mono = sum(two_tones().values())
    estimates = harmonics.separate(np.concatenate([mono, -mono]), RATE_HZ, two_notes())
    assert all(estimate.any() for estimate in estimates.values())
    for estimate in estimates.values():
        assert_array_equal(estimate[0], -estimate[1])


@pytest.mark.parametrize("samples", [1, 2, 511, 2047])
def test_audio_shorter_than_a_window_still_adds_up(rng, samples):
    mixture = rng.uniform(-1, 1, (1, samples)).astype(np.float32)
    estimates = harmonics.separate(mixture, RATE_HZ, two_notes(onset_s=0))
    assert list(estimates) == ["a", "b"]
    assert all(estimate.shape == mixture.shape for estimate in estimates.values())
    assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


def test_sources_come_in_the_order_of_the_score_also_the_silent_ones():
    score = Score(two_notes().notes, ("c", "b", "a"))
    assert list(harmonics.separate(sum(two_tones().values()), RATE_HZ, score)) == ["c", "b", "a"]


def test_no_score_is_refused():
    with pytest.raises(ValueError, match=r"needs a score, got none.*MIDI, MusicXML or CSV"):
        harmonics.separate(np.ones((1, 100)), RATE_HZ)


def test_the_path_of_a_score_is_no_score():
    with pytest.raises(TypeError, match=r"must be a Score, got str.*read_score"):
        harmonics.separate(np.ones((1, 100)), RATE_HZ, "notes.csv")


def test_an_empty_score_is_refused():
    with pytest.raises(ValueError, match="no note at all"):
        harmonics.separate(np.ones((1, 100)), RATE_HZ, Score((), ("a",)))


def test_the_score_of_another_time_range_is_refused():
    with pytest.raises(ValueError, match=r"first note at 30 s.*is it the score of this recording"):
        harmonics.separate(np.ones((1, RATE_HZ)), RATE_HZ, two_notes(onset_s=30, offset_s=31))


def test_a_source_without_pitch_is_refused():
    score = Score((Note("drums", 36, 0, 0.5), Note("a", 60, 0, 0.5)), unpitched=frozenset({"drums"}))
    with pytest.raises(ValueError, match=r"drums has none.*select"):
        harmonics.separate(np.ones((1, RATE_HZ)), RATE_HZ, score)


@pytest.mark.parametrize(
    "option, value",
    [
        ("harmonics", 0),
        ("harmonics", 2.5),
        ("width_cents", -1.0),
        ("width_bins", -0.1),
        ("slope", -1.0),
        ("tuning_hz", 0.0),
        ("tolerance_s", -0.1),
        ("tolerance_s", math.nan),
        ("window_s", 0.0),
    ],
)
def test_an_option_out_of_its_range_is_refused(option, value):
    with pytest.raises(ValueError, match=f"{option} must be a"):
        harmonics.separate(np.ones((1, RATE_HZ)), RATE_HZ, two_notes(), **{option: value})


def test_a_mixture_without_channels_is_refused():
    with pytest.raises(checks.ShapeError, match=r"mixture must be \(channels, samples\)"):
        harmonics.separate(np.ones(100), RATE_HZ, two_notes())


@pytest.mark.recordings
@pytest.mark.parametrize(
    "notes_file, tolerance_s, least_db", [("notes.csv", 0.05, 5.2), ("notes_coarse.csv", 0.2, 4.6)]
)
def test_score_masks_reach_their_level_on_four_chorales(recordings, notes_file, tolerance_s, least_db):
    means = []
    for piece in PIECES:
        track = read_track(recordings / "Bach10-excerpts" / piece, notes_file)
        estimates = harmonics.separate(track.mixture, track.sample_rate_hz, track.score, tolerance_s=tolerance_s)
        assert_allclose(sum(estimates.values()), track.mixture, atol=1e-6)
        means.append(mean_sdr_db(track.sources, estimates))
    assert np.mean(means) >= least_db
