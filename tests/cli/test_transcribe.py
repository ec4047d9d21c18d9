"""`mss-lab transcribe`: the MIDI file that it writes, and what it refuses in one line, with nothing lost."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import audio, cli  # noqa: E402
from mss_lab.neural import weights  # noqa: E402
from mss_lab.neural.models.cerberus import Cerberus, CerberusSettings  # noqa: E402
from mss_lab.neural.models.mask_inference import MaskInference, MaskInferenceSettings  # noqa: E402
from mss_lab.neural.models.transcriber import Transcriber, TranscriberSettings  # noqa: E402
from mss_lab.score.files import read_score  # noqa: E402
from tests.folders import snapshot  # noqa: E402

RATE_HZ, LENGTH_S = 8_000, 1.6
GRID = {"sources": ("violin", "bassoon"), "sample_rate_hz": RATE_HZ, "window_samples": 512, "hop_samples": 128}
SIZES = {**GRID, "hidden": 4, "layers": 1}


def one_note_each():
    """A network that gives 0.9 for pitch 69 of the violin and 0.6 for 45 of the bassoon in every frame, else 0."""
    torch.manual_seed(0)
    network = Cerberus(CerberusSettings(**SIZES, dimensions=2))
    network.to_rolls.weight.data.zero_()
    network.to_rolls.bias.data.fill_(-20.0)
    for source, midi, likely in ((0, 69, 0.9), (1, 45, 0.6)):
        network.to_rolls.bias.data[source * 88 + midi - 21] = float(np.log(likely / (1 - likely)))
    return network


@pytest.fixture
def folder(tmp_path):
    noise = np.random.default_rng(0).standard_normal((2, round(LENGTH_S * RATE_HZ))) * 0.1
    audio.write_audio(tmp_path / "mix.wav", noise.astype(np.float32), RATE_HZ)
    weights.save(one_note_each(), tmp_path / "own.safetensors", {})
    return tmp_path


def transcribe(folder, *more, out="notes.mid", network="own.safetensors"):
    path = str(folder / network) if network.endswith(".safetensors") else network
    return cli.main(["transcribe", str(folder / "mix.wav"), "--out", str(folder / out), "--network", path, *more])


def test_the_notes_are_written_as_midi(folder, capsys):
    assert transcribe(folder) == 0
    score = read_score(folder / "notes.mid")
    assert {(note.source, note.midi) for note in score.notes} == {("violin", 69), ("bassoon", 45)}
    for note in score.notes:
        assert note.onset_s == 0 and note.offset_s == pytest.approx(LENGTH_S, abs=2 * 128 / RATE_HZ)
    assert capsys.readouterr().out.splitlines() == [
        "violin: 1 note",
        "bassoon: 1 note",
        f"Written: {folder / 'notes.mid'}",
    ]


def test_the_tracks_have_the_programs_of_their_instruments(folder):
    import pretty_midi

    transcribe(folder, out="notes.midi")
    tracks = pretty_midi.PrettyMIDI(str(folder / "notes.midi")).instruments
    assert {track.name: track.program for track in tracks} == {"violin": 40, "bassoon": 70}


@pytest.mark.filterwarnings("ignore:The track bassoon has no note")
@pytest.mark.parametrize(("threshold", "sources"), [("0.55", {"violin", "bassoon"}), ("0.7", {"violin"})])
def test_the_threshold_decides_which_notes_there_are(folder, threshold, sources):
    assert transcribe(folder, "--threshold", threshold) == 0
    assert {note.source for note in read_score(folder / "notes.mid").notes} == sources


def test_a_file_is_replaced_only_by_force(folder, capsys):
    (folder / "notes.mid").write_bytes(b"mine")
    assert transcribe(folder) == 2
    assert (folder / "notes.mid").read_bytes() == b"mine"
    assert "--force" in capsys.readouterr().err
    assert transcribe(folder, "--force") == 0
    assert (folder / "notes.mid").read_bytes().startswith(b"MThd")


def test_what_is_read_is_never_replaced(folder):
    (folder / "mix.mid").symlink_to(folder / "mix.wav")
    before = snapshot(folder)
    assert transcribe(folder, "--force", out="mix.mid") == 2
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"out": "notes.wav"}, "must end in .mid or .midi"),
        ({"network": "mask-inference"}, "does not transcribe; choose one that does"),
        ({"network": "nothing"}, "network must be one of"),
        ({"network": "gone.safetensors"}, "gone.safetensors does not exist"),
        ({"network": "masks.safetensors"}, "does not transcribe"),
        ({"network": "no_notes.safetensors"}, "has learnt no notes"),
        ({"network": "informed.safetensors"}, "reads the separated sources as well"),
        ({"more": ("--threshold", "0.95")}, "has no note in which the network reaches --threshold 0.95"),
        ({"more": ("--threshold", "1.5")}, "--threshold must be"),
        ({"more": ("--threshold", "nan")}, "--threshold must be"),
    ],
)
def test_refusals_take_one_line_and_leave_nothing(folder, capsys, options, words):
    no_notes = Cerberus(CerberusSettings(**SIZES, transcription_weight=0))
    informed = Transcriber(TranscriberSettings(**SIZES, reads="vanilla"))
    networks = {"masks": MaskInference(MaskInferenceSettings(**SIZES)), "no_notes": no_notes, "informed": informed}
    for name, network in networks.items():
        weights.save(network, folder / f"{name}.safetensors", {})
    before = snapshot(folder)
    assert transcribe(folder, *options.pop("more", ()), **options) == 2
    err = capsys.readouterr().err
    assert words in err and err.startswith("mss-lab: ") and err.count("\n") == 1
    assert snapshot(folder) == before
