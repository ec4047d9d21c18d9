"""Words of the old style do not return: their number in each folder has an upper limit, which is only ever lowered."""

import pytest

from tests import words

# Folders that are not listed have none of these words.
LIMITS = {
    "mss_lab/cli": 19,
    "mss_lab/content": 116,
    "mss_lab/datasets": 5,
    "mss_lab/grading": 8,
    "mss_lab/lessons": 8,
    "mss_lab/metrics": 1,
    "mss_lab/nmf": 2,
    "mss_lab/plots": 4,
}


def test_no_folder_has_more_words_of_the_old_style_than_its_limit():
    counts = words.by_room(words.of_folder(words.ROOT / "mss_lab"))
    too_many = {room: count.total() for room, count in counts.items() if count.total() > LIMITS.get(room, 0)}
    assert not too_many, (
        f"more words of the old style than allowed in {too_many}; "
        "`python -m tests.words --list FOLDER` shows them, and CONTRIBUTING.md says what to write instead"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("found = 1", ["found"]),
        ("def f(kin): pass", ["kin"]),
        ("def f():\n    for place in range(2): place_s = place", ["place", "place_s"]),
        ("peaks = 1  # what is heard", ["heard"]),
        ('raise ValueError("mend the file")', ["mend"]),
        ('print(f"nobody knows {1}")', ["nobody"]),
        ('"""A docstring\n\nfor whoever reads it."""', ["whoever"]),
        ("peaks = {'found': 1}", []),
        ("founder = heardable = 1", []),
    ],
)
def test_names_and_text_are_counted(source, expected):
    assert [one.word for one in words.of_source(source)] == expected


def test_the_line_is_that_of_the_word():
    assert words.of_source('"""One.\n\nheard here"""\n')[0].line == 3
