"""Alignment judged: onsets against notes set by hand and notes as rendered, wrong scores, and scores found by sound.

    python -m tests.benchmarks.align [--recordings DIR] [--find]

The layout of a recording's score says its pitches and their order, and no times: onsets within 0.15 s are one step,
the time between steps is rounded to whole eighths, one eighth lasts as long everywhere, and the start is off by a
seeded draw of up to a second. The eighth's length is the median of the steps between onsets (halved where that is a
quarter), which only sets the tempo, on which alignment does not depend. Notes last a whole number of eighths, at most
until the next of their source.

`--find` looks for each excerpt among all chorales that music21 brings (two minutes to read them, once: they are
kept in the system's temporary folder).
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mss_lab import files
from mss_lab.datasets import pieces
from mss_lab.datasets.track import read_track
from mss_lab.score import align, find, misalign, notes
from tests.benchmarks.recordings import parse

STEP_S = 0.15
LONGEST_EIGHTH_S = 0.45
START_S = 1.0
SEEDS = (0, 1, 2)
LIMITS_S = (0.03, 0.05, 0.1)
# A grid of 20 ms: a note a whole limit off counts as within it, whatever the last digit says.
ROUNDING_S = 1e-4
# A tempo for the chorales, which are written without one.
QUARTER_S = 0.6


def constant_tempo(score: notes.Score, rng: np.random.Generator) -> notes.Score:
    """The pitches and order of a score at a constant tempo, on a grid of eighths; see the top of this file."""
    steps: list[list[notes.Note]] = []
    for note in score.notes:
        near = steps and note.onset_s - steps[-1][0].onset_s <= STEP_S
        # Two notes of one player are two steps, however short.
        if near and all(other.source != note.source for other in steps[-1]):
            steps[-1].append(note)
        else:
            steps.append([note])
    starts_s = np.array([np.median([note.onset_s for note in step]) for step in steps])
    eighth_s = float(np.median(np.diff(starts_s)))
    if eighth_s > LONGEST_EIGHTH_S:
        eighth_s /= 2
    lengths = np.maximum(1, np.round(np.diff(starts_s) / eighth_s)).astype(int)
    places = np.append(0, np.cumsum(lengths))
    place = {id(note): int(places[k]) for k, step in enumerate(steps) for note in step}
    start_s = rng.uniform(0, START_S)
    laid = []
    for source in score.sources:
        mine = score.notes_of(source)
        for note, following in itertools.zip_longest(mine, mine[1:]):
            begin = place[id(note)]
            end = begin + max(1, round((note.offset_s - note.onset_s) / eighth_s))
            if following is not None and place[id(following)] > begin:
                end = min(end, place[id(following)])
            laid.append(notes.Note(source, note.midi, start_s + begin * eighth_s, start_s + end * eighth_s))
    return notes.Score(tuple(laid), score.sources)


def onset_errors_s(truth: notes.Score, found: notes.Score) -> np.ndarray:
    """Found minus true onsets of all pitched notes: the first of each source and pitch with the first, and so on."""

    def onsets_s(score: notes.Score) -> np.ndarray:
        keys = [(note.source, note.midi, note.onset_s) for note in score.notes if note.source not in score.unpitched]
        return np.array([onset_s for _, _, onset_s in sorted(keys)])

    return onsets_s(found) - onsets_s(truth)


def within(errors_s: np.ndarray, limit_s: float) -> float:
    return float(np.mean(np.abs(errors_s) <= limit_s + ROUNDING_S))


def judge(mixture, sample_rate_hz, truth, written):
    """Errors after time warping alone and after refinement, the alignment, and the seconds it took."""
    began = time.perf_counter()
    alignment = align.align(mixture, sample_rate_hz, written)
    warped = align.warp(written, alignment)
    refined = align.refine_onsets(mixture, sample_rate_hz, warped, tuning_hz=alignment.tuning_hz)
    took_s = time.perf_counter() - began
    return onset_errors_s(truth, warped), onset_errors_s(truth, refined), alignment, took_s


def excerpt_cases(folder: Path, seeds=SEEDS):
    """(name, mixture, rate, fine notes, layout) of each excerpt and seed."""
    for path in sorted(p for p in folder.iterdir() if p.is_dir()):
        track = read_track(path)
        for seed in seeds:
            yield (
                path.name,
                track.mixture,
                track.sample_rate_hz,
                track.score,
                constant_tempo(track.score, np.random.default_rng(seed)),
            )


def render_cases(seeds=SEEDS):
    """(name, mixture, rate, notes played, notes at a random tempo) of each shipped piece and seed."""
    for name in pieces.names():
        piece = pieces.load(name)
        for seed in seeds:
            written, _ = misalign.with_random_tempo(piece.score, rng=np.random.default_rng(seed))
            yield name, piece.mixture, piece.sample_rate_hz, piece.score, written


def table(cases) -> list[np.ndarray]:
    """Print one line for each piece and one for all, and return the refined errors of each case."""
    columns = "".join(f"{f'{limit_s * 1000:g} ms':>8}" for limit_s in LIMITS_S)
    print(f"{'':16}{'warped:':<10}{columns}   {'refined:':<10}{columns}{'median':>10}{'conf.':>7}{'time':>8}")
    rows: dict[str, list] = {}
    for name, mixture, rate, truth, written in cases:
        rows.setdefault(name, []).append(judge(mixture, rate, truth, written))
    everything = list(itertools.chain(*rows.values()))
    for name, results in (*rows.items(), ("all", everything)):
        warped, refined = (np.concatenate([result[k] for result in results]) for k in (0, 1))
        texts = ["".join(f"{100 * within(e, limit_s):7.1f}%" for limit_s in LIMITS_S) for e in (warped, refined)]
        confidence = min(result[2].mean_confidence for result in results)
        print(
            f"{name:16}{'':10}{texts[0]}   {'':10}{texts[1]}{1000 * np.median(refined):+7.0f} ms"
            f"{confidence:7.2f}{np.mean([result[3] for result in results]):6.1f} s"
        )
    return [result[1] for result in everything]


def wrong_scores(cases) -> None:
    """Print the confidence of every recording with its own score and with all the others'."""
    cases = [next(group) for _, group in itertools.groupby(cases, key=lambda case: case[0])]
    print(f"\nConfidence (below {align.LEAST_CONFIDENCE} is doubtful)")
    for name, mixture, rate, *_ in cases:
        others = [align.align(mixture, rate, other[4], extent="auto").mean_confidence for other in cases]
        own = others.pop([case[0] for case in cases].index(name))
        print(f"{name:16}own {own:.2f}   others {min(others):.2f} to {max(others):.2f}")


