"""A piece for drums, bass, electric piano and lead: two bars, repeated without changes five times, under a new melody.

Written for this project (CC0). G major, four beats to the bar. The lead is silent in the first round. A last chord on
G ends the piece.

Contents: LOOP (bass and electric piano), DRUMS (a grid of sixteenths), DRUM_PITCHES, LEAD, LAST_CHORD, LAST_DRUMS.
"""

# Two bars: A minor 9, D 13 | G major 9, E minor 9. Every line is one finger of the electric piano.
LOOP = {
    "bass": "A1q. E2e D2q. F#2e | G1q. D2e E2q E1e G#1e",
    "electric_piano 1": "E4q. E4e E4q. E4e | D4q. D4e D4q Re D4e",
    "electric_piano 2": "C4q. C4e C4q. C4e | B3q. B3e B3q Re B3e",
    "electric_piano 3": "B3q. B3e B3q. B3e | A3q. A3e G3q Re G3e",
    "electric_piano 4": "G3q. G3e F#3q. F#3e | F#3q. F#3e F#3q Re F#3e",
}

# X loud, x plain, o soft; one sign for each sixteenth of the two bars.
DRUMS = {
    "kick": "X-----x-X--x---- X-----x-X-----x-",
    "snare": "----X--o-o--X--- ----X--o----X-oo",
    "closed hat": "x-o-x-o-x-o-x-o- x-o-x-o-x-o-x---",
    "open hat": "---------------- --------------x-",
}
DRUM_PITCHES = {"kick": 36, "snare": 38, "closed hat": 42, "open hat": 46, "crash": 49}

# Eight bars, over rounds two to five.
LEAD = """
    Re E5e G5e A5e B5q A5e F#5e | G5q. A5e B5h | C6q B5e A5e F#5q. E5e | D5q. E5e G5h |
    Re E5e G5e A5e B5e C6e D6q | B5q. A5e G5q E5q | A5e G5e E5e C5e D5q F#5q | B5e A5e G5h."""

LAST_CHORD = {
    "bass": "G1h",
    "electric_piano 1": "D4h",
    "electric_piano 2": "B3h",
    "electric_piano 3": "A3h",
    "electric_piano 4": "G3h",
    "lead": "G5h",
}
LAST_DRUMS = {"kick": "X", "crash": "x"}
