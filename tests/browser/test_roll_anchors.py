"""Anchors of the piano roll in a real browser: by mouse and by keyboard, the notes between two of them follow."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from mss_lab.score import midi
from tests.browser import workbench
from tests.browser.test_drawn_inputs import mouse_drag
from tests.browser.test_piano_roll import AT_REST, await_said, notes, place, said, show

pytestmark = pytest.mark.browser

# Eight notes, one each second, and a long one beside them; what the kernel receives is kept.
ANCHORS = """\
import json
from mss_lab.score.notes import Note, Score
from mss_lab.widgets import piano_roll

notes = tuple(Note("flute", 60 + n, n, n + 0.9) for n in range(8))
score = Score((*notes, Note("horn", 48, 0.5, 6.5)), ("flute", "horn"))
roll = piano_roll.editor(score, label="Notes")
values = []
roll.observe(lambda change: values.append(change["new"]), "value")
roll
"""
READ_ANCHORS = """\
times = [[(note.onset_s, note.offset_s) for note in one.notes] for one in (score, roll.value)]
print(json.dumps([*times, roll.anchors, len(values)]))
"""


@pytest.mark.slow(30)
def test_the_notes_between_two_anchors_follow_the_one_that_is_dragged(server, page, tmp_path):
    roll = show(server, page, "anchors.ipynb", ANCHORS)
    check_anchors_by_mouse(page, roll)
    check_anchors_by_keys(page, roll)
    check_the_saved_file(page, roll, tmp_path)
    check_python_sets_anchors(page)
    assert page.mss_errors == []


def anchor_point(page, roll, seconds):
    """A point of the row above the notes, which cells that were run since may have pushed out of the window."""
    page.locator(".mss-anchors").scroll_into_view_if_needed()
    box = page.locator(".mss-anchors").bounding_box()
    return place(roll, seconds, 60)[0], box["y"] + box["height"] / 2


def handles(page):
    """What a screen reader says of each anchor."""
    page.wait_for_function(AT_REST)
    return page.locator(".mss-anchor:visible").evaluate_all(
        "(all) => all.map((one) => [one.ariaLabel, one.ariaValueText])"
    )


def kernel_anchors(page, until=lambda pairs: True):
    """Times of the notes at first and now, float (notes, 2); the anchors; and how many scores the kernel has received.

    By the definition of anchors: between two of them, and the start and the end of ten seconds, the map is linear.
    """
    page.wait_for_function(AT_REST)
    for _ in range(100):
        first, now, pairs, count = json.loads(workbench.run_cell(page, READ_ANCHORS))
        if until(pairs):
            break
        page.wait_for_timeout(250)
    return np.array(first), np.array(now), np.array(pairs).reshape(-1, 2), count


def by_definition(first, pairs):
    knots = np.concatenate([[[0, 0]], pairs, [[10, 10]]])
    return np.interp(first, knots[:, 0], knots[:, 1])


def check_anchors_by_mouse(page, roll):
    expect(page.locator(".mss-anchors")).to_contain_text("Double-click here")
    for seconds in (1.95, 5.95, 3.95):
        page.mouse.dblclick(*anchor_point(page, roll, seconds))
    page.wait_for_function(AT_REST)
    assert [label for label, _ in handles(page)] == ["Anchor 1 of 3", "Anchor 2 of 3", "Anchor 3 of 3"]
    first, now, pairs, received = kernel_anchors(page, lambda pairs: len(pairs) == 3)
    np.testing.assert_allclose(pairs, np.array([[1.95, 3.95, 5.95]] * 2).T, atol=0.02)
    np.testing.assert_array_equal(first, now)
    assert received == 0
    # While it is dragged, the notes are drawn where they would be, and nothing is sent.
    page.mouse.move(*anchor_point(page, roll, pairs[1, 1]))
    page.mouse.down()
    page.mouse.move(*anchor_point(page, roll, 4.75), steps=8)
    page.wait_for_function(AT_REST)
    expect(said(page)).to_have_text(handles(page)[1][1])
    expect(said(page)).to_contain_text("score 3.9")
    drawn = """(root) => {
        const { width, height } = root.querySelectorAll('.mss-layer')[2];
        const pen = root.querySelectorAll('.mss-layer')[2].getContext('2d');
        return pen.getImageData(0, 0, width, height).data.some(Boolean);
    }"""
    assert roll.evaluate(drawn)
    assert notes(roll)[5] == (0, 64, 4, 4.9)
    page.mouse.up()
    expect(said(page)).to_contain_text("s: 4 notes moved")
    first, now, pairs, received = kernel_anchors(page, lambda pairs: pairs[1][1] > 4.5)
    assert received == 1
    assert pairs[1] == pytest.approx([3.95, 4.75], abs=0.02)
    np.testing.assert_allclose(now, by_definition(first, pairs), rtol=0, atol=1e-9)
    # What lies beside the neighbours has not moved at all: two notes before, two after, and the ends of the long one.
    np.testing.assert_array_equal(now[[0, 1, 2, 7, 8]], first[[0, 1, 2, 7, 8]])
    assert not roll.evaluate(drawn)
    # No farther than to its neighbour, and Escape takes a drag back.
    mouse_drag(page, anchor_point(page, roll, pairs[1, 1]), anchor_point(page, roll, 9))
    first, now, pairs, _ = kernel_anchors(page, lambda pairs: pairs[1][1] > 5)
    assert pairs[2, 1] - pairs[1, 1] == pytest.approx(0.02)
    np.testing.assert_allclose(now, by_definition(first, pairs), rtol=0, atol=1e-9)
    assert (np.diff(now, axis=1) > 0).all()
    before = notes(roll)
    page.mouse.move(*anchor_point(page, roll, pairs[0, 1]))
    page.mouse.down()
    page.mouse.move(*anchor_point(page, roll, 1), steps=4)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert notes(roll) == before
    for _ in range(2):
        roll.get_by_role("button", name="Undo").click()
    expect(said(page)).to_contain_text("Undone: Anchor 2, score 3.9")
    first, now, pairs, _ = kernel_anchors(page, lambda pairs: pairs[1][1] < 4.5)
    np.testing.assert_array_equal(first, now)
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])


def check_anchors_by_keys(page, roll):
    page.locator(".mss-roll .mss-field").focus()
    # At the start of a selected note; then 0.05 s later three times, and 0.01 s earlier.
    for key in ("Home", "ArrowRight", "ArrowRight", "t"):
        page.keyboard.press(key)
    assert page.evaluate("() => document.activeElement.ariaLabel") == "Anchor 1 of 4"
    assert handles(page)[0] == ["Anchor 1 of 4", "score 1.00 s at 1.00 s"]
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert handles(page)[0][1] == "score 1.00 s at 1.14 s"
    expect(said(page)).to_have_text("Anchor 1, score 1.00 s at 1.14 s: 3 notes moved")
    first, now, pairs, _ = kernel_anchors(page, lambda pairs: abs(pairs[0][1] - 1.14) < 1e-6)
    assert pairs[0] == pytest.approx([1, 1.14], abs=1e-9)
    np.testing.assert_allclose(now, by_definition(first, pairs), rtol=0, atol=1e-9)
    assert now[2, 0] == pytest.approx(1.14)
    # One more, whose moment of the score is not its time: it moves nothing, and the definition holds.
    page.mouse.dblclick(*anchor_point(page, roll, 1.6))
    first, now, pairs, received = kernel_anchors(page, lambda pairs: len(pairs) == 5)
    assert pairs[1, 0] < pairs[1, 1] - 0.04
    np.testing.assert_allclose(now, by_definition(first, pairs), rtol=0, atol=1e-9)
    # Deleted, the anchor leaves the notes where they are, and the next one has the keys.
    page.get_by_label("Anchor 1 of 5").focus()
    page.keyboard.press("Delete")
    assert len(handles(page)) == 4
    assert page.evaluate("() => document.activeElement.ariaLabel") == "Anchor 1 of 4"
    _, same, _, also = kernel_anchors(page, lambda pairs: len(pairs) == 4)
    np.testing.assert_array_equal(same, now)
    assert also == received
    page.get_by_label("Anchor 1 of 4").focus()
    for _ in range(7):
        page.keyboard.press("Control+z")
    first, now, pairs, _ = kernel_anchors(page, lambda pairs: len(pairs) == 3)
    np.testing.assert_array_equal(first, now)
    roll.get_by_role("button", name="Redo").click()
    assert len(handles(page)) == 4


def check_the_saved_file(page, roll, tmp_path):
    """It has the newest notes, although the last edit was made in the same moment."""
    kernel_anchors(page, lambda pairs: len(pairs) == 4)
    page.wait_for_timeout(300)
    with page.expect_download() as download:
        roll.get_by_role("button", name="Save MIDI").evaluate(
            """(button) => {
                const handle = button.closest('.mss-roll').querySelector('.mss-anchor');
                handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
                button.click();
            }"""
        )
    assert download.value.suggested_filename == "Notes.mid"
    await_said(page, "Saved Notes.mid")
    download.value.save_as(tmp_path / "Notes.mid")
    _, now, _, _ = kernel_anchors(page)
    saved = midi.read_midi(tmp_path / "Notes.mid")
    assert saved.sources == ("flute", "horn")
    assert [note.midi for note in saved.notes] == [pitch for _, pitch, *_ in notes(roll)]
    times = [(note.onset_s, note.offset_s) for note in saved.notes]
    np.testing.assert_allclose(times, now, rtol=0, atol=midi.TICK_S)
    assert now[2, 0] == pytest.approx(1.05)


def check_python_sets_anchors(page):
    _, before, _, _ = kernel_anchors(page)
    workbench.run_cell(page, "roll.anchors = [(1, 1.5), (5, 5)]")
    assert handles(page) == [["Anchor 1 of 2", "score 1.00 s at 1.50 s"], ["Anchor 2 of 2", "score 5.00 s at 5.00 s"]]
    _, now, _, _ = kernel_anchors(page)
    np.testing.assert_array_equal(now, before)
    workbench.run_cell(page, "roll.value = Score(notes)")
    await_said(page, "The program has replaced the notes")
    page.wait_for_function(AT_REST)
    assert handles(page) == []
