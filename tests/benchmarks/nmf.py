"""Our NMF beside scikit-learn's multiplicative solver: same start, same iterations, same run.

    python -m tests.benchmarks.nmf [--rank 20] [--iterations 50] [--repeats 3] [--lengths 10 30]

A shipped piece, repeated to the length wanted, 44.1 kHz, Hann 4096/1024 (2049 bins); magnitudes for beta 1 and 2,
powers for beta 0. Times are the shortest of the repeats, taken in turn; a ratio below 1 says that ours is faster.
Divergences after the last iteration are computed by one function, in float64; their ratio should be 1. Both engines are
given V in the order that suits them, outside the clock. `real time` is seconds of audio per second of ours.
"""

import argparse
import sys
import time
import warnings

import numpy as np
from sklearn.decomposition import non_negative_factorization
from sklearn.exceptions import ConvergenceWarning

from mss_lab import transforms
from mss_lab.datasets import pieces
from mss_lab.nmf import beta as nmf

PIECE = "chorale_a"


def spectrogram(length_s: float) -> np.ndarray:
    """Magnitude (freq, frames) of the piece in mono, repeated until it lasts."""
    piece = pieces.load(PIECE)
    mono = piece.mixture.mean(axis=0, keepdims=True)
    samples = round(length_s * piece.sample_rate_hz)
    return np.abs(transforms.stft(np.resize(mono, (1, samples))))[0]


def theirs(V: np.ndarray, W: np.ndarray, H: np.ndarray, beta: float, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """Templates and activations of scikit-learn; V, W and H transposed, as it takes examples as rows."""
    gains, spectra, _ = non_negative_factorization(
        V, W=H, H=W, n_components=len(W), init="custom", solver="mu", beta_loss=beta, tol=0, max_iter=iterations
    )
    return spectra.T, gains.T


def row(V: np.ndarray, beta: float, rank: int, iterations: int, repeats: int) -> tuple[float, float, float]:
    """Seconds of ours, seconds of scikit-learn, and our divergence over theirs."""
    if beta <= 0:
        V = np.maximum(V, nmf.LEAST_MAGNITUDE * V.max())
    rng = np.random.default_rng(0)
    level = np.sqrt(V.mean() / rank)
    W, H = ((rng.uniform(0.1, 1.1, shape) * level).astype(V.dtype) for shape in ((len(V), rank), (rank, V.shape[1])))
    transposed = [np.ascontiguousarray(array.T) for array in (V, W, H)]
    times_s: tuple[list[float], list[float]] = ([], [])
    divergences = [0.0, 0.0]
    for _ in range(repeats):
        before = time.perf_counter()
        ours = nmf.factorise(V, templates=W, activations=H, beta=beta, iterations=iterations)
        between = time.perf_counter()
        # It works in the arrays that it is given.
        copies = [array.copy() for array in transposed]
        between_too = time.perf_counter()
        W_other, H_other = theirs(*copies, beta, iterations)
        after = time.perf_counter()
        times_s[0].append(between - before)
        times_s[1].append(after - between_too)
        exact = V.astype(np.float64)
        divergences = [
            nmf.divergence(exact, templates.astype(np.float64) @ activations.astype(np.float64), beta)
            for templates, activations in ((ours.templates, ours.activations), (W_other, H_other))
        ]
    return min(times_s[0]), min(times_s[1]), divergences[0] / divergences[1]


def main(arguments: list[str] | None = None) -> int:
    warnings.simplefilter("ignore", ConvergenceWarning)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rank", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", type=float, nargs="+", default=[10.0, 30.0], metavar="SECONDS")
    options = parser.parse_args(arguments)
    print(f"{PIECE}, rank {options.rank}, {options.iterations} iterations, best of {options.repeats}")
    titles = ("type", "length", "beta", "ours, s", "sklearn, s", "time", "divergence", "real time")
    print("{:8}{:>7}{:>6}{:>10}{:>12}{:>8}{:>14}{:>11}".format(*titles))
    slower = 0
    for dtype in (np.float32, np.float64):
        for length_s in options.lengths:
            magnitude = spectrogram(length_s).astype(dtype)
            for beta in (0, 1, 2):
                V = magnitude**2 if beta == 0 else magnitude
                own_s, other_s, ratio = row(V, beta, options.rank, options.iterations, options.repeats)
                slower += own_s > other_s
                print(
                    f"{np.dtype(dtype).name:8}{length_s:>5g} s{beta:>6}{own_s:>10.2f}{other_s:>12.2f}"
                    f"{own_s / other_s:>8.2f}{ratio:>14.9f}{length_s / own_s:>11.0f}",
                    flush=True,
                )
    print(f"ours is slower in {slower} of {6 * len(options.lengths)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
