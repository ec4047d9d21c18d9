"""The names that a statement reads from outside, gives a value, or changes; found by reading the code.

Contents: Names, names_in.
"""

import ast
import dataclasses

# Methods of lists, dicts, sets and arrays that change them; without `sort`, which is a function of NumPy, too.
CHANGING = {
    *("append", "extend", "insert", "remove", "pop", "clear", "reverse"),
    *("add", "discard", "update", "setdefault", "popitem", "fill"),
}


@dataclasses.dataclass(frozen=True)
class Names:
    """The names of one statement.

    Attributes
    ----------
    read : frozenset of str
        Those whose value before the statement it uses, inside the functions that it defines too. An attribute of the
        lab is one name, such as "lab.sources".
    assigned : frozenset of str
        Those that have a new value after it.
    changed : frozenset of str
        Those of lists, dicts and arrays that it writes into.
    """

    read: frozenset[str]
    assigned: frozenset[str]
    changed: frozenset[str]


def names_in(statement: ast.stmt, lab: str = "lab") -> Names:
    """The names that a statement reads, assigns and changes.

    Parameters
    ----------
    statement : ast.stmt
        One of the outermost level.
    lab : str
        The name whose attributes count as names.

    Examples
    --------
    >>> import ast
    >>> names = names_in(ast.parse("masks[0] = [f(x) for x in lab.sources]").body[0])
    >>> sorted(names.read), sorted(names.assigned), sorted(names.changed)
    (['f', 'lab', 'lab.sources', 'masks'], [], ['masks'])
    """
    reader = _Reader(lab)
    reader.visit(statement)
    return Names(frozenset(reader.read), frozenset(reader.bound), frozenset(reader.changed))


class _Reader(ast.NodeVisitor):
    """Visits a statement in the order in which it runs; what is bound before it is read is not read from outside."""

    def __init__(self, lab: str) -> None:
        self.lab = lab
        self.read: set[str] = set()
        self.bound: set[str] = set()
        self.changed: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._reads(node.id)
        else:
            self.bound.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id == self.lab:
            self._reads(f"{self.lab}.{node.attr}")
        elif isinstance(node.ctx, ast.Store):
            self._changes(node.value)
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Store):
            self._changes(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in CHANGING:
            self._changes(function.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit_all(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all(node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._visit_all(node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self._reads(node.target.id)
        self.visit(node.target)

    def visit_For(self, node: ast.For) -> None:
        self._visit_all(node.iter, node.target, *node.body, *node.orelse)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.bound.add(alias.asname or alias.name.split(".")[0])

    visit_ImportFrom = visit_Import

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        arguments = node.args
        self._visit_all(*node.decorator_list, *arguments.defaults, *arguments.kw_defaults)
        self.bound.add(node.name)
        self._visit_inside(node.args, *node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(*node.args.defaults, *node.args.kw_defaults)
        self._visit_inside(node.args, node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all(*node.decorator_list, *node.bases, *node.keywords)
        self.bound.add(node.name)
        self._visit_inside(None, *node.body)

    def _changes(self, written: ast.expr) -> None:
        """Note the name through which something is written, such as `means` in `means[method][condition] = 1`."""
        while isinstance(written, ast.Attribute | ast.Subscript):
            written = written.value
        if isinstance(written, ast.Name) and written.id != self.lab:
            self.changed.add(written.id)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        inner = self._inner()
        for generator in node.generators:
            inner._visit_all(generator.iter, generator.target, *generator.ifs)
        results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        inner._visit_all(*results)
        self._take(inner)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def _visit_all(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _visit_inside(self, arguments: ast.arguments | None, *body: ast.AST) -> None:
        inner = self._inner()
        if arguments is not None:
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            inner.bound |= {argument.arg for argument in every if argument is not None}
        inner._visit_all(*body)
        self._take(inner)

    def _inner(self) -> "_Reader":
        return _Reader(self.lab)

    def _take(self, inner: "_Reader") -> None:
        # What an inner scope assigns is not seen outside; what it reads from outside may be bound here.
        for name in inner.read:
            self._reads(name)
        self.changed |= inner.changed - inner.bound

    def _reads(self, name: str) -> None:
        if name not in self.bound:
            self.read.add(name)
