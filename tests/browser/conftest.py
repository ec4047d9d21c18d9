"""What the browser tests share: one JupyterLab and one Chromium for all of them, a fresh page for each."""

import pytest
from playwright.sync_api import expect

from tests.browser import workbench

# A page draws in its next frame, and Python answers beside it: what a test expects of a page is awaited.
expect.set_options(timeout=workbench.WAIT_MS)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with workbench.jupyterlab(tmp_path_factory.mktemp("jupyterlab")) as running:
        yield running


@pytest.fixture(scope="session")
def browser():
    try:
        workbench.find_chromium()
    except RuntimeError as error:
        # A test that cannot run must not look like one that has passed.
        pytest.fail(str(error), pytrace=False)
    with workbench.chromium() as running:
        yield running


@pytest.fixture
def page(browser):
    opened = workbench.open_page(browser)
    yield opened
    opened.context.close()
