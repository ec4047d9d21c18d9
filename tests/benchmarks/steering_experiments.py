"""The experiments of lesson 20: what notes are worth to a network that reads them, and what one of them moves.

    mss-lab data training chorales SONGS/train --items 600 --split train
    mss-lab data training chorales SONGS/seen --items 48 --split seen
    mss-lab data training chorales SONGS/unseen --items 48 --split unseen
    python -m tests.benchmarks.steering_experiments baseline interpolation moved variants --data SONGS

They make `20_baseline`, `20_interpolation`, `20_moved` and `20_variants` in data/experiments. A command that was
stopped continues: it adds the rows that are missing, and prints means. `--weights DIR` takes other weights than those
that ship. `--small` makes a song of a few seconds for itself, and keeps nothing.
"""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from mss_lab import compare, experiments, steering
from mss_lab.datasets import engines, make_training, pieces, store, training_store
from mss_lab.datasets.duets import Songs
from mss_lab.datasets.make_templates import RANGES
from mss_lab.datasets.timbres import Engine
from mss_lab.datasets.track import Track
from mss_lab.method import Separator
from mss_lab.metrics import energy, protocols
from mss_lab.neural import apply, edit, models, recipes, segments, transcribe, weights
from mss_lab.score.notes import Note, Score
from tests.benchmarks import lesson_experiments
from tests.benchmarks.lesson_experiments import LessonExperiment, Options
from tests.benchmarks.network_experiments import read_recordings
from tests.benchmarks.plain_training import train

RATE_HZ = 16_000
SETS = ("seen", "unseen")
STEERED, BASELINE = "dsis", "masks-and-notes"
STEPS, SONGS_INTERPOLATED, SONGS_MOVED, NOTES_MOVED = 5, 24, 20, 3
# Only notes that are long enough to be audible are moved, and none that is repeated at once: see `only` of the engines.
LEAST_S, REPEATED_S = 0.2, 0.1
SMALL_NETWORK = {"hidden": 48, "layers": 1, "score_hidden": 24, "score_layers": 1, "embedding": 32}
ROLL_READER = ("score_hidden", "score_layers", "embedding")
SONGS_TRIED = 8
# Recipe, and how often notes of a training segment have moved.
VARIANTS = {
    "vanilla": ("dsis-vanilla", 0.75),
    "processed": ("dsis-processed", 0.75),
    "residual": ("dsis", 0.75),
    "residual, no note moved": ("dsis", 0.0),
    "no notes": (BASELINE, 0.0),
}


def players_db(track: Track, estimates: Mapping[str, np.ndarray]) -> dict[str, float]:
    """SI-SDR gained over the mixture, in dB, for each player that sounds, and their mean."""
    mixture = track.mixture
    each = {
        name: energy.si_sdr_improvement(stem, estimates[name], mixture)
        for name, stem in track.sources.items()
        if stem.any()
    }
    values = {"mean": float(np.mean(list(each.values()))), **each}
    return {f"{name}_db": round(value, 2) for name, value in values.items()}


def network(name: str, options: Options) -> Any:
    """A network with the weights of a folder, or those that ship."""
    return weights.load(options.weights / f"{name}.safetensors") if options.weights else weights.shipped(name)


def separators(options: Options) -> dict[str, Separator]:
    """The network that reads notes, and the one that does not."""
    steered, baseline = network(STEERED, options), network(BASELINE, options)

    def blind(mixture: np.ndarray, sample_rate_hz: int, score: Any = None, /) -> dict[str, np.ndarray]:
        return apply.separate(baseline, mixture, sample_rate_hz, score, even_level=True)

    return {STEERED: edit.separator(steered, even_level=True), BASELINE: blind}


def songs(options: Options, which: str, most: int | None = None) -> list[Track]:
    """The songs of a set, those of `--small` made here."""
    if options.small:
        return [small_song(which)]
    tracks = training_store.tracks_of(store.open_store(options.data / which))
    return tracks[:most]


def small_song(which: str) -> Track:
    """A few seconds of a chorale of the lessons on drawn instruments, under the names of the networks' sources."""
    names = {"saxophone": "tenor_sax"}
    whole = pieces.load("chorale_a").score
    assert whole is not None
    notes = [dataclasses.replace(note, source=names.get(note.source, note.source)) for note in whole.notes]
    score = Score(
        tuple(note for note in notes if note.offset_s < 4.0), tuple(names.get(name, name) for name in whole.sources)
    )
    return played(score, engines.make("harmonic"), which, SETS.index(which), [])[0]


