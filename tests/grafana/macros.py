"""
Fill in what Grafana fills in: the dashboard's variables, the time range, the interval.
"""

import re
import time
from collections.abc import Mapping, Sequence

from grafana.queries import ALL

ALL_CHOSEN = f"'{ALL}'"
INTERVAL_MS = 60_000
HOUR_MS = 3_600_000

_LIST = re.compile(r"\$\{(\w+):sqlstring\}")


def filled_in(sql: str, chosen: Mapping[str, Sequence[str]] | None = None) -> str:
    """The SQL as the database gets it; `chosen` names values, a filter that is not in it is at All."""
    now_ms = int(time.time() * 1000)
    values = {"project": ["default"], **(chosen or {})}

    def quoted(found: re.Match[str]) -> str:
        names = values.get(found[1])
        return ALL_CHOSEN if names is None else ",".join("'" + name.replace("'", "''") + "'" for name in names)

    text = _LIST.sub(quoted, sql)
    for macro, value in {"$__interval_ms": INTERVAL_MS, "$__from": now_ms - HOUR_MS, "$__to": now_ms + HOUR_MS}.items():
        text = text.replace(macro, str(value))
    return text
