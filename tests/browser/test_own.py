"""The panel "Separate your own" in a real browser: in JupyterLab, and as the page of `mss-lab serve`."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from mss_lab import audio, catalogue, serve, signals
from mss_lab.score import midi
from mss_lab.score.notes import Note, Score
from tests.browser import workbench
from tests.browser.workbench import rendered

pytestmark = pytest.mark.browser

RATE_HZ = 16_000
CELL = "from mss_lab.widgets import own\n\npanel = own.panel()\npanel"
TOKEN = "4f3c0d2a9b"
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture
def mixture():
    low = signals.pan(signals.harmonic_tone(220, 2.0, RATE_HZ, amplitude=0.2), 0.3)
    high = signals.pan(signals.harmonic_tone(659.3, 2.0, RATE_HZ, amplitude=0.2), 1.2)
    return (low + high + signals.clicks([0.5, 1.0], 2.0, RATE_HZ, amplitude=0.3)).astype(np.float32)


@pytest.fixture
def song(mixture, tmp_path):
    audio.write_audio(tmp_path / "my song.wav", mixture, RATE_HZ)
    return tmp_path / "my song.wav"


def show(server, page, name):
    workbench.write_notebook(server, name, CELL)
    workbench.open_notebook(page, server, name)
    workbench.run_all(page, ".mss-own")


def await_words(page, text):
    page.wait_for_function("(text) => document.querySelector('.mss-words').textContent.includes(text)", arg=text)


def choose(page, label, path):
    page.get_by_label(label).set_input_files(path)


def check_sounds(page, method, expected):
    """The stems on the page, soloed one by one, are those of Python; the whole is level-matched with the recording."""
    shown = page.locator(".mss-player")
    content = shown.evaluate("(root) => root.mssPlayer.state()")
    assert content["levelMatched"]
    whole = rendered(shown)
    # All versions are turned down by one gain where their sum would clip.
    gain = np.sum(whole * sum(expected.values())) / np.sum(sum(expected.values()) ** 2)
    for name, waveform in expected.items():
        # A kernel with another number of threads rounds in another way.
        np.testing.assert_allclose(rendered(shown, {"solo": [name]}), gain * waveform, atol=2e-3, err_msg=name)
    np.testing.assert_allclose(rendered(shown, {"version": 1}), whole, atol=2e-3)


@pytest.mark.slow(15)
def test_an_uploaded_file_is_separated_heard_and_saved(server, page, song, mixture, tmp_path):
    show(server, page, "own.ipynb")
    separate = page.get_by_role("button", name="Separate")
    expect(separate).to_be_disabled()
    before = set(server.folder.iterdir())
    choose(page, "Recording, an audio file", song)
    await_words(page, "my song.wav: 2.0 s, two channels, 16000 Hz")

    # Methods that cannot work are listed with the reason, and cannot be chosen.
    options = page.get_by_role("combobox", name="Method", exact=True).locator("option")
    listed = dict(zip(options.all_inner_texts(), [each.is_disabled() for each in options.all()], strict=True))
    assert len(listed) == len(catalogue.names())
    assert listed["score-masks: needs a score"]
    assert not listed["duet"]

    # By keyboard alone: a letter goes to the next method that begins with it.
    method = page.get_by_role("combobox", name="Method", exact=True)
    method.focus()
    page.keyboard.type("repet-s")
    page.keyboard.press("Tab")
    expect(method).to_have_value("repet-similarity")
    page.wait_for_function("() => document.querySelector('.mss-facts').textContent.includes('recurring')")
    separate.focus()
    page.keyboard.press("Enter")
    await_words(page, "repet-similarity: 2 stems")
    expected = catalogue.separator("repet-similarity")(mixture, RATE_HZ)
    check_sounds(page, "repet-similarity", expected)

    with page.expect_download() as download:
        page.get_by_role("button", name="Save stems").click()
    assert download.value.suggested_filename == "my song repet-similarity.zip"
    download.value.save_as(tmp_path / "stems.zip")
    with zipfile.ZipFile(tmp_path / "stems.zip") as archive:
        assert set(archive.namelist()) == {f"{name}.flac" for name in expected}
        for name, waveform in expected.items():
            samples, rate_hz = soundfile.read(io.BytesIO(archive.read(f"{name}.flac")))
            assert rate_hz == RATE_HZ
            np.testing.assert_allclose(samples.T, waveform, atol=2**-23)
    # Nothing is written beside the notebook.
    assert set(server.folder.iterdir()) == before

    score = Score((Note("low", 57, 0.0, 2.0), Note("high", 76, 0.0, 2.0)))
    midi.write_midi(tmp_path / "notes.mid", score)
    choose(page, "Score: MIDI, MusicXML or CSV", tmp_path / "notes.mid")
    await_words(page, "notes.mid: 2 notes, low, high")
    method.select_option("score-masks")
    page.locator("summary", has_text="Options").click()
    page.get_by_label("harmonics", exact=True).fill("6")
    page.get_by_label("harmonics", exact=True).press("Enter")
    separate.click()
    await_words(page, "score-masks: 2 stems")
    check_sounds(page, "score-masks", catalogue.separator("score-masks", harmonics=6)(mixture, RATE_HZ, score))
    assert page.mss_errors == []


@pytest.mark.slow(10)
def test_what_cannot_be_used_is_said_and_the_panel_goes_on(server, page, song, tmp_path):
    show(server, page, "own_bad.ipynb")
    note = page.locator(".mss-note").first
    (tmp_path / "letter.wav").write_text("Dear reader, " * 1000)
    choose(page, "Recording, an audio file", tmp_path / "letter.wav")
    await_words(page, "Error: letter.wav could not be read as audio")
    (tmp_path / "empty.wav").touch()
    choose(page, "Recording, an audio file", tmp_path / "empty.wav")
    await_words(page, "Error: empty.wav is empty")

    # A file that takes no space on the disk; none of its bytes may travel.
    with (tmp_path / "huge.wav").open("wb") as file:
        file.truncate(10**9)
    page.evaluate("""() => {
        window.mssSent = 0;
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {
            window.mssSent += data.byteLength ?? data.length;
            return send.call(this, data);
        };
    }""")
    began_s = time.monotonic()
    choose(page, "Recording, an audio file", tmp_path / "huge.wav")
    page.wait_for_function("() => document.querySelector('.mss-note').textContent.includes('huge.wav')")
    assert time.monotonic() - began_s < 20
    assert note.inner_text().startswith("huge.wav has 1.00 GB, and at most 300 MB can be sent; cut an excerpt")
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.mssSent") < 100_000

    # Nobody may use the microphone here, and there is none.
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_function("() => /microphone/i.test(document.querySelector('.mss-note').textContent)")
    expect(note).to_contain_text("hoose a file")

    choose(page, "Recording, an audio file", song)
    await_words(page, "my song.wav: 2.0 s")
    expect(note).to_have_text("")
    # Letters typed on the panel change no cell.
    cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    before = page.evaluate(cells)
    for key in "ddabx":
        page.get_by_role("combobox", name="Method", exact=True).press(key)
    assert page.evaluate(cells) == before
    assert page.mss_errors == []


@pytest.mark.slow(12)
def test_a_sound_from_the_microphone_is_recorded_or_its_denial_is_said(server, browser):
    with workbench.launched(browser.browser_type, *MICROPHONE) as allowing:
        page = workbench.open_page(allowing)
        show(server, page, "own_microphone.ipynb")
        page.get_by_role("button", name="Record", exact=True).click()
        page.get_by_role("button", name="Stop recording").wait_for()
        page.wait_for_timeout(2500)
        page.get_by_role("button", name="Stop recording").click()
        await_words(page, "recording.wav: ")
        # Chromium's microphone beeps once a second.
        said = workbench.run_cell(
            page,
            "import numpy as np; one = panel.recording; print(one.duration_s, float(np.abs(one.waveform).max()))",
        )
        duration_s, peak = map(float, said.split())
        assert 1 < duration_s < 20
        assert 0.01 < peak <= 1
        assert page.mss_errors == []
        page.context.close()
    # The same browser, whose reader says no.
    with workbench.launched(browser.browser_type, MICROPHONE[0], "--deny-permission-prompts") as denying:
        page = workbench.open_page(denying)
        show(server, page, "own_denied.ipynb")
        page.get_by_role("button", name="Record", exact=True).click()
        page.wait_for_function("() => document.querySelector('.mss-note').textContent.includes('not allowed')")
        expect(page.locator(".mss-note").first).to_contain_text("press Record again")
        assert page.mss_errors == []
        page.context.close()


# ---- mss-lab serve ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def served(folder):
    """`mss-lab serve` on a free port; its address."""
    port = workbench.free_port()
    places = {name: str(folder / "home") for name in ("HOME", *serve.OWN_FOLDERS)}
    (folder / "home").mkdir()
    (folder / "temporary").mkdir()
    environment = {**os.environ, **places, "JUPYTER_TOKEN": TOKEN, "TMPDIR": str(folder / "temporary")}
    command = [sys.executable, "-m", "mss_lab.cli", "serve", "--port", str(port), "--no-browser"]
    log = folder / "log"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
        try:
            until_s = time.monotonic() + workbench.START_TIMEOUT_S
            while True:
                try:
                    opener.open(f"http://127.0.0.1:{port}/login", timeout=5).close()
                    break
                except (urllib.error.URLError, OSError):
                    assert process.poll() is None and time.monotonic() < until_s, log.read_text()
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


@pytest.mark.slow(20)
def test_the_page_of_its_own_asks_for_the_token_and_separates(page, song, mixture, tmp_path):
    pytest.importorskip("voila", reason="not run: the page needs voila, pip install 'mss-lab[serve]'")
    requests = []
    page.context.on("request", lambda request: requests.append(request.url))
    with served(tmp_path) as address:
        page.goto(address)
        assert urlsplit(page.url).path == "/login"
        expect(page.locator(".mss-own")).to_have_count(0)
        page.goto(f"{address}/?token={TOKEN}")
        page.wait_for_selector(".mss-own")
        choose(page, "Recording, an audio file", song)
        await_words(page, "my song.wav: 2.0 s")
        page.get_by_role("combobox", name="Method", exact=True).select_option("hpss")
        page.get_by_role("button", name="Separate").click()
        await_words(page, "hpss: 2 stems")
        check_sounds(page, "hpss", catalogue.separator("hpss")(mixture, RATE_HZ))
        with page.expect_download() as download:
            page.get_by_role("button", name="Save stems").click()
        assert zipfile.is_zipfile(download.value.path())
        assert page.mss_errors == []
        page.close()
        reached = {urlsplit(url).netloc for url in requests if urlsplit(url).scheme in ("http", "https", "ws")}
        assert reached == {urlsplit(address).netloc}
    assert list((tmp_path / "temporary").iterdir()) == []
    assert list((tmp_path / "home").iterdir()) == []
