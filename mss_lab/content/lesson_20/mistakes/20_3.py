def notes_of(rows):
    return {tuple(row) for row in rows.tolist()}


# %% Chunks of notes that were only removed are not counted
def answer(before, after, spans):
    new = notes_of(after) - notes_of(before)
    return [k for k, span in enumerate(spans) if any(note[2] < span[1] and note[3] > span[0] for note in new)]


# %% A note counts only for the chunk in which it begins
def answer(before, after, spans):
    differing = notes_of(after) ^ notes_of(before)
    return [k for k, span in enumerate(spans) if any(span[0] <= note[2] < span[1] for note in differing)]


# %% A note that is longer now also counts
def answer(before, after, spans):
    differing = notes_of(after) ^ notes_of(before)
    return [k for k, span in enumerate(spans) if any(note[2] < span[1] and note[3] > span[0] for note in differing)]


# %% All chunks are counted
def answer(before, after, spans):
    return list(range(len(spans)))
