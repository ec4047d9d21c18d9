"""How much of a program's code also stands in other code, whatever the names of its variables.

Contents: share_of.
"""

import ast
import copy
from collections.abc import Iterable

# An expression of fewer steps, such as x**2 or len(x), stands everywhere.
FEWEST_NODES = 4


def share_of(program: str, others: Iterable[str]) -> float:
    """Which share of a program's expressions, counted in nodes of the syntax tree, also stands in other code.

    An expression counts where the same one with other names of variables stands in one of `others`; names of
    functions and attributes must agree. Imports and the names of arguments do not count.
    """
    known = {form for source in others for node in ast.walk(ast.parse(source)) for form in forms_of(node)}
    total = covered = 0
    for node in outermost(ast.parse(program)):
        total += nodes_in(node)
        covered += covered_nodes(node, known)
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


def covered_nodes(node: ast.AST, known: set[str]) -> int:
    if any(form in known for form in forms_of(node)):
        return nodes_in(node)
    return sum(covered_nodes(child, known) for child in ast.iter_child_nodes(node))


def forms_of(node: ast.AST) -> list[str]:
    """The text of an expression with every variable named alike; empty for small ones and for statements."""
    if not isinstance(node, ast.expr) or nodes_in(node) < FEWEST_NODES:
        return []
    return [ast.dump(_Anonymous().visit(copy.deepcopy(node)), annotate_fields=False)]


def nodes_in(node: ast.AST) -> int:
    return sum(isinstance(one, ast.expr) for one in ast.walk(node))


class _Anonymous(ast.NodeTransformer):
    """Gives all variables one name; what is called or has an attribute keeps its own, as in np.sum and len."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name("variable", ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func if isinstance(node.func, ast.Name) else self.visit(node.func)
        return ast.Call(
            function,
            [self.visit(argument) for argument in node.args],
            [ast.keyword(keyword.arg, self.visit(keyword.value)) for keyword in node.keywords],
        )

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value = node.value if isinstance(node.value, ast.Name) else self.visit(node.value)
        if isinstance(value, ast.Name) and value.id not in ("np", "numpy", "torch", "scipy"):
            value = ast.Name("variable", ast.Load())
        return ast.Attribute(value, node.attr, ast.Load())