def played(
    score: Score, engine: Engine, name: str, seed: int, alone: list[Note], programs: Mapping[str, int] | None = None
) -> tuple[Track, list[np.ndarray]]:
    """A score on drawn timbres, and the sound of single notes as it is in the stems of their sources."""
    rng = np.random.default_rng([20, seed])
    programs = make_training.PROGRAMS if programs is None else programs
    timbres = {source: engine.draw_timbre(rng, programs[source]) for source in score.sources}

    def stems_of(**chosen: Any) -> dict[str, np.ndarray]:
        again = np.random.default_rng([20, seed, 1])
        return engine.play(score, sample_rate_hz=RATE_HZ, rng=again, timbres=timbres, **chosen)

    single = [stems_of(only=[note])[note.source] for note in alone]
    return Track(name, RATE_HZ, stems_of(), score), single


# Beside the baseline


def make_baseline(record: experiments.Record, options: Options) -> None:
    """SI-SDR gained on all songs of both sets, and on the real quartets with fine and with coarse notes."""
    methods = separators(options)
    for which in SETS:
        for index, track in enumerate(songs(options, which)):
            for method, separate in methods.items():
                if not record.has(set=which, song=index, method=method):
                    estimates = separate(track.mixture, track.sample_rate_hz, track.score)
                    row = {"set": which, "song": index, "method": method, "notes": "exact"}
                    record.add(**row, **players_db(track, estimates))
    quartets = [one for one in read_recordings(options.recordings, 12.0) if one[2]]
    for index, (track, coarse, _) in enumerate(quartets):
        for notes, score in {"fine": track.score, "coarse": coarse}.items():
            for method, separate in methods.items():
                if not record.has(set="quartets", song=index, method=method, notes=notes):
                    estimates = separate(track.mixture, track.sample_rate_hz, score)
                    row = {"set": "quartets", "song": index, "method": method, "notes": notes}
                    record.add(**row, **players_db(track, estimates))


def summary_baseline(rows: list[dict[str, Any]]) -> Iterator[str]:
    for which in (*SETS, "quartets"):
        for notes in ("exact", "fine", "coarse"):
            means = {
                method: np.array(
                    [r["mean_db"] for r in rows if (r["set"], r["notes"], r["method"]) == (which, notes, method)]
                )
                for method in (STEERED, BASELINE)
            }
            if len(means[STEERED]):
                each = ", ".join(f"{method} {values.mean():.2f} dB" for method, values in means.items())
                lead = protocols.mean_with_interval(means[STEERED] - means[BASELINE], by="t")
                yield f"{which}, {notes} notes: {each}; ahead by {lead.in_words()}"


# From wrong notes to the right ones


def make_interpolation(record: experiments.Record, options: Options) -> None:
    """Gain against Hamming distance, from empty rolls and from transcribed ones."""
    separate, transcriber = separators(options)[STEERED], network(BASELINE, options)
    for which in SETS:
        for index, track in enumerate(songs(options, which, SONGS_INTERPOLATED)):
            for start in ("empty", "transcribed"):
                if record.has(set=which, start=start, song=index, step=STEPS):
                    continue
                first = None
                if start == "transcribed":
                    first = transcribe.transcribe(transcriber, track.mixture, track.sample_rate_hz)
                rng = np.random.default_rng([20, index])
                rows = steering.interpolation(separate, track, first, steps=STEPS, rng=rng)
                for step in range(STEPS + 1):
                    here = [row for row in rows if row.step == step]
                    record.add(
                        set=which, start=start, song=index, step=step,
                        distance=round(float(np.mean([row.distance for row in here])), 4),
                        gain_db=round(float(np.mean([row.gain for row in here])), 3),
                        si_sdr_db=round(float(np.mean([row.si_sdr for row in here])), 3),
                        **{f"{row.source}_db": round(row.gain, 2) for row in here},
                    )  # fmt: skip


def summary_interpolation(rows: list[dict[str, Any]]) -> Iterator[str]:
    for which in SETS:
        for start in ("empty", "transcribed"):
            steps = []
            for step in range(STEPS + 1):
                here = [r for r in rows if (r["set"], r["start"], r["step"]) == (which, start, step)]
                distance, gain_db = (np.mean([row[key] for row in here]) for key in ("distance", "gain_db"))
                steps.append(f"{distance:.2f}: {gain_db:5.2f} dB")
            yield f"{which}, from {start}: " + "  ".join(steps)


# Moved notes


