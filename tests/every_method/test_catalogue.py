"""The catalogue: every entry keeps the contract that joins all methods, whatever the method is.

Adding an entry to the catalogue is all that a new method has to do to be held to this.
"""

import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mss_lab import audio, catalogue, checks, cli, compare, options, signals
from mss_lab.datasets.track import Track
from mss_lab.score.files import read_csv, write_csv
from mss_lab.score.notes import Note, Score
from tests.paths import NOTEBOOKS, PACKAGE, ROOT

# These are another package's work; they are held to the contract wherever that package is.
PEERS = ("fastmnmf", "ilrma", "auxiva")
without_peers = pytest.mark.skipif(
    importlib.util.find_spec("pyroomacoustics") is None, reason="not run: pyroomacoustics is not installed"
)
every_method = pytest.mark.parametrize(
    "method",
    [
        pytest.param(one, marks=without_peers if one.name in PEERS else ())
        for one in catalogue.METHODS
        if not one.downloads
    ],
    ids=catalogue.names(downloads=False),
)
# Those too whose weights are on another computer: what is said of them, and what is refused before any work.
every_entry = pytest.mark.parametrize("method", catalogue.METHODS, ids=catalogue.names())

MADE_UP = """
import numpy as np

def separate(mixture, sample_rate_hz, score=None, *, gain=0.5):
    "Everything to the left, everything to the right."
    return {name: np.float32(gain) * np.asarray(mixture, np.float32) for name in ("left", "right")}
"""


def music(sample_rate_hz, channels=1, duration_s=0.6):
    """A mixture of two players, one of whom is on the left, with its score; a third player is silent.

    Players are named after instruments, for methods that know how those sound; of a silent one nothing is known.
    """
    low = signals.harmonic_tone(220.0, duration_s, sample_rate_hz, amplitude=0.4)
    high = signals.harmonic_tone(330.0, duration_s, sample_rate_hz, amplitude=0.3)
    mixture = low + high if channels == 1 else signals.pan(low, 0.3) + signals.pan(high, 1.2)
    notes = (Note("bassoon", 57, 0.0, duration_s), Note("violin", 64, 0.1, duration_s))
    score = Score(notes, ("violin", "silent", "bassoon"))
    return mixture.astype(np.float32), score


def channels_of(method):
    return (2,) if "stereo" in method.needs else (1, 2)


def separate(method, mixture, sample_rate_hz, score):
    return catalogue.separator(method.name)(mixture, sample_rate_hz, score if "score" in method.needs else None)


def check_contract(method, estimates, mixture, score):
    assert estimates
    if "score" in method.needs:
        assert tuple(estimates) == score.sources
    for name, estimate in estimates.items():
        assert isinstance(name, str)
        assert name
        assert estimate.dtype == np.float32
        assert estimate.shape == mixture.shape
        assert np.isfinite(estimate).all()
    if method.adds_up:
        assert_allclose(sum(estimates.values()), mixture, atol=1e-6)


