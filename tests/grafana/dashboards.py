"""
The dashboards as they are committed, and what of them tests look at.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "grafana"
ENGINES = ("postgresql", "sqlite")


@dataclass(frozen=True, kw_only=True)
class PanelQuery:
    """A panel's SQL."""

    board: str
    panel: dict[str, Any]
    sql: str

    @property
    def name(self) -> str:
        return f"{self.board} / {self.panel['title']}"


@cache
def dashboards(engine: str) -> dict[str, dict[str, Any]]:
    """Dashboard by slug."""
    paths = sorted((FOLDER / "dashboards" / engine).glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Its panels without the headlines."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def sql_of(target: dict[str, Any]) -> str | None:
    """The query's SQL; None for Prometheus."""
    return target.get("rawSql") or target.get("queryText")


def queries(engine: str) -> Iterator[PanelQuery]:
    """The SQL of every panel."""
    for slug, dashboard in dashboards(engine).items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                if (sql := sql_of(target)) is not None:
                    yield PanelQuery(board=slug, panel=panel, sql=sql)
