"""Phases after masking: estimates whose phases fit their magnitudes, one another and the mixture.

A mask changes magnitudes and keeps the phase of the mixture. The result is a transform that belongs to no waveform:
inverted and transformed again, it is another. The functions here search phases that belong to the magnitudes.

Symbols: A[f, n] magnitudes of a source, X[f, n] its transform, P(X) = stft(istft(X)) the nearest transform that belongs
to a waveform, x the waveform, m the mixture, J sources.

- Griffin-Lim keeps A and repeats: X becomes A times the phase of P(X). The distance between X and P(X) never rises.
- MISI does this for all sources at once, after the part of the mixture that the estimates lack has been added to them
  in equal shares, (m - sum over i of x_i) / J; so its estimates add up to the mixture.

Distances count every bin of the full spectrum: bins between 0 and half the sample rate stand for two, with the negative
frequency. P is the orthogonal projection in this distance, and for no other do the laws above hold.

Contents: consistent, inconsistency, griffin_lim, misi. References: Griffin and Lim, IEEE TASSP 1984; Gunawan and Sen,
IEEE Signal Processing Letters 2010; Le Roux, Ono and Sagayama, SAPA 2008 (consistency).
"""

import numpy as np

from . import checks, transforms
from .refusals import RefusedType

SPECTROGRAM_AXES = "channels freq frames"
STACK_AXES = "sources channels freq frames"


def consistent(
    transform: np.ndarray, samples: int, *, window_samples: int, hop_samples: int, window: str = "hann"
) -> np.ndarray:
    """The nearest transform that belongs to a waveform, P(X) = stft(istft(X)).

    Parameters
    ----------
    transform : complex (channels, freq, frames)
    samples : int >= 1
        Length of the recording.
    window_samples, hop_samples, window
        Settings of the transform, as for `mss_lab.transforms.stft`.

    Returns
    -------
    complex (channels, freq, frames)
        Unchanged where the transform belongs to a waveform, as all transforms by `stft` do.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `mss_lab.transforms.istft`.

    Reference: Le Roux, Ono and Sagayama, "Explicit consistency constraints for STFT spectrograms", SAPA 2008.

    Examples
    --------
    >>> settings = {"window_samples": 8, "hop_samples": 2}
    >>> one_bin = np.zeros((1, 5, 11), complex)
    >>> one_bin[0, 2, 5] = 1
    >>> round(float(abs(consistent(one_bin, 20, **settings)[0, 2, 5])), 3)  # the rest went to its neighbours
    0.25
    """
    transform = checks.check_axes("transform", transform, SPECTROGRAM_AXES)
    settings = {"window_samples": window_samples, "hop_samples": hop_samples}
    waveform = transforms.istft(transform, samples, window=window, **settings)
    return transforms.stft(waveform, window=window, **settings)


def inconsistency(
    transform: np.ndarray, samples: int, *, window_samples: int, hop_samples: int, window: str = "hann"
) -> float:
    """How far a transform is from belonging to a waveform: |X - P(X)| / |X|, over the full spectrum.

    Parameters and exceptions as for `consistent`.

    Returns
    -------
    float in [0, 1]
        0 for the transform of a waveform, and for silence.

    Reference: Griffin and Lim, IEEE TASSP 1984, where its square is minimised; Le Roux et al., SAPA 2008.
    """
    nearest = consistent(transform, samples, window_samples=window_samples, hop_samples=hop_samples, window=window)
    transform = np.asarray(transform)
    size = _norm(transform, window_samples)
    return _norm(transform - nearest, window_samples) / size if size > 0 else 0.0


def griffin_lim(
    magnitude: np.ndarray,
    samples: int,
    *,
    window_samples: int,
    hop_samples: int,
    window: str = "hann",
    start: np.ndarray | None = None,
    iterations: int = 32,
    momentum: float = 0.0,
) -> np.ndarray:
    """A waveform whose transform has nearly the given magnitudes.

    Parameters
    ----------
    magnitude : real >= 0 (channels, freq, frames)
    samples : int >= 1
        Length of the recording.
    window_samples, hop_samples, window
        Settings of the transform.
    start : complex (channels, freq, frames), optional
        Its phases are the first ones: the transform of the mixture. Default: all phases are 0.
    iterations : int >= 0
        With 0 the waveform has the first phases.
    momentum : float in [0, 1)
        Above 0, the phase is that of P + momentum (P - P of the iteration before), which is faster but may rise for a
        while; 0.99 suits most. At 0, as in Griffin and Lim, the inconsistency never rises.

    Returns
    -------
    float (channels, samples)
        float32 for float32 magnitudes, else float64.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the arrays do not fit each other or the length, magnitudes are negative, or a number is out of its range.

    Reference: Griffin and Lim, IEEE TASSP 1984; Perraudin, Balazs and Søndergaard, WASPAA 2013 (momentum; there the
    step is added to the next estimate, here, as in librosa, the same to its phase).

    Examples
    --------
    >>> settings = {"window_samples": 64, "hop_samples": 16}
    >>> tone = np.sin(np.arange(2000) / 4)[np.newaxis]
    >>> spectrum = transforms.stft(tone, **settings)
    >>> same = griffin_lim(np.abs(spectrum), 2000, start=spectrum, iterations=5, **settings)
    >>> bool(np.allclose(same, tone))
    True
    """
    magnitude = _checked_magnitude(magnitude, SPECTROGRAM_AXES)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    checks.check_number("momentum", momentum, at_least=0, below=1)
    settings = {"window_samples": window_samples, "hop_samples": hop_samples}
    phases = np.ones_like(magnitude) if start is None else _phases(_checked_start(start, magnitude, SPECTROGRAM_AXES))
    before: np.ndarray | None = None
    waveform = transforms.istft(_with(magnitude, phases), samples, window=window, **settings)
    for _ in range(iterations):
        nearest = transforms.stft(waveform, window=window, **settings)
        moved = nearest if before is None else nearest + momentum * (nearest - before)
        before = nearest if momentum else None
        waveform = transforms.istft(_with(magnitude, _phases(moved)), samples, window=window, **settings)
    return waveform


