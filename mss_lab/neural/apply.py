"""A network on a recording of any length, rate and number of channels.

The recording is resampled to the network's rate and cut into chunks. Each chunk is heard with what lies before and
behind it, so that it is separated as it would be in the whole, and neighbours fade into each other. What comes out is
resampled back as it comes, so memory holds a chunk or two beside the mixture and the result.

Channels are separated one by one, as if each were a recording: a network hears one channel, and its estimates need
not be masks that another channel could borrow. Equal channels give equal estimates.

Contents: separate, players_for, network_separator. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from .. import audio, checks, chunks, memory, options
from ..refusals import RefusedValue
from ..score.instruments import is_drums, program_of, without_player
from ..score.notes import Score
from ..silence import between_silences
from . import weights as stored_weights
from .contracts import Network
from .entries import NETWORK_OPTIONS, PLAYERS
from .levels import LEVEL
from .segments import roll_of

CHUNK_S = 30.0
OVERLAP_S = 4.0

# Of an overlap, the part in which neighbours fade into each other; the rest lets both hear further than they speak.
FADE_PART = 0.25

# Networks need not know what to do with less.
LEAST_S = 1.0

# Samples of a channel that are squared at a time.
SUM_SAMPLES = 1 << 20

# What is resampled at a time.
BLOCK_S = 10.0

# Memory for each sample of each estimate in a chunk; and with how many sources is reckoned where there is no score.
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
) -> Estimates:
    """Separate a recording with a network.

    Parameters
    ----------
    model : Network
        As `mss_lab.neural.contracts` describes it. Runs where its weights are.
    mixture : float (channels, samples)
    sample_rate_hz : int
        What lies above half the network's own rate is in no estimate.
    score : Score, optional
        For networks that need one. Others take the names of their results from it.
    chunk_s, overlap_s : float, seconds
        Length of a chunk, and how much neighbours hear in common: a quarter of it they fade, the rest is what each
        hears beyond its own end. The overlap lies between 0.1 s and half a chunk.
    players : mapping, optional
        From sources of the score to sources of the network, where their names and instruments do not tell.
    even_level : bool
        Whether the network hears each channel at the level of music on a record, about which it was trained, and its
        estimates are taken back to the level of the recording.

    Returns
    -------
    dict of source name -> float32 (channels, samples)
        The sources of the score in its order, or without a score those of the network. Of what the network parts
        besides, nothing is kept. A source of the score without a note is silent if the network does not know it.

    Raises
    ------
    ShapeError, TypeError, ValueError
        If the mixture is no waveform; the score is missing, lies elsewhere, or has a source that the network does not
        know, or two where it knows one; or the lengths do not fit.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    network = model
    mixture = checks.check_waveform("mixture", mixture)
    sample_rate_hz = checks.check_sample_rate(sample_rate_hz)
    checks.check_number("overlap_s", overlap_s, at_least=0.1, unit="seconds")
    checks.check_number("chunk_s", chunk_s, at_least=2 * overlap_s, unit="seconds", hint="two overlaps go into a chunk")
    channels, samples = mixture.shape
    if network.needs_score:
        from ..score.guards import check_score_fits

        score = check_score_fits(score, samples / sample_rate_hz)
    chosen = players_for(network.sources, score, players)
    notes = _notes_of(score, chosen) if network.needs_score and score is not None else None

    gains = _level_gains(mixture) if even_level else np.ones((channels, 1), np.float32)
    result = memory.zeros_for(chosen, mixture.shape)
    known = {name: index for name, index in chosen.items() if index is not None}
    if not known:
        return result
    written = 0
    pieces = _estimates(network, mixture, gains, sample_rate_hz, notes, list(known.values()), chunk_s, overlap_s)
    for piece in audio.resample_pieces(pieces, network.sample_rate_hz, sample_rate_hz):
        piece = piece[:, : samples - written].reshape(len(known), channels, -1)
        for name, estimate in zip(known, piece, strict=True):
            result[name][:, written : written + estimate.shape[-1]] = estimate / gains
        written += piece.shape[-1]
    return result


