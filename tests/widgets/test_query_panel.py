"""The query panel without a browser: what each kind of query selects, the blend of levels, and refusals."""

import io

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="not run: torch is not installed")

from mss_lab import audio, hierarchy, shipped, signals  # noqa: E402
from mss_lab.neural import query, query_vectors, weights  # noqa: E402
from mss_lab.widgets import query_panel  # noqa: E402

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def mixture():
    """Two tones, 2 s."""
    low, high = (signals.harmonic_tone(hz, 2.0, RATE_HZ, amplitude=0.2) for hz in (220, 740))
    return (low + high).astype(np.float32)


@pytest.fixture(scope="module")
def example():
    """A query of one second in stereo, with rests."""
    tone = signals.harmonic_tone(330, 1.0, RATE_HZ, amplitude=0.3)
    tone[:, 6000:9000] = 0
    return signals.pan(tone, 0.5).astype(np.float32)


@pytest.fixture
def panel(mixture):
    return query_panel.panel(mixture, RATE_HZ)


def said(panel):
    return panel._words.kind, panel._words.text


def from_page(panel, **state):
    """Set a trait as the page does, and wait for what follows."""
    panel._form.set_state(state)
    assert panel.wait(60)


def wav(waveform, rate_hz=RATE_HZ):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.asarray(waveform).T, rate_hz, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def upload(panel, name, data):
    panel._form._take(None, {"kind": "begin", "id": "1", "role": "query", "name": name, "size": len(data)}, [])
    panel._form._take(None, {"kind": "piece", "id": "1", "at": 0}, [data])
    assert panel.wait(60)
    # The query that has arrived selects.
    assert panel.wait(60)


def check(panel, mixture, vector, level=1):
    """The panel shows what the network gives for this vector, and its player has that and the rest."""
    estimates = list(query.separate(mixture, RATE_HZ, vector).values())
    np.testing.assert_array_equal(panel.vector, vector)
    np.testing.assert_allclose(panel.selected, estimates[level - 1], atol=1e-6)
    for mine, expected in zip(panel.estimates.values(), estimates, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-6)
    stems = panel._player.piece.versions["separated"]
    np.testing.assert_array_equal(stems["selected"], panel.selected)
    np.testing.assert_allclose(stems["selected"] + stems["the rest"], mixture, atol=1e-6)


def test_an_instrument_selects_by_its_mean(panel, mixture):
    vectors = query_vectors.shipped()
    check(panel, mixture, vectors.mean(vectors.leaves[0]))
    panel.set(instrument="violin")
    check(panel, mixture, vectors.mean("violin"))
    assert said(panel)[1].startswith("violin: ")
    assert "nearest mean vector is that of the violin, at 0.0" in said(panel)[1]
    from_page(panel, query={"instrument": "oboe"})
    check(panel, mixture, vectors.mean("oboe"))
    assert panel._form.content["position"] == panel._form.content["places"][vectors.leaves.index("oboe")]


def test_a_point_selects_by_its_vector_and_a_place_of_a_mean_by_that_mean(panel, mixture):
    vectors = query_vectors.shipped()
    place = panel._form.content["places"][vectors.leaves.index("cello")]
    from_page(panel, query={"point": place})
    np.testing.assert_allclose(panel.vector, vectors.mean("cello"), atol=1e-5)
    panel.set(point=(0.5, -1.0))
    check(panel, mixture, panel._map.vector_at((0.5, -1.0)))
    np.testing.assert_allclose(panel._form.content["position"], [0.5, -1.0], atol=1e-5)


def test_levels_are_blended_and_a_level_separates_nothing_anew(panel, mixture, monkeypatch):
    estimates = list(panel.estimates.values())
    monkeypatch.setattr(query_panel.queries, "separate", lambda *_args, **_options: pytest.fail("separated again"))
    panel.set(level=2)
    np.testing.assert_array_equal(panel.selected, estimates[1])
    assert said(panel)[1].startswith("single reeds: ")
    from_page(panel, level=2.25)
    np.testing.assert_allclose(panel.selected, 0.75 * estimates[1] + 0.25 * estimates[2], atol=1e-6)
    assert said(panel)[1].startswith("75% single reeds, 25% winds: ")
    np.testing.assert_allclose(sum(panel._player.piece.versions["separated"].values()), mixture, atol=1e-6)


def test_a_blend_is_one_level_at_its_number_and_a_straight_line_between(rng):
    levels = rng.standard_normal((3, 2, 50)).astype(np.float32)
    for number in (1, 2, 3):
        np.testing.assert_array_equal(hierarchy.blended(levels, number), levels[number - 1])
    for share in (0.1, 0.5, 0.99):
        blend = hierarchy.blended(levels, 2 + share)
        np.testing.assert_allclose(blend - levels[1], share * (levels[2] - levels[1]), atol=1e-5)
        assert blend.dtype == np.float32
    assert hierarchy.blended(levels, 1) is not levels[0]
    for wrong in (0.9, 3.01, np.nan, "1"):
        with pytest.raises((TypeError, ValueError), match="level"):
            hierarchy.blended(levels, wrong)


