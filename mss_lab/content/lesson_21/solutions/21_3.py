def answer(true_notes, notes):
    count = 0
    for pitch in {note[0] for note in true_notes}:
        true, own = (sorted(note[1] for note in some if note[0] == pitch) for some in (true_notes, notes))
        while true and own:
            if abs(true[0] - own[0]) <= 0.05 + 1e-9:
                count += 1
                true.pop(0), own.pop(0)
            elif true[0] < own[0]:
                true.pop(0)
            else:
                own.pop(0)
    return count
