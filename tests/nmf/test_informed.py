"""NMF with a score: constraints hold, the divergence never rises, estimates add up, chunks join without a seam."""

import functools
import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab import signals, transforms
from mss_lab.chunks import chunks
from mss_lab.datasets import pieces
from mss_lab.datasets.track import read_track
from mss_lab.metrics.energy import sdr
from mss_lab.nmf import filtering, fixed_pitch, informed, shapes
from mss_lab.score import harmonics, notes
from mss_lab.score.notes import Note, Score
from tests.benchmarks.score_informed import CONDITIONS, changed

RATE_HZ = 16_000
WINDOW = 2048
LOW, HIGH = (57, 60, 64, 60), (69, 67, 72, 76)


def duet(seconds=1.0, bright=0.3, dull=2.0):
    """Two players with spectra of their own, meeting in octaves and fifths; four notes of `seconds` each."""
    sources = {"bright": [], "dull": []}
    written = []
    for index, pitches in enumerate(zip(LOW, HIGH, strict=True)):
        for (name, parts), midi, slope in zip(sources.items(), pitches, (bright, dull), strict=True):
            tone = signals.harmonic_tone(440 * 2 ** ((midi - 69) / 12), seconds, RATE_HZ, slope=slope, amplitude=0.2)
            parts.append(signals.fade(tone, 0.02, RATE_HZ))
            written.append(Note(name, midi, index * seconds, (index + 1) * seconds))
    return {name: np.concatenate(parts, axis=1).astype(np.float32) for name, parts in sources.items()}, Score(
        tuple(written), ("bright", "dull")
    )


@pytest.fixture
def problem(rng):
    """A magnitude, where two pitches may sound, and the shapes of their harmonics."""
    widths = {"width_cents": 20.0, "width_bins": 1.4}
    bells = np.stack([shapes.harmonic_shapes(midi, WINDOW, RATE_HZ, harmonics=12, **widths) for midi in (57, 69)])
    allowed = np.ones((2, 40), dtype=bool)
    allowed[0, :10] = allowed[1, 30:] = False
    weights = rng.random((2, 12)) + 0.1
    magnitude = np.einsum("kh,khf->fk", weights, bells) @ (allowed * rng.random((2, 40))) + 1e-3
    for array in (magnitude, allowed, bells):
        array.setflags(write=False)
    return magnitude, allowed, bells


def divergence(V, model):
    model = model + 1e-10
    return float(np.sum(V * np.log(V / model) - V + model))


