"""The front end of a widget: its JavaScript and its stylesheet, as the two texts that anywidget sends to the page.

The JavaScript of a widget has the name of its Python file, and imports what widgets share from the folder `shared`,
one line for each file::

    import { clamp, make } from "./shared/dom.js";

A page receives each widget as one module and cannot load files beside it, so `script` puts the imported files before
the file that imports them. All share one scope: the names at the top of these files must differ, and a name cannot be
imported under another name.

Contents: script, styles. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""

import pathlib
import re

SHARED = pathlib.Path(__file__).parent / "shared"
_IMPORT = re.compile(r'^import \{[^}]*\} from "(\./[\w./]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |function\*? |async function |class )", re.MULTILINE)


def script(module_file: str) -> str:
    """The JavaScript of a module's widget with all files that it imports: `script(__file__)`."""
    files: dict[pathlib.Path, str] = {}
    _collect(pathlib.Path(module_file).with_suffix(".js").resolve(), files)
    return "\n".join(files.values())


def styles(module_file: str, *shared: str) -> str:
    """The stylesheet that all cards share, others of the folder `shared`, and the widget's own if it has one.

    Such as `styles(__file__)`, or `styles(__file__, "panel.css")`.
    """
    own = pathlib.Path(module_file).with_suffix(".css")
    paths = [SHARED / "card.css", *(SHARED / name for name in shared), *([own] if own.exists() else [])]
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def _collect(path: pathlib.Path, files: dict[pathlib.Path, str]) -> None:
    """Add a file to `files`, after the files that it imports and that are not there yet."""
    if path in files:
        return
    text = path.read_text(encoding="utf-8")
    for imported in _IMPORT.findall(text):
        _collect((path.parent / imported).resolve(), files)
    files[path] = _EXPORT.sub("", _IMPORT.sub("", text))
