"""Are onsets found too early or too late? Signed errors on synthetic pieces, for many ways in which tones begin.

    python -m tests.benchmarks.onsets [--repeats N] [--beats N] [--cases NAME ...]

Three voices in random steps, each note moved by up to 10 ms, are played by tones that rise in 2, 40 and 80 ms, that
die away or not, dry and in a hall, and by instruments of the harmonic engine. The score is bent by a random tempo map,
aligned, and refined. Sample rates of 44.1 and 48 kHz take turns.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.signal

from mss_lab import signals, units
from mss_lab.datasets.harmonic import HarmonicEngine
from mss_lab.score import align, misalign, notes
from mss_lab.score.notes import Note, Score
from tests.benchmarks.align import onset_errors_s, within

BEAT_S = 0.45
LOWEST = (67, 58, 43)
RATES_HZ = (44_100, 48_000)
HALL_S = 0.8

Player = Callable[[Score, int, np.random.Generator], np.ndarray]


def texture(rng: np.random.Generator, beats: float) -> Score:
    """Three voices in random pitches and lengths, with rests."""
    played = []
    for lowest in LOWEST:
        beat = 0.0
        while beat < beats - 1e-9:
            length = min(float(rng.choice([0.5, 1, 1, 2, 2])), beats - beat)
            if rng.random() > 0.1:
                onset_s = 0.5 + beat * BEAT_S
                midi = lowest + int(rng.integers(14))
                played.append(Note(f"from {lowest}", midi, onset_s, onset_s + 0.97 * length * BEAT_S))
            beat += length
    score = Score(tuple(played), tuple(f"from {lowest}" for lowest in LOWEST))
    return notes.jitter(score, 0.01, rng=rng)


def tones(
    score: Score,
    sample_rate_hz: int,
    rng: np.random.Generator,
    attack_s: float,
    decay_per_s: float = 0.0,
    hall: bool = False,
) -> np.ndarray:
    """The score in harmonic tones whose amplitude rises in a straight line and then dies away."""
    total = np.zeros((1, round((score.duration_s + 0.5) * sample_rate_hz)))
    for note in score.notes:
        frequency_hz = units.midi_to_hz(note.midi)
        tone = signals.harmonic_tone(frequency_hz, note.offset_s - note.onset_s, sample_rate_hz, harmonics=12)
        times_s = np.arange(tone.shape[1]) / sample_rate_hz
        rise, fall = np.minimum(1, times_s / attack_s), np.clip((times_s[-1] - times_s) / 0.01, 0, 1)
        first = round(note.onset_s * sample_rate_hz)
        sound = 0.2 * tone * rise * fall * np.exp(-decay_per_s * times_s)
        total[:, first : first + tone.shape[1]] += sound[:, : total.shape[1] - first]
    if hall:
        samples = round(HALL_S * sample_rate_hz)
        # 60 dB down at its end, half as strong as the direct sound.
        tail = rng.standard_normal(samples) * np.exp(-6.9 * np.arange(samples) / samples)
        response = 0.5 * tail / np.linalg.norm(tail)
        response[0] += 1
        total = scipy.signal.fftconvolve(total, response[np.newaxis])[:, : total.shape[1]]
    return total.astype(np.float32)


def drawn(score: Score, sample_rate_hz: int, rng: np.random.Generator, program: int) -> np.ndarray:
    """The score played by instruments of the harmonic engine, each in a room of its own."""
    engine = HarmonicEngine()
    timbres = {source: engine.draw_timbre(rng, program) for source in score.sources}
    stems = engine.play(score, sample_rate_hz=sample_rate_hz, rng=rng, timbres=timbres)
    return np.sum(list(stems.values()), axis=0).astype(np.float32)


CASES: dict[str, Player] = {
    "struck": partial(tones, attack_s=0.002),
    "plucked": partial(tones, attack_s=0.002, decay_per_s=4),
    "plucked, hall": partial(tones, attack_s=0.002, decay_per_s=4, hall=True),
    "rise of 40 ms": partial(tones, attack_s=0.04),
    "rise of 40 ms, hall": partial(tones, attack_s=0.04, hall=True),
    "rise of 80 ms": partial(tones, attack_s=0.08),
    **{
        name: partial(drawn, program=program)
        for name, program in {
            "piano": 0,
            "guitar": 24,
            "violin": 40,
            "cello": 42,
            "choir": 52,
            "trumpet": 56,
            "horn": 60,
            "saxophone": 66,
            "oboe": 68,
            "bassoon": 70,
            "clarinet": 71,
            "flute": 73,
        }.items()
    },
}


def errors_s(play: Player, seed: int, beats: float) -> tuple[np.ndarray, np.ndarray]:
    """Found minus true onsets after time warping alone, and after refinement."""
    rng = np.random.default_rng(seed)
    truth = texture(rng, beats)
    sample_rate_hz = RATES_HZ[seed % 2]
    recording = play(truth, sample_rate_hz, rng)
    written, _ = misalign.with_random_tempo(truth, rng=rng)
    alignment = align.align(recording, sample_rate_hz, written)
    warped = align.warp(written, alignment)
    refined = align.refine_onsets(recording, sample_rate_hz, warped, tuning_hz=alignment.tuning_hz)
    return onset_errors_s(truth, warped), onset_errors_s(truth, refined)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2, help="pieces for each case (default: %(default)s)")
    parser.add_argument("--beats", type=float, default=30, help="length of a piece (default: %(default)s)")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    options = parser.parse_args(arguments)
    print("Found minus true onsets, ms: median, median of the amount; percent within 30 ms")
    print(f"{'':20}{'notes':>6}   {'warped':>21}   {'refined':>21}")
    for name in options.cases:
        judged = [errors_s(CASES[name], seed, options.beats) for seed in range(options.repeats)]
        row = f"{name:20}{sum(len(warped) for warped, _ in judged):6}"
        for k in (0, 1):
            late_s = np.concatenate([result[k] for result in judged])
            median_ms, amount_ms = 1000 * np.median(late_s), 1000 * np.median(np.abs(late_s))
            row += f"   {median_ms:+7.1f}{amount_ms:7.1f}{100 * within(late_s, 0.03):6.0f}%"
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
