"""How well a score-informed separator follows its notes: what right notes are worth, and what one edit moves.

Two measurements, for any separator that reads a score:

- `interpolation`: a score becomes the true one step by step, from an empty score or from a transcription. Each step is
  separated, and the gain in SI-SDR stands beside the normalised Hamming distance to the true notes.
- `move_note`: one note is taken from one source and given to another. Where the note's own sound is known, it can be
  said which share of it moved, and what happened to the other notes.

Contents: Step, interpolation, Move, moved, move_note, share_of. Lesson: notebooks/20_steer_a_network.ipynb
Reference: Manilow, PhD thesis 2022, section 4.4.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from . import checks
from .datasets.track import Track
from .method import Separator
from .metrics import energy
from .refusals import RefusedValue
from .score import edits
from .score.hamming import hamming_distance, steps_between
from .score.notes import Note, Score
from .score.roll import piano_roll

# Frames of the rolls whose distance is measured; a note of a sixteenth at a fast tempo has six or more.
FRAME_RATE_HZ = 62.5


@dataclasses.dataclass(frozen=True)
class Step:
    """One source of one track at one step towards the true score.

    Attributes
    ----------
    track, source : str
    step : int
        0 is the start.
    distance : float in [0, 1]
        Normalised Hamming distance of the source's roll to the true one.
    si_sdr : float, dB
    gain : float, dB
        SI-SDR more than at the start.
    """

    track: str
    source: str
    step: int
    distance: float
    si_sdr: float
    gain: float


def interpolation(
    separate: Separator, track: Track, start: Score | None = None, *, steps: int = 5, rng: np.random.Generator
) -> list[Step]:
    """Separate a track with scores on the way from a wrong one to the true one.

    Parameters
    ----------
    separate : separator
        One that reads a score, such as `catalogue.separator("dsis")`.
    track : Track
        With its true score.
    start : Score, optional
        Such as a transcription; an empty score if it is left out.
    steps : int >= 1
    rng : numpy.random.Generator
        Draws the order in which notes are corrected.

    Returns
    -------
    list of Step
        For each source that sounds, one row a step, `steps` + 1 of them.

    Raises
    ------
    ValueError
        If the track has no score, or the start names other sources.

    Lesson: notebooks/20_steer_a_network.ipynb
    Reference: Manilow, PhD thesis 2022, figures 4.5 to 4.7. Difference: the distance is measured for each source.
    """
    true = _score_of(track)
    scores = steps_between(Score((), true.sources) if start is None else start, true, steps, rng=rng)
    true_rolls = _rolls(true, track.duration_s)
    rows: list[Step] = []
    first: dict[str, float] = {}
    for step, score in enumerate(scores):
        estimates = separate(track.mixture, track.sample_rate_hz, score)
        rolls = _rolls(score, track.duration_s)
        for source, stem in track.sources.items():
            if stem.any():
                value = energy.si_sdr(stem, estimates[source])
                first.setdefault(source, value)
                distance = hamming_distance(true_rolls[source], rolls[source])
                rows.append(Step(track.name, source, step, distance, value, value - first[source]))
    return rows


@dataclasses.dataclass(frozen=True)
class Move:
    """What moving a note changes.

    Attributes
    ----------
    before, after : float
        The share of the note's sound that is in the estimate of its own source, before the edit and after it.
    arrived : float
        The share that the other source's estimate has more than before.
    moved : float
        `arrived` divided by `before`: 1 if the whole of what was there has moved.
    rest_lost : float
        The share of the source's other notes that its estimate loses by the edit; negative if it gains.
    """

    before: float
    after: float
    arrived: float
    moved: float
    rest_lost: float


def moved(score: Score, note: Note, to: str) -> Score:
    """The score with one of its notes given to another source.

    Raises
    ------
    ValueError
        If the score does not have the note, or no such source.

    Lesson: notebooks/20_steer_a_network.ipynb

    Examples
    --------
    >>> note = Note("oboe", 69, 0.0, 1.0)
    >>> moved(Score((note,), ("oboe", "flute")), note, "flute").notes
    (Note(source='flute', midi=69, onset_s=0.0, offset_s=1.0, velocity=80),)
    """
    checks.check_choice("to", to, score.sources)
    return edits.changed(score, note, source=to)


def move_note(separate: Separator, track: Track, note: Note, to: str, alone: np.ndarray) -> Move:
    """Give a note to another source, and measure what moves with it.

    Parameters
    ----------
    separate : separator
        One that reads a score.
    track : Track
        With its true score.
    note : Note
        A note of the score.
    to : str
        The source that receives it.
    alone : float (channels, samples)
        The note's own sound, as it is in the stem of its source.

    Returns
    -------
    Move

    Raises
    ------
    ValueError
        If the note is not in the score, or its sound is silent.

    Lesson: notebooks/20_steer_a_network.ipynb. Reference: Manilow, PhD thesis 2022, figures 4.8 and 4.9.
    """
    score = _score_of(track)
    edited = moved(score, note, to)
    stem = track.sources[note.source]
    checks.check_same_shape("alone", alone, "the stem", stem)
    before, after = (separate(track.mixture, track.sample_rate_hz, one) for one in (score, edited))
    own = share_of(alone, before[note.source])
    arrived = share_of(alone, after[to]) - share_of(alone, before[to])
    rest = stem - alone
    rest_lost = share_of(rest, before[note.source]) - share_of(rest, after[note.source]) if rest.any() else 0.0
    return Move(own, share_of(alone, after[note.source]), arrived, arrived / own if own else math.nan, rest_lost)


def share_of(part: np.ndarray, estimate: np.ndarray) -> float:
    """Which share of a known part of a mixture is in an estimate: their product, divided by the part's energy.

    If the estimate is made by masks, this is the mean of the mask over the part's energy, and small amounts for what
    else sounds in the same bins.

    Raises
    ------
    ValueError
        If the part is silent.

    Lesson: notebooks/20_steer_a_network.ipynb

    Examples
    --------
    >>> part, other = np.array([[1.0, 0, 0, 0]]), np.array([[0, 1.0, 0, 0]])
    >>> share_of(part, 0.75 * part + other)
    0.75
    """
    checks.check_same_shape("part", part, "the estimate", estimate)
    part = np.asarray(part, np.float64)
    part_energy = float(np.sum(part**2))
    if part_energy == 0:
        raise RefusedValue("part must sound, got silence; give the sound of a note of the mixture")
    return float(np.sum(part * estimate) / part_energy)


def _score_of(track: Track) -> Score:
    if track.score is None:
        raise RefusedValue(f"{track.name} must have a score, got none; give the notes that are played")
    return track.score


def _rolls(score: Score, duration_s: float) -> Mapping[str, np.ndarray]:
    frames = math.ceil(duration_s * FRAME_RATE_HZ)
    rolls: Sequence[np.ndarray] = list(piano_roll(score, frames, FRAME_RATE_HZ))
    return dict(zip(score.sources, rolls, strict=True))
