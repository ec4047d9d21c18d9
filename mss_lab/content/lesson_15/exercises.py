"""Exercises of lesson 15, "Data is the model"."""

import numpy as np

from ...lessons import Exercise, answers

PIECE = "chorale_a"


def _check_tone(answer):
    rng = answers.rng(151)
    gains = np.array([1.0, 0.5, 0.3, 0.2, 0.4]) * answers.usually(1.0, lambda: rng.uniform(0.7, 1.3, 5))
    samples, f0_hz = answers.varied(400, 300, 500, rng), float(answers.varied(1_000, 800, 1_200, rng))
    rate = 8 * int(f0_hz)
    times_s = np.arange(samples) / rate

    def partials(numbers, gains, wave=np.sin, turns=2 * np.pi):
        return sum(gain * wave(turns * number * f0_hz * times_s) for number, gain in zip(numbers, gains, strict=True))

    # Of five partials, the fourth lies at half the rate, where its samples vanish, and the fifth beyond.
    expected = partials(range(1, 4), gains[:3])
    wrong = answers.array(
        answers.call(answer, f0_hz, gains, samples, rate),
        expected,
        "samples",
        name="the tone",
        where="Sample n is heard at n / rate seconds; add up g_h sin(2 pi h f0 t) for every h below half the rate.",
        mistakes={
            "A partial beyond half the rate came back as another frequency: leave it out.": partials(
                range(1, 6), gains
            ),
            "Those are partials at 0, f0, 2 f0, ...: the first gain belongs to f0 itself.": partials(
                range(4), gains[:4]
            ),
            "2 pi is missing: the sine counts in radians, not in turns.": partials(range(1, 4), gains[:3], turns=1.0),
            "Those are cosines, which begin with a click. Sines begin at 0.": partials(range(1, 4), gains[:3], np.cos),
            "The gains are missing.": partials(range(1, 4), np.ones(3)),
            "That is the fundamental alone.": partials([1], [1.0]),
        },
    )
    if wrong:
        return wrong
    # Nothing is left of a tone whose fundamental is beyond half the rate.
    count = answers.varied(10, 8, 20, rng)
    silent = answers.call(answer, 5 * f0_hz, np.ones(2), count, rate)
    name = f"a tone of {5 * f0_hz / 1000:g} kHz at a rate of {rate / 1000:g} kHz"
    return answers.array(silent, np.zeros(count), "samples", name=name)


def _check_cut(answer):
    notes = np.array(
        [
            [0, 60, 0.0, 1.0],
            [1, 50, 0.5, 2.5],
            [0, 62, 1.25, 1.75],
            [1, 52, 2.5, 3.0],
            [0, 64, 1.5, 9.0],
            [1, 40, 0.0, 9],
        ]
    )
    # In quarters of a second, so that edges which coincide do so to a computer, too.
    rng = answers.rng(153)
    stretch, later_s = answers.varied(4, 3, 9, rng) / 4, answers.varied(0, 1, 20, rng) / 4
    notes[:, 1] += answers.varied(0, 1, 12, rng)
    notes[:, 2:] = notes[:, 2:] * stretch + later_s
    notes = np.roll(notes, answers.varied(0, 0, 5, rng), axis=0)
    start_s, length_s = 1.0 * stretch + later_s, 1.5 * stretch

    def table(kept, times_s):
        return np.concatenate([notes[kept, :2], times_s[kept]], axis=1)

    moved = notes[:, 2:] - start_s
    held = np.clip(moved, 0, length_s)
    sounding = held[:, 1] > held[:, 0]
    inside = (notes[:, 2] >= start_s) & (notes[:, 3] <= start_s + length_s)
    begins = (notes[:, 2] >= start_s) & (notes[:, 2] < start_s + length_s)
    touching = held[:, 1] >= held[:, 0]
    return answers.array(
        answers.call(answer, notes, start_s, length_s),
        table(sounding, held),
        "notes columns",
        name="the table",
        where="Take start_s from both times, clip them to 0 and length_s, and keep the notes that still last.",
        mistakes={
            "The times are still those of the song: the stretch starts at 0.": table(
                sounding, np.clip(notes[:, 2:], start_s, start_s + length_s)
            ),
            "Notes reach beyond the stretch: cut them at 0 and at length_s.": table(sounding, moved),
            "Those are only the notes that lie inside. One that began before, or goes on behind, sounds too.": table(
                inside, held
            ),
            "A note that began before the stretch and goes on into it is missing.": table(begins, held),
            "Notes that do not sound in the stretch are still there, with no length.": table(touching, held),
            "Times were clipped to the end of the stretch in the song, start_s + length_s. Move them first.": table(
                sounding, np.clip(moved, 0, start_s + length_s)
            ),
        },
    )


