"""How much memory a separation may take, and the refusal of one that would take more.

Three things take memory. The recording and the estimates exist whole: they are the input and the result, and their size
is no choice of a method. A method's working memory is what it needs beside them, for transforms, models and copies; it
may be 1.5 GB, unless the caller allows more. Python, its libraries and the weights of networks take a few hundred
megabytes, which are not counted.

Every method of the catalogue declares its working memory by `limited`: a function that estimates it from the length of
the recording, its score and the options. A separation that would take more is refused before its work begins.

`python -m tests.benchmarks.long_memory` prints what every method takes for twenty minutes of stereo.

Contents: MOST_BYTES, Recording, limited, allowing, allowed_bytes, check_separator, working_bytes_of, is_limited, check,
amount,
spectrogram_bins, words, zeros_for, computer_bytes. Lesson: notebooks/08_nmf_with_a_score.ipynb
"""

import contextlib
import contextvars
import dataclasses
import functools
import inspect
import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from . import checks, transforms
from .refusals import RefusedValue

MOST_BYTES = 1_500_000_000

# Excerpts shorter than this are no advice to somebody who has a long recording.
LEAST_EXCERPT_S = 10.0

_most_bytes = contextvars.ContextVar("most_bytes", default=float(MOST_BYTES))


@dataclasses.dataclass(frozen=True)
class Recording:
    """What the working memory of a method depends on, beside its options.

    Attributes
    ----------
    samples, sample_rate_hz, channels : int
    value_bytes : int
        Of one sample: 4 for float32, 8 for float64.
    sources, keys : int
        Of the score: its sources, and the pairs of a source and a pitch that it plays. 0 without a score.
    """

    samples: int
    sample_rate_hz: int
    channels: int
    value_bytes: int = 4
    sources: int = 0
    keys: int = 0

    @classmethod
    def of(cls, mixture: np.ndarray, sample_rate_hz: int, score: Any = None) -> "Recording":
        """The recording of a mixture (channels, samples) and its score, which is refused later if it is none."""
        mixture = checks.check_waveform("mixture", mixture)
        notes = getattr(score, "notes", ())
        return cls(
            samples=mixture.shape[1],
            sample_rate_hz=checks.check_sample_rate(sample_rate_hz),
            channels=mixture.shape[0],
            value_bytes=mixture.dtype.itemsize,
            sources=len(getattr(score, "sources", ())),
            keys=len({(note.source, note.midi) for note in notes}),
        )

    @property
    def copy_bytes(self) -> int:
        """Of a copy of the whole recording in float32."""
        return 4 * self.channels * self.samples

    @property
    def float32_bytes(self) -> int:
        """Of the copy in float32 that a method works with: none where the mixture is in float32 already."""
        return 0 if self.value_bytes == 4 else self.copy_bytes

    def frames(self, length_s: float, settings: transforms.StftSettings) -> int:
        """Frames of the transform of a stretch of that length, or of the whole, whichever is shorter."""
        samples = min(self.samples, length_s * self.sample_rate_hz)
        return transforms.frame_count(max(1, math.ceil(samples)), **settings)

    def bins(self, length_s: float, settings: transforms.StftSettings) -> int:
        """Bins of one channel's transform of such a stretch: frequencies times frames."""
        return (settings["window_samples"] // 2 + 1) * self.frames(length_s, settings)


@dataclasses.dataclass(frozen=True)
class _Declaration:
    """What `limited` knows of a method; it travels with the function."""

    method: str
    working_bytes: Callable[..., float]
    defaults: dict[str, Any]

    def needed(self, recording: Recording, options: dict[str, Any]) -> float:
        """Bytes for these options; options that the method does not have are left to it, which refuses them."""
        known = {name: options.get(name, default) for name, default in self.defaults.items()}
        return self.working_bytes(recording, **known)

    def check(self, recording: Recording, options: dict[str, Any]) -> None:
        """Refuse a recording that is too long, or options that are too large."""
        needed = self.needed(recording, options)
        if not needed <= allowed_bytes():
            longest_s = _longest_s(recording, lambda shorter: self.needed(shorter, options))
            check(self.method, needed, advice=_advice(needed, longest_s))


def limited(method: str, working_bytes: Callable[..., float]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a separator with what working memory it needs: it is refused at once where that is too much.

    Parameters
    ----------
    method : str
        Its name in the catalogue.
    working_bytes : function
        Called as `working_bytes(recording, **options)` with a `Recording` and all options of the separator by name,
        which nobody has checked yet; returns bytes, right within a factor of two.
    """

    def decorate(separate: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(separate).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
        declaration = _Declaration(method, working_bytes, defaults)

        @functools.wraps(separate)
        def within_memory(mixture: np.ndarray, sample_rate_hz: int, score: Any = None, **options: Any) -> Any:
            declaration.check(Recording.of(mixture, sample_rate_hz, score), options)
            return separate(mixture, sample_rate_hz, score, **options)

        within_memory.memory = declaration  # type: ignore[attr-defined]
        return within_memory

    return decorate


@contextlib.contextmanager
def allowing(most_bytes: float) -> Iterator[None]:
    """Let separations take so much working memory instead of 1.5 GB: `with memory.allowing(8e9): ...`.

    Parameters
    ----------
    most_bytes : float > 0

    Raises
    ------
    TypeError, ValueError
        If it is no number above 0.
    """
    before = _most_bytes.set(float(checks.check_number("most_bytes", most_bytes, above=0, unit="bytes")))
    try:
        yield
    finally:
        _most_bytes.reset(before)


def allowed_bytes() -> float:
    """How much working memory a separation may take now: what is allowed, but at most what this computer has."""
    return min(_most_bytes.get(), computer_bytes())


def check_separator(separate: Callable[..., Any], mixture: np.ndarray, sample_rate_hz: int, score: Any = None) -> None:
    """Refuse what a separator would refuse for its memory, before a score is aligned or anything else is done.

    Parameters
    ----------
    separate : function
        A separator, also one with options bound by `functools.partial`. One that declares nothing is let pass.
    mixture : float (channels, samples)
    sample_rate_hz : int
    score : Score, optional

    Raises
    ------
    RefusedValue
        If it needs more than it may use.
    """
    declaration, options = _declared(separate)
    if declaration:
        declaration.check(Recording.of(mixture, sample_rate_hz, score), options)


def working_bytes_of(separate: Callable[..., Any], recording: Recording) -> float:
    """What a separator, also one with options bound, declares to need; 0 where it declares nothing."""
    declaration, options = _declared(separate)
    return declaration.needed(recording, options) if declaration else 0.0


def is_limited(separate: Callable[..., Any]) -> bool:
    """Whether a separator declares its memory, as those of the package do, whose estimates are new arrays."""
    return _declared(separate)[0] is not None


def _declared(separate: Callable[..., Any]) -> tuple[_Declaration | None, dict[str, Any]]:
    options: dict[str, Any] = {}
    while isinstance(separate, functools.partial):
        options = {**separate.keywords, **options}
        separate = separate.func
    return getattr(separate, "memory", None), options


def _longest_s(recording: Recording, needed: Callable[[Recording], float]) -> float:
    """How long an excerpt may be, within a few per cent; 0 where none of a useful length fits."""
    fits_s, too_long_s = 0.0, recording.samples / recording.sample_rate_hz
    tried_s = LEAST_EXCERPT_S
    while fits_s * 1.03 < too_long_s and tried_s < too_long_s:
        shorter = dataclasses.replace(recording, samples=round(tried_s * recording.sample_rate_hz))
        if needed(shorter) <= allowed_bytes():
            fits_s = tried_s
        elif not fits_s:
            return 0.0
        else:
            too_long_s = tried_s
        tried_s = (fits_s + too_long_s) / 2
    return fits_s


def _advice(needed_bytes: float, longest_s: float) -> str:
    """What can be done: an excerpt that fits, smaller options, or more memory, where the computer has it."""
    excerpt = ""
    if longest_s:
        length = f"{math.floor(longest_s / 6) / 10:g} minutes" if longest_s >= 120 else f"{math.floor(longest_s)} s"
        excerpt = f"separate an excerpt of at most {length}, "
    advice = f"{excerpt}choose smaller options or another method"
    if needed_bytes < computer_bytes() / 2:
        gigabytes = math.ceil(needed_bytes / 1e8) / 10
        advice += f", or allow more memory: --memory {gigabytes:g}, in Python mss_lab.memory.allowing({gigabytes:g}e9)"
    return advice


def check(method: str, needed_bytes: float, *, advice: str = "choose smaller options or another method") -> None:
    """Refuse a separation whose working memory would be more than a method may use.

    Parameters
    ----------
    method : str
        Its name in the catalogue.
    needed_bytes : float
        An estimate, right within a factor of two.
    advice : str
        What to do instead; closes the message.

    Raises
    ------
    RefusedValue
        If it needs more than it may use. The message says both.
    """
    if not needed_bytes <= allowed_bytes():
        raise RefusedValue(
            f"{method} would need about {words(needed_bytes)} of memory for this recording with these options, beside "
            f"the recording and its estimates, and may use {words(allowed_bytes())}; {advice}"
        )


def amount(value: Any, otherwise: float) -> float:
    """An option as a number to reckon with: `otherwise` where it is no number above 0, which the method refuses."""
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.bool_)
    return float(value) if real and value > 0 else otherwise


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
