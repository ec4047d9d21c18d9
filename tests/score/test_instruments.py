"""Instruments' names and General MIDI programs, and players of one instrument apart or together."""

import pretty_midi
import pytest

from mss_lab.score import instruments
from mss_lab.score.instruments import is_drums, name_of, program_of, programs_of, without_player
from mss_lab.score.midi import read_midi, write_midi
from mss_lab.score.notes import Note, Score
from mss_lab.score.players import merge, merge_players, named


def test_every_program_has_a_name_that_leads_back_to_it():
    assert [program_of(name_of(program)) for program in range(128)] == list(range(128))


def test_programs_are_those_of_another_library():
    # It writes some names otherwise ("Lead 4 chiff").
    for program in range(128):
        assert program_of(pretty_midi.program_to_instrument_name(program)) == program


@pytest.mark.parametrize("program", [-1, 128, 40.5])
def test_a_program_out_of_range_is_refused(program):
    with pytest.raises(ValueError, match="program must be a whole number"):
        name_of(program)


@pytest.mark.parametrize(
    ("abbreviation", "program"),
    [("vn", 40), ("va", 41), ("vc", 42), ("db", 43), ("fl", 73), ("ob", 68), ("cl", 71), ("sax", 66), ("bn", 70),
     ("tpt", 56), ("hn", 60), ("tbn", 57), ("tba", 58)],
)  # fmt: skip
def test_abbreviations_of_urmp(abbreviation, program):
    for spelling in (abbreviation, abbreviation.upper(), f"{abbreviation}_2", f"{abbreviation}1", f"{abbreviation}A"):
        assert program_of(spelling) == program


@pytest.mark.parametrize(
    "name",
    ["violin", "Violin", " VIOLIN ", "violin 2", "violin_1", "Violin-2", "violin2", "Violins", "Violin II", "Violin I",
     "2nd violin", "1st Violins", "Solo Violin", "violin (solo)", "vn", "vnA", "vna", "vn_01", "Vln. 2", "Geige"],
)  # fmt: skip
def test_one_player_has_many_names(name):
    assert program_of(name) == 40


@pytest.mark.parametrize(
    ("name", "program"),
    [("double bass", 43), ("French Horn", 60), ("horn in F", 60), ("saxophone", 66), ("Tenor Saxophone", 66),
     ("alto saxophone 2", 65), ("clarinet in B♭", 71), ("Bb Clarinet", 71), ("B♭ Clarinet", 71),
     ("bass clarinet", 71), ("piano", 0), ("electric_piano", 4), ("bass guitar", 33), ("bass", 32), ("Flöte", 73),
     ("cor anglais", 69), ("strings", 48),
     ("String Ensemble 2", 49), ("soprano", 52), ("Alto", 52), ("tenor 2", 52), ("church organ", 19)],
)  # fmt: skip
def test_common_names(name, program):
    assert program_of(name) == program


@pytest.mark.parametrize(
    ("instrument", "spellings"),
    {
        "violin": "Vni I|Vni. II|Vln. 2|Vl. I|Viol. 1|Violino I°|Violini II|2. Violinen|1er Violon|Vn. I solo",
        "viola": "Va.|Vla.|Vle|Viole|Br.|Bratschen|Vlas.",
        "cello": "Vc.|Vlc.|Vcl.|Vcelli|Celli|Violoncelli|Violoncelles|Vc. solo",
        "contrabass": "D.B.|D. B.|DB|Cb.|Kb.|Ctb.|D. Bass|Kontrabässe|Contrebasses|Contrabbassi",
        "flute": "Fl. 1/2|Flauto 1°|Flauti|Flöten|Flûtes|2 Fl.",
        "piccolo": "Picc.|Kl. Fl.|Fl. picc.|Ottavino|Petite flûte",
        "oboe": "Ob.|Hb.|Htb. 2|Oboi|Oboen",
        "english horn": "E.H.|C.A.|C. Ingl.|Engl. Hr.|Cor. Ang|E. Hn.",
        "clarinet": "Cl. in A|Kl.|Klar. in B|B♭ Clarinet 1|Clarinetti",
        "bassoon": "Fg.|Fag. II|Bsn.|Bn. 1|Bon|Fagotti|Bassons",
        "french horn": "Hn. 1,2|Cor.|Cor. I & II|Hr. in F|Corni in F|Hörner|Cors",
        "trumpet": "Tr.|Tpt. 1|Trp. in B|Trombe|Trompeten",
        "trombone": "Trb.|Tbn. 1-2|Pos. I|Tromboni|Posaunen",
        "tuba": "Tb.|Tba.|Tuba",
        "timpani": "Timp.|Pk.|Timb.|Pauken|Timbales",
        "alto sax": "A. Sax|Alto Sax. 2",
        "baritone sax": "B. Sax|Bar. Sax",
        "orchestral harp": "Hp.|Hfe.|Arpa|Harpe",
        "harpsichord": "Hpsd.|Cemb.|Clav.|Clavecin",
        "acoustic grand piano": "Pno.|Pf.|Klav.|Grand Piano",
    }.items(),
)
def test_abbreviations_and_plurals_of_four_languages(instrument, spellings):
    for spelling in spellings.split("|"):
        assert name_of(program_of(spelling)) == instrument, spelling