def test_shapes_lie_on_the_harmonics_and_nowhere_else():
    bells = shapes.harmonic_shapes(69, WINDOW, RATE_HZ, harmonics=20, width_cents=20.0, width_bins=1.4)
    hz = transforms.stft_frequencies_hz(WINDOW, RATE_HZ)
    assert bells.shape == (20, WINDOW // 2 + 1)
    for number, shape in enumerate(bells, start=1):
        if number * 440 >= RATE_HZ / 2:
            assert not shape.any()
            continue
        assert abs(hz[shape.argmax()] - number * 440) <= RATE_HZ / WINDOW / 2
        # A bell is cut where it has fallen to 1e-4, 4.3 standard deviations from its middle.
        width_hz = number * 440 * (2 ** (20 / 1200) - 1) + 1.4 * RATE_HZ / WINDOW
        assert np.abs(hz[shape > 0] - number * 440).max() < 4.3 * width_hz / 2


@pytest.mark.parametrize("free", [0, 3, 12])
@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
def test_zeros_of_the_score_stay_zeros(problem, free, level):
    magnitude, allowed, bells = problem
    W, H = fixed_pitch.fit(level * magnitude, allowed, bells, iterations=12, free_iterations=free, smoothing_frames=2.0)
    assert not H[~allowed].any() and H[allowed].any()
    assert not W[bells.sum(axis=1).T == 0].any()
    assert_allclose(W.sum(axis=0), 1, rtol=1e-5)
    assert np.isfinite(H).all() and (W >= 0).all() and (H >= 0).all()


@pytest.mark.parametrize("free", [0, 20])
def test_the_divergence_never_rises_without_smoothing(problem, free):
    magnitude, allowed, bells = problem
    found = []
    for iterations in range(1, 21):
        W, H = fixed_pitch.fit(magnitude, allowed, bells, iterations=iterations, free_iterations=min(free, iterations))
        found.append(divergence(magnitude, W.astype(float) @ H))
    assert all(later <= earlier * (1 + 1e-5) for earlier, later in itertools.pairwise(found))
    assert found[-1] < 0.99 * found[0]


def test_bins_of_a_template_move_by_themselves_only_at_the_end(problem, rng):
    magnitude, allowed, bells = problem
    magnitude = magnitude * (0.5 + rng.random((magnitude.shape[0], 1)))

    def off_the_shapes(free):
        W, _ = fixed_pitch.fit(magnitude, allowed, bells, iterations=10, free_iterations=free)
        fitted = [
            np.linalg.lstsq(shape.T, template, rcond=None)[0] @ shape
            for shape, template in zip(bells, W.T, strict=True)
        ]
        return np.abs(np.array(fitted) - W.T).max() / W.max()

    assert off_the_shapes(0) < 1e-4
    assert off_the_shapes(4) > 0.05


def test_known_weights_of_harmonics_are_found(problem):
    bells = problem[2]
    truth = np.linspace(1.0, 0.1, 12)
    magnitude = (truth @ bells[1])[:, np.newaxis] @ np.linspace(0.5, 1, 40)[np.newaxis]
    W, H = fixed_pitch.fit(magnitude, np.ones((1, 40), dtype=bool), bells[1:], iterations=60, free_iterations=0)
    assert_allclose(W @ H, magnitude, atol=2e-3)


def test_timbre_tells_octaves_apart_where_claims_cannot():
    sources, score = duet()
    mixture = sum(sources.values())
    plain = harmonics.separate(mixture, RATE_HZ, score, tolerance_s=0.0)
    found = informed.separate(mixture, RATE_HZ, score, tolerance_s=0.0)
    for name, source in sources.items():
        assert sdr(source, found[name]) > sdr(source, plain[name]) + 1.5
        assert sdr(source, found[name]) > 10


@pytest.mark.parametrize("channels", [1, 2])
def test_estimates_add_up_and_inputs_stay(channels, frozen):
    sources, score = duet(0.5)
    mixture = np.vstack([sum(sources.values()), 0.3 * sources["dull"]])[:channels]
    frozen(mixture)
    found = informed.separate(mixture, RATE_HZ, score)
    assert list(found) == ["bright", "dull"]
    assert all(e.shape == mixture.shape and e.dtype == np.float32 for e in found.values())
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


def test_left_equal_to_right_is_mono_twice():
    sources, score = duet(0.5)
    mono = sum(sources.values())
    both = informed.separate(np.repeat(mono, 2, axis=0), RATE_HZ, score)
    for name, alone in informed.separate(mono, RATE_HZ, score).items():
        assert_allclose(both[name], np.repeat(alone, 2, axis=0), atol=1e-6)


@pytest.mark.parametrize("level", [1e-6, 1e3])
def test_the_level_of_the_recording_does_not_matter(level):
    sources, score = duet(0.5)
    mixture = sum(sources.values())
    reference = informed.separate(mixture, RATE_HZ, score)
    for name, found in informed.separate(level * mixture, RATE_HZ, score).items():
        assert_allclose(found / level, reference[name], atol=1e-4)


@pytest.mark.parametrize("samples", [1, 100, RATE_HZ])
def test_silence_gives_silence(samples):
    found = informed.separate(np.zeros((1, samples), np.float32), RATE_HZ, duet()[1])
    assert all(not waveform.any() for waveform in found.values())


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000])
def test_any_usual_rate(rate_hz, rng):
    mixture = signals.noise(0.3, rate_hz, rng=rng).astype(np.float32)
    found = informed.separate(mixture, rate_hz, duet(0.1)[1], tuning_hz=440.0)
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


def test_a_player_without_notes_gets_nothing_of_what_the_other_plays():
    sources, score = duet()
    without = Score(score.notes_of("bright"), score.sources)
    found = informed.separate(sources["bright"], RATE_HZ, without, tolerance_s=0.1)
    assert np.mean(found["dull"] ** 2) < 1e-3 * np.mean(found["bright"] ** 2)


@pytest.mark.slow(0.4)
def test_chunks_join_without_a_seam(monkeypatch):
    sources, score = duet(1.5)
    mixture = sum(sources.values())
    whole = informed.separate(mixture, RATE_HZ, score)
    short = functools.partial(chunks, chunk_s=2.0, fade_s=0.5)
    monkeypatch.setattr(filtering, "chunks", lambda samples, rate, **_: short(samples, rate))
    assert len(list(short(mixture.shape[1], RATE_HZ))) > 2
    for name, joined in informed.separate(mixture, RATE_HZ, score).items():
        assert sdr(whole[name], joined) > 20
        assert np.abs(np.diff(joined)).max() < 1.05 * np.abs(np.diff(whole[name])).max()


