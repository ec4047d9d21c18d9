"""What each layer may import, read from every file; that no circle joins files or rooms; what an import loads."""

import ast
import graphlib
import subprocess
import sys

import pytest

from tests.paths import PACKAGE

# Which layer a module belongs to: the first of these names that it is, or lies in.
LAYERS = {
    "ground": (
        "refusals",
        "checks",
        "units",
        "files",
        "audio",
        "signals",
        "transforms",
        "loudness",
        "shipped",
        "memory",
        "chunks",
        "truncation",
        "options",
        "method",
        "updates",
        "temporary",
        "foreign",
        "stem_names",
        "hierarchy",
        "remixing",
    ),
    "methods": (
        "masks",
        "oracles",
        "phases",
        "stacking",
        "nmf",
        "score",
        "spatial",
        "kernels",
        "lowrank",
        "lowrank_entries",
        "sinusoids",
        "casa",
        "silence",
        "common_rate",
    ),
    "judge": ("metrics",),
    "datasets": ("datasets",),
    "networks": ("neural",),
    "tools": ("catalogue", "compare", "ensemble", "plots", "plugins", "steering", "separating"),
    "face": (
        "widgets",
        "lessons",
        "content",
        "grading",
        "cli",
        "doctor",
        "launch",
        "serve",
        "course",
        "experiments",
        "__main__",
    ),
}

# What a layer may import of the package, besides itself: layers, or modules of them.
MAY_USE = {
    "ground": set(),
    "methods": {"ground"},
    "judge": {"ground"},
    "datasets": {"ground", "score"},
    "networks": {"ground", "score", "silence", "datasets", "metrics", "nmf"},
    "tools": {"ground", "methods", "judge", "datasets", "networks"},
    "face": {"ground", "methods", "judge", "datasets", "networks", "tools"},
}

# What a layer may import from outside the standard library.
MAY_IMPORT = {
    "ground": {"numpy", "scipy", "soundfile", "soxr"},
    "methods": {"numpy", "scipy", "sklearn", "librosa"},
    "judge": {"numpy", "scipy", "museval", "mir_eval", "clarity"},
    "datasets": {"numpy", "scipy", "joblib", "fluidsynth", "tqdm"},
    "networks": {"numpy", "scipy", "torch", "torchaudio", "lightning", "safetensors", "tqdm"},
    "tools": {"numpy", "scipy", "tqdm"},
    "face": {"numpy", "scipy", "IPython", "anywidget", "ipywidgets", "traitlets", "nbclient", "nbformat", "nbconvert",
             "jupyter_client", "jupyterlab", "matplotlib", "psutil", "pygments", "soundfile", "tqdm", "bleach"},
}  # fmt: skip

# Modules that may import more than their layer.
MAY_IMPORT_TOO = {
    "score": {"pretty_midi", "mido"},
    "spatial": {"pyroomacoustics"},
    "plots": {"matplotlib"},
    # k-means, where networks that cluster are run.
    "clustering": {"sklearn"},
    # Finds the pitch of a recorded note.
    "single_notes": {"librosa"},
    # Chooses how hard the shipped FLAC files are compressed.
    "make_lessons": {"soundfile"},
    # Says which torch is installed, and which device it would use.
    "doctor": {"torch"},
}

# Only these may import matplotlib; a control shows a figure that it is given, and must know how to draw one.
MATPLOTLIB = ("plots", "widgets", "lessons")

# Imported where they are asked for: never by the opening lines of a file outside the networks.
ASKED_FOR = {"torch", "torchaudio", "lightning", "pretty_midi", "mido", "music21", "pyroomacoustics", "museval",
             "mir_eval", "clarity", "fluidsynth", "librosa", "sklearn"}  # fmt: skip


def within(module, names):
    """The name of a folder or file of the package that `module` is or lies in, if it is among `names`."""
    return next((part for part in module.split(".") if part in names), None)


def layer_of(module):
    top = module.split(".")[0]
    return next((layer for layer, names in LAYERS.items() if top in names), None)