def misi(
    mixture: np.ndarray,
    magnitudes: np.ndarray,
    *,
    window_samples: int,
    hop_samples: int,
    window: str = "hann",
    start: np.ndarray | None = None,
    iterations: int = 5,
) -> np.ndarray:
    """Waveforms of all sources with nearly the given magnitudes, which add up to the mixture.

    Multiple input spectrogram inversion. In each iteration, x_j = istft(A_j times phase), the missing part of the
    mixture is shared equally, x_j + (m - sum over i of x_i) / J, and gives the next phases.

    Parameters
    ----------
    mixture : float (channels, samples)
    magnitudes : real >= 0 (sources, channels, freq, frames)
        Of each source, for instance a mask times the mixture's magnitude.
    window_samples, hop_samples, window
        Settings of the transform.
    start : complex (sources, channels, freq, frames), optional
        Its phases are the first ones. Default: the phase of the mixture, for every source.
    iterations : int >= 0
        With 0 the sources have the first phases and an equal share of what is missing.

    Returns
    -------
    float (sources, channels, samples)
        They add up to the mixture, after any number of iterations.

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `griffin_lim`.

    Reference: Gunawan and Sen, "Iterative phase estimation for the synthesis of separated sources from single-channel
    mixtures", IEEE Signal Processing Letters 2010.

    Examples
    --------
    >>> settings = {"window_samples": 64, "hop_samples": 16}
    >>> mixture = np.random.default_rng(0).uniform(-1, 1, (1, 500))
    >>> magnitude = np.abs(transforms.stft(mixture, **settings))
    >>> estimates = misi(mixture, np.stack([0.7 * magnitude, 0.5 * magnitude]), iterations=3, **settings)
    >>> bool(np.allclose(estimates.sum(axis=0), mixture))
    True
    """
    mixture = checks.check_waveform("mixture", mixture)
    magnitudes = _checked_magnitude(magnitudes, STACK_AXES)
    iterations = checks.check_number("iterations", iterations, at_least=0, whole=True)
    settings = {"window_samples": window_samples, "hop_samples": hop_samples}
    of_mixture = transforms.stft(mixture, window=window, **settings)
    if not len(magnitudes) or magnitudes.shape[1:] != of_mixture.shape:
        raise checks.ShapeError(
            f"magnitudes must be (sources, {', '.join(map(str, of_mixture.shape))}) for this mixture, got shape "
            f"{magnitudes.shape}; make both with one transform"
        )
    if start is None:
        phases = np.broadcast_to(_phases(of_mixture), magnitudes.shape)
    else:
        phases = _phases(_checked_start(start, magnitudes, STACK_AXES))
    samples = mixture.shape[1]
    waveforms = _shared(transforms.istft(_with(magnitudes, phases), samples, window=window, **settings), mixture)
    for _ in range(iterations):
        phases = np.stack([_phases(transforms.stft(waveform, window=window, **settings)) for waveform in waveforms])
        waveforms = _shared(transforms.istft(_with(magnitudes, phases), samples, window=window, **settings), mixture)
    return waveforms


def _shared(waveforms: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """Waveforms with equal shares of what they lack of the mixture."""
    result: np.ndarray = waveforms + (mixture - waveforms.sum(axis=0)) / len(waveforms)
    return result


def _phases(transform: np.ndarray) -> np.ndarray:
    """exp(i angle) of each bin; 1 where a bin is empty."""
    size = np.abs(transform)
    result: np.ndarray = np.where(size > 0, transform / np.where(size > 0, size, 1), 1)
    return result


def _with(magnitude: np.ndarray, phases: np.ndarray) -> np.ndarray:
    kind = np.complex64 if magnitude.dtype == np.float32 else np.complex128
    result: np.ndarray = (magnitude * phases).astype(kind, copy=False)
    return result


def _norm(transform: np.ndarray, window_samples: int) -> float:
    """Root of the energy of the full spectrum, of which `transform` holds the bins from 0 on."""
    weights = np.full(transform.shape[-2], 2.0)
    weights[0] = 1
    if window_samples % 2 == 0:
        weights[-1] = 1
    return float(np.sqrt(np.sum(weights[:, np.newaxis] * np.abs(transform.astype(np.complex128)) ** 2)))


def _checked_magnitude(magnitude: np.ndarray, axes: str) -> np.ndarray:
    magnitude = checks.check_magnitude("magnitudes" if axes == STACK_AXES else "magnitude", magnitude, axes)
    return magnitude if magnitude.dtype == np.float32 else magnitude.astype(np.float64)


def _checked_start(start: np.ndarray, magnitude: np.ndarray, axes: str) -> np.ndarray:
    checked: np.ndarray = checks.check_finite("start", checks.check_axes("start", start, axes))
    if not np.iscomplexobj(checked):
        raise RefusedType(f"start must be complex, got {checked.dtype}; pass the transform whose phases shall be used")
    checks.check_same_shape("start", checked, "the magnitudes", magnitude)
    return checked
