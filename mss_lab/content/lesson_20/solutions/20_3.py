def cut(notes, span):
    pieces = [(*note[:2], max(note[2], span[0]), min(note[3], span[1])) for note in notes.tolist()]
    return {piece for piece in pieces if piece[2] < piece[3]}


def answer(before, after, spans):
    return [number for number, span in enumerate(spans) if cut(before, span) != cut(after, span)]
