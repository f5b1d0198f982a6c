"""What is under `guard` stays ours, whatever the host has set up."""

import logging
from collections.abc import Iterator

import pytest

from sdk_hooks import instrument, session


@pytest.fixture
def raising_filter() -> Iterator[None]:
    """A host's logging that fails."""

    class Raising(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("the host's own mistake")

    failing, logger = Raising(), logging.getLogger("hookline")
    logger.addFilter(failing)
    yield
    logger.removeFilter(failing)


@pytest.mark.usefixtures("raising_filter")
def test_logging_that_raises_does_not_reach_the_host():
    """A filter of the host's that raises costs our line: the call that the line was about goes on."""
    thing = object()
    assert thing is instrument(thing)
    with session(tags=3):
        pass
