"""The notation of the course: every symbol of its equations, with one meaning in all lessons.

In a notebook, `lab.notation()` shows the table. A symbol that only one lesson needs is introduced there, and is none
of these.

Contents: Symbol, SYMBOLS, card, of_lesson, used_in.
"""

import dataclasses
import json
import re
import unicodedata
from collections.abc import Collection

from .. import shipped
from .cards import Card, table_html, table_text

COLUMNS = ("Symbol", "Meaning", "Unit or shape", "Lesson")


@dataclasses.dataclass(frozen=True)
class Symbol:
    """A symbol of the equations.

    Attributes
    ----------
    written : str
        In Unicode, with an underscore before a subscript, such as "ŝ_j".
    meaning : str
        In words.
    unit : str
        Its unit, its range, or the shape of its array.
    lesson : str
        The lesson that says in words what it means, such as "03". Earlier ones may use it, too.
    """

    written: str
    meaning: str
    unit: str
    lesson: str


SYMBOLS = (
    Symbol("n", "sample index", "0, 1, 2, ...", "01"),
    Symbol("N", "window length", "samples", "01"),
    Symbol("R", "hop: from the start of one frame to the next", "samples", "01"),
    Symbol("f_s", "sample rate", "Hz", "01"),
    Symbol("k", "frequency bin", "0 to K - 1", "00"),
    Symbol("K", "number of bins", "N/2 + 1 for the STFT", "01"),
    Symbol("t", "frame", "0 to T - 1", "00"),
    Symbol("T", "number of frames", "a whole number", "01"),
    Symbol("i", "channel", "1 to I", "01"),
    Symbol("I", "number of channels", "1 is mono, 2 is stereo", "12"),
    Symbol("x", "mixture, as a waveform", "(channels, samples)", "01"),
    Symbol("X", "STFT of the mixture", "(channels, freq, frames), complex", "00"),
    Symbol("j", "source", "1 to J", "00"),
    Symbol("J", "number of sources", "a whole number", "03"),
    Symbol("s_j", "waveform of source j", "(channels, samples)", "00"),
    Symbol("S_j", "STFT of source j", "(channels, freq, frames), complex", "03"),
    Symbol("ŝ_j", "estimate of source j, as a waveform", "(channels, samples)", "00"),
    Symbol("Ŝ_j", "STFT of the estimate of source j", "(channels, freq, frames), complex", "00"),
    Symbol("M_j", "mask of source j", "0 to 1 for each bin and frame", "00"),
    Symbol("P_j", "model of the power of source j", "0 or more for each bin and frame", "03"),
    Symbol("α", "exponent of a mask", "1 for magnitudes, 2 for powers", "03"),
    Symbol("V", "non-negative spectrogram that NMF models", "(freq, frames)", "05"),
    Symbol("V̂", "model of V, the product W H", "(freq, frames)", "05"),
    Symbol("W", "templates", "(freq, components)", "05"),
    Symbol("H", "activations", "(components, frames)", "05"),
    Symbol("c", "component", "1 to C", "05"),
    Symbol("C", "number of components", "a whole number", "05"),
    Symbol("β", "parameter that selects a divergence", "2, 1, 0 or between", "05"),
    Symbol("D_β", "divergence of a model from a spectrogram", "0 if they are equal", "05"),
    Symbol("λ", "weight of a penalty", "0 switches it off", "06"),
    Symbol("f", "frequency", "Hz", "02"),
    Symbol("f_0", "fundamental frequency", "Hz", "00"),
    Symbol("q", "partial; for a harmonic tone its number", "1 is the fundamental", "00"),
    Symbol("Q", "number of partials", "a whole number", "08"),
    Symbol("p", "pitch as a MIDI number", "semitones; 69 is A4", "00"),
    Symbol("a", "position in the first of two sequences that are aligned", "0, 1, 2, ...", "07"),
    Symbol("b", "position in the second of two sequences that are aligned", "0, 1, 2, ...", "07"),
    Symbol("d", "cost of pairing position a with position b: d(a, b)", "0 if they are equal", "07"),
    Symbol("D", "smallest cost of a path up to that pair: D(a, b)", "a sum of costs d", "07"),
    Symbol("τ", "time lag, or tolerance of a score's times", "seconds", "09"),
    Symbol("g_i", "gain of channel i", "a factor", "11"),
    Symbol("θ", "pan angle", "radians; 0 is left, π/2 is right", "11"),
    Symbol("δ", "delay between two channels", "seconds", "11"),
    Symbol("Σ_j", "spatial covariance of source j", "(channels, channels)", "12"),
    Symbol("Θ", "parameters of a network", "all its weights", "16"),
    Symbol("ℒ", "loss", "what training reduces", "16"),
)

