"""The harmonic synthesiser in torch: many voices at once, on any device, fast enough to feed training as it goes.

It makes the sound of `mss_lab.datasets.harmonic.render` from the same parameters. Notes are drawn in numpy, a matter of
milliseconds; `stack` puts any number of voices into one set of tensors. Points of the curves of all notes then stand
in one long row, sorted by how many partials they have, so that partial h works on the part of the row that has one:
nothing is padded, and every step is one operation for all voices.

Nothing here is differentiable on purpose, though torch could.

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

# Steps of 4 ms that are worked on at once: on a processor as many as its cache holds.
ROWS_ON_CPU = 1_024
ROWS_ON_GPU = 131_072


def stack(voices: Sequence[Mapping[str, np.ndarray] | None], device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Put voices together as one set of tensors for `render`.

    Parameters
    ----------
    voices : sequence of dict of arrays, or None for a silent one
        As `HarmonicEngine.voice` or `mss_lab.datasets.drawn.strokes` make them. Either all or none have `noise`, and
        likewise `room`.
    device : torch.device or str
        Where the tensors lie. They are float64 and int64 there, `noise` and `room` excepted, which keep their type: on
        a device without float64 leave them on "cpu", and say at `render` where the sound is made.

    Returns
    -------
    dict of name -> Tensor
        (notes of all voices, ...) and, of voices, (voices, ...), in the order given.

    Raises
    ------
    ValueError
        If all voices are silent.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    sounding = [(number, voice) for number, voice in enumerate(voices) if voice is not None]
    if not sounding:
        raise RefusedValue("voices must hold at least one that plays a note, got none; leave the silent ones out")
    stacked: dict[str, Tensor] = {}
    for name in sounding[0][1]:
        if name == "voice":
            parts = [voice["voice"] + number for number, voice in sounding]
        else:
            parts = [np.asarray(voice[name]) for _, voice in sounding]
        if name in OF_VOICES:
            row = np.zeros((len(voices), max(part.shape[1] for part in parts)), parts[0].dtype)
            for (number, _), part in zip(sounding, parts, strict=True):
                row[number, : part.shape[1]] = part[0]
            whole = row
        else:
            whole = _joined(parts)
        stacked[name] = torch.from_numpy(whole).to(device)
    return stacked


def render(
    parameters: Mapping[str, Tensor],
    samples: int,
    sample_rate_hz: int,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """The sound of parameters.

    Parameters
    ----------
    parameters : dict of Tensor
        From `stack`. `noise` (voices, samples or more) may be replaced, or drawn where the sound is made, or left out;
        so may `room` (voices, taps).
    samples : int
    sample_rate_hz : int
    dtype : torch.dtype
        Of the sound, and of all that is computed for every sample. Frequencies and phases are followed in float64.
    device : torch.device or str, optional
        Where the sound is made; without it, where the parameters lie.

    Returns
    -------
    Tensor (voices, samples)
        That of `mss_lab.datasets.harmonic.render` to rounding: about 1e-5 in float32, 1e-12 in float64.

    Lesson: notebooks/15_data_is_the_model.ipynb
    """
    with torch.no_grad():
        place = parameters["table_db"].device if device is None else torch.device(device)
        step = step_samples(sample_rate_hz)
        parameters = _most_partials_first(parameters)
        points = _points(parameters, step, sample_rate_hz)
        voices = len(parameters["table_db"])
        # Room for notes that end after the last sample, which are cut here.
        longest = max(samples, int(points["last_sample"])) + step
        tone = torch.zeros(voices * longest, dtype=dtype, device=place)
        hiss = torch.zeros_like(tone)
        rows_at_once = ROWS_ON_CPU if place.type == "cpu" else ROWS_ON_GPU
        for first in range(0, len(points["row_at"]), rows_at_once):
            rows = slice(first, first + rows_at_once)
            _add_rows(tone, hiss, parameters, points, rows, step, sample_rate_hz, longest, dtype)
        sound = tone.view(voices, longest)[:, :samples]
        if "noise" in parameters:
            coloured = _coloured(
                parameters["noise"].to(place), parameters["noise_table_db"].to(place), sample_rate_hz, dtype
            )
            sound = sound + hiss.view(voices, longest)[:, :samples] * coloured[:, :samples]
        if "room" in parameters:
            sound = _convolved(sound, parameters["room"].to(place, dtype))
        return sound.contiguous()


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays (notes, ...) one after the other, the shorter axes filled up."""
    widest = np.max([part.shape[1:] for part in parts], axis=0).astype(int) if parts[0].ndim > 1 else ()
    filled = []
    for part in parts:
        missing = [(0, 0), *((0, int(wide - own)) for wide, own in zip(widest, part.shape[1:], strict=True))]
        # Repeating the edge keeps what is divided by above 0.
        filled.append(np.pad(part, missing, mode="edge") if any(after for _, after in missing) else part)
    return np.concatenate(filled)


