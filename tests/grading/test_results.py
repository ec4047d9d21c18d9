"""What a class leaves on disk and on the terminal: results that are kept, tables and pages that are safe to open."""

import csv
import dataclasses
import json
import os
import unicodedata

import nbformat
import pytest
from nbformat import v4

from mss_lab.grading import grades, pages, plain, results, tables
from mss_lab.grading.grades import ExerciseGrade, NotebookGrade

RIGHT = ExerciseGrade("7.1", "right", "That is it.", 2, 1, False, False)
WRONG = ExerciseGrade("7.2", "wrong", "Multiply by 2.", 3, 0, True, True)
OTHER = ExerciseGrade("12.1", "right", "Yes.", 1, 0, False, False)
ADA = NotebookGrade("class/ada.ipynb", "ada", ("07",), (RIGHT, WRONG), "", 2.04, ())


def changed(grade, **fields):
    return dataclasses.replace(grade, **fields)


# Plain text


@pytest.mark.parametrize(
    "text, shown",
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x\x1b]8;;http://e\x1b\\y", "xy"),
        ("\x1bPquery\x1b\\x\x9b2Jy\x9d0;t\x9cz", "xyz"),
        ("\x1b[?1049h\x1b(0\x1bcx", "x"),
        ("a\x00b\x07c\x7fd\x85e", "a b c d e"),
        ("two\r\nlines\u2028three", "two lines three"),
        ("\x1b\x1b[[31mx", "31mx"),
        ("ad\u200ba \u202egnp.exe", "ada gnp.exe"),
        ("half \ud83d and \udcff", "half ? and ?"),
        ("Zo\xeb \u4e2d\u6587 \N{CHECK MARK}", "Zo\xeb \u4e2d\u6587 \N{CHECK MARK}"),
        (None, "None"),
    ],
)
def test_text_of_strangers_becomes_plain(text, shown):
    assert plain.plain(text) == shown


def test_no_character_that_acts_is_left(rng):
    drawn = ["\x1b", "[", "]", "0", ";", "m", "\x07", "\\", "\x9b", "\x9d", "\x9c", "P", "\ud800", "\u202e", "\n", "a"]
    for _ in range(500):
        text = "".join(rng.choice(drawn, size=30))
        shown = plain.plain(text)
        assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert plain.plain(shown) == shown


def test_long_text_is_cut_and_that_is_said():
    assert plain.plain("x" * 10**7, 10) == "xxxxxxxxxx ... (cut; it had 10000000 characters)"
    assert plain.plain("\x1b]" * 10**6, 10) == "... (cut; it had 2000000 characters)"


# Results


@dataclasses.dataclass(frozen=True)
class Limits:
    seconds: float = 1.0


DECIDES = {
    "content": b"{}",
    "student": "ada",
    "beside": {"a": "1", "b": "2"},
    "lesson": None,
    "limits": Limits(),
    "version": "1",
}


def key(**fields):
    given = DECIDES | fields
    return results.key_of(given.pop("content"), **given)


def test_a_result_is_named_by_everything_that_decides_it():
    assert key() == key(beside={"b": "2", "a": "1"})
    others = [
        key(content=b"{ }"),
        key(student="bob\udcff"),
        key(beside={"a": "1"}),
        key(beside={"a": "2", "b": "1"}),
        key(lesson="07"),
        key(limits=Limits(2.0)),
        key(version="2"),
    ]
    assert len({key(), *others}) == len(others) + 1


def test_the_version_changes_with_a_teachers_own_lesson(tmp_path):
    (tmp_path / "lesson_90.py").write_text("EXERCISES = ()", encoding="utf-8")
    results.version.cache_clear()
    first = results.version(str(tmp_path))
    assert first != results.version()
    results.version.cache_clear()
    assert first == results.version(str(tmp_path))
    (tmp_path / "lesson_90.py").write_text("EXERCISES = (1,)", encoding="utf-8")
    results.version.cache_clear()
    assert first != results.version(str(tmp_path))


