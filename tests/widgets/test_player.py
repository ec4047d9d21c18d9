"""The player's Python half: refusals, levels, what is sent and what is shown without a browser."""

import base64
import dataclasses
import html.parser
import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from mss_lab import plots, signals
from mss_lab.checks import ShapeError
from mss_lab.widgets import fallback, piece, player, strips

RATE_HZ = 16_000


@pytest.fixture
def stems(frozen):
    low = signals.pan(signals.tone(220, 1.0, RATE_HZ, amplitude=0.4), 0.3)
    high = signals.pan(signals.tone(1760, 1.0, RATE_HZ, amplitude=0.2), 1.2)
    return frozen({"low": low.astype(np.float32), "high": high.astype(np.float32)})


def unpack(made):
    """What the page makes of the bytes: version -> stem -> waveform."""
    content = made.content
    integers = np.frombuffer(made.samples, "<i2").reshape(-1, content["channels"], content["samples"])
    waveforms = iter(integer * scale for integer, scale in zip(integers, content["scales"], strict=True))
    return {version["name"]: {stem: next(waveforms) for stem in version["stems"]} for version in content["versions"]}


class _Elements(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found[tag] = dict(attrs)


# ---- strips -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency_hz", [60, 220, 1000, 7000])
def test_a_tone_lies_in_the_row_of_its_frequency(frequency_hz):
    tone = signals.tone(frequency_hz, 2, RATE_HZ)
    axis = strips.spectrogram_axis(tone.shape[1], RATE_HZ)
    strip = strips.power_strip(tone, axis)
    assert strip.shape == (axis.rows, axis.columns)
    row = strip[:, axis.columns // 2].argmax()
    edges_hz = np.geomspace(axis.low_hz, axis.high_hz, axis.rows + 1)
    bin_hz = RATE_HZ / axis.window_samples
    assert edges_hz[row] - bin_hz <= frequency_hz <= edges_hz[row + 1] + bin_hz


def test_brightness_does_not_depend_on_phase_and_says_the_power():
    amplitude = 0.5
    strengths = []
    axis = strips.spectrogram_axis(2 * RATE_HZ, RATE_HZ)
    on_a_bin_hz = round(1000 * axis.window_samples / RATE_HZ) * RATE_HZ / axis.window_samples
    for phase_rad in (0.0, np.pi / 2):
        tone = signals.tone(on_a_bin_hz, 2, RATE_HZ, amplitude=amplitude, phase_rad=phase_rad)
        strengths.append(strips.power_strip(tone, axis)[:, axis.columns // 2].max())
    # A Hann window adds up to half its length, and a real tone puts half its amplitude on either side of zero.
    np.testing.assert_allclose(strengths, (amplitude * axis.window_samples / 4) ** 2, rtol=1e-3)


@pytest.mark.parametrize("duration_s", [4, 100])
def test_a_click_lies_in_the_column_of_its_time(duration_s):
    time_s = 0.7 * duration_s
    click = signals.clicks([time_s], duration_s, RATE_HZ)
    axis = strips.spectrogram_axis(click.shape[1], RATE_HZ)
    column = strips.power_strip(click, axis).sum(axis=0).argmax()
    assert axis.columns <= strips.MOST_COLUMNS
    left_s = axis.first_s + column * axis.column_s
    assert left_s - 1e-9 <= time_s <= left_s + axis.column_s + 1e-9


def test_a_signal_of_opposite_channels_is_as_bright_as_one_of_equal_channels(rng):
    one = signals.noise(0.5, RATE_HZ, rng=rng)
    axis = strips.spectrogram_axis(one.shape[1], RATE_HZ)
    opposite, equal = (strips.power_strip(np.vstack([one, other]), axis) for other in (-one, one))
    np.testing.assert_array_equal(opposite, equal)
    assert equal.max() > 0


def test_all_strips_of_a_player_share_one_scale(stems):
    made = player.play({"loud": stems["low"], "faint": stems["low"] * np.float32(0.1)}, RATE_HZ)
    shape = (2, made.content["strip"]["rows"], made.content["strip"]["columns"])
    loud, faint = np.frombuffer(made.pictures, np.uint8).reshape(shape).astype(int)
    assert loud.max() == 255
    # Twenty decibels on a scale of eighty.
    assert loud.max() - faint.max() == pytest.approx(255 * 20 / strips.RANGE_DB, abs=1)


def test_another_sound_is_sent_before_its_strips_are_drawn(stems, monkeypatch):
    made = player.play({"low": stems["low"]}, RATE_HZ)
    drawn, samples = made.pictures, made.samples
    power_strip, sent = strips.power_strip, []

    def noted(*arguments):
        sent.append(made.samples != samples and made.content["revision"] == 2 and made.pictures == drawn)
        return power_strip(*arguments)

    monkeypatch.setattr(strips, "power_strip", noted)
    made.replace({"low": stems["high"]}, RATE_HZ)
    assert sent == [True]
    assert made.pictures == player.play({"low": stems["high"]}, RATE_HZ).pictures != drawn


@pytest.mark.no_warnings
@pytest.mark.parametrize("samples", [1, 2, 500])
def test_short_and_silent_recordings_have_strips(samples):
    made = player.play({"nothing": np.zeros((1, samples), np.float32)}, RATE_HZ)
    assert set(made.pictures) == {0}
    assert unpack(made)[""]["nothing"].shape == (1, samples)
    assert not unpack(made)[""]["nothing"].any()
    assert made.static()[0].startswith(b"\x89PNG")


def test_an_envelope_holds_every_peak(rng):
    waveform = signals.noise(1, RATE_HZ, rng=rng, channels=2)
    low, high = strips.envelope(waveform, 300)
    assert low.shape == (300,)
    assert low.min() == waveform.min()
    assert high.max() == waveform.max()
    assert strips.envelope(waveform[:, :3], 300).shape == (2, 3)


# ---- what is sent -------------------------------------------------------------------------------------------------


def test_the_page_gets_every_stem_to_within_half_a_step(stems):
    loud = {name: 3 * waveform for name, waveform in stems.items()}
    made = player.play({"true": stems, "loud": loud}, RATE_HZ)
    for version, given in (("true", stems), ("loud", loud)):
        for name, waveform in unpack(made)[version].items():
            step = np.abs(given[name]).max() / 32767
            np.testing.assert_allclose(waveform, given[name], atol=0.51 * step)


def test_versions_may_differ_in_their_stems(stems):
    made = player.play({"two": stems, "one": {"low": stems["low"], "rest": stems["high"]}}, RATE_HZ)
    assert made.content["rows"] == ["low", "high", "rest"]
    assert [version["stems"] for version in made.content["versions"]] == [["low", "high"], ["low", "rest"]]


def test_versions_are_level_matched_and_one_version_is_left_alone(stems):
    half = {name: waveform / 2 for name, waveform in stems.items()}
    assert player.play(stems, RATE_HZ).piece.gains_db == {"": 0.0}
    made = player.play({"whole": stems, "half": half}, RATE_HZ)
    assert made.piece.gains_db == pytest.approx({"whole": 0.0, "half": 20 * np.log10(2)}, abs=1e-3)
    assert [version["gainDb"] for version in made.content["versions"]] == list(made.piece.gains_db.values())


def test_the_loudest_mixture_stays_below_full_scale_after_matching(stems):
    loud = {name: 4 * waveform for name, waveform in stems.items()}
    made = player.play({"loud": loud, "whole": stems}, RATE_HZ)
    gains = {name: 10 ** ((gain_db + made.piece.headroom_db) / 20) for name, gain_db in made.piece.gains_db.items()}
    peaks = [np.abs(gains[name] * sum(item.values())).max() for name, item in (("loud", loud), ("whole", stems))]
    assert max(peaks) == pytest.approx(0.99, abs=1e-3)
    assert player.play(stems, RATE_HZ).piece.headroom_db == 0


def test_a_version_of_high_peaks_is_matched_without_clipping():
    steady = signals.tone(440, 2, RATE_HZ, amplitude=0.6).astype(np.float32)
    peaky = signals.clicks(np.arange(0.0, 2.0, 0.1), 2, RATE_HZ, amplitude=0.5).astype(np.float32)
    made = player.play({"steady": {"a": steady}, "peaky": {"a": peaky}}, RATE_HZ)
    assert made.piece.gains_db["peaky"] > 10
    assert 0.5 * 10 ** ((made.piece.gains_db["peaky"] + made.piece.headroom_db) / 20) == pytest.approx(0.99, abs=1e-3)


def test_a_mixture_among_stems_starts_muted_and_does_not_count_twice(stems):
    mixture = stems["low"] + stems["high"]
    made = player.play({"mixture": mixture, **stems}, RATE_HZ)
    assert made.content["muted"] == ["mixture"]
    np.testing.assert_array_equal(made.piece.mixture, mixture)
    alone = player.play({"mixture": mixture}, RATE_HZ)
    assert alone.content["muted"] == []
    np.testing.assert_array_equal(alone.piece.mixture, mixture)


def test_replacing_sends_the_new_sounds_and_refused_input_changes_nothing(stems):
    made = player.play(stems, RATE_HZ)
    before = made.content["revision"]
    with pytest.raises(ValueError, match="NaN"):
        made.replace({"low": np.full((2, 10), np.nan, np.float32)}, RATE_HZ)
    assert made.content["revision"] == before
    np.testing.assert_array_equal(made.piece.mixture, sum(stems.values()))
    made.replace({"new": -stems["low"]}, RATE_HZ, title="Other")
    assert made.content["revision"] > before
    assert made.content["title"] == "Other"
    np.testing.assert_allclose(unpack(made)[""]["new"], -stems["low"], atol=1e-4)


# ---- refusals -----------------------------------------------------------------------------------------------------

GOOD = np.zeros((1, 100), np.float32)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (GOOD, TypeError, "must be a dict"),
        ({}, ValueError, "empty dict"),
        ({"version": {}}, ValueError, "empty dict"),
        ({"a": GOOD, "b": {"c": GOOD}}, TypeError, "mixes waveforms with dicts"),
        ({1: GOOD}, TypeError, "must be strings"),
        ({"a": GOOD, "b": GOOD[:, :50]}, ShapeError, "the same shape"),
        ({"x": {"a": GOOD}, "y": {"a": GOOD[:, :50]}}, ShapeError, "the same shape"),
        ({"a": GOOD[0]}, ShapeError, "channel axis of length 1"),
        ({"a": np.zeros((100, 2), np.float32)}, ShapeError, "transpose"),
        ({"a": np.zeros((3, 100), np.float32)}, ShapeError, "one or two channels"),
        ({"a": np.full((1, 9), np.nan, np.float32)}, ValueError, "NaN"),
        ({"a": np.full((1, 9), np.inf, np.float32)}, ValueError, "infinite"),
        ({"a": np.zeros((1, 0), np.float32)}, ValueError, "at least one"),
        ({"a": np.zeros((1, 9), np.int16)}, TypeError, "floating-point"),
    ],
)
def test_bad_stems_are_refused_in_words(given, error, words):
    with pytest.raises(error, match=words):
        player.play(given, RATE_HZ)


@pytest.mark.parametrize(
    ("rate_hz", "words"), [(0, "at least"), (44.1, "at least"), (4000, "resample"), (192_000, "resample")]
)
def test_a_rate_that_browsers_need_not_play_is_refused(rate_hz, words):
    with pytest.raises(ValueError, match=words):
        player.play({"a": GOOD}, rate_hz)


def test_more_than_a_browser_takes_is_refused_with_a_length_that_it_takes(monkeypatch):
    monkeypatch.setattr(piece, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"cut each to 125 samples"):
        player.play({"a": np.zeros((2, 200), np.float32), "b": np.zeros((2, 200), np.float32)}, RATE_HZ)
    player.play({"a": np.zeros((2, 125), np.float32), "b": np.zeros((2, 125), np.float32)}, RATE_HZ)


# ---- without a browser --------------------------------------------------------------------------------------------


@pytest.mark.slow(0.6)
def test_the_output_carries_a_picture_with_words_and_the_mixture_as_sound(stems):
    data, metadata = player.play(stems, RATE_HZ, "Two tones & noise")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    words = "Waveforms and spectrograms of low, high, 1.0 s."
    assert metadata["image/png"]["alt"] == words
    assert data["text/plain"].endswith(words)
    found = _Elements(data["text/html"]).found
    assert found["img"]["alt"] == words
    assert found["audio"]["aria-label"] == "Two tones & noise, all stems together"
    assert "controls" in found["audio"]
    heard, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(found["audio"]["src"].split(",")[1])))
    assert rate_hz == RATE_HZ
    mixture = sum(stems.values())
    samples = min(len(heard), mixture.shape[1])
    likeness = np.corrcoef(heard[:samples, 0], mixture[0, :samples])[0, 1]
    assert likeness > 0.99


