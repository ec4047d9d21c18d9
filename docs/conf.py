"""Settings of the API reference, which Sphinx builds from the docstrings: `make docs`."""

import re
from typing import Any

import mss_lab

project = "mss_lab"
author = "The mss_lab authors"
release = mss_lab.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "myst_parser"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
templates_path = ["templates"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "description": "Music source separation, taught and done"}
html_show_sourcelink = False

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": False}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_use_ivar = True
# Docstrings write `code` with single backticks.
default_role = "code"
# Types in docstrings are words such as "samples", which several classes have as attributes.
suppress_warnings = ["ref.python"]


def plain_text(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text: a star or a bar in a formula is no markup. Runs before the sections are read."""
    written: list[str] = []
    for number, line in enumerate(lines):
        following = lines[number + 1 : number + 3]
        if line.endswith(":") and len(following) == 2 and not following[0] and following[1].startswith("    "):
            # What is indented after a colon is shown as it is written.
            line += ":"
        if line.startswith(("Lesson:", "Reference:")):
            # After a section this paragraph would be read as a part of that section.
            written += ["Notes", "-----"]
        pieces = [line] if line.lstrip().startswith(">>>") else re.split(r"(`[^`]*`)", line)
        written.append("".join(piece if piece.startswith(("`", ">>>")) else escaped(piece) for piece in pieces))
    lines[:] = written


def escaped(text: str) -> str:
    """The text with everything that reStructuredText would take for markup marked as plain."""
    return re.sub(r"([*|_])", r"\\\1", text)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", plain_text, priority=100)