@every_method
@pytest.mark.parametrize("sample_rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_estimates_keep_the_contract(method, sample_rate_hz, frozen):
    for channels in channels_of(method):
        mixture, score = music(sample_rate_hz, channels)
        estimates = separate(method, frozen(mixture), sample_rate_hz, score)
        check_contract(method, estimates, mixture, score)


@every_method
@pytest.mark.parametrize("samples", [1, 2, 1_000])
def test_short_audio_keeps_the_contract(method, samples, rng, frozen):
    mixture = frozen(rng.uniform(-1, 1, (max(channels_of(method)), samples)).astype(np.float32))
    score = music(16_000)[1]
    check_contract(method, separate(method, mixture, 16_000, score), mixture, score)


@every_method
def test_silence_stays_silent(method):
    silence = np.zeros((max(channels_of(method)), 8_000), np.float32)
    score = music(16_000)[1]
    estimates = separate(method, silence, 16_000, score)
    check_contract(method, estimates, silence, score)
    assert max(np.abs(estimate).max() for estimate in estimates.values()) < 1e-6


@every_method
@pytest.mark.parametrize("level", [1e-6, 1e3])
def test_quiet_and_loud_music_keep_the_contract(method, level):
    mixture, score = music(16_000, max(channels_of(method)))
    estimates = separate(method, (level * mixture).astype(np.float32), 16_000, score)
    estimates = {name: (estimate / level).astype(np.float32) for name, estimate in estimates.items()}
    check_contract(method, estimates, mixture, score)


@pytest.mark.slow(4)
@every_method
def test_channels_that_are_equal_or_cancel_keep_the_contract(method):
    if 2 not in channels_of(method):
        pytest.skip("mono alone")
    mono, score = music(16_000)
    for other in (mono, -mono, 0 * mono):
        mixture = np.concatenate([mono, other])
        check_contract(method, separate(method, mixture, 16_000, score), mixture, score)


@every_method
def test_double_precision_gives_the_same(method):
    mixture, score = music(16_000, max(channels_of(method)))
    single = separate(method, mixture, 16_000, score)
    double = separate(method, mixture.astype(np.float64), 16_000, score)
    for name in single:
        assert double[name].dtype == np.float32
        assert_allclose(double[name], single[name], atol=1e-4)


@every_method
def test_the_same_question_gets_the_same_answer(method):
    mixture, score = music(16_000, max(channels_of(method)))
    first, second = (separate(method, mixture, 16_000, score) for _ in range(2))
    for name in first:
        assert_array_equal(first[name], second[name])
        assert not any(np.shares_memory(first[name], other) for other in (mixture, second[name]))


@every_entry
def test_what_is_needed_and_not_there_is_refused(method):
    mixture, score = music(16_000, max(channels_of(method)))
    separator = catalogue.separator(method.name)
    if "score" in method.needs:
        with pytest.raises(ValueError, match="needs a score, got none"):
            separator(mixture, 16_000)
    if "stereo" in method.needs:
        with pytest.raises(checks.ShapeError, match="must have 2 channels"):
            separator(mixture[:1], 16_000, score)


@every_entry
def test_a_mixture_that_is_none_is_refused(method):
    mixture, score = music(16_000, max(channels_of(method)))
    separator = catalogue.separator(method.name)
    broken = mixture.copy()
    broken[0, 7] = np.nan
    for wrong, wanted in (
        (mixture[0], r"must be \(channels, samples\)"),
        (broken, "must be finite"),
        (mixture[:, :0], "at least one channel and one sample"),
    ):
        with pytest.raises(ValueError, match=wanted):
            separator(wrong, 16_000, score)
    with pytest.raises(TypeError, match="floating-point samples"):
        separator((mixture * 1000).astype(np.int16), 16_000, score)
    with pytest.raises(ValueError, match="sample_rate_hz must be"):
        separator(mixture, 44, score)


@every_entry
def test_an_entry_says_what_a_reader_wants_to_know(method):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", method.name)
    assert method.needs <= {"score", "stereo"}
    for text in (method.title, method.gives, method.reference):
        assert text.strip() == text
        assert text
        assert not text.endswith(".")
    assert re.fullmatch(r"notebooks/\d\d_[a-z_]+\.ipynb", method.lesson)
    # A method may be there before its lesson, but no lesson may be skipped.
    written = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    assert (ROOT / method.lesson).is_file() or Path(method.lesson).name > written[-1]
    assert f"Lesson: {method.lesson}" in method.load().__doc__


@every_entry
def test_a_method_has_the_options_that_its_entry_declares(method):
    function = method.load()
    parameters = inspect.signature(function).parameters
    assert list(parameters)[:3] == ["mixture", "sample_rate_hz", "score"]
    assert parameters["score"].default is None
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(parameters)[3:])
    # Read from the signature here, not by the code that the package uses for it.
    assert list(method.options) == list(parameters)[3:]
    for option, declared in method.options.items():
        default = parameters[option].default
        assert type(declared.default) is type(default) and declared.default == default, option
        assert (
            f"{option} :" in function.__doc__ or f"{option}," in function.__doc__ or f", {option}\n" in function.__doc__
        )