@pytest.mark.parametrize(
    ("short", "long", "kin"),
    [("B. Cl.", "bass clarinet", "Cl."), ("Bkl.", "bass clarinet", "Kl."), ("Cfg.", "contrabassoon", "Fg."),
     ("A. Fl.", "alto flute", "Fl."), ("B. Tbn.", "bass trombone", "Tbn."), ("E. Gtr.", "electric guitar", "Gtr.")],
)  # fmt: skip
def test_kin_of_one_program_keep_their_names(short, long, kin):
    assert without_player(short) == without_player(f"{short} 2") == long
    assert program_of(short) == program_of(long)
    assert merge_players(duet(short, kin)).sources == (short, kin)


@pytest.mark.parametrize("name", ["Perc.", "Snare Drum", "Bass drum 2", "Grosse Caisse", "Schlagzeug", "Cymbals"])
def test_percussion_without_pitch_is_drums(name):
    assert is_drums(name)


def test_a_name_belongs_to_one_instrument():
    names = [instruments._plain(name) for name in instruments.NAMES] + list(instruments.VOICES)
    names += [other for others in instruments.ABBREVIATIONS.values() for other in others]
    names += [other for others in instruments.SYNONYMS.values() for other in others]
    assert len(set(names)) == len(names)
    assert all(instruments._plain(name) == name for name in names), "as names are looked up"
    assert not set(names) & set(instruments.DRUMS)


@pytest.mark.parametrize(
    ("name", "says"),
    [("vilin", "did you mean violin"), ("bassooon", "did you mean bassoon"), ("theremin", "unknown name"),
     ("", "unknown name"), ("2", "unknown name"), ("drums", "drums, which have a channel"),
     ("Drum Kit 2", "unpitched")],
)  # fmt: skip
def test_unknown_names_are_refused_with_words(name, says):
    with pytest.raises(ValueError, match=says):
        program_of(name)
    with pytest.raises(TypeError, match="must be text"):
        program_of(40)


def test_a_bass_sings_beside_other_voices():
    choir = ["soprano", "alto", "tenor", "Bass 1"]
    assert programs_of([*choir, "cello"]) == {**dict.fromkeys(choir, 52), "cello": 42}
    assert programs_of(["Sopran", "Basso"]) == {"Sopran": 52, "Basso": 52}
    assert programs_of(["guitar", "bass", "drums"]) == {"guitar": 24, "bass": 32, "drums": 0}


def test_names_without_players():
    for name in ("violin", "violin 2", "Violin II", "vn_1", "vnB"):
        assert without_player(name) == "violin"
    assert without_player("string ensemble 2") == "string ensemble 2"
    assert without_player("electric_piano") == "electric piano"
    assert without_player("theremin 2") == "theremin"
    assert without_player("2") == "2"
    assert without_player("part b") == "part b", "of an unknown instrument, a letter may be the name"
    assert is_drums("Drums 2") and not is_drums("steel drums")