def _check_never_met(answer):
    rng = answers.rng(154)
    songs = [rng.standard_normal((3, samples + answers.varied(0, 0, 9, rng))) for samples in (50, 70, 60)]
    starts = [answers.varied(10, 10, 15, rng), answers.varied(5, 2, 9, rng), answers.varied(33, 25, 35, rng)]
    chosen, length = [2, 0, 1], answers.varied(20, 15, 25, rng)

    def rows(song_of, start_of, row_of=lambda j: j):
        return np.stack([songs[song_of(j)][row_of(j), start_of(j) : start_of(j) + length] for j in range(3)])

    return answers.array(
        answers.call(answer, songs, chosen, starts, length),
        rows(lambda j: chosen[j], lambda j: starts[j]),
        "sources samples",
        name="the mixture's sources",
        where="Row j is songs[chosen[j]][j], from sample starts[j] on.",
        mistakes={
            "All sources come from one song: they did meet.": rows(lambda j: chosen[0], lambda j: starts[0]),
            "All sources come from one place. Source j starts at starts[j].": rows(
                lambda j: chosen[j], lambda j: starts[0]
            ),
            "Those are the first samples of each song: begin at starts[j].": rows(lambda j: chosen[j], lambda j: 0),
            "Source j came from song j: choose songs[chosen[j]].": rows(lambda j: j, lambda j: starts[j]),
            "Source and song are exchanged: row j is source j, of song chosen[j].": rows(
                lambda j: j, lambda j: starts[j], lambda j: chosen[j]
            ),
            "Every row is the same source, the first: row j must be source j.": rows(
                lambda j: chosen[j], lambda j: starts[j], lambda j: 0
            ),
        },
    )


def _check_leaks(answer):
    rng = answers.rng(155)
    before = answers.varied(0, 10, 900, rng)
    one, two, three, four, five, six, seven, eight = (f"bwv{before + number}" for number in range(1, 9))
    train = _shuffled([one, two, three, seven], rng)
    test = _shuffled([two, four, five, six, eight], rng)
    # Four shares a tune with one; five is the first of a family of which three is another; eight's is not trained on.
    tune_a, tune_b, tune_c = _shuffled(["tune a", "tune b", "tune c"], rng)
    groups = {one: tune_a, four: tune_a, three: five, eight: tune_b, six: tune_c}
    named = answers.call(answer, train, test, groups)
    if not isinstance(named, set | frozenset | list | tuple):
        return f"The answer must be a set of names, got {answers.describe(named)}."
    named = set(named)
    expected = {two, four, five}
    if named == expected:
        return None
    if named == {two}:
        return "Only what has the same name was found. Compare families: groups.get(name, name)."
    if named == {four}:
        return (
            "Names that are in no group were passed over. Such a name is a family of its own: groups.get(name, name)."
        )
    if named & {tune_a, three}:
        return "Families, or names of training pieces, were returned. Return the names in test that share one."
    if named == {six, eight}:
        return "Those are the names that may stay in the test. The expected names are the others."
    missing, extra = sorted(expected - named), sorted(named - expected, key=str)
    words = [f"{len(missing)} leaking name(s) missing" if missing else "", f"{extra[0]} does not leak" if extra else ""]
    return f"Not yet: {', '.join(word for word in words if word)}. Look each name up in groups, on both sides."


_IN_WORDS = {3: "three", 4: "four", 5: "five", 6: "six"}


def _count_numbers(sources, timbres, dynamics, shifts):
    """The number of mixtures, and what typical mistakes give instead."""
    each = timbres * dynamics * shifts
    return {
        "right": each**sources,
        "added": (timbres + dynamics + shifts) ** sources,
        "one source": each,
        "stems": sources * each,
        "exchanged": sources**each,
        "no shifts": (timbres * dynamics) ** sources,
        "one rendition": each + sources,
    }


