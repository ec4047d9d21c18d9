"""Exercises of lesson 15, "Data is the model"."""

import numpy as np

from ...datasets import duets, pieces, repertoire
from ...lessons import Exercise, answers

PIECE = "chorale_a"


RATE_HZ = 8_000
# Which test song repeats which training song, where its section begins (in seconds), and its level.
LEAKS = {"test 2": ("training 3", 1.9, 0.5), "test 5": ("training 1", 0.2, 1.6)}
SECTION_S = 4.0


def _songs_with_leaks():
    """Four training songs and six test songs, two of which repeat a performance; mono float32 at 8 kHz."""
    rng = answers.rng(151)
    programs = {"flute": 73, "cello": 42}
    players = duets.draw_players(programs, 6, [151])
    work = repertoire.work_of("chorale", pieces.load("chorale_b").score)

    def performance(instruments, seed):
        return duets.song(work, players[instruments], [151, seed], sample_rate_hz=RATE_HZ, length_s=7.0)["audio"].sum(0)

    def section(waveform, start_s, gain):
        start = round(start_s * RATE_HZ)
        cut = gain * waveform[start : start + round(SECTION_S * RATE_HZ)]
        return (cut + 0.003 * rng.standard_normal(len(cut))).astype(np.float32)

    trained = {f"training {n + 1}": performance(n, n) for n in range(4)}
    songs = {name: section(waveform, 1.0, 1.0) for name, waveform in trained.items()}
    # The first test song holds the notes of a training song on other instruments, which is another sound.
    others = {"test 1": performance(4, 0), "test 3": performance(5, 5), "test 4": performance(1, 6)}
    others["test 6"] = performance(4, 7)
    for n in range(1, 7):
        name = f"test {n}"
        if name in LEAKS:
            original, start_s, gain = LEAKS[name]
            songs[name] = section(trained[original], start_s, gain)
        else:
            songs[name] = section(others[name], 1.0, 1.0)
    return songs


def _check_two_leaks(answer):
    if answers.is_blank(answer):
        raise answers.Blank
    if isinstance(answer, str) or not isinstance(answer, list | tuple | set):
        return f"The answer must be a list of two names, such as ['test 1', 'test 2'], got {answers.describe(answer)}."
    names, tests = set(map(str, answer)), {f"test {n}" for n in range(1, 7)}
    unknown = sorted(names - tests)
    if unknown:
        return f"The names are test 1 to test 6, and the answer holds {unknown[0]!r}."
    if names == set(LEAKS):
        return None
    if len(names) != len(LEAKS):
        return f"Two of the six test songs leak, and the answer names {len(names)}."
    if "test 1" in names:
        return (
            "One of your two songs has the notes of a training song, but it is played by other instruments: its "
            "waveform is another one."
        )
    right = len(names & set(LEAKS))
    return f"{'One' if right else 'None'} of these two songs repeats a performance of the training."


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
    # In quarters of a second, so that edges that coincide do so in floating-point numbers too.
    rng = answers.rng(153)
    scale, later_s = answers.varied(4, 3, 9, rng) / 4, answers.varied(0, 1, 20, rng) / 4
    notes[:, 1] += answers.varied(0, 1, 12, rng)
    notes[:, 2:] = notes[:, 2:] * scale + later_s
    notes = np.roll(notes, answers.varied(0, 0, 5, rng), axis=0)
    start_s, length_s = 1.0 * scale + later_s, 1.5 * scale

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
        where="Look at notes that begin before the section, end after it, or only touch it.",
        mistakes={
            "The times are still those of the song: the section starts at 0.": table(
                sounding, np.clip(notes[:, 2:], start_s, start_s + length_s)
            ),
            "Notes reach beyond the section: they must be shortened.": table(sounding, moved),
            "Those are only the notes that lie inside. One that began before, or goes on behind, sounds too.": table(
                inside, held
            ),
            "A note that began before the section and goes on into it is missing.": table(begins, held),
            "Notes that do not sound in the section are still there, with no length.": table(touching, held),
            "Some times lie beyond length_s: they were limited to the end of the section in the song.": table(
                sounding, np.clip(moved, 0, start_s + length_s)
            ),
        },
    )


def _numbered_songs(rng):
    """Songs (sources, samples) whose values state song, source and sample; one has no sample to spare."""
    length = answers.varied(20, 21, 32, rng)
    lengths = [length + spare for spare in (3, 0, 5, 2)]
    return [
        100_000.0 * song + 1_000.0 * np.arange(3)[:, None] + np.arange(samples)[None]
        for song, samples in enumerate(lengths)
    ], length


def _check_mixed_anew(answer):
    songs, length = _numbered_songs(answers.rng(154))
    starts: dict[int, set[int]] = {song: set() for song in range(len(songs))}
    songs_of_sources: list[set[int]] = [set() for _ in range(3)]
    for seed in range(80):
        result = answers.call(answer, songs, length, seed)
        shape = np.shape(result)
        if shape != (3, length):
            reason = " A section reaches beyond the end of its song." if shape[:1] == (3,) else ""
            return f"The result must have the shape (3, {length}), got {shape}.{reason}"
        values = np.asarray(result, float)
        chosen, rows, samples = values // 100_000, values % 100_000 // 1_000, values % 1_000
        wrong = _fault_of_a_mixture(chosen, rows, samples)
        if wrong:
            return wrong
        for source in range(3):
            songs_of_sources[source].add(int(chosen[source, 0]))
            starts[int(chosen[source, 0])].add(int(samples[source, 0]))
    if not np.array_equal(np.asarray(answers.call(answer, songs, length, 79), float), values):
        return "Called again with the same seed, the function gives another mixture. Nothing else may decide it."
    if any(len(numbers) < len(songs) for numbers in songs_of_sources):
        return "In 80 mixtures some source never came from one of the songs. Every song must have its chance."
    most = {song: one.shape[1] - length for song, one in enumerate(songs)}
    if all(numbers <= {0} for numbers in starts.values()):
        return "Every section begins with its song. Every start must have its chance."
    if any(most[song] not in starts[song] for song in starts):
        return "In 80 mixtures the last possible section of some song was never used."
    return _fault_of_the_starts(starts, most)


