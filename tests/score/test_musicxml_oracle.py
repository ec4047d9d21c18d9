"""MusicXML files of music21's corpus, note for note as an independent reader (`musicxml_oracle.py`) plays them.

`python -m tests.score.test_musicxml_oracle` compares all files of the corpus, and prints those that differ.
"""

import collections
import importlib.util
import sys
from pathlib import Path

import pytest

from mss_lab.refusals import Refusal
from mss_lab.score.musicxml import read_musicxml_in_full
from tests.score import musicxml_oracle

PIECES = {
    "Bach": ["bwv1.6", "bwv8.6", "bwv26.6", "bwv66.6", "bwv103.6", "bwv112.5-sc", "bwv172.6", "bwv248.23-2",
             "bwv248.9-1", "bwv277", "bwv299", "bwv846"],
    "Beach": ["prayer_of_a_tired_child"],
    "Beethoven": ["opus18no1/movement3", "opus59no3/movement3"],
    "Berlin": ["leadSheet/berlinAlexandersRagtime"],
    "C. P. E. Bach": ["cpebach/h186"],
    "Ciconia": ["quod_jactatur", "PMFC_24_20-", "PMFC_24_21-"],
    "Corelli": ["1grave"],
    "Foster": ["fosterBrownHair"],
    "Gherardello da Firenze": ["PMFC_12_20-"],
    "Giovanni da Firenze": ["Giovanni-04_"],
    "Gratiosus": ["PMFC_12_17-"],
    "Guymont": ["PMFC_23_21-"],
    "Handel": ["Lascia_chio_pianga"],
    "Haydn": ["haydn/opus1no1/movement2", "haydn/opus1no1/movement4", "haydn/opus1no1/movement5",
              "opus74no1/movement3"],
    "Jacopo da Bologna": ["PMFC_06-Jacopo-01-"],
    "J. R. Johnson": ["lift_every_voice"],
    "Joplin": ["maple_leaf_rag"],
    "Liliuokalani": ["aloha_oe"],
    "Lorenzo da Firenze": ["PMFC_12_15-"],
    "Luca": ["luca/gloria"],
    "Lusitano": ["allor_che_ignuda"],
    "Monteverdi": ["madrigal.3.20", "madrigal.5.2"],
    "Mozart": ["k155/movement2", "k155/movement3", "k156/movement2", "k156/movement3", "k156/movement4",
               "k458/movement2", "k545/movement1_exposition", "k80/movement3", "k80/movement4"],
    "Perrinet": ["PMFC_23_19-"],
    "Piero": ["PMFC_06_Piero_6a-"],
    "Schoenberg": ["opus19/movement2", "opus19/movement6"],
    "Schubert": ["Lindenbaum"],
    "Schumann, Clara": ["polonaise_op1n1", "polonaise_op1n2", "polonaise_op1n3", "polonaise_op1n4"],
    "Schumann, Robert": ["dichterliebe_no2", "opus41no1/movement2"],
    "Verdi": ["laDonnaEMobile"],
    "Webern": ["webern_dormi_jesu_op_16_no_2"],
    "anonymous": ["PMFC_06_8-", "PMFC_12_22-", "nested_tuplet_finale_test.", "drum_sample", "voices_with_chords"],
}  # fmt: skip
KINDS = ("tie", "chord", "tuplet", "grace note", "cue note", "transposition", "several voices", "two staves",
         "change of tempo", "repeat", "volta", "jump", "archive")  # fmt: skip


def files_of_music21():
    found = importlib.util.find_spec("music21")
    if found is None:
        pytest.skip("not run: music21 is not installed")
    folder = Path(found.submodule_search_locations[0]) / "corpus"
    return sorted(path for path in folder.rglob("*") if path.suffix in (".mxl", ".xml", ".musicxml"))


def in_order(notes):
    # Rounded, and off the places where rounding may go either way, so that both readers sort alike.
    return sorted(notes, key=lambda note: (round(note[1] + 3.1e-8, 6), note[0], round(note[2] + 3.1e-8, 6)))


def differences(reading, played):
    """Where two readings differ, in words: parts, numbers of notes, and the first note of a part that differs."""
    ours = [[(note.midi, note.onset_s, note.offset_s) for note in reading.score.notes_of(source)]
            for source in reading.score.sources]  # fmt: skip
    theirs = [notes for notes in played if notes]
    if len(ours) != len(theirs):
        return [f"{len(ours)} parts, not {len(theirs)}"]
    found = []
    for source, one, other in zip(reading.score.sources, map(in_order, ours), map(in_order, theirs), strict=True):
        if len(one) != len(other):
            found.append(f"{source}: {len(one)} notes, not {len(other)}")
        first = next((pair for pair in zip(one, other, strict=False)
                      if any(abs(ours - theirs) > 1e-6 for ours, theirs in zip(*pair, strict=True))), None)  # fmt: skip
        if first is not None:
            found.append(f"{source}: {first[0]}, not {first[1]}")
    return found


def compare(path, kinds):
    """The differences in one file; counts in `kinds` what it holds."""
    played, order, found = musicxml_oracle.play(path)
    kinds.update(found | ({"archive"} if path.suffix == ".mxl" else set()))
    reading = read_musicxml_in_full(path)
    kinds["notes"] += len(reading.score.notes)
    bars = [] if len(order) == len(reading.measures) else [f"{len(reading.measures)} bars, not {len(order)}"]
    return bars + differences(reading, played)


@pytest.mark.slow(7)
def test_every_note_of_the_corpus_is_read_as_by_an_independent_reader():
    paths = files_of_music21()
    kinds, wrong, pieces = collections.Counter(), {}, 0
    for names in PIECES.values():
        for name in names:
            path = next(path for path in paths if name in path.as_posix())
            pieces += 1
            if found := compare(path, kinds):
                wrong[name] = found
    assert wrong == {}
    assert pieces >= 60 and len(PIECES) - 1 >= 20
    assert min(kinds[kind] for kind in KINDS) >= 1 and kinds["jump"] >= 5 and kinds["volta"] >= 10, kinds
    assert kinds["notes"] > 30_000


@pytest.mark.parametrize(("name", "bars"), [("k80/movement4", 114), ("k156/movement2", 74)])
def test_quartets_have_as_many_measures_as_players_count(name, bars):
    path = next(path for path in files_of_music21() if name in path.as_posix())
    assert len(read_musicxml_in_full(path).measures) == len(musicxml_oracle.play(path)[1]) == bars


def main():
    """Compare the whole corpus. Files that the package refuses are counted, and their refusal is printed."""
    kinds = collections.Counter()
    count = collections.Counter()
    for path in files_of_music21():
        try:
            found = compare(path, kinds)
        except Refusal as error:
            found, kind = [str(error)], "refused"
        else:
            kind = "different" if found else "alike"
        count[kind] += 1
        for sentence in found:
            print(f"{path.name}: {sentence}")
    print(", ".join(f"{number} {kind}" for kind, number in count.items()), dict(kinds))


if __name__ == "__main__":
    sys.exit(main())
