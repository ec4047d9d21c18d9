"""Methods and networks of your own, without a change to the package: in a cell of a notebook, or in a Python file.

A method joins the catalogue by `mss_lab.catalogue.register`, a network with its recipe and its method by
`register_network`. A plugin is a Python file that calls one of them when it is run. The command line runs the files
that `--plugin FILE.py` names, and those in the environment variable `MSS_LAB_PLUGINS`.

Contents: VARIABLE, register_network, add_argument, load, load_all. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .refusals import RefusedValue

if TYPE_CHECKING:
    from .neural.recipes import Recipe

# Holds the paths of files, separated as in PATH: by ":" or, on Windows, by ";".
VARIABLE = "MSS_LAB_PLUGINS"


def register_network(
    name: str,
    network: type,
    *,
    recipe: "Recipe | None" = None,
    title: str = "",
    assumes: str = "Its sources are those that the network was trained for",
) -> None:
    """Add a network of your own, its recipe, and its method in the catalogue.

    After that the network can be trained (`mss_lab.neural.train.train(name, ...)`), its weights can be stored and
    loaded, and `mss_lab.catalogue.separator(name, weights="FILE.safetensors")` separates with them. A name that was
    registered before is replaced, so that a notebook's cell can run twice.

    Parameters
    ----------
    name : str
        Of the network, of its recipe and of its method; small letters and digits, with hyphens between words.
    network : type
        A subclass of `torch.nn.Module`, as `mss_lab.neural.contracts.Network` describes it.
    recipe : Recipe, optional
        How it is trained; without it, with the defaults of `mss_lab.neural.recipes.Recipe`.
    title, assumes : str
        What `mss-lab methods` says of it.

    Raises
    ------
    TypeError, ValueError
        If the class is no network, or the name is taken by what ships.
    """
    from . import catalogue
    from .neural import apply, models, recipes

    models.register(name, network)
    recipes.register(name, recipe or recipes.Recipe(name))
    needs_score = bool(getattr(network, "needs_score", False))
    catalogue.register(
        catalogue.Method(
            name=name,
            title=title or f"The network {network.__name__}",
            function=apply.network_separator(name),
            needs=frozenset({"score"} if needs_score else ()),
            gives="one estimate for each source of the score, or without a score for each source of the network",
            assumes=assumes,
            libraries=("torch", "safetensors"),
        )
    )


def add_argument(command: argparse.ArgumentParser) -> None:
    """Let a command take `--plugin FILE.py`; it hands `options.plugin` to `load_all` before anything else."""
    command.add_argument(
        "--plugin",
        metavar="FILE.py",
        action="append",
        default=[],
        help=f"a Python file that registers methods of your own, as often as needed; {VARIABLE} may name more",
    )


def load(path: str | os.PathLike[str]) -> ModuleType:
    """Run a plugin; if it has run before, it runs again.

    Its folder is added to the end of `sys.path`, so that it may import files beside it, and so that worker processes
    find what it defines.

    Parameters
    ----------
    path : path
        Of a file that ends in .py.

    Returns
    -------
    module
        With all that the file defines.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no Python file, has the name of a module that can be imported already, or raises an exception, which is
        then the cause of this one.
    """
    path = Path(path).resolve()
    name = path.stem
    if path.suffix != ".py" or "." in name:
        raise RefusedValue(f"a plugin must be a Python file, such as mine.py, got {path.name}")
    if not path.is_file():
        raise FileNotFoundError(f"the plugin {path} does not exist; give the path of a Python file")
    _check_free(name, path)
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise RefusedValue(
            f"the plugin {path} stopped with {type(error).__name__}: {error}; --traceback shows where"
        ) from error
    return module


def load_all(paths: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Run the plugins that the environment variable names, then those of `paths`; each file once."""
    named = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
    for path in dict.fromkeys(Path(path).resolve() for path in (*named, *paths)):
        load(path)


def _check_free(name: str, path: Path) -> None:
    """Refuse the name of another module: the two would be confused."""
    loaded = sys.modules.get(name)
    spec = getattr(loaded, "__spec__", None) if loaded is not None else importlib.util.find_spec(name)
    if loaded is None and spec is None:
        return
    origin = getattr(spec, "origin", None)
    if origin is None or not Path(origin).is_file() or not Path(origin).samefile(path):
        raise RefusedValue(f"the plugin {path.name} has the name of the module {name}; give the file another name")
