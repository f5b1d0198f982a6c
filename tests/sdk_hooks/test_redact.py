"""What may leave the process."""

import json
from typing import Any

import pytest

from sdk_hooks import observe
from sdk_hooks.recorder import start_call
from sdk_hooks.redact import without_content, without_secrets
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import CHAT, IMAGE, chat

SECRET_WORD = "swordfish"


def test_secrets_in_options_and_errors_are_masked():
    """Keys that a host puts into its options, and keys that a provider quotes, become a placeholder; the rest stays."""
    event = {
        "type": "text:request:error",
        "modelOptions": {"temperature": 1, "extra": {"api_key": "abc", "Authorization": "Bearer abc", "x-api-key": "k"}},
        "error": {"name": "AuthenticationError", "message": "Incorrect API key: sk-proj-12345678abc. Bearer abcdefgh12345"},
    }
    masked = without_secrets(event)

    assert {"api_key": "[secret]", "Authorization": "[secret]", "x-api-key": "[secret]"} == masked["modelOptions"]["extra"]
    assert 1 == masked["modelOptions"]["temperature"]
    assert "Incorrect API key: [secret]. [secret]" == masked["error"]["message"]
    assert "abc" == event["modelOptions"]["extra"]["api_key"]


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        ("refused at https://me:s3cret@proxy.test/v1", "refused at https://[secret]@proxy.test/v1"),
        ("GET https://host.test/v1?alt=sse&key=s3cret&n=1 failed", "GET https://host.test/v1?alt=sse&[secret]&n=1 failed"),
        ("https://blobs.test/a.png?sig=s3cret%2F, expired", "https://blobs.test/a.png?[secret], expired"),
        ("API key AIzaSyA0123456789abcdefghijklmnopqrstuv not valid", "API key [secret] not valid"),
        ("see https://docs.test/keys?page=2 or mail me@host.test", "see https://docs.test/keys?page=2 or mail me@host.test"),
    ],
)
def test_secrets_in_addresses_are_masked(told: str, sent: str):
    """User, password and keys of a query in what an error says; the rest of the address stays."""
    masked = without_secrets({"type": "text:request:error", "error": {"name": "APIError", "message": told}})

    assert sent == masked["error"]["message"]


def test_secrets_of_servers_that_a_model_may_use_are_masked():
    """Providers want the tokens of MCP servers inside of the request, and hosts pass clouds' keys along."""
    names = ("authorization_token", "authorization", "aws_secret_access_key", "aws_session_token", "openai_api_key")
    plain = {"name": "docs", "max_tokens": 5, "token_budget": "high", "secrets_policy": "strict"}
    event = {
        "modelOptions": {"mcp_servers": [dict.fromkeys(names, "hush") | plain]},
        "options": {"tools": [{"type": "mcp", "headers": {"X-Goog-Api-Key": "hush", "Cookie": "hush"}, "authorization": "hush"}]},
    }
    masked = without_secrets(event)

    assert "hush" not in json.dumps(masked)
    assert plain.items() <= masked["modelOptions"]["mcp_servers"][0].items()


@pytest.mark.parametrize("how", ["environment", "configure"])
def test_without_content_no_text_leaves(how: str):
    """Messages, deltas, arguments, results, media and error texts stay at home; names, counts and sizes go."""
    environment = {"HOOKLINE_CAPTURE_CONTENT": "false"} if how == "environment" else {}
    settings: dict[str, Any] = {} if how == "environment" else {"capture_content": False}
    with recording(environment, **settings) as events:
        _record_a_bit_of_everything()
        events.flush()

    assert SECRET_WORD not in json.dumps(events.events)
    completed = events.of("text:request:completed")[0]
    assert ("gpt-5", "", "stop", {"promptTokens": 3}) == (
        completed["model"],
        completed["content"],
        completed["finishReason"],
        completed["usage"],
    )
    assert ["lookup"] == [call["function"]["name"] for call in completed["toolCalls"]]
    chunk = events.of("text:chunk:content")[0]
    assert [len(SECRET_WORD)] == [piece["length"] for piece in chunk["chunks"]]
    assert [{}] == events.of("image:request:completed")[0]["images"]
    assert {"name": "ValueError", "message": ""} == events.of("text:request:error")[0]["error"]
    started = events.of("text:request:started")[0]
    assert ([], 1) == (started["messages"], started["messageCount"])
    assert started["contentBytes"]["messages"] > len(SECRET_WORD)
    assert "lookup" == events.of("tools:call:completed")[0]["toolName"]


def _record_a_bit_of_everything() -> None:
    call = chat(streaming=True, messages=[{"role": "user", "content": SECRET_WORD}])
    for delta in (SECRET_WORD, ("tool-call", SECRET_WORD, 0, None, "c1", "lookup", 0)):
        call.append(call.start_ns)
        call.append(delta)
    call.complete({"finishReason": "stop", "usage": {"promptTokens": 3}, "somethingNew": [SECRET_WORD]})
    chat().fail(ValueError(SECRET_WORD))
    image = start_call(IMAGE, {"prompt": SECRET_WORD}, provider="openai", model="m")
    assert image is not None
    image.complete({"images": [{"b64Json": SECRET_WORD, "url": SECRET_WORD}], "modelOptions": {"user": SECRET_WORD, "n": 1}})
    with observe("agent", input=SECRET_WORD) as run, observe("lookup", kind="tool", input={"q": SECRET_WORD}) as tool:
        run.output = tool.output = SECRET_WORD


def test_redact_sees_one_event_at_a_time_and_may_change_it():
    """The changed event is what is sent; its id and sequence come afterwards."""

    def redact(event: dict[str, Any]) -> dict[str, Any]:
        assert "sequence" not in event
        return {**event, "messages": [], "note": "seen"}

    with recording(redact=redact) as events:
        start_call(CHAT, {"messages": []}, provider="openai", model="m").complete()  # type: ignore[union-attr]
        events.flush()

    assert ["seen", "seen"] == [event["note"] for event in events.events]


def test_without_content_a_field_for_a_name_holds_no_object():
    """`format` may be a name, which stays, or a schema with texts in it, which goes."""
    found = without_content(
        {"type": "x", "format": {"title": SECRET_WORD}, "modelOptions": {"format": {"title": SECRET_WORD}, "size": "1x1"}}
    )
    assert SECRET_WORD not in json.dumps(found)
    assert {"size": "1x1"} == found["modelOptions"]
