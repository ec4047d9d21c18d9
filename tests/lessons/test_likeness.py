"""Likeness: a copy of the shipped solution is found under other names, and other code is not taken for one."""

import ast
import operator

import numpy as np
import pytest

from mss_lab import lessons
from mss_lab.lessons import likeness
from mss_lab.lessons.exercise import Exercise
from mss_lab.lessons.likeness import same_as_solution
from tests.lessons.marked import is_function

EXERCISES = [made for number in lessons.numbers() for made in lessons.exercises_of(number)]
FUNCTIONS = [made for made in EXERCISES if is_function(made)]


def solved_by(source):
    """An exercise whose solution is this program."""
    return Exercise("7.1", "Do it.", lambda answer: None, ("one",), source, ("answer = 1", "answer = 2"))


SPLIT = solved_by("""import numpy as np


def answer(H):
    sigma = np.sqrt(np.mean(H**2, axis=1, keepdims=True))
    more = np.ones_like(H) / sigma
    less = H * H.sum(axis=1, keepdims=True) / (H.shape[1] * sigma**3)
    return more, less
""")
SAFE_UPDATE = solved_by("""import numpy as np


def over(a, b):
    b = np.broadcast_to(b, a.shape)
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def answer(V, W, H):
    H = H * over(W.T @ over(V, W @ H), W.sum(axis=0)[:, np.newaxis])
    W = W * over(over(V, W @ H) @ H.T, H.sum(axis=1))
    return W, H
""")


class Renamer(ast.NodeTransformer):
    """Other names for all functions, arguments and local variables, made without the module under test."""

    def __init__(self, tree):
        self.own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self.own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        self.own |= {node.id for node in names if isinstance(node.ctx, ast.Store)}

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.name = f"my_{node.name}"
        node.returns = ast.Name("object")
        node.body.insert(0, ast.Expr(ast.Constant("My own work.")))
        return node

    def visit_Lambda(self, node):
        # Its arguments cannot have annotations.
        self.generic_visit(node)
        for argument in node.args.args:
            argument.annotation = None
        return node

    def visit_arg(self, node):
        return ast.arg(f"my_{node.arg}", ast.Name("object"))

    def visit_Name(self, node):
        return ast.Name(f"my_{node.id}", node.ctx) if node.id in self.own else node


def renamed(source):
    tree = ast.parse(source)
    return "# mine\n" + ast.unparse(ast.fix_missing_locations(Renamer(tree).visit(tree)))


@pytest.mark.parametrize("made", FUNCTIONS, ids=operator.attrgetter("number"))
def test_the_solution_is_found_also_under_other_names(made):
    copied = renamed(made.solution)
    assert "def answer(" not in copied
    assert same_as_solution([made.solution], made)
    assert same_as_solution(["x = 1", copied, "lab.check(...)"], made)


@pytest.mark.parametrize("made", FUNCTIONS, ids=operator.attrgetter("number"))
def test_mistakes_and_the_solutions_of_the_lessons_other_exercises_are_not_the_same(made):
    lesson = made.number.split(".")[0]
    others = [other.solution for other in FUNCTIONS if other is not made and other.number.split(".")[0] == lesson]
    assert not same_as_solution([*made.mistakes, *others], made)


def test_where_a_number_or_a_word_is_asked_for_nothing_is_the_same():
    for made in EXERCISES:
        if made not in FUNCTIONS:
            assert not same_as_solution([made.solution], made)


def test_statements_in_another_order_or_another_constant_are_not_the_same():
    first, second = "    more = np.ones_like(H) / sigma\n", "    less = H * H.sum"
    assert first in SPLIT.solution and second in SPLIT.solution
    lines = SPLIT.solution.splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("    more"))
    lines[place], lines[place + 1] = lines[place + 1], lines[place]
    assert not same_as_solution(["\n".join(lines)], SPLIT)
    assert not same_as_solution([SPLIT.solution.replace("sigma**3", "sigma**2")], SPLIT)
    assert not same_as_solution([SPLIT.solution.replace("H.sum", "H.mean")], SPLIT)
    # Two variables exchanged are no renaming.
    assert not same_as_solution([SPLIT.solution.replace("return more, less", "return less, more")], SPLIT)


