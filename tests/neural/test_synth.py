"""The harmonic synthesiser in torch is the one in numpy: same parameters, same sound, for any set of voices."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mss_lab.datasets import rooms  # noqa: E402
from mss_lab.datasets.harmonic import HarmonicEngine, render  # noqa: E402
from mss_lab.neural import synth  # noqa: E402
from mss_lab.score.notes import Note, Score  # noqa: E402

RATE_HZ = 16_000
SAMPLES = 12_000
ENGINE = HarmonicEngine()
PROGRAMS = (40, 71, 73, 56, 52, 19, 24, None)


def voice(
    seed, program=None, notes=((60, 0.05, 0.3), (67, 0.3, 0.5), (64, 0.31, 0.5)), samples=SAMPLES, rate_hz=RATE_HZ
):
    rng = np.random.default_rng(seed)
    score = Score(tuple(Note("x", *note) for note in notes), ("x",))
    return ENGINE.voice(score, "x", ENGINE.draw_timbre(rng, program), samples, rate_hz, rng)


def reference(voices, samples=SAMPLES, rate_hz=RATE_HZ):
    rows = [np.zeros((1, samples)) if one is None else render(one, samples, rate_hz) for one in voices]
    return np.concatenate(rows)


def sound(voices, samples=SAMPLES, rate_hz=RATE_HZ, **options):
    return synth.render(synth.stack(voices), samples, rate_hz, **options).numpy()


@pytest.fixture(scope="module")
def families():
    """One voice of every family, their sound in numpy, and the tensors."""
    voices = [voice(seed, program) for seed, program in enumerate(PROGRAMS)]
    return voices, reference(voices), synth.stack(voices)


@pytest.mark.parametrize("dtype, within", [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_all_families_sound_as_in_numpy(families, dtype, within):
    _, wanted, parameters = families
    found = synth.render(parameters, SAMPLES, RATE_HZ, dtype=dtype)
    assert found.shape == wanted.shape
    assert found.dtype == dtype
    assert np.abs(wanted).max(axis=1).min() > 0.02
    assert np.abs(found.numpy() - wanted).max() < within * np.abs(wanted).max()


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_every_rate_sounds_as_in_numpy(rate_hz):
    voices = [voice(0, 40, [(72, 0.02, 0.1), (79, 0.1, 0.15)], 8_000, rate_hz)]
    wanted = reference(voices, 8_000, rate_hz)
    assert np.abs(wanted).max() > 0.01
    assert np.abs(sound(voices, 8_000, rate_hz, dtype=torch.float64) - wanted).max() < 1e-9


@pytest.mark.parametrize(
    "notes",
    [
        [(60, 0.1, 0.1 + 1 / RATE_HZ)],
        [(127, 0.1, 0.3)],
        [(40, 0.1, 0.3), (100, 0.1, 0.3), (52.3, 0.1, 0.6)],
        # Beyond the last sample, and across it.
        [(60, 0.5, 2.0), (64, 1.9, 2.0)],
    ],
    ids=["one sample", "above the limit", "chord", "cut off"],
)
def test_odd_notes_sound_as_in_numpy(notes):
    voices = [voice(3, 40, notes), voice(4, None, notes)]
    found = sound(voices, dtype=torch.float64)
    assert np.isfinite(found).all()
    assert np.abs(found - reference(voices)).max() < 1e-9


def test_long_notes_keep_their_phase_in_single_precision():
    voices = [voice(0, 42, [(84, 0.0, 9.0)], samples=150_000)]
    wanted = reference(voices, 150_000)
    assert np.abs(sound(voices, 150_000) - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_without_noise_and_room_there_is_the_tone_alone(families):
    voices, whole = families[0][:2], families[1][:2]
    parameters = synth.stack(voices)
    for left_out in ({"noise"}, {"room"}, {"noise", "room"}):
        bare = {name: values for name, values in parameters.items() if name not in left_out}
        wanted = reference([{n: v for n, v in one.items() if n not in left_out} for one in voices])
        found = synth.render(bare, SAMPLES, RATE_HZ, dtype=torch.float64).numpy()
        assert np.abs(found - wanted).max() < 1e-9
        assert np.abs(found - whole).max() > 1e-4


def test_noise_may_be_drawn_anew_where_the_sound_is_made(families):
    _, wanted, parameters = families
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(len(PROGRAMS), SAMPLES, generator=generator)
    once, again = (synth.render({**parameters, "noise": noise}, SAMPLES, RATE_HZ) for _ in range(2))
    assert torch.equal(once, again)
    assert np.abs(once.numpy() - wanted).max() > 1e-3


def test_a_voice_sounds_the_same_in_any_company(families):
    voices, wanted, _ = families
    mixed = [voices[5], None, voices[0], voices[6]]
    found = sound(mixed, dtype=torch.float64)
    assert not found[1].any()
    assert np.abs(found - np.stack([wanted[5], 0 * wanted[0], wanted[0], wanted[6]])).max() < 1e-9


def test_how_many_rows_are_worked_on_at_once_does_not_matter(families, monkeypatch):
    _, _, parameters = families
    whole = synth.render(parameters, SAMPLES, RATE_HZ, dtype=torch.float64)
    for rows in (1, 7, 10**6):
        if rows == 1:
            few = synth.stack([voice(0, 73, [(90, 0.0, 0.02)])])
            expected = synth.render(few, SAMPLES, RATE_HZ, dtype=torch.float64)
            monkeypatch.setattr(synth, "ROWS_ON_CPU", 1)
            assert torch.allclose(synth.render(few, SAMPLES, RATE_HZ, dtype=torch.float64), expected, atol=1e-12)
            continue
        monkeypatch.setattr(synth, "ROWS_ON_CPU", rows * 20)
        assert torch.allclose(synth.render(parameters, SAMPLES, RATE_HZ, dtype=torch.float64), whole, atol=1e-12)


def test_parameters_are_not_written_into(families):
    _, _, parameters = families
    before = {name: values.clone() for name, values in parameters.items()}
    synth.render(parameters, SAMPLES, RATE_HZ)
    assert all(torch.equal(parameters[name], values) for name, values in before.items())


def test_the_place_of_the_sound_may_be_named(families):
    _, _, parameters = families
    here = synth.render(parameters, SAMPLES, RATE_HZ)
    assert torch.equal(synth.render(parameters, SAMPLES, RATE_HZ, device="cpu"), here)


def test_rooms_of_unlike_lengths_share_a_batch():
    voices = [voice(seed, 40) for seed in range(2)]
    voices[0]["room"] = np.ones((1, 1))
    voices[1]["room"] = rooms.response(rooms.Room(0.4, -6.0, 3, 4_000.0), RATE_HZ, np.random.default_rng(0))[np.newaxis]
    assert np.abs(sound(voices, dtype=torch.float64) - reference(voices)).max() < 1e-9


def test_silent_voices_alone_are_refused():
    with pytest.raises(ValueError, match="at least one that plays a note"):
        synth.stack([None, None])


def test_the_engine_and_the_synthesiser_load_where_training_runs():
    code = (
        "import sys\n"
        "for name in ('scipy', 'soundfile', 'soxr', 'joblib', 'tqdm', 'pretty_midi', 'music21', 'fluidsynth'):\n"
        "    sys.modules[name] = None\n"
        "import mss_lab.neural.synth"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
