def runs(row):
    return [t for t in range(len(row)) if row[t] and (t == 0 or not row[t - 1])]


def answer(frames, onsets, threshold):
    notes = []
    for pitch in range(len(frames)):
        sounding = frames[pitch] >= threshold
        starts = [t for t in runs(onsets[pitch] >= threshold) if sounding[t]]
        for first, limit in zip(starts, [*starts[1:], len(sounding)]):
            last = first
            while last < limit and sounding[last]:
                last += 1
            notes.append((pitch, first, last))
    return notes
