"""The notation and the glossary: complete, without contradictions, and true of the lessons."""

import collections
import re

import pytest

from mss_lab.lessons import glossary, notation, notebooks
from tests.paths import NOTEBOOKS

LESSONS = {path.name[:2]: notebooks.read(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def text_of(number):
    return "\n".join(cell.source for cell in LESSONS[number].cells).casefold()


# The notation


def test_each_symbol_has_one_meaning_and_each_meaning_one_symbol():
    assert len({symbol.written for symbol in notation.SYMBOLS}) == len(notation.SYMBOLS)
    assert len({symbol.meaning for symbol in notation.SYMBOLS}) == len(notation.SYMBOLS)


@pytest.mark.parametrize(
    ("equation", "symbols"),
    [
        ("$X[k, t] = \\sum_{n=0}^{N-1} x[n + tR]$", {"X", "k", "t", "n", "N", "x", "R"}),
        ("$\\hat{S}_j = M_j X$", {"Ŝ_j", "M_j", "X", "j"}),
        ("$\\hat S_{j} = 0$", {"Ŝ_j", "j"}),
        ("$$\\hat{V} = W\nH$$", {"V̂", "W", "H"}),
        ("$D_\\beta(V \\| \\hat V)$", {"D_β", "β", "V", "V̂"}),
        ("$D_2(V \\| \\hat V)$", {"D_β", "V", "V̂"}),
        ("$D(a, b) = d(a, b)$", {"D", "a", "b", "d"}),
        ("$f_0$", {"f_0"}),
        ("$f = k f_s / N$", {"f", "k", "f_s", "N"}),
        ("$\\mathcal{L}(\\Theta) + \\lambda$", {"ℒ", "Θ", "λ"}),
        ("$\\Sigma_j$ and $\\theta, \\vartheta$", {"Σ_j", "θ", "j"}),
        ("$g_1^2 + g_{2}^2 = S_{j,k}$", {"g_i", "S_j", "j", "k"}),
        ("$\\text{Number of V}$ in V", set()),
    ],
)
def test_symbols_are_read_from_equations(equation, symbols):
    assert notation.used_in(equation) == symbols


@pytest.mark.parametrize("symbol", notation.SYMBOLS, ids=lambda symbol: symbol.written)
def test_a_symbol_is_used_by_the_lesson_that_the_table_names(symbol):
    using = [number for number in LESSONS if symbol.written in notation.of_lesson(number)]
    assert symbol.lesson in using, using


def test_the_notation_is_shown_as_text_and_as_a_table(lab):
    card = lab.notation()
    rows = [line for line in str(card).splitlines() if line.startswith("ŝ_j ")]
    assert len(rows) == 1 and "estimate of source j" in rows[0] and "(channels, samples)" in rows[0]
    assert ">" + "<i>ŝ</i><sub>j</sub></th>" in card._repr_html_()
    assert card._repr_html_().count('<th scope="row"') == len(notation.SYMBOLS)


@pytest.mark.parametrize("number", LESSONS)
def test_the_symbols_of_a_lesson_stand_before_the_others(number):
    used = notation.of_lesson(number)
    assert used == notation.used_in("\n\n".join(c.source for c in LESSONS[number].cells if c.cell_type == "markdown"))
    lines = str(notation.card(used)).splitlines()
    others = lines.index("In other lessons:" if used else "All symbols:")
    for symbol in notation.SYMBOLS:
        (place,) = (place for place, line in enumerate(lines) if line.startswith(f"{symbol.written} "))
        assert (place < others) == (symbol.written in used)


def test_a_lesson_that_is_not_of_the_course_has_one_table():
    assert notation.of_lesson("99") == frozenset()
    assert "In other lessons" not in str(notation.card())


# The glossary


def test_no_two_terms_have_one_name():
    counts = collections.Counter(glossary.plain(name) for term in glossary.terms() for name in (term.name, *term.also))
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("term", glossary.terms(), ids=lambda term: term.name)
def test_a_term_is_explained_and_the_lesson_that_teaches_it_uses_it(term):
    assert term.meaning.endswith(".") and len(re.findall(r"[.?!](?=\s|$)", term.meaning)) in (1, 2)
    assert {other for other in term.compare if not glossary.find(other)} == set()
    assert term.lesson in LESSONS
    words = text_of(term.lesson)
    assert any(name.casefold() in words for name in (term.name, *term.also)), term.lesson


def test_a_term_is_shown_with_its_lesson(lab):
    shown = str(lab.glossary("mask"))
    assert shown.startswith("mask\nA factor for every bin") and shown.endswith("Taught in lesson 03.")
    everything = lab.glossary()
    assert all(f"{term.name} (lesson {term.lesson}): {term.meaning}" in str(everything) for term in glossary.terms())
    assert everything._repr_html_().count('<th scope="row"') == len(glossary.terms())


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Masks", "mask"),
        ("  si-sdr ", "SI-SDR"),
        ("SI SDR", "SI-SDR"),
        ("short-time Fourier transform", "STFT"),
        ("wiener", "Wiener filter"),
        ("activations", "activation"),
        ("weights", "weights"),
    ],
)
def test_a_term_answers_to_its_other_spellings(asked, name):
    assert glossary.find(asked).name == name


@pytest.mark.parametrize(
    ("asked", "name"),
    [("spectogram", "spectrogram"), ("Weiner filter", "Wiener filter"), ("covarience", "spatial covariance")],
)
def test_a_misspelt_term_is_answered_by_near_ones(lab, asked, name):
    assert glossary.find(asked) is None
    assert f'`lab.glossary("{name}")`' in str(lab.glossary(asked)).splitlines()[1]


@pytest.mark.parametrize("asked", ["xyzzy", "(", "\\"])
def test_what_is_like_no_term_is_answered_by_the_way_to_all(lab, asked):
    assert "lab.glossary()" in str(lab.glossary(asked))
