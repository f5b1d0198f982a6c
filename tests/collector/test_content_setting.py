"""
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: what it takes.
"""

import pytest

from collector.errors import WrongSettings
from collector.settings import CONTENT_VARIABLE, captures_content


@pytest.mark.parametrize(
    ("value", "captures"),
    [
        (None, False), ("", False), ("NO_CONTENT", False), ("SPAN_ONLY", True), ("EVENT_ONLY", False),
        ("SPAN_AND_EVENT", True), (" span_only ", True), ("true", True), ("false", False),
    ],
)  # fmt: skip
def test_modes(monkeypatch: pytest.MonkeyPatch, value: str | None, captures: bool) -> None:
    """
    Off unless asked for; EVENT_ONLY puts nothing on spans.
    """
    monkeypatch.delenv(CONTENT_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(CONTENT_VARIABLE, value)

    assert captures == captures_content()


def test_unknown_mode_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A typing error must neither hide what was wanted nor show what was not.
    """
    monkeypatch.setenv(CONTENT_VARIABLE, "SPANS")

    with pytest.raises(WrongSettings, match=CONTENT_VARIABLE):
        captures_content()
