"""Values on their way between a notebook's kernel and the grader: JSON and raw numbers, nothing that could run.

A message is a header in JSON, followed by the contents of its arrays. Pickle would need less code, but it would run
whatever code a notebook packs into it. Numbers, texts, lists, dicts, NumPy arrays and scalars arrive unchanged. A
function arrives as another function, which calls the original in its own process. Any other object arrives as a
`Foreign` whose class has the same name, so that a check describes it as it would describe the object.

Contents: Foreign, Channel, LONGEST_MESSAGE; pack, unpack.
"""

import json
import math
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# Deeper than the lists of any answer; a list that contains itself is cut off there.
DEEPEST = 12
MOST_ITEMS = 100_000
# Bytes of a message, arrays included. The largest answer of the workbook's lessons takes a few megabytes.
LONGEST_MESSAGE = 200_000_000
ARRAY_KINDS = "biufc"
CONSTANTS = {"None": None, "...": Ellipsis, "NotImplemented": NotImplemented}
_LENGTHS = struct.Struct("!QQ")
_NAME_OF_CLASS = type.__dict__["__name__"].__get__


class Foreign:
    """Stands for an object that is not sent; only the name of its class is, and a few words about it."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __str__(self) -> str:
        return self.words


class Channel:
    """Messages over a connected socket, in both directions.

    Parameters
    ----------
    connection : socket
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, message: dict[str, Any], keep_function: Callable[[Any], int] | None = None) -> None:
        """Send a dict; each of its functions is replaced by the number that `keep_function` returns for it.

        Raises
        ------
        ValueError
            If it is longer than `LONGEST_MESSAGE`.
        OSError
            If the other side is gone.
        """
        header, arrays = pack(message, keep_function)
        packed = json.dumps(header).encode()
        size = sum(array.nbytes for array in arrays)
        if len(packed) + size > LONGEST_MESSAGE:
            raise ValueError(f"this takes {len(packed) + size:,} bytes; a message may have at most {LONGEST_MESSAGE:,}")
        self._connection.sendall(_LENGTHS.pack(len(packed), size) + packed)
        for array in arrays:
            self._connection.sendall(array.data.cast("B") if array.size else b"")

    def receive(self, call: Callable[..., Any] | None = None, limit_s: float = math.inf) -> dict[str, Any]:
        """Wait for a message; its functions become calls of `call` with their number first.

        Raises
        ------
        EOFError
            If the other side is gone.
        TimeoutError
            If nothing, or not all, has come after `limit_s` seconds.
        ValueError
            If what arrives is not a message.
        """
        deadline = time.monotonic() + limit_s
        header_bytes, array_bytes = _LENGTHS.unpack(self._take(_LENGTHS.size, deadline))
        if header_bytes + array_bytes > LONGEST_MESSAGE:
            raise ValueError(
                f"a message of {header_bytes + array_bytes:,} bytes; at most {LONGEST_MESSAGE:,} are accepted"
            )
        header = self._take(header_bytes, deadline)
        content = self._take(array_bytes, deadline)
        try:
            message = unpack(json.loads(header), content, call)
        except (TypeError, KeyError, IndexError, RecursionError, MemoryError, OverflowError, AttributeError) as error:
            raise ValueError(f"no message: {error}") from error
        if not isinstance(message, dict):
            raise ValueError("no message: it must be a dict")
        return message

    def _take(self, count: int, deadline: float) -> bytearray:
        # It waits in short steps, so that the time limit of a check, which stops Python code, can stop this loop.
        received = bytearray()
        while len(received) < count:
            if time.monotonic() > deadline:
                raise TimeoutError("the other side does not answer")
            self._connection.settimeout(0.1)
            try:
                piece = self._connection.recv(min(count - len(received), 1 << 20))
            except TimeoutError:
                continue
            finally:
                self._connection.settimeout(None)
            if not piece:
                raise EOFError("the other side is gone")
            received += piece
        return received


