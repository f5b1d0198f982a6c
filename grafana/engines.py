"""
The two databases that the dashboards read, and what differs between them.

Flow: boards, alerts (one definition) -> **Engine** -> a query as the datasource's plugin wants it.
The SQL itself is the same on both; only "now", a look into JSON and the names of the plugin's fields are not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

Shape = Literal["table", "series"]

NOW_MS = ":now_ms"
"""Stands in SQL for the present, as Unix milliseconds."""
_ATTRIBUTE = re.compile(r":attribute\(([\w.]+)\)")
"""Stands in SQL for a member of the JSON column `attributes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One database engine as Grafana knows it."""

    name: str
    title: str
    plugin: str
    now_ms: str
    attribute: str
    series_name: str | None
    """How a series is named that comes as (time, metric, value): PostgreSQL's plugin does it by itself."""

    @property
    def datasource_uid(self) -> str:
        """The uid under which the datasource is provisioned."""
        return f"hookline-{self.name}"

    @property
    def datasource(self) -> DataSourceRef:
        """What a panel says of its datasource."""
        return DataSourceRef(type_val=self.plugin, uid=self.datasource_uid)

    def sql(self, text: str) -> str:
        """The SQL with what differs filled in."""
        return _ATTRIBUTE.sub(lambda found: self.attribute.format(found[1]), text).replace(NOW_MS, self.now_ms).strip()

    def query(self, text: str, shape: Shape = "table") -> dict[str, Any]:
        """The query as JSON, without its refId."""
        sql = self.sql(text)
        if self.plugin == SQLITE.plugin:
            kind = "table" if shape == "table" else "time series"
            return {"queryText": sql, "rawQueryText": sql, "queryType": kind, "timeColumns": ["time"]}
        return {"rawSql": sql, "rawQuery": True, "editorMode": "code", "format": "table" if shape == "table" else "time_series"}


class Query(Dataquery):
    """A query of a datasource for which the SDK has no builder: its JSON, as it is."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def to_json(self) -> dict[str, Any]:
        """What stands in the dashboard."""
        return self._fields


class Target(Builder[Dataquery]):
    """What a panel's builder takes."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def build(self) -> Dataquery:
        """The query."""
        return Query(self._fields)


POSTGRESQL = Engine(
    name="postgresql",
    title="PostgreSQL",
    plugin="grafana-postgresql-datasource",
    now_ms="CAST(extract(epoch FROM now()) * 1000 AS bigint)",
    attribute="attributes::json ->> '{}'",
    series_name=None,
)
SQLITE = Engine(
    name="sqlite",
    title="SQLite",
    plugin="frser-sqlite-datasource",
    now_ms="CAST((julianday('now') - 2440587.5) * 86400000 AS bigint)",
    attribute="json_extract(attributes, '$.\"{}\"')",
    series_name="${__field.labels.metric}",
)
ENGINES = (POSTGRESQL, SQLITE)
