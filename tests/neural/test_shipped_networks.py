"""The networks that come with the workbook: small, whole, documented, and better than leaving the mixture alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mss_lab import catalogue, shipped
from mss_lab.datasets import pieces
from mss_lab.datasets.track import read_track
from mss_lab.metrics.energy import sdr
from mss_lab.neural import weights
from mss_lab.nmf import fixed_pitch

QUARTET = ("violin", "clarinet", "saxophone", "bassoon")
WITH_SCORE = ("xumx-informed", "xumx-score-only", "score-cnn")
ALL = (
    "cerberus", "dsis", "mask-inference", "masks-and-notes", "query-by-example", "refiner", "score-cnn",
    "score-cnn-timbre", "xumx", "xumx-informed", "xumx-score-only",
)  # fmt: skip
# Those that are no separators of the quartet.
OTHERS = ("masks-and-notes", "refiner")
FOLDER = shipped.data_folder(weights.FOLDER) / weights.FOLDER

# Mean SDR in dB that the refiner reached on the real quartets with notes set by hand, less what another machine's
# arithmetic may cost.
REFINED_FLOOR_DB = 9.2


def test_all_are_there_and_no_others():
    assert weights.shipped_names() == ALL


def test_they_fit_into_a_course():
    sizes = {path.name: path.stat().st_size for path in FOLDER.glob("*.safetensors")}
    assert max(sizes.values()) < 16e6
    assert sum(sizes.values()) < 60e6
    for name in ("score-cnn", "score-cnn-timbre"):
        assert weights.card(FOLDER / f"{name}.safetensors")["parameters"] <= 3_500_000


@pytest.mark.parametrize("name", ALL)
def test_a_card_says_where_weights_come_from(name):
    card = weights.card(FOLDER / f"{name}.safetensors")
    assert card["name"] == name
    for fact in ("made_by", "data", "seconds", "device", "figures", "steps"):
        assert card[fact], fact
    stores = card["data"]["stores"] if name == "refiner" else [card["data"]]
    songs = [song for store in stores for song in store.get("songs", [store])]
    for song in songs:
        # What the real recordings play is in no training set.
        assert {"bwv255", "bwv296", "bwv297", "bwv385"} <= set(song["held_out"]) or song["what"] != "chorales"
        assert not {"bwv255", "bwv296", "bwv297", "bwv385"} & set(song["pieces"])
        # What the lessons play, too.
        assert not {"bwv26.6", "bwv253", "bwv414"} & set(song["pieces"])
        assert "TimGM6mb" not in song["soundfonts"]


@pytest.fixture(scope="module")
def chorale():
    """Ten seconds of a shipped chorale."""
    piece = pieces.load("chorale_a")
    samples = 10 * piece.sample_rate_hz
    return piece, {name: source[:, :samples] for name, source in piece.sources.items()}


@pytest.mark.parametrize("name", [name for name in ALL if name not in OTHERS])
def test_every_student_parts_a_chorale_better_than_no_separation(name, chorale):
    piece, sources = chorale
    mixture = sum(sources.values())
    found = catalogue.separator(name)(mixture, piece.sample_rate_hz, piece.score)
    assert tuple(found) == tuple(sources)
    before, after = (
        np.mean([sdr(s, e[n]) for n, s in sources.items()]) for e in (dict.fromkeys(sources, mixture), found)
    )
    assert after > before + 4


def test_the_refiner_beats_what_it_refines(chorale):
    piece, sources = chorale
    mixture = sum(sources.values())
    refined = catalogue.separator("refined-nmf", tolerance_s=0.05)(mixture, piece.sample_rate_hz, piece.score)
    plain = fixed_pitch.separate(mixture, piece.sample_rate_hz, piece.score, tolerance_s=0.05)
    better, worse = (np.mean([sdr(s, e[n]) for n, s in sources.items()]) for e in (refined, plain))
    assert better > worse
    assert_allclose(sum(refined.values()), mixture, atol=2e-6)


@pytest.mark.slow(4)
@pytest.mark.recordings
def test_the_refiner_keeps_its_figure_on_real_quartets(recordings):
    means = []
    for folder in sorted(path for path in (recordings / "Bach10-excerpts").iterdir() if path.is_dir()):
        track = read_track(folder)
        found = catalogue.separator("refined-nmf", tolerance_s=0.05)(track.mixture, track.sample_rate_hz, track.score)
        means.append(np.mean([sdr(source, found[name]) for name, source in track.sources.items()]))
    assert np.mean(means) > REFINED_FLOOR_DB, means
