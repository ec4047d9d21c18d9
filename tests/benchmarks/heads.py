"""The experiments of lesson 21: heads that share a body, and what separation and transcription give to each other.

    mss-lab data training chorales SONGS/train --items 600 --split train
    mss-lab data training chorales SONGS/valid --items 48 --split valid
    mss-lab data training chorales SONGS/seen --items 48 --split seen
    mss-lab data training chorales SONGS/unseen --items 48 --split unseen
    python -m tests.benchmarks.heads heads check informed shipped --data SONGS

They make `21_heads`, `21_informed` and `21_shipped` in data/experiments; `check` makes `21_check`, which repeats a part
of `heads` with other seeds and songs. `instruments` makes `21_instruments`, from the sets train, valid and seen of
`mss-lab data training bands`. A command that was stopped continues: it adds the rows that are missing, and prints
means. `--weights DIR` takes other weights than those that ship. `--small` makes a song of a few seconds for itself, and
keeps nothing.
"""

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from mss_lab import compare, experiments
from mss_lab.datasets import make_training, store
from mss_lab.datasets.track import Track
from mss_lab.metrics import energy
from mss_lab.neural import apply, edit, models, recipes, segments, transcribe
from mss_lab.score.notes import Note, Score
from tests.benchmarks import lesson_experiments
from tests.benchmarks.head_measures import (
    best_order_db,
    best_threshold,
    clusterer,
    f1,
    masks_db,
    measured,
    true_notes,
)
from tests.benchmarks.lesson_experiments import LessonExperiment, Options
from tests.benchmarks.network_experiments import read_recordings
from tests.benchmarks.plain_training import train
from tests.benchmarks.steering_experiments import in_memory, network, small_song, songs

RATE_HZ = 16_000
SETS = ("seen", "unseen")
SONGS_TRIED, SONGS_INFORMED, SONGS_SHIPPED, SONGS_OF_THRESHOLD = 8, 6, 24, 6
SEGMENT_S, BATCH, LEARNING_RATE = 2, 4, 3e-3
INFORMED_STEPS = 1200
# Weights of clustering, masks and transcription. The losses are means; the weights of the thesis are for sums.
COMBINATIONS = {
    "DC": (1.0, 0.0, 0.0),
    "MI": (0.0, 1.0, 0.0),
    "TR": (0.0, 0.0, 1.0),
    "Chimera: DC+MI": (0.005, 0.995, 0.0),
    "DC+TR": (0.03, 0.0, 0.97),
    "MI+TR": (0.0, 0.9, 0.1),
    "Cerberus: DC+MI+TR": (0.005, 0.9, 0.1),
    "Cerberus, more weight on notes": (0.02, 0.4, 0.6),
    "Cerberus, weights of the thesis": (0.1, 0.1, 0.8),
}
SMALL_BODY = {"hidden": 48, "layers": 1, "dimensions": 5}
SMALL_READER = {"hidden": 48, "layers": 1, "source_hidden": 24, "source_layers": 1, "embedding": 32}
# What a transcriber reads in training, and the recipe of its kind.
READERS = {
    "mixture": "transcriber",
    "vanilla": "transcriber-vanilla",
    "processed": "transcriber-processed",
    "residual": "transcriber-residual",
}
# Chosen on seeds 2 and 3 of the check itself, before seeds 4 and 5 were run.
CHECKED_TOO = {"Cerberus, most weight on masks": (0.001, 0.969, 0.03)}
# Others than those of `heads`.
SEEDS_OF_CHECK = (2, 3, 4, 5)
CERBERUS, BLIND, STEERED = "cerberus", "masks-and-notes", "dsis"


# Heads on and off


def make_heads(record: experiments.Record, options: Options) -> None:
    """Networks with the same first values and the same batches, of which other heads learn."""
    seeds = range(1 if options.small else options.seeds)
    compare_heads(record, options, COMBINATIONS, seeds, slice(SONGS_TRIED))


