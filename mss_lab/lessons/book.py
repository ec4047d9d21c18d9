"""Build the book: every lesson executed, as pages that open in a browser without Jupyter.

    mss-lab book [--folder FOLDER] [NOTEBOOK ...]

Pictures and sounds lie inside the pages. Nothing is fetched while building; a reader's browser fetches MathJax, which
typesets the equations, and without a network shows them as TeX.

Contents: Page, make_page, build, add_arguments, run.
"""

import argparse
import dataclasses
import html
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import files
from ..refusals import RefusedValue
from . import notebooks, outputs, readers_time

FOLDER = "build/book"
TIME_LIMIT_S = 600.0
# Players then make outputs that sound without a kernel (see `mss_lab.widgets.standalone`).
PAGES = "MSS_LAB_PAGES"
WIDGET = "application/vnd.jupyter.widget-view+json"

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Music source separation: a workbook</title>
<style>
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
li {{ margin: .6rem 0 }}
</style>
</head>
<body>
<main>
<h1>Music source separation: a workbook</h1>
<p>Every page was executed from a fresh kernel. To turn its controls yourself, open the notebook in JupyterLab.</p>
<ol start="{start}">
{items}
</ol>
</main>
</body>
</html>
"""


@dataclasses.dataclass(frozen=True)
class Page:
    """An executed lesson.

    Attributes
    ----------
    name : str
        Of its file, without ending.
    title, promise, html : str
    seconds : float
        How long it ran.
    time : ReadersTime or None
        What the card says of the reader's minutes.
    problems : tuple of outputs.Problem
        What is wrong with its outputs; the page shows them all the same.
    """

    name: str
    title: str
    promise: str
    html: str
    seconds: float
    time: readers_time.ReadersTime | None = None
    problems: tuple[outputs.Problem, ...] = ()


def make_page(path: str | os.PathLike[str], time_limit_s: float = TIME_LIMIT_S) -> Page:
    """Execute a notebook and make its page.

    Raises
    ------
    RefusedValue
        If a cell stops with an error, or the time runs out.
    """
    from nbconvert import HTMLExporter

    path = Path(path)
    notebook = notebooks.read(path)
    with notebooks.working_copy(path) as folder:
        run = notebooks.execute(
            notebook, folder=folder, time_limit_s=time_limit_s, environment={PAGES: "1"}, watch=True
        )
    if run.timed_out:
        raise RefusedValue(f"{path} ran for more than {time_limit_s:g} s; no book was made")
    if run.errors:
        raise RefusedValue(f"{path} stops with an error ({run.errors[0]}); no book was made")
    executed, problems = run.notebook, tuple(outputs.problems(run))
    for cell in executed.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\((\d\d_\w+)\.ipynb(#[^)]*)?\)", r"](\1.html\2)", cell.source)
        else:
            cell.outputs = [output for output in cell.outputs if _is_static(output)]
    title, promise = _title_and_promise(executed)
    # The pages hold no live widgets, so they need neither of the libraries that would bring these to life.
    exporter = HTMLExporter(embed_images=True, require_js_url="", jquery_url="", widget_renderer_url="")
    body, _ = exporter.from_notebook_node(executed, resources={"metadata": {"name": title, "path": str(path.parent)}})
    return Page(path.stem, title, promise, body, run.seconds, readers_time.of_notebook(notebook), problems)


def build(
    paths: Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    force: bool = False,
    progress: bool = False,
) -> list[Page]:
    """Make the pages of all notebooks and an index; the folder appears whole or not at all.

    Parameters
    ----------
    paths : iterable of path
    folder : path
    force : bool
        Whether a folder that holds something may be replaced.
    progress : bool
        Whether to show a progress bar on the standard error stream.

    Returns
    -------
    list of Page

    Raises
    ------
    FileExistsError, OSError
        As for `whole_folder`.
    RefusedValue
        If a notebook does not run to its end.
    """
    from tqdm import tqdm

    with files.whole_folder(folder, force=force) as temporary:
        pages = [make_page(path) for path in tqdm(list(paths), desc="lessons", unit="lesson", disable=not progress)]
        for page in pages:
            (temporary / f"{page.name}.html").write_text(page.html, encoding="utf-8")
        items = "\n".join(map(_item, pages))
        start = int(pages[0].name[:2]) if pages and pages[0].name[:2].isdigit() else 1
        (temporary / "index.html").write_text(INDEX.format(items=items, start=start), encoding="utf-8")
    return pages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `mss-lab book` to a parser."""
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="default: all of ./notebooks")
    parser.add_argument("--folder", help=f"where the book shall be (default: {FOLDER}, made anew each time)")
    parser.add_argument("--force", action="store_true", help="replace FOLDER if it exists")


def run(options: argparse.Namespace) -> int:
    """Make the book, and print the path of each page; on the standard error stream, what is wrong with its outputs."""
    paths = options.notebooks or notebooks.in_folder("notebooks")
    folder = Path(options.folder or FOLDER)
    force = options.force or options.folder is None
    for page in build(paths, folder, force=force, progress=sys.stderr.isatty()):
        print(f"{folder / page.name}.html: {page.title}, ran in {page.seconds:.1f} s")
        for problem in page.problems:
            print(f"{page.name}: {problem}", file=sys.stderr)
    print(f"the book is {folder / 'index.html'}")
    return 0


def _item(page: Page) -> str:
    lines = [page.promise]
    if page.time:
        lines.append(f"About {page.time.minutes} minutes. Shortest path: {page.time.shortest_path}.")
    words = "".join(f"<br>{html.escape(line)}" for line in lines)
    return f'<li><a href="{page.name}.html">{html.escape(page.title)}</a>{words}</li>'


def _is_static(output: Any) -> bool:
    # A widget's picture stands beside it, as HTML or an image; a widget without one cannot be shown on a page.
    data = output.get("data")
    if data is None or WIDGET not in data:
        return True
    del data[WIDGET]
    return any(kind in data for kind in ("text/html", "image/png", "image/svg+xml"))


def _title_and_promise(notebook: Any) -> tuple[str, str]:
    head = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    title, _, rest = head.strip().partition("\n")
    promise = re.split(r"\n\s*\n", rest.strip())[0] if rest.strip() else ""
    plain = re.sub(r"[*_`]|\]\([^)]*\)|\[", "", promise)
    return title.lstrip("# ").strip() or "Lesson", " ".join(plain.split())
