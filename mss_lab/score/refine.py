"""Refinement: the onset of each note is moved to the time at which its own harmonics rise.

Time warping moves all voices of a chord together, although players are not exactly together. Here the mixture is
modelled by one spectrum for each pitch, with a gain in every frame (a factorisation whose initial values are harmonics
and the given notes), and the onset of a note is put where the gain of its pitch rises and that of the note before
falls.

Tones differ: one rises slowly where another is struck, one rings on where another stops. What most notes of a source
have in common is attributed to its tone, not to its timing: see `_habits`. The mean time in which tones rise is
measured on their gains, and onsets are moved to the start of tones: see `_mean_attack_s`.

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
# A pitch may sound this long before and after its notes.
TOLERANCE_S = 0.2
# The recording is modelled in sections of this length, so that memory does not grow with its length.
SECTION_S = 60.0

# Onsets of a score this near to each other are one chord.
CHORD_WITHIN_S = 0.03
# How exactly players start together: the width of a Gaussian, measured in each recording, within these limits.
TOGETHER_S = (0.01, 0.05)
# The width of the Gaussian around the time of a chord according to time warping; and of the one with which the first is
# measured, which is wide enough not to influence it.
CHORD_S, LOOSE_S = 0.03, 0.1
# The gains before and after an onset are compared over this length; for a repeated note, over the shorter one.
CONTRAST_S, DENT_S = 0.1, 0.04
# Limits of how much more slowly a tone may rise than those of other sources, and of how long it may ring on.
MOST_LAG_S, MOST_TAIL_S = 0.03, 0.1
# A lag measured on few notes is partly chance: its weight is n / (n + this number) for n notes.
FEW_NOTES = 5
# A source's changes are averaged over this time around each onset.
HABIT_REACH_S = 0.12
# A tone is detected near the middle of its rise, not at its start, and the window makes every rise slower. The gain of
# a struck tone takes the first of these times to rise, at its steepest slope. Since a window that is only partly filled
# has a broad spectrum, such a tone is detected too early, by the second. A tone that rises slowly is detected later, by
# this fraction of its rise time. Measured on synthetic tones that rise in 2, 40 and 80 ms, and then shifted so that the
# mean over those and drawn instruments is near 0: struck tones are still a little early, bowed and blown ones a little
# late. `python -m tests.benchmarks.onsets` prints the remaining errors.
SHARPEST_RISE_S, SHARP_EARLY_S, ATTACK_SHARE = 0.049, 0.009, 0.58
# Attacks are assumed to be no longer than the first of these; the second is used if no note can be measured.
LONGEST_ATTACK_S, USUAL_ATTACK_S = 0.12, 0.04
# A rise is measured over this time around its steepest point, and must be at least this large.
RISE_REACH_S, LEAST_RISE = 0.08, 0.15
# The weight of one squared width of the Gaussian against a change of a pitch's gain, relative to the largest, and how
# sharply the best time is preferred to others.
BELL_WEIGHT, SHARPNESS = 0.1, 0.1
# Beyond this many widths the penalty grows linearly: large deviations of a player are rare, but possible.
STRAIGHT_BEYOND = 3.0
ROUNDS = 2
LEAST_LENGTH_S = 0.03
# Gains and spectra whose sum is below this are silence.
SILENT = 1e-9
# A note that ends this near to the next of its source is connected to it.
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

    Notes that start together in the score are expected to start nearly together. First each chord is moved as one. How
    far its notes then deviate from each other, within a wide Gaussian, shows how exactly these players play together,
    and with a Gaussian of that width the time of each note is estimated.

    Parameters
    ----------
    recording : float (channels, samples)
    sample_rate_hz : int
    score : Score
        With the times of the recording, as from `align.warp`. Unpitched notes and those after the end are not changed.
    within_s : float >= 0, seconds
        No onset moves further than this.
    tuning_hz : float > 0, optional
        Frequency of A4 in the recording, as in `Alignment.tuning_hz`. Default: estimated, within half a semitone of 440
        Hz.

    Returns
    -------
    Score
        The same notes. An offset that coincided with the next onset of its source still does; others are not changed,
        and no note becomes shorter than 30 ms. In each source, notes keep their order.

    Lesson: notebooks/07_scores_and_alignment.ipynb. Reference: Miron, Carabias-Orti and Janer, ISMIR 2015 (refinement
    of gains). Difference: they apply a threshold to the gains; here the two sides of each onset are compared.
    """
    checks.check_number("within_s", within_s, at_least=0, unit="seconds")
    if tuning_hz is not None:
        checks.check_number("tuning_hz", tuning_hz, above=0, unit="Hz")
    analysis = features.analyse(recording, sample_rate_hz, hop_samples=HOP_SAMPLES)
    movable = [
        index
        for index, note in enumerate(score.notes)
        if note.source not in score.unpitched and note.onset_s < analysis.duration_s
    ]
    if analysis.is_silent or not movable or within_s == 0:
        return score
    tuning_hz = tuning_hz or features.estimate_tuning_hz(analysis)
    notes = [score.notes[index] for index in movable]
    gains = pitch_gains(analysis, notes, tuning_hz)
    start_s = np.array([note.onset_s for note in notes])
    chord = _chords(start_s)
    note_changes = [_changes(gains, note, before) for note, before in zip(notes, _notes_before(notes), strict=True)]
    centre_s = _chord_times([change.rise + change.fall for change in note_changes], chord, start_s, within_s)
    habits = _habits(note_changes, [note.source for note in notes], centre_s)
    changes = [
        _earlier(change.rise, habits[note.source].lag_s)
        + _earlier(change.fall, habits[note.source].lag_s + habits[note.source].tail_s)
        for change, note in zip(note_changes, notes, strict=True)
    ]
    centre_s = _chord_times(changes, chord, start_s, within_s)
    width_s = _spread(_note_times(changes, centre_s, start_s, within_s, LOOSE_S) - centre_s, chord)
    onsets_s = start_s
    for _ in range(ROUNDS):
        onsets_s = _note_times(changes, centre_s, start_s, within_s, width_s)
        centre_s = (np.bincount(chord, onsets_s) / np.bincount(chord))[chord]
    attack_s = _mean_attack_s(gains, notes, [change.is_repeated for change in note_changes], onsets_s)
    onsets_s = onsets_s + SHARP_EARLY_S - ATTACK_SHARE * attack_s
    onsets_s = np.clip(onsets_s, start_s - within_s, start_s + within_s)
    return _with_onsets(score, dict(zip(movable, onsets_s.tolist(), strict=True)))


