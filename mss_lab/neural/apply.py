"""Apply a network to a recording of any length, sample rate and number of channels.

The recording is resampled to the network's rate and cut into chunks. The network receives each chunk with some of the
recording before and after it, so that the chunk is separated as in the whole recording, and neighbouring chunks fade
into each other. The estimates are resampled back chunk by chunk, so that memory holds only one or two chunks besides
the mixture and the result.

Channels are separated one by one, as if each were a recording of its own: a network reads one channel, and its
estimates are not always masks that could be applied to another channel. Equal channels give equal estimates.

Contents: separate, players_for, network_separator, working_bytes; for editors: Chunk, chunks_of, joined, Inputs,
notes_of, level_gains, check_lengths, at_least, evaluating, Window. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from .. import audio, checks, chunks, memory, options
from ..refusals import RefusedValue
from ..score.instruments import is_drums, program_of, without_player
from ..score.notes import Score
from ..silence import between_silences
from . import weights as stored_weights
from .contracts import Batch, Network, check_separates
from .entries import NETWORK_OPTIONS, PLAYERS
from .levels import LEVEL
from .segments import roll_of

CHUNK_S = 30.0
OVERLAP_S = 4.0

# The share of an overlap in which neighbouring chunks fade into each other. The rest is context: the network reads it,
# and its estimates there are not used.
FADE_PART = 0.25

# Shorter input is padded with zeros to this length, since networks need not accept less.
LEAST_S = 1.0

# Samples of a channel that are squared at a time.
SUM_SAMPLES = 1 << 20

# Length of the blocks that are resampled at a time.
BLOCK_S = 10.0

# Memory for each sample of each estimate in a chunk, and the number of sources that is assumed where there is no score.
ESTIMATE_BYTES = 20
LIKELY_COUNT = 4

Estimates = dict[str, np.ndarray]


def separate(
    model: Network,
    mixture: np.ndarray,
    sample_rate_hz: int,
    score: Score | None = None,
    *,
    chunk_s: float = CHUNK_S,
    overlap_s: float = OVERLAP_S,
    players: Mapping[str, str] | None = None,
    even_level: bool = False,
    conditions: Batch | None = None,
) -> Estimates:
    """Separate a recording with a network.

    Parameters
    ----------
    model : Network
        As `mss_lab.neural.contracts` describes it. It runs on the device that holds its weights.
    mixture : float (channels, samples)
    sample_rate_hz : int
        Frequencies above half the network's own rate are in no estimate.
    score : Score, optional
        For networks that need one. For the others it only selects and names the estimates.
    chunk_s, overlap_s : float, seconds
        Length of a chunk, and the length of recording that neighbouring chunks share. In a quarter of it they fade into
        each other; the rest is context, which the network reads beyond the ends of a chunk. The overlap lies between
        0.1 s and half a chunk.
    players : mapping, optional
        From sources of the score to sources of the network, where their names and instruments do not decide.
    even_level : bool
        Whether each channel is brought to the level of music on a record before the network reads it, which is about
        the level of its training data. The estimates are brought back to the level of the recording.
    conditions : mapping, optional
        Other input of the network that is the same for the whole recording, with a first axis of length 1.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        The sources of the score in its order, or without a score those of the network. Other estimates of the network
        are not returned. A source of the score that has no note is silent if the network does not have it.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform; the score is missing, has no note within the recording, or has a source that the
        network does not have, or two for one of the network's; or the lengths do not fit.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    network = check_separates(model)
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    check_lengths(chunk_s, overlap_s)
    channels, samples = mixture.shape
    if network.needs_score:
        from ..score.guards import check_score_fits

        score = check_score_fits(score, samples / sample_rate_hz)
    index_of_source = players_for(network.sources, score, players)
    notes = notes_of(score, index_of_source) if network.needs_score and score is not None else None

    gains = level_gains(mixture) if even_level else np.ones((channels, 1), np.float32)
    result = memory.zeros_for(index_of_source, mixture.shape)
    sounding = {name: index for name, index in index_of_source.items() if index is not None}
    if not sounding:
        return result
    written = 0
    inputs = Inputs(notes, dict(conditions or {}))
    indices = list(sounding.values())
    pieces = joined(
        (chunk, _run(network, waveform, inputs, chunk.first, indices))
        for chunk, waveform in chunks_of(network, mixture, gains, sample_rate_hz, chunk_s, overlap_s)
    )
    for piece in audio.resample_pieces(pieces, network.sample_rate_hz, sample_rate_hz):
        piece = piece[:, : samples - written].reshape(len(sounding), channels, -1)
        for name, estimate in zip(sounding, piece, strict=True):
            result[name][:, written : written + estimate.shape[-1]] = estimate / gains
        written += piece.shape[-1]
    return result


