"""Exercises of lesson 22, "Hierarchies and query by example"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_b"

RATE_HZ = 16_000
# Instruments that are easily distinguished: of these draws the clarinets have hardly any even harmonics.
CLARINETS, OBOES = (0, 2, 4, 9, 10, 11, 13, 14, 17), (3, 7, 11, 12, 15, 19)
QUERIES, QUERY_S = 5, 2.5
PASSAGE_S, LEAST_S, NEAR_S, FADE_S = 2.2, 1.5, 0.1, 0.02


def _line(leaf, source, seed, length_s):
    """A drawn instrument that plays a line of a chorale, (1, samples), and the notes of the line."""
    import dataclasses

    from ...datasets import engines, pieces
    from ...score.instruments import program_of
    from ...score.notes import Score

    engine, rng = engines.make("harmonic"), np.random.default_rng(seed)
    notes = tuple(
        dataclasses.replace(note, source=leaf, offset_s=min(note.offset_s, length_s))
        for note in pieces.load("chorale_a").score.notes_of(source)
        if note.onset_s < length_s - 0.2
    )
    timbres = {leaf: engine.draw_timbre(rng, program_of(leaf))}
    wave = engine.play(Score(notes, (leaf,)), sample_rate_hz=RATE_HZ, rng=rng, timbres=timbres)[leaf]
    samples = round(length_s * RATE_HZ)
    return np.pad(wave, ((0, 0), (0, samples)))[:, :samples].astype(np.float32), notes


# At which level do instruments become one?


def _path(parent_of, leaf):
    path = [leaf]
    while parent_of[path[-1]] is not None:
        path.append(parent_of[path[-1]])
    return path


def _joined_at(parent_of, leaves):
    paths = [_path(parent_of, leaf) for leaf in leaves]
    return next((level for level, nodes in enumerate(zip(*paths, strict=True), 1) if len(set(nodes)) == 1), 0)


def _draw_tree(rng):
    """A tree of six levels in an order and with names that are drawn, and leaves that are one from level 5 on."""
    names = iter(rng.permutation([f"node {number}" for number in range(90)]).tolist())
    parent_of: dict[str, str | None] = {}
    nodes: list[str | None] = [None]
    for children in (2, 2, 2, 1, 2, 2):
        below = [(next(names), parent) for parent in nodes for _ in range(children)]
        parent_of |= dict(below)
        nodes = [name for name, _ in below]
    order = rng.permutation(list(parent_of)).tolist()
    leaves = rng.permutation(nodes).tolist()

    parent_of = {name: parent_of[name] for name in order}
    chosen = [leaves[0], *(_joined_with(parent_of, leaves[0], level) for level in (3, 5, 2))]
    return parent_of, chosen[: answers.varied(3, 3, 4, rng)]


def _joined_with(parent_of, leaf, level):
    """Another leaf that is one with this leaf from a level on; 0 if only the root joins them."""
    leaves = [name for name in parent_of if name not in parent_of.values()]
    return next(other for other in leaves if other != leaf and _joined_at(parent_of, [leaf, other]) == level)


def _check_joined(answer):
    rng = answers.rng(221)
    parent_of, leaves = _draw_tree(rng)
    paths = [_path(parent_of, leaf) for leaf in leaves]
    common = [level for level, nodes in enumerate(zip(*paths, strict=True), 1) if len(set(nodes)) == 1]
    mistakes = {
        "Levels are counted from 1, the level of the leaves.": common[0] - 1,
        "The highest level at which they are one is returned, not the lowest.": common[-1],
        "Only two of the leaves are compared.": _joined_at(parent_of, leaves[:2]),
        "The level is counted from the top of the tree.": len(paths[0]) + 1 - common[0],
    }
    result = answers.call(answer, parent_of, leaves)
    if isinstance(result, str):
        return "A level is a number; this is the name of a node."
    wrong = answers.number(result, common[0], 1e-9, name="the level", mistakes=mistakes)
    if wrong:
        return wrong
    first = leaves[0]
    questions = [
        ("One leaf alone", [first]),
        ("The same leaves in another order", leaves[::-1]),
        ("Leaves that only the root joins", [first, _joined_with(parent_of, first, 0)]),
        *((f"Leaves that are one from level {level} on", [first, _joined_with(parent_of, first, level)])
          for level in (2, 3, 5, 6)),
    ]  # fmt: skip
    for number in rng.permutation(len(questions)):
        words, asked = questions[number]
        if answers.call(answer, parent_of, asked) != _joined_at(parent_of, asked):
            return f"{words}: the result is wrong."
    return None


# Which query is of another instrument?


def _queries():
    rng = answers.rng(222)
    position = int(rng.integers(1, QUERIES))
    clarinets = rng.choice(CLARINETS, QUERIES - 1, replace=False).tolist()
    waves = [_line("clarinet", "clarinet", seed, QUERY_S) for seed in clarinets]
    other, notes = _line("oboe", "clarinet", int(rng.choice(OBOES)), QUERY_S)
    waves = [wave for wave, _ in waves]
    waves.insert(position, other)
    # All of one level, so that it says nothing.
    waves = [0.1 * wave / np.sqrt(np.mean(wave**2)) for wave in waves]
    pitches = np.array([(note.midi, note.onset_s, note.offset_s) for note in notes])
    return {"queries": waves, "sample_rate_hz": RATE_HZ, "pitches": pitches}, position


def _check_other(answer):
    _, position = _queries()
    if isinstance(answer, int | np.integer) and not isinstance(answer, bool):
        if not 0 <= answer < QUERIES:
            return f"The queries are numbered from 0 to {QUERIES - 1}."
        return answers.truth(answer == position, "This one is of the same instrument as most of the others.")
    return answers.number(answer, position, 1e-9, name="the number of the query")


# Lower the members instead of raising the family


def _lowered(masks):
    return np.minimum.accumulate(masks[::-1], axis=0)[::-1]


def _check_lowered(answer):
    rng = answers.rng(223)
    levels = answers.varied(4, 3, 5, rng)
    masks = rng.random((levels, 5, answers.varied(6, 4, 9, rng)))
    kept = masks.copy()
    once = masks.copy()
    once[:-1] = np.minimum(masks[:-1], masks[1:])
    result = answers.call(answer, masks)
    if not np.array_equal(masks, kept):
        return "The masks that were handed in have been changed."
    return answers.array(
        result,
        _lowered(masks),
        "levels freq frames",
        mistakes={
            "Families are raised here, not members lowered.": np.maximum.accumulate(masks, axis=0),
            "The highest mask has changed: members lower their families.": np.minimum.accumulate(masks, axis=0),
            "Each mask is compared with its neighbour as it was, not as it is after the change.": once,
            "Each mask is compared with the highest one alone.": np.minimum(masks, masks[-1:]),
        },
    )


# Cut a query


def _recording():
    """A recording in which two instruments take turns, and when the clarinet is alone."""
    rng = answers.rng(224)
    order = rng.permutation(["violin", "both", "clarinet", "both", "nothing", "violin"]).tolist()
    edges_s = np.concatenate([[0.0], np.cumsum(PASSAGE_S + rng.uniform(-0.2, 0.2, len(order)))])
    length_s = float(np.ceil(edges_s[-1]))
    times_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    sound = np.zeros((1, len(times_s)), np.float32)
    for leaf, source, seed in (("clarinet", "clarinet", 4), ("violin", "violin", 224)):
        gate = np.zeros(len(times_s))
        for what, start_s, end_s in zip(order, edges_s, edges_s[1:], strict=False):
            if what in (leaf, "both"):
                gate += np.clip(np.minimum(times_s - start_s, end_s - times_s) / FADE_S, 0, 1)
        wave = _line(leaf, source, seed, length_s)[0]
        sound += (0.1 * gate * wave / np.sqrt(np.mean(wave**2))).astype(np.float32)
    alone = order.index("clarinet")
    spans = {what: [(edges_s[i], edges_s[i + 1]) for i, one in enumerate(order) if one == what] for what in order}
    return {"recording": sound, "sample_rate_hz": RATE_HZ}, (edges_s[alone], edges_s[alone + 1]), spans


def _check_cut(answer):
    inputs, (first_s, last_s), spans = _recording()
    if answers.is_blank(answer):
        raise answers.Blank
    values = np.ravel(np.asarray(answer, dtype=object))
    if len(values) != 2 or not all(isinstance(value, int | float | np.number) for value in values):
        return "The answer must be a pair of numbers, start and end in seconds."
    start_s, end_s = map(float, values)
    length_s = inputs["recording"].shape[1] / RATE_HZ
    if not 0 <= start_s < end_s:
        return "The start must come before the end."
    if end_s > length_s:
        return f"The recording ends at {length_s:g} s; times are in seconds."
    if end_s - start_s < LEAST_S - 1e-6:
        return f"The query is shorter than {LEAST_S:g} s."
    if first_s - NEAR_S <= start_s and end_s <= last_s + NEAR_S:
        return None
    violin = [*spans["violin"], *spans["both"]]
    if any(start_s < end - NEAR_S and end_s > start + NEAR_S for start, end in violin):
        return "The violin plays in it, too."
    return "In it there is a passage without any sound."


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="22.1",
        task="Write `joined_at(parent_of, leaves)`: the lowest level at which all the leaves have the same node, 1 for "
        "one leaf alone, or 0 if only the root joins them.",
        check=_check_joined,
        kind="construct",
        hints=(
            "For one leaf, follow its parents up to the child of the root, and keep all nodes on the way.",
            "All paths have one length. Go along them at the same time, from the leaves up.",
            "At which position do all paths hold one and the same node for the first time?",
        ),
        praise="How early two instruments are joined says how similar the tree holds them to be.",
    ),
    Exercise.from_files(
        __file__,
        number="22.2",
        task='Of the queries of `lab.given("22.2")`, all but one are of one instrument in different timbres. Answer '
        "with the number of the other one, counted from 0.",
        check=_check_other,
        given=lambda: _queries()[0],
        kind="sound",
        time_limit_s=60.0,
        hints=(
            "Play them as versions in one player, and listen to the colour of the long notes.",
            "Clarinets sound hollow: the second and the fourth harmonic are nearly absent.",
            "Compare, note by note, the energy around the even harmonics with that around the odd ones.",
        ),
        praise="A store of songs needs the same care: one wrong name teaches a network a wrong instrument.",
    ),
    Exercise.from_files(
        __file__,
        number="22.3",
        task="Write `lowered(masks)` for masks (levels, freq, frames), the leaf first: lower members so that no mask "
        "is larger than one above it, the highest unchanged, and none lower than needed.",
        check=_check_lowered,
        kind="construct",
        hints=(
            "Which level is fixed, and which one can be computed next?",
            "A mask that was lowered lowers the one below it.",
            "Begin at the highest level, and compare each mask with the one above it as it is then.",
        ),
        praise="Then an error of the family silences its members, where the maximum lets members speak for it.",
    ),
    Exercise.from_files(
        __file__,
        number="22.4",
        task='Between which times of `lab.given("22.4")` does the clarinet play alone? Answer with a pair of seconds '
        f"(start, end) at least {LEAST_S:g} s apart.",
        check=_check_cut,
        given=lambda: _recording()[0],
        kind="sound",
        time_limit_s=60.0,
        hints=(
            "Play the recording, and watch its spectrogram: how many melodies are there?",
            "The violin plays the upper line, and all of its harmonics sound.",
            "Of several passages with two melodies, one with none and some with one: which one sounds hollow?",
        ),
        praise="A query cut like this sums up one instrument, and no other.",
    ),
)
