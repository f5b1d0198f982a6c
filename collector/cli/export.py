"""
`hookline export`: what waits to be sent and what is dead; send it again, or give it up.

Flow: options -> **cli.access** -> store, or the collector that owns it.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from collector.cli.access import administer
from collector.cli.humanise import NOTHING, ago, count, one_line
from collector.cli.output import AsJson, Column, console, print_json, table
from collector.errors import BadRequest
from collector.exporters import encoder_of
from collector.query.times import parse_time
from collector.storage.outbox import DeadSpans, Resend

MOST_REASONS = 50
_STATES = {"pending": Text("wait", style="yellow"), "dead": Text("dead", style="bold red"), "done": Text("sent", style="green")}


def export(
    retry_dead: Annotated[bool, typer.Option("--retry-dead", help="Send spans again that were given up.")] = False,
    destination: Annotated[str | None, typer.Option(help="With --retry-dead: only of this one, otlp or jsonl.")] = None,
    reason: Annotated[str | None, typer.Option(help="With --retry-dead: only those with this in their reason.")] = None,
    since: Annotated[str | None, typer.Option(help="With --retry-dead: only those that died since (RFC 3339, Unix ms).")] = None,
    drop_destination: Annotated[
        str | None, typer.Option(metavar="DESTINATION", help="Give up for good what waits for it and what is dead there.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="DESTINATION", help="Send the spans of calls once more, from --since on: otlp or jsonl.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="With --to: only of calls that started before.")] = None,
    project: Annotated[str, typer.Option(help="With --to: whose calls.")] = "default",
    yes: Annotated[bool, typer.Option("--yes", help="With --drop-destination: really do it.")] = False,
    as_json: AsJson = False,
) -> None:
    """What waits to be sent and what is dead, and why; send dead spans again, or those of some calls once more."""
    if drop_destination is not None:
        if retry_dead or destination or reason or since:
            raise BadRequest("--drop-destination goes alone: it takes all that is open for the destination")
        _drop(drop_destination, is_sure=yes, as_json=as_json)
    elif to is not None:
        if retry_dead or destination or reason or since is None:
            raise BadRequest(
                "--to sends the spans of calls once more: say from when with --since, and nothing but --until, --project"
            )
        _send_again(
            Resend(
                project=project,
                destination=to,
                since_ms=parse_time("--since", since),
                until_ms=parse_time("--until", until) if until else None,
            ),
            as_json=as_json,
        )
    elif retry_dead:
        _retry(destination, reason, since, as_json=as_json)
    elif destination or reason or since:
        raise BadRequest("--destination, --reason and --since choose dead spans: add --retry-dead")
    else:
        _show(_outbox(), as_json=as_json)


def _outbox() -> Mapping[str, Any]:
    return administer(
        lambda store: {
            "items": store.state()["exports"],
            "reasons": store.export_reasons(limit=MOST_REASONS),
            "destinations": [],
        },
        lambda client: client.get("/v1/admin/exports"),
    )


def _retry(destination: str | None, reason: str | None, since: str | None, *, as_json: bool) -> None:
    which = DeadSpans(destination=destination, reason=reason, since_ms=parse_time("--since", since) if since else None)
    asked = {"destination": destination, "reason": reason, "since": since}
    items: Sequence[Mapping[str, Any]] = administer(
        lambda store: store.retry_dead_exports(which, now_ms=_now_ms()),
        lambda client: client.post("/v1/admin/retry-dead", asked)["items"],
    )
    spans = sum(item["count"] for item in items)
    if as_json:
        print_json({"spans": spans, "items": list(items)})
        return
    out = console()
    out.print(f"[dim]spans[/dim]  {spans}")
    for item in items:
        out.print(f"  {count(item['count'])} to {item['destination']}: {one_line(item['reason'])}", markup=False, soft_wrap=True)
    if spans:
        out.print("A running collector sends them now, else the next one that starts. `hookline export` shows how it goes.")


def _send_again(which: Resend, *, as_json: bool) -> None:
    """`which` has its times in milliseconds, which the server reads as well."""
    encode = encoder_of(which.destination)
    asked = {"destination": which.destination, "since": str(which.since_ms), "project": which.project}
    asked |= {} if which.until_ms is None else {"until": str(which.until_ms)}
    spans: int = administer(
        lambda store: store.queue_again(which, encode, now_ms=_now_ms()),
        lambda client: client.post("/v1/admin/send-again", asked)["count"],
    )
    if as_json:
        print_json({"spans": spans, "destination": which.destination})
        return
    console().print(
        f"{count(spans)} spans go to {which.destination} once more. A backend that has them already may show doubles."
    )


def _drop(destination: str, *, is_sure: bool, as_json: bool) -> None:
    if not is_sure:
        waiting = {item["state"]: item["count"] for item in _outbox()["items"] if item["destination"] == destination}
        raise BadRequest(
            f"{count(waiting.get('pending', 0))} waiting and {count(waiting.get('dead', 0))} dead spans would never be sent to "
            f"{destination} (calls and spans stay in SQL): say --yes if that is meant"
        )
    dropped: int = administer(
        lambda store: store.drop_exports(destination=destination, now_ms=_now_ms()),
        lambda client: client.post("/v1/admin/drop-exports", {"destination": destination})["count"],
    )
    if as_json:
        print_json({"spans": dropped, "destination": destination})
    else:
        console().print(f"{count(dropped)} spans dropped for {destination}", markup=False)


def _show(outbox: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(outbox)
        return
    now_ms = _now_ms()
    rows = [
        (
            str(item["destination"]),
            _STATES.get(item["state"], Text(str(item["state"]))),
            count(item["count"]),
            ago(item["oldest_queued_ms"], now_ms=now_ms) if item.get("oldest_queued_ms") else NOTHING,
            one_line(item["reason"] or NOTHING) if item["state"] == "pending" else NOTHING,
        )
        for item in outbox["items"]
    ]
    out = console()
    if not rows:
        out.print("Nothing was ever to be sent. Set OTEL_EXPORTER_OTLP_ENDPOINT on the server: docs/jaeger.md.")
        return
    out.print(table([Column(name=name) for name in ("destination", "spans", "count", "oldest", "last reason")], rows))
    for item in outbox["reasons"]:
        died = ago(item["last_ms"], now_ms=now_ms)
        told = f"dead at {item['destination']}: {count(item['count'])} × {one_line(item['reason'])} (the last one {died})"
        out.print(told, markup=False, soft_wrap=True)
    if outbox["reasons"]:
        out.print(
            "Once the cause is gone: `hookline export --retry-dead`, or some of them with --reason, --destination, --since."
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