def make_check(record: experiments.Record, options: Options) -> None:
    """Masks alone against three heads, with seeds and songs on which no weight was chosen."""
    combinations = {name: COMBINATIONS[name] for name in ("MI", "Cerberus: DC+MI+TR")} | CHECKED_TOO
    seeds = SEEDS_OF_CHECK[:1] if options.small else SEEDS_OF_CHECK
    compare_heads(record, options, combinations, seeds, slice(SONGS_TRIED, 3 * SONGS_TRIED))


def compare_heads(
    record: experiments.Record,
    options: Options,
    combinations: Mapping[str, tuple[float, float, float]],
    seeds: Iterable[int],
    chosen: slice,
) -> None:
    """Train small networks with combinations of weights, and measure them on some songs of each set."""
    steps = 2 if options.small else options.steps
    training = training_songs(options)
    tests = {which: songs(options, which) if options.small else songs(options, which)[chosen] for which in SETS}
    valid = validation(options)
    for seed in seeds:
        for combination, weights in combinations.items():
            if record.has(seed=seed, combination=combination, set=SETS[-1]):
                continue
            names = ("clustering_weight", "masks_weight", "transcription_weight")
            settings = {**recipes.recipe(CERBERUS).settings, **SMALL_BODY, **dict(zip(names, weights, strict=True))}
            model = trained("cerberus", settings, training, seed, steps)
            threshold = best_threshold(model, valid) if weights[2] else 0.5
            for which, tracks in tests.items():
                values = measured(model, tracks, threshold)
                if not record.has(seed=seed, combination=combination, set=which):
                    record.add(seed=seed, combination=combination, set=which, steps=steps, **values)
                print(f"seed {seed}, {combination}, {which}: {values}", flush=True)


def trained(name: str, settings: Mapping[str, Any], training: Any, seed: int, steps: int) -> Any:
    """A small network after some steps; the seed decides its first values and its batches."""
    torch.manual_seed(seed)
    model = models.build(name, dict(settings))
    batches = segments.batches(
        training, length_samples=SEGMENT_S * RATE_HZ, batch=BATCH, seed=seed, roll_hop_samples=model.hop_samples
    )
    return train(model, batches, steps, LEARNING_RATE)  # type: ignore[arg-type]


def training_songs(options: Options) -> Any:
    """The songs of training, those of `--small` made here."""
    return in_memory([small_song("seen")]) if options.small else store.open_store(options.data / "train")


def validation(options: Options) -> list[Track]:
    """The songs on which thresholds are chosen."""
    return [small_song("unseen")] if options.small else songs(options, "valid", SONGS_OF_THRESHOLD)


def summary_heads(rows: list[dict[str, Any]]) -> Iterator[str]:
    table: dict[str, dict[str, float]] = {}
    for combination in dict.fromkeys(row["combination"] for row in rows):
        table[combination] = {}
        for which in SETS:
            here = [row for row in rows if (row["combination"], row["set"]) == (combination, which)]
            for key in ("si_sdri_db", "f1", "f1_onsets"):
                values = [row[key] for row in here if key in row]
                if values:
                    table[combination][f"{which} {key}"] = float(np.mean(values))
                    table[combination][f"{which} {key} spread"] = float(np.ptp(values))
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    for combination, row in table.items():
        yield f"{combination}: " + ", ".join(f"{name} {row[name]:.3f}" for name in columns if name in row)


# Transcription with the sources' help