def _most_partials_first(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    order = torch.argsort(parameters["partials"], descending=True, stable=True)
    return {name: values if name in OF_VOICES else values[order] for name, values in parameters.items()}


def _points(parameters: Mapping[str, Tensor], step: int, sample_rate_hz: int) -> dict[str, Tensor]:
    """Every point of every note's curves in one row: whose it is, when it is, how high the note is there.

    `note`, `time_s`, `f0_hz`, `turns`, `vibrato`, `shape_db` are (points,). A row of samples lies between a point and
    the next of the same note: `row_at` (rows,) says which point opens it, and `row_step` how many steps after the
    onset.
    """
    held_s, release_s = parameters["held_s"], parameters["release_s"]
    counts = torch.ceil((held_s + release_s) * sample_rate_hz / step).long() + 1
    note = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    first = torch.cumsum(counts, 0) - counts
    index = torch.arange(len(note), device=note.device) - first[note]
    # Whole numbers would be divided in single precision.
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
    # One sum over all notes, each counted from its own first point.
    gained = torch.zeros_like(f0_hz)
    gained[1:] = 0.5 * (f0_hz[1:] + f0_hz[:-1]) * step / sample_rate_hz
    turns = torch.cumsum(gained, 0)
    turns = turns - turns[first][note]

    way = (time_s / own("held_s")).clamp(0, 1)
    shape_db = own("swell_db") * torch.sin(math.pi * way) + own("slope_db") * (way - 0.5)
    shape_db = shape_db + own("overshoot_db") * torch.exp(-time_s / own("overshoot_s"))
    shape_db = shape_db + own("tremolo_db") * vibrato * torch.sin(2 * math.pi * (swing_turns + own("tremolo_phase")))
    opens = index < (counts - 1)[note]
    row_at = torch.nonzero(opens).flatten()
    start = parameters["start"][note[row_at]] + index[row_at] * step
    return {
        "note": note, "time_s": time_s, "f0_hz": f0_hz, "turns": turns, "shape_db": shape_db, "row_at": row_at,
        "row_start": start, "last_sample": (start.max() if len(start) else torch.zeros(())) + step,
    }  # fmt: skip


def _gains(
    parameters: Mapping[str, Tensor],
    points: Mapping[str, Tensor],
    chosen: slice,
    sample_rate_hz: int,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    """Of some points: gains of partials (points, partials), level of noise (points,), ratios (points, partials)."""
    note, time_s, f0_hz = points["note"][chosen], points["time_s"][chosen], points["f0_hz"][chosen]
    shape_db = points["shape_db"][chosen]
    most = int(parameters["partials"][note[0]])

    def own(name: str) -> Tensor:
        return parameters[name][note]

    number = torch.arange(1, most + 1, device=note.device, dtype=f0_hz.dtype)
    ratios = number * torch.sqrt(1 + own("stretch")[:, None] * (number**2 - 1))
    time, shape = time_s[:, None].to(dtype), shape_db[:, None].to(dtype)
    frequency_hz = (ratios * f0_hz[:, None]).to(dtype)
    level_db = (own("level_db") + own("gain_db"))[:, None].to(dtype) + own("partial_db")[:, :most].to(dtype) + shape
    level_db = level_db + own("brighter")[:, None].to(dtype) * torch.log2(number).to(dtype) * shape
    level_db = level_db + _read(parameters["table_db"], parameters["voice"][note][:, None], frequency_hz)
    wander = torch.sin(
        2
        * math.pi
        * (own("wander_hz")[:, :most].to(dtype) * time[:, :, None] + own("wander_phase")[:, :most].to(dtype))
    )
    level_db = level_db + 0.5 * own("wander_db")[:, None].to(dtype) * wander.sum(2)
    level_db = level_db - own("decay_db_s")[:, :most].to(dtype) * time
    ends = _falling(time_s - own("held_s"), own("release_s")).to(dtype)
    gains = torch.exp(level_db * (math.log(10) / 20)) * _rising(time, own("attack_s")[:, :most].to(dtype))
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
    """Add the sound of some rows, a step of one note each, to where they belong; `tone` and `hiss` are written into."""
    row_at = points["row_at"][rows]
    low, high = int(row_at[0]), int(row_at[-1]) + 2
    gains, noise, ratios = _gains(parameters, points, slice(low, high), sample_rate_hz, dtype)
    left = row_at - low
    f0_hz, turns, note = points["f0_hz"][row_at], points["turns"][row_at], points["note"][row_at]
    partials, phase = parameters["partials"][note], parameters["phase"][note]
    # Turns of each partial where the row opens, without the whole ones, so that single precision will do from there.
    opening = 2 * math.pi * torch.frac(ratios[left] * turns[:, None] + phase[:, : gains.shape[1]])
    place = tone.device
    opening, ratio = opening.to(place, dtype), ratios[left].to(place, dtype)
    here, change = gains[left].to(place), (gains[left + 1] - gains[left]).to(place)

    way = torch.arange(step, device=place, dtype=dtype) / step
    speed = (f0_hz * (2 * math.pi * step / sample_rate_hz)).to(place, dtype)
    bend = ((points["f0_hz"][row_at + 1] - f0_hz) * (math.pi * step / sample_rate_hz)).to(place, dtype)
    inside = speed[:, None] * way + bend[:, None] * way**2
    level, slope = torch.zeros_like(inside), torch.zeros_like(inside)
    # Rows are sorted: those that have a partial of this number come first.
    sounding = torch.searchsorted(-partials, -torch.arange(1, gains.shape[1] + 1, device=partials.device), right=True)
    for partial, count in enumerate(sounding.tolist()):
        wave = torch.addcmul(opening[:count, partial, None], inside[:count], ratio[:count, partial, None]).sin_()
        level[:count].addcmul_(wave, here[:count, partial, None])
        slope[:count].addcmul_(wave, change[:count, partial, None])
    level.addcmul_(slope, way)

    flutter = parameters["flutter"][note].to(place, dtype)[:, None]
    first_turn = (2 * math.pi * torch.frac(turns)).to(place, dtype)[:, None]
    noise_left, noise_change = noise[left].to(place)[:, None], (noise[left + 1] - noise[left]).to(place)[:, None]
    breath = (noise_left + noise_change * way) * (1 + flutter * torch.cos(first_turn + inside))

    start = (parameters["voice"][note] * longest + points["row_start"][rows]).to(place)
    where = (start[:, None] + torch.arange(step, device=place)).flatten()
    tone.index_add_(0, where, level.flatten())
    hiss.index_add_(0, where, breath.flatten())


def _coloured(noise: Tensor, table_db: Tensor, sample_rate_hz: int, dtype: torch.dtype) -> Tensor:
    """White noise (voices, length) through each voice's response, of mean square 1 on average."""
    length = noise.shape[1]
    bins_hz = torch.arange(length // 2 + 1, device=noise.device, dtype=table_db.dtype) * sample_rate_hz / length
    owner = torch.arange(len(noise), device=noise.device)[:, None]
    bins_hz = bins_hz.to(dtype)
    wanted_hz = bins_hz.clamp(min=GRID_START_HZ).expand(len(noise), -1)
    gains = torch.exp(_read(table_db, owner, wanted_hz) * (math.log(10) / 20)) * _below_limit(bins_hz, sample_rate_hz)
    gains = gains / gains.square().mean(1, keepdim=True).sqrt().clamp(min=1e-30)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(noise.to(dtype)) * gains, length)
    return filtered


def _convolved(sound: Tensor, taps: Tensor) -> Tensor:
    """Voices (voices, samples) through a response each, cut to their length."""
    samples = sound.shape[1]
    if taps.shape[1] == 1:
        return sound * taps
    size = good_size(samples + min(taps.shape[1], samples) - 1)
    spectrum = torch.fft.rfft(sound, size) * torch.fft.rfft(taps[:, :samples], size)
    convolved: Tensor = torch.fft.irfft(spectrum, size)
    return convolved[:, :samples]


def _read(table_db: Tensor, owner: Tensor, frequency_hz: Tensor) -> Tensor:
    """The response of each voice, `owner` (rows, 1), at frequencies (rows, any): straight lines on the grid."""
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
