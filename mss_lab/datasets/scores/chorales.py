"""Two four-part chorales by Johann Sebastian Bach, in the notation of `notation`.

Soprano, alto, tenor and bass are played by violin, clarinet, tenor saxophone and bassoon. The notes are in the public
domain; the text of this file was written for this project. Neither chorale is in Bach10, which is used for evaluation.

Contents: KINDLEIN, FLUECHTIG.
"""

# BWV 414, "Uns ist ein Kindlein heut geborn". G major. Calm.
KINDLEIN = {
    "violin": """
        B4q | B4e C5e D5q B4q G4q | A4q B4q C5q^ B4q | A4q G4q G4q. A4e | B4q B4q A4e G4e A4q | G4h.^
        B4q | A4q B4q G4q E4q | F#4q G4q A4q^ B4q | G4q G4q G4q. A4e | B4q B4q A4e G4e A4q | G4h.^""",
    "clarinet": """
        G4q | G4q A4q G4q G4q | F4e E4e D4q E4q^ D4q~ | D4e C4e B3q E4h | D4q D4q D4q. C4e | B3h.^
        G4q | F#4q F#4q E4e D4e C#4q | D4q. C#4e D4q^ D#4q | B3q E4q D4q E4e F#4e | G4q D4q D4q. C4e | B3h.^""",
    "saxophone": """
        D4q | D4q D4q D4q D4e C4e | C4q G3q G3q^ G3q | F#3q G3q C4h | B3e A3e G3q G3q F#3q | D3h.^
        D4q | D4e C4e B3q B3q A3q | A3q G3q F#3q^ F#3q | G3q C4q B3e C4e B3e A3e | G3q G3h F#3q | D3h.^""",
    "bassoon": """
        G2q | G3q F#3q G3q E3q | F3q G3q C3q^ G2q | D3q E3e D3e C3e D3e E3e F#3e | G3q B2e C3e D3q D3q | G2h.^
        G2q | D3q D#3q E3q A3e G3e | F#3q E3q D3q^ B2q | E3e D3e E3e F#3e G3e A3e G3e F#3e | E3q B2e C3e D3h | G2h.^""",
}

# BWV 26/6, "Ach wie flüchtig, ach wie nichtig". A minor, major at the end. Tenor and bass move.
FLUECHTIG = {
    "violin": """
        A4q B4q C5q C5q^ | C5q D5q E5q E5q^ | E5q E5q D5q C5q | B4q. A4e A4h^ |
        E5q E5q F5q F5q | E5q E5q D5q D5q^ | D5q D5q E5q E5q | D5q D5q C5q C5q^ |
        C5q D5q E5q D5e C5e | B4q B4q A4q A4q^""",
    "clarinet": """
        E4q E4q E4q E4q^ | E4q G4q G4q G4q^ | G4q C5q. B4q A4e | A4q G#4q E4h^ |
        A4q A4q A4q Bb4q | Bb4q A4e G4e G4e E4e F#4q^ | G4q G4q G4q A4q | A4q G4e F4e F4e D4e E4q^ |
        F4q F4q E4q E4q | F#4q E4e D4e D4e B3e C#4q^""",
    "saxophone": """
        C4q B3q A3q A3q^ | A3q B3q C4q C4q^ | C4e D4e C4e B3e A3e B3e C4e E4e | F4q E4e D4e C#4h^ |
        C#4e D4e E4e C#4e D4q D4q | D4q C#4q D4q A3q^ | B3e C4e D4e B3e C4q C4q | C4q B3q C4q G3q^ |
        A3q A3q B3q A3q | A3q G#3q A3q E3q^""",
    "bassoon": """
        A3q G#3q A3q A2q^ | A3q G3q C4q C3q^ | C4e B3e A3e G3e F#3e G#3e A3q | D3q E3q A2h^ |
        A2e B2e C#3e A2e D3e C3e Bb2e A2e | G2e E2e A2q D3q D2q^ | G2e A2e B2e G2e C3e B2e A2e G2e |
        F2e D2e G2q C3q C2q^ | F3q E3e D3e G#2e G#3e A3q | D#3q E3q A3q A2q^""",
}
