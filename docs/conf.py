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
    for index, line in enumerate(lines):
        pieces = re.split(r"(`[^`]*`)", line)
        lines[index] = "".join(
            piece if piece.startswith("`") else re.sub(r"([*|_])", r"\\\1", piece) for piece in pieces
        )


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", plain_text, priority=100)
