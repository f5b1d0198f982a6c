"""
SQL, `/v1/calls`, the command line and OTLP tell the same of the same call.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.database import query
from tests.end_to_end.load import RESOURCE, call_events
from tests.end_to_end.processes import CollectorProcess, wait_for
from tests.fakes.otlp import OtlpReceiver

SQL = """
    SELECT request_id, operation, status, provider, model, start_ms, end_ms, duration_ms, time_to_first_chunk_ms, finish_reason,
           input_tokens, output_tokens, trace_id, span_id, service
    FROM calls ORDER BY request_id
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
def test_four_ways_to_ask_give_one_answer(store_url: str, tmp_path: Path) -> None:
    """
    Every column that `calls` has is equal in SQL, HTTP and `hookline calls --json`; the span says the same in its own words.
    """
    with OtlpReceiver() as backend:
        collector = CollectorProcess(
            database_url=store_url, log_path=tmp_path / "log", env={"OTEL_EXPORTER_OTLP_ENDPOINT": backend.endpoint}
        )
        with collector:
            now_ms = round(time.time() * 1000)
            collector.post({"resource": RESOURCE, "events": call_events("a", at_ms=now_ms) + call_events("b", at_ms=now_ms + 5)})
            over_http = collector.wait_until_settled(["a", "b"])
            spans = wait_for("two spans", lambda: _by_request(backend))
            on_the_command_line = _by_name(json.loads(collector.command("calls", "--json").stdout))
            in_sql = _by_name(query(store_url, SQL))

    assert set(in_sql) == {"a", "b"}
    for name, row in in_sql.items():
        assert row == {column: over_http[name][column] for column in row}
        assert row == {column: on_the_command_line[name][column] for column in row}
        assert _as_the_span_says(row) == _of_the_span(spans[name])
        assert 80.5 == row["duration_ms"]


def _by_name(rows: Any) -> dict[str, dict[str, Any]]:
    return {row["request_id"]: row for row in (rows["items"] if isinstance(rows, dict) else rows)}


def _by_request(backend: OtlpReceiver) -> dict[str, Any] | None:
    found = {span.attributes["hookline.request_id"]: span for span in backend.spans()}
    return found if len(found) == 2 else None


def _as_the_span_says(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"chat {row['model']}",
        "trace_id": row["trace_id"],
        "span_id": row["span_id"],
        "start_ms": round(row["start_ms"], 3),
        "end_ms": round(row["end_ms"], 3),
        "provider": row["provider"],
        "input": row["input_tokens"],
        "output": row["output_tokens"],
        "finish": [row["finish_reason"]],
        "first_chunk_ms": round(row["time_to_first_chunk_ms"], 3),
        "service": row["service"],
    }


def _of_the_span(span: Any) -> dict[str, Any]:
    told = span.attributes
    return {
        "name": span.name,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "start_ms": round(span.start_ns / 1e6, 3),
        "end_ms": round(span.end_ns / 1e6, 3),
        "provider": told["gen_ai.provider.name"],
        "input": told["gen_ai.usage.input_tokens"],
        "output": told["gen_ai.usage.output_tokens"],
        "finish": list(told["gen_ai.response.finish_reasons"]),
        "first_chunk_ms": round(told["gen_ai.response.time_to_first_chunk"] * 1000, 3),
        "service": span.resource["service.name"],
    }
