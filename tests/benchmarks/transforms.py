"""Time our transforms beside librosa's: `python -m tests.benchmarks.transforms [--minutes M] [--rounds N]`.

Three minutes of stereo noise at 44.1 kHz in float32, window 4096, hop 1024. Each row is the median of five rounds; in
every round each contestant runs once, so that whatever else the computer does meets all alike. librosa pads with zeros
as we do; both are run once before, since its first call compiles.
"""

import argparse
import statistics
import sys
import time

import librosa
import numpy as np

from mss_lab import transforms

RATE_HZ = 44_100
WINDOW = 4096
HOP = 1024


def contestants(waveform):
    samples = waveform.shape[1]
    options = {"window_samples": WINDOW, "hop_samples": HOP}
    ours, real = transforms.stft(waveform, **options), transforms.stdct(waveform, **options)
    theirs = librosa.stft(waveform, n_fft=WINDOW, hop_length=HOP)
    return {
        "stft": lambda: transforms.stft(waveform, **options),
        "librosa.stft": lambda: librosa.stft(waveform, n_fft=WINDOW, hop_length=HOP),
        "istft": lambda: transforms.istft(ours, samples, **options),
        "librosa.istft": lambda: librosa.istft(theirs, hop_length=HOP, length=samples),
        "stdct": lambda: transforms.stdct(waveform, **options),
        "istdct": lambda: transforms.istdct(real, samples, **options),
    }


def measure(functions, rounds):
    """Median seconds of each function over the rounds."""
    seconds = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(runs) for name, runs in seconds.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0, help="of the noise (default: 3)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    samples = round(options.minutes * 60 * RATE_HZ)
    waveform = np.random.default_rng(0).uniform(-1, 1, (2, samples)).astype(np.float32)
    seconds = measure(contestants(waveform), options.rounds)
    print(
        f"{options.minutes:g} min of stereo at {RATE_HZ} Hz, float32, window {WINDOW}, hop {HOP}; "
        f"median of {options.rounds}"
    )
    print(f"{'':8}{'ours':>10}{'librosa':>10}{'ratio':>8}{'s per minute':>14}")
    for name in ("stft", "istft", "stdct", "istdct"):
        ours, peer = seconds[name], seconds.get(f"librosa.{name}")
        versus = f"{peer:8.3f} s{ours / peer:8.2f}" if peer else f"{'-':>10}{'-':>8}"
        print(f"{name:8}{ours:8.3f} s{versus}{ours / options.minutes:14.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
