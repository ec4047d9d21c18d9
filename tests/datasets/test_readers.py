"""Readers of data sets, each on a tiny folder of the real layout: names, folders, annotations, rates as published."""

import importlib.util
import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import audio
from mss_lab.datasets import readers
from mss_lab.datasets.readers import (
    bach10,
    cadenza,
    ensembleset,
    musdb,
    phenicx,
    shared,
    slakh,
    synthsod,
    urmp,
)
from mss_lab.score.instruments import is_drums, program_of
from mss_lab.score.midi import write_midi
from mss_lab.score.notes import Note, Score
from tests.folders import write

SECONDS = 0.5


def put(path, rng, rate_hz=44_100, channels=1, seconds=SECONDS):
    """Write noise that 16 bits hold exactly, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waveform = (rng.integers(-3000, 3000, (channels, round(seconds * rate_hz))) / 2**15).astype(np.float32)
    audio.write_audio(path, waveform, rate_hz, subtype="PCM_16")
    return waveform


def times(score, source):
    return [(note.midi, round(note.onset_s, 6), round(note.offset_s, 6)) for note in score.notes_of(source)]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """No test finds data sets that happen to lie on the machine."""
    monkeypatch.delenv(shared.VARIABLE, raising=False)


# One folder of each, as it is published; each fixture returns the folder and what was written


@pytest.fixture
def bach10_folder(tmp_path, rng):
    root = tmp_path / "Bach10_v1.1"
    for piece in ("01-AchGottundHerr", "02-AchLiebenChristen"):
        stems = {s: put(root / piece / f"{piece}-{s}.wav", rng) for s in ("violin", "clarinet", "saxphone", "bassoon")}
        put(root / piece / f"{piece}.wav", rng)
        write(
            root / piece / f"{piece}.txt", "50\t0\t72\t1\n60\t0\t67\t2\n55\t0\t60\t3\n60\t0\t48\t4\n300\t500\t74\t1\n"
        )
        write(root / piece / f"{piece}-GTF0s.mat", "not read")
    write(root / "Bach10_Dataset_Description.pdf", "not read")
    return root, stems


@pytest.fixture
def urmp_folder(tmp_path, rng):
    root = tmp_path / "URMP"
    written = {}
    for piece, players in (
        ("02_Sonata_vn_vn", "vn vn"),
        ("06_Entertainer_sax_vc", "sax vc"),
        ("01_Jupiter_vn_vc", "vn vc"),
    ):
        number, title = piece.split("_")[:2]
        home = root / "Dataset" / piece
        written[piece] = []
        for index, short in enumerate(players.split(), start=1):
            ending = f"{index}_{short}_{number}_{title}"
            written[piece].append(put(home / f"AuSep_{ending}.wav", rng, 48_000))
            put(home / f"AuSep_{ending}_cleaned.wav", rng, 48_000)
            # The same second note for all: two violins may play in unison.
            write(home / f"Notes_{ending}.txt", f"0.0{index}0\t\t440.000\t\t0.100\n0.200\t\t466.1638\t\t0.250\n")
            write(home / f"F0s_{ending}.txt", "0.00\t0\n")
        put(home / f"AuMix_{piece}.wav", rng, 48_000)
    (root / "Dataset" / "Supplementary_Files").mkdir()
    return root, written


@pytest.fixture
def synthsod_folder(tmp_path, rng):
    root = tmp_path / "SynthSOD"
    written = {}
    for song in ("symphony_7_2_orch", "trio_1"):
        for microphone in ("Tree", "Close"):
            for stem in ("Violin_1", "Violin_2", "Flute", "Piccolo", "untunedpercussion"):
                path = root / "SynthSOD_data" / song / microphone / f"{stem}.flac"
                written[song, microphone, stem] = put(path, rng, channels=2)
    rows = "start\tend\tpitch\tinstrument\n0.0\t0.2\t69\t40\n0.1\t0.4\t88\t72\n0.2\t0.3\t76\t73\n0.25\t0.3\t38\t0\n"
    write(root / "score_data" / "trio_1.txt", rows)
    for split, songs in (("train", ["symphony_7_2_orch"]), ("test", ["trio_1", "not_downloaded"])):
        listed = {str(i): {"song_name": song, "duration": 0.5} for i, song in enumerate(songs)}
        write(root / f"SynthSOD_metadata_{split}.json", json.dumps({"songs": listed}))
    return root, written


@pytest.fixture
def phenicx_folder(tmp_path, rng):
    root = tmp_path / "PHENICX-Anechoic"
    written = {
        name: put(root / "audio" / "beethoven" / f"{name}.wav", rng)
        for name in ("violin1", "violin2", "bassoon", "horn1", "horn2", "horn10")
    }
    written["doublebass"] = put(root / "audio" / "beethoven" / "doublebass.wav", rng, seconds=0.2)
    put(root / "audio" / "mozart" / "flute.wav", rng)
    write(root / "annotations" / "mozart" / "flute.txt", "0.1,0.2,C4\n")
    for section in ("violin", "bassoon", "horn", "doublebass"):
        write(root / "annotations" / "beethoven" / f"{section}.txt", "0.10,0.15,A3\n0.10,0.30,C#4\n0.2,0.3,Bb3\n")
        write(root / "annotations" / "beethoven" / f"{section}_o.txt", "0.000000,0.000000,E4\n")
    # What macOS puts into archives.
    write(root / "audio" / "beethoven" / "._violin1.wav", "not audio")
    return root, written


@pytest.fixture
def ensembleset_folder(tmp_path, rng):
    root = tmp_path / "BBCSO_Ensembles"
    stems = ("Violin_2", "Violin_1", "Viola", "Cello")
    written = {
        (mic, stem): put(root / "anitrasdance" / mic / f"{stem}.flac", rng, channels=2)
        for mic in ("Mix_1", "Close", "Tree")
        for stem in stems
    }
    put(root / "anitrasdance" / "Mix_1" / "mix_anitrasdance.flac", rng, channels=2)
    return root, written


@pytest.fixture
def cadenza_folder(tmp_path, rng):
    root = tmp_path / "CadenzaWoodwind"
    home = root / "02-lamortdase-strings" / "Mix_1"
    written = {s: put(home / f"{s}.flac", rng, channels=2) for s in ("Flute", "Oboe", "Clarinet", "Sax", "Bassoon")}
    put(home / "mix_Mix_1.flac", rng, channels=2)
    return root, written


METADATA = """UUID: 1a81ae092884234f3264e2f45927f00a
audio_dir: stems
normalized: true
overall_gain: 0.18270259567062658
stems:
  S00:
    audio_rendered: true
    inst_class: Guitar
    integrated_loudness: -12.82074180245363
    is_drum: false
    midi_program_name: Distortion Guitar
    midi_saved: true
    plugin_name: elektrik_guitar.nkm
    program_num: 30
  S01:
    audio_rendered: true
    inst_class: Drums
    is_drum: true
    midi_program_name: Drums
    midi_saved: true
    plugin_name: session_kit_full.nkm
    program_num: 128
  S02:
    audio_rendered: false
    inst_class: Sound Effects
    is_drum: false
    midi_program_name: FX 8 (sci-fi)
    midi_saved: false
    plugin_name: None
    program_num: 103
  S03:
    audio_rendered: true
    inst_class: 'Strings (continued)'
    is_drum: false
    midi_program_name: Choir Aahs
    midi_saved: true
    plugin_name: choir_o.nkm
    program_num: 52
  S04:
    audio_rendered: true
    inst_class: Guitar
    is_drum: false
    midi_program_name: Electric Guitar (jazz)
    midi_saved: true
    plugin_name: jazz_guitar2.nkm
    program_num: 26
