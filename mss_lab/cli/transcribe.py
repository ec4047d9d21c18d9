"""`mss-lab transcribe`: the notes of a recording, found by a network and written as a MIDI file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .. import audio, checks, files
from ..refusals import RefusedValue
from .plain import counted

if TYPE_CHECKING:
    from ..neural.contracts import Network

ENDINGS = (".mid", ".midi")
WEIGHTS_ENDING = ".safetensors"


def add_arguments(transcribe: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab transcribe` to a parser."""
    add = transcribe.add_argument
    add("mixture", metavar="MIX", help="audio file: WAV, FLAC, OGG or MP3")
    add("--out", metavar="FILE.mid", required=True, help="the MIDI file, with a track for each instrument")
    add(
        "--network",
        metavar="NAME",
        default="masks-and-notes",
        help="a network that ships, or a file of weights of your own, NAME.safetensors (default: %(default)s)",
    )
    add(
        "--threshold",
        metavar="P",
        type=float,
        default=0.5,
        help="a pitch sounds where the network gives at least this, between 0 and 1 (default: %(default)g)",
    )
    add("--force", action="store_true", help="replace the file if it exists")


def run(options: argparse.Namespace) -> int:
    """Transcribe, write the notes, and print a line for each instrument."""
    threshold = checks.check_number("--threshold", options.threshold, at_least=0, at_most=1)
    if Path(options.out).suffix.lower() not in ENDINGS:
        raise RefusedValue(f"--out {options.out} must end in {' or '.join(ENDINGS)}; the notes are written as MIDI")
    own = [options.network] if options.network.endswith(WEIGHTS_ENDING) else []
    inputs = [options.mixture, *own, *(str(Path(path).with_suffix(".json")) for path in own)]
    # The file is checked before the work, so that a name that exists costs no waiting.
    files.check_new_file(options.out, force=options.force, inputs=inputs)
    network = _network(options.network)

    from ..neural.transcribe import transcribe
    from ..score import midi
    from ..score.instruments import is_instrument, programs_of

    mixture, rate = audio.read_audio(options.mixture)
    score = transcribe(network, mixture, rate, threshold=threshold)
    if not score.notes:
        raise RefusedValue(
            f"{options.mixture} has no note in which the network reaches --threshold {threshold:g}; lower it, or "
            "choose another network"
        )
    with files.whole_file(options.out, force=options.force, inputs=inputs) as temporary:
        midi.write_midi(temporary, score, programs=programs_of(filter(is_instrument, score.sources)))
    for source in score.sources:
        print(f"{source}: {counted(len(score.notes_of(source)), 'note')}")
    print(f"Written: {options.out}")
    return 0


def _network(name: str) -> "Network":
    """The network of a name or of a file, which must transcribe from the mixture alone."""
    from ..neural import weights

    own = name.endswith(WEIGHTS_ENDING)
    network = weights.load(name) if own else weights.shipped(name)
    if not hasattr(network, "transcribe"):
        others = [other for other in weights.shipped_names() if _transcribes(other)]
        raise RefusedValue(f"--network {name} does not transcribe; choose one that does: {', '.join(others)}")
    if getattr(network, "reads_sources", False):
        raise RefusedValue(
            f"--network {name} reads the separated sources as well; use mss_lab.neural.transcribe in Python, which "
            "takes them, or a network that reads the mixture alone"
        )
    return network


def _transcribes(name: str) -> bool:
    from ..neural import models, weights

    return hasattr(models.class_of(weights.shipped_card(name)["network"]), "transcribe")
