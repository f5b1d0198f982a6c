"""
The host application whose traffic is recorded: every kind of call once, with the client of the checkout that it runs in.

Run by `record.py` with another checkout first on the path: it may use only what that old client has.
"""

import sys
from contextlib import suppress

from openai import APIError, OpenAI

from collector.demo.provider import start_provider
from collector.demo.scenario import run_scenario
from sdk_hooks import configure, flush, instrument, session, uninstrument


def main(collector_url: str) -> None:
    run_scenario(collector_url=collector_url, api_key=None, on_step=print)
    with start_provider() as provider:
        client = OpenAI(base_url=provider.base_url, api_key="not-a-key", max_retries=0)
        instrument(client, client_id="recorded", tags={"tier": "gold", "build": "7"})
        with session(session_id="s-1", thread_id="t-1", user_id="u-1"):
            _ask(client, "Tell me a story [words:400]", stream=True)
            with suppress(APIError):
                _ask(client, "This goes wrong [error:429]")
            with suppress(APIError):
                _ask(client, "This breaks [break:3]", stream=True)
            _leave_early(client)
        uninstrument(client)
        configure(capture_content=False)
        instrument(client)
        _ask(client, "Nobody should read this")
    assert flush(timeout=100)


def _ask(client: OpenAI, text: str, *, stream: bool = False) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], stream=stream)  # pyright: ignore
    if stream:
        list(answer)  # pyright: ignore[reportArgumentType]


def _leave_early(client: OpenAI) -> None:
    with client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "A long one [words:200]"}], stream=True
    ) as chunks:
        for _ in zip(chunks, range(3), strict=False):
            pass


if __name__ == "__main__":
    main(sys.argv[1])
