"""How each network is trained, as data: its sizes, what it is shown, and for how long.

Two presets each. `student` fits a course: 16 kHz, four players, at most 90 minutes on two cores. `paper` has the
figures of the source, where the source gives them; what it leaves open is the student's.

Contents: RECIPES, Recipe, names, recipe. Lesson: notebooks/16_learn_a_mask.ipynb
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .. import checks

PRESETS = ("student", "paper")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One way to train one network.

    Attributes
    ----------
    network : str
        Name in `mss_lab.neural.models.MODELS`.
    settings : mapping
        What differs from the defaults of its settings. Sources and sample rate come from the data.
    sample_rate_hz : int
        That the data must have.
    segment_s : float
        Length of the segments that it is shown.
    batch : int
        Segments a step.
    steps : int
    gains : (low, high)
        Drawn for each source of each segment.
    incoherent : float
        How often a segment's sources come from different songs.
    validate_every : int, steps
    validate_batches : int
    further options
        As for `mss_lab.neural.fit.fit`.
    """

    network: str
    settings: Mapping[str, Any]
    sample_rate_hz: int = 16_000
    segment_s: float = 6.0
    batch: int = 8
    steps: int = 6000
    gains: tuple[float, float] = (0.25, 1.25)
    incoherent: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warmup_steps: int = 0
    plateau: int = 5
    clip_norm: float | None = 5.0
    validate_every: int = 200
    validate_batches: int = 8
    patience: int | None = None


# Tunturi et al.: 351 songs, 64 segments of each in an epoch, batches of 16, so 1404 steps; at most 1000 epochs, with a
# patience of 20. Their learning rate would fall only after 80 epochs without progress, which never come.
_XUMX_PAPER: dict[str, Any] = {
    "sample_rate_hz": 44_100,
    "segment_s": 6.0,
    "batch": 16,
    "steps": 1_404_000,
    "learning_rate": 1e-4,
    "weight_decay": 1e-5,
    "schedule": "constant",
    "clip_norm": None,
    "validate_every": 1404,
    "patience": 20,
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
# rate halved after 5 epochs without improvement. The thesis clips gradients at the 10th percentile of their lengths so
# far; here the limit is fixed.
_MASK_INFERENCE_PAPER: dict[str, Any] = {
    "segment_s": 10.0,
    "batch": 25,
    "steps": 80_000,
    "gains": (1.0, 1.0),
    "learning_rate": 1e-4,
    "schedule": "plateau",
    "plateau": 5,
    "validate_every": 800,
}
# Miron et al.: segments of 30 frames in batches of 32, at most 20 epochs of AdaDelta. Here two segments follow each
# other, so that fewer of their frames lie at the edge of an excerpt.
_CNN_PAPER: dict[str, Any] = {
    "sample_rate_hz": 44_100,
    "segment_s": 59 * 512 / 44_100,
    "batch": 16,
    "steps": 100_000,
    "optimizer": "adadelta",
    "learning_rate": 1.0,
    "schedule": "constant",
    "clip_norm": None,
    "gains": (1.0, 1.0),
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
_CNN_STUDENT_DATA: dict[str, Any] = {"segment_s": 59 * 512 / 16_000, "batch": 16, "steps": 12_000}

RECIPES: dict[str, dict[str, Recipe]] = {
    "context-window": {
        "student": Recipe("context-window", {}, segment_s=4.0),
        "paper": Recipe("context-window", {"hidden": 1024, "layers": 3}, segment_s=4.0, steps=60_000),
    },
    "mask-inference": {
        "student": Recipe(
            "mask-inference",
            # With masks apart, each for itself, the loss is lowest for long where a network gives nobody anything.
            {"hidden": 128, "layers": 2, "even_level": True, "masks": "softmax"},
            segment_s=4.0,
            steps=9000,
        ),
        "paper": Recipe("mask-inference", {}, **_MASK_INFERENCE_PAPER),
    },
    "xumx": {
        "student": Recipe("xumx", _XUMX_STUDENT),
        "paper": Recipe("xumx", {}, **_XUMX_PAPER),
    },
    "xumx-informed": {
        "student": Recipe("xumx-informed", _XUMX_STUDENT),
        "paper": Recipe("xumx-informed", {}, **_XUMX_PAPER),
    },
    "xumx-score-only": {
        "student": Recipe("xumx-score-only", _XUMX_STUDENT),
        "paper": Recipe("xumx-score-only", {}, **_XUMX_PAPER),
    },
    "score-cnn": {
        "student": Recipe("score-cnn", _CNN_STUDENT, **_CNN_STUDENT_DATA),
        "paper": Recipe("score-cnn", {}, **_CNN_PAPER),
    },
    "score-cnn-timbre": {
        "student": Recipe("score-cnn", {**_CNN_STUDENT, "timbre_only": True}, **_CNN_STUDENT_DATA),
        "paper": Recipe("score-cnn", {"timbre_only": True}, **_CNN_PAPER),
    },
}


def names() -> tuple[str, ...]:
    """What can be trained."""
    return tuple(RECIPES)


def recipe(name: str, preset: str = "student") -> Recipe:
    """The recipe of a name, or ValueError that lists the names.

    Lesson: notebooks/16_learn_a_mask.ipynb
    """
    presets = RECIPES[checks.check_choice("recipe", name, RECIPES)]
    return presets[checks.check_choice("preset", preset, presets)]
