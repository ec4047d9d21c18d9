"""A folder of stems, or tracks, as training data."""

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose

from mss_lab.datasets import store, training_store
from mss_lab.datasets.track import Track
from mss_lab.score.notes import Note, Score

RATE_HZ = 8000


def piece(name, sources=("flute", "cello"), length_s=2.0, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    samples = round(length_s * RATE_HZ)
    stems = {source: 0.1 * rng.standard_normal((channels, samples)).astype(np.float32) for source in sources}
    notes = tuple(Note(source, 60 + i, 0.5 * i, 0.5 * i + 0.4) for i, source in enumerate(sources))
    return Track(name, RATE_HZ, stems, Score(notes, tuple(sources)))


def write(folder, track, notes=True):
    folder.mkdir(parents=True)
    for source, waveform in track.sources.items():
        soundfile.write(folder / f"{source}.wav", waveform.T, track.sample_rate_hz, subtype="FLOAT")
    if notes:
        rows = [f"{note.source},{note.midi},{note.onset_s},{note.offset_s}" for note in track.score.notes]
        (folder / "notes.csv").write_text("\n".join(["instrument,midi,onset_s,offset_s", *rows]) + "\n")


def test_a_folder_of_pieces_becomes_two_stores_with_no_piece_in_both(tmp_path):
    for index in range(5):
        write(tmp_path / "stems" / f"piece {index}", piece(f"piece {index}", seed=index))
    train, valid = training_store.make(tmp_path / "stems", tmp_path / "out", sample_rate_hz=RATE_HZ)
    assert (len(train), len(valid)) == (4, 1)
    assert set(train.facts["pieces"]) == set(valid.facts["held_out"])
    assert not set(train.facts["pieces"]) & set(valid.facts["pieces"])
    assert train.facts["sources"] == ["cello", "flute"], "in alphabetical order, as files are"
    item = train[0]
    original = piece(str(item["piece"]), seed=int(str(item["piece"])[-1]))
    for source, waveform in zip(train.facts["sources"], item["audio"], strict=True):
        assert_allclose(waveform.astype(np.float32), original.sources[source][0], atol=1e-3)
    rows = {tuple(row) for row in item["notes"].tolist()}
    assert rows == {(1.0, 60.0, 0.0, 0.4), (0.0, 61.0, 0.5, 0.9)}
    again = store.open_store(tmp_path / "out" / "train")
    assert again.facts == train.facts


def test_tracks_and_functions_that_read_them_give_the_same_store(tmp_path):
    tracks = [piece(name, seed=index) for index, name in enumerate("abc")]
    first, _ = training_store.make(tracks, tmp_path / "one", sample_rate_hz=RATE_HZ)
    second, _ = training_store.make(
        [lambda track=track: track for track in tracks], tmp_path / "two", sample_rate_hz=RATE_HZ
    )
    assert first.facts == second.facts
    for index in range(len(first)):
        assert np.array_equal(first[index]["audio"], second[index]["audio"])


def test_a_single_piece_is_validated_on_its_end(tmp_path):
    track = piece("alone", length_s=4.0)
    train, valid = training_store.make([track], tmp_path / "out", sample_rate_hz=RATE_HZ, valid_share=0.25)
    assert (train[0]["audio"].shape[1], valid[0]["audio"].shape[1]) == (3 * RATE_HZ, RATE_HZ)
    assert_allclose(valid[0]["audio"][0].astype(np.float32), track.sources["flute"][0, 3 * RATE_HZ :], atol=1e-3)
    assert not len(valid[0]["notes"]), "no note sounds there"


def test_the_items_of_a_store_come_back_as_tracks_with_their_notes(tmp_path):
    tracks = [piece(name, seed=index) for index, name in enumerate("abc")]
    train, valid = training_store.make(tracks, tmp_path / "out", sample_rate_hz=RATE_HZ)
    back = [*training_store.tracks_of(train), *training_store.tracks_of(valid)]
    assert sorted(track.name.partition(",")[0] for track in back) == ["a", "b", "c"]
    for track in back:
        original = tracks["abc".index(track.name[0])]
        assert track.sample_rate_hz == RATE_HZ and tuple(track.sources) == ("flute", "cello") == track.score.sources
        for name, waveform in track.sources.items():
            assert_allclose(waveform, original.sources[name], atol=1e-3)
        times = [(note.source, note.midi, note.onset_s, note.offset_s) for note in track.score.notes]
        assert times == [(n.source, n.midi, n.onset_s, n.offset_s) for n in original.score.notes]


def test_long_pieces_are_cut_and_their_notes_with_them(tmp_path):
    track = piece("long", length_s=4.0)
    track = Track("long", RATE_HZ, track.sources, Score((Note("flute", 70, 0.5, 2.5),), ("flute", "cello")))
    train, _ = training_store.make(
        [track, piece("b"), piece("c")], tmp_path / "out", sample_rate_hz=RATE_HZ, item_s=1.0
    )
    of_long = [train[index] for index in range(len(train)) if str(train[index]["piece"]) == "long"]
    assert [item["notes"].tolist() for item in of_long] == [
        [[0.0, 70.0, 0.5, 1.0]], [[0.0, 70.0, 0.0, 1.0]], [[0.0, 70.0, 0.0, 0.5]], []
    ]  # fmt: skip


def test_stereo_is_averaged_rates_are_changed_and_loud_pieces_turned_down_together(tmp_path):
    track = piece("stereo", channels=2, length_s=1.0)
    loud = Track("stereo", RATE_HZ, {name: 20 * wave for name, wave in track.sources.items()}, track.score)
    train, _ = training_store.make([loud], tmp_path / "out", sample_rate_hz=2 * RATE_HZ, valid_share=0.1)
    audio = train[0]["audio"].astype(np.float32)
    assert audio.shape == (2, round(0.9 * 2 * RATE_HZ))
    assert max(np.abs(audio).max(), np.abs(audio.sum(axis=0)).max()) <= 0.951
    levels = [np.std(wave.mean(axis=0)) for wave in loud.sources.values()]
    assert_allclose(audio[0].std() / audio[1].std(), levels[0] / levels[1], rtol=0.02)


def test_named_sources_choose_order_and_fill_with_silence(tmp_path):
    tracks = [piece("a"), piece("b", ("flute", "horn")), piece("c", ("horn", "flute", "cello"))]
    with pytest.raises(ValueError, match="all pieces must have the same sources, got cello, flute; cello, flute, horn"):
        training_store.make(tracks, tmp_path / "out")
    train, valid = training_store.make(tracks, tmp_path / "out", sample_rate_hz=RATE_HZ, sources=("horn", "flute"))
    assert train.facts["sources"] == ["horn", "flute"]
    items = {str(one[i]["piece"]): one[i]["audio"] for one in (train, valid) for i in range(len(one))}
    assert not items["a"][0].any() and items["a"][1].any() and items["b"].any(axis=1).all()


def test_what_cannot_be_stored_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold stems, or a folder of stems for each piece, got none"):
        training_store.make(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="at least one track, got none"):
        training_store.make([], tmp_path / "out")
    with pytest.raises(ValueError, match="valid_share must be a number above 0 and below 1"):
        training_store.make([piece("a")], tmp_path / "out", valid_share=1.0)
    write(tmp_path / "two", piece("two"))
    for name in ("a.mid", "b.mid"):
        (tmp_path / "two" / name).touch()
    (tmp_path / "two" / "notes.csv").unlink()
    with pytest.raises(ValueError, match=r"must hold one file of notes, got a\.mid, b\.mid"):
        training_store.make(tmp_path / "two", tmp_path / "out")


def test_other_pieces_of_the_same_names_are_not_taken_for_those_that_are_there(tmp_path):
    training_store.make([piece("a"), piece("b")], tmp_path / "out", sample_rate_hz=RATE_HZ)
    with pytest.raises(ValueError, match="digests"):
        training_store.make([piece("a", seed=7), piece("b", seed=8)], tmp_path / "out", sample_rate_hz=RATE_HZ)
