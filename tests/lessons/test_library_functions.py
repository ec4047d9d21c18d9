"""Functions of the package and of libraries: refused as answers where the task is to write them."""

import functools

import numpy as np
import pytest
import scipy.signal
import scipy.special

from mss_lab import masks, transforms
from mss_lab.grading.judge import Judge
from mss_lab.lessons import judged
from mss_lab.lessons.exercise import Exercise
from mss_lab.lessons.library_functions import words_on
from mss_lab.transforms import stft


def exercise(**changes):
    usual = {"task": "Do it.", "check": lambda answer: None, "hints": ("one",), "solution": "answer = 1"}
    return Exercise("7.1", **(usual | {"mistakes": ("a", "b")} | changes))


class Model:
    def __call__(self, x):
        return x

    def passes_on(self, x):
        return stft(x)


def imports_it(x):
    from mss_lab.masks import refine

    return refine(x)


def imports_its_file(x, y):
    from mss_lab import masks

    refined = masks.refine(x, y)
    return refined


def inside_another():
    held = transforms.stft
    return lambda signal: held(signal)


OF_THE_PACKAGE = {
    "function": (stft, "transforms.stft"),
    "partial": (functools.partial(functools.partial(masks.refine, 1), 2), "masks.refine"),
    "vectorized": (np.vectorize(stft), "transforms.stft"),
    "in a list": ([3, stft], "transforms.stft"),
    "in a dict": ({"forth": stft}, "transforms.stft"),
    "lambda": (lambda x: masks.refine(x), "masks.refine"),
    "all arguments": (lambda *x, **y: stft(*x, **y), "transforms.stft"),
    "a setting": (lambda x: transforms.stft(x, 512), "transforms.stft"),
    "import": (imports_it, "masks.refine"),
    "import of the file": (imports_its_file, "masks.refine"),
    "method": (Model().passes_on, "transforms.stft"),
    "closure": (inside_another(), "transforms.stft"),
}
OF_LIBRARIES = {
    "numpy.linalg.norm": np.linalg.norm,
    "numpy.log10": np.log10,
    "numpy.array": np.array,
    "numpy.random._generator.Generator.random": np.random.default_rng(0).random,
    "scipy.signal": scipy.signal.stft,
    "scipy.special.erf": scipy.special.erf,
}
OWN = {
    "before": lambda x: stft(2 * x),
    "behind": lambda x: np.abs(stft(x)),
    "two calls": lambda x: transforms.istft(stft(x)),
    "a library's": lambda x: np.linalg.norm(x),
    "object": Model(),
    "class": Model,
    "built in": max,
    "number": 3,
    "array": np.zeros(3),
    "text": "stft",
    "none": None,
}


@pytest.mark.parametrize("name", OF_THE_PACKAGE)
def test_a_function_of_the_package_is_named_and_refused_in_every_wrapping(name):
    function, full_name = OF_THE_PACKAGE[name]
    assert f"`mss_lab.{full_name}`" in words_on(function)
    verdict = exercise().judge(function)
    assert verdict.state == "wrong"
    assert verdict.message.endswith("the package's own function; the task is to write it.")
    assert exercise(own_function=False).judge(function).right


@pytest.mark.parametrize("name", OF_LIBRARIES)
def test_a_function_of_a_library_is_named_and_refused(name):
    assert words_on(OF_LIBRARIES[name]).startswith(f"`{name}")
    assert "is a function of the library" in exercise().judge(OF_LIBRARIES[name]).message


@pytest.mark.parametrize("name", OWN)
def test_a_readers_own_function_is_none_of_the_package_whatever_it_uses(name):
    assert words_on(OWN[name]) == ""


def test_an_object_that_raises_errors_when_asked_is_the_readers_own():
    class Raises:
        def __getattribute__(self, name):
            raise KeyError(name)

        def __call__(self, x):
            return x

    assert words_on(Raises()) == "" and exercise().judge(Raises()).right


def test_the_grader_refuses_them_too_where_only_the_kernel_has_them(home, tmp_path, monkeypatch):
    monkeypatch.setenv(judged.PLACE, str(tmp_path / "judge"))
    with Judge(secret=1).listening(tmp_path / "judge"):
        for function, _ in OF_THE_PACKAGE.values():
            refused = judged.verdict_on("7.2", function)
            assert refused.state == "wrong" and "the task is to write it" in refused.message
        assert judged.verdict_on("7.2", lambda signal: 2 * signal).right
