"""The experiments of lesson 22: what a tree of instruments is worth, and what a query is worth.

    mss-lab data training quartets SONGS/train --items 400 --split train --tree quartet --made-up 0.35
    mss-lab data training quartets SONGS/seen --items 32 --split seen --tree quartet --made-up 0.35
    mss-lab data training quartets SONGS/unseen --items 32 --split unseen --tree quartet
    python -m tests.benchmarks.hierarchy_levels levels queries variants --data SONGS

They make `22_levels`, `22_queries` and `22_variants` in data/experiments. A command that was stopped continues: it
adds the rows that are missing, and prints means. `--weights DIR` takes another query network than the one that ships.
`--small` makes songs of a few seconds for itself, and keeps nothing.
"""

import dataclasses
import functools
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from mss_lab import compare, experiments
from mss_lab.datasets import engines, pieces, store
from mss_lab.datasets.duets import Songs
from mss_lab.neural import models, query, query_batches, query_vectors, recipes, weights
from mss_lab.neural.query_data import ChosenLevels
from mss_lab.neural.training_data import VALIDATION_SEED
from mss_lab.score.instruments import program_of
from mss_lab.score.notes import Score
from tests.benchmarks import lesson_experiments
from tests.benchmarks.lesson_experiments import LessonExperiment, Options
from tests.benchmarks.plain_training import train
from tests.benchmarks.query_cases import (
    LENGTHS_S,
    LEVELS,
    MIXTURE_S,
    QUERY_S,
    RATE_HZ,
    Queries,
    batches_of,
    cases,
    gain_db,
    quartets,
    rows_of,
    separated,
)
from tests.paths import ROOT

SETS = ("seen", "unseen")
TARGET = "clarinet"
MIXTURES, QUERIED = 48, 40
LEARNING_RATE = 3e-3
GRID = {"sample_rate_hz": RATE_HZ, "window_samples": 2048, "hop_samples": 512, "even_level": True}
SMALL_NETWORK = {**GRID, "distance": "squared", "hidden": 56, "layers": 1}
SMALL_LISTENER = {"sample_rate_hz": RATE_HZ, "hidden": 64}
# Mixtures of a batch, with four queries each, and the length of both.
BATCH_OF_QUERIES, LEARNT_S = 4, 2.0
# Changes of the instruments in training. The recipes have none.
CHANGED = {"equaliser_db": 6.0, "varied_speed": True}
# What is different from the recipe.
VARIANTS: dict[str, dict[str, Any]] = {
    "recipe": {},
    "no constraint": {"constrained": False},
    "no names": {"names": False},
    "as in the thesis": {"conditioning": "input", "even_vectors": False, "names": False},
    "instruments changed": {"changed": True},
}


class Condition(NamedTuple):
    """What is different for a separator of one instrument: its levels, the labels, the songs, and the instruments."""

    network: str
    labelled: float = 1.0
    items: float = 1.0
    changed: bool = False


CONDITIONS = (
    Condition("multi-level"),
    Condition("multi-level, unconstrained"),
    Condition("single-level"),
    Condition("multi-level", 0.5),
    Condition("single-level", 0.5),
    Condition("multi-level", 0.1),
    Condition("multi-level, balanced", 0.1),
    Condition("single-level", 0.1),
    Condition("multi-level", 1.0, 0.1),
    Condition("single-level", 1.0, 0.1),
    Condition("multi-level", changed=True),
    Condition("single-level", changed=True),
    Condition("multi-level", 0.1, changed=True),
    Condition("multi-level, balanced", 0.1, changed=True),
    Condition("single-level", 0.1, changed=True),
)


def songs(options: Options, which: str) -> Any:
    """The songs of a set, those of `--small` made here."""
    return small_songs(which) if options.small else store.open_store(options.data / which)


@functools.cache
def small_songs(which: str, count: int = 4) -> Songs:
    """A few seconds of a chorale of the lessons, played by drawn instruments of the tree, among them the clarinet."""
    score, engine = pieces.load("chorale_a").score, engines.make("harmonic")
    assert score is not None
    players = tuple(f"player {number}" for number in range(1, 5))
    names = dict(zip(score.sources, players, strict=True))
    notes = tuple(
        dataclasses.replace(note, source=names[note.source]) for note in score.notes if note.offset_s < MIXTURE_S
    )
    items = []
    for number in range(count):
        rng = np.random.default_rng([22, ["train", *SETS].index(which), number])
        leaves = (("clarinet", "tenor_sax", "violin", "bassoon"), ("clarinet", "tenor_sax", "cello", "flute"))[
            number % 2
        ]
        programs = {player: program_of(leaf) for player, leaf in zip(players, leaves, strict=True)}
        timbres = {player: engine.draw_timbre(rng, program) for player, program in programs.items()}
        stems = engine.play(Score(notes, players), sample_rate_hz=RATE_HZ, rng=rng, timbres=timbres)
        items.append(
            {
                "audio": np.concatenate([stems[player] for player in players]),
                "programs": np.array(list(programs.values()), np.uint8),
                "timbres": np.array([f"{leaf} {number}" for leaf in leaves]),
            }
        )
    return Songs(items, {"sources": players, "sample_rate_hz": RATE_HZ})


