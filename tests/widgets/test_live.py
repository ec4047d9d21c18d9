"""The live curve: every row is kept, pictures come when they are due, and the last one always."""

import pytest

from mss_lab.widgets import live


class Page:
    """Keeps what would be shown."""

    def __init__(self):
        self.shown = []

    def __call__(self, picture, display_id):
        assert display_id
        self.update(picture)
        return self

    def update(self, picture):
        self.shown.append(picture.alternative_text)
        assert picture.png.startswith(b"\x89PNG")


@pytest.fixture
def page(monkeypatch):
    page = Page()
    monkeypatch.setattr(live, "display", page)
    return page


def row(step):
    return {"step": step, "loss": 1 / step, "seconds": 0.1 * step}


def test_one_picture_is_exchanged_as_rows_come(page):
    with live.curve(every_s=0) as draw:
        draw(row(1))
        draw(row(2))
    assert page.shown[0] == "Training curve with no row yet."
    assert "1 at step 1" in page.shown[1] and "0.5 at step 2" in page.shown[2] and len(page.shown) == 4
    assert draw.rows == [row(1), row(2)]


def test_between_two_pictures_time_passes_and_the_end_is_drawn_also_after_an_error(page):
    with pytest.raises(KeyError), live.curve(every_s=60) as draw:
        for step in range(1, 50):
            draw(row(step))
        raise KeyError
    assert len(page.shown) == 2 and "at step 49" in page.shown[-1]


def test_a_run_that_goes_on_is_drawn_with_what_there_was(page):
    before = (row(1), row(2))
    with live.curve(before, over="step") as draw:
        draw(row(3))
    assert draw.rows == [row(1), row(2), row(3)] and before == (row(1), row(2))
    assert "1 at step 1" in page.shown[0]


def test_what_cannot_be_drawn_over_is_refused():
    with pytest.raises(ValueError, match="over must be one of"):
        live.curve(over="epochs")
    with pytest.raises(ValueError, match="every_s"):
        live.curve(every_s=-1)