def pack(value: Any, keep_function: Callable[[Any], int] | None = None) -> tuple[Any, list[np.ndarray]]:
    """Turn a value into what JSON can hold, and into a list of its arrays.

    Parameters
    ----------
    value : anything
        Objects that cannot be sent are described; none of their code runs, except what returns a function's name.
    keep_function : callable function -> int, optional
        Keeps a function and returns its number; without it, functions are described like other objects.

    Returns
    -------
    packed : list, dict, str, int, float, bool
    arrays : list of contiguous arrays
    """
    arrays: list[np.ndarray] = []
    left = [MOST_ITEMS]

    def array_of(kind: str, array: np.ndarray) -> Any:
        arrays.append(np.ascontiguousarray(array))
        return [kind, array.dtype.str, list(array.shape)]

    def one(item: Any, depth: int) -> Any:
        left[0] -= 1
        kind = type(item)
        for name, constant in CONSTANTS.items():
            if item is constant:
                return ["constant", name]
        if kind is bool:
            return item
        if kind is str:
            return ["text", item]
        if issubclass(kind, int) and not issubclass(kind, bool):
            whole = int.__int__(item)
            return ["whole", str(whole)] if whole.bit_length() <= 4096 else _foreign(item, "an enormous number")
        if issubclass(kind, float) and kind.__module__ == "builtins":
            return ["number", repr(item)]
        if kind is complex:
            return ["complex", repr(item.real), repr(item.imag)]
        if issubclass(kind, np.ndarray):
            plain = np.ndarray.view(item, np.ndarray)
            return array_of("array", plain) if plain.dtype.kind in ARRAY_KINDS else _foreign(item, "")
        if issubclass(kind, np.generic):
            plain = np.asarray(item)
            return array_of("scalar", plain) if plain.dtype.kind in ARRAY_KINDS else _foreign(item, "")
        if depth < DEEPEST and left[0] > 0:
            if kind in (list, tuple):
                return [kind.__name__, [one(part, depth + 1) for part in item]]
            if kind in (set, frozenset):
                return ["set", [one(part, depth + 1) for part in item]]
            if kind is dict:
                return ["dict", [[one(key, depth + 1), one(part, depth + 1)] for key, part in item.items()]]
        if callable(item) and keep_function is not None:
            return ["function", keep_function(item), _function_name(item)]
        return _foreign(item, "")

    return one(value, 0), arrays


def unpack(packed: Any, content: bytes | bytearray, call: Callable[..., Any] | None = None) -> Any:
    """The value that `pack` packed.

    Parameters
    ----------
    packed : as `pack` gives it
    content : bytes
        The contents of its arrays, one after the other.
    call : callable number, name -> callable, optional
        Makes a function from its number and name; without it, functions arrive as `Foreign`.

    Raises
    ------
    ValueError, TypeError, KeyError, IndexError
        If `packed` is not the output of `pack`.
    """
    position = 0

    def array_of(words: str, shape: Any) -> np.ndarray:
        nonlocal position
        dtype = np.dtype(str(words))
        if dtype.kind not in ARRAY_KINDS or dtype.hasobject:
            raise ValueError(f"arrays of {dtype} cannot be sent")
        sizes = tuple(int(size) for size in shape)
        count = math.prod(sizes)
        if len(sizes) > 32 or min(sizes, default=0) < 0 or position + count * dtype.itemsize > len(content):
            raise ValueError("an array is longer than its message")
        flat = np.frombuffer(content, dtype, count, position) if count else np.empty(0, dtype)
        position += count * dtype.itemsize
        return flat.reshape(sizes).copy()

    def one(item: Any) -> Any:
        if isinstance(item, bool):
            return item
        kind, *rest = item
        if kind == "constant":
            return CONSTANTS[rest[0]]
        if kind == "text":
            return str(rest[0])
        if kind == "whole":
            return int(rest[0])
        if kind == "number":
            return float(rest[0])
        if kind == "complex":
            return complex(float(rest[0]), float(rest[1]))
        if kind == "array":
            return array_of(*rest)
        if kind == "scalar":
            return array_of(*rest)[()]
        if kind in ("list", "tuple", "set"):
            return {"list": list, "tuple": tuple, "set": set}[kind](one(part) for part in rest[0])
        if kind == "dict":
            return {one(key): one(part) for key, part in rest[0]}
        if kind == "function" and call is not None:
            return call(int(rest[0]), str(rest[1]))
        return _stand_in(str(rest[-2]), str(rest[-1]))

    return one(packed)


def _foreign(item: Any, words: str) -> Any:
    return ["foreign", _class_name(item), words]


def _stand_in(name: str, words: str) -> Foreign:
    plain = "".join(letter for letter in name if letter.isalnum() or letter in "_.")[:60] or "object"
    kind: type[Foreign] = type(plain, (Foreign,), {})
    return kind(words)


def _class_name(item: Any) -> str:
    # Read by the interpreter's own descriptor: a student's class may define `__name__` to raise an error or to lie.
    name: str = _NAME_OF_CLASS(type(item))
    return name


def _function_name(function: Any) -> str:
    try:
        name = function.__name__
    except Exception:
        name = None
    return name if type(name) is str else _class_name(function)
