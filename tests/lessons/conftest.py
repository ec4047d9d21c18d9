"""What tests of lessons share."""

import pytest

from mss_lab import lessons


@pytest.fixture
def lab(home):
    """The made-up lesson, opened."""
    return lessons.open("07")
