"""Score masks in torch: they say what the paper's equations say, and what the package's own NumPy masks say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab.neural import frontend, score_filter  # noqa: E402
from mss_lab.score import harmonics  # noqa: E402
from mss_lab.score.notes import Note, Score  # noqa: E402
from mss_lab.score.roll import piano_roll  # noqa: E402

RATE_HZ = 16_000
WINDOW, HOP = 2048, 512
FRAME_RATE_HZ = RATE_HZ / HOP
CLAIMS = torch.from_numpy(score_filter.pitch_claims(WINDOW, RATE_HZ))


def rolls_of(score, frames):
    return torch.from_numpy(piano_roll(score, frames, FRAME_RATE_HZ).transpose(0, 2, 1).astype(np.float32))


def masks_of(score, frames=40, tolerance_s=0.0):
    wide = score_filter.widen(rolls_of(score, frames), tolerance_s, FRAME_RATE_HZ)
    return score_filter.score_masks(wide, CLAIMS)


@pytest.mark.parametrize(
    "options", [{}, {"width_bins": 0.0}, {"width_cents": 50.0, "harmonics": 5}, {"tuning_hz": 415}]
)
@pytest.mark.parametrize("window_samples, sample_rate_hz", [(2048, 16_000), (512, 44_100)])
def test_claims_are_those_of_the_numpy_masks(options, window_samples, sample_rate_hz):
    claims = score_filter.pitch_claims(window_samples, sample_rate_hz, **options)
    assert claims.shape == (128, window_samples // 2 + 1)
    for midi in (21, 40, 69, 100, 127):
        expected = harmonics.harmonic_claim(
            midi, window_samples, sample_rate_hz, slope=0, **{"width_bins": 0.5, **options}
        )
        np.testing.assert_array_equal(claims[midi], expected)


def test_half_a_bin_lets_every_harmonic_claim_one():
    # The lowest notes, whose harmonics lie closest together and whose cents are narrowest.
    for pitch in range(28, 60):
        harmonic_bins = np.arange(1, 21) * 440 * 2 ** ((pitch - 69) / 12) * WINDOW / RATE_HZ
        nearest = np.rint(harmonic_bins[harmonic_bins < WINDOW / 2]).astype(int)
        assert CLAIMS[pitch, nearest].all()
    narrow = score_filter.pitch_claims(WINDOW, RATE_HZ, width_bins=0.0)
    assert not narrow[40, 11]


def test_masks_add_up_to_one_also_where_nobody_claims(rng):
    rolls = torch.from_numpy((rng.random((2, 4, 30, 128)) < 0.01).astype(np.float32))
    masks = score_filter.score_masks(rolls, CLAIMS)
    assert masks.shape == (2, 4, 30, WINDOW // 2 + 1)
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(2, 30, WINDOW // 2 + 1))
    empty = score_filter.score_masks(torch.zeros(1, 4, 3, 128), CLAIMS)
    assert (empty == 0.25).all()


def test_masks_are_those_of_the_numpy_masks_with_equal_claims():
    score = Score((Note("a", 57, 0.1, 0.5), Note("b", 64, 0.2, 0.9), Note("a", 76, 0.6, 1.1)))
    expected = harmonics.score_masks(
        score, 40, window_samples=WINDOW, hop_samples=HOP, sample_rate_hz=RATE_HZ,
        tolerance_s=0.0, slope=0.0, width_bins=0.5,
    )  # fmt: skip
    np.testing.assert_allclose(masks_of(score), expected[:, 0].transpose(0, 2, 1), atol=1e-6)


def test_the_masks_are_the_limit_of_a_floor_under_every_claim(rng):
    rolls = torch.from_numpy((rng.random((3, 10, 128)) < 0.02).astype(np.float32))
    floored = np.maximum((rolls.numpy() @ CLAIMS.numpy()).clip(max=1).astype(np.float64), 1e-18)
    expected = floored / floored.sum(axis=0)
    np.testing.assert_allclose(score_filter.score_masks(rolls, CLAIMS), expected, atol=1e-7)


def test_sources_that_do_not_meet_get_all_or_nothing():
    # One after the other, with silence between; and together, where no harmonics meet below the eighth.
    masks = masks_of(Score((Note("a", 60, 0.1, 0.4), Note("b", 67, 0.6, 1.0))))
    claimed = rolls_of(Score((Note("a", 60, 0.1, 0.4), Note("b", 67, 0.6, 1.0))), 40).sum(dim=0) @ CLAIMS > 0
    assert claimed.any()
    assert set(masks[:, claimed].unique().tolist()) == {0.0, 1.0}


def test_what_disjoint_scores_leave_of_the_mixture_is_all_of_it_or_nothing(rng):
    mixture = torch.from_numpy(rng.normal(size=(20 * HOP - 1,)).astype(np.float32))
    magnitude = frontend.stft(mixture, WINDOW, HOP).abs().T
    rolls = torch.zeros(2, 20, 128)
    rolls[0, :10, 60] = 1
    rolls[1, 10:, 62] = 1
    filtered = magnitude * score_filter.score_masks(rolls, CLAIMS)
    claimed = rolls.sum(dim=0) @ CLAIMS > 0
    whole = filtered[:, claimed] == magnitude[claimed]
    assert (whole | (filtered[:, claimed] == 0)).all()
    assert (whole.sum(dim=0) == 1).all()


def test_unison_is_shared_equally():
    masks = masks_of(Score((Note("a", 60, 0.0, 1.0), Note("b", 60, 0.0, 1.0), Note("c", 30, 2.0, 3.0))))
    claimed = CLAIMS[60] > 0
    assert (masks[:2, 5][:, claimed] == 0.5).all()
    assert (masks[2, 5][claimed] == 0).all()


def test_an_octave_shares_what_both_claim():
    masks = masks_of(Score((Note("low", 48, 0.0, 1.0), Note("high", 60, 0.0, 1.0))))
    assert (masks[:, 3, round(261.63 * WINDOW / RATE_HZ)] == 0.5).all()
    assert masks[:, 3, round(130.81 * WINDOW / RATE_HZ)].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("tolerance_s", [0.0, 0.032, 0.1, 0.2])
def test_notes_are_widened_by_at_least_the_tolerance_and_less_than_a_frame_more(tolerance_s, rng):
    # Onsets and offsets everywhere between two frames.
    score = Score(
        tuple(Note("ab"[n % 2], 20 + n, float(start), float(start) + 0.1) for n, start in enumerate(rng.random(60)))
    )
    wide = score_filter.widen(rolls_of(score, 41), tolerance_s, FRAME_RATE_HZ).numpy()
    least = piano_roll(score, 41, FRAME_RATE_HZ, tolerance_s=tolerance_s).transpose(0, 2, 1)
    most = piano_roll(score, 41, FRAME_RATE_HZ, tolerance_s=tolerance_s + 1 / FRAME_RATE_HZ).transpose(0, 2, 1)
    assert (wide >= least).all() and (wide <= most).all()
    assert set(np.unique(wide)) == {0.0, 1.0}


def test_widening_by_whole_frames_is_exact_and_leaves_its_input(rng):
    rolls = torch.from_numpy((rng.random((2, 3, 17, 128)) < 0.02).astype(np.float32))
    kept = rolls.clone()
    wide = score_filter.widen(rolls, 2 / FRAME_RATE_HZ, FRAME_RATE_HZ)
    expected = np.zeros_like(rolls.numpy())
    for index in np.argwhere(rolls.numpy()):
        b, j, n, pitch = index
        expected[b, j, max(0, n - 2) : n + 3, pitch] = 1
    np.testing.assert_array_equal(wide, expected)
    assert torch.equal(rolls, kept)


def melody(shift_s=0.0):
    """Two voices, one note after the other, that never play one pitch at once."""
    first = [
        Note("a", 69 + step, 0.4 + 0.5 * n + shift_s, 0.85 + 0.5 * n + shift_s) for n, step in enumerate((0, 4, 2, 7))
    ]
    second = [
        Note("b", 52 + step, 0.5 + 0.7 * n + shift_s, 1.15 + 0.7 * n + shift_s) for n, step in enumerate((0, 5, 3))
    ]
    return Score((*first, *second), ("a", "b"))


def played(score, samples):
    times = np.arange(samples) / RATE_HZ
    waveforms = np.zeros((2, samples))
    for note in score.notes:
        within = (times >= note.onset_s) & (times < note.offset_s)
        hz = 440 * 2 ** ((note.midi - 69) / 12)
        tone = sum(np.sin(2 * np.pi * h * hz * times) / h for h in range(1, 7))
        waveforms[score.sources.index(note.source)] += within * tone
    return torch.from_numpy(waveforms)


def test_audio_moved_without_its_score_is_lost_beyond_the_tolerance_and_hardly_harmed_within():
    samples = 3 * RATE_HZ
    frames = 1 + samples // HOP

    def mean_sdr(shift_s):
        sources = played(melody(shift_s), samples)
        wide = score_filter.widen(rolls_of(melody(), frames), 0.2, FRAME_RATE_HZ)
        masks = score_filter.score_masks(wide, CLAIMS).transpose(-1, -2)
        mixture = frontend.stft(sources.sum(dim=0), WINDOW, HOP)
        estimates = frontend.istft(masks * mixture, WINDOW, HOP, length=samples)
        error = (sources - estimates).square().sum(dim=-1)
        return float((10 * torch.log10(sources.square().sum(dim=-1) / error)).mean())

    aligned = mean_sdr(0.0)
    assert aligned > 8
    assert mean_sdr(0.15) > aligned - 1.5
    assert mean_sdr(0.6) < aligned - 6
