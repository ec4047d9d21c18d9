"""What it costs to make a voice sound: both engines, and the harmonic one in torch, in milliseconds a second of sound.

Processor time of all threads, so that other work on the machine counts for little; on a GPU, the time that passes.

python -m tests.benchmarks.engines [--seconds S] [--voices N]
"""

import argparse
import sys
import time

import numpy as np

from mss_lab.datasets import harmonic
from mss_lab.datasets.engines import SoundfontEngine
from mss_lab.score.notes import Note, Score

RATE_HZ = 16_000
# A quartet: program and lowest pitch.
PARTS = ((40, 67), (71, 60), (66, 52), (70, 40))
SEED = 0


def part(program: int, lowest: int, length_s: float, rng: np.random.Generator) -> Score:
    """A line of notes of 0.4 s."""
    onsets_s = np.arange(0, length_s - 0.4, 0.4)
    pitches = rng.integers(lowest, lowest + 13, len(onsets_s))
    notes = zip(onsets_s, pitches, rng.integers(50, 110, len(onsets_s)), strict=True)
    return Score(tuple(Note("x", int(midi), float(on), float(on) + 0.4, int(velocity)) for on, midi, velocity in notes))


def best_of(function, times: int = 3, clock=time.process_time) -> float:
    """The shortest of some runs, in seconds."""
    taken = []
    for _ in range(times):
        start = clock()
        function()
        taken.append(clock() - start)
    return min(taken)


def costs(length_s: float, voices: int) -> dict[str, float]:
    """Milliseconds for each second of each voice."""
    import torch

    from mss_lab.neural import synth

    rng = np.random.default_rng(SEED)
    samples = round((length_s + 0.5) * RATE_HZ)
    scores = [part(*PARTS[number % 4], length_s, rng) for number in range(voices)]
    engine = harmonic.HarmonicEngine()
    timbres = [engine.draw_timbre(rng, PARTS[number % 4][0]) for number in range(voices)]

    def draw():
        return [
            engine.voice(score, "x", timbre, samples, RATE_HZ, rng)
            for score, timbre in zip(scores, timbres, strict=True)
        ]

    drawn = draw()
    found = {
        "drawing the notes": best_of(draw),
        "harmonic, numpy float64": best_of(lambda: [harmonic.render(one, samples, RATE_HZ) for one in drawn], 2),
    }
    stacked = synth.stack(drawn)
    for dtype in (torch.float64, torch.float32):
        name = f"harmonic, torch {str(dtype).removeprefix('torch.')}"
        found[name] = best_of(lambda dtype=dtype: synth.render(stacked, samples, RATE_HZ, dtype=dtype))
    if torch.cuda.is_available():
        there = synth.stack(drawn, "cuda")
        found["harmonic, torch float32, GPU"] = best_of(
            lambda: synth.render(there, samples, RATE_HZ).cpu(), clock=time.perf_counter
        )
    try:
        fonts = SoundfontEngine()
    except FileNotFoundError:
        return {name: 1e3 * seconds / voices / length_s for name, seconds in found.items()}
    for font in fonts.paths:
        chosen = [fonts.draw_timbre(rng, PARTS[number % 4][0], font) for number in range(voices)]

        def play(chosen=chosen):
            for score, timbre in zip(scores, chosen, strict=True):
                fonts.play(score, sample_rate_hz=RATE_HZ, rng=rng, timbres={"x": timbre})

        found[f"soundfont, {font}"] = best_of(play, 2)
    return {name: 1e3 * seconds / voices / length_s for name, seconds in found.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--voices", type=int, default=8)
    asked = parser.parse_args(arguments)
    print(f"{asked.voices} voices of {asked.seconds:g} s at {RATE_HZ} Hz, best run\n")
    for name, cost in costs(asked.seconds, asked.voices).items():
        print(f"{name:40}{cost:8.2f} ms for each second of a voice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