def _fault_of_the_starts(starts, most):
    """None if every possible start of every song occurs."""
    return answers.truth(
        all(numbers == set(range(most[song] + 1)) for song, numbers in starts.items()),
        "In 80 mixtures some sections of a song were never used. Every start must have its chance.",
    )


def _fault_of_a_mixture(chosen, rows, samples):
    """What is wrong with one mixture, from the song, the row and the number of each of its samples."""
    if not np.array_equal(rows, np.broadcast_to(np.arange(3)[:, None], rows.shape)):
        return "A row of the result is not the row of its source: source j must be row j of a song."
    if np.any(chosen != chosen[:, :1]):
        return "A row of the result is put together from several songs. Each source comes from one."
    if np.any(np.diff(samples, axis=1) != 1):
        return "A row of the result does not hold successive samples of its song."
    if len(np.unique(chosen[:, 0])) < 3:
        return "Two sources come from the same song: these two did play together."
    return None


def _check_leaks(answer):
    rng = answers.rng(155)
    before = answers.varied(0, 10, 900, rng)
    one, two, three, four, five, six, seven, eight, nine = (f"bwv{before + number}" for number in range(1, 10))
    train = _shuffled([one, two, three, seven], rng)
    test = _shuffled([two, four, five, six, eight, nine], rng)
    # Four shares a tune with one; five is the first of a family of which three is another; eight's is not trained on.
    # Nine is in no group, like two and seven, and is a family of its own.
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
        return "Only what has the same name was found. Two names may belong to one family."
    if named == {four}:
        return "Names that are in no group were passed over. Such a name is a family of its own."
    if nine in named and named >= expected and not named & {six, eight}:
        return (
            "A name that is in no group was taken to share a family with the other names that are in none. Each of "
            "them is a family of its own."
        )
    if named & {tune_a, three}:
        return "Families, or names of training pieces, were returned. Return the names in test that share one."
    if named == {six, eight, nine}:
        return "Those are the names that may stay in the test. The expected names are the others."
    missing, extra = len(expected - named), len(named - expected)
    words = [f"{missing} leaking name(s) missing" if missing else "", f"{extra} that do not leak" if extra else ""]
    return f"Not yet: {', '.join(word for word in words if word)}."


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
            where="Begin with one source, and count its renditions.",
            mistakes={
                "That adds the numbers of timbres, dynamics and shifts of a source. Each timbre goes with each "
                "dynamics and each shift.": count["added"],
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
        kind="number",
        task=f"{word.capitalize()} sources, each played with {timbres} timbres, {dynamics} dynamics and {shifts} "
        "shifts: how many different mixtures?",
        check=check,
        hints=(
            "One source: every timbre with every dynamics with every shift.",
            f"Then as in a lock with {word} wheels: how many settings has it?",
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
        kind="sound",
        task='Two of the six test songs of lab.given("15.1") contain the performance of a training song again, by the '
        "same instruments, at another level and up to a second earlier or later. Which two?",
        check=_check_two_leaks,
        given=_songs_with_leaks,
        hints=(
            "By ear: play a training song and a test song one after the other. The same notes may also be played by "
            "other instruments, which is no repetition of the sound.",
            "By program: two waveforms that are equal except for level and time have a high correlation at one lag.",
            "np.fft.irfft(np.fft.rfft(a, n) * np.conj(np.fft.rfft(b, n)), n) gives the products for all lags at "
            "once; divide by the norms of a and b, and look at the largest values.",
        ),
        praise="A program that compares all songs with one another in this way belongs in front of every training.",
    ),
    _count_exercise(),
    Exercise.from_files(
        __file__,
        number="15.3",
        kind="construct",
        task="Write `cut(notes, start_s, length_s)`: the notes that sound in a section, in seconds from its start, "
        "shortened where they reach beyond it.",
        check=_check_cut,
        hints=(
            "Columns 2 and 3 are onset and offset. First express both in seconds from the start of the section.",
            "np.clip limits both to the section. A note that does not sound in it has no length after that.",
        ),
        praise="A network that gets the sound of a note without the note would learn not to rely on the score.",
    ),
    Exercise.from_files(
        __file__,
        number="15.4",
        kind="construct",
        task="Write `leaks(train, test, groups)`: the names in test that share a family with a name in train.",
        check=_check_leaks,
        hints=(
            "Which family has a name that groups does not contain? No other name has the same.",
            "groups.get(name, name) is a name's family. Make the set of all families in train first.",
        ),
        praise="The same tune in another key, under another number, is still the same tune.",
    ),
    Exercise.from_files(
        __file__,
        number="15.5",
        kind="construct",
        task="Write `mixed_anew(songs, length, seed)`: for each source a section of another song, drawn so that every "
        "song and every start has its chance and no two sources come from one song.",
        check=_check_mixed_anew,
        hints=(
            "A generator is np.random.default_rng(seed). Draw the songs of all sources at once.",
            "rng.choice(len(songs), sources, replace=False) gives different songs. How many starts has a song of n "
            "samples? One more than n - length.",
        ),
        praise="From a hundred songs of four sources this makes more than ninety million combinations, before any is "
        "cut.",
    ),
)
