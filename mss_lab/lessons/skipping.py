"""Skipping cells in a running notebook: those that need what the reader's own recording lacks; see `needs`.

IPython calls a transformer with the code of every cell before it runs it. This one replaces the code of a cell that
cannot run by what can, and by a card that states why. So a cell never ends in an error for that reason, and "Run all"
goes on to the end.

Contents: start, stop.
"""

import ast
from typing import Any

from . import needs
from .cards import Card

# The name under which a cell finds the card that it shows; readers do not meet it.
CARD = "_lesson_skipped_cell"


class Skipper(ast.NodeTransformer):
    """Replaces the code of cells that need what a recording lacks.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
    lab : Lab
        The object that the cells read; its name is looked up when a cell runs.
    has : needs.Has
    """

    def __init__(self, shell: Any, lab: object, has: needs.Has):
        self.shell = shell
        self.lab = lab
        self.has = has
        self.missing: dict[str, str] = {}
        self.source = ""

    def before_cell(self, info: Any) -> None:
        """Keep the text of the cell that comes next, which holds its comments."""
        self.source = info.raw_cell or ""

    def visit(self, node: ast.AST) -> ast.AST:
        """The code to run instead of a cell's."""
        if not isinstance(node, ast.Module):
            return node
        plan = needs.plan(self.source, node, self.has, self.missing, self._name())
        self.missing = plan.missing
        if not plan.message:
            return node
        self.shell.user_ns[CARD] = Card("This cell was not run", plan.message)
        shown = ast.Expr(ast.Name(CARD, ast.Load()))
        return ast.fix_missing_locations(ast.Module([*plan.kept, shown], []))

    def _name(self) -> str:
        named = (name for name, value in self.shell.user_ns.items() if value is self.lab and not name.startswith("_"))
        return next(named, "lab")


def start(lab: object, has: needs.Has) -> None:
    """Skip cells from the next one on; outside IPython nothing happens."""
    stop()
    shell = _shell()
    if shell is not None:
        skipper = Skipper(shell, lab, has)
        shell.ast_transformers.append(skipper)
        shell.events.register("pre_run_cell", skipper.before_cell)


def stop() -> None:
    """Run every cell again."""
    shell = _shell()
    for skipper in [] if shell is None else shell.ast_transformers[:]:
        if isinstance(skipper, Skipper):
            shell.ast_transformers.remove(skipper)
            shell.events.unregister("pre_run_cell", skipper.before_cell)


def _shell() -> Any:
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()
