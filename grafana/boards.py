"""
What a dashboard is: sections of panels in rows of the 24-column grid, and the dashboard's filters.

Flow: board_*.py -> **Board** -> generate. Positions are computed here, so that no two panels can overlap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from grafana.engines import Engine
from grafana.panels import Bars, Metric, Series, Stat, Table
from grafana.queries import ALL, IN_PROJECT, IN_TIME, NONE

GRID_WIDTH = 24
TAG = "hookline"
ANY = models.VariableOption(selected=True, text=["All"], value=["$__all"])

AnyPanel = Stat | Series | Bars | Table | Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A headline and the lines of panels below it; the panels of a line are of one height and fill it."""

    title: str
    lines: Sequence[Sequence[AnyPanel]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard for every engine. `has_call_filters`: provider, model and service, beside the project."""

    slug: str
    title: str
    why: str
    sections: Sequence[Section]
    has_call_filters: bool = True
    since: str = "now-6h"


def build(board: Board, engine: Engine) -> models.Dashboard:
    """The dashboard for one engine. Raises ValueError where a line of panels does not fill the grid."""
    built = dashboard.Dashboard(f"hookline · {board.title}").uid(f"hookline-{engine.name}-{board.slug}")
    built = built.description(board.why).tags([TAG, engine.name]).timezone("browser").readonly()
    built = built.time(board.since, "now").refresh("1m").tooltip(models.DashboardCursorSync.CROSSHAIR)
    built = built.variables(_variables(engine, has_call_filters=board.has_call_filters)).link(_other_boards(engine))
    made = built.build()
    made.panels = list(_placed(board, engine))
    return made


def _placed(board: Board, engine: Engine) -> Iterator[models.Panel | models.RowPanel]:
    panel_id, top = 0, 0
    for section in board.sections:
        panel_id += 1
        grid = models.GridPos(h=1, w=GRID_WIDTH, x=0, y=top)
        yield models.RowPanel(id_val=panel_id, title=section.title, collapsed=False, grid_pos=grid, panels=[])
        top += 1
        for line in section.lines:
            left, height = 0, line[0].height
            if sum(panel.width for panel in line) != GRID_WIDTH or any(panel.height != height for panel in line):
                raise ValueError(f"{board.slug}: the line of {line[0].title!r} does not fill the grid evenly")
            for panel in line:
                panel_id += 1
                grid = models.GridPos(h=height, w=panel.width, x=left, y=top)
                yield panel.build(engine).id(panel_id).grid_pos(grid).build()
                left += panel.width
            top += height


def _variables(engine: Engine, *, has_call_filters: bool) -> list[Any]:
    projects = dashboard.QueryVariable("project").label("Project").description("The project of the sender's key")
    projects = projects.query("SELECT DISTINCT project FROM resources ORDER BY project").datasource(engine.datasource)
    projects = projects.multi(True).include_all(True).current(ANY).refresh(models.VariableRefresh.ON_DASHBOARD_LOAD)
    filters = ("provider", "model", "service") if has_call_filters else ()
    page = dashboard.TextBoxVariable("hookline").label("hookline's page").default_value("http://127.0.0.1:4319")
    page = page.description("Where links to a call lead")
    return [projects, *(_filter(name, engine) for name in filters), page]


def _filter(column: str, engine: Engine) -> Any:
    sql = f"SELECT DISTINCT coalesce({column}, '{NONE}') AS choice FROM calls WHERE {IN_PROJECT} AND {IN_TIME} ORDER BY choice"
    built = dashboard.QueryVariable(column).label(column.capitalize()).query(sql).datasource(engine.datasource)
    built = built.multi(True).include_all(True).current(ANY).refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    # Filled in as it is: the query compares with it, so that what appears later is not left out.
    return built.all_value(f"'{ALL}'")


def _other_boards(engine: Engine) -> Any:
    link = dashboard.DashboardLink("hookline").type(models.DashboardLinkType.DASHBOARDS).tags([TAG, engine.name])
    return link.as_dropdown(True).keep_time(True).include_vars(True)
