"""An executed notebook as one page of HTML that is safe to open, whatever its student wrote.

The page is made of the cells' texts and outputs alone; nothing else of the notebook's file goes into it. Markup is
cleaned (no script, no form, no frame, nothing that is fetched). As a second protection, a Content-Security-Policy in
the head forbids the browser to run scripts and to fetch anything. Outputs are limited in size.

Contents: make_page.
"""

import base64
import html
import re
from collections.abc import Iterator
from typing import Any

from .plain import ESCAPES

# Of one text, of all pictures and sounds in one output, of all outputs of a page, and how many outputs one cell shows.
LONGEST_TEXT = 20_000
LONGEST_MARKUP = 100_000
LARGEST_OUTPUT_BYTES = 4_000_000
LARGEST_PAGE_BYTES = 20_000_000
MOST_OUTPUTS = 100
MOST_CELLS = 1000

POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; background: #fff;
  color: #111 }}
pre {{ overflow: auto; padding: .4rem .6rem; margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere }}
pre.code {{ background: #f4f4f4; border-left: .25rem solid #777 }}
pre.stderr {{ background: #fff0f0 }}
p.said {{ font-style: italic; color: #555 }}
img, video {{ max-width: 100% }}
table {{ border-collapse: collapse }} th, td {{ border: 1px solid #bbb; padding: .1rem .4rem; text-align: left }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="said">Everything below was written by the student or by the student's program. The verdicts stand in the
table of grades.</p>
{body}
</main>
</body>
</html>
"""

# What cleaned markup may hold, beyond what it may hold by default: tables, sounds and pictures inside the page, and the
# parts of the workbook's cards.
TAGS = frozenset((
    "div", "span", "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "code", "table", "caption",
    "thead", "tbody", "tfoot", "tr", "th", "td", "ul", "ol", "li", "dl", "dt", "dd", "strong", "em", "b", "i",
    "u", "s", "sub", "sup", "small", "blockquote", "details", "summary", "img", "audio", "figure", "figcaption",
    "section", "article", "header", "footer", "q", "abbr",
))  # fmt: skip
ATTRIBUTES = {
    "*": ["class", "title", "lang", "dir", "role", "aria-label", "colspan", "rowspan", "scope"],
    "img": ["src", "alt", "width", "height"],
    "audio": ["src", "controls"],
}
PICTURES = ("image/png", "image/jpeg")


def make_page(notebook: Any, title: str) -> str:
    """The page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        It is not changed.
    title : str
        Of the page; any text.
    """
    cells = list(notebook.cells)
    parts: list[str] = []
    room = LARGEST_PAGE_BYTES
    for cell in cells[:MOST_CELLS]:
        for part in _cell(cell):
            shown = part if len(part) <= room else _remark(f"{len(part)} characters are not shown; the page is full")
            room -= len(shown)
            parts.append(shown)
    if len(cells) > MOST_CELLS:
        parts.append(_remark(f"{len(cells) - MOST_CELLS} further cells are not shown"))
    return PAGE.format(policy=POLICY, title=html.escape(_text(title)), body="\n".join(parts))


def _cell(cell: Any) -> Iterator[str]:
    source = _cut(_text(cell.get("source", "")))
    if cell.get("cell_type") != "code":
        yield _markdown(source)
        return
    yield f'<pre class="code">{html.escape(source)}</pre>'
    outputs = cell.get("outputs") or []
    for output in outputs[:MOST_OUTPUTS]:
        part = _output(output)
        yield part if len(part) <= LARGEST_OUTPUT_BYTES else _remark(f"{len(part)} characters are not shown")
    if len(outputs) > MOST_OUTPUTS:
        yield _remark(f"{len(outputs) - MOST_OUTPUTS} further outputs are not shown")


def _output(output: Any) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        stream = "stderr" if output.get("name") == "stderr" else "stdout"
        return _preformatted(_text(output.get("text", "")), stream)
    if kind == "error":
        return _preformatted("\n".join(map(_text, output.get("traceback") or [])), "stderr")
    data = output.get("data") or {}
    for picture in PICTURES:
        content = _base64(data.get(picture))
        if content:
            return f'<p><img alt="a picture" src="data:{picture};base64,{content}"></p>'
    if "text/html" in data:
        return f"<div>{_clean(_text(data['text/html']))}</div>"
    if "text/markdown" in data:
        return _markdown(_text(data["text/markdown"]))
    if "text/plain" in data:
        return _preformatted(_text(data["text/plain"]), "stdout")
    return _remark("an output of another kind is not shown")


def _markdown(source: str) -> str:
    from nbconvert.filters import markdown2html

    # Cleaned when it is markup already: an address in Markdown can be a script, too. Headings get a link to themselves,
    # of which only its sign would be left.
    return f"<div>{_clean(markdown2html(_cut(source)).replace('&#182;', ''))}</div>"


def _preformatted(text: str, name: str) -> str:
    return f'<pre class="{name}">{html.escape(_cut(text))}</pre>'


def _remark(words: str) -> str:
    return f'<p class="said">[{html.escape(words)}]</p>'


def _clean(markup: str) -> str:
    from bleach import Cleaner

    sounds: list[str] = []

    def set_aside(match: re.Match[str]) -> str:
        # A sound of a minute is no text to be looked through letter by letter.
        content = _base64(match[2])
        if not content or sum(map(len, sounds)) + len(content) > LARGEST_OUTPUT_BYTES:
            return ""
        sounds.append(f"data:{match[1]};base64,{content}")
        return f"data:,{len(sounds) - 1}"

    short = re.sub(r"data:((?:audio|image)/(?:wav|mpeg|ogg|flac|png|jpeg));base64,([A-Za-z0-9+/=]+)", set_aside, markup)
    if len(short) > LONGEST_MARKUP:
        return _remark(f"{len(short)} characters of markup are not shown")
    cleaner = Cleaner(tags=TAGS, attributes=_allowed, protocols=["data"], strip=True, strip_comments=True)
    cleaned = cleaner.clean(short)
    return re.sub(r'"data:,(\d+)"', lambda match: _put_back(sounds, match[1]), cleaned)


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "src":
        # Only what was set aside: every other address would be fetched, or is no sound or picture.
        return tag in ("img", "audio") and re.fullmatch(r"data:,\d+", value) is not None
    return name in ATTRIBUTES["*"] or name in ATTRIBUTES.get(tag, ())


def _put_back(sounds: list[str], number: str) -> str:
    index = int(number) if len(number) < 9 else len(sounds)
    return f'"{sounds[index]}"' if index < len(sounds) else '""'


def _base64(content: Any) -> str:
    # Only what decodes is passed on: nothing else can stand between the quotation marks of an address.
    if isinstance(content, (list, tuple)):
        content = "".join(map(str, content))
    if not isinstance(content, str) or len(content) > LARGEST_OUTPUT_BYTES:
        return ""
    joined = "".join(content.split())
    try:
        base64.b64decode(joined, validate=True)
    except ValueError:
        return ""
    return joined


def _text(text: Any) -> str:
    # Notebooks keep a text whole or line by line. Lone surrogates can be stored in no file.
    whole = "".join(map(str, text)) if isinstance(text, (list, tuple)) else str(text)
    return whole.encode("utf-8", "replace").decode("utf-8")


def _cut(text: str) -> str:
    start = ESCAPES.sub("", text[: 2 * LONGEST_TEXT])
    if len(start) <= LONGEST_TEXT and len(text) <= 2 * LONGEST_TEXT:
        return start
    return f"{start[:LONGEST_TEXT]}\n[cut here; there was more]"
