"""Likeness: whether a student's code is the solution that the course ships, with other names.

Two functions count as the same if their abstract syntax trees are equal after these are removed: the names of the
functions, of their arguments and of their local variables, documentation, comments, layout, type annotations, and the
names under which libraries are imported.

The following is not detected: statements in another order, ``x + y`` written as ``y + x``, an additional variable, a
loop instead of an array operation, code inside a text that is run with `exec` or in a cell of over a million
characters, and solutions from other sources than this package. Likeness is no proof: a short task has few solutions,
and many students who never saw the shipped one write the same code. It only shows an instructor where a question is
worthwhile.

Contents: same_as_solution.
"""

import ast
import copy
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence

from .exercise import Exercise

# Characters. No cell of a lesson has so many, and longer ones could take a grader's time and memory.
LONGEST_CELL = 1_000_000

# Names of libraries that a notebook may import in a way that a parser does not see, such as by the magic %pylab.
_USUAL_NAMES = {"np": "numpy"}
# Lines that Jupyter understands and Python does not: magics, shell commands, and requests for help (`name?`).
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|.*\?)$")
_MAGIC_VALUE = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def same_as_solution(cells: Sequence[str], exercise: Exercise) -> bool:
    """Whether a function in these cells is the exercise's shipped solution, under whatever names.

    Parameters
    ----------
    cells : sequence of str
        The source code of a notebook's code cells. Cells that are not Python, even without their magics, are
        skipped.
    exercise : Exercise

    Returns
    -------
    bool
        Always False if the answer is not a function: equal numbers do not mean that one was copied.
    """
    shipped = _Code([exercise.solution])
    solutions = [list(shipped.forms(function)) for function in shipped.functions if function.name == "answer"]
    code = _Code(cells)
    return any(code.has_forms(function, forms) for function in code.functions for forms in solutions)


class _Code:
    """The functions of some cells, and what their names refer to.

    Attributes
    ----------
    functions : list of function definitions
    imported : dict of str -> str
        A name -> the full name of what was imported.
    helpers : dict of str -> function definition
        The last one of each name.
    """

    def __init__(self, cells: Sequence[str]):
        self.imported = dict(_USUAL_NAMES)
        self.functions: list[_Function] = []
        for tree in map(_tree, cells):
            for node in ast.walk(tree) if tree is not None else ():
                self.imported |= _imports(node)
                self.functions += _functions(node)
        self.helpers = {function.name: function for function in self.functions}

    def forms(self, function: _Function) -> Iterator[str]:
        """The abstract syntax of a function as text, then that of the functions of these cells which it calls."""
        waiting, seen = [function], {function.name}
        while waiting:
            one = waiting.pop(0)
            renamed = _Renamed(_bound(one), self.imported, self.helpers)
            yield ast.dump(renamed.visit(copy.deepcopy(one)), annotate_fields=False)
            waiting += [self.helpers[name] for name in renamed.called if name not in seen]
            seen |= set(renamed.called)

    def has_forms(self, function: _Function, solution: Sequence[str]) -> bool:
        """Whether a function has the forms of the solution; forms are compared only up to the first difference."""
        forms = self.forms(function)
        try:
            return all(next(forms, None) == form for form in solution) and next(forms, None) is None
        except RecursionError:
            # Code that is nested so deeply is not a copy of a solution.
            return False


def _tree(cell: str) -> ast.Module | None:
    if len(cell) > LONGEST_CELL:
        return None
    for source in (cell, _without_magics(cell)):
        try:
            with warnings.catch_warnings():
                # Such as those about escape sequences in a student's texts.
                warnings.simplefilter("ignore")
                return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _without_magics(cell: str) -> str:
    lines = [_MAGIC_VALUE.sub(r"\1None", line) for line in cell.splitlines()]
    return "\n".join(_MAGIC.sub(r"\1pass", line) for line in lines)


def _imports(node: ast.AST) -> dict[str, str]:
    """Names that an import binds, each with what it stands for: "np" -> "numpy"."""
    if isinstance(node, ast.Import):
        return {name.asname: name.name for name in node.names if name.asname} | {
            name.name.partition(".")[0]: name.name.partition(".")[0] for name in node.names if not name.asname
        }
    if isinstance(node, ast.ImportFrom):
        return {name.asname or name.name: f"{'.' * node.level}{node.module or ''}.{name.name}" for name in node.names}
    return {}


def _functions(node: ast.AST) -> list[_Function]:
    if isinstance(node, _Function):
        return [node]
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return [_defined(name, node.value) for name in names]
    return []


def _defined(name: str, value: ast.Lambda) -> _Function:
    """The function definition that does what a lambda does."""
    function = ast.parse("def f(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    function.name, function.args, function.body = name, value.args, [ast.Return(value.body)]
    return function


def _bound(function: _Function) -> set[str]:
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, _Function | ast.ExceptHandler):
            names.add(node.name or "")
    return names


class _Renamed(ast.NodeTransformer):
    """Names by the order in which they come; imports, documentation and annotations left out.

    Attributes
    ----------
    called : dict of str -> str
        Functions of the same cells that the code names, in order, each with its new name.
    """

    def __init__(self, bound: set[str], imported: Mapping[str, str], helpers: Mapping[str, _Function]):
        self.bound, self.imported, self.helpers = bound, imported, helpers
        self.locals: dict[str, str] = {}
        self.called: dict[str, str] = {}

    def _local(self, name: str) -> str:
        return self.locals.setdefault(name, f"local {len(self.locals)}")

    def visit_FunctionDef(self, node: _Function) -> ast.AST:
        node.name, node.returns = self._local(node.name), None
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:]
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Import(self, node: ast.AST) -> None:
        return None

    visit_ImportFrom = visit_Import

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return None if node.value is None else self.visit(ast.Assign([node.target], node.value))

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._local(node.arg))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = node.name and self._local(node.name)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.bound:
            return ast.Name(self._local(node.id), node.ctx)
        if node.id in self.imported:
            return _Imported(self.imported[node.id])
        if node.id in self.helpers:
            return ast.Name(self.called.setdefault(node.id, f"function {len(self.called)}"), node.ctx)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        # np.sum, numpy.sum, and sum from numpy are one.
        return _Imported(f"{node.value.id}.{node.attr}") if isinstance(node.value, _Imported) else node


class _Imported(ast.Name):
    """What an import gave, by its full name."""

    def __init__(self, name: str):
        super().__init__(name, ast.Load())