def imports_of(path, root=PACKAGE):
    """Every import of a file: module, whether it is the package's own, whether it stands in the opening lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    here = path.relative_to(root).with_suffix("").parts
    folder = here[:-1]
    opening = {id(node) for node in ast.walk(tree) if node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                ours = alias.name.split(".")[0] == "mss_lab"
                yield alias.name.removeprefix("mss_lab.") if ours else alias.name, ours, id(node) in opening
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".") if node.module else []
            if node.level:
                base = [*folder[: len(folder) - (node.level - 1)], *base]
            elif base[0] == "mss_lab":
                base = base[1:]
            else:
                yield node.module, False, id(node) in opening
                continue
            for alias in node.names:
                yield ".".join([*base, alias.name]), True, id(node) in opening


def wrong_arrows(path, root=PACKAGE):
    module = ".".join(path.relative_to(root).with_suffix("").parts)
    layer = layer_of(module)
    if module.endswith("__init__") and "." not in module:
        layer = "ground"
    if layer is None:
        return [f"{module} belongs to no layer; give it one in LAYERS"]
    wrong = []
    for name, ours, opens in imports_of(path, root):
        if ours:
            target = layer_of(name)
            if target is None and name.split(".")[0].startswith("__"):
                continue
            own_folder = name.split(".")[0] == module.split(".")[0]
            if target is None:
                wrong.append(f"{module} imports {name}, which belongs to no layer")
            elif not own_folder and target != layer and not ({target, name.split(".")[0]} & MAY_USE[layer]):
                wrong.append(f"{module} ({layer}) imports {name} ({target})")
            if not own_folder and name.split(".")[0] == "widgets" and module.split(".")[0] != "cli":
                wrong.append(f"{module} imports widgets, which only notebooks and the command line do")
            if not own_folder and name.split(".")[0] == "content":
                wrong.append(f"{module} imports a lesson's content, which is found by its name when it is opened")
            continue
        top = name.split(".")[0]
        allowed = set(MAY_IMPORT[layer])
        for part in module.split("."):
            allowed |= MAY_IMPORT_TOO.get(part, set())
        if top == "matplotlib" and within(module, MATPLOTLIB) is None:
            wrong.append(f"{module} imports matplotlib, which only plots knows")
        elif top not in sys.stdlib_module_names and top not in allowed:
            wrong.append(f"{module} ({layer}) imports {name}")
        if opens and top in ASKED_FOR and layer != "networks":
            wrong.append(f"{module} imports {name} in its opening lines, not where it is asked for")
    return wrong


def test_every_arrow_points_down():
    wrong = [arrow for path in sorted(PACKAGE.rglob("*.py")) for arrow in wrong_arrows(path)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "name, code, found",
    [
        ("units.py", "from . import masks", "units (ground) imports masks (methods)"),
        ("units.py", "from mss_lab.score import notes", "units (ground) imports score.notes (methods)"),
        ("units.py", "def f():\n    import librosa", "units (ground) imports librosa"),
        ("masks.py", "from .metrics.energy import sdr", "masks (methods) imports metrics.energy.sdr (judge)"),
        ("metrics/energy.py", "from .. import masks", "metrics.energy (judge) imports masks (methods)"),
        ("metrics/energy.py", "import mss_lab.masks", "metrics.energy (judge) imports masks (methods)"),
        ("datasets/render.py", "from ..masks import ratio", "datasets.render (datasets) imports masks.ratio (methods)"),
        ("masks.py", "import torch", "masks (methods) imports torch"),
        ("compare.py", "import matplotlib.pyplot as plt", "compare imports matplotlib, which only plots knows"),
        ("compare.py", "from .widgets import player", "compare (tools) imports widgets.player (face)"),
        ("lessons/lab.py", "from ..widgets import player", "lessons.lab imports widgets, which only"),
        ("lessons/lab.py", "from ..content import lesson_00", "lessons.lab imports a lesson's content"),
        ("metrics/bss_eval.py", "import museval", "metrics.bss_eval imports museval in its opening lines"),
        ("score/notes.py", "import pretty_midi", "score.notes imports pretty_midi in its opening lines"),
        ("strange.py", "", "strange belongs to no layer"),
        ("masks.py", "from . import strange", "masks imports strange, which belongs to no layer"),
    ],
)
def test_wrong_arrows_are_found(tmp_path, name, code, found):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(code)
    assert any(arrow.startswith(found) for arrow in wrong_arrows(tmp_path / name, tmp_path))


@pytest.mark.parametrize(
    "name, code",
    [
        ("masks.py", "import numpy as np\nfrom . import checks, transforms"),
        ("score/harmonics.py", "from .. import masks, units\nfrom .notes import Score"),
        ("score/notes.py", "def f():\n    import pretty_midi"),
        ("datasets/render.py", "from ..score.notes import Score"),
        ("neural/fit.py", "import torch\nfrom ..metrics.energy import sdr"),
        ("content/lesson_00/exercises.py", "from ...lessons import answers\nfrom ... import catalogue"),
        ("cli.py", "def f():\n    from .widgets import player"),
        ("plots.py", "import matplotlib.pyplot as plt"),
        ("__init__.py", "import numpy"),
    ],
)
def test_right_arrows_pass(tmp_path, name, code):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(code)
    assert wrong_arrows(tmp_path / name, tmp_path) == []


def arrows_in(root=PACKAGE):
    """Which files of the package each file imports, also inside functions: name -> names such as "score.notes"."""
    names = {".".join(path.relative_to(root).with_suffix("").parts) for path in root.rglob("*.py")}

    def file_of(imported):
        # The longest beginning that is a file or a folder: what follows is a name in it.
        parts = imported.split(".")
        beginnings = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
        return next((name for one in beginnings for name in (one, f"{one}.__init__") if name in names), None)

    graph = {name: set() for name in names}
    for path in root.rglob("*.py"):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        graph[name] |= {file_of(imported) for imported, ours, _ in imports_of(path, root) if ours} - {None, name}
    return graph


def rooms_of(graph):
    """The same between rooms: the folders of the package, and the files that lie in none of them."""
    rooms = {}
    for name, imported in graph.items():
        room = name.split(".")[0]
        rooms.setdefault(room, set()).update({other.split(".")[0] for other in imported} - {room})
    return rooms


def circle_in(graph):
    """A way along the arrows back to its beginning, such as "a -> b -> a"; empty where there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""


