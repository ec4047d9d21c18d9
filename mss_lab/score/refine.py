"""Refinement: the onset of each note moved to where its own harmonics rise.

Time warping moves all voices of a chord together, players do not quite. Here the mixture is explained by one spectrum
for each pitch, each with a gain in every frame (a factorisation that starts from harmonics and from the notes given),
and the onset of a note is put where its pitch's gain goes up and that of the note before goes down.

Tones differ: one swells where another is struck, one rings on where another stops. What a source does in most of its
notes is taken for its tone, not for its timing: see `_habits`. How long the tones of all take to swell is measured on
their gains, and onsets are moved to where tones begin: see `_mean_attack_s`.

Contents: refine_onsets, pitch_gains. Lesson: notebooks/07_scores_and_alignment.ipynb
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .. import checks, transforms, units, updates
from . import features
from .notes import Note, Score

HOP_SAMPLES = 160
STEP_S = HOP_SAMPLES / features.RATE_HZ

HARMONICS = 20
ITERATIONS = 30
# A pitch may sound so long before and after its notes.
TOLERANCE_S = 0.2
# Frames are explained in stretches of this length, so that memory does not grow with the recording.
STRETCH_S = 60.0

# Onsets of a score this near to each other are meant to be one chord.
CHORD_WITHIN_S = 0.03
# How nearly players start together who mean to: the width of a bell, measured in each recording, within these bounds.
TOGETHER_S = (0.01, 0.05)
# The width of the bell around the time that time warping gave a chord; and of the one under which the first is
# measured, wide enough not to decide it.
CHORD_S, LOOSE_S = 0.03, 0.1
# Before and after are compared over this length; where a note is repeated, over the shorter one.
CONTRAST_S, DENT_S = 0.1, 0.04
# No tone swells more slowly than its partners' by more than the first, or rings on for longer than the second.
MOST_LAG_S, MOST_TAIL_S = 0.03, 0.1
# A lag seen in a few notes is partly chance: it counts in full only beside many more than so many.
FEW_NOTES = 5
# A source's changes are added up over this much time around each onset.
HABIT_REACH_S = 0.12
# A tone is found near the middle of its rise, not at its start, and the window makes every rise slower. Even the gain
# of a tone that is struck at once takes the first of these times to rise, at its steepest slope; and since a window
# that is filled in part hears a broad spectrum, the tone is then found too early, by the second. A tone that swells is
# found later, by this share of the time in which it swells. Measured on synthetic tones that rise in 2, 40 and 80 ms,
# and then moved so that the mean over those and drawn instruments is near 0: struck tones stay a little early, bowed
# and blown ones a little late. `python -m tests.benchmarks.onsets` prints what is left.
SHARPEST_RISE_S, SHARP_EARLY_S, ATTACK_SHARE = 0.049, 0.009, 0.58
# Attacks are taken to be no longer than the first of these; the second, where no note of a score tells.
LONGEST_ATTACK_S, USUAL_ATTACK_S = 0.12, 0.04
# A rise is measured over so much time around its steepest place, and must be at least so large.
RISE_REACH_S, LEAST_RISE = 0.08, 0.15
# How much a change of a pitch's gain, as a part of its largest, weighs against one width of the bell, and how sharply
# the best time is preferred to others.
BELL_WEIGHT, SHARPNESS = 0.1, 0.1
# Beyond so many widths the bell's penalty grows in a straight line: a player who is far off is rare, not impossible.
STRAIGHT_BEYOND = 3.0
ROUNDS = 2
LEAST_LENGTH_S = 0.03
# Gains and spectra whose sum is below this are silence.
SILENT = 1e-9
# A note that ends this near to the next of its source is bound to it.
BOUND_S = 0.1


def refine_onsets(
    recording: np.ndarray,
    sample_rate_hz: int,
    score: Score,
    *,
    within_s: float = 0.15,
    tuning_hz: float | None = None,
) -> Score:
    """Move each onset to where its pitch begins to sound.

    Notes that start together in the score are expected to start nearly together. First each chord is moved as one;
    how far its notes then part of their own accord, within a wide bell, says how loosely these players play together,
    and under a bell of that width each note finds its time.

    Parameters
    ----------
    recording : float (channels, samples)
    sample_rate_hz : int
    score : Score
        With the times of the recording, as from `align.warp`. Notes beyond the recording and unpitched ones stay.
    within_s : float >= 0, seconds
        No onset moves further than this from where it was.
    tuning_hz : float > 0, optional
        Frequency of A4 in the recording, as `Alignment.tuning_hz` says. Without it, it is estimated, within half a
        semitone of 440 Hz.

    Returns
    -------
    Score
        The same notes. An offset that met the next onset of its source still does; others stay, and no note becomes
        shorter than 30 ms. In each source, notes keep their order.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: the refinement of gains is after Miron, Carabias-Orti
    and Janer, ISMIR 2015; they cut the gains at a threshold, here the two sides of each onset are compared.
    """
    checks.check_number("within_s", within_s, at_least=0, unit="seconds")
    if tuning_hz is not None:
        checks.check_number("tuning_hz", tuning_hz, above=0, unit="Hz")
    hearing = features.analyse(recording, sample_rate_hz, hop_samples=HOP_SAMPLES)
    moving = [
        index
        for index, note in enumerate(score.notes)
        if note.source not in score.unpitched and note.onset_s < hearing.duration_s
    ]
    if hearing.is_silent or not moving or within_s == 0:
        return score
    tuning_hz = tuning_hz or features.estimate_tuning_hz(hearing)
    notes = [score.notes[index] for index in moving]
    gains = pitch_gains(hearing, notes, tuning_hz)
    start_s = np.array([note.onset_s for note in notes])
    chord = _chords(start_s)
    parts = [_changes(gains, note, before) for note, before in zip(notes, _notes_before(notes), strict=True)]
    centre_s = _chord_times([part.rise + part.fall for part in parts], chord, start_s, within_s)
    habits = _habits(parts, [note.source for note in notes], centre_s)
    changes = [
        _earlier(part.rise, habits[note.source].lag_s)
        + _earlier(part.fall, habits[note.source].lag_s + habits[note.source].tail_s)
        for part, note in zip(parts, notes, strict=True)
    ]
    centre_s = _chord_times(changes, chord, start_s, within_s)
    width_s = _spread(_note_times(changes, centre_s, start_s, within_s, LOOSE_S) - centre_s, chord)
    onsets_s = start_s
    for _ in range(ROUNDS):
        onsets_s = _note_times(changes, centre_s, start_s, within_s, width_s)
        centre_s = (np.bincount(chord, onsets_s) / np.bincount(chord))[chord]
    attack_s = _mean_attack_s(gains, notes, [part.is_repeated for part in parts], onsets_s)
    onsets_s = onsets_s + SHARP_EARLY_S - ATTACK_SHARE * attack_s
    onsets_s = np.clip(onsets_s, start_s - within_s, start_s + within_s)
    return _with_onsets(score, dict(zip(moving, onsets_s.tolist(), strict=True)))


def pitch_gains(hearing: features.Analysis, notes: Sequence[Note], tuning_hz: float) -> dict[float, np.ndarray]:
    """How strongly each pitch of the notes sounds: pitch -> float (frames,), its gain, 1 where it is largest.

    One spectrum for each pitch, at first 1/h around harmonic h, and one gain for each pitch and frame, 0 where no
    note of that pitch is near, are fitted to the magnitudes by multiplicative updates for the Kullback-Leibler
    divergence. What is 0 stays 0, so a pitch never leaves its harmonics, nor its notes.

    Reference: Ewert and Müller, ICASSP 2012; updates of Lee and Seung, 2001.
    """
    pitches = sorted({note.midi for note in notes})
    frames = hearing.magnitude.shape[1]
    total = np.zeros((len(pitches), frames), np.float32)
    start_templates = np.stack([_harmonic_template(midi, tuning_hz) for midi in pitches], axis=1)
    stretch = max(1, round(STRETCH_S / STEP_S))
    may_sound = np.zeros((len(pitches), frames), np.float32)
    for note in notes:
        first, last = (note.onset_s - TOLERANCE_S) / STEP_S, (note.offset_s + TOLERANCE_S) / STEP_S
        may_sound[pitches.index(note.midi), max(0, int(first)) : max(0, int(last) + 1)] = 1
    for start in range(0, frames, stretch):
        block = slice(start, start + stretch)
        magnitude = hearing.magnitude[:, block] + np.float32(1e-6)
        total[:, block] = _fit(magnitude, start_templates, may_sound[:, block])
    total /= np.maximum(total.max(axis=1, keepdims=True), 1e-9)
    return dict(zip(pitches, total.astype(float), strict=True))


def _fit(magnitude: np.ndarray, templates: np.ndarray, gains: np.ndarray) -> np.ndarray:
    gains = gains * magnitude.mean()
    for _ in range(ITERATIONS):
        # Templates add up to 1, which is the usual denominator.
        gains = gains * updates.activation_terms(magnitude, templates, gains)[0]
        grown = templates * updates.template_terms(magnitude, templates, gains)[0]
        lengths = grown.sum(axis=0)
        # A pitch that is silent in this stretch keeps its template.
        heard = lengths > SILENT
        templates = np.where(heard, grown / np.where(heard, lengths, 1), templates)
        gains = np.where((gains.sum(axis=1) > SILENT)[:, np.newaxis], gains, 0)
    return gains


def _harmonic_template(midi: float, tuning_hz: float) -> np.ndarray:
    frequencies_hz = transforms.stft_frequencies_hz(features.WINDOW_SAMPLES, features.RATE_HZ)
    template = np.zeros(len(frequencies_hz))
    for h in range(1, HARMONICS + 1):
        harmonic_hz = h * units.midi_to_hz(midi, tuning_hz)
        # A quarter tone, and the lobe of the window.
        width_hz = harmonic_hz * (units.cents_to_ratio(50) - 1) + 1.5 * features.RATE_HZ / features.WINDOW_SAMPLES
        shape = np.maximum(0, 1 - np.abs(frequencies_hz - harmonic_hz) / width_hz) / h
        template = np.maximum(template, shape)
    return (template / max(template.sum(), 1e-9)).astype(np.float32)


def _notes_before(notes: Sequence[Note]) -> list[Note | None]:
    """For each note, the one that its source leaves for it: it began earlier and ends about where this one starts."""
    latest: dict[str, list[Note]] = {}
    found: list[Note | None] = []
    for note in notes:
        played = latest.setdefault(note.source, [])
        bound = [other for other in played if other.onset_s < note.onset_s - 1e-6]
        bound = [other for other in bound if abs(other.offset_s - note.onset_s) <= BOUND_S]
        found.append(bound[-1] if bound else None)
        played.append(note)
        # Nobody holds more notes than fingers; older ones are over.
        del played[:-12]
    return found


class _Parts(NamedTuple):
    """How a note changes the sound: at every frame, how much more it sounds after than before.

    `fall` says how much less the note before it sounds; it is 0 where there is none, or it has the same pitch.
    """

    rise: np.ndarray
    fall: np.ndarray
    is_repeated: bool


def _changes(gains: dict[float, np.ndarray], note: Note, before: Note | None) -> _Parts:
    nothing = np.zeros_like(gains[note.midi])
    if before is not None and before.midi == note.midi:
        # A repeated note sounds as before; only a dent, just before it, tells.
        return _Parts(_contrast(gains[note.midi], note, DENT_S), nothing, True)
    rise = _contrast(gains[note.midi], note, CONTRAST_S)
    return _Parts(rise, nothing if before is None else -_contrast(gains[before.midi], note, CONTRAST_S), False)


def _contrast(gain: np.ndarray, note: Note, length_s: float) -> np.ndarray:
    """For each frame, the mean gain after it less the mean gain before it."""
    sums = np.concatenate([[0.0], np.cumsum(gain)])
    frames = np.arange(len(gain))
    length = round(length_s / STEP_S)
    after = min(length, max(4, round((note.offset_s - note.onset_s) / STEP_S)))
    start, stop = np.maximum(0, frames - length), np.minimum(len(gain), frames + after)
    later = (sums[stop] - sums[frames]) / np.maximum(stop - frames, 1)
    return later - (sums[frames] - sums[start]) / np.maximum(frames - start, 1)


class _Habit(NamedTuple):
    lag_s: float
    tail_s: float


def _habits(parts: Sequence[_Parts], sources: Sequence[str], centre_s: np.ndarray) -> dict[str, _Habit]:
    """What each source does in most of its notes.

    A lag: its notes rise later than the chords they belong to (than the mean of the sources, to be exact), because its
    tone swells slowly. A tail: the note before falls later than the new one rises, because it rings on.
    """
    rises_s: dict[str, float] = {}
    tails_s: dict[str, float] = {}
    trust: dict[str, float] = {}
    for source in dict.fromkeys(sources):
        mine = [k for k, name in enumerate(sources) if name == source and not parts[k].is_repeated]
        rises_s[source] = _middle_s([parts[k].rise for k in mine], centre_s[mine])
        followed = [k for k in mine if parts[k].fall.any()]
        fall_s = _middle_s([parts[k].fall for k in followed], centre_s[followed]) if followed else rises_s[source]
        tails_s[source] = float(np.clip(fall_s - rises_s[source], -MOST_TAIL_S, MOST_TAIL_S))
        trust[source] = len(mine) / (len(mine) + FEW_NOTES)
    mean_s = np.mean(list(rises_s.values()))
    lags_s = {source: float(np.clip(rise_s - mean_s, -MOST_LAG_S, MOST_LAG_S)) for source, rise_s in rises_s.items()}
    return {source: _Habit(trust[source] * lag_s, tails_s[source]) for source, lag_s in lags_s.items()}


def _mean_attack_s(
    gains: dict[float, np.ndarray], notes: Sequence[Note], is_repeated: Sequence[bool], onsets_s: np.ndarray
) -> float:
    """How long the tones take to swell, 0 if they are struck at once: the mean over sources of their median notes.

    One time is enough for all sources: what one of them does more slowly than the others is a lag, and already undone.
    """
    rises_s: dict[str, list[float]] = {}
    for note, again, onset_s in zip(notes, is_repeated, onsets_s, strict=True):
        rise_s = None if again else _rise_s(gains[note.midi], float(onset_s))
        if rise_s is not None:
            rises_s.setdefault(note.source, []).append(rise_s)
    if not rises_s:
        return USUAL_ATTACK_S
    medians_s = np.array([np.median(times_s) for times_s in rises_s.values()])
    # Durations of smoothing and of swelling add up as squares.
    attacks_s = np.sqrt(np.maximum(0, medians_s**2 - SHARPEST_RISE_S**2))
    return float(np.minimum(attacks_s, LONGEST_ATTACK_S).mean())


def _rise_s(gain: np.ndarray, onset_s: float) -> float | None:
    """How long a gain would take from its lowest to its highest around an onset, were it always as steep as it gets."""
    reach = round(RISE_REACH_S / STEP_S)
    middle = round(onset_s / STEP_S)
    near = gain[max(0, middle - reach - 2) : middle + reach + 3]
    if len(near) < 2 * reach:
        return None
    slopes = (near[2:] - near[:-2]) / 2
    steepest = 1 + int(np.argmax(slopes))
    lowest = near[max(0, steepest - reach) : steepest + 1].min()
    highest = near[steepest : steepest + reach].max()
    if highest - lowest < LEAST_RISE or slopes[steepest - 1] <= 0:
        return None
    return float((highest - lowest) / slopes[steepest - 1] * STEP_S)


def _middle_s(changes: Sequence[np.ndarray], times_s: np.ndarray) -> float:
    """Where curves, added up around times of their own, are largest: seconds from those times, 0 if there are none."""
    reach = round(HABIT_REACH_S / STEP_S)
    total = np.zeros(2 * reach + 1)
    for change, time_s in zip(changes, times_s, strict=True):
        padded = np.pad(np.maximum(0, change), reach)
        middle = min(max(0, round(time_s / STEP_S)), len(change) - 1)
        total += padded[middle : middle + 2 * reach + 1]
    # The mean of the summit's upper part lies between frames, where the largest frame cannot.
    summit = np.maximum(0, total - 0.85 * total.max())
    if not summit.any():
        return 0.0
    return float(summit @ np.arange(-reach, reach + 1) / summit.sum() * STEP_S)


def _earlier(change: np.ndarray, by_s: float) -> np.ndarray:
    """The curve moved towards the start, or away from it where `by_s` is negative; 0 comes in at the end."""
    frames = round(by_s / STEP_S)
    moved = np.zeros_like(change)
    if abs(frames) < len(change):
        moved[max(0, -frames) : len(change) - max(0, frames)] = change[max(0, frames) : len(change) + min(0, frames)]
    return moved


def _chords(start_s: np.ndarray) -> np.ndarray:
    """For each note, the number of its chord: notes that start within a moment of the chord's first."""
    chord = np.zeros(len(start_s), int)
    number, first_s = -1, -np.inf
    for k in np.argsort(start_s, kind="stable"):
        if start_s[k] > first_s + CHORD_WITHIN_S:
            number, first_s = number + 1, start_s[k]
        chord[k] = number
    return chord


