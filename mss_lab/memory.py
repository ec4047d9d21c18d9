"""How much memory a separation may take, and the refusal of one that would take more.

Three things take memory. The recording and the estimates exist whole: they are the input and the result, and their size
is no choice of a method. A method's working memory is what it needs beside them, for transforms, models and copies; it
should stay below 1.5 GB, for any length of recording. Python and its libraries take a few hundred megabytes, which are
not counted.

Methods that work in chunks by `mss_lab.chunks.filtered` hold this limit for any length, and refuse options that would
multiply their arrays beyond it before they start. The others do not ask here yet.

`python -m tests.benchmarks.long_memory` prints what every method takes for twenty minutes of stereo.

Contents: MOST_BYTES, check, check_spectrograms, spectrogram_bins, words, zeros_for, computer_bytes.
Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import os
from collections.abc import Iterable

import numpy as np

from . import transforms
from .refusals import RefusedValue

MOST_BYTES = 1_500_000_000
ADVICE = "separate a shorter excerpt, choose smaller options, or choose another method"


def check(method: str, needed_bytes: float, *, most_bytes: float = MOST_BYTES, advice: str = ADVICE) -> None:
    """Refuse a separation whose working memory would be more than a method may use.

    Parameters
    ----------
    method : str
        Its name in the catalogue.
    needed_bytes : float
        An estimate, right within a factor of two.
    most_bytes : float
        What it may use.
    advice : str
        What to do instead; closes the message.

    Raises
    ------
    RefusedValue
        If it needs more than it may use. The message says both.
    """
    if not needed_bytes <= most_bytes:
        raise RefusedValue(
            f"{method} would need about {words(needed_bytes)} of memory for this recording with these options, beside "
            f"the recording and its estimates, and may use {words(most_bytes)}; {advice}"
        )


def check_spectrograms(
    method: str,
    bytes_per_bin: float,
    samples: int,
    settings: transforms.StftSettings,
    *,
    most_bytes: float = MOST_BYTES,
    advice: str = ADVICE,
) -> None:
    """Refuse a method whose arrays over time and frequency would take more memory than it may use.

    Parameters
    ----------
    method : str
        Its name in the catalogue.
    bytes_per_bin : float
        What all arrays that exist at one time take for each bin of one channel's transform.
    samples : int
        Of the longest stretch that is transformed at once.
    settings : dict
        Of the STFT: window_samples, hop_samples.
    most_bytes, advice
        As for `check`.

    Raises
    ------
    RefusedValue
        As `check`.
    """
    check(method, bytes_per_bin * spectrogram_bins(samples, settings), most_bytes=most_bytes, advice=advice)


def spectrogram_bins(samples: int, settings: transforms.StftSettings) -> int:
    """How many bins the transform of one channel has: frequencies times frames."""
    return (settings["window_samples"] // 2 + 1) * transforms.frame_count(samples, **settings)


def words(size_bytes: float) -> str:
    """A size for a reader, such as "1.5 GB" or "420 MB"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= size:
            return (
                f"{size_bytes / size:,.3g} {unit}" if size_bytes < 1000 * size else f"{size_bytes / size:,.0f} {unit}"
            )
    return f"{size_bytes:.0f} bytes"


def zeros_for(names: Iterable[str], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Silent estimates to add to, one for each name, unless all of them cannot fit into this computer.

    Parameters
    ----------
    names : iterable of str
    shape : (channels, samples)

    Returns
    -------
    dict of name -> float32 zeros (channels, samples)

    Raises
    ------
    RefusedValue
        If together they are larger than the computer's memory.
    """
    names = list(names)
    needed = len(names) * 4 * int(np.prod(shape, dtype=np.int64))
    if needed > computer_bytes():
        raise RefusedValue(
            f"{len(names)} estimates of {shape[-1]} samples would take {words(needed)} of memory, and this computer "
            f"has {words(computer_bytes())}; separate a shorter excerpt, or ask for fewer sources"
        )
    return {name: np.zeros(shape, np.float32) for name in names}


def computer_bytes() -> float:
    """How much memory this computer has; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
