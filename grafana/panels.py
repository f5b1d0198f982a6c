"""
The kinds of panels: what a board says of one, and how it becomes Grafana's JSON.

Flow: boards -> **Stat, Series, Bars, Table, Metric** -> generate. A board says what a panel is for; how it looks is decided here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana_foundation_sdk.builders import barchart, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from grafana.columns import KNOWN, Column, described
from grafana.engines import Engine, Target

PROMETHEUS_UID = "prometheus"
MIN_INTERVAL = "15s"

Steps = Sequence[tuple[float, str]]
"""From which value on which color; below the first it is green."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What all have. `why` becomes the description."""

    title: str
    why: str
    width: int
    height: int = 8
    unit: str = "short"
    decimals: int | None = None
    steps: Steps = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(Panel):
    """One row of figures, shown large; `names` says what the columns are called where there are several."""

    sql: str
    height: int = 4
    names: Mapping[str, str] = field(default_factory=dict[str, str])

    def build(self, engine: Engine) -> Any:
        """The builder."""
        panel = stat.Panel().graph_mode(common_models.BigValueGraphMode.NONE).color_mode(_color_mode(self.steps))
        panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        panel = panel.orientation(common_models.VizOrientation.AUTO).no_value("–")
        for name, title in self.names.items():
            panel = panel.override_by_name(name, [models.DynamicConfigValue("displayName", title)])
        return _with_sql(_dressed(panel, self), self.sql, engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Panel):
    """
    A measure over time: columns `time` and one for each series, or `time`, `metric`, `value`.

    `is_count`: bars on top of each other, because counts in an interval add up; else lines.
    """

    sql: str
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    colors: Mapping[str, str] = field(default_factory=dict[str, str])
    is_count: bool = False
    has_metric: bool = False

    def build(self, engine: Engine) -> Any:
        """The builder."""
        panel = _over_time(self, is_count=self.is_count).interval(MIN_INTERVAL)
        if self.has_metric and engine.series_name:
            panel = panel.display_name(engine.series_name)
        for name, title in self.names.items():
            panel = panel.override_by_name(name, [models.DynamicConfigValue("displayName", title)])
        for name, color in self.colors.items():
            fixed = {"mode": "fixed", "fixedColor": color}
            panel = panel.override_by_name(name, [models.DynamicConfigValue("color", fixed)])
        return _with_sql(panel, self.sql, engine, is_series=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Panel):
    """What the collector tells of itself at /metrics: (expression, legend)."""

    series: Sequence[tuple[str, str]]
    is_count: bool = False

    def build(self, engine: Engine) -> Any:
        """The builder; the same for every engine."""
        panel = _over_time(self, is_count=self.is_count)
        panel = panel.datasource(common_models.DataSourceRef(type_val="prometheus", uid=PROMETHEUS_UID))
        for n, (expression, legend) in enumerate(self.series):
            target = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + n)).range()
            panel = panel.with_target(target)
        return panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    """Counts by class, in the order of the query: columns `class` and `calls`."""

    sql: str

    def build(self, engine: Engine) -> Any:
        """The builder."""
        panel = barchart.Panel().x_field("class").orientation(common_models.VizOrientation.HORIZONTAL)
        panel = panel.legend(common.VizLegendOptions().show_legend(False)).fill_opacity(70)
        panel = panel.show_value(common_models.VisibilityMode.AUTO)
        return _with_sql(_dressed(panel, self), self.sql, engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """Rows; the columns are those of the query, in its order, each known by name or given in `own`."""

    sql: str
    columns: tuple[str, ...]
    own: tuple[Column, ...] = ()
    sorted_by: str | None = None

    def build(self, engine: Engine) -> Any:
        """The builder."""
        known = KNOWN | {column.name: column for column in self.own}
        columns = [known[name] for name in self.columns]
        panel = table.Panel().cell_height(common_models.TableCellHeight.SM).show_header(True).filterable(True)
        for column in columns:
            panel = panel.override_by_name(column.name, column.properties())
        if self.sorted_by:
            order = common.TableSortByFieldState().display_name(known[self.sorted_by].title).desc(True)
            panel = panel.sort_by([order])
        panel = _dressed(panel, self).description(f"{self.why}\n\n{described(columns)}")
        return _with_sql(panel, self.sql, engine)


def _over_time(panel: Panel, *, is_count: bool) -> Any:
    built = _dressed(timeseries.Panel(), panel).legend(
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    built = built.tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)).axis_soft_min(0)
    if not is_count:
        return built.draw_style(common_models.GraphDrawStyle.LINE).line_width(1).fill_opacity(8).span_nulls(False)
    stacked = common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
    return built.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(70).line_width(0).stacking(stacked)


def _dressed(builder: Any, panel: Panel) -> Any:
    builder = builder.title(panel.title).description(panel.why).unit(panel.unit)
    if panel.decimals is not None:
        builder = builder.decimals(panel.decimals)
    steps = [models.Threshold(color="green"), *(models.Threshold(value=value, color=color) for value, color in panel.steps)]
    thresholds = dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
    return builder.thresholds(thresholds)


def _color_mode(steps: Steps) -> common_models.BigValueColorMode:
    # Without thresholds green would claim that all is well.
    return common_models.BigValueColorMode.VALUE if steps else common_models.BigValueColorMode.NONE


def _with_sql(builder: Any, sql: str, engine: Engine, *, is_series: bool = False) -> Any:
    source = {"type": engine.plugin, "uid": engine.datasource_uid}
    fields = {"refId": "A", "datasource": source, **engine.query(sql, "series" if is_series else "table")}
    return builder.datasource(engine.datasource).with_target(Target(fields))
