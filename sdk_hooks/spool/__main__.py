"""
The spool by hand: `python -m sdk_hooks.spool list | send | forget`.

Flow: shell -> **this** -> sending, forgetting.
Settings are the client's: HOOKLINE_URL, HOOKLINE_API_KEY, HOOKLINE_PROJECT, HOOKLINE_SPOOL_DIR.
"""

import argparse
import sys
from time import time

from sdk_hooks.config import Config
from sdk_hooks.loss_counts import Losses
from sdk_hooks.spool.destination import Destination, key_tag, plain_url
from sdk_hooks.spool.forgetting import forget
from sdk_hooks.spool.reading import Reader
from sdk_hooks.spool.segments import claim, list_segments
from sdk_hooks.spool.sending import send_all
from sdk_hooks.transport import HttpTransport


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done. 1: not all of it. 2: called wrongly."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    config = Config()
    folder = asked.folder or config.delivery().spool_dir or config.spool_folder()
    if folder is None:
        parser.error("there is no home directory: set HOOKLINE_SPOOL_DIR")
    if asked.command == "send":
        return _send(config, folder, asked.any_key)
    if asked.command == "forget":
        if not (asked.user_id or asked.session_id or asked.client_id):
            parser.error("say whose events: --user-id, --session-id or --client-id")
        return _forget(folder, asked)
    return _list(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sdk_hooks.spool", description="Events on disk that no collector has yet.")
    parser.add_argument("--folder", help="the spool; HOOKLINE_SPOOL_DIR or ~/.hookline/spool unless given")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="files, how many events wait in them, and for which collector")
    send = commands.add_parser("send", help="deliver what ended processes left, with the key of HOOKLINE_API_KEY")
    send.add_argument("--any-key", action="store_true", help="also what was recorded under another key or project")
    away = commands.add_parser("forget", help="remove the events of a user, session or client")
    away.add_argument("--user-id")
    away.add_argument("--session-id")
    away.add_argument("--client-id")
    return parser


def _list(folder: str) -> int:
    for found in list_segments(folder):
        try:
            segment = claim(found.path)
        except FileNotFoundError:
            continue
        age_s = max(0.0, time() - found.changed_s)
        if segment is None:
            _say(f"{found.path}  {found.bytes} bytes  {age_s:.0f} s old  held by a running process")
            continue
        waiting = Reader(segment, Losses()).waiting()
        _say(f"{found.path}  {found.bytes} bytes  {age_s:.0f} s old  {waiting} events for {segment.about.get('url')}")
        segment.close()
    return 0


def _send(config: Config, folder: str, any_key: bool) -> int:
    settings = config.delivery()
    here = Destination(
        plain_url(settings.url),
        config.values.get("project"),
        config.environment.get("OTEL_SERVICE_NAME"),
        key_tag(settings.api_key),
    )
    transport = HttpTransport(settings.url, settings.api_key)
    try:
        sent = send_all(
            folder, settings, transport, lambda about: here.takes(about) or (any_key and here.url == about.get("url"))
        )
    finally:
        transport.close()
    _say(f"{sent.event_count} events sent to {here.url}")
    for reason, count in sent.lost.items():
        _say(f"{count} events lost: {reason}")
    if sent.why:
        _say(f"the collector does not take the rest: {sent.why}")
    return 1 if sent.why or sent.lost else 0


def _forget(folder: str, asked: argparse.Namespace) -> int:
    done = forget(folder, user_id=asked.user_id, session_id=asked.session_id, client_id=asked.client_id)
    _say(f"{done.event_count} events removed from {done.changed_files} files")
    if done.held_files:
        _say(f"{done.held_files} files are held by running processes or not ours: let those deliver or end, then ask again")
    return 1 if done.held_files else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