def make_informed(record: experiments.Record, options: Options) -> None:
    """Small transcribers: of the mixture alone, and of three kinds that read the sources as well."""
    steps, seeds = (2, 1) if options.small else (INFORMED_STEPS, options.seeds)
    training = training_songs(options)
    separate = network(BLIND, options)
    valid = validation(options)
    tests = {which: with_estimates(separate, songs(options, which, SONGS_INFORMED)) for which in SETS}
    for seed in range(seeds):
        for reads, recipe in READERS.items():
            if record.has(seed=seed, reads=reads, set=SETS[-1]):
                continue
            settings = {**recipes.recipe(recipe).settings, **SMALL_READER}
            model = trained("transcriber", settings, training, seed, steps)
            informed = model.reads_sources
            threshold = best_threshold(model, valid, with_sources=informed)
            for which, stems in tests.items():
                for row in informed_rows(model, stems, threshold):
                    if not record.has(seed=seed, reads=reads, set=which, stems=row["stems"]):
                        record.add(seed=seed, reads=reads, set=which, steps=steps, threshold=threshold, **row)
                        print(f"seed {seed}, {reads}, {which}: {row}", flush=True)


def with_estimates(model: Any, tracks: list[Track]) -> list[tuple[Track, dict[str, dict[str, np.ndarray]]]]:
    """Each track with its true stems, with estimates of them, and with the true ones under another's name."""
    result = []
    for track in tracks:
        names = list(track.sources)
        shuffled = {name: track.sources[names[index - 1]] for index, name in enumerate(names)}
        estimates = apply.separate(model, track.mixture, RATE_HZ)
        result.append((track, {"true": dict(track.sources), "estimated": estimates, "shuffled": shuffled}))
    return result


def informed_rows(model: Any, tests: list[Any], threshold: float) -> Iterator[dict[str, Any]]:
    """Mean F1 with each kind of stems; once for a network that reads none."""
    for kind in ("true", "estimated", "shuffled") if model.reads_sources else ("none",):
        scores = [
            transcribe.transcribe(model, track.mixture, RATE_HZ, stems.get(kind), threshold=threshold)
            for track, stems in tests
        ]
        pairs = [(true_notes(track), score) for (track, _), score in zip(tests, scores, strict=True)]
        means = {
            name: round(float(np.mean([f1(*pair, model.sources, ends=ends) for pair in pairs])), 4)
            for name, ends in {"f1": True, "f1_onsets": False}.items()
        }
        yield {"stems": kind, **means}


def summary_informed(rows: list[dict[str, Any]]) -> Iterator[str]:
    for which in SETS:
        for reads, stems in dict.fromkeys((row["reads"], row["stems"]) for row in rows):
            here = [row for row in rows if (row["reads"], row["stems"], row["set"]) == (reads, stems, which)]
            values = np.array([row["f1"] for row in here])
            onsets = np.mean([row["f1_onsets"] for row in here])
            yield f"{which}, reads {reads}, stems {stems}: F1 {values.mean():.3f} +- {np.ptp(values) / 2:.3f}, " + (
                f"onsets only {onsets:.3f}"
            )


# The shipped networks, and their notes as a score


def make_shipped(record: experiments.Record, options: Options) -> None:
    """Gains and F1 on songs of both sets and on the real quartets, and the notes read by DSIS."""
    several = {name: network(name, options) for name in (CERBERUS, BLIND)}
    steered = edit.separator(network(STEERED, options), even_level=True)
    valid = validation(options)
    thresholds = {name: best_threshold(model, valid) for name, model in several.items()}
    print(f"thresholds: {thresholds}", flush=True)
    sources = several[BLIND].sources
    quartets = [renamed(track, sources) for track, _, chosen in read_recordings(options.recordings, 12.0) if chosen]
    tests = {which: songs(options, which, SONGS_SHIPPED) for which in SETS} | {"quartets": quartets}
    for which, tracks in tests.items():
        for index, track in enumerate(tracks):
            if not record.has(set=which, song=index, network="true notes"):
                exact = steered(track.mixture, RATE_HZ, true_notes(track))
                record.add(set=which, song=index, network="true notes", dsis_db=masks_db(track, exact))
            for name, model in several.items():
                if not record.has(set=which, song=index, network=name):
                    values = both_tasks(model, track, thresholds[name], steered)
                    record.add(set=which, song=index, network=name, threshold=thresholds[name], **values)