def _count_exercise(sources=5, timbres=3, dynamics=2, shifts=4):
    count, word = _count_numbers(sources, timbres, dynamics, shifts), _IN_WORDS[sources]

    def check(answer):
        return answers.number(
            answer,
            count["right"],
            0.5,
            name="the number of mixtures",
            where="How many renditions has one source? Each of them goes with each of every other source.",
            mistakes={
                "That adds what a source may choose from. Each timbre goes with each dynamics and shift: "
                "multiply.": count["added"],
                "That is the number of renditions of one source.": count["one source"],
                f"That is the number of stems, {word} times those of one source. Mixtures combine them.": count[
                    "stems"
                ],
                f"Base and exponent are exchanged: each of {word} sources chooses one of so many.": count["exchanged"],
                "That leaves out the shifts. A shifted stem is another rendition, though it needs no new sound.": count[
                    "no shifts"
                ],
                "That is for sources that all take the same rendition.": count["one rendition"],
            },
        )

    return Exercise.from_files(
        __file__,
        number="15.2",
        task=f"{word.capitalize()} sources, each played with {timbres} timbres, {dynamics} dynamics and {shifts} "
        "shifts: how many different mixtures?",
        check=check,
        hints=(
            "One source: every timbre with every dynamics with every shift.",
            f"Then as in a lock with {word} wheels.",
        ),
        values={"sources": sources, "timbres": timbres, "dynamics": dynamics, "shifts": shifts},
        praise=f"And they are made of {sources * timbres * dynamics} stems: {timbres} timbres and {dynamics} dynamics "
        f"for each of {word} sources.",
        drawn=_draw_count,
    )


def _draw_count(rng):
    def draw():
        sources, timbres, dynamics, shifts = rng.integers([3, 2, 2, 3], [7, 6, 4, 7])
        return int(sources), int(timbres), int(dynamics), int(shifts)

    def all_differ(numbers):
        values = _count_numbers(*numbers).values()
        return len(set(values)) == len(values)

    return _count_exercise(*answers.telling(draw, all_differ))


def _shuffled(names, rng):
    return answers.usually(names, lambda: [names[index] for index in rng.permutation(len(names))])


EXERCISES = (
    Exercise.from_files(
        __file__,
        number="15.1",
        task="Write `tone(f0_hz, gains, samples, rate)`: the sum of partials with these gains, without those at half "
        "the rate or above.",
        check=_check_tone,
        hints=(
            "times_s = np.arange(samples) / rate; partial h is gain * np.sin(2 * np.pi * h * f0_hz * times_s).",
            "enumerate(gains, start=1) gives h and its gain; add it only if h * f0_hz < rate / 2.",
        ),
        praise="Sampled, a partial beyond half the rate sounds at a frequency that no instrument has: a drawn timbre "
        "would teach it as music.",
    ),
    _count_exercise(),
    Exercise.from_files(
        __file__,
        number="15.3",
        task="Write `cut(notes, start_s, length_s)`: the notes that sound in a stretch, in seconds from its start, cut "
        "where it cuts them.",
        check=_check_cut,
        hints=(
            "Columns 2 and 3 are onset and offset. Take start_s away from both, then np.clip to 0 and length_s.",
            "A note that does not sound in the stretch has no length left after that.",
        ),
        praise="A network that is shown the sound of a note and not the note would learn to distrust the score.",
    ),
    Exercise.from_files(
        __file__,
        number="15.4",
        task="Write `never_met(songs, chosen, starts, length)`: source j from song chosen[j], sample starts[j] on.",
        check=_check_never_met,
        hints=(
            "songs[chosen[j]] is (sources, samples); its row j is source j.",
            "Slice it from starts[j] to starts[j] + length, and np.stack the rows.",
        ),
        praise="From a hundred songs of four sources this makes a hundred million combinations, before any is cut.",
    ),
    Exercise.from_files(
        __file__,
        number="15.5",
        task="Write `leaks(train, test, groups)`: the names in test that share a family with a name in train.",
        check=_check_leaks,
        hints=(
            "groups.get(name, name) is a name's family, and the name itself where it stands alone.",
            "Make the set of all families in train, then ask for each name in test.",
        ),
        praise="The same tune in another key, under another number, is still the same tune.",
    ),
)
