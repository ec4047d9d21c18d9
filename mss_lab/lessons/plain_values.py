"""Answers as plain arrays and numbers: tensors of PyTorch, columns of pandas and similar objects are converted.

Contents: plain.
"""

from typing import Any

import numpy as np

# Deeper than the lists of any answer; a list that contains itself is left as it is there.
_DEEPEST = 12


def plain(value: Any) -> Any:
    """The same value with NumPy arrays in place of tensors, data frames and other arrays, also inside lists and dicts.

    Parameters
    ----------
    value : anything
        What is no kind of array is returned as it is. So is an array that cannot be converted, such as a sparse tensor.
    """
    return _plain(value, 0)


def _plain(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in (list, tuple) and depth < _DEEPEST:
        return kind(_plain(item, depth + 1) for item in value)
    if kind is dict and depth < _DEEPEST:
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if issubclass(kind, np.ndarray | np.generic | type) or kind.__module__ == "builtins":
        return value
    try:
        return _converted(value)
    except Exception:
        # A reader's object may raise anything when it is converted.
        return value


def _converted(value: Any) -> Any:
    if hasattr(value, "detach") and hasattr(value, "numpy"):
        tensor = value.detach().cpu().resolve_conj().resolve_neg()
        try:
            return tensor.numpy()
        except TypeError:
            # NumPy has no bfloat16.
            return tensor.float().numpy()
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    return np.asarray(value) if hasattr(value, "__array__") else value
