"""Scores become sound: refusals, and, where FluidSynth is there (marker `renders`), the stems themselves."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import audio, cli
from mss_lab.datasets import make_lessons, pieces, render
from mss_lab.loudness import loudness_lufs
from mss_lab.score.notes import Note, Score, select
from mss_lab.shipped import data_folder

RATE_HZ = 44_100
DUET = Score(
    (Note("flute", 72, 0.3, 0.9), Note("bassoon", 43, 0.5, 1.2), Note("flute", 76, 1.0, 1.4, 110)),
    ("flute", "bassoon"),
)
DUET_PROGRAMS = {"flute": 73, "bassoon": 70}


def residual_db(estimate, truth):
    return 10 * np.log10(np.sum((estimate - truth) ** 2) / np.sum(truth**2) + 1e-30)


@pytest.mark.parametrize("samples", [1, 3, 5000])
def test_fade_out_ends_in_silence_and_leaves_the_rest_alone(samples):
    ones = np.ones((1, samples))
    faded = render.fade_out(ones, 0.05, RATE_HZ)
    assert faded.shape == ones.shape
    if samples == 5000:
        assert faded[0, -1] < 1e-6
        assert_array_equal(faded[:, : 5000 - 2205], 1)
        assert np.all(np.diff(faded[0]) <= 0)


# Refusals


def test_a_source_without_a_program_is_refused():
    with pytest.raises(ValueError, match=r"bassoon.*add its number"):
        render.render(DUET, {"flute": 73})


@pytest.mark.parametrize("program", [-1, 128, 1.5])
def test_a_program_that_midi_does_not_have_is_refused(program):
    with pytest.raises(ValueError, match="programs"):
        render.render(DUET, {**DUET_PROGRAMS, "flute": program})


def test_a_missing_module_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(ImportError, match="pip install pyfluidsynth") as caught:
        render.fluidsynth()
    for system in ("apt install libfluidsynth3", "conda install", "brew install", "choco install"):
        assert system in str(caught.value)


def test_a_soundfont_that_is_not_there_is_refused(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"none\.sf2 does not exist"):
        render.find_soundfont(tmp_path / "none.sf2")
    monkeypatch.setenv("MSS_LAB_SOUNDFONT", str(tmp_path / "other.sf2"))
    with pytest.raises(FileNotFoundError, match=r"other\.sf2 \(from MSS_LAB_SOUNDFONT\)"):
        render.find_soundfont()
    monkeypatch.delenv("MSS_LAB_SOUNDFONT")
    monkeypatch.setattr(render, "SOUNDFONT_FOLDERS", (str(tmp_path),))
    with pytest.raises(FileNotFoundError, match="apt install fluid-soundfont-gm"):
        render.find_soundfont()


def test_the_soundfont_is_found_by_variable_and_by_folder(tmp_path, monkeypatch):
    (tmp_path / render.SOUNDFONT_NAME).write_bytes(b"font")
    monkeypatch.setattr(render, "SOUNDFONT_FOLDERS", ("/nowhere", str(tmp_path)))
    monkeypatch.delenv("MSS_LAB_SOUNDFONT", raising=False)
    assert render.find_soundfont() == tmp_path / render.SOUNDFONT_NAME
    (tmp_path / "mine.sf2").write_bytes(b"font")
    monkeypatch.setenv("MSS_LAB_SOUNDFONT", str(tmp_path / "mine.sf2"))
    assert render.find_soundfont() == tmp_path / "mine.sf2"


def test_a_key_is_released_before_it_is_struck_again():
    notes = (Note("x", 60, 0.0, 0.5), Note("x", 60, 0.5, 1.0))
    at_half = round(0.5 * RATE_HZ / render.BLOCK_SAMPLES)
    assert [event[:2] for event in render._events(notes, RATE_HZ)] == [(0, 1), (at_half, 0), (at_half, 1), (689, 0)]


# With FluidSynth. No skip: where it is missing these fail, and the message says what to install.


@pytest.mark.renders
@pytest.mark.parametrize("name", ["chorale_a", "chorale_b", "band", "song"])
def test_a_shipped_piece_comes_out_again(name):
    _, stems = make_lessons.make(name)
    folder = data_folder() / "lessons" / name
    for source, stem in stems.items():
        shipped, _ = audio.read_audio(folder / f"{source}.flac")
        assert shipped.shape == stem.shape
        recorded, here = pieces.verify(name)["versions"], render.versions()
        assert residual_db(stem, shipped) < -60, f"{source}: recorded with {recorded}, rendered with {here}"


@pytest.mark.renders
def test_two_runs_give_the_same_samples():
    first = render.render(DUET, DUET_PROGRAMS)
    again = render.render(DUET, DUET_PROGRAMS, jobs=2)
    assert list(first) == ["flute", "bassoon"]
    for source in first:
        assert first[source].dtype == np.float32
        assert_array_equal(first[source], again[source])


@pytest.mark.renders
def test_a_stem_does_not_depend_on_who_plays_beside_it():
    both = render.render(DUET, DUET_PROGRAMS)["bassoon"]
    alone = render.render(select(DUET, ["bassoon"]), DUET_PROGRAMS, tail_s=1.2)["bassoon"]
    assert_allclose(alone[:, :52_000], both[:, :52_000], atol=1e-6)


@pytest.mark.renders
@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_every_rate_gives_the_written_pitch_and_length(rate_hz):
    score = Score((Note("clarinet", 69, 0.1, 1.6),))
    stem = render.render(score, {"clarinet": 71}, sample_rate_hz=rate_hz, tail_s=0.4)["clarinet"]
    assert stem.shape == (1, 2 * rate_hz)
    middle = stem[0, rate_hz // 2 : rate_hz // 2 + rate_hz]
    assert np.argmax(np.abs(np.fft.rfft(middle * np.hanning(rate_hz)))) == pytest.approx(440, abs=2)


@pytest.mark.renders
@pytest.mark.parametrize("loudness", [-40.0, -27.0, -20.0])
def test_stems_are_equally_loud(loudness):
    for stem in render.render(DUET, DUET_PROGRAMS, loudness=loudness).values():
        # The final fade works after scaling, on the dying note.
        assert loudness_lufs(stem, RATE_HZ) == pytest.approx(loudness, abs=0.05)


@pytest.mark.renders
def test_without_a_loudness_a_stronger_note_is_louder():
    stem = render.render(
        Score((Note("flute", 72, 0.1, 0.9, 40), Note("flute", 72, 2.1, 2.9, 110))), {"flute": 73}, loudness=None
    )["flute"]
    soft, loud = (np.std(stem[0, round(start * RATE_HZ) :][: RATE_HZ // 2]) for start in (0.3, 2.3))
    assert loud > 2 * soft > 0


@pytest.mark.renders
def test_a_source_without_notes_is_silent():
    score = Score((Note("flute", 72, 0.0, 0.5),), ("flute", "bassoon"))
    stems = render.render(score, DUET_PROGRAMS)
    assert stems["flute"].any()
    assert not stems["bassoon"].any()
    assert stems["bassoon"].shape == stems["flute"].shape


@pytest.mark.renders
def test_drums_come_from_the_drum_bank():
    notes = (Note("x", 42, 0.1, 0.2), Note("x", 42, 0.6, 0.7))
    drums = render.render(Score(notes, unpitched=frozenset({"x"})), {"x": 0})["x"]
    piano = render.render(Score(notes), {"x": 0})["x"]

    def centroid_hz(stem):
        power = np.abs(np.fft.rfft(stem[0])) ** 2
        return np.sum(power * np.fft.rfftfreq(stem.shape[1], 1 / RATE_HZ)) / power.sum()

    # A closed hi-hat hisses; the piano's F sharp 2 hums.
    assert centroid_hz(drums) > 4000 > 1000 > centroid_hz(piano)


@pytest.mark.renders
@pytest.mark.parametrize("effect", ["reverb", "chorus"])
def test_effects_are_off_until_asked_for(effect):
    score = select(DUET, ["flute"])
    dry = render.render(score, DUET_PROGRAMS)["flute"]
    wet = render.render(score, DUET_PROGRAMS, **{effect: True})["flute"]
    after = round((score.duration_s + 0.5) * RATE_HZ)
    assert residual_db(wet, dry) > -40
    assert np.abs(dry[:, after:]).max() < 1e-4
    if effect == "reverb":
        assert np.abs(wet[:, after:]).max() > 1e-4


@pytest.mark.renders
@pytest.mark.parametrize("name", ["chorale_a", "chorale_b", "band", "song"])
def test_every_key_of_the_pieces_sounds_within_30_ms(name):
    recipe = make_lessons.RECIPES[name]
    score = pieces.load(name).score
    for source, program in recipe.programs.items():
        # Each pitch alone, with silence around it; one render for a source.
        pitches = sorted({note.midi for note in score.notes_of(source)})
        onsets_s = [0.25 + 2.0 * number for number in range(len(pitches))]
        alone = Score(
            tuple(
                Note(source, pitch, onset_s, onset_s + 0.5) for pitch, onset_s in zip(pitches, onsets_s, strict=True)
            ),
            unpitched=score.unpitched & {source},
        )
        stem = render.render(alone, {source: program}, tail_s=2)[source][0]
        for pitch, onset_s in zip(pitches, onsets_s, strict=True):
            first = round((onset_s - 0.05) * RATE_HZ)
            around = np.abs(stem[first : first + round(0.45 * RATE_HZ)])
            # Heard: 30 dB under its own peak. A low string takes 50 ms to swing freely.
            heard_s = np.argmax(around > 0.03 * around.max()) / RATE_HZ - 0.05
            assert -0.002 < heard_s < 0.03, f"{source}, pitch {pitch}"


@pytest.mark.renders
def test_versions_name_what_the_sound_depends_on():
    versions = render.versions()
    assert set(versions) == {"fluidsynth", "pyfluidsynth", "soundfont", "soundfont_sha256"}
    assert versions["fluidsynth"][0].isdigit()
    assert len(versions["soundfont_sha256"]) == 64


@pytest.mark.renders
def test_a_file_that_is_no_soundfont_is_refused(tmp_path):
    (tmp_path / "not.sf2").write_bytes(b"no soundfont at all")
    with pytest.raises(ValueError, match="could not be read as a soundfont"):
        render.render(DUET, DUET_PROGRAMS, soundfont=tmp_path / "not.sf2")


@pytest.mark.renders
def test_the_command_writes_whole_folders_and_a_table(tmp_path, capsys):
    assert cli.main(["data", "lessons", "song", "--out", str(tmp_path)]) == 0
    assert "voice" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["song"]
    assert pieces.load(tmp_path / "song").title == make_lessons.RECIPES["song"].title
    assert cli.main(["data", "lessons", "song", "--out", str(tmp_path)]) == 0


def test_the_command_refuses_an_unknown_piece(capsys):
    assert cli.main(["data", "lessons", "sonata"]) == 2
    assert "chorale_a" in capsys.readouterr().err


def test_a_render_that_fails_leaves_the_old_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "song").mkdir()
    (tmp_path / "song" / "kept").write_text("kept")
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    assert cli.main(["data", "lessons", "song", "--out", str(tmp_path)]) == 2
    assert "apt install" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "song").iterdir()] == ["kept"]
