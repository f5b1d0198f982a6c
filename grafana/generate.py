"""
Writes what is generated for Grafana; with `--check` says what is out of date instead.

    python -m grafana.generate [--check]

Flow: boards, alerts -> **files** -> Grafana's provisioning. One definition, a set of files for each engine. `make gen` runs it.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import board_errors, board_health, board_latency, board_overview, board_tokens, board_tools, provisioning
from grafana.boards import Board, build
from grafana.engines import ENGINES, Engine

FOLDER = Path(__file__).parent

BOARDS: Sequence[Board] = (
    board_overview.BOARD,
    board_latency.BOARD,
    board_tokens.BOARD,
    board_tools.BOARD,
    board_errors.BOARD,
    board_health.BOARD,
)


def dashboard_text(board: Board, engine: Engine) -> str:
    """The dashboard's JSON."""
    plain = json.loads(json.dumps(build(board, engine), cls=JSONEncoder))
    _drop_what_the_schema_lacks(plain)
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def _drop_what_the_schema_lacks(dashboard: dict[str, Any]) -> None:
    """The SDK writes members that Grafana 13.0's schema has no more; the type check in tests/grafana finds them."""
    for variable in dashboard["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):
            variable.pop(name, None)
    for panel in dashboard["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)


GENERATED: Mapping[str, Callable[[], str]] = {
    **{
        f"dashboards/{engine.name}/{board.slug}.json": partial(dashboard_text, board, engine)
        for engine in ENGINES
        for board in BOARDS
    },
    **{
        f"provisioning/{engine.name}/{kind}/hookline.yaml": partial(make, engine)
        for engine in ENGINES
        for kind, make in (
            ("datasources", provisioning.datasources),
            ("dashboards", provisioning.dashboards),
            ("alerting", provisioning.alerting),
        )
    },
}


def stale_files() -> list[str]:
    """Which files are not what the code says now; also files that nothing generates any more."""
    changed = [name for name, make in GENERATED.items() if _current(FOLDER / name) != make()]
    found = [path for kind in ("dashboards", "provisioning") for path in (FOLDER / kind).rglob("*") if path.is_file()]
    return changed + sorted(name for path in found if (name := path.relative_to(FOLDER).as_posix()) not in GENERATED)


def main(arguments: list[str]) -> int:
    """Write what is stale, or with `--check` name it and fail."""
    stale = stale_files()
    if "--check" in arguments:
        for name in stale:
            print(f"grafana/{name} is out of date: run `make gen` and commit it", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        path = FOLDER / name
        if name not in GENERATED:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(GENERATED[name](), encoding="utf-8")
        print(f"wrote grafana/{name}")
    return 0


def _current(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
