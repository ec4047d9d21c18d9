"""Recipes: the settings of each network, its training data and all options of its training.

Each recipe has two presets. `student` fits a course: 16 kHz, four players, at most 90 minutes on two cores. `paper` has
the values of the reference; those that the reference does not give are the same as in `student`. Conv-TasNet also has
`cadenza`, the baseline of a challenge.

A recipe of your own is added by `register`. Every field can be changed for one run:
`recipe.changed({"fit": {"steps": 100}})`. A TOML file or a card of weights contains such changes.

Contents: Recipe, RECIPES, PRESETS, names, recipe, register, read_changes. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import checks, hierarchy
from ..refusals import RefusedValue
from .convolutional_recipes import CONVOLUTIONAL
from .fit_options import FitOptions
from .query_data import QueryData
from .training_data import CueData, RecipeData, SongData

PRESETS = ("student", "paper")
SECTIONS = ("settings", "data", "fit")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One way to train one network.

    Attributes
    ----------
    network : str
        Name in `mss_lab.neural.models`.
    settings : mapping
        Settings of the network that differ from its defaults. Sources and sample rate come from the data.
    data : SongData, CueData or a class of your own
        The training data; see `mss_lab.neural.training_data`.
    fit : FitOptions
    """

    network: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    data: RecipeData = dataclasses.field(default_factory=SongData)
    fit: FitOptions = dataclasses.field(default_factory=FitOptions)

    def changed(self, changes: Mapping[str, Mapping[str, Any]]) -> "Recipe":
        """The recipe with changes by section: `settings`, `data` and `fit`; RefusedValue or RefusedType for bad ones.

        Settings of the network are checked when it is built.
        """
        for section in changes:
            checks.check_choice("section", section, SECTIONS)
        return dataclasses.replace(
            self,
            settings={**self.settings, **changes.get("settings", {})},
            data=_changed_data(self.data, changes.get("data", {})),
            fit=self.fit.replace(**{name: _tuples(value) for name, value in changes.get("fit", {}).items()}),
        )

    def as_dict(self) -> dict[str, Any]:
        """The recipe as a dict for JSON. `changed` with its sections turns any recipe of this network into this one."""
        return {
            "network": self.network,
            "settings": dict(self.settings),
            "data": dataclasses.asdict(self.data),
            "fit": dataclasses.asdict(self.fit),
        }


def _student(steps: int) -> FitOptions:
    return FitOptions(steps=steps, schedule="cosine")


