"""The host as an OpenTelemetry resource."""

import os

from sdk_hooks.resource import describe, read_attributes


def test_own_settings_beat_the_standard_variables():
    """OTEL_SERVICE_NAME beats OTEL_RESOURCE_ATTRIBUTES; ours beat both; the rest is kept."""
    environment = {
        "OTEL_SERVICE_NAME": "checkout",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,service.version=1,deployment.environment.name=dev,team=a%20b",
    }
    found = describe(environment, "prod", "git-7")

    assert ("checkout", "git-7", "prod", "a b") == (
        found["service.name"],
        found["service.version"],
        found["deployment.environment.name"],
        found["team"],
    )
    assert ("hookline-py", os.getpid()) == (found["telemetry.sdk.name"], found["process.pid"])


def test_unknown_service_is_left_to_the_collector():
    """No name, no invention."""
    assert "service.name" not in describe({}, None, None)


def test_bad_pairs_are_left_out():
    """The good ones count."""
    assert {"a": "1", "b": "x=y"} == read_attributes("a=1,,nonsense,=2, b = x=y ")
