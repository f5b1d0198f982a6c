"""Always valid JSON, whatever the host put in."""

import json
from typing import Any

import pytest

from sdk_hooks.encoding import encode_batch, encode_event
from sdk_hooks.errors import NotRenderable


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("\ud800", "?"),
        (b"abc", "<3 bytes>"),
        (
            {
                1: {
                    2,
                }
            },
            {"1": [2]},
        ),
        (object, "<type>"),
        ("grüße", "grüße"),
    ],
)
def test_odd_values_become_plain(value: Any, expected: Any):
    """One bad value does not cost the event, nor the event its batch."""
    assert {"type": "x", "value": expected} == json.loads(encode_event({"type": "x", "value": value}))


def test_too_deep_is_cut():
    """Below what a collector accepts."""
    value: Any = "bottom"
    for _ in range(3000):
        value = [value]
    assert b"too deep" in encode_event({"type": "x", "value": value})


def test_unreadable_is_an_error_of_ours():
    """What can't be turned into JSON at all."""

    class Hostile(dict[str, Any]):
        def items(self) -> Any:
            raise ValueError

    with pytest.raises(NotRenderable):
        encode_event({"type": "x", "value": Hostile(a=object())})


def test_batch_holds_resource_and_events():
    """One resource, events in order."""
    body, is_gzip, count, _ = encode_batch(b'{"service.name":"s"}', [b'{"type":"a"}', b'{"type":"b"}'])
    assert (False, 2) == (is_gzip, count)
    assert {"resource": {"service.name": "s"}, "events": [{"type": "a"}, {"type": "b"}]} == json.loads(body)
