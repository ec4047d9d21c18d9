"""BSS Eval version 4: the error of an estimate, split into distortion, interference and artefacts.

The values come from museval, the reference program of the SiSEC campaigns ("images" version: the reference is the true
source with its true level and position). This module handles what museval cannot: silent sources, silent estimates and
sources whose channels cancel. These values must not be compared with the "sources" version of BSS Eval 2 and 3, which
ignores any filter of 512 taps; it is available for comparison with papers that used it.

Contents: bss_eval, BssEval. Lesson: notebooks/04_is_it_better.ipynb
"""

import dataclasses
import functools
import importlib.util
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

from .. import checks
from ..refusals import MissingExtra, RefusedValue

METRICS = ("sdr", "isr", "sir", "sar")

# museval adds a fixed 2.2e-16 to the energies it divides by. Far outside this range of peaks it would decide the
# result.
ORDINARY_PEAKS = (1e-3, 1e3)


@dataclasses.dataclass(frozen=True)
class BssEval:
    """Metrics of every source in every window, in dB.

    Attributes
    ----------
    sources : tuple of str
    sdr, isr, sir, sar : float (sources, windows)
        Source-to-distortion, image-to-spatial-distortion, source-to-interference and sources-to-artefacts ratios.
        nan where a ratio has no meaning, +inf where its denominator is 0.
    """

    sources: tuple[str, ...]
    sdr: np.ndarray
    isr: np.ndarray
    sir: np.ndarray
    sar: np.ndarray

    def median(self) -> dict[str, dict[str, float]]:
        """Median over windows for each source and ratio, without nan; nan if no value is left."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return {
                source: {metric: float(np.nanmedian(getattr(self, metric)[index])) for metric in METRICS}
                for index, source in enumerate(self.sources)
            }

    def left_out(self) -> dict[str, int]:
        """The number of windows without an SDR, for each source: a median over few windows is unreliable."""
        return {source: int(np.isnan(self.sdr[index]).sum()) for index, source in enumerate(self.sources)}


def bss_eval(
    sources: Mapping[str, np.ndarray],
    estimates: Mapping[str, np.ndarray],
    sample_rate_hz: int,
    *,
    window_s: float | None = 1.0,
    hop_s: float | None = None,
    version: str = "images",
) -> BssEval:
    """Evaluate all estimates of one mixture.

    Parameters
    ----------
    sources : dict of source name -> float (channels, samples)
        The true sources.
    estimates : dict of the same names -> float (channels, samples)
    sample_rate_hz : int
    window_s : float > 0 or None
        Length of a window; None is one window over the whole file. Distortion filters are always fitted to the whole
        file.
    hop_s : float > 0, optional
        Distance between windows. Default: the length of a window.
    version : {"images", "sources"}
        "sources" is that of BSS Eval 2 and 3: any filter of 512 taps is ignored, and fitted to each window separately.

    Returns
    -------
    BssEval
        - A silent source has no metrics: nan in every window.
        - A silent estimate of a source that is not silent has SDR and ISR 0 dB, and neither SIR nor SAR (nan); in the
          version "sources", which has no ISR, it has no metrics at all.
        - A window in which any sounding source or its estimate is silent is nan for all of them, as in museval.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If names or shapes differ, or a waveform is refused.

    Lesson: notebooks/04_is_it_better.ipynb. Reference: Vincent et al., IEEE TASLP 2006; Stöter et al., LVA/ICA 2018.
    """
    sources = checks.check_sources("sources", sources)
    estimates = checks.check_sources("estimates", estimates)
    if set(sources) != set(estimates):
        raise RefusedValue(
            f"sources and estimates must have the same names, got {', '.join(sorted(sources))} and "
            f"{', '.join(sorted(estimates))}; rename or remove those without a counterpart"
        )
    first = next(iter(sources))
    checks.check_same_shape(f"estimates[{first!r}]", estimates[first], f"sources[{first!r}]", sources[first])
    checks.check_choice("version", version, ("images", "sources"))
    window_samples, hop_samples = _window(window_s, hop_s, checks.check_sample_rate(sample_rate_hz))

    names = tuple(sources)
    sounding = [name for name in names if sources[name].any()]
    windows = _window_count(sources[first].shape[1], window_samples, hop_samples)
    metrics = np.full((len(METRICS), len(names), windows), np.nan)
    if sounding:
        # museval refuses silent estimates, although each is compared with all references separately. A silent one is
        # replaced by its own source, so that the others can be evaluated; its own metrics need no computation.
        is_silent = [not estimates[name].any() for name in sounding]
        replaced = [
            sources[name] if silent else estimates[name] for name, silent in zip(sounding, is_silent, strict=True)
        ]
        values = _museval([sources[name] for name in sounding], replaced, window_samples, hop_samples, version)
        for index, silent in enumerate(is_silent):
            if silent:
                has_metrics = ~np.isnan(values[0, index])
                values[:, index] = np.nan
                if version == "images":
                    values[:2, index, has_metrics] = 0.0
        metrics[:, [names.index(name) for name in sounding]] = values
    return BssEval(names, *metrics)


def _window(window_s: float | None, hop_s: float | None, sample_rate_hz: int) -> tuple[float, float]:
    if window_s is None:
        return np.inf, np.inf
    checks.check_number("window_s", window_s, above=0, unit="seconds")
    hop_s = window_s if hop_s is None else checks.check_number("hop_s", hop_s, above=0, unit="seconds")
    return max(1, round(window_s * sample_rate_hz)), max(1, round(hop_s * sample_rate_hz))


def _window_count(samples: int, window_samples: float, hop_samples: float) -> int:
    if window_samples >= samples:
        return 1
    return int((samples - window_samples + hop_samples) // hop_samples)


def _museval(
    sources: list[np.ndarray], estimates: list[np.ndarray], window_samples: float, hop_samples: float, version: str
) -> np.ndarray:
    """(ratios, sources, windows) of sounding sources and sounding estimates."""
    metrics = _load_museval_metrics()
    # No ratio changes when a source and its estimate are multiplied by the same factor.
    peaks = np.array([np.abs(source).max() for source in sources], dtype=np.float64)
    in_range = (peaks >= ORDINARY_PEAKS[0]) & (peaks <= ORDINARY_PEAKS[1])
    scale = np.where(in_range, 1, peaks)[:, np.newaxis, np.newaxis]

    def stack(waveforms: list[np.ndarray]) -> np.ndarray:
        stacked = np.stack(waveforms).astype(np.float64) / scale
        channels = stacked.shape[1]
        if channels > 1:
            # museval treats a source whose channels cancel (left = -right) as silent. No ratio changes when all
            # channels are reflected together, and after this reflection only true silence adds up to zero.
            direction = np.sqrt(np.arange(1, channels + 1))
            reflection = np.eye(channels) - 2 * np.outer(direction, direction) / np.sum(direction**2)
            stacked = np.einsum("dc,sct->sdt", reflection, stacked)
        return stacked.transpose(0, 2, 1)

    with np.errstate(divide="ignore", invalid="ignore"):
        *values, _ = metrics.bss_eval(
            stack(sources),
            stack(estimates),
            window=window_samples,
            hop=hop_samples,
            framewise_filters=version == "sources",
            bsseval_sources_version=version == "sources",
        )
    return np.stack(values)


@functools.cache
def _load_museval_metrics() -> ModuleType:
    """Only museval's metrics: importing the whole of museval requires ffmpeg, which computing a ratio does not."""
    package = importlib.util.find_spec("museval")
    if package is None or not package.submodule_search_locations:
        raise MissingExtra("BSS Eval needs museval; install it with: pip install museval")
    path = Path(package.submodule_search_locations[0]) / "metrics.py"
    spec = importlib.util.spec_from_file_location("museval_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # If sources are copies of each other, museval 0.4 falls back on least squares with a name that NumPy 2 no longer
    # has. This private copy of the module gets it back.
    linalg = SimpleNamespace(**{**vars(np.linalg), "linalg": np.linalg})
    module.__dict__["np"] = SimpleNamespace(**{**vars(np), "linalg": linalg})
    return module
