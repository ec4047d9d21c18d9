"""The evaluation protocols of two papers: what is left out, counted and averaged, in their order.

A metric means little without its protocol. The same estimates can differ by several dB between means and medians, and
by the treatment of silence. All functions here take arrays and return numbers.

Tunturi et al. (score-informed X-UMX): `scale_to_peak`, `denoise`, then `frame_sdr` for each song, then `summarise`.
Miron et al. (score-filtered CNN on Bach10): `bach10_ratios` for each song, then `mean_with_interval`.

Contents: scale_to_peak, denoise, gate, frame_sdr, summarise, Summary; bach10_ratios, mean_with_interval, Interval.
Lesson: notebooks/18_with_a_score_from_a_score.ipynb
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import scipy.stats

from .. import checks, transforms
from ..refusals import RefusedValue
from .bss_eval import bss_eval

# Values of Tunturi et al.
PEAK = 0.75
SILENCE = 0.01
WINDOW_S = 1.0
NOISE_MARGIN = 10.0


def scale_to_peak(
    sources: Mapping[str, np.ndarray], *, peak: float = PEAK, floor: float = 0.0
) -> dict[str, np.ndarray]:
    """Multiply all sources by one gain, so that their sum peaks at `peak`; the silence gate is relative to it.

    Parameters
    ----------
    sources : dict of source name -> float (channels, samples)
    peak : float > 0
    floor : float >= 0
        Scaled samples below it become 0: 1e-4 for the anechoic orchestra, whose silences are not exactly silent.

    Returns
    -------
    dict of source name -> float (channels, samples)
        Silent sources stay silent. The mixture is their sum.

    Reference: Tunturi et al., 2025 (arXiv 2503.07352) and its program, which does so for URMP (floor 0) and the
    anechoic orchestra, not for SynthSOD.
    """
    sources = checks.check_sources("sources", sources)
    checks.check_number("peak", peak, above=0)
    checks.check_number("floor", floor, at_least=0)
    highest = np.abs(np.sum(list(sources.values()), axis=0)).max()
    gain = peak / highest if highest > 0 else 1.0
    scaled = {name: (waveform * gain).astype(waveform.dtype) for name, waveform in sources.items()}
    return {name: np.where(np.abs(waveform) < floor, 0, waveform) for name, waveform in scaled.items()}


def denoise(
    recording: np.ndarray,
    sample_rate_hz: int,
    first_onset_s: float,
    last_offset_s: float,
    *,
    margin: float = NOISE_MARGIN,
    window_samples: int = 2048,
    hop_samples: int = 512,
) -> np.ndarray:
    """Remove the steady noise of one player's recording, as measured before the first note and after the last.

    With |X| the magnitude and N(f) the mean magnitude of the frames that lie completely outside the notes, the noise is
    n = min(|X|, N), and the mask is (|X| - n)^2 / ((|X| - n)^2 + (margin n)^2). The phase is kept.

    Parameters
    ----------
    recording : float (channels, samples)
    sample_rate_hz : int
    first_onset_s, last_offset_s : float
        Times at which the player's first note begins and the last ends, 0 <= first_onset_s <= last_offset_s.
    margin : float > 0
        How far a bin must be above the noise to stay: margin + 1 times the noise loses 6 dB.
    window_samples, hop_samples : int
        Settings of the transform.

    Returns
    -------
    float (channels, samples)

    Raises
    ------
    ValueError
        If neither silence contains a whole window.

    Reference: Tunturi et al., 2025 (arXiv 2503.07352) and its program for URMP. The program's transform has no padding,
    but its inverse removes padding, so that its results start 1024 samples early; here they are not shifted.
    """
    recording = checks.check_waveform("recording", recording)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("margin", margin, above=0)
    checks.check_number("first_onset_s", first_onset_s, at_least=0, unit="seconds")
    checks.check_number("last_offset_s", last_offset_s, at_least=first_onset_s, unit="seconds")
    spectrum = transforms.stft(recording, window_samples=window_samples, hop_samples=hop_samples)
    magnitude = np.abs(spectrum)
    centres = np.arange(magnitude.shape[2]) * hop_samples
    first, last = centres - window_samples // 2, centres + window_samples // 2
    before = (first >= 0) & (last <= first_onset_s * sample_rate_hz)
    after = (first >= last_offset_s * sample_rate_hz) & (last <= recording.shape[1])
    silent = before | after
    if not silent.any():
        raise RefusedValue(
            f"the recording must be silent for {window_samples} samples before {first_onset_s:g} s or after "
            f"{last_offset_s:g} s, got {recording.shape[1]} samples in all; without silence the noise is unknown"
        )
    noise = np.minimum(magnitude, magnitude[:, :, silent].mean(axis=2, keepdims=True))
    signal_power, noise_power = (magnitude - noise) ** 2, (margin * noise) ** 2
    total = signal_power + noise_power
    mask = np.divide(signal_power, total, out=np.zeros_like(total), where=total > 0)
    return transforms.istft(mask * spectrum, recording.shape[1], window_samples=window_samples, hop_samples=hop_samples)


def gate(
    source: np.ndarray, sample_rate_hz: int, *, window_s: float = WINDOW_S, threshold: float = SILENCE
) -> np.ndarray:
    """Set the source to 0 wherever it stays within `threshold` for a whole window; an incomplete last window is kept.

    Reference: Tunturi et al., 2025, whose program does this to references before museval is called.
    """
    source = checks.check_waveform("source", source)
    window = _window(source, sample_rate_hz, window_s)
    silent = np.repeat(~_is_active(source, window, threshold), window)
    gated = source.copy()
    gated[:, : len(silent)][:, silent] = 0
    return gated


def frame_sdr(
    sources: Mapping[str, np.ndarray],
    estimates: Mapping[str, np.ndarray],
    sample_rate_hz: int,
    *,
    window_s: float = WINDOW_S,
    threshold: float = SILENCE,
) -> dict[str, np.ndarray]:
    """SDR of every source in every window in which the source is not silent.

    Parameters
    ----------
    sources : dict of source name -> float (channels, samples)
        Scaled as the protocol requires.
    estimates : dict of the same names, or more -> float (channels, samples)
        Estimates of instruments that do not play are ignored.
    sample_rate_hz : int
    window_s : float > 0, seconds
        Windows do not overlap; an incomplete last window is left out, as in museval.
    threshold : float >= 0
        A source that stays within it for a window counts as silent there.

    Returns
    -------
    dict of source name -> float64 (windows,)
        dB: nan where the source is silent, +inf where the estimate is perfect, 0 where it is silent.

    Reference: BSS Eval v4, "images" version, windows of a second (Stöter et al., LVA/ICA 2018), as used by Tunturi et
    al., 2025. In that version SDR is |s|^2 / |s - e|^2, whatever the other sources are. museval leaves out a window for
    all sources if one of them is silent; the variant that the paper used treats each source by itself, as here.
    """
    sources = checks.check_sources("sources", sources)
    estimates = checks.check_sources("estimates", estimates)
    missing = [name for name in sources if name not in estimates]
    if missing:
        raise RefusedValue(f"every source must have an estimate, got none for {', '.join(missing)}; silence will do")
    ratios = {}
    for name, source in sources.items():
        checks.check_same_shape(f"estimates[{name!r}]", estimates[name], f"sources[{name!r}]", source)
        window = _window(source, sample_rate_hz, window_s)
        error = source.astype(np.float64) - estimates[name]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 10 * np.log10(_energies(source.astype(np.float64), window) / _energies(error, window))
        ratios[name] = np.where(_is_active(source, window, threshold), ratio, np.nan)
    return ratios


@dataclasses.dataclass(frozen=True)
class Summary:
    """One number for each instrument, one for all, and the amount of data behind them.

    Attributes
    ----------
    instruments : dict of name -> float, dB
        The median (or mean) over songs; nan if the instrument never plays.
    mean : float, dB
        Mean over the instruments that play, each with the same weight, however many songs it plays in.
    songs, frames, silent, perfect : dict of name -> int
        The number of songs in which the instrument plays, of windows that count, and of those that are left out because
        the instrument is silent (nan) or the estimate perfect (an infinite ratio, which museval leaves out too).
    """

    instruments: dict[str, float]
    mean: float
    songs: dict[str, int]
    frames: dict[str, int]
    silent: dict[str, int]
    perfect: dict[str, int]


def summarise(
    songs: Iterable[Mapping[str, np.ndarray]], *, over_frames: str = "median", over_songs: str = "median"
) -> Summary:
    """Average over windows: the median of a song's windows, the median of songs, the mean of instruments.

    Parameters
    ----------
    songs : iterable of dict of instrument -> float (windows,)
        As returned by `frame_sdr`; an instrument need not be in every song.
    over_frames, over_songs : {"median", "mean"}
        The paper uses medians.

    Raises
    ------
    ValueError
        If there is no song.

    Reference: Tunturi et al., 2025; medians over windows and songs as in SiSEC (Stöter et al., LVA/ICA 2018).
    """
    averages: dict[str, Callable[..., Any]] = {"median": np.median, "mean": np.mean}
    of_frames = averages[checks.check_choice("over_frames", over_frames, tuple(averages))]
    of_songs = averages[checks.check_choice("over_songs", over_songs, tuple(averages))]
    windows: dict[str, list[np.ndarray]] = {}
    for song in songs:
        for name, ratios in song.items():
            windows.setdefault(name, []).append(np.asarray(ratios, dtype=np.float64))
    if not windows:
        raise RefusedValue("songs must hold at least one song with one instrument, got none; evaluate one first")
    finite = {name: [ratios[np.isfinite(ratios)] for ratios in of_name] for name, of_name in windows.items()}
    played = {name: [ratios for ratios in of_name if len(ratios)] for name, of_name in finite.items()}
    instruments = {
        name: float(of_songs([of_frames(ratios) for ratios in of_name])) if of_name else float("nan")
        for name, of_name in played.items()
    }
    defined = [value for value in instruments.values() if not np.isnan(value)]
    return Summary(
        instruments,
        float(np.mean(defined)) if defined else float("nan"),
        songs={name: len(of_name) for name, of_name in played.items()},
        frames={name: sum(map(len, of_name)) for name, of_name in played.items()},
        silent={name: int(sum(np.isnan(ratios).sum() for ratios in of_name)) for name, of_name in windows.items()},
        perfect={name: int(sum(np.isinf(ratios).sum() for ratios in of_name)) for name, of_name in windows.items()},
    )


def bach10_ratios(
    sources: Mapping[str, np.ndarray],
    estimates: Mapping[str, np.ndarray],
    sample_rate_hz: int,
    *,
    version: str = "sources",
) -> dict[str, dict[str, float]]:
    """SDR, SIR and SAR of every source of one song, over the whole of it.

    Parameters
    ----------
    sources, estimates : dict of the same names -> float (channels, samples)
    sample_rate_hz : int
    version : {"sources", "images"}
        "sources" is BSS Eval 3, as used by the paper: any source through a filter of 512 taps still counts as the
        source, so a wrong level or timbre costs nothing. "images" is version 4, whose reference is the source itself.
        Values of the two must not be compared.

    Returns
    -------
    dict of source name -> {"sdr", "sir", "sar"}, dB

    Raises
    ------
    ShapeError, TypeError, ValueError
        As for `mss_lab.metrics.bss_eval.bss_eval`.

    Reference: Miron, Janer and Gómez, "Monaural score-informed source separation for classical music using
    convolutional neural networks", ISMIR 2017, and its program (`bss_eval_sources`, mono, all sources at once). The
    program may exchange estimates that fit other sources better; here estimates keep their names.
    """
    metrics = bss_eval(sources, estimates, sample_rate_hz, window_s=None, version=version)
    return {
        name: {ratio: float(getattr(metrics, ratio)[index, 0]) for ratio in ("sdr", "sir", "sar")}
        for index, name in enumerate(metrics.sources)
    }


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean with the limits of its confidence interval.

    Attributes
    ----------
    mean, low, high : float
    count, left_out : int
        The number of values in the mean, and of those that were nan or infinite.
    """

    mean: float
    low: float
    high: float
    count: int
    left_out: int

    def in_words(self, unit: str = "dB") -> str:
        """Mean and limits with their signs, and on which side of 0 the interval lies; for means of differences.

        Examples
        --------
        >>> Interval(1.25, 0.5, 2.0, count=8, left_out=0).in_words()
        '+1.2 dB (+0.5 to +2.0, 8 values): clearly above 0'
        """
        side = (
            "clearly above 0"
            if self.low > 0
            else "clearly below 0"
            if self.high < 0
            else "not clearly different from 0"
        )
        limits = f"{self.low:+.1f} to {self.high:+.1f}, " if np.isfinite(self.high - self.low) else ""
        values = "1 value" if self.count == 1 else f"{self.count} values"
        return f"{self.mean:+.1f} {unit} ({limits}{values}): {side}"