def engines_of(options: Options) -> dict[str, Engine]:
    """What plays the songs of each set: timbres of training, timbres of a soundfont that was kept apart, drawn ones."""
    if options.small:
        return {"seen": engines.make("harmonic")}
    fonts = engines.find_soundfonts()
    unseen = [path for path in fonts if path.resolve().stem in make_training.UNSEEN_FONTS]
    return {
        "seen": engines.SoundfontEngine([path for path in fonts if path not in unseen]),
        "unseen": engines.SoundfontEngine(unseen),
        "drawn": engines.make("harmonic"),
    }


def drawn_moves(score: Score, rng: np.random.Generator, count: int) -> list[tuple[Note, str]]:
    """Notes, and for each another source whose instrument can play it."""
    candidates = []
    for note in score.notes:
        repeated = any(
            other.midi == note.midi and 0 < other.onset_s - note.onset_s < note.offset_s - note.onset_s + REPEATED_S
            for other in score.notes_of(note.source)
        )
        others = [
            name
            for name in score.sources
            if name != note.source
            and RANGES[make_training.PROGRAMS[name]][0] <= note.midi <= RANGES[make_training.PROGRAMS[name]][1]
        ]
        if note.offset_s - note.onset_s >= LEAST_S and not repeated and others:
            candidates.append((note, others))
    chosen = rng.permutation(len(candidates))[:count]
    return [(candidates[index][0], str(rng.choice(candidates[index][1]))) for index in chosen]


def make_moved(record: experiments.Record, options: Options) -> None:
    """What moves with a note that is given to another source."""
    separate = separators(options)[STEERED]
    for which, engine in engines_of(options).items():
        for index, written in enumerate(songs(options, "seen", SONGS_MOVED)):
            if record.has(set=which, song=index, move=NOTES_MOVED - 1):
                continue
            assert written.score is not None
            moves = drawn_moves(written.score, np.random.default_rng([20, index]), NOTES_MOVED)
            track, alone = played(written.score, engine, written.name, index, [note for note, _ in moves])
            for number, ((note, to), sound) in enumerate(zip(moves, alone, strict=True)):
                result = steering.move_note(separate, track, note, to, sound)
                rests = not any(
                    other.onset_s < note.offset_s and note.onset_s < other.offset_s
                    for other in written.score.notes_of(to)
                )
                values = {name: round(value, 4) for name, value in dataclasses.asdict(result).items()}
                record.add(
                    set=which, song=index, move=number, source=note.source, to=to, midi=int(note.midi),
                    length_s=round(note.offset_s - note.onset_s, 2), to_rests=rests, **values,
                )  # fmt: skip


def summary_moved(rows: list[dict[str, Any]]) -> Iterator[str]:
    for which in dict.fromkeys(row["set"] for row in rows):
        here = [row for row in rows if row["set"] == which]
        moved, lost, before, arrived = (
            np.array([row[key] for row in here]) for key in ("moved", "rest_lost", "before", "arrived")
        )
        # The sum comes first, since the share of a note says nothing where hardly anything of it was there.
        yield (
            f"{which}: {len(here)} moves, of the notes there was {before.mean():.3f}, of that arrived "
            f"{arrived.sum() / before.sum():.3f} (median of the moves {np.median(moved):.3f}, at least 0.8 in "
            f"{np.mean(moved >= 0.8):.0%}); the others lose {lost.mean():.4f}, at most {lost.max():.4f}"
        )


# Three ways to read the rolls


def make_variants(record: experiments.Record, options: Options) -> None:
    """Small networks, equally long on the same songs, that differ in how they read the rolls, and in moved notes."""
    training: Any = in_memory([small_song("seen")]) if options.small else store.open_store(options.data / "train")
    steps, seeds = (2, 1) if options.small else (options.steps, options.seeds)
    tests = {which: songs(options, which, SONGS_TRIED) for which in SETS}
    moves = list(known_moves(options))
    for seed in range(seeds):
        for variant, (recipe, moved_notes) in VARIANTS.items():
            if record.has(seed=seed, variant=variant):
                continue
            settings = dict(recipes.recipe(recipe).settings)
            settings |= {
                name: size for name, size in SMALL_NETWORK.items() if recipe != BASELINE or name not in ROLL_READER
            }
            torch.manual_seed(seed)
            small = models.build(recipes.recipe(recipe).network, settings)
            batches = segments.batches(
                training, length_samples=2 * RATE_HZ, batch=4, seed=seed, moved_notes=moved_notes,
                roll_hop_samples=small.hop_samples,
            )  # fmt: skip
            train(small, batches, steps, 3e-3)  # type: ignore[arg-type]
            values = {f"{which}_db": round(mean_gain_db(small, tracks), 3) for which, tracks in tests.items()}
            if small.needs_score:
                separate = edit.separator(small)
                results = [steering.move_note(separate, track, *move) for track, move in moves]
                values["moved"] = round(float(np.mean([result.moved for result in results])), 4)
            parameters = sum(parameter.numel() for parameter in small.parameters())
            record.add(seed=seed, variant=variant, parameters=parameters, steps=steps, **values)
            print(f"seed {seed}, {variant}: {values}", flush=True)


