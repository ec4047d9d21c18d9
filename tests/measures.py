"""Checks of several test files: how well sources were found, whether items are equal, how a call was refused."""

import numpy as np
import pytest

from mss_lab.metrics import energy
from mss_lab.refusals import Refusal


def mean_sdr_db(sources, estimates):
    """Mean signal-to-distortion ratio of estimates that bear the names of their sources."""
    return np.mean([energy.sdr(source, estimates[name]) for name, source in sources.items()])


def best_sdrs_db(images, estimates):
    """For each image, the signal-to-distortion ratio of the estimate that fits it best."""
    return np.array([max(energy.sdr(image, estimate) for estimate in estimates) for image in images])


def refusal(call, error=ValueError):
    """The message with which a call is refused: a refusal of the package or of the operating system."""
    with pytest.raises(error) as caught:
        call()
    assert isinstance(caught.value, Refusal | OSError)
    return str(caught.value)


def same_items(item, other):
    """Whether two items of a store hold the same arrays, of the same types, under the same names."""
    return item.keys() == other.keys() and all(
        np.array_equal(item[name], other[name]) and item[name].dtype == other[name].dtype for name in item
    )
