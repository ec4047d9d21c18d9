"""Answers that are functions of the package or of a library, where the task is to write the function.

Contents: words_on.
"""

import dis
import functools
import sys
import types
from typing import Any

import numpy as np

OWN = "mss_lab"
# Where a task is to write a function, one of these libraries is no answer.
LIBRARIES = (
    OWN, "numpy", "scipy", "torch", "torchaudio", "sklearn", "librosa", "museval", "soundfile", "soxr",
    "pretty_midi", "mido", "pyroomacoustics", "matplotlib",
)  # fmt: skip
# A function made of these steps alone, one of them a call, passes its arguments on to what it calls. Python's names of
# them differ from one version to the next; a step that is not listed makes the function count as the reader's own.
_CALLS = {"CALL", "CALL_KW", "CALL_FUNCTION_EX"}
_PASSING_ON = _CALLS | {
    "BUILD_LIST", "BUILD_MAP", "BUILD_TUPLE", "CACHE", "COPY_FREE_VARS", "DICT_MERGE", "IMPORT_FROM", "IMPORT_NAME",
    "KW_NAMES", "LIST_EXTEND", "LOAD_ATTR", "LOAD_CONST", "LOAD_DEREF", "LOAD_FAST", "LOAD_FAST_BORROW",
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_LOAD_FAST", "LOAD_GLOBAL", "LOAD_METHOD", "LOAD_SMALL_INT",
    "NOP", "NOT_TAKEN", "POP_TOP", "PRECALL", "PUSH_NULL", "RESUME", "RETURN_VALUE", "STORE_FAST",
    "STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST", "UNPACK_SEQUENCE",
}  # fmt: skip
# How many wrappers around one another are looked through, such as a partial of a partial.
_DEEPEST = 8


def words_on(answer: Any) -> str:
    """A sentence without its end that names the library's function in an answer; empty if there is none.

    Partial functions, bound methods, NumPy's ufuncs, and functions that only pass their arguments on to a function of
    the package are looked through. A function that uses others among steps of its own counts as the reader's own.

    Parameters
    ----------
    answer : anything
        Functions in a list, tuple or dict count, too.
    """
    if type(answer) is dict:
        answer = list(answer.values())
    for item in answer if type(answer) in (list, tuple) else [answer]:
        try:
            words = _words_on_one(item)
        except Exception:
            # A reader's object may raise anything when an attribute of it is read.
            words = ""
        if words:
            return words
    return ""


def _words_on_one(item: Any) -> str:
    function = _unwrapped(item)
    if name := _library_name(function):
        kind = "the package's own function" if _room(name) == OWN else f"a function of the library {_room(name)}"
        return f"`{name}` is {kind}"
    passed_on = _passed_on_to(function)
    name = _library_name(_unwrapped(passed_on))
    if _room(name) == OWN:
        return f"This only calls `{name}`, the package's own function"
    return ""


def _unwrapped(item: Any) -> Any:
    for _ in range(_DEEPEST):
        if isinstance(item, functools.partial | functools.partialmethod):
            item = item.func
        elif isinstance(item, types.MethodType):
            item = item.__func__
        elif isinstance(item, np.vectorize):
            item = item.pyfunc
        else:
            return item
    return item


def _library_name(function: Any) -> str:
    """The full name of a library's function or class; empty for all others."""
    if not callable(function):
        return ""
    if isinstance(function, np.ufunc):
        return f"numpy.{function.__name__}" if hasattr(np, function.__name__) else f"scipy.special.{function.__name__}"
    named = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(named, "__module__", None) or getattr(getattr(named, "__objclass__", None), "__module__", None)
    if not isinstance(module, str) or _room(module) not in LIBRARIES:
        return ""
    return f"{module}.{named.__qualname__}"


def _room(name: str) -> str:
    return name.partition(".")[0]


def _passed_on_to(function: Any) -> Any:
    """What a function calls with its own arguments, without any other step; None where it does more."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, types.CodeType):
        return None
    steps = list(dis.get_instructions(code))
    names = [step.opname for step in steps]
    if not set(names) <= _PASSING_ON or sum(name in _CALLS for name in names) != 1:
        return None
    return _called(function, steps)


def _called(function: Any, steps: list[dis.Instruction]) -> Any:
    """The first library function that the steps load by its name, with the attributes that follow."""
    closure = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    current: Any = None
    for step in steps:
        if step.opname == "LOAD_GLOBAL":
            current = function.__globals__.get(step.argval)
        elif step.opname == "LOAD_DEREF":
            current = closure[step.argval].cell_contents if step.argval in closure else None
        elif step.opname == "IMPORT_NAME":
            current = sys.modules.get(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
            current = getattr(current, str(step.argval), None)
        elif step.opname not in ("PUSH_NULL", "CACHE", "STORE_FAST", "POP_TOP", "NOP"):
            continue
        if _library_name(_unwrapped(current)):
            return current
    return None
