"""Python files of a reader's own, run so that they can register methods, networks and recipes.

A plugin is an ordinary Python file. It calls `mss_lab.catalogue.register`, or what else registers something, when it is
run. The command line runs the files that `--plugin FILE.py` names, and those in the environment variable
`MSS_LAB_PLUGINS`.

Contents: VARIABLE, add_argument, load, load_all.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from .refusals import RefusedValue

# Holds the paths of files, separated as in PATH: by ":" or, on Windows, by ";".
VARIABLE = "MSS_LAB_PLUGINS"


def add_argument(command: argparse.ArgumentParser) -> None:
    """Let a command take `--plugin FILE.py`; it hands `options.plugin` to `load_all` before anything else."""
    command.add_argument(
        "--plugin",
        metavar="FILE.py",
        action="append",
        default=[],
        help=f"a Python file that registers methods of your own, as often as needed; {VARIABLE} may name more",
    )


def load(path: str | os.PathLike) -> ModuleType:
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


def load_all(paths: Iterable[str | os.PathLike] = ()) -> None:
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