# One instrument, several levels


def make_levels(record: experiments.Record, options: Options) -> None:
    """Small separators of the clarinet and its families, that differ in their levels and in what is labelled."""
    training = songs(options, "train")
    tests = {which: tests_of(options, which) for which in SETS}
    steps, seeds = (2, 1) if options.small else (options.steps, options.seeds)
    for seed in range(seeds):
        for condition in CONDITIONS:
            row: dict[str, Any] = {"seed": seed, **condition._asdict()}
            if record.has(**row, set=SETS[-1]):
                continue
            drawn = batches_of(
                training, seed, 4, target=TARGET, labelled_leaves=condition.labelled,
                items=range(max(4, round(condition.items * len(training)))),
                **(CHANGED if condition.changed else {}),
            )  # fmt: skip
            levels, trained = networks_of(condition, drawn, steps, seed)
            parameters = sum(number.numel() for network in trained for number in network.parameters())
            for which, batches in tests.items():
                gains, violations = measured(trained, levels, batches)
                for level, values in gains.items():
                    record.add(
                        **row, set=which, level=level, gain_db=round(float(np.mean(values)), 3),
                        mixtures=len(values), violations=round(violations, 4), steps=steps, parameters=parameters,
                    )  # fmt: skip
                print(row, which, {level: round(float(np.mean(v)), 2) for level, v in gains.items()}, flush=True)


def networks_of(
    condition: Condition, drawn: query_batches.QueryBatches, steps: int, seed: int
) -> tuple[tuple[int, ...], list[Any]]:
    """The levels of a condition, and its network or its networks of one level."""
    if condition.network == "single-level":
        levels = LEVELS if condition == Condition("single-level") else (1,)
        return levels, [one_network((level,), False, only_labelled(drawn), steps, seed) for level in levels]
    drawn = balanced(drawn) if condition.network == "multi-level, balanced" else drawn
    return LEVELS, [one_network(LEVELS, condition.network != "multi-level, unconstrained", drawn, steps, seed)]


def tests_of(options: Options, which: str) -> list[Mapping[str, torch.Tensor]]:
    """The mixtures of a set with the clarinet, the same for all networks."""
    count = 2 if options.small else MIXTURES
    drawn = batches_of(songs(options, which), VALIDATION_SEED, 1, target=TARGET)
    return [drawn(number) for number in range(count)]


def only_labelled(drawn: query_batches.QueryBatches) -> query_batches.QueryBatches:
    """The same, with targets whose instrument is known: a network of instruments can learn from no other.

    So all its batches are full: it learns from as many examples with a label as it has examples.
    """
    stems = tuple(stem for stem in drawn.stems[TARGET] if drawn.is_labelled(stem))
    # Batches also draw a query from another song, which is not used here; so few stems are those of --small.
    stems = stems if len({stem.item for stem in stems}) > 1 else drawn.stems[TARGET]
    return dataclasses.replace(drawn, stems={**drawn.stems, TARGET: stems})