def test_templates_of_a_long_recording_are_learnt_from_excerpts(monkeypatch):
    sources, score = duet(1.5)
    monkeypatch.setattr(informed, "LEARN_FROM_S", 3.0)
    monkeypatch.setattr(informed, "EXCERPT_S", 0.75)
    found = informed.separate(sum(sources.values()), RATE_HZ, score)
    assert min(sdr(source, found[name]) for name, source in sources.items()) > 10


@pytest.mark.parametrize("bands", [1, 2, 30])
@pytest.mark.parametrize("rate_hz", [8_000, 96_000])
def test_noise_bands_cover_every_frequency_once(bands, rate_hz):
    noise = shapes.noise_shapes(1024, rate_hz, bands=bands)
    assert noise.shape == (bands, 513)
    assert_allclose(noise.sum(axis=0), 1, atol=1e-5)
    peaks = noise.argmax(axis=1)
    assert np.all(np.diff(peaks) >= 0)


@pytest.mark.slow(1.8)
def test_drums_are_separated_by_their_score():
    piece = pieces.load("band")
    samples = 9 * piece.sample_rate_hz
    mixture = piece.mixture[:, :samples]
    found = informed.separate(mixture, piece.sample_rate_hz, piece.score)
    assert_allclose(sum(found.values()), mixture, atol=1e-5)
    gained = {
        name: sdr(s[:, :samples], found[name]) - sdr(s[:, :samples], mixture) for name, s in piece.sources.items()
    }
    assert gained["drums"] > 9, "as reached: 12 dB on the whole piece"
    assert min(gained.values()) > 8


@pytest.mark.parametrize(
    "score, words",
    [
        (None, "needs a score"),
        (Score((), ("nobody",)), "no note at all"),
        (notes.shift(duet()[1], 100.0), "no note within"),
    ],
)
def test_scores_that_cannot_be_followed_are_refused(score, words):
    with pytest.raises(ValueError, match=words):
        informed.separate(np.ones((1, RATE_HZ), np.float32), RATE_HZ, score)


@pytest.mark.parametrize(
    "option, words",
    [
        ({"harmonics": 0}, "harmonics must be"),
        ({"width_bins": 0.0}, "width_bins must be"),
        ({"width_cents": -1.0}, "width_cents must be"),
        ({"tuning_hz": 0.0}, "tuning_hz must be"),
        ({"tolerance_s": -0.1}, "tolerance_s must be"),
        ({"smoothing_s": -0.1}, "smoothing_s must be"),
        ({"iterations": 0}, "iterations must be"),
        ({"iterations": 3, "free_iterations": 4}, "free_iterations must be"),
    ],
)
def test_options_out_of_range_are_refused(option, words):
    with pytest.raises(ValueError, match=words):
        informed.separate(np.ones((1, RATE_HZ), np.float32), RATE_HZ, duet()[1], **option)


@pytest.mark.slow(4)
@pytest.mark.recordings
@pytest.mark.parametrize("condition, wanted_db", list(zip(CONDITIONS[:3], (9.0, 8.7, 8.5), strict=True)))
def test_quartets_reach_their_figures(recordings, condition, wanted_db):
    folders = sorted((recordings / "Bach10-excerpts").iterdir())
    assert len(folders) == 4
    found = []
    for track in (changed(folder, condition) for folder in folders):
        estimates = informed.separate(
            track.mixture, track.sample_rate_hz, track.score, tolerance_s=condition.tolerance_s
        )
        found.append(np.mean([sdr(source, estimates[name]) for name, source in track.sources.items()]))
    assert np.mean(found) > wanted_db


@pytest.mark.slow(5)
@pytest.mark.recordings
def test_a_quintet_with_two_violins_reaches_its_figure(recordings):
    track = read_track(recordings / "URMP-16k" / "39_Jerusalem_vn_vn_va_sax_db")
    estimates = informed.separate(track.mixture, track.sample_rate_hz, track.score, tolerance_s=0.05)
    assert np.mean([sdr(source, estimates[name]) for name, source in track.sources.items()]) > 8.0
