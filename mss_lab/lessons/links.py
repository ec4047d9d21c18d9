"""Links between lessons and the package: each function that a lesson teaches names the lesson, and the reverse.

A docstring names its lesson by path: ``Lesson: notebooks/NN_name.ipynb`` (or ``Lessons:`` and several). A lesson names
a function in its markdown, in backquotes and with its full name, as in `mss_lab.transforms.stft`; what its code uses
counts as named, too. If a function's docstring names a lesson, that lesson must name the function. If a module's does,
the lesson must name the module, something in it, or something else in its folder (a folder such as `mss_lab.widgets` is
one subject). What a lesson's text names must exist, and its own docstring or that of its module must name a lesson.

What a package's `__init__` imports from its own files has its name there, such as `mss_lab.plots.spectrogram`, and is
linked by that name alone.

Contents: named_in, used_in, homes, problems.
"""

import ast
import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

LESSON_PATH = re.compile(r"notebooks/((\d\d)_\w+\.ipynb)")
NAME = re.compile(r"`(mss_lab(?:\.\w+)+)(?:\([^`]*\))?`")


def named_in(notebook: Any) -> tuple[str, ...]:
    """Every name of the package that a notebook's markdown links, once, in order."""
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return tuple(dict.fromkeys(NAME.findall(words)))


def used_in(notebook: Any) -> tuple[str, ...]:
    """Every name of the package that a notebook's code uses, from the root, once, in order."""
    origins: dict[str, str] = {}
    names: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(re.sub(r"(?m)^[ \t]*[%!?].*$", "pass", cell.source))
        except SyntaxError:
            # Jupyter's own notation beyond lines of magic; the run will tell whether it is a mistake.
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mss_lab":
                origins |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
            elif isinstance(node, ast.Import):
                origins |= {
                    item.asname or "mss_lab": item.name if item.asname else "mss_lab"
                    for item in node.names
                    if item.name.partition(".")[0] == "mss_lab"
                }
        names += [name for node in ast.walk(tree) if (name := _dotted(node, origins))]
    return tuple(dict.fromkeys([*origins.values(), *names]))


def homes(package: str | os.PathLike[str]) -> dict[str, tuple[str, ...]]:
    """Public name -> the notebooks that its docstring names, for every docstring of a package that names one.

    Parameters
    ----------
    package : path
        The package's folder. Its files are read, not imported.
    """
    package = Path(package)
    homes_of: dict[str, tuple[str, ...]] = {}
    public: dict[str, str] = {}
    for path in sorted(package.rglob("*.py")):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        module = ".".join(parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _collect(tree, module, homes_of)
        if parts[-1] == "__init__":
            public |= _offered(tree, module)
    return {public.get(name, name): lessons for name, lessons in homes_of.items()}


def problems(notebooks: Mapping[str, Any], package: str | os.PathLike[str]) -> list[str]:
    """What is wrong with the links, both ways.

    Parameters
    ----------
    notebooks : dict of file name -> NotebookNode
        All lessons that there are. Lessons beyond the highest number among them are still to come, and may be named.
    package : path
    """
    messages = []
    homes_of = homes(package)
    named = {name: named_in(notebook) for name, notebook in notebooks.items()}
    reached = {name: {*named[name], *used_in(notebook)} for name, notebook in notebooks.items()}
    highest = max((name[:2] for name in notebooks), default="")
    modules = {".".join(_module_parts(Path(package), path)) for path in Path(package).rglob("*.py")}
    for name, lessons in homes_of.items():
        for lesson in lessons:
            if lesson not in notebooks:
                if lesson[:2] <= highest:
                    messages.append(f"{name} names notebooks/{lesson}, which does not exist")
            elif not any(_answers(name, other, modules) for other in reached[lesson]):
                messages.append(f"{name} names notebooks/{lesson}, which does not link it: write `{name}` there")
    for lesson, names in named.items():
        for name in names:
            if not _exists(name):
                messages.append(f"notebooks/{lesson} links {name}, which does not exist")
            elif not any(
                name == home or name.startswith(f"{home}.") or home.startswith(f"{name}.") for home in homes_of
            ):
                messages.append(f"notebooks/{lesson} links {name}, whose docstring (and its module's) names no lesson")
    return messages


def _answers(name: str, other: str, modules: set[str]) -> bool:
    if other == name or name not in modules:
        return other == name
    folder = name.rpartition(".")[0]
    return other.startswith(f"{name}.") or ("." in folder and f"{other}.".startswith(f"{folder}."))


def _dotted(node: ast.AST, origins: Mapping[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in origins:
        return ""
    return ".".join([origins[node.id], *reversed(parts)])


def _module_parts(package: Path, path: Path) -> tuple[str, ...]:
    parts = (package.name, *path.relative_to(package).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def _collect(node: Any, name: str, homes_of: dict[str, tuple[str, ...]]) -> None:
    lessons = tuple(dict.fromkeys(match[0] for match in LESSON_PATH.findall(ast.get_docstring(node) or "")))
    if lessons:
        homes_of[name] = lessons
    for child in node.body:
        public = isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_")
        if public:
            _collect(child, f"{name}.{child.name}", homes_of)


def _offered(tree: ast.Module, module: str) -> dict[str, str]:
    """Names in a package's files -> their names in the package, for those that its `__init__` imports from there."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module]
    return {
        f"{module}.{node.module}.{item.name}": f"{module}.{item.asname or item.name}"
        for node in imports
        for item in node.names
    }


def _exists(name: str) -> bool:
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for part in parts[split:]:
            # A name that a module merely imported has its home elsewhere.
            if part.startswith("_") or not hasattr(thing, part) or isinstance(getattr(thing, part), ModuleType):
                return False
            thing = getattr(thing, part)
        return True
    return False
