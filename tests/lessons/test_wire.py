"""Values on their way to the grader: what a check can look at arrives as it was, and nothing that could run arrives."""

import json
import socket
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mss_lab.lessons import answers, wire


def travelled(value, keep=None, call=None):
    """The value as the other side sees it."""
    packed, arrays = wire.pack(value, keep)
    content = b"".join(array.tobytes() for array in arrays)
    return wire.unpack(json.loads(json.dumps(packed)), content, call)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters(codec=None)),
    lambda part: st.lists(part, max_size=4) | st.tuples(part, part) | st.dictionaries(st.text(), part, max_size=3),
    max_leaves=12,
)


@given(plain)
@settings(max_examples=200, deadline=None)
def test_plain_values_arrive_as_they_were(value):
    arrived = travelled(value)
    assert arrived == value and type(arrived) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.zeros((3, 0), np.float32),
        np.array(2 + 3j),
        np.array([[True], [False]]),
        np.arange(5, dtype=">i2")[::-2],
        np.array([np.nan, -np.inf], np.float16),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_keep_kind_shape_and_content(array):
    arrived = travelled({"answer": [array, 1]})["answer"][0]
    assert arrived.dtype == array.dtype and arrived.shape == array.shape
    np.testing.assert_array_equal(arrived, array)


def test_scalars_of_numpy_stay_scalars():
    for scalar in (np.float32(0.1), np.int8(-3), np.bool_(True), np.complex64(1j)):
        assert travelled(scalar) == scalar and type(travelled(scalar)) is type(scalar)


@pytest.mark.parametrize("value", [None, ..., NotImplemented], ids=repr)
def test_what_means_no_answer_still_means_it(value):
    assert travelled(value) is value
    assert answers.is_blank(travelled(value))


class Liar:
    """An object that answers every question with an error or a lie."""

    __class__ = property(lambda self: int)
    __array__ = __eq__ = __hash__ = __repr__ = __str__ = __len__ = __bool__ = __float__ = lambda self, *more: 1 / 0

    def __getattribute__(self, name):
        raise RuntimeError(name)


OTHERS = {
    "Liar": lambda: Liar(),
    "object": lambda: object(),
    "ndarray": lambda: np.array([{}], dtype=object),
    "bytes": lambda: b"bytes",
    "type": lambda: Liar,
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_objects_are_only_named(name):
    arrived = travelled(OTHERS[name]())
    assert isinstance(arrived, wire.Foreign)
    assert type(arrived).__name__ == name
    assert not isinstance(arrived, int | np.ndarray)


def test_a_check_describes_a_foreign_object_as_it_would_the_object():
    assert answers.describe(travelled(Liar())) == "a Liar"


def test_a_list_that_holds_itself_ends():
    endless = []
    endless.append(endless)
    assert isinstance(travelled(endless), list)


def test_a_function_is_called_where_it_lives():
    kept = []

    def keep(function):
        kept.append(function)
        return len(kept) - 1

    def call(number, name):
        return lambda *arguments: (name, kept[number](*arguments))

    def double(value):
        return 2 * value

    arrived = travelled([double], keep, call)[0]
    assert arrived(21) == ("double", 42)
    # Where nobody keeps functions, one is an object like others.
    assert isinstance(travelled(double), wire.Foreign)


@pytest.mark.parametrize(
    "packed, content",
    [
        (["array", "|O", [1]], bytes(8)),
        (["array", "<f8", [3]], bytes(8)),
        (["array", "<f8", [-1]], bytes(8)),
        (["array", "<f8", [1 << 40, 1 << 40]], bytes(8)),
        (["array", "<f8,<i4", [1]], bytes(16)),
        (["constant", "exit"], b""),
        (["list", 3], b""),
        (["dict", [[["list", []], ["text", ""]]]], b""),
        ([], b""),
        (7, b""),
        ({"kind": "array"}, b""),
    ],
)
def test_what_nobody_packed_is_refused(packed, content):
    with pytest.raises((ValueError, TypeError, KeyError, IndexError)):
        wire.unpack(packed, content)


@pytest.fixture
def channels():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield wire.Channel(ours), wire.Channel(theirs), theirs


def test_messages_arrive_whole_and_in_order(channels):
    ours, theirs, _ = channels
    large = np.random.default_rng(0).standard_normal(300_000)
    sender = threading.Thread(target=lambda: [ours.send({"kind": "a", "x": large}), ours.send({"kind": "b"})])
    sender.start()
    np.testing.assert_array_equal(theirs.receive()["x"], large)
    assert theirs.receive() == {"kind": "b"}
    sender.join()


def test_a_message_that_is_too_long_is_refused_on_both_sides(channels, monkeypatch):
    ours, _, raw = channels
    monkeypatch.setattr(wire, "LONGEST_MESSAGE", 1000)
    with pytest.raises(ValueError, match="1,000"):
        ours.send({"x": np.zeros(1000)})
    raw.sendall((1 << 60).to_bytes(8, "big") + bytes(8))
    with pytest.raises(ValueError, match="1,000"):
        ours.receive()


def test_a_silent_or_closed_other_side_is_noticed(channels):
    ours, _, raw = channels
    with pytest.raises(TimeoutError):
        ours.receive(limit_s=0.01)
    raw.sendall(bytes(5))
    raw.close()
    with pytest.raises(EOFError):
        ours.receive()


@pytest.mark.parametrize("words", [b"\xff", b"[1]", b"[" * 100_000, b'["text"]', b'["dict", []] x'])
def test_a_header_that_is_no_message_is_refused(channels, words):
    ours, _, raw = channels
    raw.sendall(len(words).to_bytes(8, "big") + bytes(8) + words)
    with pytest.raises(ValueError):
        ours.receive(limit_s=1)
