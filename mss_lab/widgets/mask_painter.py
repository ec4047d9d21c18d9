"""Mask painter: a mask that a reader paints by hand over a spectrogram.

The spectrogram is the background, the mask a translucent layer over it. The painter is an input for
`controls.explore`, and splits the sound by the mask, so that both stems add up to the mixture::

    brush = mask_painter.painter(mixture, sample_rate_hz, label="Bins that are kept")

    def listen(mask):
        return controls.View(sound=brush.split(mask), sample_rate_hz=sample_rate_hz)

    controls.explore(listen, mask=brush)

The mask has one value for each cell of a grid (see `mask_grid`). `expand` gives the value of a cell to all its bins.

Contents: painter, expand, Painter. Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb
"""

import itertools
from typing import Any

import numpy as np
import traitlets

from .. import checks, transforms, units
from ..refusals import RefusedValue, ShapeError
from . import drawn, fallback, front_end, mask_grid, strips

# Longer sounds would have columns of more than 0.15 s, in which no note can be painted.
LONGEST_S = 60.0
TICKS_HZ = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
# A mask goes to the page and back as one byte for each cell.
STEPS = 255


def painter(
    transform_or_waveform: Any,
    sample_rate_hz: int,
    *,
    start: Any = None,
    window_samples: int | None = None,
    hop_samples: int | None = None,
    label: str = "",
) -> "Painter":
    """Paint a mask over a spectrogram, by mouse, touch or keyboard.

    Parameters
    ----------
    transform_or_waveform : float (channels, samples), or complex (channels, freq, frames)
        The mixture, at most 60 s, or its `transforms.stft` with a Hann window.
    sample_rate_hz : int
    start : float (rows, columns) or (freq, frames) or (channels, freq, frames), optional
        The mask at the start, with values from 0 to 1: of the grid's cells, or of the transform's bins, such as an
        ideal mask, of which each cell takes the mean. By default it is empty.
    window_samples, hop_samples : int, optional
        Of the transform. By default those of `transforms.settings_for`; for a transform twice the number of its bins
        less one, and a quarter of that.
    label : str
        Label of the input; in a panel by default the parameter's name.

    Returns
    -------
    Painter
        An anywidget whose trait `value` is the mask, float32 (rows, columns) from 0 to 1 in steps of 1/255, at most
        128 rows, from the lowest frequency to the highest, and 400 columns. The array is read-only.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the sound is empty, not finite or longer than 60 s, if it is no waveform and no transform, if window and hop
        cannot reconstruct it, or if `start` is no mask of one of these shapes.

    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb
    """
    return Painter(transform_or_waveform, sample_rate_hz, start, window_samples, hop_samples, label)


def expand(mask: Any, grid: mask_grid.Grid) -> np.ndarray:
    """The mask of the transform's bins, float32 (freq, frames): each bin has the value of its cell.

    Parameters
    ----------
    mask : float (rows, columns), 0 to 1
        The value of a painter.
    grid : mask_grid.Grid
        The painter's `grid`.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mask has another shape than the grid, or values outside 0 to 1.

    Lesson: notebooks/03_masks_and_the_wiener_filter.ipynb
    """
    return grid.expand(mask)