def _chord_times(changes: list[np.ndarray], chord: np.ndarray, start_s: np.ndarray, within_s: float) -> np.ndarray:
    """For each note, the time at which the notes of its chord change most, taken together."""
    members = [np.flatnonzero(chord == k) for k in range(chord.max() + 1)]
    times_s = [
        _best_time(np.sum([changes[i] for i in mine], axis=0), middle_s, middle_s, within_s, CHORD_S)
        for mine in members
        for middle_s in [float(start_s[mine].mean())]
    ]
    return np.array(times_s)[chord]


def _note_times(
    changes: list[np.ndarray], centre_s: np.ndarray, start_s: np.ndarray, within_s: float, width_s: float
) -> np.ndarray:
    return np.array(
        [
            _best_time(change, middle_s, from_s, within_s, width_s)
            for change, middle_s, from_s in zip(changes, centre_s, start_s, strict=True)
        ]
    )


def _spread(deviations_s: np.ndarray, chord: np.ndarray) -> float:
    """How loosely these players play together: from the median deviation of a note from its chord, within bounds."""
    shared = deviations_s[np.bincount(chord)[chord] > 1]
    if not len(shared):
        return TOGETHER_S[1]
    # 1.48 makes a median deviation the width of a bell; a little more, since single notes err more than most.
    return float(np.clip(1.2 * 1.48 * np.median(np.abs(shared)), *TOGETHER_S))