def test_no_circle_joins_files_or_rooms():
    graph = arrows_in()
    assert len(graph) > 200
    assert {"score.notes", "files"} < graph["score.files"]
    assert circle_in(graph) == ""
    assert circle_in(rooms_of(graph)) == ""


SMALL = {
    "two files": ({"a": "from . import b", "b": "import mss_lab.a"}, "a b", "a b"),
    "in a function": ({"a": "def f():\n    from .b import g", "b": "from mss_lab import a"}, "a b", "a b"),
    "three": ({"a": "from .b import x", "b": "from .c.d import y", "c/d": "from .. import a"}, "a b c.d", "a b c"),
    "within a room": ({"c/d": "from . import e", "c/e": "from .d import x"}, "c.d c.e", ""),
    "a folder": ({"c/d": "from .. import f", "f/__init__": "from ..c import d"}, "c.d f.__init__", "c f"),
    # Rooms that need one another, though no two files do.
    "rooms": ({"c/d": "from ..f.g import x", "f/h": "from ..c.e import y", "c/e": "", "f/g": ""}, "", "c f"),
    "none": ({"c/d": "from ..f import g", "f/g": "import numpy", "a": "from .c.d import x\nfrom . import b"}, "", ""),
}


@pytest.mark.parametrize("files, of_files, of_rooms", SMALL.values(), ids=SMALL)
def test_circles_are_found(tmp_path, files, of_files, of_rooms):
    for name, code in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(code)
    graph = arrows_in(tmp_path)
    assert set(circle_in(graph).replace("->", " ").split()) == set(of_files.split())
    assert set(circle_in(rooms_of(graph)).replace("->", " ").split()) == set(of_rooms.split())


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sorted(name for name in sys.modules if '.' not in name))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


HEAVY = {"torch", "matplotlib", "librosa", "numba", "sklearn", "pandas", "museval", "mir_eval", "music21", "IPython",
         "ipywidgets", "pretty_midi", "mido", "lightning"}  # fmt: skip


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import mss_lab") & (HEAVY | {"scipy", "soundfile"})


@pytest.mark.slow(1.5)
def test_the_ground_and_the_command_line_load_nothing_heavy():
    modules = ", ".join(f"mss_lab.{name}" for name in (*LAYERS["ground"], "masks", "score.notes", "score.roll", "cli"))
    assert not loaded_by(f"import {modules}") & HEAVY
