"""
A process that makes twenty thousand calls of an SDK whose answers were made before, and tells what memory they left behind.

    python -m tests.sdk_hooks.hooks.memory_host SDK [keep]

Flow: test_memory -> **host** -> instrument -> calls -> one line of JSON. Counted are the interpreter's blocks: a thing that
is kept for each call is at least one block a call, whatever else the machine does. `keep` keeps each record, as a leak would.
"""

import gc
import json
import sys
from collections.abc import Callable
from typing import Any

from sdk_hooks import instrument
from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import Delivered

WARM = 5_000
CALLS = 20_000
FLUSHED_EACH = 500


class Nowhere:
    """Takes every batch and counts what ended."""

    ended = 0

    def __init__(self, url: str, api_key: str | None) -> None: ...

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Delivered:
        from gzip import decompress

        Nowhere.ended += (decompress(body) if is_gzip else body).count(b':request:completed"')
        return Delivered({})

    def close(self) -> None:
        """Nothing to close."""

    def abandon(self) -> None: ...


def subject(sdk: str) -> tuple[Any, list[Callable[[], object]]]:
    """What is instrumented, and its calls: whole answers and streams."""
    if sdk == "litellm":
        return litellm()
    from benchmarks.client_stubs import STUBS

    made = STUBS[sdk]()
    return made.client, [made.acts["chat"], made.acts["short stream"]]


def litellm() -> tuple[Any, list[Callable[[], object]]]:
    import litellm as sdk  # pyright: ignore[reportMissingImports]

    module: Any = sdk
    answer = module.mock_completion(model="gpt-4o-mini", messages=[], mock_response="Hello")

    def completion(**given: Any) -> Any:
        return answer

    module.completion = completion
    asked: Any = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    return module, [lambda: completion(**asked)]


def main() -> None:
    sdk = sys.argv[1]
    client, acts = subject(sdk)
    runtime = Runtime(Config({"HOOKLINE_SPOOL_MAX_BYTES": "0"}), connect=Nowhere)
    use(runtime)
    kept: list[Any] = []
    if "keep" in sys.argv:
        offer = runtime.emitter.offer
        runtime.emitter.offer = lambda record: kept.append(record) or offer(record)  # type: ignore[method-assign]
    instrument(client)
    blocks: dict[int, int] = {}
    for number in range(1, CALLS + 1):
        acts[number % len(acts)]()
        if number % FLUSHED_EACH == 0:
            assert runtime.emitter.flush(60)
        if number in (WARM, CALLS):
            gc.collect()
            blocks[number] = sys.getallocatedblocks()
    grown = (blocks[CALLS] - blocks[WARM]) / (CALLS - WARM)
    print(json.dumps({"blocks_a_call": grown, "ended": Nowhere.ended, "losses": sum(runtime.losses.snapshot().values())}))


if __name__ == "__main__":
    main()
