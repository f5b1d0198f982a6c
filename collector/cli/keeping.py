"""
`hookline retention` and `forget`: how long things are kept, and what goes at once.

Flow: options -> **cli.access** -> keeping, or the collector that owns the database.
"""

import sys
import time
from typing import Annotated, Any

import typer

from collector.cli.access import administer
from collector.cli.humanise import NOTHING
from collector.cli.output import AsJson, Column, console, print_json, table
from collector.cli.sizes import read_size, show_size
from collector.errors import BadRequest

LONG_S = 3_600.0
"""Forgetting looks at every event, and may write the whole file anew."""

_NOBODY_TO_ASK = "nobody to ask here: say --yes to remove it, or --dry-run to count"

retention = typer.Typer(no_args_is_help=True, help="How long and how much projects keep.")


@retention.command("set")
def retention_set(
    project: Annotated[str, typer.Argument(help="Whose limits. Others have HOOKLINE_RETENTION_DAYS and _MAX_BYTES.")],
    days: Annotated[int | None, typer.Option(min=0, max=100_000, help="How many days to keep; 0 keeps for ever.")] = None,
    max_bytes: Annotated[str | None, typer.Option(help="About how much to keep, such as 10GB; 0 is no limit.")] = None,
    default: Annotated[bool, typer.Option("--default", help="No limits of its own any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a project limits of its own. A running collector follows them within minutes."""
    if default == (days is not None or max_bytes is not None):
        raise BadRequest("give --days, --max-bytes or both; or --default alone")
    most = None if max_bytes is None else read_size(max_bytes)
    body: dict[str, Any] = {"project": project, "days": days, "max_bytes": most}

    def directly(store: Any) -> None:
        from collector.storage.keeper import RetentionRule

        store.set_retention(RetentionRule(**body))

    administer(directly, lambda client: client.post("/v1/admin/retention", body))
    if as_json:
        print_json(body)
    else:
        console().print("the defaults count again" if default else f"kept of {project}: {_limit(days, most)}", markup=False)


@retention.command("list")
def retention_list(as_json: AsJson = False) -> None:
    """The limits of projects that have their own, and what projects hold as far as it was counted."""

    def directly(store: Any) -> Any:
        rules = [{"project": rule.project, "days": rule.days, "max_bytes": rule.max_bytes} for rule in store.retention_rules()]
        return {"items": rules, "bytes": dict(store.sizes())}

    found = administer(directly, lambda client: client.get("/v1/admin/retention"))
    if as_json:
        print_json(found)
        return
    rules = {rule["project"]: rule for rule in found["items"]}
    cells = [
        (
            name,
            _limit(rules[name]["days"], rules[name]["max_bytes"]) if name in rules else "the default",
            show_size(found["bytes"][name]) if name in found["bytes"] else NOTHING,
        )
        for name in sorted({*rules, *found["bytes"]})
    ]
    made = table([Column(name="project"), Column(name="keeps"), Column(name="holds", right=True)], cells)
    console().print(made if cells else "No project has limits of its own.")


def _limit(days: int | None, max_bytes: int | None) -> str:
    age = None if days is None else "for ever" if days == 0 else f"{days} days"
    size = None if max_bytes is None else "of any size" if max_bytes == 0 else f"{show_size(max_bytes)} at most"
    return ", ".join(part for part in (age, size) if part is not None)


def forget(
    user_id: Annotated[str | None, typer.Option(help="Everything of a user.")] = None,
    session_id: Annotated[str | None, typer.Option(help="Everything of a session.")] = None,
    client_id: Annotated[str | None, typer.Option(help="Everything that a client sent.")] = None,
    request_id: Annotated[str | None, typer.Option(help="One call, with the calls made inside it.")] = None,
    project: Annotated[str, typer.Option(help="In which project.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    vacuum: Annotated[bool, typer.Option(help="SQLite: write the file anew afterwards; commits wait meanwhile.")] = True,
    as_json: AsJson = False,
) -> None:
    """Remove everything of somebody, at once: events, calls, spans, media, states, and spans that wait for export."""
    given = {"user_id": user_id, "session_id": session_id, "client_id": client_id, "request_id": request_id}
    named = {field: value for field, value in given.items() if value}
    if len(named) != 1:
        raise BadRequest("say whom or what, once: --user-id, --session-id, --client-id or --request-id")
    ((field, value),) = named.items()
    body = {"project": project, "field": field, "value": value, "vacuum": vacuum}
    if as_json and not (yes or dry_run):
        raise BadRequest(_NOBODY_TO_ASK)
    if not yes:
        plan = _ask({**body, "dry_run": True})
        if as_json and dry_run:
            print_json(plan)
            return
        _show("would remove" if dry_run else "to remove", plan["would_remove"], plan["exported_spans"])
        if dry_run or not plan["would_remove"]:
            return
        _confirm()
    done = _ask({**body, "dry_run": False})
    if as_json:
        print_json(done)
        return
    _show("removed", done["removed"], done["exported_spans"])
    if "bytes_after" in done:
        console().print(
            f"the file was written anew: {show_size(done['bytes_before'])} before, {show_size(done['bytes_after'])} now"
        )
    else:
        console().print("removed rows leave the disk with the next VACUUM: `hookline db vacuum` does it now")
    _tell_what_is_out_of_reach()


def _ask(body: dict[str, Any]) -> Any:
    def directly(store: Any) -> Any:
        from collector.clock import SystemClock
        from collector.keeping.forgetting import forget as remove
        from collector.keeping.forgetting import planned
        from collector.settings import load_settings
        from collector.storage.keeper import Subject

        is_file = load_settings().database_url.startswith("sqlite")
        subject = Subject(project=body["project"], field=body["field"], value=body["value"])
        if body["dry_run"]:
            return planned(store.plan_forget(subject))
        return remove(store, subject, clock=SystemClock(), wait=time.sleep, with_vacuum=body["vacuum"] and is_file).as_row()

    return administer(directly, lambda client: client.post("/v1/admin/forget", body, timeout_s=LONG_S))


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise BadRequest(_NOBODY_TO_ASK)
    if not typer.confirm("This can't be undone. Remove it?"):
        raise BadRequest("nothing was removed")


def _show(what: str, counts: dict[str, int], exported_spans: int) -> None:
    out = console()
    if not counts:
        out.print("nothing of theirs is stored")
    for name, count in sorted(counts.items()):
        out.print(f"{what}  {count:>9,}  {name}", markup=False)
    if exported_spans:
        out.print(f"{exported_spans:,} spans of theirs were sent to a tracing backend before; hookline can't call them back.")


def _tell_what_is_out_of_reach() -> None:
    console().print(
        "Events of theirs that still wait on other machines, in a client's memory or spool, are kept when they come: nobody is "
        "blocked (`python -m sdk_hooks.spool forget` there). Copies and backups of the database hold what they held."
    )
