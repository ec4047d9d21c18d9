"""How much memory a separation may use, and the refusal of separations that would need more.

Three things take memory. The recording and the estimates exist as a whole: they are the input and the result, and their
size does not depend on the method. A method's working memory is what it needs in addition, for transforms, models and
copies; it may be 1.5 GB, unless the caller allows more. Python, its libraries and the weights of networks take a few
hundred megabytes, which are not counted.

Every method of the catalogue declares its working memory by `limited`: a function that estimates it from the length of
the recording, its score and the options. A separation that would need more is refused before its work begins.

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

# Excerpts shorter than this are not suggested to users who have a long recording.
LEAST_EXCERPT_S = 10.0

_most_bytes = contextvars.ContextVar("most_bytes", default=float(MOST_BYTES))


@dataclasses.dataclass(frozen=True)
class Recording:
    """The properties of a recording on which the working memory of a method depends, in addition to its options.

    Attributes
    ----------
    samples, sample_rate_hz, channels : int
    value_bytes : int
        Size of one sample: 4 for float32, 8 for float64.
    sources, keys : int
        The number of sources of the score, and of pairs of a source and a pitch that it plays. 0 without a score.
    """

    samples: int
    sample_rate_hz: int
    channels: int
    value_bytes: int = 4
    sources: int = 0
    keys: int = 0

    @classmethod
    def of(cls, mixture: np.ndarray, sample_rate_hz: int, score: Any = None) -> "Recording":
        """The recording of a mixture (channels, samples) and its score, whose type is checked later."""
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
        """Size of a copy of the whole recording in float32."""
        return 4 * self.channels * self.samples

    @property
    def float32_bytes(self) -> int:
        """Size of the copy in float32 that a method works with: 0 if the mixture is already in float32."""
        return 0 if self.value_bytes == 4 else self.copy_bytes

    def frames(self, length_s: float, settings: transforms.StftSettings) -> int:
        """Frames of the transform of a section of that length, or of the whole recording, whichever is shorter."""
        samples = min(self.samples, length_s * self.sample_rate_hz)
        return transforms.frame_count(max(1, math.ceil(samples)), **settings)

    def bins(self, length_s: float, settings: transforms.StftSettings) -> int:
        """Bins of one channel's transform of such a section: frequencies times frames."""
        return (settings["window_samples"] // 2 + 1) * self.frames(length_s, settings)


@dataclasses.dataclass(frozen=True)
class _Declaration:
    """The declaration of a method by `limited`; it is an attribute of the function."""

    method: str
    working_bytes: Callable[..., float]
    defaults: dict[str, Any]

    def needed(self, recording: Recording, options: dict[str, Any]) -> float:
        """Bytes for these options; unknown options are left to the method, which refuses them."""
        complete = {name: options.get(name, default) for name, default in self.defaults.items()}
        return self.working_bytes(recording, **complete)

    def check(self, recording: Recording, options: dict[str, Any]) -> None:
        """Refuse a recording that is too long, or options that are too large."""
        needed = self.needed(recording, options)
        if not needed <= allowed_bytes():
            longest_s = _longest_s(recording, lambda shorter: self.needed(shorter, options))
            check(self.method, needed, advice=_advice(needed, longest_s))


def limited(method: str, working_bytes: Callable[..., float]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a separator with the working memory that it needs: it is refused at once if that is too much.

    Parameters
    ----------
    method : str
        Its name in the catalogue.
    working_bytes : function
        Called as `working_bytes(recording, **options)` with a `Recording` and all options of the separator by name,
        which are not yet checked; returns bytes, correct within a factor of two.
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
    """Allow separations this much working memory instead of 1.5 GB: `with memory.allowing(8e9): ...`.

    Parameters
    ----------
    most_bytes : float > 0

    Raises
    ------
    TypeError, ValueError
        If it is not a number above 0.
    """
    before = _most_bytes.set(float(checks.check_number("most_bytes", most_bytes, above=0, unit="bytes")))
    try:
        yield
    finally:
        _most_bytes.reset(before)


def allowed_bytes() -> float:
    """The working memory that a separation may use now: what is allowed, but at most what this computer has."""
    return min(_most_bytes.get(), computer_bytes())


def check_separator(separate: Callable[..., Any], mixture: np.ndarray, sample_rate_hz: int, score: Any = None) -> None:
    """Refuse a separation that needs too much memory, before a score is aligned or any other work is done.

    Parameters
    ----------
    separate : function
        A separator, possibly with options bound by `functools.partial`. One without a declaration is accepted.
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
    """The declared working memory of a separator, possibly with options bound; 0 without a declaration."""
    declaration, options = _declared(separate)
    return declaration.needed(recording, options) if declaration else 0.0


def is_limited(separate: Callable[..., Any]) -> bool:
    """Whether a separator declares its memory, as those of the package do; their estimates are new arrays."""
    return _declared(separate)[0] is not None


def _declared(separate: Callable[..., Any]) -> tuple[_Declaration | None, dict[str, Any]]:
    options: dict[str, Any] = {}
    while isinstance(separate, functools.partial):
        options = {**separate.keywords, **options}
        separate = separate.func
    return getattr(separate, "memory", None), options


def _longest_s(recording: Recording, needed: Callable[[Recording], float]) -> float:
    """The longest excerpt that fits, within a few per cent; 0 if none of a useful length does."""
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
    """Advice: an excerpt that fits, smaller options, or more memory if the computer has it."""
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
        An estimate, correct within a factor of two.
    advice : str
        Closes the message.

    Raises
    ------
    RefusedValue
        If it needs more than it may use. The message states both.
    """
    if not needed_bytes <= allowed_bytes():
        raise RefusedValue(
            f"{method} would need about {words(needed_bytes)} of memory for this recording with these options, in "
            f"addition to the recording and its estimates, and may use {words(allowed_bytes())}; {advice}"
        )


def amount(value: Any, otherwise: float) -> float:
    """An option as a number for an estimate: `otherwise` if it is not a number above 0, which the method refuses."""
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.bool_)
    return float(value) if real and value > 0 else otherwise


def spectrogram_bins(samples: int, settings: transforms.StftSettings) -> int:
    """The number of bins of one channel's transform: frequencies times frames."""
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
    """Silent estimates, one for each name, to which results are added; refused if all of them exceed the memory.

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
            f"has {words(computer_bytes())}; separate a shorter excerpt, or request fewer sources"
        )
    return {name: np.zeros(shape, np.float32) for name in names}


def computer_bytes() -> float:
    """The memory of this computer in bytes; infinite if the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