class Painter(drawn.Drawn):
    """The widget behind `painter`.

    Attributes
    ----------
    value : float32 (rows, columns)
        Set it from code to a mask of the cells, or of the transform's bins; another shape is refused.
    grid : mask_grid.Grid
        Which bins belong to each cell.
    transform : complex (channels, freq, frames)
    mixture : float (channels, samples)
    """

    _esm = front_end.script(__file__)
    _css = front_end.styles(__file__)

    value = drawn.Checked().tag(
        sync=True,
        to_json=lambda mask, widget: np.rint(mask * STEPS).astype(np.uint8).tobytes(),
        from_json=lambda data, widget: widget._from_bytes(data),
    )
    picture = traitlets.Bytes().tag(sync=True)
    plane = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        transform_or_waveform: Any,
        sample_rate_hz: int,
        start: Any,
        window_samples: int | None,
        hop_samples: int | None,
        label: str,
    ) -> None:
        rate = checks.check_sample_rate(sample_rate_hz)
        transform, mixture, settings = _sound(transform_or_waveform, rate, window_samples, hop_samples)
        self.transform, self.mixture = transform, mixture
        self.grid = mask_grid.grid_for(*transform.shape[1:])
        self._settings = settings
        # The newest mask of the bins that was made into sound, and the painted part of that sound.
        self._last = np.zeros(transform.shape[1:], np.float32), np.zeros_like(mixture)
        power = np.mean(np.abs(transform) ** 2, axis=0)
        cells = self.grid.loudest(power)
        self._picture = strips.to_bytes(cells, float(cells.max()))
        first_hz = units.bins_to_hz(np.array(self.grid.edges) - 0.5, settings["window_samples"], rate)
        edges_hz = np.clip(first_hz, 0, rate / 2)
        column_s = self.grid.frames_per_column * settings["hop_samples"] / rate
        rows, columns = self.grid.shape
        self._axes = fallback.Plane(edges_hz.tolist(), column_s, -settings["hop_samples"] / 2 / rate)
        super().__init__(
            value=self._check("start", np.zeros(self.grid.shape) if start is None else start),
            description=label,
            picture=self._picture.tobytes(),
            plane={
                "rows": rows,
                "columns": columns,
                "columnS": column_s,
                "firstS": self._axes.first_s,
                "edgesHz": self._axes.edges_hz,
                "ticksHz": [hz for hz in TICKS_HZ if hz < edges_hz[-1]],
                "palette": strips.PALETTE,
            },
        )

    def check(self, value: Any) -> np.ndarray:
        """Return the mask of the cells as a read-only float32 array, or raise ShapeError, TypeError or ValueError."""
        return self._check("value", value)

    def expand(self, mask: Any) -> np.ndarray:
        """The mask of the transform's bins, float32 (freq, frames): `mask_painter.expand` on the painter's grid."""
        return self.grid.expand(mask)

    def split(self, mask: Any) -> dict[str, np.ndarray]:
        """The painted part of the sound and the rest, which add up to the mixture.

        Parameters
        ----------
        mask : float (rows, columns), 0 to 1
            Usually the painter's `value`.

        Returns
        -------
        dict of str -> float (channels, samples)
            ``"painted"``, the mixture's transform times the mask as a waveform, and ``"rest"``, the mixture without it.

        Raises ShapeError, TypeError or ValueError as `expand` does.
        """
        mask = self.expand(mask)
        before, waveform = self._last
        # A stroke changes few frames: only what they reach is computed again.
        changed = np.flatnonzero((mask != before).any(axis=0))
        painted = waveform.copy()
        if changed.size:
            part, samples = self._resynthesised(mask, int(changed[0]), int(changed[-1]))
            painted[:, samples] = part
            self._last = mask, painted.copy()
        return {"painted": painted, "rest": self.mixture - painted}

    def _resynthesised(self, mask: np.ndarray, first: int, last: int) -> tuple[np.ndarray, slice]:
        """The painted sound where the frames from `first` to `last` reach, and the samples where that is."""
        window, hop, length = self._settings["window_samples"], self._settings["hop_samples"], self.mixture.shape[1]
        # All frames that overlap the changed samples, and as many again, in which the division by the windows is whole.
        around = -(-window // hop)
        start, end = max(0, first - 2 * around), min(self.grid.frames, last + 1 + 2 * around)
        block = self.transform[..., start:end] * mask[:, start:end]
        samples = length - start * hop if end == self.grid.frames else (end - start - 1) * hop
        waveform = transforms.istft(block, samples, **self._settings)
        from_sample, to_sample = max(0, (first - around) * hop), min(length, (last + around) * hop + 1)
        return waveform[:, from_sample - start * hop : to_sample - start * hop], slice(from_sample, to_sample)

    def harmonics(self, fundamental_hz: float, start_s: float, end_s: float, rows: int = 3) -> np.ndarray:
        """The mask that the tool "Harmonics" paints: all harmonics of a fundamental that the grid separates.

        Parameters
        ----------
        fundamental_hz : float > 0
        start_s, end_s : float
            First and last moment, of which the columns are painted.
        rows : odd int >= 1
            Height of the band around each harmonic. Bands that would touch are narrower, and where no row is free
            between two harmonics, the grid cannot separate them: there the mask is empty.

        Returns
        -------
        float32 (rows, columns)
            1 where the tool paints, 0 elsewhere.

        Raises TypeError or ValueError if the fundamental lies outside the picture, the end before the start, or `rows`
        is not an odd number.
        """
        edges_hz = self._axes.edges_hz
        checks.check_number("fundamental_hz", fundamental_hz, above=0, below=edges_hz[-1], unit="Hz")
        checks.check_number("start_s", start_s, at_least=0, unit="seconds")
        checks.check_number("end_s", end_s, at_least=start_s, unit="seconds")
        if checks.check_number("rows", rows, at_least=1, whole=True) % 2 == 0:
            raise RefusedValue(f"rows must be odd, so that one row is the middle, got {rows}; take {rows - 1}")
        first, last = (int((time_s - self._axes.first_s) / self._axes.column_s) for time_s in (start_s, end_s))
        mask = np.zeros(self.grid.shape, np.float32)
        numbers = np.arange(1, int(edges_hz[-1] / fundamental_hz) + 2)
        positions = np.searchsorted(edges_hz, numbers * fundamental_hz, side="right") - 1
        for row, upper in itertools.pairwise(positions):
            free = upper - row - 1
            if free < 1:
                break
            reach = min(rows // 2, (free - 1) // 2)
            mask[max(0, row - reach) : row + reach + 1, first : last + 1] = 1
        return mask

    def describe(self) -> str:
        """The painted part of the cells, and from when to when and between which frequencies they lie."""
        painted = self.value > 0
        if not painted.any():
            return "nothing is painted"
        if self.value.min() == 1:
            return "everything is painted"
        rows, columns = (np.flatnonzero(painted.any(axis=axis)) for axis in (1, 0))
        edges_hz, column_s = self._axes.edges_hz, self._axes.column_s
        from_s = max(0.0, self._axes.first_s + column_s * columns[0])
        to_s = min(self._axes.first_s + column_s * (columns[-1] + 1), self._length_s)
        return (
            f"{painted.mean():.1%} of the cells painted, from {from_s:.2f} to {to_s:.2f} s "
            f"and from {edges_hz[rows[0]]:.0f} to {edges_hz[rows[-1] + 1]:.0f} Hz"
        )

    def png(self) -> bytes:
        """The spectrogram with the mask over it."""
        return fallback.painting_png(self._picture, self.value, self._axes, self.plane["ticksHz"])

    @property
    def _length_s(self) -> float:
        return self._axes.first_s + self._axes.column_s * self.grid.shape[1]

    def _check(self, name: str, value: Any) -> np.ndarray:
        mask: np.ndarray = np.asarray(value)
        bins = (self.grid.bins, self.grid.frames)
        if mask.shape != self.grid.shape and mask.shape[-2:] == bins:
            mask = self.grid.reduce(mask)
        mask = np.rint(self.grid.check(name, mask) * STEPS).astype(np.float32) / np.float32(STEPS)
        mask.flags.writeable = False
        return mask

    def _from_bytes(self, data: Any) -> np.ndarray:
        cells = np.frombuffer(data, np.uint8)
        rows, columns = self.grid.shape
        if cells.size != rows * columns:
            raise ShapeError(
                f"value must hold a byte for each cell of {self.grid.shape}, got {cells.size}; reload the page"
            )
        return np.asarray(cells.reshape(rows, columns).astype(np.float32) / np.float32(STEPS))


def _sound(
    sound: Any, rate: int, window_samples: int | None, hop_samples: int | None
) -> tuple[np.ndarray, np.ndarray, transforms.StftSettings]:
    """Transform, waveform, and window and hop of what is painted on."""
    if np.iscomplexobj(sound):
        transform = checks.check_finite("transform", checks.check_axes("transform", sound, "channels freq frames"))
        if 0 in transform.shape or transform.shape[1] < 2:
            raise ShapeError(
                f"transform must be (channels, freq, frames) with at least two bins, got {transform.shape}; "
                "make it with transforms.stft"
            )
        window_samples = window_samples or 2 * (transform.shape[1] - 1)
        hop_samples = hop_samples or max(1, window_samples // 4)
        samples = max(1, (transform.shape[2] - 1) * hop_samples)
        _check_length(samples, rate)
        settings: transforms.StftSettings = {"window_samples": window_samples, "hop_samples": hop_samples}
        return transform, transforms.istft(transform, samples, **settings), settings
    waveform = checks.check_waveform("waveform", sound)
    _check_length(waveform.shape[1], rate)
    usual = transforms.settings_for(rate)
    settings = {
        "window_samples": window_samples or usual["window_samples"],
        "hop_samples": hop_samples or (window_samples // 4 if window_samples else usual["hop_samples"]),
    }
    return transforms.stft(waveform, **settings), waveform, settings


def _check_length(samples: int, rate: int) -> None:
    length_s = units.samples_to_seconds(samples, rate)
    if length_s > LONGEST_S:
        raise RefusedValue(
            f"the sound must be at most {LONGEST_S:g} s long to be painted on, got {length_s:.1f} s; "
            f"pass an excerpt, such as waveform[:, : {round(10 * rate)}] for the first 10 s"
        )