def _best_time(change: np.ndarray, centre_s: float, start_s: float, within_s: float, width_s: float) -> float:
    """The mean of the times near `start_s`, weighted by how likely each is."""
    first = max(0, int(np.ceil((start_s - within_s) / STEP_S - 1e-6)))
    last = min(len(change) - 1, int(np.floor((start_s + within_s) / STEP_S + 1e-6)))
    if last < first:
        return start_s
    frames = np.arange(first, last + 1)
    worth = change[frames] - BELL_WEIGHT * _penalty((frames * STEP_S - centre_s) / width_s)
    likely = np.exp((worth - worth.max()) / SHARPNESS)
    return float(likely @ frames / likely.sum() * STEP_S)


def _penalty(widths: np.ndarray) -> np.ndarray:
    """Huber's: the square of the distance near by, a straight line of the same slope further out."""
    near = np.minimum(np.abs(widths), STRAIGHT_BEYOND)
    return near * (2 * np.abs(widths) - near)


def _with_onsets(score: Score, onsets_s: dict[int, float]) -> Score:
    """The score with new onsets, kept in the order in which each source had them, and offsets that follow."""
    notes = list(score.notes)
    for source in score.sources:
        mine = [index for index, note in enumerate(notes) if note.source == source]
        old = [notes[index] for index in mine]
        new_s = [onsets_s.get(index, notes[index].onset_s) for index in mine]
        for k in range(1, len(mine)):
            # Later notes never come first; what was together may part, what was apart stays apart.
            gap_s = min(LEAST_LENGTH_S, old[k].onset_s - old[k - 1].onset_s)
            if old[k].onset_s > old[k - 1].onset_s:
                new_s[k] = max(new_s[k], max(new_s[:k][-6:]) + gap_s)
        for k, index in enumerate(mine):
            offset_s = old[k].offset_s
            following = [m for m in range(k + 1, len(mine)) if old[m].onset_s > old[k].onset_s + 1e-6][:1]
            if following and abs(old[following[0]].onset_s - offset_s) <= LEAST_LENGTH_S:
                offset_s = new_s[following[0]]
            offset_s = max(offset_s, new_s[k] + LEAST_LENGTH_S)
            notes[index] = dataclasses.replace(notes[index], onset_s=max(0.0, new_s[k]), offset_s=offset_s)
    return dataclasses.replace(score, notes=tuple(notes))