def pitch_gains(analysis: features.Analysis, notes: Sequence[Note], tuning_hz: float) -> dict[float, np.ndarray]:
    """How strongly each pitch of the notes sounds: pitch -> float (frames,), its gain, 1 at the maximum.

    One spectrum for each pitch, initially 1/h around harmonic h, and one gain for each pitch and frame, 0 unless a note
    of that pitch is near, are fitted to the magnitudes by multiplicative updates for the Kullback-Leibler divergence.
    Zeros stay zeros, so a pitch always keeps to its harmonics and its notes.

    Reference: Ewert and Müller, ICASSP 2012; updates of Lee and Seung, 2001.
    """
    pitches = sorted({note.midi for note in notes})
    frames = analysis.magnitude.shape[1]
    total = np.zeros((len(pitches), frames), np.float32)
    start_templates = np.stack([_harmonic_template(midi, tuning_hz) for midi in pitches], axis=1)
    section_frames = max(1, round(SECTION_S / STEP_S))
    may_sound = np.zeros((len(pitches), frames), np.float32)
    for note in notes:
        first, last = (note.onset_s - TOLERANCE_S) / STEP_S, (note.offset_s + TOLERANCE_S) / STEP_S
        may_sound[pitches.index(note.midi), max(0, int(first)) : max(0, int(last) + 1)] = 1
    for start in range(0, frames, section_frames):
        block = slice(start, start + section_frames)
        magnitude = analysis.magnitude[:, block] + np.float32(1e-6)
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
        # A pitch that is silent in this section keeps its template.
        sounding = lengths > SILENT
        templates = np.where(sounding, grown / np.where(sounding, lengths, 1), templates)
        gains = np.where((gains.sum(axis=1) > SILENT)[:, np.newaxis], gains, 0)
    return gains