def check_lengths(chunk_s: float, overlap_s: float) -> None:
    """Refuse lengths of chunks and overlaps that do not fit."""
    checks.check_number("overlap_s", overlap_s, at_least=0.1, unit="seconds")
    checks.check_number("chunk_s", chunk_s, at_least=2 * overlap_s, unit="seconds", hint="two overlaps go into a chunk")


def players_for(
    sources: tuple[str, ...], score: Score | None, players: Mapping[str, str] | None = None
) -> dict[str, int | None]:
    """Find the source of a network that belongs to each source of a score: by its name, or else by its instrument.

    "Saxophone", "tenor_sax" and "Tenor Saxophone 1" have the same General MIDI program, and so are one instrument.

    Parameters
    ----------
    sources : tuple of str
        Names of the network's sources.
    score : Score or None
        Without one, the result has the network's own names.
    players : mapping, optional
        From sources of the score to sources of the network; it takes precedence over names.

    Returns
    -------
    dict of name -> index in `sources`
        None for a source of the score that has no note and for which the network has no free source.

    Raises
    ------
    ValueError
        If a source of the score is none of the network's, or two belong to the same one; the message says what can be
        done.

    Lesson: notebooks/17_xumx.ipynb
    """
    if score is None:
        return {source: index for index, source in enumerate(sources)}
    players = PLAYERS.check("players", players)
    for score_source, network_source in players.items():
        checks.check_choice("players", score_source, score.sources)
        checks.check_choice(f"players[{score_source!r}]", network_source, sources)
    indices = {source: _player(players.get(source, source), sources) for source in score.sources}
    listed = ", ".join(sources)
    hint = "choose a method that takes any instrument, such as informed-nmf, or name the sources to use with players="
    sources_with_notes = {note.source for note in score.notes}
    unknown = [repr(source) for source, index in indices.items() if index is None and source in sources_with_notes]
    if unknown:
        raise RefusedValue(
            f"this network separates {listed}, and no others; the score has {', '.join(unknown)}; {hint}"
            f"{{{unknown[0]}: {sources[0]!r}}}"
        )
    for index, name in enumerate(sources):
        sharing = [source for source, other in indices.items() if other == index and source in sources_with_notes]
        if len(sharing) > 1:
            raise RefusedValue(
                f"this network separates {listed}, one of each; the score has {' and '.join(map(repr, sharing))}, "
                f"which are both its {name}; {hint}{{...}}"
            )
    used = {index for source, index in indices.items() if source in sources_with_notes}
    return {
        source: index if source in sources_with_notes or index not in used else None
        for source, index in indices.items()
    }


def network_separator(
    name: str,
    *,
    lesson: str = "",
    reference: str = "",
    bytes_at_once: float = 100e6,
    bytes_a_second: float = 1e6,
) -> Callable[..., Estimates]:
    """Make a separator for the catalogue that runs a network; the weights are read when the separator is called.

    Parameters
    ----------
    name : str
        Name of the network's file in data/models/networks, or of a network that was registered; then the option
        `weights` must name its weights.
    lesson, reference : str
        The notebook that teaches it, and the paper, for the docstring of the separator.
    bytes_at_once, bytes_a_second : float
        As for `working_bytes`.
    """

    @options.within(NETWORK_OPTIONS)
    @memory.limited(name, working_bytes(bytes_at_once, bytes_a_second))
    @between_silences
    def separator(
        mixture: np.ndarray,
        sample_rate_hz: int,
        score: Score | None = None,
        *,
        chunk_s: float = CHUNK_S,
        overlap_s: float = OVERLAP_S,
        players: Mapping[str, str] | None = None,
        weights: str | os.PathLike[str] | Network | None = None,
    ) -> Estimates:
        model = stored_weights.network_of(weights, name)
        lengths: Any = {"chunk_s": chunk_s, "overlap_s": overlap_s}
        return separate(model, mixture, sample_rate_hz, score, players=players, even_level=True, **lengths)

    separator.__name__ = separator.__qualname__ = name.replace("-", "_")
    separator.__doc__ = f"""Separate with the network {name}; see `mss_lab.neural.apply.separate`.

    Parameters
    ----------
    mixture : float (channels, samples)
    sample_rate_hz : int
    score : Score, optional
    chunk_s, overlap_s : float, seconds
    players : mapping, optional
    weights : path or Network, optional
        A file of weights of your own; without it, the weights that ship.

    Lesson: {lesson}. Reference: {reference}
    """
    return separator