def test_what_is_written_is_read_again(tmp_path):
    folder = results.open_folder(tmp_path / "out")
    odd = changed(ADA, student="a\udcff\n\x1b", notes=("one", "two"), problem="x" * 10**5)
    for number, grade in enumerate((ADA, odd)):
        results.write(folder, key(version=str(number)), grade)
        assert results.read(folder, key(version=str(number))) == grade
    assert results.read(folder, key(version="3")) is None
    assert sorted(path.suffix for path in (folder / "results").iterdir()) == [".json", ".json"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path, text: path.write_text(text[: len(text) // 2], encoding="utf-8"),
        lambda path, text: path.write_text("", encoding="utf-8"),
        lambda path, text: path.write_text(text.replace("wrong", "right"), encoding="utf-8"),
        lambda path, text: path.write_bytes(b"\xff\xfe\x00"),
        lambda path, text: path.write_text("[" * 10**5, encoding="utf-8"),
        lambda path, text: path.write_text("null", encoding="utf-8"),
        lambda path, text: path.write_text('{"format": 1, "sha256": 3, "grade": 4}', encoding="utf-8"),
        lambda path, text: os.truncate(path, 10**11),
        lambda path, text: (path.unlink(), path.mkdir()),
        lambda path, text: (path.unlink(), os.mkfifo(path)),
    ],
)
def test_a_damaged_result_counts_as_not_there(tmp_path, damage):
    folder = results.open_folder(tmp_path / "out")
    results.write(folder, key(), ADA)
    path = folder / "results" / f"{key()}.json"
    damage(path, path.read_text(encoding="utf-8"))
    assert results.read(folder, key()) is None


def test_a_result_under_another_name_is_not_believed(tmp_path):
    folder = results.open_folder(tmp_path / "out")
    results.write(folder, key(), ADA)
    (folder / "results" / f"{key()}.json").rename(folder / "results" / f"{key(student='bob')}.json")
    assert results.read(folder, key(student="bob")) is None


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/grades.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="--force"):
        results.open_folder(tmp_path / "own")
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["grades.csv"]
    results.open_folder(tmp_path / "own", force=True)
    results.open_folder(tmp_path / "own")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in ("file", "file/below"):
        with pytest.raises(OSError):
            results.open_folder(tmp_path / path)
    (tmp_path / "own/students.csv").mkdir()
    with pytest.raises(FileExistsError, match="must be a file"):
        results.open_folder(tmp_path / "own")


@pytest.mark.parametrize("student", ["../../etc", "", "a/b", "\x1b\n", "A" * 1000, "con.", "\u4e2d"])
def test_a_page_lies_in_the_folder_of_pages(tmp_path, student):
    page = results.page_of(tmp_path, key(), student)
    assert page.parent == tmp_path / "pages" and page.suffix == ".html" and len(page.name) < 120
    assert page.name.isascii() and page.name.endswith(f"-{key()[:8]}.html")


def test_a_grade_is_the_same_after_json():
    assert grades.from_json(ADA.to_json()) == ADA


# Tables


def rows(write, found, tmp_path):
    path = tmp_path / "table.csv"
    write(path, found)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_there_is_a_line_for_each_exercise(tmp_path):
    first, second = rows(tables.write_grades, [ADA], tmp_path)
    assert first == {
        "student": "ada",
        "lesson": "07",
        "exercise": "7.1",
        "verdict": "right",
        "points": "1",
        "tries": "2",
        "hints": "1",
        "solution seen": "",
        "same as solution": "",
        "seconds": "2.0",
        "message": "That is it.",
        "notebook": "class/ada.ipynb",
        "notes": "",
    }
    assert (second["points"], second["solution seen"], second["same as solution"]) == ("0", "yes", "yes")


def test_a_notebook_without_exercises_has_a_line_with_the_reason(tmp_path):
    empty = changed(ADA, exercises=(), lessons=(), problem="no notebook\n(JSON)", notes=("odd",))
    (row,) = rows(tables.write_grades, [empty], tmp_path)
    assert (row["exercise"], row["verdict"], row["points"]) == ("", "error", "0")
    assert row["message"] == "no notebook (JSON)" and row["notes"] == "odd"
    half = changed(ADA, problem="the kernel died", notes=("odd",))
    assert {row["notes"] for row in rows(tables.write_grades, [half], tmp_path)} == {"the kernel died; odd"}


def test_there_is_a_line_for_each_student(tmp_path):
    second = changed(ADA, notebook="ada2.ipynb", lessons=("12",), exercises=(OTHER,), seconds=1.0)
    broken = changed(ADA, notebook="bob.ipynb", student="bob", lessons=(), exercises=(), problem="no notebook")
    ada, bob = rows(tables.write_students, [ADA, broken, second], tmp_path)
    assert ada == {
        "student": "ada",
        "lesson 07 points": "1",
        "lesson 07 exercises": "2",
        "lesson 12 points": "1",
        "lesson 12 exercises": "1",
        "points": "2",
        "exercises": "3",
        "tries": "6",
        "hints": "1",
        "solutions seen": "1",
        "same as solution": "1",
        "problems": "0",
        "seconds": "3.0",
        "notebooks": "2",
        "notes": "",
    }
    assert (bob["student"], bob["points"], bob["problems"], bob["notes"]) == ("bob", "0", "1", "no notebook")
    assert bob["lesson 07 points"] == ""


