"""How much of a program's code also stands in other code, whatever the names of its variables.

Contents: share_of.
"""

import ast
from collections.abc import Iterable

# An expression of fewer steps, such as x**2 or len(x), stands everywhere.
FEWEST_NODES = 4
LIBRARIES = ("np", "numpy", "scipy", "torch")


def share_of(program: str, others: Iterable[str]) -> float:
    """Which share of a program's expressions, counted in nodes of the syntax tree, also stands in other code.

    An expression counts where the same one with other names of variables stands in one of `others`; names of
    functions and attributes must agree. Imports and the names of arguments do not count.
    """
    known: set[str] = set()
    for source in others:
        for node in outermost(ast.parse(source)):
            Forms().collect(node, known)
    total = covered = 0
    for node in outermost(ast.parse(program)):
        forms = Forms()
        total += forms.of(node)[1]
        covered += forms.covered(node, known)
    return covered / total if total else 0.0


def outermost(tree: ast.AST) -> list[ast.expr]:
    """The expressions of a program that are in no other expression, those that it assigns to left out."""
    found: list[ast.expr] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.expr):
            is_target = isinstance(child, ast.Name | ast.Tuple) and isinstance(child.ctx, ast.Store)
            found += [] if is_target else [child]
        elif not isinstance(child, ast.arguments | ast.Import | ast.ImportFrom):
            found += outermost(child)
    return found


class Forms:
    """Expressions as texts in which every variable has one name; what is called keeps its own, as in np.sum and len."""

    def __init__(self) -> None:
        self._known: dict[ast.AST, tuple[str, int]] = {}

    def of(self, node: ast.AST) -> tuple[str, int]:
        """The text of an expression, and of how many expressions it consists."""
        if node not in self._known:
            self._known[node] = self._new(node)
        return self._known[node]

    def _new(self, node: ast.AST) -> tuple[str, int]:
        if isinstance(node, ast.Name):
            return "variable", 1
        words, count = [type(node).__name__], int(isinstance(node, ast.expr))
        for field, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                if not isinstance(part, ast.AST):
                    words.append(repr(part))
                    continue
                text, size = self.of(part)
                keeps_name = isinstance(part, ast.Name) and (field == "func" or part.id in LIBRARIES)
                words.append(part.id if keeps_name else text)
                count += size
        return f"({' '.join(words)})", count

    def collect(self, node: ast.AST, known: set[str]) -> None:
        """Add the texts of an expression and of all within it, small ones left out."""
        text, count = self.of(node)
        if isinstance(node, ast.expr) and count >= FEWEST_NODES:
            known.add(text)
        for child in ast.iter_child_nodes(node):
            self.collect(child, known)

    def covered(self, node: ast.AST, known: set[str]) -> int:
        """How many of the expressions within one stand in `known`, as parts of the largest that do."""
        text, count = self.of(node)
        if isinstance(node, ast.expr) and text in known:
            return count
        return sum(self.covered(child, known) for child in ast.iter_child_nodes(node))