target_peak: -1.0
"""


def put_song(home, rng, ending=".flac", rate_hz=44_100):
    write(home / "metadata.yaml", METADATA)
    (home / "MIDI").mkdir()
    stems = {}
    for index, label in enumerate(("S00", "S01", "S03", "S04")):
        seconds = 0.3 if label == "S03" else SECONDS
        stems[label] = put(home / "stems" / f"{label}{ending}", rng, rate_hz, seconds=seconds)
        score = Score((Note(label, 60 + index, 0.1, 0.2),), unpitched=frozenset(["S01"]))
        write_midi(home / "MIDI" / f"{label}.mid", score)
    put(home / f"mix{ending}", rng, rate_hz)
    return stems


@pytest.fixture
def slakh_folder(tmp_path, rng):
    root = tmp_path / "slakh2100_flac_redux"
    songs = {"train": "Track00001", "validation": "Track01501", "test": "Track01876", "omitted": "Track00049"}
    return root, {song: put_song(root / split / song, rng) for split, song in songs.items()}


@pytest.fixture
def musdb_folder(tmp_path, rng):
    root = tmp_path / "musdb18hq"
    songs = {
        "A Classic Education - NightOwl": "train",
        "ANiMAL - Rockshow": "train",
        "AM Contra - Heart Peripheral": "test",
    }
    written = {}
    for song, part in songs.items():
        stems = {s: put(root / part / song / f"{s}.wav", rng, channels=2) for s in ("vocals", "drums", "bass", "other")}
        audio.write_audio(root / part / song / "mixture.wav", sum(stems.values()), 44_100)
        written[song] = stems
    return root, written


# What holds for all


FOLDERS = {name: f"{name}_folder" for name in readers.names()}


@pytest.fixture(params=readers.names())
def found(request):
    """Every reader and a folder of its kind, one after the other."""
    reader = readers.get(request.param)
    root, _ = request.getfixturevalue(FOLDERS[request.param])
    return reader, root


def test_every_reader_says_what_it_reads():
    for name in readers.names():
        about = readers.get(name).ABOUT
        assert about.name == name
        assert about.count > 0
        assert all((about.title, about.holds, about.where, about.licence, about.size, about.folders, about.reference))
    with pytest.raises(ValueError, match="did you mean 'bach10'"):
        readers.get("bach11")


def test_every_piece_found_is_read_with_a_score_that_fits(found):
    reader, root = found
    names = reader.tracks(root)
    assert names
    assert list(names) == sorted(names)
    for name in names:
        track = reader.read(root, name)
        assert track.name == name
        assert track.mixture.dtype == np.float32
        assert track.mixture.any()
        if track.score is not None:
            assert track.score.sources == tuple(track.sources)
            assert track.score.notes
            assert track.score.duration_s <= track.duration_s + 1e-6


# Pop music names its sources by role or by class.
@pytest.mark.parametrize("found", [name for name in readers.names() if name not in ("musdb", "slakh")], indirect=True)
def test_sources_bear_names_of_the_field(found):
    reader, root = found
    for source in reader.read(root, reader.tracks(root)[0]).sources:
        assert is_drums(source) or program_of(source) >= 0


def test_a_stretch_is_the_whole_cut_audio_and_score_alike(found):
    reader, root = found
    name = reader.tracks(root)[0]
    whole = reader.read(root, name)
    part = reader.read(root, name, start_s=0.15, length_s=0.2)
    start, stop = (round(t * whole.sample_rate_hz) for t in (0.15, 0.35))
    for source, waveform in whole.sources.items():
        assert_array_equal(part.sources[source], waveform[:, start:stop])
    if whole.score is not None:
        kept = [n for n in whole.score.notes if n.offset_s > 0.15 and n.onset_s < 0.35]
        assert len(part.score.notes) == len(kept)
        assert all(0 <= n.onset_s < n.offset_s <= 0.2 + 1e-9 for n in part.score.notes)
        assert sum(n.offset_s - n.onset_s for n in part.score.notes) == pytest.approx(
            sum(min(n.offset_s, 0.35) - max(n.onset_s, 0.15) for n in kept), abs=1e-4
        )
    with pytest.raises(ValueError, match="start_s must lie before the end"):
        reader.read(root, name, start_s=9)


def test_merged_players_are_the_sum_and_mono_is_the_mean(found):
    reader, root = found
    name = reader.tracks(root)[0]
    apart, merged = reader.read(root, name), reader.read(root, name, players="merged")
    assert_allclose(merged.mixture, apart.mixture, atol=1e-6)
    assert len(set(merged.sources)) <= len(apart.sources)
    assert not any(source.endswith(" 2") for source in merged.sources)
    mono = reader.read(root, name, mono=True)
    assert_allclose(mono.mixture, apart.mixture.mean(axis=0, keepdims=True), atol=1e-6)
    with pytest.raises(ValueError, match="players must be one of"):
        reader.read(root, name, players="both")


def test_another_rate_resamples_all_stems_alike(found):
    reader, root = found
    track = reader.read(root, reader.tracks(root)[0], sample_rate_hz=8_000)
    assert track.sample_rate_hz == 8_000
    assert {w.shape[1] for w in track.sources.values()} == {round(SECONDS * 8_000)}


def test_a_missing_data_set_says_where_it_is_had(tmp_path, monkeypatch):
    for name in readers.names():
        reader = readers.get(name)
        for folder in (tmp_path / "none", None):
            with pytest.raises(FileNotFoundError) as refused:
                reader.tracks(folder)
            said = str(refused.value)
            for words in (reader.ABOUT.where, reader.ABOUT.licence, reader.ABOUT.size, shared.VARIABLE):
                assert words in said
        monkeypatch.setenv(shared.VARIABLE, str(tmp_path))
        with pytest.raises(FileNotFoundError, match=f"contains no folder {reader.ABOUT.folders[0]}"):
            reader.tracks()
        monkeypatch.delenv(shared.VARIABLE)


def test_the_variable_names_the_folder_that_holds_them(found, monkeypatch):
    reader, root = found
    monkeypatch.setenv(shared.VARIABLE, str(root.parent))
    assert reader.tracks() == reader.tracks(root)
    assert shared.find(reader.ABOUT) == root
    assert reader.read(None, reader.tracks()[0]).sources


def test_a_folder_of_something_else_is_refused(tmp_path):
    write(tmp_path / "holiday.txt", "pictures")
    for name in readers.names():
        with pytest.raises(FileNotFoundError, match=r"must contain pieces of .*got holiday\.txt"):
            readers.get(name).tracks(tmp_path)


def test_an_unknown_piece_is_refused_with_its_neighbours(found):
    reader, root = found
    name = reader.tracks(root)[0]
    with pytest.raises(ValueError, match="did you mean") as refused:
        reader.read(root, name[:-1])
    assert name in str(refused.value)


def stem_of(reader, root):
    """The first audio file that reading the first piece needs."""
    piece = reader.tracks(root)[0]
    paths = sorted(p for p in root.rglob("*.[wf][al][va]*") if piece in p.as_posix() and p.name[0] != ".")
    inside = "Tree" if reader is synthsod else "Mix_1" if reader is ensembleset else ""
    unread = ("mix", "AuMix", f"{piece}.wav")
    return next(
        p for p in paths if inside in p.as_posix() and not p.name.startswith(unread) and "cleaned" not in p.name
    )


def test_a_stem_that_is_no_audio_is_refused(found):
    reader, root = found
    path = stem_of(reader, root)
    path.write_bytes(b"404 not found")
    with pytest.raises(ValueError, match="could not be read as audio") as refused:
        reader.read(root, reader.tracks(root)[0])
    assert path.name in str(refused.value)


def test_a_stem_at_another_rate_is_refused(found, rng):
    reader, root = found
    put(stem_of(reader, root), rng, 22_050)
    with pytest.raises(ValueError, match=r"must have one sample rate, got .*22050 Hz"):
        reader.read(root, reader.tracks(root)[0])


# Published stems of the other two end early.
@pytest.mark.parametrize("found", [name for name in readers.names() if name not in ("phenicx", "slakh")], indirect=True)
def test_a_stem_cut_short_is_refused(found):
    reader, root = found
    path = stem_of(reader, root)
    whole, rate_hz = audio.read_audio(path)
    audio.write_audio(path, whole[:, : rate_hz // 4], rate_hz)
    with pytest.raises(ValueError, match=r"must last 0\.50 s like the longest stem, got 0\.25 s"):
        reader.read(root, reader.tracks(root)[0])


# Each data set's own


def test_bach10(bach10_folder):
    root, stems = bach10_folder
    assert bach10.tracks(root) == ("01-AchGottundHerr", "02-AchLiebenChristen")
    assert bach10.tracks(root.parent) == bach10.tracks(root)
    track = bach10.read(root, "02-AchLiebenChristen")
    assert list(track.sources) == ["violin", "clarinet", "saxophone", "bassoon"]
    assert track.sample_rate_hz == 44_100
    assert_array_equal(track.sources["saxophone"], stems["saxphone"])
    assert times(track.score, "violin")[0] == (72, 0.05, 0.3)
    written = bach10.read(root, "01-AchGottundHerr", times="written")
    # The second note is written at 0.5 s, where the recording has ended.
    assert times(written.score, "violin") == [(72, 0, 0.5)]
    (root / "01-AchGottundHerr" / "01-AchGottundHerr-bassoon.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"01-AchGottundHerr-bassoon\.wav does not exist"):
        bach10.read(root, "01-AchGottundHerr")


def test_bach10_with_the_saxophone_spelt_right(bach10_folder):
    root, stems = bach10_folder
    home = root / "02-AchLiebenChristen"
    (home / f"{home.name}-saxphone.wav").rename(home / f"{home.name}-saxophone.wav")
    assert_array_equal(bach10.read(root, home.name).sources["saxophone"], stems["saxphone"])


def test_urmp(urmp_folder):
    root, written = urmp_folder
    assert urmp.tracks(root) == ("01_Jupiter_vn_vc", "02_Sonata_vn_vn", "06_Entertainer_sax_vc")
    assert urmp.tracks(root, as_in="tunturi") == ("01_Jupiter_vn_vc",)
    with pytest.raises(ValueError, match="as_in must be"):
        urmp.tracks(root, as_in="miron")
    track = urmp.read(root, "02_Sonata_vn_vn")
    assert list(track.sources) == ["violin", "violin 2"]
    assert track.sample_rate_hz == 48_000
    # Files that denoising left beside the recordings are not players.
    assert_array_equal(track.sources["violin 2"], written["02_Sonata_vn_vn"][1])
    assert_allclose(times(track.score, "violin 2"), [(69, 0.02, 0.12), (70, 0.2, 0.45)], atol=1e-5)
    merged = urmp.read(root, "02_Sonata_vn_vn", players="merged")
    assert_allclose(merged.sources["violin"], sum(written["02_Sonata_vn_vn"]), atol=1e-7)
    # First notes apart, the second in unison: three notes, not four.
    assert len(times(merged.score, "violin")) == 3
    assert list(urmp.read(root, "06_Entertainer_sax_vc").sources) == ["saxophone", "cello"]
    (root / "Dataset" / "01_Jupiter_vn_vc" / "Notes_2_vc_01_Jupiter.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"Notes_2_vc_01_Jupiter\.txt does not exist"):
        urmp.read(root, "01_Jupiter_vn_vc")


def test_synthsod(synthsod_folder):
    root, written = synthsod_folder
    assert synthsod.tracks(root) == ("symphony_7_2_orch", "trio_1")
    assert synthsod.tracks(root, "train") == ("symphony_7_2_orch",)
    assert synthsod.tracks(root, "test") == ("trio_1",)
    with pytest.raises(FileNotFoundError, match=r"SynthSOD_metadata_evaluation\.json does not exist"):
        synthsod.tracks(root, "evaluation")
    track = synthsod.read(root, "trio_1")
    assert list(track.sources) == ["violin", "violin 2", "flute", "piccolo", "percussion"]
    assert_array_equal(track.sources["piccolo"], written["trio_1", "Tree", "Piccolo"])
    # A program does not tell the violins apart: each gets the notes of both.
    assert times(track.score, "violin") == times(track.score, "violin 2") == [(69, 0.0, 0.2)]
    assert times(track.score, "percussion") == [(38, 0.25, 0.3)]
    assert track.score.unpitched == {"percussion"}
    merged = synthsod.read(root, "trio_1", players="merged", related="merged")
    assert list(merged.sources) == ["violin", "flute", "percussion"]
    assert times(merged.score, "violin") == [(69, 0.0, 0.2)]
    assert times(merged.score, "flute") == [(88, 0.1, 0.4), (76, 0.2, 0.3)]
    close = synthsod.read(root, "trio_1", microphone="Close")
    assert_array_equal(close.sources["flute"], written["trio_1", "Close", "Flute"])
    assert synthsod.read(root, "symphony_7_2_orch").score is None
    with pytest.raises(FileNotFoundError, match="choose a microphone among Close, Tree"):
        synthsod.read(root, "trio_1", microphone="Balcony")
    with pytest.raises(ValueError, match="merge both, or neither"):
        synthsod.read(root, "trio_1", related="merged")


@pytest.mark.parametrize("text", ["[1, 2]", '{"songs": {"0": {}}}', "404: not found"])
def test_a_list_of_synthsod_that_cannot_be_read_is_refused(synthsod_folder, text):
    root, _ = synthsod_folder
    write(root / "SynthSOD_metadata_train.json", text)
    with pytest.raises(ValueError, match="must list songs with their song_name"):
        synthsod.tracks(root, "train")


def test_phenicx(phenicx_folder):
    root, written = phenicx_folder
    assert phenicx.tracks(root) == ("beethoven", "mozart")
    track = phenicx.read(root, "beethoven")
    assert list(track.sources) == ["bassoon", "horn", "horn 2", "horn 3", "violin", "violin 2", "double bass"]
    # By number, not by letter: 2 before 10.
    assert_array_equal(track.sources["horn 3"], written["horn10"])
    # The double bass ends first, and is silent from there on.
    bass = track.sources["double bass"]
    assert_array_equal(bass[:, :8_820], written["doublebass"])
    assert not bass[:, 8_820:].any()
    assert times(track.score, "violin 2") == [(57, 0.1, 0.15), (61, 0.1, 0.3), (58, 0.2, 0.3)]
    merged = phenicx.read(root, "beethoven", players="merged")
    assert list(merged.sources) == ["bassoon", "horn", "violin", "double bass"]
    assert times(merged.score, "violin") == times(track.score, "violin")
    assert times(phenicx.read(root, "beethoven", times="written").score, "violin") == [(64, 0.0, 0.001)]
    late = phenicx.read(root, "beethoven", start_s=0.3)
    assert not late.sources["double bass"].any()
    assert late.sources["double bass"].shape == late.sources["violin"].shape


@pytest.mark.parametrize("row", ["0.1,0.2,H4", "0.1,0.2", "0.2,0.1,C4", "0.1;0.2;C4", "a,0.2,C4"])
def test_a_wrong_note_of_phenicx_is_refused_with_its_line(phenicx_folder, row):
    root, _ = phenicx_folder
    write(root / "annotations" / "mozart" / "flute.txt", f"0.1,0.2,C4\n\n{row}\n")
    with pytest.raises(ValueError, match=r"line 3 of .*flute\.txt must be a note such as"):
        phenicx.read(root, "mozart")


def test_an_instrument_that_phenicx_has_not_is_refused(phenicx_folder, rng):
    root, _ = phenicx_folder
    put(root / "audio" / "mozart" / "theremin.wav", rng)
    with pytest.raises(ValueError, match=r"theremin\.wav must be named after one of flute"):
        phenicx.read(root, "mozart")
    (root / "audio" / "mozart" / "theremin.wav").unlink()
    (root / "annotations" / "mozart" / "flute.txt").unlink()
    with pytest.raises(FileNotFoundError, match="holds the notes of the flute"):
        phenicx.read(root, "mozart")


@pytest.mark.parametrize(
    "name, midi", [("C4", 60), ("A4", 69), ("C#4", 61), ("Db4", 61), ("B3", 59), ("Cb4", 59), ("C-1", 0), ("F##2", 43)]
)
def test_names_of_pitches(name, midi):
    assert phenicx._midi(name) == midi


def test_ensembleset(ensembleset_folder):
    root, written = ensembleset_folder
    assert ensembleset.tracks(root) == ("anitrasdance",)
    track = ensembleset.read(root, "anitrasdance")
    assert list(track.sources) == ["violin", "violin 2", "viola", "cello"]
    assert_array_equal(track.sources["violin 2"], written["Mix_1", "Violin_2"])
    assert track.sources["cello"].shape[0] == 2
    assert track.score is None
    close = ensembleset.read(root, "anitrasdance", microphone="Close")
    assert_array_equal(close.sources["viola"], written["Close", "Viola"])
    with pytest.raises(FileNotFoundError, match="choose a microphone among Close, Mix_1, Tree"):
        ensembleset.read(root, "anitrasdance", microphone="Balcony")
    (root / "anitrasdance" / "Tree" / "Viola.flac").rename(root / "anitrasdance" / "Tree" / "Theremin.flac")
    with pytest.raises(ValueError, match=r"Theremin\.flac must be named after one of Violin"):
        ensembleset.read(root, "anitrasdance", microphone="Tree")


def test_cadenza(cadenza_folder):
    root, written = cadenza_folder
    assert cadenza.tracks(root) == ("02-lamortdase-strings",)
    track = cadenza.read(root, "02-lamortdase-strings")
    assert list(track.sources) == ["flute", "oboe", "clarinet", "bassoon"]
    other = cadenza.read(root, "02-lamortdase-strings", quartet="saxophone")
    assert list(other.sources) == ["flute", "oboe", "alto sax", "bassoon"]
    assert_array_equal(other.sources["alto sax"], written["Sax"])
    # Where only one of the two is there, it plays.
    (root / "02-lamortdase-strings" / "Mix_1" / "Clarinet.flac").unlink()
    assert "alto sax" in cadenza.read(root, "02-lamortdase-strings").sources


def test_cadenza_in_folders_within_folders(cadenza_folder, rng):
    root, _ = cadenza_folder
    flute = put(root / "05-minuet" / "a" / "Flute.flac", rng, channels=2)
    put(root / "05-minuet" / "b" / "Mix_1" / "Oboe.flac", rng, channels=2)
    assert cadenza.tracks(root) == ("02-lamortdase-strings", "05-minuet/a", "05-minuet/b")
    assert_array_equal(cadenza.read(root, "05-minuet/a").sources["flute"], flute)


def test_slakh(slakh_folder):
    root, written = slakh_folder
    assert slakh.tracks(root) == ("Track00001", "Track01501", "Track01876")
    assert [slakh.tracks(root, split) for split in ("train", "validation", "test", "omitted")] == [
        ("Track00001",),
        ("Track01501",),
        ("Track01876",),
        ("Track00049",),
    ]
    assert sum(slakh.SPLITS.values()) == slakh.ABOUT.count == 1710
    with pytest.raises(ValueError, match="split must be one of"):
        slakh.tracks(root, "valid")
    track = slakh.read(root, "Track01876")
    assert list(track.sources) == ["guitar", "drums", "strings (continued)", "guitar 2"]
    stems = written["Track01876"]
    assert_array_equal(track.sources["guitar 2"], stems["S04"])
    assert_array_equal(track.sources["strings (continued)"][:, : stems["S03"].shape[1]], stems["S03"])
    assert times(track.score, "guitar 2") == [(63, 0.1, 0.2)]
    assert track.score.unpitched == {"drums"}
    merged = slakh.read(root, "Track01876", players="merged")
    assert_allclose(merged.sources["guitar"], stems["S00"] + stems["S04"], atol=1e-7)
    assert [midi for midi, *_ in times(merged.score, "guitar")] == [60, 63]
    programs = slakh.read(root, "Track00001", names="program")
    assert list(programs.sources) == ["distortion guitar", "drums", "choir aahs", "electric guitar (jazz)"]
    # What duplicates other songs is read when it is asked for.
    assert slakh.read(root, "Track00049").sources


def test_the_record_of_slakh_is_read_as_yaml_reads_it(slakh_folder):
    yaml = pytest.importorskip("yaml")
    root, _ = slakh_folder
    ours = slakh._stems(root / "train" / "Track00001" / "metadata.yaml")
    theirs = yaml.safe_load(METADATA)["stems"]
    assert list(ours) == list(theirs)
    for label, facts in theirs.items():
        for word, value in facts.items():
            assert ours[label][word] == (str(value).lower() if isinstance(value, bool) else str(value))


def test_baby_slakh_has_no_splits(tmp_path, rng):
    root = tmp_path / "babyslakh_16k"
    put_song(root / "Track00001", rng, ".wav", 16_000)
    assert slakh.tracks(root) == ("Track00001",)
    assert slakh.read(root, "Track00001").sample_rate_hz == 16_000
    with pytest.raises(FileNotFoundError, match="BabySlakh has no splits"):
        slakh.tracks(root, "train")


def test_a_song_of_slakh_that_is_not_whole_is_refused(slakh_folder):
    root, _ = slakh_folder
    home = root / "train" / "Track00001"
    # A stem without notes, or without a file of them, is a stem.
    (home / "MIDI" / "S00.mid").unlink()
    write_midi(home / "MIDI" / "S03.mid", Score((), ("S03",)))
    track = slakh.read(root, "Track00001")
    assert not track.score.notes_of("guitar")
    assert not track.score.notes_of("strings (continued)")
    (home / "stems" / "S04.flac").unlink()
    with pytest.raises(FileNotFoundError, match=r"S04\.flac does not exist, though Track00001 says it has it"):
        slakh.read(root, "Track00001")
    for text, words in (
        ("stems:\n  S00\n", "must be `word: value`"),
        ("UUID: 1\n", "must list stems"),
        ("", "must list"),
    ):
        write(home / "metadata.yaml", text)
        with pytest.raises(ValueError, match=words):
            slakh.read(root, "Track00001")
    write(home / "metadata.yaml", "stems:\n  S00:\n    is_drum: false\n")
    with pytest.raises(ValueError, match="must say what each stem is"):
        slakh.read(root, "Track00001")
    (home / "metadata.yaml").unlink()
    with pytest.raises(FileNotFoundError, match="says what the stems are"):
        slakh.read(root, "Track00001")


def test_musdb(musdb_folder):
    root, written = musdb_folder
    assert musdb.tracks(root) == ("A Classic Education - NightOwl", "AM Contra - Heart Peripheral", "ANiMAL - Rockshow")
    assert musdb.tracks(root, "train") == ("A Classic Education - NightOwl", "ANiMAL - Rockshow")
    assert musdb.tracks(root, "test") == ("AM Contra - Heart Peripheral",)
    assert musdb.tracks(root, "valid") == ("ANiMAL - Rockshow",)
    assert musdb.tracks(root, "fit") == ("A Classic Education - NightOwl",)
    with pytest.raises(ValueError, match="split must be one of"):
        musdb.tracks(root, "validation")
    assert len(musdb.VALIDATION) == musdb.SPLITS["valid"] == musdb.SPLITS["train"] - musdb.SPLITS["fit"]
    track = musdb.read(root, "ANiMAL - Rockshow")
    assert list(track.sources) == ["drums", "bass", "other", "vocals"]
    assert track.score is None
    for source, waveform in track.sources.items():
        assert_array_equal(waveform, written["ANiMAL - Rockshow"][source])
    mixture, _ = audio.read_audio(root / "train" / "ANiMAL - Rockshow" / "mixture.wav")
    assert_allclose(track.mixture, mixture, atol=1e-6)


def test_validation_songs_are_those_of_the_program_musdb():
    yaml = pytest.importorskip("yaml")
    package = importlib.util.find_spec("musdb")
    if package is None:
        pytest.skip("not run: the program musdb is not installed")
    path = Path(package.submodule_search_locations[0]) / "configs" / "mus.yaml"
    setup = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert tuple(setup["validation_tracks"]) == musdb.VALIDATION
    assert {name: setup["stem_ids"][name] for name in musdb.STREAMS} == musdb.STREAMS


@pytest.fixture
def stem_mp4(tmp_path, rng):
    root = tmp_path / "musdb18"
    write(root / "test" / "AM Contra - Heart Peripheral.stem.mp4", "stands for a video file")
    return root


def test_compressed_musdb_needs_ffmpeg_and_says_so(stem_mp4, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert musdb.tracks(stem_mp4) == ("AM Contra - Heart Peripheral",)
    with pytest.raises(ModuleNotFoundError, match=r"read by the program ffmpeg.*or get MUSDB18-HQ"):
        musdb.read(stem_mp4, "AM Contra - Heart Peripheral")


STAND_IN = """#!{python} -S
import struct, sys, wave
words = sys.argv[1:]
stream = int(words[words.index("-map") + 1].removeprefix("0:a:"))
open(words[words.index("-i") + 1]).close()
if {broken!r}:
    sys.exit("moov atom not found")
with wave.open(words[-1], "wb") as file:
    file.setnchannels(2), file.setsampwidth(2), file.setframerate(44100)
    file.writeframes(struct.pack("<h", stream * 3000) * 8820)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="not run: the stand-in is a script that only Unix starts")
@pytest.mark.parametrize("broken", [False, True])
def test_compressed_musdb_is_unpacked_stream_by_stream(stem_mp4, monkeypatch, tmp_path, broken):
    # Stands for ffmpeg, which few machines that run tests have: what it is asked for is what is tested.
    program = write(tmp_path / "bin" / "ffmpeg", STAND_IN.format(python=sys.executable, broken=broken))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    if broken:
        with pytest.raises(ValueError, match=r"could not be unpacked \(moov atom not found\); get it again"):
            musdb.read(stem_mp4, "AM Contra - Heart Peripheral")
        return
    track = musdb.read(stem_mp4, "AM Contra - Heart Peripheral")
    assert {name: waveform[0, 0] * 2**15 for name, waveform in track.sources.items()} == {
        "drums": 3000,
        "bass": 6000,
        "other": 9000,
        "vocals": 12000,
    }