@every_method
def test_options_given_are_options_used(method):
    mixture, score = music(16_000, max(channels_of(method)))
    plain = separate(method, mixture, 16_000, score)
    spelt_out = catalogue.separator(method.name, **method.defaults())(
        mixture, 16_000, score if "score" in method.needs else None
    )
    for name in plain:
        assert_array_equal(plain[name], spelt_out[name])


@every_entry
@pytest.mark.parametrize("stranger", ["tolerence_s", "mixture", "score"])
def test_an_option_that_is_not_there_is_refused_at_once(method, stranger):
    with pytest.raises(TypeError, match=f"{method.name} has no option {stranger}; it has "):
        catalogue.separator(method.name, **{stranger: 1})


def test_score_masks_use_their_options():
    mixture, score = music(16_000)
    for option in ({"slope": 0.0}, {"harmonics": 1}, {"width_bins": 3.0}, {"width_cents": 200.0}, {"tuning_hz": 415.0}):
        plain, other = (catalogue.separator("score-masks", **kind)(mixture, 16_000, score) for kind in ({}, option))
        assert np.abs(plain["bassoon"] - other["bassoon"]).max() > 1e-3


@every_entry
def test_what_a_method_assumes_is_said_in_words_and_in_facts(method):
    assert method.assumes
    assert method.assumes[0].isupper() and not method.assumes.endswith(".")
    assert method.fits
    assert method.needs <= method.fits <= set(catalogue.FACTS)
    assert method in catalogue.fitting(catalogue.FACTS)
    assert method in catalogue.fitting(method.fits)
    for fact in method.fits:
        assert method not in catalogue.fitting(set(catalogue.FACTS) - {fact})


def test_facts_that_nobody_knows_are_refused():
    assert catalogue.fitting(()) == ()
    with pytest.raises(ValueError, match=r"fact must be one of .*did you mean 'stereo'"):
        catalogue.fitting(["sterea"])


def test_names_are_all_different():
    assert len(set(catalogue.names())) == len(catalogue.METHODS) > 0
    assert "score-masks" in catalogue.names()


def test_a_name_that_is_misspelt_is_refused():
    with pytest.raises(ValueError, match=r"method must be one of .*did you mean 'score-masks'"):
        catalogue.separator("score-mask")


