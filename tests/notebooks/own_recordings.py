"""Recordings as readers have them, made from tones and noise: what a lesson must run with from top to bottom.

Contents: KINDS, make, Statement, statements_of, split, concerned, needed, again, inserted.
"""

import ast
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mss_lab import audio, signals
from mss_lab.lessons import notebooks
from mss_lab.lessons.free_names import names_in
from mss_lab.score.midi import write_midi
from mss_lab.score.notes import Note, Score
from tests import sounds

# Pitches of three players whose names no lesson knows.
PLAYERS = {"guitar": (64, 67, 71, 69), "bass": (40, 43, 38, 45), "voice": (76, 74, 72, 79)}
BEAT_S = 0.5


def score_of(seconds: float) -> Score:
    """Notes for all players, from a quarter of a second on, to the end."""
    notes = []
    for index, (player, pitches) in enumerate(PLAYERS.items()):
        onsets_s = np.arange(0.25 + 0.02 * index, seconds - BEAT_S, BEAT_S)
        notes += [
            Note(player, pitches[beat % 4], float(onset_s), float(onset_s) + 0.9 * BEAT_S)
            for beat, onset_s in enumerate(onsets_s)
        ]
    return Score(tuple(notes))


def stems_of(seconds: float, rate_hz: int) -> dict[str, np.ndarray]:
    """The waveform of each player, (1, samples), with a little noise."""
    score, samples = score_of(seconds), round(seconds * rate_hz)
    rng = np.random.default_rng(5)
    stems = {}
    for player in PLAYERS:
        notes = Score(score.notes_of(player))
        tone = sounds.play(notes, rate_hz, harmonics=8, amplitude=0.2)[:, :samples]
        tone = np.pad(tone, ((0, 0), (0, samples - tone.shape[1])))
        stems[player] = (tone + 0.001 * rng.standard_normal(tone.shape)).astype(np.float32)
    return stems


def mono(folder: Path) -> str:
    """A mono mixture of 9 s at 44.1 kHz."""
    audio.write_audio(folder / "mono.wav", sum(stems_of(9.0, 44_100).values()), 44_100)
    return f"lab.use({str(folder / 'mono.wav')!r})"


def stereo(folder: Path) -> str:
    """A stereo mixture of 20 s at 48 kHz."""
    stems = stems_of(20.0, 48_000)
    angles_rad = np.linspace(0.2, 1.3, len(stems))
    panned = [signals.pan(stem, angle_rad) for stem, angle_rad in zip(stems.values(), angles_rad, strict=True)]
    audio.write_audio(folder / "stereo.flac", sum(panned), 48_000)
    return f"lab.use({str(folder / 'stereo.flac')!r})"


def stems(folder: Path) -> str:
    """A folder of three stems of 6 s at 32 kHz, with a MIDI score that names its parts in another way."""
    (folder / "stems").mkdir()
    for name, stem in stems_of(6.0, 32_000).items():
        audio.write_audio(folder / "stems" / f"{name}.wav", stem, 32_000)
    write_midi(folder / "song.mid", score_of(6.0))
    return f"lab.use(None, score={str(folder / 'song.mid')!r}, stems={str(folder / 'stems')!r})"


def short(folder: Path) -> str:
    """A mono mixture of 3 s at 22.05 kHz."""
    audio.write_audio(folder / "short.ogg", sum(stems_of(3.0, 22_050).values()), 22_050)
    return f"lab.use({str(folder / 'short.ogg')!r})"


KINDS = {"short": short, "stems": stems, "mono": mono, "stereo": stereo}


def make(kind: str, folder: Path) -> str:
    """Write the files of one kind of recording, and return the line that makes a lesson listen to it."""
    return KINDS[kind](folder)


# What a lesson asks its lab for, whatever recording it listens to.
ASKED = {f"lab.{name}" for name in ("check", "given", "glossary", "hint", "notation", "progress", "solution")}


def parsed(source: str) -> ast.Module:
    """The code of a cell, with what is not Python translated as IPython does it."""
    from IPython.core.inputtransformer2 import TransformerManager

    return ast.parse(TransformerManager().transform_cell(source))


@dataclasses.dataclass(frozen=True)
class Statement:
    """One statement of a lesson.

    Attributes
    ----------
    cell : int
        The number of its code cell.
    read, assigned, changed : frozenset of str
        See `free_names.Names`. What a function reads that it calls is read, too.
    replaces : bool
        Whether nothing of a name's earlier value is left after it has assigned the name, whatever happens.
    """

    cell: int
    read: frozenset[str]
    assigned: frozenset[str]
    changed: frozenset[str]
    replaces: bool

    @property
    def written(self) -> frozenset[str]:
        return self.assigned | self.changed