def read_chorale(path: Path) -> notes.Score:
    """A score of music21's corpus, at a constant tempo; one source for each part."""
    import music21

    return notes.Score(
        tuple(
            notes.Note(
                f"part {k}",
                int(pitch.midi),
                QUARTER_S * float(element.offset),
                QUARTER_S * (float(element.offset) + float(element.duration.quarterLength)),
            )
            for k, part in enumerate(music21.corpus.parse(path).parts)
            for element in part.flatten().notes
            for pitch in element.pitches
            if element.duration.quarterLength > 0
        )
    )


def chorales() -> dict[str, notes.Score]:
    """The chorales of music21's corpus, at a constant tempo; read once, then kept in a temporary folder."""
    import music21

    kept = Path(tempfile.gettempdir()) / f"mss_lab_chorales_{music21.VERSION_STR}.json"
    if kept.is_file():
        table = json.loads(kept.read_text(encoding="utf-8"))
        return {name: notes.Score(tuple(notes.Note(*row) for row in rows)) for name, rows in table.items()}
    paths = [Path(path) for path in music21.corpus.getComposer("bach") if Path(path).name.startswith("bwv")]
    scores = {}
    for path in paths:
        score = read_chorale(path)
        if score.notes and 3 <= len(score.sources) <= 6:
            scores[path.stem] = score
    table = {
        name: [(note.source, note.midi, note.onset_s, note.offset_s) for note in score.notes]
        for name, score in scores.items()
    }
    with files.whole_file(kept) as temporary:
        temporary.write_text(json.dumps(table), encoding="utf-8")
    return scores


def find_all(folder: Path, scores: dict[str, notes.Score]) -> list[tuple[str, list[find.Match]]]:
    """Print the two best chorales for each excerpt, and return all matches."""
    print(f"\nfind_score among {len(scores)} chorales")
    found = []
    for path in sorted(p for p in folder.iterdir() if p.is_dir()):
        track = read_track(path)
        began = time.perf_counter()
        matches = find.find_score(track.mixture, track.sample_rate_hz, scores)
        best = ", ".join(f"{match.name} {match.cost:.3f}" for match in matches[:3])
        print(f"{path.name:16}{best}   ({time.perf_counter() - began:.0f} s)")
        found.append((path.name, matches))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--find", action="store_true", help="also look for the excerpts among music21's chorales")
    options = parse(parser, arguments)
    folder = options.recordings / "Bach10-excerpts"
    print(f"Onsets within so many ms, seeds {SEEDS}: excerpts from a layout at constant tempo, against the fine notes")
    table(excerpt_cases(folder))
    print("\nShipped pieces from a random tempo (0.7 to 1.4, changing every 4 s), against the notes that were rendered")
    table(render_cases())
    wrong_scores([*excerpt_cases(folder), *render_cases()])
    if options.find:
        find_all(folder, chorales())
    return 0


if __name__ == "__main__":
    sys.exit(main())
