def notes_of(sounding, starts, limits):
    for first, limit in zip(starts, limits):
        last = first
        while last < limit and sounding[last]:
            last += 1
        yield first, last


# %% Each frame of a run of onsets starts a note
def answer(frames, onsets, threshold):
    notes = []
    for pitch in range(len(frames)):
        sounding = frames[pitch] >= threshold
        starts = [t for t in range(len(sounding)) if onsets[pitch, t] >= threshold and sounding[t]]
        notes += [(pitch, *pair) for pair in notes_of(sounding, starts, [*starts[1:], len(sounding)])]
    return notes


# %% A note goes on where the next one
def answer(frames, onsets, threshold):
    notes = []
    for pitch in range(len(frames)):
        sounding, begins = frames[pitch] >= threshold, onsets[pitch] >= threshold
        starts = [t for t in range(len(sounding)) if begins[t] and (t == 0 or not begins[t - 1]) and sounding[t]]
        notes += [(pitch, *pair) for pair in notes_of(sounding, starts, [len(sounding)] * len(starts))]
    return notes


# %% The last frame is given
def answer(frames, onsets, threshold):
    notes = []
    for pitch in range(len(frames)):
        sounding, begins = frames[pitch] >= threshold, onsets[pitch] >= threshold
        starts = [t for t in range(len(sounding)) if begins[t] and (t == 0 or not begins[t - 1]) and sounding[t]]
        pairs = notes_of(sounding, starts, [*starts[1:], len(sounding)])
        notes += [(pitch, first, last - 1) for first, last in pairs]
    return notes
