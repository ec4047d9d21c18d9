"""Count words of the old style in the package's source: in names, and in docstrings, comments and messages.

The section "Words" of CONTRIBUTING.md says what to write instead. `python -m tests.words` prints the counts of every
folder as a table; `python -m tests.words --list mss_lab/nmf` prints each occurrence in one folder or file.

Names are those that a file defines (functions, classes, arguments, variables, attributes of self): each counts once
for each function that assigns it. Text is every comment and every string with a space in it; other strings are data.
"""

import argparse
import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.paths import ROOT

# Parts of names, between underscores. A name should say what a value is, not what happened to it.
NAME_WORDS = frozenset(
    (
        *("alike", "asked", "belief", "due", "found", "given", "got", "hearing", "heard", "kin", "kinship", "known"),
        *("litter", "made", "mend", "mended", "mine", "parted", "place", "placed", "places", "said", "seen"),
        *("sharers", "slip", "slips", "stranger", "strangers", "taken", "theirs", "told", "wanted", "whoever", "whose"),
    )
)

# Whole words of text, as regular expressions, whatever their case.
TEXT_WORDS = (
    r"anybody",
    r"asks? for|asked for|asking for",
    r"as it came|as they came",
    r"at the door",
    r"beforehand",
    r"but for",
    r"by heart",
    r"everybody",
    r"hearken\w*|hark",
    r"heard|hears",
    r"houses?",
    r"is looked for|are looked for|listened for|listens? for",
    r"kin|kinship",
    r"lean(?:s|ing)? on",
    r"lest",
    r"likes",
    r"litter",
    r"mend(?:s|ed|ing)?",
    r"nobody",
    r"nothing but",
    r"parted",
    r"slips?",
    r"somebody",
    r"strangers?",
    r"taken for",
    r"told|tells",
    r"wanted|wants?",
    r"whoever",
    r"whose each",
    r"worth a",
)
_TEXT = re.compile(r"\b(?:" + "|".join(TEXT_WORDS) + r")\b", re.IGNORECASE)


class Occurrence(NamedTuple):
    """One old word: the file relative to the repository, its line, "name" or "text", and the word."""

    path: str
    line: int
    kind: str
    word: str


def of_source(source: str, path: str = "") -> list[Occurrence]:
    """All occurrences in the text of one Python file."""
    names = [Occurrence(path, line, "name", word) for line, word in _names(ast.parse(source))]
    return sorted(names + [Occurrence(path, line, "text", word) for line, word in _text(source)])


def of_folder(folder: Path) -> list[Occurrence]:
    """All occurrences in the Python files of a folder and of its subfolders, or in one file."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.py"))
    return [one for file in files for one in of_source(file.read_text("utf-8"), str(file.relative_to(ROOT)))]


def by_room(occurrences: list[Occurrence]) -> dict[str, Counter[str]]:
    """Counts of names and of text for each folder of the package; the files on top of it count as `mss_lab`."""
    counts: dict[str, Counter[str]] = {}
    for one in occurrences:
        parts = Path(one.path).parts
        counts.setdefault("/".join(parts[:2] if len(parts) > 2 else parts[:1]), Counter())[one.kind] += 1
    return dict(sorted(counts.items()))


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    # A variable that a function assigns many times is one name, so only its first line counts.
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first_lines: dict[str, int] = {}
        if not isinstance(scope, ast.Module):
            first_lines[scope.name] = scope.lineno
        for name, line in _assigned(scope):
            first_lines.setdefault(name, line)
        for name, line in first_lines.items():
            for word in name.lower().split("_"):
                if word in NAME_WORDS:
                    yield line, name


def _assigned(scope: ast.AST) -> Iterator[tuple[str, int]]:
    # Names that a scope assigns itself: what nested functions and classes assign counts there.
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = scope.args
        extra = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        for argument in arguments.posonlyargs + arguments.args + arguments.kwonlyargs + extra:
            yield argument.arg, argument.lineno
    pending = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.Lambda):
            yield from ((argument.arg, argument.lineno) for argument in node.args.args)
        pending.extend(ast.iter_child_nodes(node))


def _text(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        # The middle of an f-string is a token of its own from Python 3.12 on.
        is_string = tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE") and " " in token.string
        if token.type != tokenize.COMMENT and not is_string:
            continue
        for match in _TEXT.finditer(token.string):
            yield token.start[0] + token.string.count("\n", 0, match.start()), match[0].lower()


def as_table(counts: dict[str, Counter[str]]) -> str:
    """The counts as a text table with a last line of totals."""
    lines = [f"{'folder':20s} {'names':>6s} {'text':>6s} {'both':>6s}"]
    total: Counter[str] = sum(counts.values(), Counter())
    for room, count in {**counts, "total": total}.items():
        lines.append(f"{room:20s} {count['name']:6d} {count['text']:6d} {count.total():6d}")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or with `--list PATH` every occurrence under a path."""
    parser = argparse.ArgumentParser(description="Count words of the old style in the package's source.")
    parser.add_argument("--list", type=Path, metavar="PATH", help="print each occurrence in this file or folder")
    path = parser.parse_args().list
    if path is None:
        print(as_table(by_room(of_folder(ROOT / "mss_lab"))))
        return
    for one in of_folder(path.resolve()):
        print(f"{one.path}:{one.line}: {one.kind} {one.word}")


if __name__ == "__main__":
    main()