def players_for(
    sources: tuple[str, ...], score: Score | None, players: Mapping[str, str] | None = None
) -> dict[str, int | None]:
    """Which of a network's sources each source of a score is: by name, or else by instrument.

    "Saxophone", "tenor_sax" and "Tenor Saxophone 1" are one instrument, as General MIDI counts them.

    Parameters
    ----------
    sources : tuple of str
        The network's.
    score : Score or None
        Without one, the network's own names are the result's.
    players : mapping, optional
        From sources of the score to sources of the network; decides before names do.

    Returns
    -------
    dict of name -> index among `sources`
        None for a source of the score that has no note, where the network has no other for it.

    Raises
    ------
    ValueError
        If a source of the score is none of the network's, or two are the same; the message says what can be done.

    Lesson: notebooks/17_xumx.ipynb
    """
    if score is None:
        return {source: index for index, source in enumerate(sources)}
    players = PLAYERS.check("players", players)
    for ours, theirs in players.items():
        checks.check_choice("players", ours, score.sources)
        checks.check_choice(f"players[{ours!r}]", theirs, sources)
    found = {source: _player(players.get(source, source), sources) for source in score.sources}
    listed = ", ".join(sources)
    hint = "choose a method that takes any instrument, such as informed-nmf, or say who stands for whom with players="
    plays = {note.source for note in score.notes}
    strangers = [repr(source) for source, index in found.items() if index is None and source in plays]
    if strangers:
        raise RefusedValue(
            f"this network parts {listed}, and no others; the score has {', '.join(strangers)}; {hint}"
            f"{{{strangers[0]}: {sources[0]!r}}}"
        )
    for index, name in enumerate(sources):
        same = [source for source, other in found.items() if other == index and source in plays]
        if len(same) > 1:
            raise RefusedValue(
                f"this network parts {listed}, one of each; the score has {' and '.join(map(repr, same))}, which are "
                f"both its {name}; {hint}{{...}}"
            )
    taken = {index for source, index in found.items() if source in plays}
    return {source: index if source in plays or index not in taken else None for source, index in found.items()}


def network_separator(
    name: str,
    *,
    lesson: str = "",
    reference: str = "",
    bytes_at_once: float = 100e6,
    bytes_a_second: float = 1e6,
) -> Callable[..., Estimates]:
    """A separator for the catalogue that runs a network; its weights are read when it is called.

    Parameters
    ----------
    name : str
        Of the network's file in data/models/networks, or of a network that was registered, whose weights the option
        `weights` must name.
    lesson, reference : str
        The notebook that teaches it and the paper, for its docstring.
    bytes_at_once, bytes_a_second : float
        The network's working memory for each channel, as measured: in any case, and for each second of a chunk.
    """

    def working_bytes(recording: memory.Recording, *, chunk_s: float, overlap_s: float, **_: Any) -> float:
        heard_s = min(
            recording.samples / recording.sample_rate_hz,
            memory.amount(chunk_s, CHUNK_S) + (1 - FADE_PART) * memory.amount(overlap_s, OVERLAP_S),
        )
        # Estimates at the network's rate and at the recording's.
        sounding = ESTIMATE_BYTES * (recording.sources or LIKELY_COUNT) * recording.sample_rate_hz
        return recording.channels * (bytes_at_once + (bytes_a_second + sounding) * heard_s)

    @options.within(NETWORK_OPTIONS)
    @memory.limited(name, working_bytes)
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

    Lesson: {lesson}. Source: {reference}
    """
    return separator


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


def _notes_of(score: Score, chosen: Mapping[str, int | None]) -> np.ndarray:
    rows = [(chosen[note.source], note.midi, note.onset_s, note.offset_s) for note in score.notes]
    return np.array(rows, np.float64).reshape(-1, 4)


def _estimates(
    network: Any,
    mixture: np.ndarray,
    level_gains: np.ndarray,
    sample_rate_hz: int,
    notes: np.ndarray | None,
    wanted: list[int],
    chunk_s: float,
    overlap_s: float,
) -> Iterator[np.ndarray]:
    """The estimates at the network's rate, (sources * channels, samples), piece after piece."""
    rate_hz, hop = network.sample_rate_hz, network.hop_samples
    samples = max(1, round(mixture.shape[1] * rate_hz / sample_rate_hz))

    def whole_hops(length_s: float) -> int:
        # Chunks that begin on the grid of the whole recording's frames have the same frames.
        return int(hop * max(1, round(length_s * rate_hz / hop)))

    fade, context = whole_hops(FADE_PART * overlap_s), whole_hops((1 - FADE_PART) / 2 * overlap_s)
    plan = chunks.chunks(samples, rate_hz, chunk_s=whole_hops(chunk_s) / rate_hz, fade_s=fade / rate_hz)
    blocks = _blocks(mixture, level_gains, sample_rate_hz)
    heard = _Window(audio.resample_pieces(blocks, sample_rate_hz, rate_hz), len(mixture))
    held: np.ndarray | None = None
    for start, stop, gains in plan:
        first, last = max(0, start - context), min(samples, stop + context)
        estimate = _run(network, heard.take(first, last), notes, first, wanted)
        piece = estimate[:, start - first : stop - first] * gains
        if held is not None:
            piece[:, : held.shape[1]] += held
        ends = piece.shape[1] if stop == samples else piece.shape[1] - fade
        held = piece[:, ends:].copy()
        yield piece[:, :ends]


