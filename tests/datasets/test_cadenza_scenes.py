"""Scenes of the second Cadenza challenge: the published examples, the remix, audiograms, and damaged files."""

import json

import numpy as np
import pytest

from mss_lab.datasets import cadenza_scenes
from mss_lab.metrics import haaqi
from tests.measures import refusal


def part(instrument, start_s=46, duration_s=15):
    # As in the challenge's description of its data.
    name = "mix_anitrasdance" if instrument == "Mixture" else instrument
    return {
        "source_dataset": "EnsembleSet",
        "instrument": instrument,
        "track": f"anitrasdance/Mix_1/{name}.flac",
        "start": start_s,
        "duration": duration_s,
    }


FILES = {
    "scenes.json": {"S50001": {"music": "anitrasdance_001", "gain": "gain_0645"}},
    "gains.json": {
        "gain_0001": {"source_1": -10, "source_2": 0},
        "gain_0645": {"source_1": -6, "source_2": 0, "source_3": 3, "source_4": 10},
    },
    "music.json": {
        "anitrasdance_001": {
            "source_1": part("Cello"),
            "source_2": part("Viola"),
            "source_3": part("Violin_1"),
            "source_4": part("Violin_2"),
            "mixture": part("Mixture"),
        }
    },
    "listeners.json": {"S50001": ["L5003", "L5014"]},
}


def read(folder, **changed):
    for name, content in {**FILES, **{f"{key}.json": value for key, value in changed.items()}}.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return cadenza_scenes.read_scenes(*(folder / name for name in FILES))


def test_the_published_example(tmp_path):
    scene = read(tmp_path)["S50001"]
    assert (scene.name, scene.piece, scene.start_s, scene.duration_s) == ("S50001", "anitrasdance_001", 46, 15)
    assert scene.gains_db == {"source_1": -6, "source_2": 0, "source_3": 3, "source_4": 10}
    assert scene.instruments["source_4"] == "Violin_2" and scene.listeners == ("L5003", "L5014")
    assert scene.tracks["source_1"] == "anitrasdance/Mix_1/Cello.flac"
    assert scene.tracks["mixture"] == "anitrasdance/Mix_1/mix_anitrasdance.flac"
    assert scene.gains_of_instruments_db() == {"Cello": -6, "Viola": 0, "Violin": 6.5}
    without = cadenza_scenes.read_scenes(*(tmp_path / name for name in list(FILES)[:3]))
    assert without["S50001"].listeners == ()


def test_the_remix_is_that_of_the_challenge(tmp_path, rng):
    scene = read(tmp_path)["S50001"]
    stems = {name: rng.standard_normal((2, 100)) for name in scene.gains_db}
    # The challenge's formula, written out: every stem with its gain, then the level of the whole.
    gains_db = np.array([-6, 0, 3, 10])
    total = sum(10 ** (gain / 20) * stem for gain, stem in zip(gains_db, stems.values(), strict=True))
    expected = total * 10 ** (-10 * np.log10(np.sum(10 ** (gains_db / 10)) / 4) / 20)
    assert np.allclose(scene.remix(stems).mixture, expected, atol=1e-12)
    assert "source_1" in refusal(lambda: scene.remix({"source_2": stems["source_2"]}))


def test_audiograms_are_interpolated_along_the_logarithm_of_frequency(tmp_path):
    # Frequencies and the left ear as in the challenge's description.
    entry = {
        "name": "L0001",
        "audiogram_cfs": [250, 500, 1000, 2000, 3000, 4000, 6000, 8000],
        "audiogram_levels_l": [10, 10, 20, 30, 40, 55, 55, 60],
        "audiogram_levels_r": [0, 5, 10, 15, 20, 25, 30, 35],
    }
    path = tmp_path / "listeners.json"
    path.write_text(json.dumps({"L0001": entry}))
    assert cadenza_scenes.AUDIOGRAM_HZ == haaqi.AUDIOGRAM_HZ
    losses_db = cadenza_scenes.read_listeners(path)["L0001"]
    assert np.array_equal(losses_db, [[10, 10, 20, 30, 55, 55], [0, 5, 10, 15, 25, 30]])
    between = cadenza_scenes.read_listeners(path, [100, np.sqrt(500 * 1000), 20_000])["L0001"]
    assert np.allclose(between, [[10, 15, 60], [0, 7.5, 35]])
    for change in ({"audiogram_levels_r": [1]}, {"audiogram_cfs": None}, {"audiogram_cfs": [500] * 8}):
        path.write_text(json.dumps({"L0001": {**entry, **change}}))
        assert "L0001" in refusal(lambda: cadenza_scenes.read_listeners(path))


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"scenes": "{"}, "no JSON"),
        ({"scenes": []}, "must hold an object"),
        ({"scenes": {"S1": {"music": "anitrasdance_001"}}}, '"gain" for S1'),
        ({"scenes": {"S1": {"music": "other", "gain": "gain_0001"}}}, "music.json does not hold"),
        ({"scenes": {"S1": {"music": "anitrasdance_001", "gain": "gain_9"}}}, "gains.json does not hold"),
        ({"scenes": {"S1": {"music": "anitrasdance_001", "gain": "gain_0001"}}}, "take files of the same release"),
        ({"gains": {"gain_0645": {"source_1": "loud"}}}, "a number"),
        # The file from which the challenge draws gains, not the one that lists them.
        ({"gains": {"gain_0645": {"gain_0001": {"source_1": 0}}}}, "a number"),
        ({"music": {"anitrasdance_001": {"source_1": part("Cello")}}}, "sources and a mixture"),
        ({"listeners": {"S50001": "L5003"}}, "must list the names"),
    ],
)
def test_damaged_files_are_refused_in_words(tmp_path, changed, words):
    assert words in refusal(lambda: read(tmp_path, **changed), (ValueError, TypeError))


def test_a_missing_file_is_named(tmp_path):
    assert "music.json" in refusal(
        lambda: cadenza_scenes.read_scenes(*(tmp_path / name for name in FILES)), FileNotFoundError
    )