def test_totals_are_the_sums_of_the_lines(tmp_path, rng):
    found = []
    for number in range(20):
        drawn = [
            ExerciseGrade(f"{lesson}.{place}", str(rng.choice(["right", "wrong"])), "m", int(rng.integers(9)), 0, 0, 0)
            for lesson in rng.choice(20, 3, replace=False)
            for place in (1, 2)
        ]
        found.append(changed(ADA, notebook=f"{number}.ipynb", student=f"s{number % 10}", exercises=tuple(drawn)))
    lines = rows(tables.write_grades, found, tmp_path)
    for row in rows(tables.write_students, found, tmp_path):
        own = [line for line in lines if line["student"] == row["student"]]
        best = {}
        for line in own:
            best[line["exercise"]] = max(best.get(line["exercise"], 0), int(line["points"]))
        assert int(row["points"]) == sum(best.values()) and int(row["exercises"]) == len(best)
        per_lesson = [
            int(value) for name, value in row.items() if name[:6] == "lesson" and name[-6:] == "points" and value
        ]
        assert sum(per_lesson) == int(row["points"])


def test_one_name_of_two_notebooks_is_noted_in_both(tmp_path):
    forged = changed(ADA, notebook="eve.ipynb", student="ad\u200ba", exercises=(changed(WRONG, verdict="right"),))
    lines = rows(tables.write_grades, [ADA, forged], tmp_path)
    assert [line["notes"] for line in lines] == [
        "the same student's name for lesson 07 in eve.ipynb",
        "the same student's name for lesson 07 in eve.ipynb",
        "the same student's name for lesson 07 in class/ada.ipynb",
    ]
    (row,) = rows(tables.write_students, [ADA, forged], tmp_path)
    assert "eve.ipynb" in row["notes"] and "class/ada.ipynb" in row["notes"] and row["points"] == "2"


@pytest.mark.parametrize(
    "text, cell",
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        (' "=1', "'\"=1"),
        ("\N{FULLWIDTH EQUALS SIGN}1", "'\N{FULLWIDTH EQUALS SIGN}1"),
        ("a;=1", "a;'=1"),
        ("\x1b[2J=1", "'=1"),
        ('a,"b"\n=1', 'a,"b" =1'),
        ("3-1=2", "3-1=2"),
    ],
)
def test_no_cell_begins_like_a_formula(tmp_path, text, cell):
    given = changed(ADA, student=text, notebook=text, exercises=(changed(RIGHT, message=text),), notes=(text,))
    (row,) = rows(tables.write_grades, [given], tmp_path)
    assert {row[name] for name in ("student", "notebook", "message", "notes")} == {cell}
    (row,) = rows(tables.write_students, [given], tmp_path)
    assert row["student"] == cell


def test_tables_hold_whatever_there_is(tmp_path):
    odd = changed(ADA, student="\udcff\x00", exercises=(changed(RIGHT, exercise="x\ud800.1", message="\x00" * 10**6),))
    for write in (tables.write_grades, tables.write_students):
        (row,) = rows(write, [odd], tmp_path)
        assert row["student"] == "?"
        assert rows(write, [], tmp_path) == []
    with pytest.raises(FileExistsError, match="--force"):
        tables.write_grades(tmp_path / "table.csv", [ADA], force=False)


# Pages


def page(*outputs, source="1", markdown="text"):
    # Not through nbformat's own functions, which check each of them.
    cells = [{"cell_type": "markdown", "source": markdown}, {"cell_type": "code", "source": source, "outputs": outputs}]
    notebook = nbformat.from_dict({"cells": cells, "metadata": {"title": "<script>"}})
    return pages.make_page(notebook, "ada <b>")


def body_of(text):
    head, _, body = text.partition("<main>")
    assert "Content-Security-Policy" in head.split("<style>")[0] and "default-src 'none'" in head
    return body


