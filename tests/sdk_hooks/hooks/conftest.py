"""What tests of all hooks share: the fake provider, and what the client would have posted."""

from collections.abc import Iterator

import pytest

from collector.demo.provider import Provider, start_provider
from tests.sdk_hooks.hooks.arrivals import arrive_at
from tests.sdk_hooks.hooks.capture import Capture, capturing


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for the environment in which the conftest above this one is not there."""
    config.addinivalue_line("markers", "long: takes long; runs with HOOKLINE_LONG=1, in CI")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A server that speaks as every provider does; `seen` has what a module's tests asked it."""
    with start_provider() as running:
        arrive_at(running)
        yield running
        arrive_at(None)


@pytest.fixture
def capture() -> Iterator[Capture]:
    """What is recorded during the test."""
    with capturing() as found:
        yield found
