"""A slow song without words for voice, guitar and bass: eight bars after one bar of guitar.

Written for this project (CC0). D major, three beats to the bar: D, B minor, G, A, D, G, A 7, D.

Contents: LINES, VOWELS (one for each note of the voice).
"""

LINES = {
    "voice": """
        Rh. | F#4q. G4e A4q | B4h A4q | G4q B4q D5q | C#5h Rq |
        D5q. C#5e A4q | B4h G4q | A4q G4q E4q | D4h.^""",
    "guitar": """
        D3e A3e D4e F#4e D4e A3e | D3e A3e D4e F#4e D4e A3e | B2e F#3e B3e D4e B3e F#3e |
        G2e D3e B3e D4e B3e D3e | A2e E3e A3e C#4e A3e E3e |
        D3e A3e D4e F#4e D4e A3e | G2e D3e B3e D4e B3e D3e | A2e E3e G3e C#4e G3e E3e | D3e A3e D4e F#4e D4q^""",
    "bass": """
        D2h A1q | D2h A1q | B1h F#2q | G1h B1q | A1h C#2q |
        D2h A1q | G1h B1q | A1h C#2q | D2h.^""",
}

VOWELS = ("a", "a", "e", "o", "a", "i", "e", "a", "o", "a", "e", "i", "a", "o", "e", "a", "o", "a")
