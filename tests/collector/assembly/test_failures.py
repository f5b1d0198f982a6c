"""
error.type and the description of an error.
"""

import pytest

from tests.collector.assembly.stored import assembled, event, started


@pytest.mark.parametrize(
    ("error", "error_type", "message"),
    [
        ({"name": "RateLimitError", "message": "429 slow down"}, "RateLimitError", "429 slow down"),
        ({"name": "Error", "message": "429 slow down"}, "429", "429 slow down"),
        ({"name": "Error", "message": "slow down, 429"}, "_OTHER", "slow down, 429"),
        ({"message": "503"}, "503", "503"),
        ({"message": "1234 things"}, "_OTHER", "1234 things"),
        ("400 fake bad request", "400", "400 fake bad request"),
        ("socket closed", "_OTHER", "socket closed"),
        ({"name": "APIError", "message": ""}, "APIError", None),
        (None, "_OTHER", None),
        (["odd"], "_OTHER", '["odd"]'),
    ],
)
def test_error_type_and_message(error: object, error_type: str, message: str | None) -> None:
    """The name unless it is just Error, else a leading status, else _OTHER; the message is the span's description."""
    outcome = assembled(started(), event("text:request:error", 100, error=error, duration=100))

    assert (error_type, message) == (outcome.call.error_type, outcome.call.error_message)
    span = outcome.spans[0]
    assert (error_type, message, "error") == (span.error_type, span.error_message, span.status)
    assert error_type == span.attributes["error.type"]
