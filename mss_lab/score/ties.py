"""Ties: which of the notes on a page are one note to the ear.

A tie joins two notes of one pitch where the first ends and the second begins, and both carry its marks. That is
decided note by note, after chords have been taken apart and repeats written out, so that it does not matter whether the
two stand in one voice, in one measure, or side by side on the page. A tie whose other half is missing changes nothing:
the note sounds as it is written.

Contents: WrittenNote, joined. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

# Programs round the lengths of triplets, so that the end of a note may miss the start of the next by a little. Two
# notes with tie marks that are nearer than this touch; the shortest rest that is printed is twice as long.
TOUCHING_QUARTERS = Fraction(1, 32)


class WrittenNote(NamedTuple):
    """One note as the page has it, with what a tie depends on.

    Attributes
    ----------
    midi : float
        Pitch as it sounds.
    start, stop : Fraction
        Quarters since the start of the measure, or of the piece.
    tie_starts, tie_stops : bool
        A tie leads from this note to a later one; a tie arrives at it.
    voice : str
        Where it is printed: the voice, and the staff.
    is_pitched : bool
        False for drums, whose "pitch" is where they are printed.
    is_grace, has_fermata : bool
    rounds : frozenset of int
        In which rounds of a repeated strain it is played; empty for all.
    """

    midi: float
    start: Fraction
    stop: Fraction
    tie_starts: bool = False
    tie_stops: bool = False
    voice: str = "1"
    is_pitched: bool = True
    is_grace: bool = False
    has_fermata: bool = False
    rounds: frozenset[int] = frozenset()


def joined(notes: Sequence[WrittenNote]) -> list[list[int]]:
    """Group the notes of one player that ties make one.

    Parameters
    ----------
    notes : sequence of WrittenNote, in any order
        All on one clock.

    Returns
    -------
    list of lists of int
        Indices of `notes`. Each list is one sounding note, its written notes in order of time; the lists are in order
        of their first note's start. Every index stands in exactly one list.

    Of several notes that could continue a tie, the one in the same voice is taken.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Source: W3C, MusicXML 4.0 (the elements tie and chord).
    """
    chains: list[list[int]] = []
    waiting: dict[float, list[list[int]]] = {}
    for index in sorted(range(len(notes)), key=lambda index: notes[index].start):
        note = notes[index]
        chain = _continued(notes, waiting.get(note.midi, []), index) if note.tie_stops else None
        if chain is None:
            chain = []
            chains.append(chain)
        chain.append(index)
        if note.tie_starts:
            # A tie that nothing continued in time never will be: it is forgotten, so that the list stays short.
            still = [
                other
                for other in waiting.get(note.midi, [])
                if other is not chain and notes[other[-1]].stop + TOUCHING_QUARTERS > note.start
            ]
            waiting[note.midi] = [*still, chain]
    return chains


def _continued(notes: Sequence[WrittenNote], waiting: list[list[int]], index: int) -> list[int] | None:
    """The group that a note with the end of a tie belongs to, taken off the list; None if no group reaches it."""
    note = notes[index]
    meeting = [chain for chain in waiting if abs(notes[chain[-1]].stop - note.start) < TOUCHING_QUARTERS]
    if not meeting:
        return None
    best = min(
        meeting,
        key=lambda chain: (notes[chain[-1]].voice != note.voice, abs(notes[chain[-1]].stop - note.start)),
    )
    # By identity: two groups are never equal, but comparing lists would take time.
    waiting[:] = [chain for chain in waiting if chain is not best]
    return best