def both_tasks(model: Any, track: Track, threshold: float, steered: Any) -> dict[str, float]:
    """Separation and transcription of a track by one network, and by DSIS that reads the transcription."""
    notes = transcribe.transcribe(model, track.mixture, RATE_HZ, threshold=threshold)
    true = true_notes(track)
    values = {
        "masks_db": masks_db(track, apply.separate(model, track.mixture, RATE_HZ, even_level=True)),
        "f1": round(f1(true, notes, model.sources), 4),
        "f1_onsets": round(f1(true, notes, model.sources, ends=False), 4),
        "notes": len(notes.notes),
        "true_notes": len(true.notes),
        "dsis_db": masks_db(track, steered(track.mixture, RATE_HZ, notes)),
    }
    if model.settings.clustering_weight:
        clusters = apply.separate(clusterer(model), track.mixture, RATE_HZ, even_level=True)
        values["clusters_db"] = round(best_order_db(track, clusters), 2)
    return values


def renamed(track: Track, sources: tuple[str, ...]) -> Track:
    """A track whose sources have the network's names, in its order."""
    score = true_notes(track)
    names = {name: sources[index] for name, index in apply.players_for(sources, score).items() if index is not None}
    by_name = {names[name]: stem for name, stem in track.sources.items()}
    notes = tuple(dataclasses.replace(note, source=names[note.source]) for note in score.notes)
    return Track(track.name, track.sample_rate_hz, {name: by_name[name] for name in sources}, Score(notes, sources))


def summary_shipped(rows: list[dict[str, Any]]) -> Iterator[str]:
    for which in (*SETS, "quartets"):
        for name in dict.fromkeys(row["network"] for row in rows):
            here = [row for row in rows if (row["set"], row["network"]) == (which, name)]
            keys = [key for key in ("masks_db", "clusters_db", "f1", "f1_onsets", "dsis_db") if here and key in here[0]]
            yield f"{which}, {name}, {len(here)} songs: " + ", ".join(
                f"{key} {np.mean([row[key] for row in here]):.3f}" for key in keys
            )


# Two to six instruments of a band


class FirstOf:
    """The first sources of every song of a store, without the others."""

    def __init__(self, whole: Any, count: int):
        self.whole, self.count = whole, count
        self.facts = {**whole.facts, "sources": tuple(whole.facts["sources"])[:count]}

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        item = self.whole[index]
        return {"audio": item["audio"][: self.count], "notes": item["notes"][item["notes"][:, 0] < self.count]}

    def tracks(self, most: int) -> list[Track]:
        """The first songs as tracks."""
        names = self.facts["sources"]
        result = []
        for index in range(min(most, len(self))):
            item = self[index]
            notes = tuple(Note(names[int(j)], float(midi), float(on), float(off)) for j, midi, on, off in item["notes"])
            stems = {name: item["audio"][i : i + 1].astype(np.float32) for i, name in enumerate(names)}
            result.append(Track(f"song {index}", RATE_HZ, stems, Score(notes, names)))
        return result


def make_instruments(record: experiments.Record, options: Options) -> None:
    """Three heads on bands of two to six instruments."""
    steps, seeds = (2, 1) if options.small else (options.steps, options.seeds)
    sets = ("train", "valid", "seen")
    stores = {
        which: in_memory([small_song("seen")]) if options.small else store.open_store(options.data / which)
        for which in sets
    }
    weights = dict(
        zip(("clustering_weight", "masks_weight", "transcription_weight"), COMBINATIONS["Cerberus: DC+MI+TR"],
            strict=True)
    )  # fmt: skip
    for seed in range(seeds):
        for count in (2,) if options.small else range(2, 1 + len(make_training.BAND)):
            if record.has(seed=seed, sources=count):
                continue
            parts = {which: FirstOf(whole, count) for which, whole in stores.items()}
            settings = {"layers": 2, "even_level": True, "clustered_share": 0.125, **SMALL_BODY, **weights}
            settings |= {"sources": parts["train"].facts["sources"]}
            model = trained("cerberus", settings, parts["train"], seed, steps)
            threshold = best_threshold(model, parts["valid"].tracks(SONGS_OF_THRESHOLD))
            tracks = parts["seen"].tracks(SONGS_TRIED)
            values = {**measured(model, tracks, threshold), "mixture_db": mixture_db(tracks)}
            record.add(seed=seed, sources=count, steps=steps, **values)
            print(f"seed {seed}, {count} instruments: {values}", flush=True)


