"""Cells that need what the reader's own recording does not have: its stems, a score, two channels, some seconds.

A cell says what it needs in its first line, and what the lesson's own recording shows there::

    # Needs stems and a score: on the lesson's recording the filtered spectrogram loses almost nothing.

Where the recording lacks it, the cell is not run; its line is shown. What does not depend on the missing thing is done
all the same: imports, functions, values. Names that the cell would have given a value are remembered, and later cells
that read them are not run either. `lab.sources` and `lab.score` are found by themselves: everything that is computed
from them is followed from cell to cell, by reading the code.

Contents: Has, Plan, declared, plan.
"""

import ast
import dataclasses
import re
from collections.abc import Mapping

from ..refusals import RefusedValue
from .free_names import Names, names_in

COMMENT = re.compile(r"\s*# Needs (?P<needs>[^:\n]+): (?P<shows>\S[^\n]*)")
COUNTS = {"two": 2, "three": 3, "four": 4}

STEMS, SCORE = "stems", "a score"
# The names under which lessons import what makes figures.
PICTURES = {"plt", "plots"}
# What a lesson's code reads of the lab that a recording may lack.
ROOTS = {"sources": STEMS, "score": SCORE}


@dataclasses.dataclass(frozen=True)
class Has:
    """What a recording has.

    Attributes
    ----------
    stems : int
        How many; 0 if they are unknown.
    score : bool
    channels : int
    length_s : float
    """

    stems: int
    score: bool
    channels: int
    length_s: float

    def lacks(self, need: str) -> bool:
        """Whether a need is not met: "stems", "three stems", "a score", "two channels", "8 s".

        Raises
        ------
        ValueError
            If the words are no need.
        """
        if need == STEMS:
            return self.stems == 0
        if need == SCORE:
            return not self.score
        if need == "two channels":
            return self.channels < 2
        if match := re.fullmatch(rf"({'|'.join(COUNTS)}) stems", need):
            return self.stems < COUNTS[match[1]]
        if match := re.fullmatch(r"(\d+(?:\.\d+)?) s", need):
            return self.length_s < float(match[1])
        raise RefusedValue(
            f'a cell can need stems, two, three or four stems, a score, two channels or "8 s", got {need!r}; '
            "several are joined by commas and 'and'"
        )


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is done with a cell.

    Attributes
    ----------
    message : str
        What to show instead of running the cell; empty if it runs.
    kept : tuple of ast.stmt
        The statements that are run; all of them without a message.
    missing : dict of name -> need
        Names that have no value after the cell, and what they would have needed.
    """

    message: str
    kept: tuple[ast.stmt, ...]
    missing: dict[str, str]


def declared(source: str) -> tuple[tuple[str, ...], str]:
    """The needs that the first line of a cell declares, and what it says that the lesson's recording shows.

    Raises
    ------
    ValueError
        If the line begins as such a comment does, and names something that is no need.
    """
    first = source.lstrip().partition("\n")[0]
    match = COMMENT.fullmatch(first)
    if match is None:
        if first.startswith("# Needs "):
            raise RefusedValue(f"this line must read '# Needs stems: what the lesson's recording shows', got {first!r}")
        return (), ""
    needs = tuple(re.split(r", (?:and )?| and ", match["needs"].strip()))
    for need in needs:
        Has(0, False, 0, 0.0).lacks(need)
    return needs, match["shows"].strip()


def plan(source: str, tree: ast.Module, has: Has, missing: Mapping[str, str], lab: str = "lab") -> Plan:
    """Decide what is done with a cell.

    Parameters
    ----------
    source : str
        Its text, for the comment in its first line.
    tree : ast.Module
        Its code.
    has : Has
        What the recording has.
    missing : dict of name -> need
        Names that have no value because earlier cells were not run.
    lab : str
        The name of the lab in the notebook.
    """
    needs, shows = declared(source)
    lacking = [need for need in needs if has.lacks(need)]
    roots = {f"{lab}.{attribute}": need for attribute, need in ROOTS.items() if has.lacks(need)}
    absent = {**missing, **roots}
    statements = [(statement, names_in(statement, lab)) for statement in tree.body]
    kept, after, culprits = _followed(statements, absent)
    if culprits:
        # A figure whose cell is not run to its end would be shown empty.
        first_need = next(iter(culprits.values()))
        figures = {number: first_need for number, (one, names) in enumerate(statements) if _is_figure(one, names)}
        kept, after, culprits = _followed(statements, absent, figures)
    if lacking and (not culprits or any(need not in ROOTS.values() for need in lacking)):
        # Its own code does not show what depends on, for example, a second channel: all of it may.
        kept, after = _definitions(statements, absent, lacking[0])
        culprits = culprits or {"": lacking[0]}
    for name in roots:
        after.pop(name, None)
    if not culprits:
        return Plan("", tuple(tree.body), after)
    return Plan(_message(lacking, shows, culprits, lab), tuple(kept), after)


def _message(lacking: list[str], shows: str, culprits: Mapping[str, str], lab: str) -> str:
    name, need = next(iter(culprits.items()))
    if lacking or name.partition(".")[0] in ("", lab):
        needed = ", ".join(lacking) or need
        words = f"This cell needs what your recording does not have ({needed})"
    else:
        words = f"This cell uses `{name}` of an earlier cell, which needs what your recording does not have ({need})"
    return f"{words}: {shows}" if shows else f"{words}."


def _is_figure(statement: ast.stmt, names: Names) -> bool:
    return isinstance(statement, ast.Assign) and bool(PICTURES & names.read)


def _followed(
    statements: list[tuple[ast.stmt, Names]], absent: Mapping[str, str], left_out: Mapping[int, str] | None = None
) -> tuple[list[ast.stmt], dict[str, str], dict[str, str]]:
    """The statements that read nothing absent; what is absent after them all; the absent names that were read.

    Statements whose number is in `left_out` count as if they read something absent, with the need that stands there.
    """
    absent, left_out = dict(absent), left_out or {}
    culprits: dict[str, str] = {}
    kept = []
    for number, (statement, names) in enumerate(statements):
        read = {name: absent[name] for name in names.read if name in absent}
        if read or number in left_out:
            culprits |= read
            need = next(iter(read.values())) if read else left_out[number]
            absent |= dict.fromkeys(names.assigned | names.changed, need)
        else:
            for name in names.assigned:
                absent.pop(name, None)
            kept.append(statement)
    # Prints, pictures and loops of a cell that is not run would show half of it.
    return [one for one in kept if isinstance(one, _QUIET)] if culprits else kept, absent, culprits


_QUIET = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def _definitions(
    statements: list[tuple[ast.stmt, Names]], absent: Mapping[str, str], need: str
) -> tuple[list[ast.stmt], dict[str, str]]:
    """Imports and functions alone; everything else that the cell would have assigned is absent."""
    absent = dict(absent)
    kept = []
    for statement, names in statements:
        is_definition = isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
        if is_definition and not any(name in absent for name in names.read):
            kept.append(statement)
            for name in names.assigned:
                absent.pop(name, None)
        else:
            absent |= dict.fromkeys(names.assigned | names.changed, need)
    return kept, absent