_GREEK = {"alpha": "α", "beta": "β", "lambda": "λ", "tau": "τ", "theta": "θ", "delta": "δ", "Sigma": "Σ", "Theta": "Θ"}
# Subscripts in whose place equations also write a number.
NUMBERED = "ijβ"
_EQUATION = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
# Words inside an equation, which are no symbols.
_WORDS = re.compile(r"\\(?:text|mathrm|operatorname|mathsf|textrm|begin|end|label|tag)\*?\s*\{[^{}]*\}")


def card(used: Collection[str] = ()) -> Card:
    """The table of all symbols; those that are used, as `Symbol.written`, stand in a table of their own before."""
    parts = {
        "In the equations of this lesson": [symbol for symbol in SYMBOLS if symbol.written in used],
        "In other lessons" if used else "All symbols": [symbol for symbol in SYMBOLS if symbol.written not in used],
    }
    tables = {
        caption: [(symbol.written, symbol.meaning, symbol.unit, symbol.lesson) for symbol in symbols]
        for caption, symbols in parts.items()
        if symbols
    }
    return Card(
        f"Notation: {len(SYMBOLS)} symbols",
        "Each has this one meaning in all lessons. A symbol that only one lesson needs is introduced there.",
        body_text="\n\n".join(f"{caption}:\n{table_text(COLUMNS, rows)}" for caption, rows in tables.items()),
        body_html="".join(_slanted(table_html(caption, COLUMNS, rows)) for caption, rows in tables.items()),
    )


def of_lesson(number: str) -> frozenset[str]:
    """The symbols of the table that a lesson of the course uses, such as lesson "03"; none for a lesson of others."""
    files = sorted((shipped.course_folder() / "notebooks").glob(f"{number}_*.ipynb"))
    if not files:
        return frozenset()
    cells = json.loads(files[0].read_text(encoding="utf-8"))["cells"]
    return used_in("\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"))


def used_in(words: str) -> frozenset[str]:
    """The symbols of the table, as `Symbol.written`, that the equations of a text in Markdown use."""
    equations = " ; ".join(_unicode(display or inline) for display, inline in _EQUATION.findall(words))
    return frozenset(symbol.written for symbol in SYMBOLS if _occurs(symbol.written, equations))


def _occurs(written: str, equations: str) -> bool:
    letter, _, subscript = written.partition("_")
    if subscript:
        # A subscript may hold more, as in S_{j,k}, or the number of one source or channel, as in g_1 or D_2.
        one = rf"(?:{subscript}|\d)" if subscript in NUMBERED else subscript
        return re.search(rf"{letter}_\{{?{one}(?:\b|[,\s])", equations) is not None
    # A letter with a subscript or an accent is another symbol; W_c and X_i are entries of W and X.
    named = "".join(symbol.written[2] for symbol in SYMBOLS if symbol.written.startswith(f"{letter}_"))
    digits = r"\d" if set(named) & set(NUMBERED) else ""
    other = rf"(?!_\{{?[{named}{digits}])" if named else ""
    return re.search(rf"{letter}{other}(?!\u0302)", equations) is not None


def _unicode(tex: str) -> str:
    """An equation with its symbols in Unicode, as the table writes them, and without its words and commands."""
    tex = _WORDS.sub(" ", tex)
    tex = re.sub(r"\\math(?:cal|scr)\s*\{?\s*L\s*\}?", "ℒ", tex)
    tex = re.sub(r"\\(?:wide)?hat\s*\{?\s*([A-Za-z])\s*(_\w)?\s*\}?", "\\1\u0302\\2", tex)
    tex = re.sub(r"\\(?:math)?(?:bf|boldsymbol|bm)\b", " ", tex)
    tex = re.sub(r"\\var(?=theta)", r"\\", tex)
    tex = re.sub(r"\\([A-Za-z]+)", lambda match: _GREEK.get(match[1], " "), tex)
    return unicodedata.normalize("NFC", tex)


def _slanted(table: str) -> str:
    """The table with its symbols as equations show them: slanted, with the subscript below the line."""

    def cell(match: re.Match[str]) -> str:
        letter, _, subscript = match[2].partition("_")
        below = f"<sub>{subscript}</sub>" if subscript else ""
        return f"{match[1]}<i>{letter}</i>{below}</th>"

    return re.sub(r'(<th scope="row"[^>]*>)([^<]+)</th>', cell, table)