def _harmonic_template(midi: float, tuning_hz: float) -> np.ndarray:
    frequencies_hz = transforms.stft_frequencies_hz(features.WINDOW_SAMPLES, features.RATE_HZ)
    template: np.ndarray = np.zeros(len(frequencies_hz))
    for h in range(1, HARMONICS + 1):
        harmonic_hz = h * units.midi_to_hz(midi, tuning_hz)
        # A quarter tone, plus the lobe of the window.
        width_hz = harmonic_hz * (units.cents_to_ratio(50) - 1) + 1.5 * features.RATE_HZ / features.WINDOW_SAMPLES
        shape = np.maximum(0, 1 - np.abs(frequencies_hz - harmonic_hz) / width_hz) / h
        template = np.maximum(template, shape)
    normalised: np.ndarray = template / max(template.sum(), 1e-9)
    return normalised.astype(np.float32)


def _notes_before(notes: Sequence[Note]) -> list[Note | None]:
    """For each note, the previous note of its source: it began earlier and ends about where this one starts."""
    latest: dict[str, list[Note]] = {}
    previous: list[Note | None] = []
    for note in notes:
        played = latest.setdefault(note.source, [])
        connected = [other for other in played if other.onset_s < note.onset_s - 1e-6]
        connected = [other for other in connected if abs(other.offset_s - note.onset_s) <= BOUND_S]
        previous.append(connected[-1] if connected else None)
        played.append(note)
        # A player holds only a few notes at a time; older ones are over.
        del played[:-12]
    return previous


class _NoteChange(NamedTuple):
    """How a note changes the sound: for every frame, how much louder it is after the frame than before.

    `fall` is the corresponding decrease of the note before; it is 0 if there is none, or it has the same pitch.
    """

    rise: np.ndarray
    fall: np.ndarray
    is_repeated: bool


def _changes(gains: dict[float, np.ndarray], note: Note, before: Note | None) -> _NoteChange:
    nothing = np.zeros_like(gains[note.midi])
    if before is not None and before.midi == note.midi:
        # A repeated note sounds as before; only a short dip, just before it, marks it.
        return _NoteChange(_contrast(gains[note.midi], note, DENT_S), nothing, True)
    rise = _contrast(gains[note.midi], note, CONTRAST_S)
    return _NoteChange(rise, nothing if before is None else -_contrast(gains[before.midi], note, CONTRAST_S), False)


def _contrast(gain: np.ndarray, note: Note, length_s: float) -> np.ndarray:
    """For each frame, the mean gain after it minus the mean gain before it."""
    sums = np.concatenate([[0.0], np.cumsum(gain)])
    frames = np.arange(len(gain))
    length = round(length_s / STEP_S)
    after = min(length, max(4, round((note.offset_s - note.onset_s) / STEP_S)))
    start, stop = np.maximum(0, frames - length), np.minimum(len(gain), frames + after)
    later: np.ndarray = (sums[stop] - sums[frames]) / np.maximum(stop - frames, 1)
    earlier: np.ndarray = (sums[frames] - sums[start]) / np.maximum(frames - start, 1)
    rise: np.ndarray = later - earlier
    return rise


class _Habit(NamedTuple):
    lag_s: float
    tail_s: float


