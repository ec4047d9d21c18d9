import numpy as np


def covered_s(intervals):
    total, until = 0.0, -np.inf
    for onset_s, offset_s in sorted(intervals):
        total += max(0.0, offset_s - max(onset_s, until))
        until = max(until, offset_s)
    return total


def answer(true_notes, written_notes):
    all_s = common_s = 0.0
    for pitch in {note[0] for note in true_notes}:
        true, written = ([tuple(n[1:]) for n in notes if n[0] == pitch] for notes in (true_notes, written_notes))
        common = [(max(a[0], b[0]), min(a[1], b[1])) for a in true for b in written]
        all_s += covered_s(true)
        common_s += covered_s([pair for pair in common if pair[0] < pair[1]])
    return 1 - common_s / all_s if all_s else 0.0