# Tunturi et al.: 351 songs, 64 segments of each in an epoch, batches of 16, so 1404 steps; at most 1000 epochs, with a
# patience of 20. Their learning rate would fall only after 80 epochs without improvement, which this patience prevents.
_XUMX_PAPER: dict[str, Any] = {
    "data": SongData(sample_rate_hz=44_100, batch=16),
    "fit": FitOptions(
        steps=1_404_000,
        learning_rate=1e-4,
        weight_decay=1e-5,
        clip_norm=None,
        validate_every=1404,
        patience=20,
    ),
}
_XUMX_STUDENT: dict[str, Any] = {
    "window_samples": 2048,
    "hop_samples": 512,
    "bandwidth_hz": 8000.0,
    "hidden": 128,
    "layers": 2,
    "score_hidden": 32,
}
# Manilow's thesis, chapter 2: 100 epochs of 20 000 segments of 10 s in batches of 25, so 800 steps an epoch; Adam, its
# rate halved after 5 epochs without improvement. The thesis limits the length of a gradient to the 10th percentile of
# all lengths so far; here the limit is fixed.
_MASK_INFERENCE_PAPER: dict[str, Any] = {
    "data": SongData(segment_s=10.0, batch=25, gains=(1.0, 1.0)),
    "fit": FitOptions(steps=80_000, learning_rate=1e-4, schedule="plateau", plateau=5, validate_every=800),
}
# Manilow's thesis, chapter 3: 100 epochs of 20 000 segments of 5 s in batches of 40, so 500 steps an epoch; a rate of
# 2e-4. Chapter 4: 100 000 steps with batches of 64; its rate of 3e-4 falls by 2 % every 10 000 steps, not here.
_CERBERUS_PAPER: dict[str, Any] = {
    "data": SongData(segment_s=400 * 256 / 16_000, batch=40, gains=(1.0, 1.0)),
    "fit": FitOptions(steps=50_000, learning_rate=2e-4, validate_every=500),
}
_DSIS_PAPER: dict[str, Any] = {
    "data": SongData(segment_s=5.0, batch=64, gains=(1.0, 1.0)),
    "fit": FitOptions(steps=100_000, learning_rate=3e-4, validate_every=1000),
}
# The notes of the quartet, from the lowest of the bassoon to the highest of the violin in these pieces.
_QUARTET_NOTES: dict[str, Any] = {"lowest_midi": 34, "pitches": 64}
_CERBERUS_STUDENT: dict[str, Any] = {**_QUARTET_NOTES, "layers": 2, "even_level": True, "clustered_share": 0.125}
_DSIS_STUDENT: dict[str, Any] = {
    **_QUARTET_NOTES,
    "hidden": 120,
    "layers": 2,
    "even_level": True,
    # What an edit takes from one source another one receives.
    "masks": "softmax",
    "score_hidden": 48,
    "score_layers": 1,
    "embedding": 64,
}
_TRANSCRIBER_STUDENT: dict[str, Any] = {
    **_QUARTET_NOTES,
    "hidden": 120,
    "layers": 2,
    "even_level": True,
    "source_hidden": 48,
    "source_layers": 1,
    "embedding": 64,
}
# Levels of a tree of instruments. The thesis trains one network for each instrument; here it is the clarinet's.
_HIERARCHY_STUDENT: dict[str, Any] = {"hidden": 120, "layers": 2, "even_level": True, "distance": "squared"}
_QUERY_STUDENT: dict[str, Any] = {
    **_HIERARCHY_STUDENT,
    # Half as many frames as in the other students, which halves the time of a step.
    "window_samples": 2048,
    "hop_samples": 512,
    "hidden": 88,
    "layers": 1,
    "query_hidden": 20,
    "query_layers": 1,
    "dimensions": 10,
    "leaves": hierarchy.QUARTET.leaves,
    # A mixture is read once for the queries of all its players. With one query for each mixture, and vectors that are
    # an input, thousands of steps taught little.
    "conditioning": "product",
    "even_vectors": True,
    "naming_weight": 0.3,
}
# The last weights are kept, as for the refiner: the loss of the names on validation is high for a network that is sure
# of them, even where its masks are better.
_QUERY_STUDENT_DATA = QueryData(batch=4, queries=4, segment_s=2.0, query_s=2.0, validate_batches=32)
_QUERY_STUDENT_FIT = FitOptions(steps=4500, schedule="cosine", learning_rate=3e-3, warmup_steps=50, keep="last")
_HIERARCHY_PAPER = FitOptions(steps=80_000, learning_rate=1e-4, schedule="plateau", plateau=5, validate_every=800)
_HIERARCHY_PAPER_DATA: dict[str, Any] = {"segment_s": 10.0, "query_s": 10.0, "batch": 25, "gains": (1.0, 1.0)}
# Miron et al.: segments of 30 frames in batches of 32, at most 20 epochs of AdaDelta. Here an excerpt has two segments,
# so that fewer frames lie at its ends.
_CNN_PAPER: dict[str, Any] = {
    "data": SongData(sample_rate_hz=44_100, segment_s=59 * 512 / 44_100, batch=16, gains=(1.0, 1.0)),
    "fit": FitOptions(steps=100_000, optimizer="adadelta", learning_rate=1.0, clip_norm=None),
}
_CNN_STUDENT: dict[str, Any] = {
    "window_samples": 2048,
    "hop_samples": 512,
    "window": "hann",
    "bins": 513,
    "filters": 8,
    "bottleneck": 64,
    "input_scale": 1.0,
    "even_level": True,
    "loss": "mean",
}
_CNN_STUDENT_RUN: dict[str, Any] = {
    "data": SongData(segment_s=59 * 512 / 16_000, batch=16),
    "fit": _student(12_000),
}
# The refiner: at most 90 minutes on two cores. The last weights are kept instead of the best on validation, since the
# validation data are too few to rank the last weights, and the learning rate has fallen to 0.
_REFINER_FIT = FitOptions(
    steps=7000,
    optimizer="adamw",
    learning_rate=2e-3,
    weight_decay=1e-2,
    schedule="cosine",
    warmup_steps=50,
    clip_norm=1.0,
    validate_every=400,
    keep="last",
)

