"""
What somebody with a broken export is told, and told to do.
"""

from typing import Any

import pytest

from collector.cli.doctor_exports import ADVICE, advice_for, export_findings
from collector.cli.finding import Finding

NOW_MS = 1_764_000_000_000


def group(state: str, count: int, *, destination: str = "otlp", oldest_ms: int = 0) -> dict[str, Any]:
    return {"destination": destination, "state": state, "count": count, "oldest_queued_ms": NOW_MS - oldest_ms, "reason": None}


def live(**changes: Any) -> dict[str, Any]:
    quiet = {"destination": "otlp", "sent": 0, "put_off": 0, "dead": 0, "rejected": 0}
    return quiet | {"failing_since_ms": None, "reason": None, "is_setting": False, "next_try_s": 0.0} | changes


def findings(
    *groups: dict[str, Any], destinations: tuple[dict[str, Any], ...] = (), reasons: tuple[dict[str, Any], ...] = ()
) -> list[Finding]:
    status = {"now_ms": NOW_MS, "state": {"exports": groups}, "destinations": destinations, "export_reasons": reasons}
    return list(export_findings(status))


def test_all_is_well() -> None:
    """
    What was sent, and that nothing waits.
    """
    (found,) = findings(group("done", 1234), destinations=(live(),))

    assert ("ok", "otlp: 1,234 spans sent, nothing waits", "") == (found.level, found.says, found.advice)
    assert {"done": 1234} == found.counts


def test_nothing_is_said_where_nothing_is_exported() -> None:
    """
    No destination, nothing queued: that is no finding here.
    """
    assert [] == findings()


def test_wrong_key_names_the_variable_and_comforts() -> None:
    """
    For how long, how many wait, when it is tried again; and which variable to mend.
    """
    state = live(failing_since_ms=NOW_MS - 3_600_000, reason="HTTP 401: unknown key", is_setting=True, next_try_s=200.0)

    (found,) = findings(group("pending", 5000, oldest_ms=3_600_000), destinations=(state,))

    assert "bad" == found.level
    assert found.says.startswith("otlp: it does not want us as we are set up, for 1 h")
    assert "(HTTP 401: unknown key); 5,000 spans wait, the oldest for 1 h" in found.says
    assert "next try in 3 min 20 s" in found.says
    assert "OTEL_EXPORTER_OTLP_HEADERS" in found.advice
    assert "nothing is lost" in found.advice


@pytest.mark.parametrize(("for_ms", "level"), [(5_000, "note"), (120_000, "bad")])
def test_outage_is_wrong_only_when_it_lasts(for_ms: int, level: str) -> None:
    """
    A hiccup is a note; the exit code of doctor must not depend on it.
    """
    state = live(failing_since_ms=NOW_MS - for_ms, reason="HTTP 503: busy", next_try_s=4.0)

    (found,) = findings(group("pending", 3, oldest_ms=for_ms), destinations=(state,))

    assert (level, True) == (found.level, "does not take spans" in found.says)
    assert "go by themselves" in found.advice


def test_backlog_that_drains_is_a_note() -> None:
    """
    Old spans wait and nothing fails: they are on their way.
    """
    (found,) = findings(group("pending", 90_000, oldest_ms=600_000), destinations=(live(),))

    assert ("note", "otlp: 90,000 spans wait, the oldest for 10 min 00 s") == (found.level, found.says)


def test_spans_for_a_destination_that_is_gone() -> None:
    """
    Nobody will ever send them: set it up again, or give them up.
    """
    found, _ = findings(group("pending", 7, destination="jsonl"), destinations=(live(),))

    assert ("bad", True) == (found.level, found.says.startswith("jsonl: not set up on this server; 7 spans wait"))
    assert "HOOKLINE_EXPORT_JSONL" in found.advice
    assert "hookline export --drop-destination jsonl" in found.advice


def test_dead_spans_are_told_by_reason_with_the_command_for_just_these() -> None:
    """
    The command has the stable part of the reason: what a backend says about each span differs.
    """
    reasons = (
        {"destination": "otlp", "reason": "HTTP 400: it's span 7", "count": 37, "last_ms": NOW_MS - 120_000},
        {"destination": "otlp", "reason": "HTTP 413", "count": 2, "last_ms": NOW_MS},
    )

    _, first, second = findings(group("dead", 39), destinations=(live(),), reasons=reasons)

    assert ("bad", {"dead": 37}) == (first.level, first.counts)
    assert first.says.startswith("otlp: 37 spans are dead, the last one 2 min 00 s ago: HTTP 400: it's span 7")
    assert "`hookline export --retry-dead --destination otlp --reason 'HTTP 400'`" in first.advice
    assert "Raise the backend's limit" in second.advice


def test_partial_success_is_told() -> None:
    """
    The backend took the request and dropped spans of it: those are gone there, and one should know.
    """
    _, found = findings(group("done", 10), destinations=(live(rejected=4),))

    assert ("note", {"rejected": 4}) == (found.level, found.counts)
    assert "dropped 4 of them since the start (partial success)" in found.says


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("HTTP 401", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("gRPC UNAUTHENTICATED: no", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("HTTP 403: no", "may not write"),
        ("gRPC PERMISSION_DENIED", "may not write"),
        ("HTTP 404", "OTEL_EXPORTER_OTLP_PROTOCOL"),
        ("gRPC UNIMPLEMENTED: unknown service", "OTEL_EXPORTER_OTLP_PROTOCOL"),
        ("HTTP 302 to http://x/y (redirects are not followed)", "where it points"),
        ("HTTP 413", "limit for a request"),
        ("gRPC RESOURCE_EXHAUSTED: SERVER: Received message larger than max (9 vs. 4)", "limit for a request"),
        ("HTTP 429: slow down", "limits its rate"),
        ("HTTP 500: oops (given up after 10 attempts)", "its log says why"),
        ("no answer within 10 s", "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ("gRPC DEADLINE_EXCEEDED: Deadline Exceeded", "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ("not reachable: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        ("not reachable: Connection refused", "Nothing listens there"),
        ("not reachable: Name or service not known", "DNS"),
        ("can't write spans.jsonl: No space left on device", "HOOKLINE_EXPORT_JSONL"),
        ("HTTP 400: bad", "hookline sql"),
        ("HTTP 503", "Look at the backend"),
        ("gRPC UNAVAILABLE: Socket closed", "Look at the backend"),
    ],
)
def test_each_reason_has_its_advice(reason: str, word: str) -> None:
    """
    What to look at first, by what the backend or the network said.
    """
    assert word in advice_for(reason)


def test_every_advice_is_given_for_something() -> None:
    """
    None stands behind another that always comes first.
    """
    assert len({advice for _, advice in ADVICE}) == len(ADVICE)
