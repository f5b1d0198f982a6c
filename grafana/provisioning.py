"""
What Grafana reads at its start: datasources, where the dashboards are, alert rules. One folder for each engine.

Flow: engines, alerts -> **YAML** -> grafana/provisioning/<engine>/. A `$` stands as `$$`: Grafana would take it for a variable.
"""

from typing import Any

import yaml

from grafana.alerts import ALERTS, Alert
from grafana.columns import JAEGER, TEMPO
from grafana.engines import POSTGRESQL, Engine
from grafana.panels import PROMETHEUS_UID

HEADER = "# Written by grafana/generate.py: change that, then `make gen`.\n"
EXPRESSION = "__expr__"


def datasources(engine: Engine) -> str:
    """The database, the trace backends and Prometheus."""
    traces_to_sql = {"timeInterval": "15s"}
    return _yaml(
        {
            "apiVersion": 1,
            "datasources": [
                _database(engine),
                _source(TEMPO["name"], "tempo", TEMPO["uid"], "http://tempo:3200"),
                _source(JAEGER["name"], "jaeger", JAEGER["uid"], "http://jaeger:16686"),
                _source("Prometheus", "prometheus", PROMETHEUS_UID, "http://prometheus:9090", jsonData=traces_to_sql),
            ],
        }
    )


def _database(engine: Engine) -> dict[str, Any]:
    name = f"hookline ({engine.title})"
    if engine is not POSTGRESQL:
        options = {"path": "/hookline/hookline.db", "pathPrefix": "file:", "pathOptions": "mode=ro&_pragma=busy_timeout(5000)"}
        return _source(name, engine.plugin, engine.datasource_uid, None, isDefault=True, jsonData=options)
    options = {"database": "hookline", "sslmode": "disable", "postgresVersion": 1500, "maxOpenConns": 5, "timescaledb": False}
    secret = {"password": "${HOOKLINE_READER_PASSWORD}"}
    more = {"isDefault": True, "user": "hookline_reader", "jsonData": options, "secureJsonData": secret}
    return _source(name, engine.plugin, engine.datasource_uid, "postgres:5432", **more)


def _source(name: str, kind: str, uid: str, url: str | None, **more: Any) -> dict[str, Any]:
    address = {"url": url} if url else {}
    return {"name": name, "type": kind, "uid": uid, "access": "proxy", "editable": False, **address, **more}


def dashboards(engine: Engine) -> str:
    """Where the dashboards are, and the folder they are shown in."""
    provider = {
        "name": f"hookline-{engine.name}",
        "type": "file",
        "folder": "hookline",
        "folderUid": "hookline",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": "/etc/hookline/dashboards"},
    }
    return _yaml({"apiVersion": 1, "providers": [provider]})


def alerting(engine: Engine) -> str:
    """The alert rules, evaluated each minute."""
    rules = [_rule(alert, engine) for alert in ALERTS]
    group = {"orgId": 1, "name": "hookline", "folder": "hookline", "interval": "1m", "rules": rules}
    return _yaml({"apiVersion": 1, "groups": [group]}).replace("$", "$$")


def _rule(alert: Alert, engine: Engine) -> dict[str, Any]:
    source = {"type": engine.plugin, "uid": engine.datasource_uid}
    query = {"refId": "A", "datasource": source, **engine.query(alert.sql)}
    evaluator = {"type": "gt", "params": [alert.threshold]}
    above = {
        "refId": "B",
        "type": "threshold",
        "datasource": {"type": EXPRESSION, "uid": EXPRESSION},
        "expression": "A",
        "conditions": [{"type": "query", "evaluator": evaluator}],
    }
    # SQL has its own time range; Grafana asks for one all the same.
    asked = {"from": 3600, "to": 0}
    return {
        "uid": f"{alert.uid}-{engine.name}",
        "title": alert.title,
        "condition": "B",
        "for": alert.lasts,
        "noDataState": "OK",
        "execErrState": "Error",
        "labels": {"severity": alert.severity, "product": "hookline"},
        "annotations": {"summary": alert.summary, "description": alert.description},
        "data": [
            {"refId": "A", "datasourceUid": engine.datasource_uid, "relativeTimeRange": asked, "model": query},
            {"refId": "B", "datasourceUid": EXPRESSION, "relativeTimeRange": asked, "model": above},
        ],
    }


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as it is, so that SQL can be read."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)


def _yaml(value: Any) -> str:
    return HEADER + yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=200)