RECIPES: dict[str, dict[str, Recipe]] = {
    "context-window": {
        "student": Recipe("context-window", {}, SongData(segment_s=4.0), _student(6000)),
        "paper": Recipe("context-window", {"hidden": 1024, "layers": 3}, SongData(segment_s=4.0), _student(60_000)),
    },
    "mask-inference": {
        "student": Recipe(
            "mask-inference",
            # With independent masks, silence for all sources has the lowest loss during a large part of the training.
            {"hidden": 128, "layers": 2, "even_level": True, "masks": "softmax"},
            SongData(segment_s=4.0),
            _student(9000),
        ),
        "paper": Recipe("mask-inference", {}, **_MASK_INFERENCE_PAPER),
    },
    "cerberus": {
        "student": Recipe(
            "cerberus",
            {
                **_CERBERUS_STUDENT,
                "hidden": 112,
                "dimensions": 5,
                # The weights of the thesis are for sums. Of means, those of clustering and of the rolls would outweigh
                # that of the masks. A head itself learns equally fast with any weight, since Adam divides it out; what
                # the body learns depends on it.
                "clustering_weight": 0.005,
                "masks_weight": 0.9,
                "transcription_weight": 0.1,
            },
            SongData(segment_s=4.0),
            _student(2800),
        ),
        "paper": Recipe("cerberus", {}, **_CERBERUS_PAPER),
    },
    # What DSIS is compared with: it learns to separate and to transcribe, and reads no score.
    "masks-and-notes": {
        "student": Recipe(
            "cerberus",
            {
                **_CERBERUS_STUDENT,
                "hidden": 120,
                "dimensions": 1,
                "clustering_weight": 0.0,
                "masks_weight": 0.2,
                "transcription_weight": 0.8,
            },
            SongData(segment_s=4.0),
            _student(6000),
        ),
        "paper": Recipe(
            "cerberus",
            {"hidden": 600, "clustering_weight": 0.0, "masks_weight": 0.2, "transcription_weight": 0.8},
            **_DSIS_PAPER,
        ),
    },
    **{
        f"dsis{ending}": {
            # Without notes that moved, the network keeps to the timbre of a source and not to its edited notes.
            "student": Recipe(
                "dsis",
                {**_DSIS_STUDENT, "variant": variant},
                SongData(segment_s=4.0, moved_notes=0.75),
                _student(5000),
            ),
            "paper": Recipe("dsis", {"variant": variant}, **_DSIS_PAPER),
        }
        for ending, variant in (("", "residual"), ("-processed", "processed"), ("-vanilla", "vanilla"))
    },
    # The first reads the mixture alone, the others the separated sources, too.
    **{
        f"transcriber{ending}": {
            "student": Recipe(
                "transcriber", {**_TRANSCRIBER_STUDENT, "reads": reads}, SongData(segment_s=4.0), _student(6000)
            ),
            "paper": Recipe("transcriber", {"reads": reads}, **_DSIS_PAPER),
        }
        for ending, reads in (
            ("", "mixture"),
            ("-residual", "residual"),
            ("-processed", "processed"),
            ("-vanilla", "vanilla"),
        )
    },
    "hierarchical": {
        "student": Recipe("hierarchical", _HIERARCHY_STUDENT, QueryData(target="clarinet"), _student(6000)),
        "paper": Recipe("hierarchical", {}, QueryData(target="clarinet", **_HIERARCHY_PAPER_DATA), _HIERARCHY_PAPER),
    },
    "query-by-example": {
        "student": Recipe("query-by-example", _QUERY_STUDENT, _QUERY_STUDENT_DATA, _QUERY_STUDENT_FIT),
        "paper": Recipe("query-by-example", {}, QueryData(**_HIERARCHY_PAPER_DATA), _HIERARCHY_PAPER),
    },
    "xumx": {
        "student": Recipe("xumx", _XUMX_STUDENT, SongData(), _student(6000)),
        "paper": Recipe("xumx", {}, **_XUMX_PAPER),
    },
    "xumx-informed": {
        "student": Recipe("xumx-informed", _XUMX_STUDENT, SongData(), _student(6000)),
        "paper": Recipe("xumx-informed", {}, **_XUMX_PAPER),
    },
    "xumx-score-only": {
        "student": Recipe("xumx-score-only", _XUMX_STUDENT, SongData(), _student(6000)),
        "paper": Recipe("xumx-score-only", {}, **_XUMX_PAPER),
    },
    "score-cnn": {
        "student": Recipe("score-cnn", _CNN_STUDENT, **_CNN_STUDENT_RUN),
        "paper": Recipe("score-cnn", {}, **_CNN_PAPER),
    },
    "score-cnn-timbre": {
        "student": Recipe("score-cnn", {**_CNN_STUDENT, "timbre_only": True}, **_CNN_STUDENT_RUN),
        "paper": Recipe("score-cnn", {"timbre_only": True}, **_CNN_PAPER),
    },
    **{
        name: {preset: Recipe(name, **parts) for preset, parts in presets.items()}
        for name, presets in CONVOLUTIONAL.items()
    },
    # It takes any players, and there is no paper that it follows.
    "refiner": {"student": Recipe("refiner", {}, CueData(), _REFINER_FIT)},
}


