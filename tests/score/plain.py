"""A small score, and notes as plain tuples, which a test compares with what it has written by hand."""

from mss_lab.score.notes import Note, Score


def plain_notes(given, source=None):
    """(MIDI pitch, onset_s, offset_s) of each note, or of one source's: of a score, or of what a reader returns."""
    score = getattr(given, "score", given)
    return [(note.midi, note.onset_s, note.offset_s) for note in score.notes if source in (None, note.source)]


def duet():
    """Three notes of two players: one that lasts into the next, one between two keys, and three velocities."""
    return Score(
        (
            Note("violin", 72, 0.0, 0.8),
            Note("bassoon", 52, 0.12, 0.72, velocity=100),
            Note("violin", 74.25, 0.8, 1.62, velocity=1),
        )
    )
