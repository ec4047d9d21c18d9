"""Instruments: the General MIDI program that a source's name means, and players of the same instrument.

Files name players in many ways: "Violin 2", "violin_2", "vn2", "vnB", "2nd violin". General MIDI numbers 128 sounds,
here from 0 to 127, as MIDI files and soundfonts store them; many printed lists count from 1.

Contents: NAMES, ABBREVIATIONS, VOICES; program_of, programs_of, name_of, without_player, numbered,
is_drums, is_instrument.
Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable

from .. import checks
from ..refusals import RefusedType, RefusedValue

# The names of the General MIDI programs, in groups of eight: a family each.
NAMES = (
    *("acoustic grand piano", "bright acoustic piano", "electric grand piano", "honky-tonk piano"),
    *("electric piano 1", "electric piano 2", "harpsichord", "clavinet"),
    *("celesta", "glockenspiel", "music box", "vibraphone"),
    *("marimba", "xylophone", "tubular bells", "dulcimer"),
    *("drawbar organ", "percussive organ", "rock organ", "church organ"),
    *("reed organ", "accordion", "harmonica", "tango accordion"),
    *("acoustic guitar (nylon)", "acoustic guitar (steel)", "electric guitar (jazz)", "electric guitar (clean)"),
    *("electric guitar (muted)", "overdriven guitar", "distortion guitar", "guitar harmonics"),
    *("acoustic bass", "electric bass (finger)", "electric bass (pick)", "fretless bass"),
    *("slap bass 1", "slap bass 2", "synth bass 1", "synth bass 2"),
    *("violin", "viola", "cello", "contrabass"),
    *("tremolo strings", "pizzicato strings", "orchestral harp", "timpani"),
    *("string ensemble 1", "string ensemble 2", "synth strings 1", "synth strings 2"),
    *("choir aahs", "voice oohs", "synth choir", "orchestra hit"),
    *("trumpet", "trombone", "tuba", "muted trumpet"),
    *("french horn", "brass section", "synth brass 1", "synth brass 2"),
    *("soprano sax", "alto sax", "tenor sax", "baritone sax"),
    *("oboe", "english horn", "bassoon", "clarinet"),
    *("piccolo", "flute", "recorder", "pan flute"),
    *("blown bottle", "shakuhachi", "whistle", "ocarina"),
    *("lead 1 (square)", "lead 2 (sawtooth)", "lead 3 (calliope)", "lead 4 (chiff)"),
    *("lead 5 (charang)", "lead 6 (voice)", "lead 7 (fifths)", "lead 8 (bass + lead)"),
    *("pad 1 (new age)", "pad 2 (warm)", "pad 3 (polysynth)", "pad 4 (choir)"),
    *("pad 5 (bowed)", "pad 6 (metallic)", "pad 7 (halo)", "pad 8 (sweep)"),
    *("fx 1 (rain)", "fx 2 (soundtrack)", "fx 3 (crystal)", "fx 4 (atmosphere)"),
    *("fx 5 (brightness)", "fx 6 (goblins)", "fx 7 (echoes)", "fx 8 (sci-fi)"),
    *("sitar", "banjo", "shamisen", "koto", "kalimba", "bagpipe", "fiddle", "shanai"),
    *("tinkle bell", "agogo", "steel drums", "woodblock", "taiko drum", "melodic tom", "synth drum", "reverse cymbal"),
    *("guitar fret noise", "breath noise", "seashore", "bird tweet"),
    *("telephone ring", "helicopter", "applause", "gunshot"),
)

# Abbreviations of URMP, and those in English, German, Italian and French scores, without full stops and spaces. Each
# belongs to one of NAMES, SYNONYMS or VOICES.
ABBREVIATIONS = {
    "violin": ("vn", "vln", "vl", "vlns", "vni", "vlni", "viol", "vno"),
    "viola": ("va", "vla", "vle", "br"),
    "cello": ("vc", "vlc", "vcl", "vlle", "vcelle", "vcello", "vcelli"),
    "contrabass": ("db", "cb", "kb", "ctb", "dbass", "cbass", "stbass"),
    "flute": ("fl", "flt"),
    "alto flute": ("afl", "altfl"),
    "piccolo": ("picc", "pic", "flpicc", "ptefl", "klfl", "kfl", "ott"),
    "recorder": ("rec", "bfl", "blfl"),
    "oboe": ("ob", "hb", "htb", "hautb"),
    "english horn": (
        "eh",
        "ca",
        "ci",
        "ehn",
        "ehr",
        "englhr",
        "engh",
        "cingl",
        "coringl",
        "cangl",
        "corangl",
        "cang",
        "corang",
    ),
    "clarinet": ("cl", "clar", "kl", "klar"),
    "bass clarinet": ("bcl", "bscl", "bkl", "bassklar", "basskl", "bclar", "clbasso", "clbasse"),
    "bassoon": ("bn", "bsn", "bssn", "fg", "fag", "bon"),
    "contrabassoon": ("cbn", "cbsn", "cfg", "cfag", "kfg", "kfag", "dbn", "dbsn", "cbon"),
    "soprano sax": ("ssax", "sopsax"),
    "alto sax": ("asax", "altsax"),
    "tenor sax": ("sax", "tsax", "tensax"),
    "baritone sax": ("bsax", "barsax"),
    "french horn": ("hn", "hrn", "cor", "hr", "fhn"),
    "trumpet": ("tpt", "trp", "trpt", "tr", "tp", "tromp", "trbe"),
    "cornet": ("cnt", "crnt"),
    "flugelhorn": ("flghn", "flhn", "flugh"),
    "trombone": ("tbn", "trb", "trbn", "trbne", "tromb", "pos", "trbni"),
    "bass trombone": ("btbn", "btrb", "bpos", "basspos"),
    "tuba": ("tba", "tb", "btb"),
    "euphonium": ("euph",),
    "timpani": ("timp", "pk", "pkn", "timb"),
    "glockenspiel": ("glock", "glsp", "gsp", "camp"),
    "xylophone": ("xyl", "xil"),
    "vibraphone": ("vib", "vibr"),
    "marimba": ("mar",),
    "tubular bells": ("tubbells", "tbells", "chim"),
    "celesta": ("cel",),
    "orchestral harp": ("hp", "hrp", "hf", "hfe", "arp"),
    "acoustic grand piano": ("pno", "pf", "pfte", "klav"),
    "harpsichord": ("hpsd", "cemb", "hpd", "hpschd", "clav"),
    "church organ": ("org",),
    "accordion": ("accord", "akk", "fisarm"),
    "acoustic guitar (nylon)": ("gtr", "gt", "git", "guit", "chit", "agtr"),
    "electric guitar": ("egtr", "eguit", "egit"),
    "bass guitar": ("bgtr", "bassgtr", "ebass"),
    "mandolin": ("mand",),
    "strings": ("str",),
    "choir": ("chor", "coro"),
    "soprano": ("sop", "sopr"),
    "mezzo soprano": ("mez", "mezz"),
    "tenor": ("ten",),
    "baritone": ("bar", "barit"),
}

# Other names of a program's instrument, or names of instruments for which it is the nearest program.
SYNONYMS = {
    "acoustic grand piano": ("piano", "grand piano", "acoustic piano", "pianoforte", "klavier", "fortepiano", "flugel",
                             "hammerklavier"),
    "electric piano 1": ("electric piano", "rhodes", "e piano", "epiano"),
    "harpsichord": ("cembalo", "clavecin", "clavicembalo"),
    "celesta": ("celeste",),
    "glockenspiel": ("campanelli", "jeu de timbres"),
    "vibraphone": ("vibes", "vibraphon", "vibrafono"),
    "marimba": ("marimbaphon",),
    "xylophone": ("xylophon", "xilofono", "silofono"),
    "tubular bells": ("chimes", "rohrenglocken", "campane", "cloches"),
    "drawbar organ": ("hammond", "hammond organ", "electric organ"),
    "church organ": ("organ", "pipe organ", "orgel", "organo"),
    "reed organ": ("harmonium",),
    "accordion": ("akkordeon", "fisarmonica", "accordeon"),
    "acoustic guitar (nylon)": ("guitar", "acoustic guitar", "classical guitar", "nylon guitar", "lute", "theorbo",
                                "gitarre", "chitarra", "guitare", "laute", "archlute", "tiorba", "theorbe", "luth"),
    "acoustic guitar (steel)": ("steel guitar", "folk guitar", "mandolin", "ukulele", "mandoline", "mandolino"),
    "electric guitar (clean)": ("electric guitar", "clean guitar", "e gitarre", "elektrische gitarre"),
    "distortion guitar": ("distorted guitar", "distorted electric guitar"),
    "acoustic bass": ("bass", "upright bass", "basso", "bassus"),
    "electric bass (finger)": ("electric bass", "bass guitar", "bassgitarre", "e bass"),
    "synth bass 1": ("synth bass",),
    "violin": ("violine", "violino", "violon", "geige", "violini", "violinen", "geigen"),
    "viola": ("bratsche", "alto viola", "viole", "violen", "bratschen"),
    "cello": ("violoncello", "violoncelle", "celli", "violoncelli", "cellos"),
    "contrabass": ("double bass", "doublebass", "string bass", "kontrabass", "contrabbasso", "violone", "contrebasse",
                   "kontrabasse", "contrabassi", "contrabbassi", "contrabasso", "bassi", "contrabasse"),
    "orchestral harp": ("harp", "harfe", "arpa", "harpe", "harfen", "arpe"),
    "timpani": ("kettledrum", "pauken", "pauke", "timbales", "timpano", "timpany"),
    "string ensemble 1": ("strings", "string ensemble", "string section", "string orchestra", "cordes"),
    "synth strings 1": ("synth strings",),
    "choir aahs": ("choir", "chorus", "voice", "vocal", "vocals", "singer", "singing", "lead vocals", "voix", "voce",
                   "gesang", "singstimme", "chant", "canto", "cantus"),
    "trumpet": ("trompete", "tromba", "trompette", "cornet", "flugelhorn", "trombe", "trompeten", "clarino", "clarini",
                "kornett", "cornetta", "cornetto", "piccolo trumpet", "bass trumpet"),
    "trombone": ("posaune", "tenor trombone", "bass trombone", "posaunen", "tromboni", "bassposaune", "tenorposaune",
                 "alto trombone", "altposaune", "trombone basso", "sackbut"),
    "tuba": ("euphonium", "bass tuba", "basstuba", "tuben", "tenorhorn", "wagner tuba"),
    "french horn": ("horn", "corno", "waldhorn", "corni", "horner"),
    "brass section": ("brass",),
    "synth brass 1": ("synth brass",),
    "soprano sax": ("soprano saxophone", "sopransaxophon"),
    "alto sax": ("alto saxophone", "altsaxophon"),
    "tenor sax": ("tenor saxophone", "saxophone", "saxophon", "tenorsaxophon", "sassofono"),
    "baritone sax": ("baritone saxophone", "bari sax", "baritonsaxophon"),
    "english horn": ("cor anglais", "englischhorn", "corno inglese", "englisch horn"),
    "oboe": ("hautbois", "oboen", "oboi", "oboe d amore", "oboe da caccia", "hautboy"),
    "bassoon": ("fagott", "fagotto", "contrabassoon", "kontrafagott", "fagotti", "fagotte", "basson", "contrafagotto",
                "controfagotto", "contrebasson", "double bassoon", "dulcian"),
    "clarinet": ("klarinette", "clarinetto", "clarinette", "bass clarinet", "clarinetti", "klarinetten",
                 "bassklarinette", "clarinetto basso", "clarinette basse", "basset horn", "bassetthorn",
                 "corno di bassetto"),
    "piccolo": ("piccolo flute", "flauto piccolo", "ottavino", "petite flute", "piccoloflote", "kleine flote"),
    "flute": ("flote", "flauto", "traverso", "transverse flute", "alto flute", "flauti", "floten", "grosse flote",
              "grande flute", "flauto traverso", "traversflote", "altflote", "querflote", "bass flute"),
    "recorder": ("blockflote", "alto recorder", "soprano recorder", "tenor recorder", "flauto dolce", "flute a bec",
                 "bass recorder"),
    "pan flute": ("panpipes",),
    "bagpipe": ("bagpipes",),
    "steel drums": ("steelpan",),
}  # fmt: skip

# Parts of a choir. "Bass" is one of them only together with others: alone it is the instrument.
VOICES = ("soprano", "mezzo", "mezzosoprano", "mezzo soprano", "alto", "contralto", "tenor", "baritone", "treble",
          "countertenor", "sopran", "tenore", "baritono", "bariton")  # fmt: skip
VOICE_PROGRAM = NAMES.index("choir aahs")

DRUMS = (
    "drums", "drum", "drum kit", "drumkit", "drum set", "drumset", "percussion", "kit", "perc", "dr", "drs",
    "percussioni", "schlagzeug", "schlagwerk", "batterie", "batteria", "snare drum", "snare", "side drum", "bass drum",
    "kick drum", "kick", "cymbal", "cymbals", "crash cymbal", "hi hat", "triangle", "tambourine", "castanet", "tam tam",
    "gong", "gran cassa", "tamburo", "piatti", "becken", "grosse trommel", "kleine trommel", "grosse caisse",
    "caisse claire", "triangel", "triangolo",
)  # fmt: skip

# Parts of a name that denote the player, after the instrument or before it. "I" to "IV" are players in an orchestra.
_NUMBER = r"(?:[0-9]+(?:mo|do|o|a)?|i|ii|iii|iv|v|primo|prima|secondo|seconda|terzo|quarto)"
_BEHIND = re.compile(rf"^(.+?) (?:{_NUMBER}|[a-h]|solo|div|in (?:[a-g](?: flat| sharp)?|bb|eb|ab|db))$")
_BEFORE = re.compile(
    r"^(?:[0-9]+(?:st|nd|rd|th|er|re|e|nde|ste)?|i|ii|iii|iv|primo|secondo|terzo|first|second|third|fourth|erste[rs]?|zweite[rs]?|premiere?"
    r"|deuxieme|solo|principal|bb|eb|ab|the) (.+)$"
)
_STUCK = re.compile(r"^([a-z]{2,4})[a-d]$")


def name_of(program: int) -> str:
    """The General MIDI name of a program from 0 to 127, in lower case: 40 is "violin".

    Reference: General MIDI System Level 1 (MMA, 1991), whose instruments are numbered from 1.

    Examples
    --------
    >>> name_of(40)
    'violin'
    """
    return NAMES[checks.check_number("program", program, at_least=0, at_most=127, whole=True, hint="40 is the violin")]


def program_of(name: str) -> int:
    """The General MIDI program that the name of an instrument, a part or a player means.

    Capitals, spaces, underscores, hyphens and accents are ignored, and so are players ("violin_2", "2nd violin",
    "Violin II", "vnA"), plurals and keys ("clarinet in Bb"). Names are searched among those of General MIDI, common
    abbreviations, common synonyms, and the parts of a choir, which are all one program. An instrument without a program
    of its own gets that of the most similar one: a bass clarinet that of the clarinet.

    "Saxophone" is the tenor saxophone, as in Bach10; "bass" alone is the instrument, but see `programs_of`.

    Parameters
    ----------
    name : str

    Returns
    -------
    int in [0, 127]

    Raises
    ------
    ValueError
        If the name is unknown (the message lists similar ones), or means drums, which have no program.

    Examples
    --------
    >>> program_of("2nd violin"), program_of("vln"), program_of("Klarinette in Bb")
    (40, 40, 71)
    """
    if is_drums(name):
        raise RefusedValue(
            f"{name!r} must be an instrument with a pitch, got drums, which have a channel but no program; "
            "list it among the unpitched sources of the score"
        )
    reading = _look_up(name)
    if reading is None:
        near = difflib.get_close_matches(_plain(name), _PROGRAMS, n=3)
        raise RefusedValue(
            f"{name!r} must name an instrument, got an unknown name; "
            + (f"did you mean {', '.join(near)}?" if near else "use one of mss_lab.score.instruments.NAMES")
        )
    return _PROGRAMS[reading]


def programs_of(sources: Iterable[str]) -> dict[str, int]:
    """The programs of all sources of one score: `program_of`, but with all names considered together.

    "Bass" together with a soprano, an alto or a tenor is a voice. Drums get program 0, which is not used: on their
    channel it is the standard kit.

    Raises
    ------
    ValueError
        As for `program_of`.
    """
    sources = tuple(sources)
    in_choir = any(_look_up(source) in VOICES for source in sources)
    programs = {}
    for source in sources:
        is_voice = in_choir and _look_up(source) in ("bass", "basso", "bassus")
        programs[source] = VOICE_PROGRAM if is_voice else 0 if is_drums(source) else program_of(source)
    return programs


def without_player(name: str) -> str:
    """The name without the part that distinguishes players: "violin" for "violin 2", "Violin II" and "violin_2".

    The result is in lower case, words are separated by single spaces, and abbreviations are written out. A name that is
    itself one of General MIDI keeps its number ("string ensemble 2"). An unknown name only loses a number at its end,
    because its letters may be its name.

    Examples
    --------
    >>> without_player("Violin II"), without_player("vn2")
    ('violin', 'violin')
    """
    plain = _plain(name)
    reading = _look_up(name)
    if reading is not None:
        # Abbreviations are written out, so that "vn 1" and "violin 2" are equal; other words are not changed.
        return _WRITTEN_OUT.get(reading, reading)
    return re.sub(r"(?<=[^ ]) [0-9]+$", "", plain)


def numbered(name: str, used: Collection[str]) -> str:
    """A name for a further player: the name itself, or with the first number from 2 that is not used yet."""
    free, number = name, 1
    while free in used:
        number += 1
        free = f"{name} {number}"
    return free


def is_drums(name: str) -> bool:
    """Whether a name means a drum kit or percussion without pitch."""
    return any(candidate in DRUMS for candidate in _readings(name))


def is_instrument(name: str) -> bool:
    """Whether a name means an instrument with a program, a part of a choir, or drums."""
    return is_drums(name) or _look_up(name) is not None


def _plain(name: str) -> str:
    # Lower-case letters and digits, words separated by one space: "Flöte_2" -> "flote 2", "vnA" -> "vn a", "vn2" -> "vn
    # 2".
    if not isinstance(name, str):
        raise RefusedType(f"an instrument's name must be text, got {name!r} of type {type(name).__name__}")
    letters = unicodedata.normalize("NFKD", name).replace("♭", "b")
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    letters = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", letters).lower()
    letters = re.sub(r"(?<=[a-z])(?=[0-9])", " ", letters)
    return " ".join(re.findall(r"[a-z0-9]+", letters))


def _readings(name: str) -> list[str]:
    # Possible readings of a name, the most literal first; a bracket may be a remark, or part of a program's name.
    readings = [_plain(name), _plain(re.sub(r"\(.*?\)", " ", name))]
    for reading in readings:
        for shorter in (_BEHIND.match(reading), _BEFORE.match(reading)):
            if shorter:
                readings.append(shorter[1])
    readings += [reading[:-1] for reading in readings if reading.endswith("s")]
    readings += [stuck[1] for reading in readings if (stuck := _STUCK.match(reading))]
    # "D.B." and "B. Cl." are in the list of abbreviations without the space.
    readings += [reading.replace(" ", "") for reading in readings]
    return readings


def _look_up(name: str) -> str | None:
    return next((reading for reading in _readings(name) if reading in _PROGRAMS), None)


_PROGRAMS = {_plain(name): program for program, name in enumerate(NAMES)}
_PROGRAMS |= {other: NAMES.index(name) for name, others in SYNONYMS.items() for other in others}
_PROGRAMS |= dict.fromkeys(VOICES, VOICE_PROGRAM)
_PROGRAMS |= {short: _PROGRAMS[_plain(name)] for name, others in ABBREVIATIONS.items() for short in others}
_WRITTEN_OUT = {_plain(name): name for name in NAMES}
_WRITTEN_OUT |= {short: name for name, others in ABBREVIATIONS.items() for short in others}