def balanced(drawn: query_batches.QueryBatches) -> query_batches.QueryBatches:
    """The same, with labelled targets in about half of the examples."""
    labelled = tuple(stem for stem in drawn.stems[TARGET] if drawn.is_labelled(stem))
    others = tuple(stem for stem in drawn.stems[TARGET] if not drawn.is_labelled(stem))
    times = max(1, len(others) // max(1, len(labelled)))
    return dataclasses.replace(drawn, stems={**drawn.stems, TARGET: (*labelled * times, *others)})


def one_network(levels: tuple[int, ...], constrained: bool, drawn: Any, steps: int, seed: int) -> Any:
    """Train one small separator of some levels."""
    torch.manual_seed(seed)
    names = tuple(f"level {level}" for level in levels)
    network = models.build("hierarchical", {**SMALL_NETWORK, "sources": names, "constrained": constrained})
    return train(network, without_queries(ChosenLevels(drawn, levels)), steps, LEARNING_RATE)  # type: ignore[arg-type]


def without_queries(batches: Any) -> Any:
    """Batches without what a separator of one instrument does not read."""
    return lambda step: {name: values for name, values in batches(step).items() if name not in ("query", "leaf")}


def measured(
    trained: list[Any], levels: tuple[int, ...], batches: list[Mapping[str, torch.Tensor]]
) -> tuple[dict[int, list[float]], float]:
    """Gains at each level, and the share of bins in which a mask is smaller than one below it."""
    gains: dict[int, list[float]] = {level: [] for level in levels}
    smaller = []
    for batch in batches:
        mixture = batch["sources"].sum(dim=1)
        with torch.inference_mode():
            estimates = torch.cat([network(mixture) for network in trained], dim=1)[0].numpy()
            magnitude = trained[0].transforms_of(batch["sources"])[1].abs()
            masks = torch.cat([network.masks(magnitude) for network in trained], dim=1)[0]
        if len(levels) > 1:
            smaller.append(float((masks[1:] < masks[:-1]).any(dim=0).float().mean()))
        references = torch.einsum("bls,bst->blt", batch["belongs"], batch["sources"])[0].numpy()
        for row, level in enumerate(levels):
            gain = gain_db(references[level - 1], estimates[row], mixture[0].numpy())
            if gain is not None:
                gains[level].append(gain)
    return gains, float(np.mean(smaller)) if smaller else 0.0


def summary_levels(rows: list[dict[str, Any]]) -> Iterator[str]:
    for which in SETS:
        table: dict[str, dict[str, float]] = {}
        for condition in CONDITIONS:
            wanted = {**condition._asdict(), "set": which}
            here = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
            if here:
                name = f"{condition.network}, labelled {condition.labelled:g}, songs {condition.items:g}"
                line = table[name + (", changed" if condition.changed else "")] = {}
                for level in LEVELS:
                    values = [row["gain_db"] for row in here if row["level"] == level]
                    line[f"level {level}"] = float(np.mean(values)) if values else math.nan
                    if level == 1:
                        line["spread 1"] = float(np.ptp(values))
                line["violations"] = float(np.mean([row["violations"] for row in here]))
        yield f"{which}\n{compare.as_text(table, 3)}"


# Queries


def make_queries(record: experiments.Record, options: Options) -> None:
    """Mixtures with queries of every kind."""
    folder = options.weights or ROOT / "data" / weights.FOLDER
    path = small_network(options) if options.small else folder / f"{query.NAME}.safetensors"
    network: Any = weights.load(path)
    vectors = query_vectors.load(query_vectors.path_of(path), path)
    count = 1 if options.small else QUERIED
    for which in SETS:
        one = songs(options, which)
        queries = Queries(one, songs(options, "train" if which == "seen" else "seen"))
        for case, rng in cases(one, count):
            if not record.has(set=which, mixture=case.number, kind="length", length_s=LENGTHS_S[-1]):
                for row in list(rows_of(network, case, queries, vectors, rng)):
                    record.add(set=which, mixture=case.number, **row)
    for number, (case, others) in enumerate(quartets(options.recordings, 1 if options.small else None)):
        if not record.has(set="quartets", mixture=number):
            rng = np.random.default_rng([22, number])
            for leaf in case.stems:
                excerpt = query_batches.salient_excerpt(others[leaf], round(QUERY_S * RATE_HZ), rng)
                for kind, vector in {
                    "another recording": query.vector_of(excerpt[None], RATE_HZ, weights=network),
                    "mean vector": vectors.mean(leaf),
                }.items():
                    record.add(set="quartets", mixture=number, kind=kind, **separated(network, case, leaf, vector))


def small_network(options: Options) -> Path:
    """The weights of a network that was hardly trained, with its vectors, in the folder for temporary files."""
    path = Path(tempfile.mkdtemp()) / f"{query.NAME}.safetensors"
    weights.save(query_network(small_songs("train"), 1, 0), path, {})
    network = weights.load(path)
    training: Any = small_songs("train")
    rows = query_vectors.draw(training, network, query_s=1.0)
    np.savez(query_vectors.path_of(path), weights=np.array(weights.card(path)["sha256"]), **rows)  # type: ignore[arg-type]
    return path


def summary_queries(rows: list[dict[str, Any]]) -> Iterator[str]:
    for which in (*SETS, "quartets"):
        table: dict[str, dict[str, float]] = {}
        here = [row for row in rows if row["set"] == which]
        for kind in dict.fromkeys((row["kind"], row.get("length_s", 0.0)) for row in here):
            chosen = [row for row in here if (row["kind"], row.get("length_s", 0.0)) == kind]
            line = table[f"{kind[0]} {kind[1]:g} s" if kind[1] else kind[0]] = {}
            for level in LEVELS:
                values = [row[f"level_{level}_db"] for row in chosen if f"level_{level}_db" in row]
                line[f"level {level}"] = float(np.mean(values)) if values else math.nan
            line["follows"] = float(np.mean([row["follows"] for row in chosen]))
            loudness_db = [row["loudness_db"] for row in chosen if "loudness_db" in row]
            line["loudness"] = float(np.mean(loudness_db)) if loudness_db else math.nan
        yield f"{which}, chance 0.25\n{compare.as_text(table, 2)}"


# Variants of a network that takes a query


def query_network(
    training: Any, steps: int, seed: int, names: bool = True, changed: bool = False, **changes: Any
) -> Any:
    """Train one small network that takes a query."""
    torch.manual_seed(seed)
    recipe = recipes.recipe(query.NAME)
    weight = recipe.settings["naming_weight"] if names else 0.0
    network = models.build(query.NAME, {**recipe.settings, **SMALL_LISTENER, "naming_weight": weight, **changes})
    drawn = batches_of(
        training, seed, BATCH_OF_QUERIES, LEARNT_S, queries=4, **(CHANGED if changed else {})
    )  # fmt: skip
    return train(network, drawn, steps, LEARNING_RATE)  # type: ignore[arg-type]


def make_variants(record: experiments.Record, options: Options) -> None:
    """Small networks that take a query, each of which lacks one part of the recipe."""
    training = songs(options, "train")
    steps, seeds, count = (2, 1, 1) if options.small else (options.steps, options.seeds, QUERIED)
    for seed in range(seeds):
        for variant, changes in VARIANTS.items():
            if record.has(seed=seed, variant=variant, set=SETS[-1]):
                continue
            network = query_network(training, steps, seed, **changes)
            for which in SETS:
                one = songs(options, which)
                queries = Queries(one, songs(options, "train" if which == "seen" else "seen"))
                values = list(answers_of(network, one, queries, count))
                gains = {
                    f"level_{level}_db": round(
                        float(np.mean([v[f"level_{level}_db"] for v in values if f"level_{level}_db" in v])), 3
                    )
                    for level in LEVELS
                }
                follows = round(float(np.mean([v["follows"] for v in values])), 4)
                record.add(
                    seed=seed, variant=variant, set=which, **gains, follows=follows, queries=len(values), steps=steps
                )  # fmt: skip
                print(seed, variant, which, gains, follows, flush=True)


def answers_of(network: Any, one: Any, queries: Queries, count: int) -> Iterator[dict[str, Any]]:
    """What a network gives for a query of each player of drawn mixtures."""
    for case, rng in cases(one, count):
        for leaf, stem in case.chosen.items():
            drawn = queries.draw(leaf, rng, stem)
            if drawn is not None:
                yield separated(network, case, leaf, query.vector_of(drawn[None], RATE_HZ, weights=network))


def summary_variants(rows: list[dict[str, Any]]) -> Iterator[str]:
    table: dict[str, dict[str, float]] = {}
    for row in rows:
        name = f"{row['set']}, {row['variant']}, seed {row['seed']}"
        table[name] = {key: row[key] for key in ("level_1_db", "level_2_db", "level_3_db", "follows")}
    yield compare.as_text(table, 3)


EXPERIMENTS = {
    "levels": LessonExperiment(
        make_levels,
        summary_levels,
        f"SI-SDR gained over the mixture in dB, by small separators of the {TARGET} and its families, trained equally "
        f"long: with a mask for each level, or one network for each level. Mean over {MIXTURES} drawn mixtures of "
        "four instruments for each set. The share of the clarinet's stems that are labelled as clarinet, and the share "
        "of the songs, vary. A network of level 1 alone learns only from labelled stems, in batches of the same size. "
        "Balanced: labelled stems are the targets of half of the examples. Changed: in training each excerpt passes an "
        "equaliser with random gains, and is played at another speed. "
        "Violations: share of bins in which a mask is smaller than one below it.",
        options=("seeds", "steps"),
    ),
    "queries": LessonExperiment(
        make_queries,
        summary_queries,
        f"SI-SDR gained over the mixture in dB at each level by the network that takes a query, on {QUERIED} drawn "
        "mixtures of four instruments for each set, and on real quartets with queries from another of them. Follows: "
        "whether the lowest estimate is nearest to the stem that the query plays. Queries of another timbre for the "
        "unseen set, which has one timbre of each instrument, are from the seen set. Of two trainings, with and "
        "without changed instruments, one was chosen with results on validation and on these songs in view; nothing "
        "was tuned on the recordings.",
        seeds=(22,),
        quartets=True,
    ),
    "variants": LessonExperiment(
        make_variants,
        summary_variants,
        "SI-SDR gained over the mixture in dB at each level by small networks that take a query, trained equally long "
        "on the same batches: by the recipe, without one of its parts, as in the thesis (the vector an input, not "
        "even, no names), and with changed instruments. Mean over the players of "
        f"{QUERIED} drawn mixtures of each set, with queries of another timbre.",
        options=("seeds", "steps"),
    ),
}


def main(arguments: list[str] | None = None) -> int:
    return lesson_experiments.run("hierarchy_levels", __doc__, 22, EXPERIMENTS, arguments, steps=350)


if __name__ == "__main__":
    sys.exit(main())