def mean_with_interval(
    values: Iterable[float],
    *,
    confidence: float = 0.95,
    by: str = "bootstrap",
    resamples: int = 10_000,
    rng: np.random.Generator | None = None,
) -> Interval:
    """The mean of songs or sources with its confidence interval; nan and infinite values are left out and counted.

    Parameters
    ----------
    values : float
        One for each song and source.
    confidence : float in (0, 1)
    by : {"bootstrap", "t"}
        "bootstrap" resamples the values with replacement and takes quantiles of the resulting means, like the error
        bars of the paper. "t" assumes a normal distribution of the values (Student).
    resamples : int >= 1
        The number of resamples.
    rng : Generator
        Draws the resamples; required for "bootstrap".

    Returns
    -------
    Interval
        With one value, "bootstrap" has width 0, and "t" an infinite one.

    Raises
    ------
    TypeError
        If "bootstrap" gets no generator.
    ValueError
        If no value is finite.

    Reference: Efron, Annals of Statistics 1979; Student, Biometrika 1908.
    """
    checks.check_number("confidence", confidence, above=0, below=1)
    checks.check_choice("by", by, ("bootstrap", "t"))
    all_values = np.array(list(values), dtype=np.float64)
    finite = all_values[np.isfinite(all_values)]
    if not len(finite):
        raise RefusedValue(f"values must hold at least one number, got {len(all_values)} of which none is finite")
    mean = float(finite.mean())
    outside = (1 - confidence) / 2
    if by == "bootstrap":
        rng = checks.check_generator("rng", rng)
        resamples = checks.check_number("resamples", resamples, at_least=1, whole=True)
        means = finite[rng.integers(len(finite), size=(resamples, len(finite)))].mean(axis=1)
        low, high = (float(value) for value in np.quantile(means, (outside, 1 - outside)))
    else:
        deviation = finite.std(ddof=1) / np.sqrt(len(finite)) if len(finite) > 1 else np.inf
        width = float(deviation * scipy.stats.t.ppf(1 - outside, max(1, len(finite) - 1)))
        low, high = mean - width, mean + width
    return Interval(mean, low, high, len(finite), len(all_values) - len(finite))


def _window(source: np.ndarray, sample_rate_hz: int, window_s: float) -> int:
    """Samples of a window, limited to the length; a song shorter than a window is one window, as in museval."""
    checks.check_number("window_s", window_s, above=0, unit="seconds")
    return int(max(1, min(int(window_s * checks.check_sample_rate(sample_rate_hz)), source.shape[1])))


def _windows(waveform: np.ndarray, window: int) -> np.ndarray:
    """(channels, windows, samples of a window), without an incomplete last window."""
    count = waveform.shape[1] // window
    return waveform[:, : count * window].reshape(len(waveform), count, window)


def _energies(waveform: np.ndarray, window: int) -> np.ndarray:
    result: np.ndarray = np.sum(_windows(waveform, window) ** 2, axis=(0, 2))
    return result


def _is_active(source: np.ndarray, window: int, threshold: float) -> np.ndarray:
    """Whether a source exceeds the threshold in each window, (windows,)."""
    checks.check_number("threshold", threshold, at_least=0)
    result: np.ndarray = np.abs(_windows(source, window)).max(axis=(0, 2)) > threshold
    return result
