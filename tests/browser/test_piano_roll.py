"""The piano roll in a real browser: edited by mouse and by keyboard, and what a panel makes of it."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser import workbench
from tests.browser.test_drawn_inputs import await_words, mouse_drag

pytestmark = pytest.mark.browser

# Three tones that follow each other, at pitches whose harmonics do not meet: a note's sound is known by its time.
ROLL = """\
import json
import numpy as np
from mss_lab import signals
from mss_lab.score import harmonics
from mss_lab.score.notes import Note, Score
from mss_lab.widgets import controls, piano_roll

rate = 16_000
tones = [signals.harmonic_tone(hz, 1, rate, amplitude=0.3) for hz in (440, 523.25, 261.63)]
mixture = np.concatenate(tones, axis=1).astype(np.float32)
notes = (Note("flute", 69, 0, 1), Note("flute", 72, 1, 2), Note("horn", 60, 2, 3))
score = Score(notes, ("flute", "horn", "cello"))
roll = piano_roll.editor(score, mixture, rate, support=[0.9, 0.9, 0.1], label="Notes")
alone = piano_roll.picked(roll)


def separate(score, note):
    estimates = harmonics.separate(mixture, rate, score, tolerance_s=0.0, tuning_hz=440)
    written = ", ".join(f"{n.source} {n.midi} {n.onset_s:.2f}" for n in score.notes)
    return controls.View(sound=estimates, sample_rate_hz=rate, text=f"{written}; {len(note)}")


panel = controls.explore(separate, score=roll, note=alone)
panel
"""
FIRST = "flute 69 0.00, flute 72 1.00, horn 60 2.00"
READ = (
    "print(json.dumps([[n.source, n.midi, round(n.onset_s, 3), round(n.offset_s, 3)] for n in roll.value.notes]),"
    " roll.selected)"
)
MANY = """\
import numpy as np
from mss_lab.score.notes import Note, Score
from mss_lab.widgets import piano_roll