def test_how_a_library_was_imported_makes_no_difference():
    numpy_by_name = SPLIT.solution.replace("import numpy as np", "import numpy").replace("np.", "numpy.")
    body = SPLIT.solution.partition("def ")[2].partition("\n")[2]
    parts = "from numpy import sqrt, mean, ones_like\n\ndef f(H):\n" + body.replace("np.", "")
    inside = "def f(H):\n    import numpy as np\n" + body
    for cells in ([numpy_by_name], [parts], [inside], ["import numpy as n", "def f(H):\n" + body.replace("np.", "n.")]):
        assert same_as_solution(cells, SPLIT)
    scipy = SPLIT.solution.replace("import numpy as np", "import scipy as np")
    assert not same_as_solution([scipy], SPLIT)


def test_functions_that_the_solution_calls_are_compared_too():
    assert "def over" in SAFE_UPDATE.solution
    other = SAFE_UPDATE.solution.replace("where=b > 0", "where=b > 1")
    assert other != SAFE_UPDATE.solution and not same_as_solution([other], SAFE_UPDATE)
    head, helper, rest = SAFE_UPDATE.solution.partition("def over")
    helper += rest.partition("def answer")[0]
    apart = [head, "def answer" + rest.partition("def answer")[2], helper]
    assert same_as_solution([cell.replace("over", "quotient") for cell in apart], SAFE_UPDATE)


def test_a_lambda_is_a_function():
    made = solved_by("import numpy as np\n\ndef answer(ratings):\n    return np.mean(ratings < 90, axis=1) <= 0.15\n")
    assert same_as_solution(["import numpy as np", "keep = lambda r: np.mean(r < 90, axis=1) <= 0.15"], made)


@pytest.mark.parametrize(
    "cell",
    [
        "def f(:\n",
        "x = \x00",
        "%%bash\necho $(((\n",
        "(" * 5000,
        "x = " + "-" * 5000 + "1",
        "",
        "return",
        "'\\d'",
        "def f(x):\n    return " + "-" * 400 + "x",
        "y = 1\n" * 200_000,
        "def f(): ...",
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_cell_that_is_no_python_hides_no_other(cell):
    assert not same_as_solution([cell], SPLIT)
    assert same_as_solution([cell, SPLIT.solution], SPLIT)


@pytest.mark.parametrize(
    "magic",
    [
        "%%time\n{}",
        "%matplotlib inline\n!ls\n{}\nnp.sqrt?",
        "{}\nfiles = !ls\nspent = %time 3\n?np",
        "if True:\n    %precision 3\n{}",
    ],
)
def test_magics_do_not_hide_a_copy(magic):
    assert same_as_solution([magic.format(renamed(SPLIT.solution))], SPLIT)


def test_the_operator_for_remainders_at_the_start_of_a_line_is_no_magic():
    made = solved_by("import numpy as np\n\ndef answer(V, p):\n    return V[:, (np.arange(V.shape[1]) % p)]\n")
    lines = made.solution.replace("np.arange(V.shape[1]) % p", "np.arange(V.shape[1])\n        % p")
    assert lines != made.solution and same_as_solution([lines], made)


def test_many_functions_that_call_each_other_cost_little():
    followed = []

    class Counting(likeness._Renamed):
        def __init__(self, *arguments):
            followed.append(1)
            super().__init__(*arguments)

    chain = "\n".join(f"def f{place}(x):\n    return f{place + 1}(x)" for place in range(300))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likeness, "_Renamed", Counting)
        assert not same_as_solution([chain], SPLIT)
    assert len(followed) < 400


def test_nothing_is_run():
    assert not same_as_solution(["raise SystemExit", "np = None"], SPLIT)
    assert np is not None
