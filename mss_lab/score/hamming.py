"""How far a score is from the true one, and the way between them in steps.

The normalised Hamming distance counts the bins of the true roll that another roll lacks. It is 1 for an empty roll and
0 for the true one, and is blind to notes that are too many: within the bins of the true roll there are none.

`steps_between` gives the scores on the way from one to the other: the notes in which they differ are exchanged in a
drawn order. So one can see what each further right note is worth to a separation.

Symbols: G true roll, A another one, both of zeros and ones; |G| the number of ones.

Contents: hamming_distance, steps_between. Lesson: notebooks/20_steer_a_network.ipynb
"""

from collections.abc import Iterator

import numpy as np

from .. import checks
from ..refusals import RefusedValue, ShapeError
from .notes import Note, Score


def hamming_distance(true_roll: np.ndarray, roll: np.ndarray) -> float:
    """The share of the true roll's bins that another roll lacks: the sum of |G - A| where G is 1, divided by |G|.

    Parameters
    ----------
    true_roll, roll : bool or 0 and 1, equal shapes
        Such as (sources, pitches, frames); all axes count together.

    Returns
    -------
    float in [0, 1]
        0 if the true roll is empty.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Lesson: notebooks/20_steer_a_network.ipynb. Reference: Manilow, PhD thesis 2022, equations 4.2 and 4.3. The sum runs
    over the bins of the true roll alone, so the distance is 1 less the recall of frames.

    Examples
    --------
    >>> hamming_distance(np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0]))
    0.5
    """
    true_roll, roll = np.asarray(true_roll, bool), np.asarray(roll, bool)
    if true_roll.shape != roll.shape:
        raise ShapeError(
            f"roll must have the shape of true_roll, {true_roll.shape}, got {roll.shape}; make both with one number of "
            "frames and one order of sources"
        )
    count = np.count_nonzero(true_roll)
    return float(np.count_nonzero(true_roll & ~roll) / count) if count else 0.0


def steps_between(start: Score, end: Score, steps: int = 5, *, rng: np.random.Generator) -> list[Score]:
    """Scores from one to another: step by step, notes of the one are exchanged for those of the other.

    Notes of one source and pitch that overlap in time are exchanged together, as one edit: a note whose times were
    wrong is corrected in one step. All other notes of the start disappear, and all other notes of the end appear, one
    edit each. The edits are shuffled, over all sources together, and each step makes an equal share of them.

    Parameters
    ----------
    start, end : Score
        Such as an empty score or a transcription, and the true score.
    steps : int >= 1
    rng : numpy.random.Generator
        Draws the order of the edits.

    Returns
    -------
    list of Score
        `steps` + 1 of them, from the start to the end; all name the sources of the end.

    Raises
    ------
    ValueError
        If the start has sources that the end does not have.

    Lesson: notebooks/20_steer_a_network.ipynb. Reference: Manilow, PhD thesis 2022, section 4.4 (five steps).
    """
    steps = checks.check_number("steps", steps, at_least=1, whole=True)
    unknown = [source for source in start.sources if source not in end.sources]
    if unknown:
        raise RefusedValue(
            f"start must have the sources of end, {', '.join(end.sources)}, got {', '.join(unknown)} too; rename them"
        )
    edits = list(_edits(start, end))
    order = rng.permutation(len(edits))
    scores = []
    for step in range(steps + 1):
        applied = set(order[: round(step * len(edits) / steps)].tolist())
        notes = [note for index, (old, new) in enumerate(edits) for note in (new if index in applied else old)]
        scores.append(Score(tuple(notes), end.sources))
    return scores


def _edits(start: Score, end: Score) -> Iterator[tuple[list[Note], list[Note]]]:
    """Groups of notes (of the start, of the end) of one source and pitch whose times overlap."""
    marked = [(note, False) for note in start.notes] + [(note, True) for note in end.notes]
    by_pitch: dict[tuple[str, float], list[tuple[Note, bool]]] = {}
    for note, is_new in marked:
        by_pitch.setdefault((note.source, round(note.midi)), []).append((note, is_new))
    for group in by_pitch.values():
        old: list[Note] = []
        new: list[Note] = []
        until_s = 0.0
        for note, is_new in sorted(group, key=lambda pair: (pair[0].onset_s, pair[0].offset_s)):
            if (old or new) and note.onset_s >= until_s:
                yield old, new
                old, new = [], []
            (new if is_new else old).append(note)
            until_s = max(until_s, note.offset_s)
        if old or new:
            yield old, new
