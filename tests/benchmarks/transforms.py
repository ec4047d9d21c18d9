"""Time our transforms beside librosa's: ``python -m tests.benchmarks.transforms`` prints a table.

Three minutes of stereo noise at 44.1 kHz in float32, window 4096, hop 1024. Each row is the median of five runs; in
every round each contestant runs once, so that whatever else the computer does meets all alike. librosa pads with zeros
as we do; both are run once before, since its first call compiles.
"""

import statistics
import time

import librosa
import numpy as np

from mss_lab import transforms

RATE_HZ = 44_100
MINUTES = 3
ROUNDS = 5
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


def measure(functions):
    """Median seconds of each function over the rounds."""
    seconds = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(ROUNDS):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(runs) for name, runs in seconds.items()}


def main():
    waveform = np.random.default_rng(0).uniform(-1, 1, (2, MINUTES * 60 * RATE_HZ)).astype(np.float32)
    seconds = measure(contestants(waveform))
    print(f"{MINUTES} min of stereo at {RATE_HZ} Hz, float32, window {WINDOW}, hop {HOP}; median of {ROUNDS}")
    print(f"{'':8}{'ours':>10}{'librosa':>10}{'ratio':>8}{'s per minute':>14}")
    for name in ("stft", "istft", "stdct", "istdct"):
        ours, peer = seconds[name], seconds.get(f"librosa.{name}")
        versus = f"{peer:8.3f} s{ours / peer:8.2f}" if peer else f"{'-':>10}{'-':>8}"
        print(f"{name:8}{ours:8.3f} s{versus}{ours / MINUTES:14.3f}")


if __name__ == "__main__":
    main()
