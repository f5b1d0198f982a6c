"""
`hookline serve`: the collector in the foreground.

Flow: options, environment -> settings -> **server**.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli.output import AsJson, console, print_json

if TYPE_CHECKING:
    from collector.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind. [HOOKLINE_HOST, 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 0 takes a free one. [HOOKLINE_PORT, 4319]")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="Where to keep events. [HOOKLINE_DATABASE_URL, a file in ~/.hookline]")
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option(help="On PostgreSQL: what this process does. [HOOKLINE_ROLES, ingest,work,web]", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the collector until Ctrl-C or SIGTERM."""
    from collector.settings import load_settings

    settings = load_settings(host=host, port=port, database_url=database_url, roles=roles)
    from collector.logs import configure_logs
    from collector.server import serve as run_server

    configure_logs(level=settings.log_level, log_format=settings.log_format)
    if settings.log_format == "json" and not as_json:
        _serve_logged(settings)
        return
    run_server(settings, lambda url: _say_ready(settings, url, as_json=as_json))
    if not as_json:
        console().print("stopped")


def _serve_logged(settings: "Settings") -> None:
    """Who collects JSON lines gets the beginning, the end and the reason for no beginning as such, too."""
    import structlog

    from collector.cli.commands import exit_code_of
    from collector.errors import HooklineError
    from collector.server import serve as run_server
    from collector.settings import without_password

    log = structlog.get_logger(__name__)
    database = without_password(settings.database_url)
    try:
        run_server(settings, lambda url: log.info("ready", url=url, database=database))
    except HooklineError as exc:
        log.critical("not_started", reason=str(exc))
        raise typer.Exit(exit_code_of(exc)) from None
    log.info("stopped")


def _say_ready(settings: "Settings", url: str, *, as_json: bool) -> None:
    from collector.settings import without_password

    database = without_password(settings.database_url)
    if as_json:
        print_json({"url": url, "database": database})
        return
    out = console()
    out.print(f"[bold]hookline[/bold] listens on [bold]{url}[/bold]")
    out.print(f"[dim]events are kept in {database}; {url}/ says how to connect; Ctrl-C stops[/dim]")