def mean_gain_db(model: Any, tracks: list[Track]) -> float:
    """SI-SDR gained over the mixtures of some songs, in dB."""
    gains = [
        players_db(track, apply.separate(model, track.mixture, RATE_HZ, track.score))["mean_db"] for track in tracks
    ]
    return float(np.mean(gains))


def known_moves(options: Options) -> Iterator[tuple[Track, tuple[Note, str, np.ndarray]]]:
    """Notes of songs on drawn instruments, each with its receiver and its own sound."""
    for index, written in enumerate(songs(options, "seen", SONGS_TRIED)):
        assert written.score is not None
        moves = drawn_moves(written.score, np.random.default_rng([20, index]), NOTES_MOVED)
        track, alone = played(written.score, engines.make("harmonic"), written.name, index, [note for note, _ in moves])
        for (note, to), sound in zip(moves, alone, strict=True):
            yield track, (note, to, sound)


def in_memory(tracks: list[Track]) -> Songs:
    """Tracks as `segments.batches` reads them."""
    names = tuple(tracks[0].sources)
    items = []
    for track in tracks:
        assert track.score is not None
        rows = [(names.index(note.source), note.midi, note.onset_s, note.offset_s) for note in track.score.notes]
        items.append({"audio": np.concatenate(list(track.sources.values())), "notes": np.array(rows)})
    return Songs(items, {"sources": names, "sample_rate_hz": tracks[0].sample_rate_hz})


def summary_variants(rows: list[dict[str, Any]]) -> Iterator[str]:
    table: dict[str, dict[str, float]] = {}
    for variant in dict.fromkeys(row["variant"] for row in rows):
        here = [row for row in rows if row["variant"] == variant]
        table[variant] = {which: float(np.mean([row[f"{which}_db"] for row in here])) for which in SETS}
        table[variant]["spread"] = float(np.ptp([row["seen_db"] for row in here]))
        table[variant]["moved"] = float(np.mean([row.get("moved", 0.0) for row in here]))
    yield compare.as_text(table, 2)


NOTHING_TUNED = "The networks are those that ship, and nothing was tuned on these songs or recordings."
EXPERIMENTS = {
    "baseline": LessonExperiment(
        make_baseline,
        summary_baseline,
        "SI-SDR gained over the mixture in dB, by DSIS and by a network of about its size that reads no notes: on "
        "rendered songs of 12 s with timbres of the training set (seen) and of a soundfont kept apart from it "
        f"(unseen), and on real quartets. {NOTHING_TUNED}",
        seeds=(20,),
        quartets=True,
    ),
    "interpolation": LessonExperiment(
        make_interpolation,
        summary_interpolation,
        "SI-SDR of DSIS above that at the first step, and normalised Hamming distance of the rolls from the true ones, "
        "mean over the players of a rendered song, on the way from empty or transcribed rolls to the true ones.",
        seeds=(20,),
    ),
    "moved": LessonExperiment(
        make_moved,
        summary_moved,
        "A note of a rendered song is given to another player whose instrument can play it. The note's own sound is "
        "known. Shares of it in the estimates before and after; the share that moved; what the other notes lose.",
        seeds=(20,),
    ),
    "variants": LessonExperiment(
        make_variants,
        summary_variants,
        "Small networks that differ in how they read the rolls, trained equally long: SI-SDR gained over the mixture "
        f"in dB, mean over {SONGS_TRIED} rendered songs of each set, and the share of a moved note that moves, mean "
        f"over {NOTES_MOVED} notes of each of {SONGS_TRIED} songs on drawn instruments. In training, notes moved in "
        "three quarters of the segments, or never.",
        options=("seeds", "steps"),
    ),
}


def main(arguments: list[str] | None = None) -> int:
    return lesson_experiments.run("steering_experiments", __doc__, 20, EXPERIMENTS, arguments, steps=300)


if __name__ == "__main__":
    sys.exit(main())