def working_bytes(bytes_at_once: float, bytes_a_second: float) -> Callable[..., float]:
    """The working memory of a network's separator, as `mss_lab.memory.limited` expects it.

    Parameters
    ----------
    bytes_at_once, bytes_a_second : float
        The network's measured working memory for each channel: a constant, and the bytes for each second of a chunk.
    """

    def needed(recording: memory.Recording, *, chunk_s: float, overlap_s: float, **_: Any) -> float:
        read_s = min(
            recording.samples / recording.sample_rate_hz,
            memory.amount(chunk_s, CHUNK_S) + (1 - FADE_PART) * memory.amount(overlap_s, OVERLAP_S),
        )
        # Estimates at the network's rate and at the recording's.
        estimate_bytes_a_second = ESTIMATE_BYTES * (recording.sources or LIKELY_COUNT) * recording.sample_rate_hz
        return recording.channels * (bytes_at_once + (bytes_a_second + estimate_bytes_a_second) * read_s)

    return needed


def _player(name: str, sources: tuple[str, ...]) -> int | None:
    if name in sources:
        return sources.index(name)
    plain = [without_player(source) for source in sources]
    if without_player(name) in plain:
        return plain.index(without_player(name))
    program = _program(name)
    programs = [_program(source) for source in sources]
    return programs.index(program) if program is not None and program in programs else None


def _program(name: str) -> int | None:
    try:
        return None if is_drums(name) else program_of(name)
    except ValueError:
        return None


def notes_of(score: Score, index_of_source: Mapping[str, int | None]) -> np.ndarray:
    """Rows of index of the network's source, pitch, onset and offset in seconds: (notes, 4)."""
    rows = [(index_of_source[note.source], note.midi, note.onset_s, note.offset_s) for note in score.notes]
    return np.array(rows, np.float64).reshape(-1, 4)


@dataclasses.dataclass(frozen=True)
class Chunk:
    """A chunk of a recording at the network's rate, in samples.

    Attributes
    ----------
    start, stop : int
        The chunk.
    first, last : int
        What the network reads of it: the chunk and some of the recording before and after.
    gains : float32 (stop - start,)
        How much its estimates count, so that neighbouring chunks fade into each other.
    kept_samples : int
        Samples before the fade into the next chunk.
    """

    start: int
    stop: int
    first: int
    last: int
    gains: np.ndarray
    kept_samples: int


def chunks_of(
    network: Network, mixture: np.ndarray, gains: np.ndarray, sample_rate_hz: int, chunk_s: float, overlap_s: float
) -> Iterator[tuple[Chunk, np.ndarray]]:
    """The chunks of a recording, each with the waveform that the network reads, (channels, samples)."""
    rate_hz, hop = network.sample_rate_hz, network.hop_samples
    samples = max(1, round(mixture.shape[1] * rate_hz / sample_rate_hz))

    def whole_hops(length_s: float) -> int:
        # Chunks that begin on the grid of the whole recording's frames have the same frames.
        return int(hop * max(1, round(length_s * rate_hz / hop)))

    fade, context = whole_hops(FADE_PART * overlap_s), whole_hops((1 - FADE_PART) / 2 * overlap_s)
    plan = chunks.chunks(samples, rate_hz, chunk_s=whole_hops(chunk_s) / rate_hz, fade_s=fade / rate_hz)
    blocks = _blocks(mixture, gains, sample_rate_hz)
    window = Window(audio.resample_pieces(blocks, sample_rate_hz, rate_hz), len(mixture))
    for start, stop, chunk_gains in plan:
        kept_samples = stop - start - (0 if stop == samples else fade)
        first, last = max(0, start - context), min(samples, stop + context)
        yield Chunk(start, stop, first, last, chunk_gains, kept_samples), window.take(first, last)


