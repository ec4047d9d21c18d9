"""Likeness: whether a student's code is the solution that the workbook ships, under other names.

Two functions count as the same if their abstract syntax is the same after these are taken away: the names of the
functions, of their arguments and of their local variables, documentation, comments, layout, type annotations, and by
which name a library was imported.

What this does not find: statements in another order, ``x + y`` written as ``y + x``, a variable more or less, a loop in
place of an array operation, code inside a text that is run with `exec`, and solutions that came from somebody else than
this package. And likeness proves nothing by itself: a short task has few solutions, and many who never saw the shipped
one write it. It only says where to ask.

Contents: same_as_solution.
"""

import ast
import copy
import re
import warnings
from collections.abc import Mapping, Sequence

from .exercise import Exercise

# What notebooks call a library that they import in a way which a parser does not see, as the magic %pylab does.
_USUAL_NAMES = {"np": "numpy"}
# Lines that Jupyter understands and Python does not: magics, commands of the shell, questions.
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|.*\?)$")
_MAGIC_VALUE = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def same_as_solution(cells: Sequence[str], exercise: Exercise) -> bool:
    """Whether a function in these cells is the exercise's shipped solution, under whatever names.

    Parameters
    ----------
    cells : sequence of str
        The source code of a notebook's code cells. Cells that are no Python, even without their magics, are passed
        over.
    exercise : Exercise

    Returns
    -------
    bool
        Always False where the answer is no function: two equal numbers say nothing.
    """
    wanted = _forms([exercise.solution], only="answer")
    return bool(wanted & _forms(cells))


def _forms(cells: Sequence[str], only: str = "") -> set[str]:
    """The normal forms of all functions in some cells, or of the one with a name."""
    trees = [tree for tree in map(_tree, cells) if tree is not None]
    imported = dict(_USUAL_NAMES)
    functions: list[_Function] = []
    for tree in trees:
        for node in ast.walk(tree):
            imported |= _imports(node)
            functions += _functions(node)
    helpers = {function.name: function for function in functions}
    try:
        return {_form(one, imported, helpers) for one in functions if only in ("", one.name)}
    except RecursionError:
        # Code nested so deeply is no copy of a solution.
        return set()


def _tree(cell: str) -> ast.Module | None:
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
        body: list[ast.stmt] = [ast.Return(node.value.body)]
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return [ast.FunctionDef(name, node.value.args, body, []) for name in names]
    return []


def _form(function: _Function, imported: Mapping[str, str], helpers: Mapping[str, _Function]) -> str:
    """The abstract syntax of a function as text, and of the functions of the same cells that it calls."""
    forms, waiting, seen = [], [function], {function.name}
    while waiting:
        one = waiting.pop(0)
        renamed = _Renamed(_bound(one), imported, helpers)
        forms.append(ast.dump(renamed.visit(copy.deepcopy(one)), annotate_fields=False))
        waiting += [helpers[name] for name in renamed.called if name not in seen]
        seen |= set(renamed.called)
    return "\n".join(forms)


def _bound(function: _Function) -> set[str]:
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, _Function | ast.ExceptHandler):
            found.add(node.name or "")
    return found


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
