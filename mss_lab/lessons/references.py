"""References of a lesson to other lessons: each must exist, or the words "to come" must follow in the same sentence.

Contents: problems.
"""

import re
from collections.abc import Collection
from typing import Any

_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
_NUMBERS = re.compile(r"\blessons?\s+(\d\d?(?:(?:\s*,\s*|\s+(?:and|or|to)\s+)\d\d?)*)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^\n]*?(?=[.!?](?:\s|$)|\n\s*\n|\Z)", re.DOTALL)


def problems(notebook: Any, numbers: Collection[str], names: Collection[str] = ()) -> list[str]:
    """References to lessons that do not exist, a sentence for each.

    Parameters
    ----------
    notebook : NotebookNode
    numbers : collection of str
        Of the lessons that exist, such as "03".
    names : collection of str
        Of their files, such as "03_masks.ipynb"; where there are none, links to files are not checked.
    """
    messages = []
    for index, cell in enumerate(notebook.cells, start=1):
        for words, address in _LINK.findall(cell.source):
            file = address.partition("#")[0]
            if names and re.fullmatch(r"\d\d_\w+\.ipynb", file) and file not in names:
                messages.append(f"cell {index} links {file}, which does not exist ({words})")
        text = _LINK.sub(r"\1", cell.source)
        for match in _NUMBERS.finditer(text):
            missing = [one for one in re.findall(r"\d+", match[1]) if f"{int(one):02}" not in numbers]
            rest = _SENTENCE.match(text, match.end())
            if missing and "to come" not in (rest[0] if rest else ""):
                messages.append(
                    f'cell {index} names lesson {", ".join(missing)}, which does not exist; write "to come" after it, '
                    "or leave it out"
                )
    return messages
