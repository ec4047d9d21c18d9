"""How large files and functions may be: one idea a file, one screen a function.

Lines of a function are counted without its docstring, which says what the function does and may be long.
"""

import ast
import statistics

from tests.paths import PACKAGE

MOST_LINES_OF_A_FILE = 450
MOST_LINES_OF_A_FUNCTION = 60
MEDIAN_LINES_OF_A_FUNCTION = 10


def functions_in(source):
    """Every function of a file, and functions within functions: name, lines without the docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            yield node.name, lines


def larger(root=PACKAGE):
    """What is larger than it may be: files, and functions behind the names of their files."""
    found = set()
    for path in root.rglob("*.py"):
        source, name = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
        if len(source.splitlines()) > MOST_LINES_OF_A_FILE:
            found.add(name)
        found |= {f"{name}: {function}" for function, lines in functions_in(source) if lines > MOST_LINES_OF_A_FUNCTION}
    return found


def test_no_file_and_no_function_is_too_large():
    assert larger() == set()


def test_functions_are_short_as_a_rule():
    lines = [lines for path in PACKAGE.rglob("*.py") for _, lines in functions_in(path.read_text(encoding="utf-8"))]
    assert len(lines) > 1000
    assert statistics.median(lines) <= MEDIAN_LINES_OF_A_FUNCTION


def test_what_is_too_large_is_found(tmp_path):
    docstring = '    """Of many lines.\n' + "\n" * 70 + '    """\n'
    short, long = "    x = 1\n" * 59, "        x = 1\n" * 60
    (tmp_path / "a.py").write_text(f"def fits():\n{docstring}{short}\nclass C:\n    async def long(self):\n{long}")
    (tmp_path / "b.py").write_text("x = 1\n" * 450)
    (tmp_path / "c.py").write_text("x = 1\n" * 451)
    assert larger(tmp_path) == {"a.py: long", "c.py"}
