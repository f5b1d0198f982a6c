"""
`hookline db`, `keys`, `reassemble`, `version`: what an operator does.

Flow: options -> **cli.access** -> store, or the collector that owns it.
"""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from collector.cli import first_key
from collector.cli.access import administer
from collector.cli.client import CollectorClient
from collector.cli.humanise import NOTHING, day_and_time, moment
from collector.cli.output import AsJson, Column, console, print_json, table
from collector.errors import BadRequest
from collector.fields import bounded
from collector.query.keys import KeyWish, key_as_row, make_key

if TYPE_CHECKING:
    from collector.storage.protocols import Store

db = typer.Typer(no_args_is_help=True, help="The database: its schema, copies, and its size.")
keys = typer.Typer(no_args_is_help=True, help="Keys for senders and readers.")


@db.command("upgrade")
def db_upgrade(as_json: AsJson = False) -> None:
    """Bring the schema to what this hookline needs. SQLite: with a backup beside the file."""
    from collector.settings import load_settings, without_password
    from collector.storage import schema

    url = load_settings().database_url
    before = schema.current(url)
    schema.upgrade(url)
    _say({"database": without_password(url), "before": before, "now": schema.current(url)}, as_json)


@db.command("current")
def db_current(as_json: AsJson = False) -> None:
    """The database's schema revision, and the one this hookline needs."""
    from collector.settings import load_settings, without_password
    from collector.storage import schema

    url = load_settings().database_url
    _say({"database": without_password(url), "current": schema.current(url), "needed": schema.head()}, as_json)


@keys.command("create")
def keys_create(
    label: Annotated[str, typer.Argument(metavar="[NAME]", help="What it is for; shown in the list.", show_default=False)] = "",
    name: Annotated[str, typer.Option(help="The same, as an option.")] = "",
    project: Annotated[str, typer.Option(help="The project whose events it may send and read.")] = "default",
    scope: Annotated[
        list[str] | None, typer.Option(help="ingest, read, sql or admin; again for more. All that are possible by default.")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="When it ends: 90d, 12h, 30m, or a moment. Never by default.")] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Makes a public key for web pages of this origin (https://shop.example); again for more."),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Events a second that it may send.", show_default=False)] = None,
    rate_bytes: Annotated[float | None, typer.Option(help="Bytes a second, likewise.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once: only its hash is kept."""
    if label and name:
        raise BadRequest("give the name once: as argument or as --name")
    wish = KeyWish(
        project=project,
        name=name or label,
        scopes=tuple(scope or ()),
        expires=expires,
        origins=tuple(origin or ()),
        events_per_s=rate,
        bytes_per_s=rate_bytes,
    )
    made, shuts_out = administer(
        lambda store: _made_directly(store, wish), lambda client: _made_through(client, wish), may_create=True
    )
    _say(made if as_json else _key_for_people(made), as_json)
    if not as_json:
        console().print(f"[dim]{_advice(made)} This is the only time it is shown.[/dim]")
    if shuts_out:
        first_key.warn()


def _made_directly(store: "Store", wish: KeyWish) -> tuple[dict[str, Any], bool]:
    """The key, and whether nobody will be able to administer."""
    from collector.settings import load_settings

    made, settings = make_key(store, wish, now_ms=_now_ms()), load_settings()
    return made, first_key.will_be_shut_out(settings.database_url, settings.api_key, store.list_keys(), now_ms=_now_ms())


def _made_through(client: CollectorClient, wish: KeyWish) -> tuple[dict[str, Any], bool]:
    made: dict[str, Any] = client.post("/v1/admin/keys", asdict(wish))
    return made, first_key.is_shut_out(client, made)


def _key_for_people(made: dict[str, Any]) -> dict[str, Any]:
    facts = {"key id": made["key_id"], **{name: made[name] for name in ("key", "project", "name", "scopes")}}
    more = {"expires": day_and_time(made["expires_ms"]) if made["expires_ms"] else None, "origins": made["origins"]}
    rates = {"events a second": made["events_per_s"], "bytes a second": made["bytes_per_s"]}
    told = {name: value for name, value in (more | rates).items() if value}
    return facts | told | {"created": day_and_time(made["created_ms"])}


def _advice(made: dict[str, Any]) -> str:
    if made["origins"]:
        return "Put the key into the pages of these origins; from elsewhere it is refused."
    if "admin" in made["scopes"]:
        return "Set the key as HOOKLINE_API_KEY. It may administer the collector: for a sender, --scope ingest is enough."
    return "Set the key as HOOKLINE_API_KEY where the client runs."


@keys.command("list")
def keys_list(as_json: AsJson = False) -> None:
    """The keys: never the keys themselves."""
    rows: list[dict[str, Any]] = administer(
        lambda store: [key_as_row(key) for key in store.list_keys()], lambda client: client.get("/v1/admin/keys")["items"]
    )
    if as_json:
        print_json({"items": rows})
        return
    now_ms = _now_ms()
    cells = [
        (
            row["key_id"],
            row["name"] or NOTHING,
            row["project"],
            " ".join(row["scopes"]),
            " ".join(row.get("origins") or ()) or NOTHING,
            moment(row["created_ms"], now_ms=now_ms),
            moment(row.get("last_used_ms"), now_ms=now_ms),
            day_and_time(row["expires_ms"]) if row.get("expires_ms") else NOTHING,
            moment(row["revoked_ms"], now_ms=now_ms),
        )
        for row in rows
    ]
    names = ("id", "name", "project", "scopes", "origins", "created", "last used", "expires", "revoked")
    made = table([Column(name=name) for name in names], cells)
    console().print(made if rows else "No keys. Without one the collector binds loopback only.")


@keys.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="The id that `keys list` shows.")], as_json: AsJson = False) -> None:
    """Make a key useless, at once."""
    done: bool = administer(
        lambda store: store.revoke_key(key_id, now_ms=_now_ms()),
        lambda client: client.post("/v1/admin/keys/revoke", {"key_id": key_id})["revoked"],
    )
    if not done:
        raise BadRequest(f"no key has the id {key_id}; `hookline keys list` shows them")
    _say({"key_id": key_id, "revoked": True}, as_json)


def reassemble(
    request_id: Annotated[str | None, typer.Option(help="One call; without it all of the project `default`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute calls and spans again from their events. Ids stay, nothing is exported again. A running collector does the work."""
    count: int = administer(
        lambda store: store.mark_all_dirty(
            project=None, request_id=bounded(request_id) if request_id else None, now_ms=_now_ms()
        ),
        lambda client: client.post("/v1/admin/reassemble", {"request_id": request_id})["count"],
    )
    if request_id is not None and count == 0:
        raise BadRequest(f"no call has the request id {request_id}; `hookline calls` lists them")
    _say({"calls": count, "note": "a running collector assembles them now, else the next one that starts"}, as_json)


def version(as_json: AsJson = False) -> None:
    """hookline's version."""
    from collector.version import installed_version

    _say({"version": installed_version()}, as_json)


def _say(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    out = console()
    for name, value in facts.items():
        shown = " ".join(map(str, cast("list[Any]", value))) if isinstance(value, (list, tuple)) else str(value)
        shown = NOTHING if value in (None, "") else shown
        out.print(f"[dim]{name}[/dim]  ", end="")
        out.print(shown, markup=False, soft_wrap=True)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