def _habits(note_changes: Sequence[_NoteChange], sources: Sequence[str], centre_s: np.ndarray) -> dict[str, _Habit]:
    """Properties of each source that most of its notes have.

    A lag: its notes rise later than their chords (more exactly, than the mean of the sources), because its tone rises
    slowly. A tail: the note before falls later than the new one rises, because it rings on.
    """
    rises_s: dict[str, float] = {}
    tails_s: dict[str, float] = {}
    trust: dict[str, float] = {}
    for source in dict.fromkeys(sources):
        own = [k for k, name in enumerate(sources) if name == source and not note_changes[k].is_repeated]
        rises_s[source] = _middle_s([note_changes[k].rise for k in own], centre_s[own])
        followed = [k for k in own if note_changes[k].fall.any()]
        fall_s = (
            _middle_s([note_changes[k].fall for k in followed], centre_s[followed]) if followed else rises_s[source]
        )
        tails_s[source] = float(np.clip(fall_s - rises_s[source], -MOST_TAIL_S, MOST_TAIL_S))
        trust[source] = len(own) / (len(own) + FEW_NOTES)
    mean_s = np.mean(list(rises_s.values()))
    lags_s = {source: float(np.clip(rise_s - mean_s, -MOST_LAG_S, MOST_LAG_S)) for source, rise_s in rises_s.items()}
    return {source: _Habit(trust[source] * lag_s, tails_s[source]) for source, lag_s in lags_s.items()}


def _mean_attack_s(
    gains: dict[float, np.ndarray], notes: Sequence[Note], is_repeated: Sequence[bool], onsets_s: np.ndarray
) -> float:
    """The time in which tones rise, 0 if they are struck: the mean over sources of the medians of their notes.

    One time is enough for all sources: differences between them are lags, which are already corrected.
    """
    rises_s: dict[str, list[float]] = {}
    for note, again, onset_s in zip(notes, is_repeated, onsets_s, strict=True):
        rise_s = None if again else _rise_s(gains[note.midi], float(onset_s))
        if rise_s is not None:
            rises_s.setdefault(note.source, []).append(rise_s)
    if not rises_s:
        return USUAL_ATTACK_S
    medians_s = np.array([np.median(times_s) for times_s in rises_s.values()])
    # Squared durations of smoothing and of rising add up.
    attacks_s = np.sqrt(np.maximum(0, medians_s**2 - SHARPEST_RISE_S**2))
    return float(np.minimum(attacks_s, LONGEST_ATTACK_S).mean())


def _rise_s(gain: np.ndarray, onset_s: float) -> float | None:
    """The time in which a gain would rise from its minimum to its maximum around an onset, at its steepest slope."""
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
    """The position of the maximum of curves averaged around given times: seconds from those times, 0 without curves."""
    reach = round(HABIT_REACH_S / STEP_S)
    total = np.zeros(2 * reach + 1)
    for change, time_s in zip(changes, times_s, strict=True):
        padded = np.pad(np.maximum(0, change), reach)
        middle = min(max(0, round(time_s / STEP_S)), len(change) - 1)
        total += padded[middle : middle + 2 * reach + 1]
    # The centroid of the upper part of the maximum is more precise than one frame.
    summit = np.maximum(0, total - 0.85 * total.max())
    if not summit.any():
        return 0.0
    return float(summit @ np.arange(-reach, reach + 1) / summit.sum() * STEP_S)


def _earlier(change: np.ndarray, by_s: float) -> np.ndarray:
    """The curve moved towards the start, or away from it if `by_s` is negative; zeros are appended at the end."""
    frames = round(by_s / STEP_S)
    shifted = np.zeros_like(change)
    if abs(frames) < len(change):
        shifted[max(0, -frames) : len(change) - max(0, frames)] = change[max(0, frames) : len(change) + min(0, frames)]
    return shifted


