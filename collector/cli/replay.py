"""
`hookline replay`: post a captured stream of events again, at its own pace.

Flow: a file (`hookline events --json`, NDJSON, an array) -> **events in order, with their pauses** -> POST /v1/events.
For trying pages, dashboards and backends with a real stream. A collector that has the events counts duplicates; `--as-new`
makes other calls of them, which begin now.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from collector.cli.client import CollectorClient
from collector.cli.humanise import count
from collector.cli.output import AsJson, console, print_json
from collector.errors import BadRequest

Event = dict[str, Any]

STEP_S = 0.05
"""What lies so close together goes in one request."""
MOST_EVENTS = 1_000
IDENTITIES = ("requestId", "parentRequestId", "rootRequestId", "runId", "streamId")
"""What ties events to calls and calls to each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Events of one sender to post, so long after the first ones."""

    after_s: float
    service: str
    events: Sequence[Event]


def replay(
    file: Annotated[Path, typer.Argument(help="Events as `hookline events --json` or NDJSON has them; - for standard input.")],
    speed: Annotated[float, typer.Option(min=0, help="2 is twice as fast; 0 without any pause.")] = 1.0,
    as_new: Annotated[bool, typer.Option("--as-new", help="Other calls that begin now, instead of the same once more.")] = False,
    service: Annotated[str, typer.Option(help="The application's name, where the file has none.")] = "replay",
    as_json: AsJson = False,
) -> None:
    """Post captured events again, at their own pace."""
    text = sys.stdin.read() if str(file) == "-" else _content(file)
    events = read_events(text, service=service)
    if as_new:
        events = renewed(events, now_ms=time.time_ns() // 1_000_000, mark=uuid.uuid4().hex[:8])
    client = CollectorClient.from_environment()
    totals = {"accepted": 0, "duplicates": 0, "rejected": 0}
    began_s = time.monotonic()
    for step in steps(events, speed=speed):
        time.sleep(max(began_s + step.after_s - time.monotonic(), 0.0))
        body = {"resource": {"service.name": step.service}, "events": step.events}
        answer = client.post("/v1/events", body)
        totals["accepted"] += answer["accepted"]
        totals["duplicates"] += answer["duplicates"]
        totals["rejected"] += len(answer["rejected"])
    _tell(totals, as_json=as_json)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise BadRequest(f"{file} can't be read: {getattr(exc, 'strerror', None) or 'it is not UTF-8'}") from None


def _tell(totals: Mapping[str, int], *, as_json: bool) -> None:
    if as_json:
        print_json(totals)
        return
    out = console()
    out.print(f"{count(totals['accepted'])} events stored, {count(totals['duplicates'])} were there already")
    if totals["duplicates"] and not totals["accepted"]:
        out.print("All of them are known: `--as-new` makes other calls of them.")
    if totals["rejected"]:
        out.print(f"{count(totals['rejected'])} were rejected; `hookline doctor` says why")


def read_events(text: str, *, service: str) -> list[tuple[str, Event]]:
    """Events with their service, oldest first. Raises BadRequest where the text holds none."""
    rows = list(_rows(text))
    events = [(_service(row, service), _event(row)) for row in rows]
    if not events or not all(isinstance(event.get("type"), str) for _, event in events):
        raise BadRequest(
            "these are no events: give what `hookline events --json` prints, an array of events, or one event a line"
        )
    return sorted(events, key=lambda one: _time_ms(one[1]))


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        documents = [json.loads(text)]
    except ValueError:
        documents = _lines(text)
    for document in documents:
        found: Any = document
        if isinstance(found, dict) and "type" not in found:
            held = cast("dict[str, Any]", found)
            found = held.get("items", held.get("events", [held]))
        for row in cast("Iterable[Any]", found if isinstance(found, list) else [found]):
            if isinstance(row, dict):
                yield cast("dict[str, Any]", row)


def _lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise BadRequest("the file is neither JSON nor one JSON object a line") from None


def _service(row: Mapping[str, Any], default: str) -> str:
    found = row.get("service")
    return found if isinstance(found, str) and "payload" in row else default


def _event(row: Mapping[str, Any]) -> Event:
    """A row of `events` holds the event in `payload`, and beside it the id by which it is known."""
    payload = row.get("payload")
    if not isinstance(payload, dict) or "arrival" not in row:
        return dict(row)
    return {"eventId": row.get("event_id"), "timestamp": row.get("timestamp"), **cast("Event", payload)}


def _time_ms(event: Event) -> float:
    at = event.get("timestamp")
    return float(at) if isinstance(at, int | float) else 0.0


def renewed(events: Sequence[tuple[str, Event]], *, now_ms: int, mark: str) -> list[tuple[str, Event]]:
    """The same story of other calls: ids get a mark, times move so that it begins now, and the host's trace is left out."""
    known = [at for _, event in events if (at := _time_ms(event)) > 0]
    moved_ms = now_ms - min(known, default=now_ms)

    def anew(event: Event) -> Event:
        made = {name: value for name, value in event.items() if name not in ("eventId", "traceparent")}
        made |= {name: f"{made[name]}~{mark}" for name in IDENTITIES if isinstance(made.get(name), str)}
        return made | ({"timestamp": _time_ms(event) + moved_ms} if _time_ms(event) > 0 else {})

    return [(service, anew(event)) for service, event in events]


def steps(events: Sequence[tuple[str, Event]], *, speed: float) -> Iterator[Step]:
    """What to post and when: neighbours of one sender together, pauses as between the events, divided by the speed."""
    first_ms = next((at for _, event in events if (at := _time_ms(event)) > 0), 0.0)
    gathered: list[Event] = []
    whose, at_s = "", 0.0
    for service, event in events:
        after_s = max(_time_ms(event) - first_ms, 0.0) / 1000 / speed if speed else 0.0
        if gathered and (service != whose or after_s - at_s > STEP_S or len(gathered) >= MOST_EVENTS):
            yield Step(after_s=at_s, service=whose, events=gathered)
            gathered = []
        if not gathered:
            whose, at_s = service, after_s
        gathered.append(event)
    if gathered:
        yield Step(after_s=at_s, service=whose, events=gathered)
