"""The provider of the client's benchmark says over HTTP what the transport without one says, so that their figures compare."""

import pytest

from benchmarks.client_clients import CLIENTS
from benchmarks.client_overhead import started
from benchmarks.client_said import ANSWER, STREAMED


@pytest.mark.parametrize("over_http", [False, True], ids=["transport", "http"])
def test_the_same_is_said_on_both_ways(over_http: bool) -> None:
    """Twice, for the second call comes over the connection of the first."""
    with started("benchmarks.client_provider") as provider:
        subject = CLIENTS["openai"](provider if over_http else "")
        for _ in range(2):
            said: list[object] = [subject.acts[name]() for name in ("chat", "stream", "responses")]
            chat, streamed, response = said
            assert ANSWER == getattr(chat, "choices")[0].message.content  # noqa: B009 (an act gives any object)
            assert STREAMED == streamed
            assert ANSWER == getattr(response, "output_text")  # noqa: B009
        subject.client.close()


@pytest.mark.parametrize("sdk", CLIENTS)
def test_every_client_has_its_answers_over_http(sdk: str) -> None:
    """An act raises what its SDK raises: an answer that it can't read, an address that nobody knows."""
    with started("benchmarks.client_provider") as provider:
        acts = CLIENTS[sdk](provider).acts
        assert {"chat", "stream"} <= acts.keys()
        for act in acts.values():
            act()