def names() -> tuple[str, ...]:
    """The names of all recipes."""
    return tuple(RECIPES)


def recipe(name: str, preset: str = "student") -> Recipe:
    """The recipe of this name; RefusedValue lists the names that exist.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    presets = RECIPES[checks.check_choice("recipe", name, RECIPES)]
    return presets[checks.check_choice("preset", preset, presets)]


def register(name: str, recipe: Recipe, *, preset: str = "student") -> None:
    """Add a recipe of your own, or replace one that was added before; shipped recipes stay as they are."""
    if name in SHIPPED:
        raise RefusedValue(f"a recipe of your own must have a name of its own, got {name}, which is a shipped recipe's")
    RECIPES[name] = {**RECIPES.get(name, {}), preset: recipe}


def read_changes(path: str | os.PathLike[str]) -> dict[str, dict[str, Any]]:
    """Read changes to a recipe from a TOML file, or from the card of weights that are to be trained again.

    Parameters
    ----------
    path : path
        A .toml file with the tables `settings`, `data` and `fit`, each of them optional; or the .json card that
        training writes next to the weights.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it has other content.
    """
    path = Path(path)
    content_bytes = path.read_bytes()
    try:
        text = content_bytes.decode()
        if path.suffix == ".json":
            content = json.loads(text)["training"]
            return {section: content[section] for section in SECTIONS}
        content = tomllib.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise RefusedValue(
            f"{path} must be a TOML file with tables {', '.join(SECTIONS)}, or the card of a trained network, got "
            f"another file ({error}); mss-lab train --help lists the options of the table fit"
        ) from error
    for section, table in content.items():
        checks.check_choice(f"{path.name}: table", section, SECTIONS)
        if not isinstance(table, dict):
            raise RefusedValue(f"{path}: {section} must be a table, got {table!r}; write [{section}] above its lines")
    return content


def _changed_data(data: Any, changes: Mapping[str, Any]) -> Any:
    option_names = [field.name for field in dataclasses.fields(data)]
    for name in changes:
        checks.check_choice("data option", name, option_names)
    return dataclasses.replace(data, **{name: _tuples(value) for name, value in changes.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


SHIPPED = frozenset(RECIPES)