def mixture_db(tracks: list[Track]) -> float:
    """SI-SDR of the mixtures in dB, taken as estimates of each source that sounds: where the gains start from."""
    of_tracks = [
        np.mean([energy.si_sdr(stem, track.mixture) for stem in track.sources.values() if stem.any()])
        for track in tracks
    ]
    return round(float(np.mean(of_tracks)), 3)


def summary_instruments(rows: list[dict[str, Any]]) -> Iterator[str]:
    table = {}
    for count in dict.fromkeys(row["sources"] for row in rows):
        here = [row for row in rows if row["sources"] == count]
        keys = ("mixture_db", "si_sdri_db", "f1", "f1_onsets")
        table[f"{count} instruments"] = {key: float(np.mean([row[key] for row in here])) for key in keys}
    yield compare.as_text(table, 3)


TUNED = (
    "The networks are those that ship. The weights of the losses of cerberus were chosen with small networks on eight "
    "songs of each set; nothing else was tuned on these songs, and nothing on the recordings."
)
SCORES = (
    "F1 of the notes by mir_eval, with their ends (f1) and by pitch and onset alone (f1_onsets), mean over the sources "
    "of a song; the threshold was chosen on songs of validation"
)
EXPERIMENTS = {
    "heads": LessonExperiment(
        make_heads,
        summary_heads,
        "Small networks with the same first values and batches, of which those heads learn that have a weight: "
        f"SI-SDR gained over the mixture in dB, mean over {SONGS_TRIED} rendered songs of each set, by the masks or, "
        f"where these have no weight, by clusters in their best order; {SCORES}.",
        options=("seeds", "steps"),
    ),
    "check": LessonExperiment(
        make_check,
        summary_heads,
        "As heads, with other seeds and on other songs than those on which the weights of Cerberus were chosen (those "
        "with most weight on masks were chosen on seeds 2 and 3 here): "
        f"SI-SDR gained over the mixture in dB by the masks, mean over {2 * SONGS_TRIED} rendered songs of each set; "
        f"{SCORES}.",
        options=("steps",),
        seeds=SEEDS_OF_CHECK,
    ),
    "informed": LessonExperiment(
        make_informed,
        summary_informed,
        "Small transcribers that read the mixture alone, or the stems of the sources as well, which were the true ones "
        "in training. Here they read true stems, stems that a network estimated from the mixture, or true stems under "
        f"another's name. On {SONGS_INFORMED} songs of each set: {SCORES}.",
        options=("seeds",),
    ),
    "shipped": LessonExperiment(
        make_shipped,
        summary_shipped,
        "SI-SDR gained over the mixture in dB, by a network's masks (masks_db), by its clusters in their best order "
        f"(clusters_db), and by DSIS with the network's notes as its score (dsis_db); {SCORES}. On rendered songs of "
        f"12 s and on real quartets. {TUNED}",
        quartets=True,
    ),
    "instruments": LessonExperiment(
        make_instruments,
        summary_instruments,
        f"Small networks with three heads on the first instruments of a band, two to six: SI-SDR gained over the "
        f"mixture in dB by the masks; {SCORES}.",
        options=("seeds", "steps"),
    ),
}


def main(arguments: list[str] | None = None) -> int:
    return lesson_experiments.run("heads", __doc__, 21, EXPERIMENTS, arguments, steps=700)


if __name__ == "__main__":
    sys.exit(main())