def duet(*sources, unpitched=()):
    notes = tuple(Note(source, 60 + i, 0.5 * i, 0.5 * i + 1) for i, source in enumerate(sources))
    return Score(notes, sources, frozenset(unpitched))


def test_merged_players_keep_every_note():
    score = duet("violin", "cello", "violin 2", "viola", "vn3")
    merged = merge_players(score)
    assert merged.sources == ("violin", "cello", "viola")
    assert [(n.midi, n.onset_s, n.offset_s) for n in merged.notes] == [
        (n.midi, n.onset_s, n.offset_s) for n in score.notes
    ]
    assert {n.midi for n in merged.notes_of("violin")} == {60, 62, 64}
    assert score.sources[2] == "violin 2", "the score given is as it was"


def test_merging_is_done_once():
    merged = merge_players(duet("violin 1", "violin 2", "oboe"))
    assert merge_players(merged) == merged
    assert merge_players(duet("violin 1", "oboe")) == duet("violin 1", "oboe"), "no fellow, no new name"


def test_players_of_a_midi_file_apart_and_together(tmp_path):
    midi = pretty_midi.PrettyMIDI()
    for pitch in (60, 64):
        track = pretty_midi.Instrument(40, name="Violin")
        track.notes.append(pretty_midi.Note(80, pitch, 0, 1))
        midi.instruments.append(track)
    midi.write(str(tmp_path / "duet.mid"))
    score = read_midi(tmp_path / "duet.mid")
    assert score.sources == ("Violin", "Violin 2")
    assert merge_players(score).sources == ("violin",)


def test_players_are_named_in_the_order_of_the_score():
    score = duet("piano", "piano 2", "kick", unpitched=("kick",))
    again = named(score, ["violin", " violin ", "drum"])
    assert again.sources == ("violin", "violin 2", "drum") and again.unpitched == {"drum"}
    assert [note.source for note in again.notes_of("violin 2")] == ["violin 2"]
    assert [note.midi for note in again.notes] == [note.midi for note in score.notes]
    assert named(score, score.sources) == score


@pytest.mark.parametrize(
    ("names", "error", "says"),
    [
        (
            ["a"],
            ValueError,
            r"got 1 \(a\); the parts are: flute \(1 note, .*; kick",
        ),
        ([], ValueError, r"got 0 \(none\)"),
        (["a", "b", " "], ValueError, "a player's name must be text, got ''"),
        (["a", "b", 3], ValueError, "a player's name must be text, got 3"),
        ("a,b,c", TypeError, r"write \['a', 'b', 'c'\]"),
    ],
)
def test_names_that_do_not_fit_are_refused(names, error, says):
    with pytest.raises(error, match=says):
        named(duet("flute", "kick", "oboe", unpitched=("kick",)), names)


def test_groups_of_ones_own():
    score = duet("flute", "oboe", "kick", "snare", "harp", unpitched=("kick", "snare"))
    merged = merge(score, {"drums": ["snare", "kick"], "wind": ["oboe", "flute"]})
    assert merged.sources == ("wind", "drums", "harp")
    assert merged.unpitched == {"drums"}
    assert merge(score, {}) == score
    assert merge(score, {"flute": ["flute", "oboe"]}).sources == ("flute", "kick", "snare", "harp")


@pytest.mark.parametrize(
    ("groups", "says"),
    [({"x": ["flutee"]}, "did you mean 'flute'"), ({"x": []}, "at least one source"),
     ({"x": ["flute"], "y": ["flute"]}, "in one group"), ({"x": ["flute", "kick"]}, "all pitched or all unpitched"),
     ({"harp": ["flute", "oboe"]}, "must be unused")],
)  # fmt: skip
def test_wrong_groups_are_refused(groups, says):
    score = duet("flute", "oboe", "kick", "harp", unpitched=("kick",))
    with pytest.raises(ValueError, match=says):
        merge(score, groups)
    with pytest.raises(TypeError, match="list of names"):
        merge(score, {"x": "flute"})


def test_programs_are_written_and_read_back(tmp_path):
    score = duet("vn 1", "vn 2", "bassoon")
    write_midi(tmp_path / "a.mid", score, programs=programs_of(score.sources))
    assert [track.program for track in pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments] == [40, 40, 70]
