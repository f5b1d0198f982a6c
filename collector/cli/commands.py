"""
The table of commands, and what their errors mean for the exit code.

Flow: __main__ -> **here** -> one module a command.
"""

import sys

import typer

from collector.cli import admin, bridge, call, database, doctor, export, keeping, read, replay, serve, sql, tail
from collector.cli.demo import demo
from collector.errors import HooklineError, SchemaError, ServerUnreachable, WrongSettings

FAILED, WRONG_SETTINGS, UNREACHABLE = 1, 2, 3

COMMANDS = (
    serve.serve,
    demo,
    tail.tail,
    read.events,
    read.calls,
    call.call,
    sql.sql,
    doctor.doctor,
    admin.reassemble,
    export.export,
    replay.replay,
    bridge.bridge,
    keeping.forget,
    admin.version,
)
GROUPS = {"keys": admin.keys, "db": database.db, "retention": keeping.retention}


def build() -> typer.Typer:
    """The command line, put together."""
    app = typer.Typer(
        name="hookline",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Every event of your LLM SDKs as a row of SQL, every call as an OpenTelemetry span.",
    )
    for command in COMMANDS:
        app.command()(command)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    return app


def run_command(arguments: list[str]) -> int:
    """Run it; the exit code. A HooklineError is told on standard error, in one line."""
    try:
        build()(arguments, prog_name="hookline")
    except SystemExit as exc:
        # How typer ends, also after --help and for usage errors.
        return exc.code if isinstance(exc.code, int) else FAILED
    except HooklineError as exc:
        sys.stderr.write(f"hookline: {exc}\n")
        return exit_code_of(exc)
    return 0


def exit_code_of(exc: HooklineError) -> int:
    """The exit code that an error stands for."""
    match exc:
        case WrongSettings() | SchemaError():
            return WRONG_SETTINGS
        case ServerUnreachable():
            return UNREACHABLE
        case _:
            return FAILED
