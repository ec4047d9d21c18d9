"""How well sources were found, and with which words a call was refused: what many test files ask."""

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