HOSTILE = [
    "<script>alert(1)</script>",
    '<img src="x" onerror="alert(1)">',
    '<img src="http://example.org/x.png">',
    '<a href="javascript:alert(1)">x</a>',
    "<iframe src='http://example.org'></iframe><object data=x></object><embed src=x>",
    '<meta http-equiv="refresh" content="0;url=http://example.org"><base href="http://example.org">',
    "<style>@import url(http://example.org)</style><link rel=stylesheet href=http://example.org>",
    "<svg onload=alert(1)><math><mtext></table></math>",
    "<form action='http://example.org'><input><button>",
    '<p style="background:url(http://example.org)" onclick="x()">x</p>',
    '<img src="data:,0"><audio src="data:text/html;base64,PHNjcmlwdD4=" controls></audio>',
    '<img src="data:image/png;base64,iVBO"onerror="alert(1)">',
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    "</main></body><!-- --!><script>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
]


@pytest.mark.parametrize("markup", HOSTILE)
def test_markup_is_cleaned_wherever_it_stands(markup):
    made = body_of(
        page(
            v4.new_output("display_data", data={"text/html": markup}),
            v4.new_output("display_data", data={"text/markdown": markup}),
            v4.new_output("display_data", data={"text/plain": markup}),
            v4.new_output("display_data", data={"image/svg+xml": markup, "application/javascript": markup}),
            v4.new_output("stream", text=markup),
            v4.new_output("error", ename=markup, evalue=markup, traceback=[markup]),
            v4.new_output("display_data", data={"image/png": f'"{markup}'}),
            source=markup,
            markdown=markup,
        )
    )
    from bleach.html5lib_shim import BleachHTMLParser

    parser = BleachHTMLParser(tags=None, strip=False, consume_entities=False, namespaceHTMLElements=False)
    tree = parser.parseFragment(made)
    elements = [element for element in tree.iter() if isinstance(element.tag, str)] if hasattr(tree, "iter") else []
    allowed = {*pages.TAGS, "main", "body", "html", "DOCUMENT_FRAGMENT"}
    assert elements and {element.tag for element in elements} <= allowed
    for element in elements:
        for name, value in element.attrib.items():
            assert name in ("class", "title", "alt", "controls", "src")
            assert (
                name != "src" or value == "" or value.startswith(("data:image/png;", "data:image/jpeg;", "data:audio/"))
            )


@pytest.mark.parametrize("link", ["[x](javascript:alert(1))", "![x](http://example.org/x.png)", "<http://example.org>"])
def test_addresses_in_markdown_are_dropped(link):
    assert "href" not in body_of(page(markdown=link)) and "src" not in body_of(page(markdown=link))


def test_what_a_teacher_wants_to_see_is_there():
    sound = '<table class="t"><tr><th>a</th></tr></table><audio controls src="data:audio/wav;base64,UklGRg=="></audio>'
    made = body_of(
        page(
            v4.new_output("stream", text="\x1b[31mprinted\x1b[0m"),
            v4.new_output("display_data", data={"image/png": "iVBORw==\n"}),
            v4.new_output("display_data", data={"text/html": sound, "text/plain": "fallback"}),
            v4.new_output("execute_result", data={"text/plain": "42"}, execution_count=1),
            source="x < 3",
            markdown="# Head\n\n- one",
        )
    )
    for wanted in ("ada &lt;b&gt;", "x &lt; 3", ">printed<", "data:image/png;base64,iVBORw==", ">42<", "<li>one</li>"):
        assert wanted in made
    assert '<table class="t"><tbody><tr><th>a</th>' in made
    assert 'src="data:audio/wav;base64,UklGRg=="' in made and "fallback" not in made


def test_pages_are_limited_in_size():
    lines = v4.new_output("stream", text="line\n" * 10**6)
    picture = v4.new_output("display_data", data={"image/png": "A" * 3_000_000})
    large = v4.new_output("display_data", data={"image/png": "A" * 50_000_000})
    markup = v4.new_output("display_data", data={"text/html": "<b>" * 10**6})
    made = page(lines, large, markup, *[picture] * 20, *[lines] * 2000)
    assert len(made) < 1.1 * pages.LARGEST_PAGE_BYTES
    for words in ("cut here", "further outputs are not shown", "of markup are not shown", "the page is full"):
        assert words in made


def test_odd_notebooks_make_a_page():
    outputs = [{"output_type": "odd"}, {"output_type": "display_data", "data": {"text/plain": 3}}]
    cells = [
        {"cell_type": "raw", "source": "<script>"},
        {"cell_type": "code", "source": ["a\n", "b"], "outputs": [{"output_type": "stream", "text": ["\ud800", "x"]}]},
        {"cell_type": "code", "source": "", "outputs": outputs},
    ]
    notebook = nbformat.from_dict({"cells": cells})
    assert pages.make_page(notebook, "\udcff").encode("utf-8")
    json.dumps(pages.make_page(v4.new_notebook(), ""))