def joined(estimates: Iterable[tuple[Chunk, np.ndarray]]) -> Iterator[np.ndarray]:
    """Estimates (rows, samples) of what the network read of each chunk, piece by piece as estimates of the whole."""
    tail: np.ndarray | None = None
    for chunk, estimate in estimates:
        piece = estimate[:, chunk.start - chunk.first : chunk.stop - chunk.first] * chunk.gains
        if tail is not None:
            piece[:, : tail.shape[1]] += tail
        tail = piece[:, chunk.kept_samples :].copy()
        yield piece[:, : chunk.kept_samples]


def _run(network: Any, waveform: np.ndarray, inputs: "Inputs", first: int, indices: list[int]) -> np.ndarray:
    """Separate one chunk: (channels, samples) to (sources * channels, samples)."""
    channels, samples = waveform.shape
    if not waveform.any():
        # Silence gives silent estimates, although a network's biases could give others.
        return np.zeros((len(indices) * channels, samples), np.float32)
    padded = at_least(waveform, network)
    with evaluating(network) as device:
        conditions = inputs.of_chunk(network, first, padded.shape[1], channels, device)
        estimates: torch.Tensor = network(torch.from_numpy(padded).to(device), conditions)[:, indices, :samples]
    by_channel: np.ndarray = estimates.float().cpu().numpy()
    return by_channel.swapaxes(0, 1).reshape(-1, samples)


def at_least(waveform: np.ndarray, network: Network) -> np.ndarray:
    """A waveform (channels, samples) with zeros after it, so that it has the least length that networks accept."""
    missing = max(0, round(LEAST_S * network.sample_rate_hz) - waveform.shape[1])
    return np.pad(waveform, ((0, 0), (0, missing)))


@contextlib.contextmanager
def evaluating(network: Any) -> Iterator[torch.device]:
    """Run a network in evaluation mode and without gradients; yields the device of its weights."""
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    finally:
        network.train(was_training)


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a network reads besides the mixture: notes of the whole recording, and what does not change with time."""

    notes: np.ndarray | None
    constant: Batch

    def of_chunk(self, network: Any, first: int, length: int, channels: int, device: torch.device) -> Batch | None:
        """The input for a chunk that begins at sample `first`, once for each channel; None if there is none."""
        rate_hz, hop = network.sample_rate_hz, network.hop_samples
        inputs = dict(self.constant)
        if self.notes is not None:
            roll = roll_of(self.notes, len(network.sources), 1 + length // hop, rate_hz / hop, first / rate_hz)
            inputs["rolls"] = torch.from_numpy(roll)[None]
        on_device = {name: values.to(device) for name, values in inputs.items()}
        return {name: one.expand(channels, *one.shape[1:]) for name, one in on_device.items()} or None


def _blocks(waveform: np.ndarray, gains: np.ndarray, sample_rate_hz: int) -> Iterator[np.ndarray]:
    step = round(BLOCK_S * sample_rate_hz)
    for start in range(0, waveform.shape[1], step):
        yield (waveform[:, start : start + step] * gains).astype(np.float32, copy=False)


def level_gains(waveform: np.ndarray) -> np.ndarray:
    """Gains that bring each whole channel to the level of music on a record: float64 (channels, 1), 1 for silence."""
    squares = np.zeros(len(waveform))
    for start in range(0, waveform.shape[1], SUM_SAMPLES):
        squares += np.sum(np.square(waveform[:, start : start + SUM_SAMPLES], dtype=np.float64), axis=1)
    level = np.sqrt(squares / waveform.shape[1])
    gains: np.ndarray = np.divide(LEVEL, level, out=np.ones(len(level)), where=level > 0)
    return gains[:, np.newaxis]


class Window:
    """A signal that is produced piece by piece, read through a window that moves forward."""

    def __init__(self, pieces: Iterator[np.ndarray], rows: int):
        self.pieces = pieces
        self.first = 0
        self.kept = np.zeros((rows, 0), np.float32)

    def take(self, first: int, last: int) -> np.ndarray:
        """Samples `first` to `last`; those before `first` are dropped. After the end of the signal follows silence."""
        parts = [self.kept[:, first - self.first :]]
        self.first, available = first, parts[0].shape[1]
        while available < last - first and (piece := next(self.pieces, None)) is not None:
            parts.append(piece)
            available += piece.shape[1]
        self.kept = np.concatenate(parts, axis=1)
        missing = last - first - self.kept.shape[1]
        if missing > 0:
            self.kept = np.pad(self.kept, ((0, 0), (0, missing)))
        return self.kept[:, : last - first]
