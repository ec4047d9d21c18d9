"""Cells that need what a recording lacks: found by their code and their comments, and followed from cell to cell."""

import ast

import pytest

from mss_lab.lessons import needs, notebooks
from mss_lab.lessons.free_names import names_in
from tests.lessons import toy_lesson

NOTHING = needs.Has(stems=0, score=False, channels=1, length_s=3.0)
ALL = needs.Has(stems=3, score=True, channels=2, length_s=30.0)


def planned(*sources, has=NOTHING):
    """The messages of a series of cells, and the names that are missing at the end."""
    missing, messages = {}, []
    for source in sources:
        plan = needs.plan(source, ast.parse(source), has, missing)
        missing = plan.missing
        messages.append(plan.message)
    return messages, missing


def kept(source, has=NOTHING, missing=()):
    plan = needs.plan(source, ast.parse(source), has, dict.fromkeys(missing, "stems"))
    return [ast.unparse(statement) for statement in plan.kept]


# What a statement reads


@pytest.mark.parametrize(
    "source, read, assigned, changed",
    [
        ("a = b + c", "b c", "a", ""),
        ("a += b", "a b", "a", ""),
        ("a[0] = b", "a b", "", "a"),
        ("a.x = b", "a b", "", "a"),
        ("a.append(b)", "a b", "", "a"),
        # Written through an item or an attribute of it: the lists and dicts inside are part of it.
        ("a[b][c] = d", "a b c d", "", "a"),
        ("a.b[c].d = e", "a c e", "", "a"),
        ("a[b].append(c)", "a b c", "", "a"),
        ("a.pop(b)", "a b", "", "a"),
        ("lab.a.b = c", "lab lab.a c", "", ""),
        ("for i in a:\n    b = i\n    print(b)", "a print", "i b", ""),
        ("[x for x in a if x]", "a", "", ""),
        ("{k: v for k, v in a.items()}", "a", "", ""),
        ("def f(x, y=a):\n    z = x\n    return z + b", "a b", "f", ""),
        ("f = lambda x: x + a", "a", "f", ""),
        ("class A(B):\n    c = d", "B d", "A", ""),
        ("import a.b as c, d.e", "", "c d", ""),
        ("with a as b:\n    b.x()", "a", "b", ""),
        ("(a := b)", "b", "a", ""),
        ("if (n := len(a)) > 1:\n    print(n)", "a len print", "n", ""),
        ("def f():\n    return [lab.sources[n] for n in names]", "lab.sources lab names", "f", ""),
        ("x = lab.mixture", "lab lab.mixture", "x", ""),
        ("del a", "", "a", ""),
    ],
)
def test_names_of_a_statement(source, read, assigned, changed):
    names = names_in(ast.parse(source).body[0])
    assert (names.read, names.assigned, names.changed) == tuple(frozenset(w.split()) for w in (read, assigned, changed))


# Comments


@pytest.mark.parametrize(
    "source, expected",
    [
        ("# Needs stems: it is louder.\nx", (("stems",), "it is louder.")),
        ("\n# Needs stems and a score: it is: louder.", (("stems", "a score"), "it is: louder.")),
        ("# Needs three stems, a score and 8 s: so.", (("three stems", "a score", "8 s"), "so.")),
        ("# Needs two channels: so.", (("two channels",), "so.")),
        ("# This needs stems: no.", ((), "")),
        ("x = 1  # Needs stems: no.", ((), "")),
        ("", ((), "")),
    ],
)
def test_what_a_comment_declares(source, expected):
    assert needs.declared(source) == expected


@pytest.mark.parametrize("source", ["# Needs stems", "# Needs stems:", "# Needs patience: so.", "# Needs stems, so: x"])
def test_a_comment_that_declares_nothing_known_is_refused(source):
    with pytest.raises(ValueError, match=r"must read|can need"):
        needs.declared(source)


@pytest.mark.parametrize(
    "need, lacking",
    [("stems", True), ("two stems", True), ("a score", True), ("two channels", True), ("3 s", False), ("3.5 s", True)],
)
def test_what_a_recording_lacks(need, lacking):
    assert NOTHING.lacks(need) == lacking
    assert not ALL.lacks(need)
    assert needs.Has(3, False, 1, 3.0).lacks("four stems") and not needs.Has(4, False, 1, 3.0).lacks("four stems")


# Cells one after the other


