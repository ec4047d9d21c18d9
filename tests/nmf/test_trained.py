"""Fixed templates: what the score forbids stays silent, known activations are found, instruments tell octaves apart."""

import shutil

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import checks, shipped, signals, transforms, units
from mss_lab.datasets.track import read_track
from mss_lab.metrics.energy import sdr
from mss_lab.nmf import trained
from mss_lab.nmf.constrained import activation_start, keys_of
from mss_lab.nmf.instruments import MEASURED_ON, harmonic_amplitudes
from mss_lab.score import instruments, notes
from mss_lab.score.notes import Note, Score

RATE_HZ = 16_000
WINDOW = 1024
FRAME_RATE_HZ = 100.0


def tone(midi, seconds, amplitudes):
    """A note whose harmonics have these amplitudes, with short fades."""
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    f0_hz = units.midi_to_hz(midi)
    audible = [(h, a) for h, a in enumerate(amplitudes, start=1) if h * f0_hz < RATE_HZ / 2]
    wave = sum(a * np.sin(2 * np.pi * h * f0_hz * times_s + h) for h, a in audible)
    return signals.fade(wave[np.newaxis], 0.02, RATE_HZ)


def octaves(seconds=0.8, times=1, measured_on="recordings"):
    """A bassoon and, an octave above each of its notes and just as long, a clarinet: harmonics all coincide."""
    low, high = (instruments.program_of(name) for name in ("bassoon", "clarinet"))
    sources, written = {"bassoon": [], "clarinet": []}, []
    for index, midi in enumerate(midi + 4 * time for time in range(times) for midi in (50, 53, 55, 52)):
        for (name, parts), program, pitch in zip(sources.items(), (low, high), (midi, midi + 12), strict=True):
            amplitudes = harmonic_amplitudes(program, measured_on=measured_on)[pitch]
            parts.append(0.1 * tone(pitch, seconds, amplitudes))
            written.append(Note(name, pitch, index * seconds, (index + 1) * seconds))
    return {name: np.concatenate(parts, axis=1).astype(np.float32) for name, parts in sources.items()}, Score(
        tuple(written), ("bassoon", "clarinet")
    )


def separate(mixture, score, rate_hz=RATE_HZ, **options):
    return trained.separate(mixture, rate_hz, score, **{"tolerance_s": 0.05, "tuning_hz": 440.0} | options)


def plain(harmonics=10, slope=1.0):
    return np.tile(np.arange(1, harmonics + 1.0) ** -slope, (128, 1))


# Templates


def test_templates_have_the_amplitudes_they_were_given():
    amplitudes = np.array([[1.0, 0.5, 0.25, 0.0, 0.1], [0.2, 0.0, 1.0, 0.0, 0.0]])
    W = trained.harmonic_templates(amplitudes, (57, 64.5), 4096, RATE_HZ, width_cents=0.0)
    assert W.shape == (2049, 2) and W.dtype == np.float32
    assert_allclose(W.sum(axis=0), 1, rtol=1e-5)
    hz = transforms.stft_frequencies_hz(4096, RATE_HZ)
    for levels, midi, template in zip(amplitudes, (57, 64.5), W.T, strict=True):
        centres_hz = units.midi_to_hz(midi) * np.arange(1, 6)
        sums = [template[np.abs(hz - centre_hz) < units.midi_to_hz(midi) / 2].sum() for centre_hz in centres_hz]
        # Bells are sampled at bins, so their sums differ by a little.
        assert_allclose(sums, levels / levels.sum(), atol=0.005)


def test_templates_follow_the_tuning():
    low, high = (
        trained.harmonic_templates(plain()[:1], (69,), 4096, RATE_HZ, tuning_hz=tuning_hz) for tuning_hz in (415, 440)
    )
    hz = transforms.stft_frequencies_hz(4096, RATE_HZ)
    assert abs(hz[low.argmax()] - 415) < 3 and abs(hz[high.argmax()] - 440) < 3