WITHOUT_LIBRARIES = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {libraries}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
from mss_lab import cli
cli.main({arguments})
sys.exit("mss_lab.score.harmonics" in sys.modules)
"""


def printed_without(libraries, arguments):
    """What the command line prints where libraries are not installed."""
    code = WITHOUT_LIBRARIES.format(libraries=libraries, arguments=arguments)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("name", [None, "xumx", "score-masks"])
def test_the_list_of_methods_needs_none_of_their_libraries(name):
    libraries = ["torch", "librosa", "matplotlib", "scipy", "sklearn", "soundfile", "pyroomacoustics"]
    libraries += ["demucs", "openunmix"]
    # The search for one name uses numpy.
    printed = (
        printed_without(libraries, ["methods", name]) if name else printed_without([*libraries, "numpy"], ["methods"])
    )
    listed = [line.split()[0] for line in printed.splitlines() if not line.startswith(" ")]
    assert listed == [name] if name else listed == list(catalogue.names())
    for method in map(catalogue.get, listed):
        words = f"  Not ready: {method.name} needs {' '.join(method.libraries[:1])}"
        assert (words in printed) == bool(method.libraries)
        for option, declared in method.options.items():
            assert f"    {option}" in printed
            assert declared.rule.words() in printed


def test_the_list_of_commands_loads_nothing():
    printed = printed_without(["numpy", "torch"], ["--help"])
    assert all(f"\n    {command} " in printed for command in ("separate", "methods", "evaluate", "grade", "doctor"))


def test_every_file_of_entries_is_gathered_and_names_functions_of_its_own_room():
    left = {method.name: method for method in catalogue.METHODS}
    for file in sorted([*PACKAGE.rglob("entries.py"), *PACKAGE.rglob("*_entries.py")]):
        module = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        for method in importlib.import_module(module).METHODS:
            assert left.pop(method.name) is method
            assert re.match(r"\.(\w+)", method.function)[1] == module.split(".")[1].removesuffix("_entries")
    assert not left


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """A method of which nothing but a file and an entry exists."""
    (tmp_path / "made_up_method.py").write_text(MADE_UP)
    monkeypatch.syspath_prepend(tmp_path)
    entry = catalogue.Method(
        name="made-up",
        title="Half of everything to everybody",
        function="made_up_method:separate",
        needs=frozenset(),
        gives="two halves",
        lesson="notebooks/00_unmix_in_five_minutes.ipynb",
        reference="this test",
        adds_up=True,
    )
    yield catalogue.register(entry)
    catalogue.unregister("made-up")
    sys.modules.pop("made_up_method", None)


def test_an_entry_is_enough_for_a_new_method(made_up, tmp_path, capsys):
    assert catalogue.names()[-1] == "made-up"
    assert made_up.defaults() == {"gain": 0.5}
    mixture, score = music(16_000, 2)
    check_contract(made_up, separate(made_up, mixture, 16_000, score), mixture, score)
    with pytest.raises(TypeError, match="made-up has no option loudness; it has gain"):
        catalogue.separator("made-up", loudness=2)

    track = Track("piece", 16_000, {"left": 0.5 * mixture, "right": 0.5 * mixture}, score)
    rows = compare.compare({"mine": catalogue.separator("made-up", gain=0.25)}, [track])
    assert [round(row.sdr, 2) for row in rows] == [6.02, 6.02]

    audio.write_audio(tmp_path / "mix.wav", mixture, 16_000)
    out = tmp_path / "out"
    assert cli.main(["separate", str(tmp_path / "mix.wav"), "--method", "made-up", "--out", str(out)]) == 0
    assert_array_equal(audio.read_audio(out / "left.wav")[0], 0.5 * mixture)
    assert cli.main(["methods"]) == 0
    assert "made-up" in capsys.readouterr().out


@pytest.fixture
def no_more_methods():
    """Whatever a test registers is taken out again."""
    yield
    for name in catalogue.names()[len(catalogue.METHODS) :]:
        catalogue.unregister(name)


def halves(mixture, sample_rate_hz, score=None, *, parts=2):
    return {f"part {number}": mixture / parts for number in range(parts)}


def entry(function=halves, **more):
    return catalogue.Method(**{"name": "halves", "title": "Equal parts", "function": function, **more})


def test_a_function_of_a_notebook_joins_the_catalogue(no_more_methods):
    mixture = music(16_000, 2)[0]
    registered = catalogue.register(entry())
    assert catalogue.methods() == (*catalogue.METHODS, registered)
    assert catalogue.get("halves").defaults() == {"parts": 2}
    estimates = catalogue.separator("halves", parts=3)(mixture.astype(np.float64), 16_000)
    assert list(estimates) == ["part 0", "part 1", "part 2"]
    assert all(estimate.dtype == np.float32 for estimate in estimates.values())
    assert_allclose(estimates["part 0"], mixture / 3, rtol=1e-6)
    # One that assumes nothing suits no mixture in particular.
    assert registered not in catalogue.fitting(catalogue.FACTS)
    # A cell may run twice; the second function counts.
    catalogue.register(entry(lambda mixture, sample_rate_hz, score=None: {"all": mixture}))
    assert list(catalogue.separator("halves")(mixture, 16_000)) == ["all"]
    catalogue.unregister("halves")
    assert catalogue.names() == tuple(method.name for method in catalogue.METHODS)


def test_options_of_a_registered_method_are_held_to_its_rules(no_more_methods):
    ruled = options.within(parts=options.Number(1, 9, whole=True))(halves)
    catalogue.register(entry(ruled))
    with pytest.raises(ValueError, match="parts must be a whole number at least 1 and at most 9, got 10"):
        catalogue.separator("halves", parts=10)
    with pytest.raises(TypeError, match="halves has no option count; it has parts"):
        catalogue.separator("halves", count=2)


def test_a_registered_method_may_start_another(no_more_methods):
    catalogue.register(entry())
    mixture = music(16_000, 2)[0]
    by_name = catalogue.separator("local-gaussian", start="halves", iterations=1)(mixture, 16_000)
    assert list(by_name) == ["part 0", "part 1"]
    assert_allclose(sum(by_name.values()), mixture, atol=1e-6)


@pytest.mark.parametrize(
    "method, error, words",
    [
        (halves, TypeError, "must be a mss_lab.catalogue.Method"),
        (entry(name="adress"), ValueError, "adress is a method of the package"),
        (entry(name="My Method"), ValueError, "lower-case letters and digits"),
        (entry(name=""), ValueError, "lower-case letters and digits"),
        (entry(lambda mixture: {}), TypeError, "must be called as function"),
        (entry(lambda mixture, sample_rate_hz, score=None, *, gain: {}), TypeError, "must be called as function"),
        (entry(lambda mixture, sample_rate_hz, score: {}), TypeError, "must be called as function"),
        (entry(options=options.declare(count=2)), TypeError, "has the options parts, declared are count"),
        (entry(options={"parts": options.Option(3)}), TypeError, "has parts=2, declared is 3"),
        (entry("no_such_module:separate"), ModuleNotFoundError, "no_such_module"),
    ],
)
def test_what_is_no_method_is_not_registered(method, error, words):
    before = catalogue.names()
    with pytest.raises(error, match=words):
        catalogue.register(method)
    assert catalogue.names() == before


def test_only_what_was_registered_can_be_taken_out():
    for name in ("adress", "nothing"):
        with pytest.raises(ValueError, match="registered method must be one of"):
            catalogue.unregister(name)


@pytest.mark.parametrize(
    "needs, mixture, returned, error, words",
    [
        (
            {"score"},
            np.zeros((1, 9), np.float32),
            {"a": np.zeros((1, 9))},
            ValueError,
            "halves needs a score, got none",
        ),
        ({"stereo"}, np.zeros((1, 9), np.float32), {"a": np.zeros((1, 9))}, ValueError, "must have 2 channels"),
        ((), np.zeros(9, np.float32), {"a": np.zeros((1, 9))}, ValueError, "channels, samples"),
        ((), np.zeros((1, 9), np.float32), None, TypeError, "the result of halves must map source names"),
        ((), np.zeros((1, 9), np.float32), {}, ValueError, "the result of halves must hold at least one"),
        (
            (),
            np.zeros((1, 9), np.float32),
            {"a": np.zeros((1, 8))},
            checks.ShapeError,
            "the result of halves and the mix",
        ),
        ((), np.zeros((1, 9), np.float32), {"a": np.full((1, 9), np.nan)}, ValueError, "must be finite"),
    ],
)
def test_a_registered_method_is_held_to_the_contract(no_more_methods, needs, mixture, returned, error, words):
    catalogue.register(entry(lambda mixture, sample_rate_hz, score=None: returned, needs=frozenset(needs)))
    with pytest.raises(error, match=words):
        catalogue.separator("halves")(mixture, 16_000)


@every_method
def test_the_command_line_gives_what_the_separator_gives(method, tmp_path):
    mixture, score = music(16_000, max(channels_of(method)))
    audio.write_audio(tmp_path / "mix.wav", mixture, 16_000)
    write_csv(tmp_path / "notes.csv", score)
    arguments = ["separate", str(tmp_path / "mix.wav"), "--method", method.name, "--out", str(tmp_path / "out")]
    arguments += ["--score", str(tmp_path / "notes.csv")] if "score" in method.needs else []
    assert cli.main(arguments) == 0
    read_back = read_csv(tmp_path / "notes.csv")
    for name, estimate in separate(method, mixture, 16_000, read_back).items():
        assert_array_equal(audio.read_audio(tmp_path / "out" / f"{name}.wav")[0], estimate)