REPLACING = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def statements_of(cells: Sequence[ast.Module]) -> list[Statement]:
    """All statements of the cells in their order."""
    statements = []
    # What the functions behind a name read when they are called.
    later: dict[str, set[str]] = {}
    nodes = [(index, node) for index, cell in enumerate(cells) for whole in cell.body for node in split(whole)]
    for index, node in nodes:
        names = names_in(node)
        replaces = isinstance(node, REPLACING)
        calls = reads_later(later, names.read)
        # What a call returns is taken for data; a name, or a list of names, may be of functions.
        is_data = names.assigned and any(isinstance(inner, ast.Call) for inner in ast.walk(node))
        held = set() if is_data else calls
        if any(isinstance(inner, ast.FunctionDef | ast.Lambda) for inner in ast.walk(node)):
            held = held | names.read
        for name in names.assigned | names.changed:
            earlier = set() if replaces and name in names.assigned else later.get(name, set())
            later[name] = earlier | held
        read = names.read | calls
        statements.append(Statement(index, frozenset(read), names.assigned, names.changed, replaces))
    return statements


def reads_later(later: Mapping[str, set[str]], names: Iterable[str]) -> set[str]:
    return set().union(*(later.get(name, ()) for name in names))


def split(node: ast.stmt) -> list[ast.stmt]:
    """Of `a, b = x, y` both parts, unless one reads what the other assigns."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.targets) == 1:
        targets, values = node.targets[0], node.value.elts
        if isinstance(targets, ast.Tuple) and len(targets.elts) == len(values):
            names = names_in(node)
            if not names.read & names.assigned:
                return [ast.Assign([target], value) for target, value in zip(targets.elts, values, strict=True)]
    return [node]


def concerned(cells: Sequence[ast.Module]) -> list[bool]:
    """For each code cell, whether it must run again once a reader has taken a recording in a lesson that has run.

    It must if one of its statements reads the recording, or what such a statement has made; and if it makes something
    that these cells need and that another cell has written over since. What the other cells have made is there, and
    the same with every recording. The first cell opens the lesson.
    """
    statements = [statement for statement in statements_of(cells) if statement.cell > 0]
    of_recording: set[str] = set()
    kept = set()
    for statement in statements:
        of_lab = {name for name in statement.read if name.startswith("lab.")} - ASKED
        if of_lab or statement.read & of_recording:
            kept.add(statement.cell)
            of_recording |= statement.written
        elif statement.replaces:
            of_recording -= statement.assigned
    while missing := needed(statements, kept) - kept:
        kept |= missing
    return [index in kept for index in range(len(cells))]


def needed(statements: Sequence[Statement], kept: set[int]) -> set[int]:
    """Cells that must run with those which are kept, so that each name that these read has the value that it had."""
    last = {name: statement.cell for statement in statements for name in statement.written}
    before: dict[str, int] = {}
    before_again: dict[str, int] = {}
    cells = set()
    for statement in statements:
        if statement.cell in kept:
            for name in statement.read & before.keys():
                if before_again.get(name, last[name]) != before[name]:
                    cells.add(before[name])
            before_again |= dict.fromkeys(statement.written, statement.cell)
        before |= dict.fromkeys(statement.written, statement.cell)
    return cells


def again(notebook: Any, line: str) -> Any:
    """A lesson that takes the reader's recording after its end, and then runs the cells again that it concerns.

    What these cells have made is deleted first, so that none of them reads what it would not find otherwise.
    """
    import nbformat

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "lessons.open(" in code[0].source
    trees = [parsed(cell.source) for cell in code]
    kept = concerned(trees)
    made = {
        name
        for tree, keep in zip(trees, kept, strict=True)
        if keep
        for statement in tree.body
        for name in names_in(statement).assigned
    }
    clear = f"for _name in {sorted(made)}:\n    globals().pop(_name, None)"
    sources = [clear, line, *(cell.source for cell, keep in zip(code, kept, strict=True) if keep)]
    longer = nbformat.from_dict(json.loads(json.dumps(notebook)))
    longer.cells += [nbformat.v4.new_code_cell(source, id=f"again-{n}") for n, source in enumerate(sources)]
    return longer


def inserted(path: Path, line: str):
    """The notebook of a lesson with a cell after the opening one that takes the reader's recording."""
    import nbformat

    notebook = notebooks.read(path)
    opening = next(index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    assert "lessons.open(" in notebook.cells[opening].source
    notebook.cells.insert(opening + 1, nbformat.v4.new_code_cell(line, id="own"))
    return notebook