@pytest.mark.parametrize("amplitudes, midi", [(np.zeros((1, 5)), 60), (np.ones((1, 5)), 125)])
def test_a_note_that_cannot_be_heard_has_a_template_of_zeros(amplitudes, midi):
    W = trained.harmonic_templates(amplitudes, (midi,), WINDOW, RATE_HZ)
    assert not W.any()
    H = trained.fit(np.ones((WINDOW // 2 + 1, 4)), W, np.ones((1, 4))).activations
    assert not H.any()


def test_templates_need_a_pitch_each():
    with pytest.raises(checks.ShapeError, match="one pitch for each of 2 keys, got 1"):
        trained.harmonic_templates(np.ones((2, 5)), (60,), WINDOW, RATE_HZ)


# The table that ships


@pytest.mark.parametrize("name", ["violin", "bassoon", "piano", "choir", "tuba", "nylon guitar", "organ"])
def test_instruments_have_amplitudes_at_every_pitch(name):
    name = {"nylon guitar": "guitar"}.get(name, name)
    amplitudes = harmonic_amplitudes(instruments.program_of(name), 30)
    assert amplitudes.shape == (128, 30)
    assert ((amplitudes >= 0) & (amplitudes <= 1)).all()
    # Near 1: interpolation in dB between pitches whose strongest harmonics differ is a little lower.
    assert amplitudes.max(axis=1).min() > 0.2


def test_a_clarinet_is_hollow_and_an_oboe_is_not():
    clarinet, oboe = (harmonic_amplitudes(instruments.program_of(name))[60] for name in ("clarinet", "oboe"))
    assert clarinet[1] < 0.2 * clarinet[0]
    assert oboe[1] > 0.5 * oboe[0]


def test_recorded_notes_are_preferred_where_there_are_any():
    violin, oboe = (instruments.program_of(name) for name in ("violin", "oboe"))
    assert (harmonic_amplitudes(violin) != harmonic_amplitudes(violin, measured_on="renders")).any()
    assert_array_equal(harmonic_amplitudes(oboe), harmonic_amplitudes(oboe, measured_on="renders"))
    with pytest.raises(ValueError, match="measured_on must be one of"):
        harmonic_amplitudes(violin, measured_on="paper")


def test_more_harmonics_than_measured_are_silent():
    amplitudes = harmonic_amplitudes(40, 80)
    assert_array_equal(amplitudes[:, :60], harmonic_amplitudes(40, 60))
    assert not amplitudes[:, 60:].any()


def test_an_instrument_that_was_not_measured_is_refused():
    with pytest.raises(ValueError, match=r"got 14 \(tubular bells\).*violin"):
        harmonic_amplitudes(14)


def test_a_damaged_table_is_refused(tmp_path, monkeypatch):
    shutil.copytree(shipped.data_folder("models") / "models", tmp_path / "models")
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path))
    for measured_on, folder in MEASURED_ON.items():
        (tmp_path / folder / "harmonics.npz").write_bytes(b"PK")
        with pytest.raises(ValueError, match=r"damaged.*mss-lab data templates"):
            harmonic_amplitudes(40, measured_on=measured_on)
    monkeypatch.setenv("MSS_LAB_DATA", str(tmp_path / "lessons"))
    with pytest.raises(FileNotFoundError, match="single_notes"):
        harmonic_amplitudes(40)


# Instruments of sources


@pytest.mark.parametrize(
    "sources, said",
    [
        (("violin 2", "vnA", "violin_1"), None),
        (("x", "y"), {"x": "violin", "y": "vn"}),
        (("x", "violin"), "x = violin"),
        (("x", "y"), "x=violin, y=vn2"),
    ],
)
def test_players_are_found_by_their_names_or_by_what_is_said(sources, said):
    score = Score(tuple(Note(source, 60, 0.0, 1.0) for source in sources), (*sources, "nobody knows"))
    found = trained.amplitudes_of(score, said)
    assert tuple(found) == sources
    for amplitudes in found.values():
        assert_array_equal(amplitudes, harmonic_amplitudes(40, trained.HARMONICS))


def test_a_bass_among_voices_is_a_voice():
    together = Score(tuple(Note(source, 50, 0.0, 1.0) for source in ("tenor", "bass")))
    voice = harmonic_amplitudes(instruments.program_of("choir"), trained.HARMONICS)
    assert_array_equal(trained.amplitudes_of(together)["bass"], voice)
    alone = Score((Note("bass", 50, 0.0, 1.0),))
    assert np.abs(trained.amplitudes_of(alone)["bass"] - voice).max() > 0.1


@pytest.mark.parametrize(
    "said, words",
    [
        (None, r"source 'theremim' must be played by an instrument that was measured.*--set instruments=theremim="),
        ({"theremim": "viollin"}, r"source 'theremim'.*did you mean violin"),
        ("theremim=tubular bells", r"source 'theremim'.*no clear harmonics"),
        ({"theramin": "violin"}, "instruments must name sources of the score, theremim, violin, got theramin"),
        ("violin", "SOURCE=INSTRUMENT.*got 'violin'"),
    ],
)
def test_an_unknown_instrument_is_refused_in_words(said, words):
    score = Score((Note("theremim", 60, 0.0, 1.0), Note("violin", 64, 0.0, 1.0)))
    with pytest.raises(ValueError, match=words):
        separate(np.ones((1, RATE_HZ), np.float32), score, instruments=said)


# Activations


@pytest.mark.parametrize("beta", [1.0, 1.3, 2.0])
def test_known_templates_recover_known_activations(rng, beta):
    score = Score((Note("a", 57, 0.0, 0.3), Note("a", 60, 0.2, 0.4), Note("b", 69, 0.1, 0.4)))
    keys = keys_of(score)
    W = trained.harmonic_templates(np.stack([plain()[0], plain()[0], plain(slope=0.2)[0]]),
                                   [midi for _, midi in keys], WINDOW, RATE_HZ)  # fmt: skip
    allowed = activation_start(score, keys, 40, FRAME_RATE_HZ, tolerance_s=0.0, release_s=0.0)
    truth = allowed * (0.2 + rng.random(allowed.shape))
    V = (W.astype(float) @ truth).astype(float)
    V.setflags(write=False)
    H = trained.fit(V, W, allowed, beta=beta, iterations=500).activations
    assert_allclose(H, truth, atol=0.02)


@pytest.mark.parametrize("fixed", [False, True])
def test_templates_stay_only_where_they_are_fixed(rng, fixed):
    W = trained.harmonic_templates(plain()[:2], (57, 69), WINDOW, RATE_HZ)
    W.setflags(write=False)
    found = trained.fit(rng.random((WINDOW // 2 + 1, 40)), W, np.ones((2, 40)), iterations=5, fixed=fixed).templates
    assert np.array_equal(found, W) == fixed
    assert not found[W == 0].any()


@pytest.mark.parametrize("iterations", [0, 1, 7, 50])
@pytest.mark.parametrize("level", [1e-6, 1.0, 1e6])
def test_activations_are_zero_where_the_score_is_silent(rng, iterations, level):
    score = Score((Note("a", 57, 0.05, 0.15), Note("b", 69, 0.2, 0.3)))
    keys = keys_of(score)
    allowed = activation_start(score, keys, 40, FRAME_RATE_HZ, tolerance_s=0.02, release_s=0.0)
    W = trained.harmonic_templates(plain()[:2], (57, 69), WINDOW, RATE_HZ)
    H = trained.fit(level * rng.random((WINDOW // 2 + 1, 40)), W, allowed, iterations=iterations).activations
    assert not H[allowed == 0].any() and (H[allowed > 0] > 0).all()
    assert np.isfinite(H).all()


# Refinement


def blobs(*runs, frames=100):
    gains = np.full((1, frames), 1e-6)
    for first, last in runs:
        gains[0, first:last] = 1.0
    return gains


def refined(gains, *written, tolerance_s=0.2, start_s=0.0):
    score = Score(tuple(Note("a", 60, *times) for times in written))
    return trained.refined(gains, score, (("a", 60),), FRAME_RATE_HZ, tolerance_s=tolerance_s, start_s=start_s)[0]


def test_refinement_keeps_the_blob_of_the_note_and_drops_its_neighbours():
    found = refined(blobs((20, 25), (38, 62), (70, 74)), (0.4, 0.6))
    assert found[38:62].all()
    # The smoothing widens a blob by a few frames.
    assert not found[:34].any() and not found[66:].any()


def test_refinement_keeps_what_lies_around_a_note_that_nothing_overlaps():
    found = refined(blobs((22, 25)), (0.4, 0.6))
    assert found[20:80].all() and not found[:20].any() and not found[80:].any()
    assert refined(np.zeros((1, 100)), (0.4, 0.6))[20:80].all()


def test_refinement_never_goes_beyond_the_tolerance():
    found = refined(blobs((0, 100)), (0.4, 0.6), tolerance_s=0.05)
    assert_array_equal(np.flatnonzero(found), np.arange(35, 65))


def test_refinement_knows_where_a_chunk_starts():
    assert_array_equal(
        refined(blobs((38, 62)), (10.4, 10.6), start_s=10.0), refined(blobs((38, 62)), (0.4, 0.6), start_s=0.0)
    )
    assert not refined(blobs((0, 100)), (0.0, 0.5), (30.0, 31.0), start_s=10.0).any()
    # The note ended just before the chunk; its tolerance reaches into it.
    assert refined(blobs((0, 100)), (9.0, 9.9), start_s=10.0)[:10].all()


# Separation


@pytest.mark.parametrize("measured_on, least_db", [("recordings", 6.5), ("renders", 8)])
def test_octaves_are_told_apart_by_what_is_known_of_the_instruments(measured_on, least_db):
    sources, score = octaves(measured_on=measured_on)
    mixture = sum(sources.values())
    options = {"tolerance_s": 0.0, "measured_on": measured_on}
    estimates = separate(mixture, score, **options)
    swapped = separate(mixture, score, instruments={"bassoon": "clarinet", "clarinet": "bassoon"}, **options)
    for name, source in sources.items():
        assert sdr(source, estimates[name]) > least_db
        assert sdr(source, estimates[name]) > sdr(source, swapped[name]) + 3


def test_learning_mends_templates_of_other_instruments():
    sources, score = octaves()
    # Notes that do not begin together, so that there is something to learn from.
    late = round(0.4 * RATE_HZ)
    moved = {"bassoon": np.pad(sources["bassoon"], ((0, 0), (0, late))),
             "clarinet": np.pad(sources["clarinet"], ((0, 0), (late, 0)))}  # fmt: skip
    written = tuple(
        Note(n.source, n.midi, n.onset_s + 0.4 * (n.source == "clarinet"), n.offset_s + 0.4 * (n.source == "clarinet"))
        for n in score.notes
    )
    wrong = {"bassoon": "flute", "clarinet": "violin"}
    stay, learn = (
        separate(sum(moved.values()), Score(written, score.sources), instruments=wrong, fixed=fixed)
        for fixed in (True, False)
    )
    for name, source in moved.items():
        assert sdr(source, learn[name]) > sdr(source, stay[name]) + 1


def test_templates_may_be_given_as_arrays():
    sources, score = octaves(0.4)
    mixture = sum(sources.values())
    given = trained.amplitudes_of(score)
    for name, estimate in separate(mixture, score, templates=given).items():
        assert_array_equal(estimate, separate(mixture, score)[name])
    renamed = Score(
        tuple(Note({"bassoon": "x", "clarinet": "y"}[n.source], n.midi, n.onset_s, n.offset_s) for n in score.notes)
    )
    found = separate(mixture, renamed, templates={"x": given["bassoon"], "y": given["clarinet"]})
    assert_array_equal(found["x"], separate(mixture, score)["bassoon"])


@pytest.mark.parametrize("refine", [False, True])
def test_a_note_deleted_from_the_score_contributes_nothing(refine):
    sources, score = octaves()
    mixture = sum(sources.values())
    without = Score(tuple(n for n in score.notes if (n.source, n.midi) != ("clarinet", 65)), score.sources)
    found = separate(mixture, without, tolerance_s=0.0, refine=refine)["clarinet"]
    # The frames of a window's length around the note's ends hear its neighbours.
    start, stop = round(0.95 * RATE_HZ), round(1.45 * RATE_HZ)
    assert np.abs(found[:, start:stop]).max() < 1e-3 * np.abs(mixture).max()
    assert np.abs(separate(mixture, score, tolerance_s=0.0)["clarinet"][:, start:stop]).max() > 0.01


def handed_over(rest_s):
    """A violin's note that a bassoon takes over at the same pitch, after a rest."""
    violin, bassoon = (
        0.1 * tone(60, 0.6, harmonic_amplitudes(instruments.program_of(name))[60]) for name in ("violin", "bassoon")
    )
    rest, whole = np.zeros((1, round(rest_s * RATE_HZ))), np.zeros((1, round(0.6 * RATE_HZ)))
    sources = {"violin": np.hstack([violin, rest, whole]), "bassoon": np.hstack([whole, rest, bassoon])}
    written = (Note("violin", 60, 0.0, 0.6), Note("bassoon", 60, 0.6 + rest_s, 1.2 + rest_s))
    return {name: waveform.astype(np.float32) for name, waveform in sources.items()}, Score(written)


def test_nobody_plays_on_after_the_end_that_is_written():
    sources, score = handed_over(rest_s=0.0)
    # With one timbre, only the score tells them apart.
    found = separate(sum(sources.values()), score, tolerance_s=0.0, templates=dict.fromkeys(sources, plain()))
    later = np.s_[:, round(0.7 * RATE_HZ) :]
    assert np.sum(found["violin"][later] ** 2) < 1e-3 * np.sum(sources["bassoon"][later] ** 2)


def test_refinement_takes_back_what_the_tolerance_gave_to_the_wrong_player():
    sources, score = handed_over(rest_s=0.2)
    mixture = sum(sources.values())
    once, twice = (separate(mixture, score, tolerance_s=0.5, refine=refine) for refine in (False, True))
    for name, source in sources.items():
        assert sdr(source, twice[name]) > sdr(source, once[name]) + 3


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("refine", [False, True])
def test_estimates_add_up_and_inputs_stay(channels, refine, frozen):
    sources, score = octaves(0.3)
    mixture = np.vstack([sum(sources.values()), 0.3 * sources["clarinet"]])[:channels]
    frozen(mixture)
    found = separate(mixture, score, refine=refine)
    assert list(found) == ["bassoon", "clarinet"]
    assert all(e.shape == mixture.shape and e.dtype == np.float32 for e in found.values())
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


def test_left_equal_to_right_is_mono_twice():
    sources, score = octaves(0.3)
    mono = sum(sources.values())
    both = separate(np.repeat(mono, 2, axis=0), score)
    for name, alone in separate(mono, score).items():
        assert_allclose(both[name], np.repeat(alone, 2, axis=0), atol=1e-6)


@pytest.mark.parametrize("samples", [1, 100, RATE_HZ])
@pytest.mark.parametrize("channels", [1, 2])
def test_silence_gives_silence(samples, channels):
    for refine in (False, True):
        found = separate(np.zeros((channels, samples), np.float32), octaves(0.3)[1], refine=refine, tuning_hz=None)
        assert all(waveform.shape == (channels, samples) and not waveform.any() for waveform in found.values())


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000])
def test_any_usual_rate(rate_hz, rng):
    mixture = signals.noise(0.3, rate_hz, rng=rng).astype(np.float32)
    found = separate(mixture, octaves(0.1)[1], rate_hz, refine=True)
    assert_allclose(sum(found.values()), mixture, atol=1e-6)


def test_one_sample_and_a_window_without_notes(rng):
    score = octaves(0.3)[1]
    one = np.full((1, 1), 0.5, np.float32)
    assert_allclose(sum(separate(one, score).values()), one, atol=1e-6)


@pytest.mark.parametrize("seconds, times", [(1.0, 1), (0.2, 5)])
def test_chunks_join_without_a_seam(monkeypatch, seconds, times):
    sources, score = octaves(seconds, times)
    mixture = sum(sources.values())
    whole = separate(mixture, score)
    # Fades of neighbours are a second each, and must not meet.
    monkeypatch.setattr(trained, "CHUNK_S", 2.0)
    for name, joined in separate(mixture, score).items():
        assert sdr(whole[name], joined) > 60
        assert np.abs(np.diff(joined)).max() < 1.05 * np.abs(np.diff(whole[name])).max()


@pytest.mark.parametrize(
    "templates, words",
    [
        ({"bassoon": plain()}, "clarinet is missing"),
        ({"bassoon": plain(), "clarinet": plain()[:100]}, "128 pitches, got 100"),
        ({"bassoon": plain(), "clarinet": plain(12)}, "bassoon: 10, clarinet: 12"),
        ({"bassoon": plain(), "clarinet": -plain()}, "templates\\['clarinet'\\]"),
        ({"bassoon": plain(), "clarinet": np.full((128, 10), np.nan)}, "templates\\['clarinet'\\]"),
    ],
)
def test_templates_that_do_not_fit_are_refused(templates, words):
    with pytest.raises(ValueError, match=words):
        separate(np.ones((1, RATE_HZ), np.float32), octaves(0.3)[1], templates=templates)


@pytest.mark.parametrize(
    "score, words",
    [
        (None, "needs a score"),
        (Score((), ("nobody",)), "no note at all"),
        (notes.shift(octaves(0.1)[1], 100.0), "no note within"),
        (Score((Note("drums", 36, 0.0, 1.0),), unpitched=frozenset({"drums"})), "drums has none"),
    ],
)
def test_scores_that_cannot_be_followed_are_refused(score, words):
    with pytest.raises(ValueError, match=words):
        separate(np.ones((1, RATE_HZ), np.float32), score)


@pytest.mark.parametrize(
    "option", [{"tolerance_s": -0.1}, {"iterations": -1}, {"exponent": 0.0}, {"width_bins": 0.1}, {"tuning_hz": 0.0}]
)
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        separate(np.ones((1, RATE_HZ), np.float32), octaves(0.3)[1], **option)


@pytest.mark.slow(4)
@pytest.mark.recordings
def test_recorded_notes_suit_real_players(recordings):
    """The four quartet excerpts, notes set by hand: 6.5 dB in the mean, 5.0 with the templates of the soundfont."""
    means = {measured_on: [] for measured_on in MEASURED_ON}
    for track in map(read_track, sorted((recordings / "Bach10-excerpts").iterdir())):
        for measured_on, values in means.items():
            estimates = trained.separate(
                track.mixture, track.sample_rate_hz, track.score, tolerance_s=0.05, measured_on=measured_on
            )
            values.append(np.mean([sdr(source, estimates[name]) for name, source in track.sources.items()]))
    assert np.mean(means["recordings"]) > 6.3
    assert all(real > render for real, render in zip(means["recordings"], means["renders"], strict=True))
