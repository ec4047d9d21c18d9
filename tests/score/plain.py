"""Notes as plain tuples, which a test compares with what it has written by hand."""


def plain_notes(given, source=None):
    """(MIDI pitch, onset_s, offset_s) of each note, or of one source's: of a score, or of what a reader returns."""
    score = getattr(given, "score", given)
    return [(note.midi, note.onset_s, note.offset_s) for note in score.notes if source in (None, note.source)]