notes = tuple(Note(f"p{n % 4}", 48 + n % 37, 0.06 * n, 0.06 * n + 0.5) for n in range(10_000))
roll = piano_roll.editor(Score(notes), np.random.default_rng(0).standard_normal((1, 600 * 4000)) * 0.1, 4000)
roll
"""
# Energy of a player alone in each second of what the player would play.
SECONDS = """async (root, name) => {
    const [samples] = await root.mssPlayer.renderOffline({ solo: [name] }, {});
    const second = (s) => samples.slice(16000 * s + 1600, 16000 * (s + 1) - 1600);
    return [0, 1, 2].map((s) => second(s).reduce((sum, x) => sum + x * x, 0));
}"""
AT_REST = "() => document.querySelector('.mss-roll').mssRoll.atRest()"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"


def show(server, page, name, code):
    workbench.write_notebook(server, name, code)
    workbench.open_notebook(page, server, name)
    workbench.run_all(page, ".mss-roll")
    roll = page.locator(".mss-roll")
    roll.scroll_into_view_if_needed()
    return roll


def said(page):
    return page.locator(".mss-roll .mss-said")


def await_said(page, words):
    page.wait_for_function(
        "(words) => document.querySelector('.mss-roll .mss-said').textContent.includes(words)", arg=words
    )


def point(roll, index, share=0.5):
    return roll.evaluate("(root, [index, share]) => root.mssRoll.point(index, share)", [index, share])


def place(roll, seconds, midi):
    return roll.evaluate("(root, [s, midi]) => root.mssRoll.place(s, midi)", [seconds, midi])


def notes(roll):
    found = roll.evaluate("(root) => root.mssRoll.notes()")
    return [(note["player"], note["midi"], round(note["onS"], 2), round(note["offS"], 2)) for note in found]


def kernel_notes(page, until=lambda rows: True):
    """What the kernel has, in the order of the score: player, pitch, onset, offset; and which are selected.

    An edit travels beside the cells, so the kernel is asked again for some seconds while `until` does not hold.
    """
    page.wait_for_function(AT_REST)
    for _ in range(100):
        answer, _, selected = workbench.run_cell(page, READ).rpartition("] [")
        players = ("flute", "horn", "cello")
        rows = [
            (players.index(name), midi, round(on, 2), round(off, 2)) for name, midi, on, off in json.loads(f"{answer}]")
        ]
        if until(rows):
            break
        page.wait_for_timeout(250)
    return rows, selected.rstrip("] \n")


@pytest.mark.slow(25)
def test_notes_are_edited_and_the_player_follows(server, page):
    roll = show(server, page, "roll.ipynb", ROLL)
    await_words(page, f"{FIRST}; 0")
    page.wait_for_selector(".mss-player")
    expect(said(page)).to_have_text("3 notes, 1 hardly supported by the recording (dashed)")
    check_the_mouse(page, roll)
    check_undo_and_redo(page, roll)
    check_a_note_given_to_another_is_heard(page, roll)
    check_the_keys(page, roll)
    check_python_sets_the_notes(page, roll)
    assert page.mss_errors == []


def check_the_mouse(page, roll):
    page.mouse.click(*point(roll, 1))
    expect(said(page)).to_have_text("flute C5, 1.00 to 2.00 s; note 2 of 3")
    await_words(page, f"{FIRST}; 1")
    # In time and in pitch at once.
    start = point(roll, 1)
    there = place(roll, 1.75, 74)
    mouse_drag(page, start, there)
    moved = (0, 74, 1.25, 2.25)
    assert notes(roll)[1] == pytest.approx(moved, abs=0.02)
    expect(said(page)).to_contain_text("moved 2 semitones up and 0.25 s later")
    sent, selected = kernel_notes(page)
    assert sent[1] == pytest.approx(moved, abs=0.02)
    assert selected == "1"
    # An end of it, and a start of another.
    x, y = point(roll, 1, 1)
    mouse_drag(page, (x - 3, y), (x + 40, y))
    longer = notes(roll)[1]
    assert longer[:3] == notes(roll)[1][:3]
    assert longer[3] > moved[3] + 0.05
    x, y = point(roll, 0, 0)
    mouse_drag(page, (x + 3, y), place(roll, 0.5, 69))
    assert notes(roll)[0] == pytest.approx((0, 69, 0.5, 1), abs=0.02)
    # A rubber band around two, and both at once.
    mouse_drag(page, place(roll, 0.2, 67), place(roll, 2.9, 76.4))
    expect(said(page)).to_have_text("2 notes selected")
    mouse_drag(page, point(roll, 0), place(roll, 0.75, 68))
    assert [midi for _, midi, *_ in notes(roll)] == [68, 73, 60]
    # A new note for the player of the last one, where there was none; then one that is drawn.
    page.mouse.dblclick(*place(roll, 0.3, 64))
    assert notes(roll)[0] == pytest.approx((0, 64, 0.3, 0.8), abs=0.02)
    page.get_by_role("button", name="Draw").click()
    mouse_drag(page, place(roll, 0.1, 62), place(roll, 0.4, 62))
    page.get_by_role("button", name="Draw").click()
    assert notes(roll)[0] == pytest.approx((0, 62, 0.1, 0.4), abs=0.02)
    roll.get_by_role("button", name="Delete").click()
    assert len(notes(roll)) == 4
    assert kernel_notes(page, lambda rows: rows == notes(roll))[0] == notes(roll)


def check_undo_and_redo(page, roll):
    edited = notes(roll)
    page.locator(".mss-roll .mss-field").focus()
    for _ in range(7):
        page.keyboard.press("Control+z")
    expect(said(page)).to_contain_text("Undone")
    first = [(0, 69, 0, 1), (0, 72, 1, 2), (1, 60, 2, 3)]
    assert notes(roll) == first
    assert kernel_notes(page, lambda rows: rows == first)[0] == first
    page.locator(".mss-roll .mss-field").focus()
    page.keyboard.press("Control+z")
    expect(said(page)).to_have_text("There is nothing to undo")
    for _ in range(7):
        page.keyboard.press("Control+Shift+Z")
    assert notes(roll) == edited
    assert kernel_notes(page, lambda rows: rows == edited)[0] == edited
    for _ in range(7):
        page.get_by_role("button", name="Undo").click()
    await_words(page, f"{FIRST}; 1")
    assert notes(roll) == first


def check_a_note_given_to_another_is_heard(page, roll):
    player = page.locator(".mss-player")
    before = {name: np.array(player.evaluate(SECONDS, name)) for name in ("flute", "horn")}
    page.mouse.click(*point(roll, 1))
    page.keyboard.press("2")
    expect(said(page)).to_have_text("flute C5, 1.00 to 2.00 s: given to horn")
    await_words(page, "flute 69 0.00, horn 72 1.00, horn 60 2.00; 1")
    after = {name: np.array(player.evaluate(SECONDS, name)) for name in ("flute", "horn")}
    # Of the second in which the note sounds, all went; of the others, nothing.
    assert before["flute"][1] > 100 * before["horn"][1]
    assert after["horn"][1] == pytest.approx(before["flute"][1], rel=0.05)
    assert after["flute"][1] < 0.05 * before["flute"][1]
    for second in (0, 2):
        np.testing.assert_allclose(after["flute"][second], before["flute"][second], rtol=1e-3, atol=1e-3)
    assert kernel_notes(page, lambda rows: rows[1] == (1, 72, 1, 2))[0][1] == (1, 72, 1, 2)
    page.get_by_role("button", name="1 flute").click()
    assert kernel_notes(page, lambda rows: rows[1] == (0, 72, 1, 2))[0][1] == (0, 72, 1, 2)


def check_the_keys(page, roll):
    before = page.evaluate(CELLS)
    field = page.locator(".mss-roll .mss-field")
    field.focus()
    for key in ("Escape", "Home", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(said(page)).to_contain_text("horn C4, 2.00 to 3.00 s, hardly supported by the recording; note 3 of 3")
    assert "horn C4, 2.00 to 3.00 s, hardly supported" in field.get_attribute("aria-label")
    # Up to the nearest note above, and moved with it: half a tenth later, a semitone down, the end a little earlier.
    for key in ("ArrowUp", "Control+ArrowRight", "Alt+ArrowDown", "["):
        page.keyboard.press(key)
    assert notes(roll)[1] == pytest.approx((0, 71, 1.05, 2.0), abs=1e-6)
    for key in ("{", "3", "Shift+ArrowLeft", "Control+Shift+ArrowRight"):
        page.keyboard.press(key)
    assert notes(roll) == [(0, 69, 0.01, 1.01), (2, 71, 1.01, 2.01), (1, 60, 2, 3)]
    # D, A, B, X would change cells in the notebook's command mode; none may get through. N adds a note.
    for key in ("Escape", "d", "d", "a", "b", "x", "End", "n", "1"):
        page.keyboard.press(key)
    assert notes(roll)[3] == pytest.approx((0, 60, 3, 4), abs=1e-6)
    assert kernel_notes(page, lambda rows: rows == notes(roll))[0] == notes(roll)
    assert page.evaluate(CELLS) == before + 1
    field.focus()
    for key in ("Control+a", "Delete"):
        page.keyboard.press(key)
    expect(said(page)).to_have_text("4 notes: deleted")
    page.wait_for_function("() => document.querySelector('.mss-words').textContent.includes('no note')")
    view = roll.evaluate("(root) => root.mssRoll.view()")
    page.keyboard.press("+")
    page.keyboard.press("PageDown")
    zoomed = roll.evaluate("(root) => root.mssRoll.view()")
    assert zoomed["spanS"] == pytest.approx(view["spanS"] / 1.5)
    assert zoomed["startS"] > view["startS"]
    page.keyboard.press("0")
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert len(notes(roll)) == 3
    page.mouse.move(*place(roll, 0.0, 69))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function("(s) => document.querySelector('.mss-roll').mssRoll.view().spanS < s", arg=view["spanS"])


def check_python_sets_the_notes(page, roll):
    workbench.run_cell(page, "panel.set(score=Score((Note('horn', 60, 0, 1),), ('flute', 'horn', 'cello'))); None")
    await_said(page, "The program has replaced the notes")
    assert notes(roll) == [(1, 60, 0, 1)]
    workbench.run_cell(page, "roll.selected = [0]")
    assert roll.evaluate("(root) => root.mssRoll.selected()") == [0]
    said = workbench.run_cell(page, "roll.value = Score(())")
    assert "at least one source" in said
    assert notes(roll) == [(1, 60, 0, 1)]
    # The reader can take back what the program did.
    page.get_by_role("button", name="Undo").click()
    assert len(kernel_notes(page, lambda rows: len(rows) == 3)[0]) == 3


@pytest.mark.slow(20)
def test_ten_thousand_notes_respond(server, page):
    roll = show(server, page, "many.ipynb", MANY)
    expect(said(page)).to_have_text("10000 notes")
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(AT_REST)
    page.mouse.click(*point(roll, 5_000))
    for _ in range(13):
        page.keyboard.press("+")
    await_said(page, "are shown")
    mouse_drag(page, point(roll, 5_000), place(roll, 300.3, 60))
    expect(said(page)).to_contain_text("moved")
    page.wait_for_function(AT_REST)
    moved = roll.evaluate("(root) => { const at = root.mssRoll.selected()[0]; return [at, root.mssRoll.notes()[at]]; }")
    index, note = moved[0], moved[1]
    found = workbench.run_cell(page, f"print(len(roll.value.notes), roll.selected, roll.value.notes[{index}].onset_s)")
    assert found.split() == ["10000", f"[{index}]", repr(note["onS"])]
    page.locator(".mss-roll .mss-field").focus()
    # From a press to the next frame, in which the note is drawn at its new time: no longer than a reader notices.
    taken_ms = roll.evaluate(
        """async (root) => {
            const field = root.querySelector('.mss-field');
            const start = performance.now();
            field.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', ctrlKey: true, bubbles: true }));
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            return performance.now() - start;
        }"""
    )
    assert taken_ms < 2_000
    assert page.mss_errors == []