def _run(network: Any, waveform: np.ndarray, notes: np.ndarray | None, first: int, wanted: list[int]) -> np.ndarray:
    """One chunk: (channels, samples) to (sources * channels, samples)."""
    channels, samples = waveform.shape
    if not waveform.any():
        # Silence is silence, whatever a network's biases would make of it.
        return np.zeros((len(wanted) * channels, samples), np.float32)
    rate_hz, hop = network.sample_rate_hz, network.hop_samples
    length = max(samples, round(LEAST_S * rate_hz))
    padded = np.pad(waveform, ((0, 0), (0, length - samples)))
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    conditions = None
    if notes is not None:
        roll = roll_of(notes, len(network.sources), 1 + length // hop, rate_hz / hop, first / rate_hz)
        conditions = {"rolls": torch.from_numpy(roll).to(device).expand(channels, -1, -1, -1)}
    trains = network.training
    network.eval()
    try:
        with torch.inference_mode():
            estimates: torch.Tensor = network(torch.from_numpy(padded).to(device), conditions)[:, wanted, :samples]
    finally:
        network.train(trains)
    by_channel: np.ndarray = estimates.float().cpu().numpy()
    return by_channel.swapaxes(0, 1).reshape(-1, samples)


def _blocks(waveform: np.ndarray, gains: np.ndarray, sample_rate_hz: int) -> Iterator[np.ndarray]:
    step = round(BLOCK_S * sample_rate_hz)
    for start in range(0, waveform.shape[1], step):
        yield (waveform[:, start : start + step] * gains).astype(np.float32, copy=False)


def _level_gains(waveform: np.ndarray) -> np.ndarray:
    """What brings each channel, as a whole, to the level of music on a record: float64 (channels, 1), 1 for silence."""
    squares = np.zeros(len(waveform))
    for start in range(0, waveform.shape[1], SUM_SAMPLES):
        squares += np.sum(np.square(waveform[:, start : start + SUM_SAMPLES], dtype=np.float64), axis=1)
    level = np.sqrt(squares / waveform.shape[1])
    gains: np.ndarray = np.divide(LEVEL, level, out=np.ones(len(level)), where=level > 0)
    return gains[:, np.newaxis]


class _Window:
    """A signal that comes in pieces, seen through a window that moves on."""

    def __init__(self, pieces: Iterator[np.ndarray], rows: int):
        self.pieces = pieces
        self.first = 0
        self.kept = np.zeros((rows, 0), np.float32)

    def take(self, first: int, last: int) -> np.ndarray:
        """Samples `first` to `last`; what lies before `first` is forgotten. What never came is silence."""
        parts = [self.kept[:, first - self.first :]]
        self.first, have = first, parts[0].shape[1]
        while have < last - first and (piece := next(self.pieces, None)) is not None:
            parts.append(piece)
            have += piece.shape[1]
        self.kept = np.concatenate(parts, axis=1)
        missing = last - first - self.kept.shape[1]
        if missing > 0:
            self.kept = np.pad(self.kept, ((0, 0), (0, missing)))
        return self.kept[:, : last - first]