def _chords(start_s: np.ndarray) -> np.ndarray:
    """For each note, the number of its chord: notes that start within a short time of the chord's first."""
    chord = np.zeros(len(start_s), int)
    number, first_s = -1, -np.inf
    for k in np.argsort(start_s, kind="stable"):
        if start_s[k] > first_s + CHORD_WITHIN_S:
            number, first_s = number + 1, start_s[k]
        chord[k] = number
    return chord


def _chord_times(changes: list[np.ndarray], chord: np.ndarray, start_s: np.ndarray, within_s: float) -> np.ndarray:
    """For each note, the time at which the notes of its chord change most, all together."""
    members = [np.flatnonzero(chord == k) for k in range(chord.max() + 1)]
    times_s: list[float] = [
        _best_time(np.sum([changes[i] for i in indices], axis=0), middle_s, middle_s, within_s, CHORD_S)
        for indices in members
        for middle_s in [float(start_s[indices].mean())]
    ]
    of_notes: np.ndarray = np.array(times_s)[chord]
    return of_notes


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
    """How exactly these players play together: from the median deviation of a note from its chord, within limits."""
    shared = deviations_s[np.bincount(chord)[chord] > 1]
    if not len(shared):
        return TOGETHER_S[1]
    # 1.48 converts a median deviation to a standard deviation; slightly more, since some notes deviate much more.
    return float(np.clip(1.2 * 1.48 * np.median(np.abs(shared)), *TOGETHER_S))


def _best_time(change: np.ndarray, centre_s: float, start_s: float, within_s: float, width_s: float) -> float:
    """The mean of the times near `start_s`, weighted by their likelihood."""
    first = max(0, int(np.ceil((start_s - within_s) / STEP_S - 1e-6)))
    last = min(len(change) - 1, int(np.floor((start_s + within_s) / STEP_S + 1e-6)))
    if last < first:
        return start_s
    frames = np.arange(first, last + 1)
    evidence = change[frames] - BELL_WEIGHT * _penalty((frames * STEP_S - centre_s) / width_s)
    likelihood = np.exp((evidence - evidence.max()) / SHARPNESS)
    return float(likelihood @ frames / likelihood.sum() * STEP_S)


def _penalty(widths: np.ndarray) -> np.ndarray:
    """Huber's penalty: the square of small distances, and linear with a continuous slope for large ones."""
    near: np.ndarray = np.minimum(np.abs(widths), STRAIGHT_BEYOND)
    penalty: np.ndarray = near * (2 * np.abs(widths) - near)
    return penalty


def _with_onsets(score: Score, onsets_s: dict[int, float]) -> Score:
    """The score with new onsets, in the same order for each source, and offsets that follow."""
    notes = list(score.notes)
    for source in score.sources:
        indices = [index for index, note in enumerate(notes) if note.source == source]
        old_notes = [notes[index] for index in indices]
        new_s = [onsets_s.get(index, notes[index].onset_s) for index in indices]
        for k in range(1, len(indices)):
            # Later notes never come first; simultaneous notes may be separated, others keep a distance.
            gap_s = min(LEAST_LENGTH_S, old_notes[k].onset_s - old_notes[k - 1].onset_s)
            if old_notes[k].onset_s > old_notes[k - 1].onset_s:
                new_s[k] = max(new_s[k], max(new_s[:k][-6:]) + gap_s)
        for k, index in enumerate(indices):
            offset_s = old_notes[k].offset_s
            following = [m for m in range(k + 1, len(indices)) if old_notes[m].onset_s > old_notes[k].onset_s + 1e-6][
                :1
            ]
            if following and abs(old_notes[following[0]].onset_s - offset_s) <= LEAST_LENGTH_S:
                offset_s = new_s[following[0]]
            offset_s = max(offset_s, new_s[k] + LEAST_LENGTH_S)
            notes[index] = dataclasses.replace(notes[index], onset_s=max(0.0, new_s[k]), offset_s=offset_s)
    return dataclasses.replace(score, notes=tuple(notes))
