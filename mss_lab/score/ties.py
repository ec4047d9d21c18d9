"""Ties: which written notes are one sounding note.

A tie joins two notes of one pitch if the first ends where the second begins, and both have its marks. This is decided
note by note, after chords have been split and repeats written out, so that it does not matter whether the two are in
one voice, in one measure, or next to each other on the page. A tie without its other half is ignored: the note sounds
as it is written.

Contents: WrittenNote, joined. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

# Programs round the lengths of triplets, so that the end of a note may miss the start of the next by a little. Two
# notes with tie marks count as adjacent if they are nearer than this; the shortest printed rest is twice as long.
TOUCHING_QUARTERS = Fraction(1, 32)


class WrittenNote(NamedTuple):
    """One written note, with the properties that ties depend on.

    Attributes
    ----------
    midi : float
        Sounding pitch.
    start, stop : Fraction
        Quarters since the start of the measure, or of the piece.
    tie_starts, tie_stops : bool
        A tie leads from this note to a later one; a tie ends at it.
    voice : str
        Voice and staff in which it is printed.
    is_pitched : bool
        False for drums, whose "pitch" is their position on the staff.
    is_grace, has_fermata : bool
    rounds : frozenset of int
        The rounds of a repeated strain in which it is played; empty for all.
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
    """Group the notes of one player that are joined by ties.

    Parameters
    ----------
    notes : sequence of WrittenNote, in any order
        All in the same unit of time.

    Returns
    -------
    list of lists of int
        Indices of `notes`. Each list is one sounding note, its written notes in order of time; the lists are in order
        of their first note's start. Every index is in exactly one list.

    If several notes could continue a tie, the one in the same voice does.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: W3C, MusicXML 4.0 (the elements tie and chord).

    Examples
    --------
    >>> first = WrittenNote(60, Fraction(0), Fraction(2), tie_starts=True)
    >>> second = WrittenNote(60, Fraction(2), Fraction(3), tie_stops=True)
    >>> joined([first, second, second._replace(midi=64, tie_stops=False)])
    [[0, 1], [2]]
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
            # A tie that was not continued in time never will be: it is removed, so that the list stays short.
            still = [
                other
                for other in waiting.get(note.midi, [])
                if other is not chain and notes[other[-1]].stop + TOUCHING_QUARTERS > note.start
            ]
            waiting[note.midi] = [*still, chain]
    return chains


def _continued(notes: Sequence[WrittenNote], waiting: list[list[int]], index: int) -> list[int] | None:
    """The group that a note with the end of a tie belongs to, removed from the list; None if no group ends there."""
    note = notes[index]
    meeting = [chain for chain in waiting if abs(notes[chain[-1]].stop - note.start) < TOUCHING_QUARTERS]
    if not meeting:
        return None
    best = min(
        meeting,
        key=lambda chain: (notes[chain[-1]].voice != note.voice, abs(notes[chain[-1]].stop - note.start)),
    )
    # By identity: two groups are never equal, and comparing lists would take time.
    waiting[:] = [chain for chain in waiting if chain is not best]
    return best
