"""What commands print obeys no escape sequence, and can be printed in every encoding."""

import io
import sys

import pytest

from mss_lab import cli
from mss_lab.cli import plain


@pytest.mark.parametrize(
    "text, shown",
    [
        ("Gómez plays a\tpiece\n", "Gómez plays a\tpiece\n"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("over\rwritten \x9b2J", r"over\rwritten \x9b2J"),
        ("no text: \udcff", r"no text: \udcff"),
        ("turned \u202e about, unseen \u200b", r"turned \u202e about, unseen \u200b"),
        ("two\u2028lines", r"two\u2028lines"),
        ("𝄞", "𝄞"),
    ],
)
def test_only_what_is_unsafe_is_shown_as_an_escape(text, shown):
    assert plain.visible(text) == shown
    assert plain.visible(text).encode()


def test_a_message_is_one_line_whatever_a_name_holds():
    assert plain.one_line("two\nlines\tand\x1b more\n") == "two\\nlines\\tand\\x1b more\n"
    assert plain.one_line("plain") == "plain"


def test_what_an_encoding_does_not_have_is_shown_as_an_escape():
    assert plain.visible("Gómez 𝄞", "latin-1") == r"Gómez \U0001d11e"
    assert plain.visible("Gómez", "ascii") == r"G\xf3mez"


def test_everything_that_a_command_prints_is_made_visible(tmp_path, monkeypatch):
    out, err = (io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert cli.main(["methods"]) == 0
    assert b"Miron, Janer and G\\xf3mez" in out.buffer.getvalue()
    assert cli.main(["evaluate", str(tmp_path / "\x1b[2J"), str(tmp_path)]) == 2
    assert cli.main(["separate", str(tmp_path / "ó\udcff.wav"), "--method", "hpss", "--out", str(tmp_path / "o")]) == 2
    with pytest.raises(SystemExit):
        cli.main(["datasets", "\x1b]0;title\x07"])
    said = err.buffer.getvalue()
    assert b"\\x1b[2J" in said
    assert b"\\xf3\\udcff.wav does not exist" in said
    assert b"unrecognized arguments: \\x1b]0;title\\x07" in said
    assert b"\x1b" not in said
    assert sys.stdout is out
