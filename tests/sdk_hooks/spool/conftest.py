"""Processes without threads, in a folder of their own, whose time stands still until a test moves it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime, use
from tests.fakes.clock import FakeClock
from tests.fakes.far_collector import FarCollector

Process = Callable[..., Runtime]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def collector() -> FarCollector:
    return FarCollector()


@pytest.fixture
def process(folder: Path, clock: FakeClock, collector: FarCollector) -> Iterator[Process]:
    """`process(**settings)`: what a newly started process has, from now on the current one; its calls deliver as they end."""
    made: list[Runtime] = []

    def start(environment: dict[str, str] | None = None, **settings: Any) -> Runtime:
        config = Config(environment or {})
        config.update({"spool_dir": str(folder), "delivery": "sync", "exit_timeout_s": 0.2} | settings)
        runtime = Runtime(config, connect=collector.connect, starts_thread=False, clock_s=clock.monotonic_s)
        made.append(runtime)
        use(runtime)
        return runtime

    before = use(None)
    try:
        yield start
    finally:
        for runtime in made:
            runtime.emitter.close(0.0)
        use(before)


@pytest.fixture
def killed() -> Callable[[Runtime], None]:
    """Ends a process as the system ends it: nothing of it runs any more, and its locks go."""

    def kill(runtime: Runtime) -> None:
        runtime.emitter.abandon()
        use(None)

    return kill