def test_the_fallback_of_a_long_piece_is_its_beginning_and_says_so(monkeypatch, stems):
    monkeypatch.setattr(player, "FALLBACK_S", 0.5)
    monkeypatch.setattr(fallback, "MP3_RATES_HZ", ())
    audio = _Elements(player.play(stems, RATE_HZ).static()[1]).found["audio"]
    heard, _ = soundfile.read(io.BytesIO(base64.b64decode(audio["src"].split(",")[1])))
    assert len(heard) == RATE_HZ // 2
    assert audio["aria-label"].endswith("the first 0.5 s")


def test_the_fallback_sound_is_peak_safe_and_knows_odd_rates(stems):
    page = fallback.audio_html(10 * stems["low"], 22_000, "x")
    heard, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(_Elements(page).found["audio"]["src"].split(",")[1])))
    assert rate_hz == 22_000
    assert np.abs(heard).max() == pytest.approx(fallback.PEAK, abs=1e-3)


@pytest.mark.slow(2)
def test_drawing_leaves_pyplot_alone_and_importing_loads_no_matplotlib():
    code = (
        "import sys, numpy\n"
        "from mss_lab.widgets import controls, player\n"
        "assert 'matplotlib' not in sys.modules, 'imported too early'\n"
        "player.play({'a': numpy.zeros((1, 100), 'f4')}, 16000)._repr_mimebundle_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot was used'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_picture_without_a_page_has_a_strip_for_every_version(stems, monkeypatch):
    drawn = []
    monkeypatch.setattr(fallback, "strips_png", lambda *args: drawn.append(args) or b"png")
    louder = {name: 2 * waveform for name, waveform in stems.items()}
    made = player.play({"truth": stems, "estimate": louder}, RATE_HZ)
    made.static()
    envelopes, pictures = drawn[0][2], drawn[0][3]
    assert list(envelopes) == [f"{version}\n{stem}" for version in ("truth", "estimate") for stem in stems]
    assert list(pictures) == list(envelopes)
    for stem in stems:
        np.testing.assert_allclose(envelopes[f"estimate\n{stem}"], 2 * envelopes[f"truth\n{stem}"])
    colours = drawn[0][5]
    assert colours[: len(stems)] == colours[len(stems) :] == list(plots.COLOURS[: len(stems)])
    assert all(f"{version}: " in made.describe() for version in ("truth", "estimate"))


def test_by_ear_only_the_first_version_is_drawn(stems, monkeypatch):
    drawn = []
    monkeypatch.setattr(fallback, "strips_png", lambda *args: drawn.append(args) or b"png")
    made = player.play({"reference": stems, "A": stems, "B": stems}, RATE_HZ, by_ear=True)
    made.static()
    assert list(drawn[0][2]) == [f"reference\n{stem}" for stem in stems]
    assert made.describe().endswith("reference: low, high. Not in the picture: A, B.")
    assert made.content["byEar"] and not player.play(stems, RATE_HZ).content["byEar"]
    # All of them can be heard.
    assert list(unpack(made)) == ["reference", "A", "B"]


@pytest.mark.parametrize(
    ("stems_of_versions", "share"),
    [
        ((4, 4), ""),
        ((4, 4, 4), "2 of 4 stems of each version"),
        ((2,) * 5, "1 of 2 stems of each version"),
        ((4, 4, 2), "the first 2 stems of each version"),
        ((2, 2, 2, 2, 1), "the first stem of each version"),
        ((9,), ""),
    ],
)
def test_the_picture_states_how_many_stems_of_a_version_it_shows(monkeypatch, stems, stems_of_versions, share):
    drawn = []
    monkeypatch.setattr(fallback, "strips_png", lambda *args: drawn.append(args) or b"png")
    versions = {
        f"version {number}": {f"stem {stem}": stems["low"] for stem in range(count)}
        for number, count in enumerate(stems_of_versions)
    }
    made = player.play(versions, RATE_HZ, "Versions")
    made.static()
    assert drawn[0][0] == (f"Versions\nin this picture: {share}" if share else "Versions")
    assert (f"In the picture: {share}. version 0: " in made.describe()) == bool(share)
    made.piece = dataclasses.replace(made.piece, title="")
    made.static()
    assert drawn[1][0] == (f"in this picture: {share}" if share else "")


def test_many_versions_have_one_strip_each_and_the_others_are_named(stems, monkeypatch):
    drawn = []
    monkeypatch.setattr(fallback, "strips_png", lambda *args: drawn.append(args) or b"png")
    versions = {f"start {number}": stems for number in range(9)}
    made = player.play(versions, RATE_HZ)
    made.static()
    first = next(iter(stems))
    # Each version has more stems, so the strip says which of them it shows.
    assert list(drawn[0][2]) == [f"start {number}\n{first}" for number in range(8)]
    assert made.describe().endswith("Not in the picture: start 8.")
    player.play({name: {first: stems[first]} for name in versions}, RATE_HZ).static()
    assert list(drawn[1][2]) == list(versions)[:8]


@pytest.mark.parametrize("count", [1, 9])
def test_one_stem_and_nine_have_a_row_and_a_strip_each(count, rng):
    """With more stems than colours, the colours begin again, and the names still differ."""
    many = {f"player {number}": rng.standard_normal((1, 4000)).astype(np.float32) for number in range(count)}
    made = player.play(many, RATE_HZ)
    assert made.piece.row_names == list(many)
    assert len(made._strips) == count
    png, page = made.static()
    assert png.startswith(b"\x89PNG")
    assert ", ".join(many) in page
    np.testing.assert_allclose(made.piece.mixture, sum(many.values()), atol=1e-5)
