"""A runtime of our own that delivers to a real local receiver, with its real thread."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest

from sdk_hooks.config import Config
from sdk_hooks.delivery import Connect
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import HttpTransport
from tests.fakes.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def running(receiver: Receiver) -> Iterator[Callable[..., Runtime]]:
    """`running(**settings)` makes and installs a runtime; short waits, so that tests are quick."""
    made: list[Runtime] = []

    def make(
        environment: dict[str, str] | None = None,
        *,
        clock_s: Callable[[], float] = monotonic,
        connect: Connect = HttpTransport,
        **settings: Any,
    ) -> Runtime:
        config = Config(environment or {})
        config.update({"url": receiver.url, "flush_interval_s": 0.02, "post_timeout_s": 20.0} | settings)
        made.append(Runtime(config, connect=connect, clock_s=clock_s))
        use(made[-1])
        return made[-1]

    before = use(None)
    try:
        yield make
    finally:
        receiver.always(None)
        for runtime in made:
            runtime.emitter.close(0.5)
        use(before)
