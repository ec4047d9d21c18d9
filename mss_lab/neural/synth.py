"""The harmonic synthesiser in torch: many voices at once, on any device, fast enough to make sounds during training.

It makes the sound of `mss_lab.datasets.harmonic.render` from the same parameters. Notes are drawn in numpy, which takes
milliseconds; `stack` joins any number of voices in one set of tensors. The points of the curves of all notes are then
stored in one long axis, sorted by their number of partials, so that partial h is computed only for the points that have
one: nothing is padded, and every step is one operation for all voices.

No gradients are computed here.

Contents: stack, render. Lesson: notebooks/15_data_is_the_model.ipynb
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..datasets.drawn import GRID_PER_OCTAVE, GRID_SIZE, GRID_START_HZ, HIGHEST_HZ, HIGHEST_PART
from ..datasets.harmonic import OF_VOICES, step_samples
from ..datasets.rooms import good_size
from ..refusals import RefusedValue

# Steps of 4 ms that are computed at once: on a CPU as many as its cache holds.
ROWS_ON_CPU = 1_024
ROWS_ON_GPU = 131_072


def stack(voices: Sequence[Mapping[str, np.ndarray] | None], device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Join voices in one set of tensors for `render`.

    Parameters
    ----------
    voices : sequence of dict of arrays, or None for a silent one
        As `HarmonicEngine.voice` or `mss_lab.datasets.drawn.strokes` make them. Either all or none have `noise`; the
        same holds for `room`.
    device : torch.device or str
        Device of the tensors. They are float64 and int64, except `noise` and `room`, which keep their type. For a
        device without float64, leave them on "cpu" and choose the device in `render`.

    Returns
    -------
    dict of name -> Tensor
        Values of notes (notes of all voices, ...), and values of voices (voices, ...), in the order of the input.

    Raises
    ------
    ValueError
        If all voices are silent.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    sounding_voices = [(number, voice) for number, voice in enumerate(voices) if voice is not None]
    if not sounding_voices:
        raise RefusedValue("voices must hold at least one that plays a note, got none; give a voice that plays")
    stacked: dict[str, Tensor] = {}
    for name in sounding_voices[0][1]:
        if name == "voice":
            parts = [voice["voice"] + number for number, voice in sounding_voices]
        else:
            parts = [np.asarray(voice[name]) for _, voice in sounding_voices]
        if name in OF_VOICES:
            padded = np.zeros((len(voices), max(part.shape[1] for part in parts)), parts[0].dtype)
            for (number, _), part in zip(sounding_voices, parts, strict=True):
                padded[number, : part.shape[1]] = part[0]
            stacked_values = padded
        else:
            stacked_values = _joined(parts)
        stacked[name] = torch.from_numpy(stacked_values).to(device)
    return stacked


def render(
    parameters: Mapping[str, Tensor],
    samples: int,
    sample_rate_hz: int,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """Synthesise the sound of parameters.

    Parameters
    ----------
    parameters : dict of Tensor
        From `stack`. `noise` (voices, samples or more) and `room` (voices, taps) may be replaced, drawn on another
        device, or left out.
    samples : int
    sample_rate_hz : int
    dtype : torch.dtype
        Type of the sound, and of all values that are computed for every sample. Frequencies and phases are float64.
    device : torch.device or str, optional
        Device on which the sound is made; by default the device of the parameters.

    Returns
    -------
    Tensor (voices, samples)
        Equal to `mss_lab.datasets.harmonic.render` except for rounding: about 1e-5 in float32, 1e-12 in float64.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    with torch.no_grad():
        sound_device = parameters["table_db"].device if device is None else torch.device(device)
        step = step_samples(sample_rate_hz)
        parameters = _most_partials_first(parameters)
        points = _points(parameters, step, sample_rate_hz)
        voices = len(parameters["table_db"])
        # Long enough for notes that end after the last sample; they are cut below.
        longest = max(samples, int(points["last_sample"])) + step
        tone = torch.zeros(voices * longest, dtype=dtype, device=sound_device)
        hiss = torch.zeros_like(tone)
        rows_at_once = ROWS_ON_CPU if sound_device.type == "cpu" else ROWS_ON_GPU
        for first in range(0, len(points["row_at"]), rows_at_once):
            rows = slice(first, first + rows_at_once)
            _add_rows(tone, hiss, parameters, points, rows, step, sample_rate_hz, longest, dtype)
        sound = tone.view(voices, longest)[:, :samples]
        if "noise" in parameters:
            coloured = _coloured(
                parameters["noise"].to(sound_device),
                parameters["noise_table_db"].to(sound_device),
                sample_rate_hz,
                dtype,
            )
            sound = sound + hiss.view(voices, longest)[:, :samples] * coloured[:, :samples]
        if "room" in parameters:
            sound = _convolved(sound, parameters["room"].to(sound_device, dtype))
        return sound.contiguous()


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Concatenate arrays (notes, ...); shorter axes are padded."""
    widest = np.max([part.shape[1:] for part in parts], axis=0).astype(int) if parts[0].ndim > 1 else ()
    filled = []
    for part in parts:
        padding = [(0, 0), *((0, int(wide - own)) for wide, own in zip(widest, part.shape[1:], strict=True))]
        # The last value is repeated, so that divisors stay above 0.
        filled.append(np.pad(part, padding, mode="edge") if any(after for _, after in padding) else part)
    return np.concatenate(filled)


def _most_partials_first(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    order = torch.argsort(parameters["partials"], descending=True, stable=True)
    return {name: values if name in OF_VOICES else values[order] for name, values in parameters.items()}


def _points(parameters: Mapping[str, Tensor], step: int, sample_rate_hz: int) -> dict[str, Tensor]:
    """All points of all notes' curves on one axis: their note, time, fundamental frequency, phase and level.

    `note`, `time_s`, `f0_hz`, `turns` and `shape_db` are (points,). A row of samples lies between a point and the next
    point of the same note: `row_at` (rows,) is the index of the point at its start, `row_start` its first sample.
    `last_sample` is where the last row of all ends.
    """
    held_s, release_s = parameters["held_s"], parameters["release_s"]
    counts = torch.ceil((held_s + release_s) * sample_rate_hz / step).long() + 1
    note = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    first = torch.cumsum(counts, 0) - counts
    index = torch.arange(len(note), device=note.device) - first[note]
    # A division of integers would be in single precision.
    time_s = index.to(held_s.dtype) * step / sample_rate_hz

    def own(name: str) -> Tensor:
        return parameters[name][note]

    vibrato = ((time_s - own("vibrato_delay_s")) / own("vibrato_rise_s")).clamp(0, 1)
    swing_turns = own("vibrato_hz") * time_s + own("vibrato_phase")
    drift = torch.sin(2 * math.pi * (own("drift_hz") * time_s[:, None] + own("drift_phase")))
    cents = own("vibrato_cents") * vibrato * torch.sin(2 * math.pi * swing_turns)
    cents = cents + 0.5 * (own("drift_cents") * drift).sum(1)
    cents = cents + own("scoop_cents") * torch.exp(-time_s / own("scoop_s"))
    f0_hz = own("pitch_hz") * torch.exp2(cents / 1200)
    # One cumulative sum over all notes; then each note is counted from its own first point.
    turn_steps = torch.zeros_like(f0_hz)
    turn_steps[1:] = 0.5 * (f0_hz[1:] + f0_hz[:-1]) * step / sample_rate_hz
    turns = torch.cumsum(turn_steps, 0)
    turns = turns - turns[first][note]

    progress = (time_s / own("held_s")).clamp(0, 1)
    shape_db = own("swell_db") * torch.sin(math.pi * progress) + own("slope_db") * (progress - 0.5)
    shape_db = shape_db + own("overshoot_db") * torch.exp(-time_s / own("overshoot_s"))
    shape_db = shape_db + own("tremolo_db") * vibrato * torch.sin(2 * math.pi * (swing_turns + own("tremolo_phase")))
    starts_row = index < (counts - 1)[note]
    row_at = torch.nonzero(starts_row).flatten()
    start = parameters["start"][note[row_at]] + index[row_at] * step
    return {
        "note": note, "time_s": time_s, "f0_hz": f0_hz, "turns": turns, "shape_db": shape_db, "row_at": row_at,
        "row_start": start, "last_sample": (start.max() if len(start) else torch.zeros(())) + step,
    }  # fmt: skip


def _gains(
    parameters: Mapping[str, Tensor],
    points: Mapping[str, Tensor],
    selection: slice,
    sample_rate_hz: int,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    """For some points: gains of partials (points, partials), gain of noise (points,), ratios (points, partials)."""
    note, time_s, f0_hz = points["note"][selection], points["time_s"][selection], points["f0_hz"][selection]
    shape_db = points["shape_db"][selection]
    partial_count = int(parameters["partials"][note[0]])

    def own(name: str) -> Tensor:
        return parameters[name][note]

    numbers = torch.arange(1, partial_count + 1, device=note.device, dtype=f0_hz.dtype)
    ratios = numbers * torch.sqrt(1 + own("stretch")[:, None] * (numbers**2 - 1))
    time, shape = time_s[:, None].to(dtype), shape_db[:, None].to(dtype)
    frequency_hz = (ratios * f0_hz[:, None]).to(dtype)
    level_db = (
        (own("level_db") + own("gain_db"))[:, None].to(dtype) + own("partial_db")[:, :partial_count].to(dtype) + shape
    )
    level_db = level_db + own("brighter")[:, None].to(dtype) * torch.log2(numbers).to(dtype) * shape
    level_db = level_db + _read(parameters["table_db"], parameters["voice"][note][:, None], frequency_hz)
    wander = torch.sin(
        2
        * math.pi
        * (
            own("wander_hz")[:, :partial_count].to(dtype) * time[:, :, None]
            + own("wander_phase")[:, :partial_count].to(dtype)
        )
    )
    level_db = level_db + 0.5 * own("wander_db")[:, None].to(dtype) * wander.sum(2)
    level_db = level_db - own("decay_db_s")[:, :partial_count].to(dtype) * time
    ends = _falling(time_s - own("held_s"), own("release_s")).to(dtype)
    gains = torch.exp(level_db * (math.log(10) / 20)) * _rising(time, own("attack_s")[:, :partial_count].to(dtype))
    gains = gains * ends[:, None] * _below_limit(frequency_hz, sample_rate_hz)

    noise_db = own("noise_db") + 0.5 * shape_db - own("noise_decay_db_s") * time_s
    burst = 1 + 10 ** (own("burst_db") / 20) * torch.exp(-time_s / own("burst_s"))
    noise = 10 ** (noise_db / 20) * burst * _rising(time_s, own("noise_attack_s"))
    return gains, noise.to(dtype) * ends, ratios


def _add_rows(
    tone: Tensor,
    hiss: Tensor,
    parameters: Mapping[str, Tensor],
    points: Mapping[str, Tensor],
    rows: slice,
    step: int,
    sample_rate_hz: int,
    longest: int,
    dtype: torch.dtype,
) -> None:
    """Add the sound of some rows, each one step of one note, at their positions; `tone` and `hiss` are changed."""
    row_at = points["row_at"][rows]
    low, high = int(row_at[0]), int(row_at[-1]) + 2
    gains, noise, ratios = _gains(parameters, points, slice(low, high), sample_rate_hz, dtype)
    left = row_at - low
    f0_hz, turns, note = points["f0_hz"][row_at], points["turns"][row_at], points["note"][row_at]
    partials, phase = parameters["partials"][note], parameters["phase"][note]
    # Phase of each partial at the start of the row, without whole turns, so that single precision is enough.
    start_phase = 2 * math.pi * torch.frac(ratios[left] * turns[:, None] + phase[:, : gains.shape[1]])
    device = tone.device
    start_phase, ratio = start_phase.to(device, dtype), ratios[left].to(device, dtype)
    start_gains, change = gains[left].to(device), (gains[left + 1] - gains[left]).to(device)

    progress = torch.arange(step, device=device, dtype=dtype) / step
    speed = (f0_hz * (2 * math.pi * step / sample_rate_hz)).to(device, dtype)
    bend = ((points["f0_hz"][row_at + 1] - f0_hz) * (math.pi * step / sample_rate_hz)).to(device, dtype)
    phase_in_row = speed[:, None] * progress + bend[:, None] * progress**2
    level, slope = torch.zeros_like(phase_in_row), torch.zeros_like(phase_in_row)
    # Rows are sorted by their number of partials: those that have this partial come first.
    sounding = torch.searchsorted(-partials, -torch.arange(1, gains.shape[1] + 1, device=partials.device), right=True)
    for partial, count in enumerate(sounding.tolist()):
        wave = torch.addcmul(
            start_phase[:count, partial, None], phase_in_row[:count], ratio[:count, partial, None]
        ).sin_()
        level[:count].addcmul_(wave, start_gains[:count, partial, None])
        slope[:count].addcmul_(wave, change[:count, partial, None])
    level.addcmul_(slope, progress)

    flutter = parameters["flutter"][note].to(device, dtype)[:, None]
    first_turn = (2 * math.pi * torch.frac(turns)).to(device, dtype)[:, None]
    noise_left, noise_change = noise[left].to(device)[:, None], (noise[left + 1] - noise[left]).to(device)[:, None]
    breath = (noise_left + noise_change * progress) * (1 + flutter * torch.cos(first_turn + phase_in_row))

    start = (parameters["voice"][note] * longest + points["row_start"][rows]).to(device)
    positions = (start[:, None] + torch.arange(step, device=device)).flatten()
    tone.index_add_(0, positions, level.flatten())
    hiss.index_add_(0, positions, breath.flatten())


def _coloured(noise: Tensor, table_db: Tensor, sample_rate_hz: int, dtype: torch.dtype) -> Tensor:
    """Filter white noise (voices, length) by each voice's response; the mean square stays 1 on average."""
    length = noise.shape[1]
    bins_hz = torch.arange(length // 2 + 1, device=noise.device, dtype=table_db.dtype) * sample_rate_hz / length
    owner = torch.arange(len(noise), device=noise.device)[:, None]
    bins_hz = bins_hz.to(dtype)
    table_hz = bins_hz.clamp(min=GRID_START_HZ).expand(len(noise), -1)
    gains = torch.exp(_read(table_db, owner, table_hz) * (math.log(10) / 20)) * _below_limit(bins_hz, sample_rate_hz)
    gains = gains / gains.square().mean(1, keepdim=True).sqrt().clamp(min=1e-30)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(noise.to(dtype)) * gains, length)
    return filtered