def test_no_figure_is_begun_where_it_cannot_be_finished():
    source = "figure, axes = plt.subplots()\nwidth = 3\nother = figure.number\naxes.plot(lab.sources['x'])"
    stopped = needs.plan(source, ast.parse(source), NOTHING, {})
    assert [ast.unparse(one) for one in stopped.kept] == ["width = 3"]
    assert stopped.missing.keys() >= {"figure", "axes", "other"} and "width" not in stopped.missing
    whole = needs.plan(source, ast.parse(source), ALL, {})
    assert len(whole.kept) == 4 and not whole.missing


def test_a_recording_that_has_everything_runs_everything():
    messages, missing = planned("# Needs stems: so.\nx = lab.sources", "lab.score", "print(x)", has=ALL)
    assert messages == ["", "", ""] and missing == {}


def test_names_are_followed_from_cell_to_cell():
    messages, missing = planned(
        "# Needs stems: the ratio mask is clearer.\na = lab.sources['x']",
        "b = lab.mixture",
        "c = a + b",
        "print(b)",
        "a = 3",
        "print(a)",
        "print(c)",
    )
    assert [bool(message) for message in messages] == [True, False, True, False, False, False, True]
    assert messages[0] == "This cell needs what your recording does not have (stems): the ratio mask is clearer."
    assert messages[2] == (
        "This cell uses `a` of an earlier cell, which needs what your recording does not have (stems)."
    )
    assert missing == {"c": "stems"}


def test_a_score_that_is_there_lacks_nothing():
    has = needs.Has(0, True, 1, 3.0)
    messages, _ = planned("roll = lab.score.notes", "x = lab.sources", "print(roll, x)", has=has)
    assert [bool(message) for message in messages] == [False, True, True]


def test_what_does_not_depend_on_it_is_done_all_the_same():
    source = "import numpy as np\nframes = 3\ndef f(x):\n    return x\nstems = lab.sources\nprint(frames)\nf(1)"
    assert kept(source) == ["import numpy as np", "frames = 3", "def f(x):\n    return x"]
    assert kept("def f():\n    return lab.sources\ny = 1\nx = f()") == ["y = 1"]


def test_dicts_and_lists_that_stay_empty_are_missing():
    _, missing = planned("table = {}\nfor name in lab.sources:\n    table[name] = 1\nother = []")
    assert set(missing) == {"table", "name"}


def test_a_need_that_the_code_does_not_show_keeps_definitions_only():
    source = (
        "# Needs two channels: the lead is left.\nimport numpy as np\nleft = lab.mixture[1]\ndef f(x):\n    return x"
    )
    assert kept(source) == ["import numpy as np", "def f(x):\n    return x"]
    messages, missing = planned(source, "print(left)", "f(2)")
    assert [bool(message) for message in messages] == [True, True, False] and missing == {"left": "two channels"}


def test_only_what_is_lacking_is_named():
    has = needs.Has(0, True, 1, 3.0)
    messages, _ = planned("# Needs stems and a score: so.\nx = lab.sources, lab.score", has=has)
    assert messages == ["This cell needs what your recording does not have (stems): so."]


def test_the_lab_may_have_another_name():
    source = "x = mine.sources"
    assert needs.plan(source, ast.parse(source), NOTHING, {}, lab="mine").message
    assert not needs.plan(source, ast.parse(source), NOTHING, {}).message


# In a kernel


@pytest.mark.slow(3)
@pytest.mark.notebook
def test_a_notebook_runs_to_its_end_without_an_error(home, tmp_path):
    # `home` names the toy lesson; its piece is the recording too, as a mixture alone.
    path = str(tmp_path / "toy_piece" / "flute.flac")
    cells = (
        '%from mss_lab import lessons\nmy_lab = lessons.open("07")',
        f"%import numpy as np\nfrom mss_lab import audio\nlong = np.tile(audio.read_audio({path!r})[0], 4)\n"
        f"audio.write_audio('long.wav', long, 8000)\nmy_lab.use('long.wav')",
        "%# Needs stems: the flute is louder.\nk = 2\nflute = my_lab.sources['flute']\nprint('no')",
        "%print(k, flute)",
        "%print('k is', k)",
        "%my_lab.use(None)",
        "%flute = my_lab.sources['flute']\nprint('flute is there:', flute.shape)",
    )
    run = notebooks.execute(toy_lesson.notebook(*cells), folder=tmp_path, time_limit_s=100)
    assert not run.errors
    shown = ["".join(str(output) for output in cell.outputs) for cell in run.notebook.cells]
    assert "does not have (stems): the flute is louder." in shown[2] and "'no" not in shown[2]
    assert "uses `flute` of an earlier cell" in shown[3]
    assert "k is 2" in shown[4] and "flute is there: (1, 4000)" in shown[6]