def test_a_recording_selects_from_a_file_from_code_and_from_the_page(panel, mixture, example, tmp_path):
    expected = query.vector_of(example, RATE_HZ)
    panel.set(query=example, query_rate_hz=RATE_HZ)
    check(panel, mixture, expected)
    heard = panel._player.piece.versions["query"]["query"]
    assert heard.shape == mixture.shape
    np.testing.assert_allclose(heard[:, :RATE_HZ], example.mean(axis=0, keepdims=True), atol=1e-6)
    assert not heard[:, RATE_HZ:].any()

    audio.write_audio(tmp_path / "mine.wav", example, RATE_HZ, subtype="FLOAT")
    panel.set(instrument="violin")
    assert "query" not in panel._player.piece.versions
    panel.set(query=tmp_path / "mine.wav", level=3)
    check(panel, mixture, expected, level=3)
    assert panel._form.query == {"recording": "mine.wav"}
    assert said(panel)[1].startswith("level 3 of what mine.wav plays: ")

    upload(panel, "other.wav", wav(mixture))
    check(panel, mixture, query.vector_of(mixture, RATE_HZ), level=3)
    # Another file with the name of the one before.
    upload(panel, "other.wav", wav(example))
    check(panel, mixture, expected, level=3)
    assert panel._form.content["recording"] == "other.wav: 1.0 s, two channels, 16000 Hz"
    from_page(panel, query={"instrument": "flute"})
    from_page(panel, query={"recording": ""})
    assert panel._form.query == {"recording": "other.wav"}
    check(panel, mixture, expected, level=3)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"instrument": "kazoo"}, "kazoo"),
        ({"point": (1e3, 0)}, "point (across)"),
        ({"point": (np.nan, 0)}, "point (across)"),
        ({"point": 3}, "two numbers"),
        ({"level": 3.5}, "level"),
        ({"level": "2"}, "level"),
        ({"query": np.zeros((1, RATE_HZ)), "query_rate_hz": RATE_HZ}, "silent"),
        ({"query": np.zeros((1, 0)), "query_rate_hz": RATE_HZ}, "sample"),
        ({"query": np.ones((1, 100))}, "sample rate"),
        ({"query": "nowhere.wav"}, "nowhere.wav"),
        ({"instrument": "violin", "point": (0, 0)}, "give one of them"),
    ],
)
def test_what_cannot_select_is_refused_and_the_panel_stays_as_it_was(panel, choice, words):
    before, query_before = panel.selected, dict(panel._form.query)
    with pytest.raises((TypeError, ValueError, FileNotFoundError)):
        panel.set(**choice)
    kind, text = said(panel)
    assert kind == "error"
    assert words in text
    np.testing.assert_array_equal(panel.selected, before)
    assert panel._form.query == query_before
    assert panel._form.level == 1


@pytest.mark.parametrize(
    "state", [{"query": {"recording": "a"}}, {"query": {}}, {"query": {"level": 1}}, {"level": 9.0}]
)
def test_a_page_that_sends_nonsense_receives_the_current_state_again(panel, state, monkeypatch):
    sent = []
    monkeypatch.setattr(panel._form, "send_state", lambda key=None: sent.append(key))
    with pytest.raises((TypeError, ValueError)):
        panel._form.set_state(state)
    assert {"query", "level"} <= set(sent)
    assert panel._form.query == {"instrument": "clarinet"}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.wav", b"", "empty.wav is empty"),
        ("letter.wav", b"Dear reader, " * 500, "letter.wav could not be read as audio"),
        ("silence.wav", wav(np.zeros((1, 8000))), "silence.wav: "),
        ("nan.wav", wav(np.full((1, 100), np.nan)), "nan.wav"),
    ],
)
def test_a_bad_upload_is_refused_in_words_and_the_query_stays(panel, name, data, words):
    before = panel.selected
    upload(panel, name, data)
    kind, text = said(panel)
    assert kind == "error"
    assert words in text
    np.testing.assert_array_equal(panel.selected, before)
    panel.set(instrument="violin")
    assert said(panel)[0] == "result"


@pytest.mark.parametrize(
    "bad", [np.zeros((1, 0)), np.full((1, 100), np.nan), np.zeros((3, 100)), np.zeros(100), "mixture.wav"]
)
def test_a_mixture_that_cannot_be_played_is_refused(bad):
    with pytest.raises((TypeError, ValueError)):
        query_panel.panel(bad, RATE_HZ)


def test_weights_of_another_network_are_refused(mixture):
    folder = shipped.data_folder(weights.FOLDER) / weights.FOLDER
    with pytest.raises(TypeError, match="takes a query"):
        query_panel.panel(mixture, RATE_HZ, weights=folder / "mask-inference.safetensors")


@pytest.mark.parametrize("samples", [1, 777])
def test_silence_stereo_and_few_samples(samples):
    made = query_panel.panel(np.zeros((2, samples), np.float32), 44_100)
    assert made.selected.shape == (2, samples)
    assert not made.selected.any()
    assert "silence" in said(made)[1]


def test_without_a_front_end_it_is_a_map_and_the_player(panel):
    png, page = panel.static()
    assert png.startswith(b"\x89PNG")
    assert "Map of the stored queries" in page
    assert page.count("<audio") == 1
    data, _metadata = panel._repr_mimebundle_()
    assert data["text/plain"].startswith("Select by a query: clarinet: ")