def _convolved(sound: Tensor, taps: Tensor) -> Tensor:
    """Convolve each voice (voices, samples) with its own response; the result is cut to the same length."""
    samples = sound.shape[1]
    if taps.shape[1] == 1:
        return sound * taps
    size = good_size(samples + min(taps.shape[1], samples) - 1)
    spectrum = torch.fft.rfft(sound, size) * torch.fft.rfft(taps[:, :samples], size)
    convolved: Tensor = torch.fft.irfft(spectrum, size)
    return convolved[:, :samples]


def _read(table_db: Tensor, owner: Tensor, frequency_hz: Tensor) -> Tensor:
    """The response of each voice, `owner` (rows, 1), at frequencies (rows, any), linearly interpolated on the grid."""
    position = (torch.log2(frequency_hz / GRID_START_HZ) * GRID_PER_OCTAVE).clamp(0, GRID_SIZE - 1)
    below = position.long().clamp(max=GRID_SIZE - 2)
    table = table_db.to(frequency_hz.dtype).flatten()
    at = owner * GRID_SIZE + below
    low = table[at]
    return low + (table[at + 1] - low) * (position - below)


def _rising(time_s: Tensor, length_s: Tensor) -> Tensor:
    return 0.5 - 0.5 * torch.cos(math.pi * (time_s / length_s).clamp(0, 1))


def _falling(time_s: Tensor, length_s: Tensor) -> Tensor:
    return 0.5 + 0.5 * torch.cos(math.pi * (time_s / length_s).clamp(0, 1))


def _below_limit(frequency_hz: Tensor, sample_rate_hz: int) -> Tensor:
    highest_hz = min(HIGHEST_HZ, HIGHEST_PART * sample_rate_hz)
    return ((highest_hz - frequency_hz) / (0.1 * highest_hz)).clamp(0, 1)
