"""
Who sends: the host application as an OpenTelemetry resource.

Flow: environment, `configure` -> **resource** -> emitter (once a batch).
Each application becomes a service of its own in Jaeger or Tempo.
"""

import os
import sys
from collections.abc import Mapping

from sdk_hooks.version import VERSION


def describe(environment: Mapping[str, str], deployment: str | None, release: str | None) -> dict[str, str | int]:
    """
    The resource's attributes. OTEL_SERVICE_NAME beats the same name in OTEL_RESOURCE_ATTRIBUTES, ours beat both.

    A sender without a service name sends none: the collector writes `unknown_service`.
    """
    attributes: dict[str, str | int] = dict(read_attributes(environment.get("OTEL_RESOURCE_ATTRIBUTES", "")))
    if service := environment.get("OTEL_SERVICE_NAME"):
        attributes["service.name"] = service
    if deployment:
        attributes["deployment.environment.name"] = deployment
    if release:
        attributes["service.version"] = release
    if hasattr(os, "uname"):
        attributes.setdefault("host.name", os.uname().nodename)
    return attributes | {
        "process.pid": os.getpid(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": ".".join(map(str, sys.version_info[:3])),
        "telemetry.sdk.name": "hookline-py",
        "telemetry.sdk.version": VERSION,
        "telemetry.sdk.language": "python",
    }


def read_attributes(text: str) -> dict[str, str]:
    """`key=value,key=value`, values percent-encoded (OpenTelemetry: resource SDK). A bad pair is left out, the rest holds."""
    from urllib.parse import unquote

    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs if key.strip()}
