"""
grafana/compose.yaml, as docker-compose understands it. No image is pulled and nothing is started.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.tools import run, tool

ROOT = Path(__file__).parents[2]
KEY = "0123456789abcdef0123456789abcdef"
ENDS_BY_ITSELF = {"reader", "tempo-folder"}
PROFILES = {
    "jaeger": {"collector-sqlite", "jaeger"},
    "full": {"collector", "postgres", "reader", "tempo-folder", "tempo", "prometheus", "grafana"},
}


def config(*profiles: str, key: str | None = KEY) -> tuple[int, str]:
    """`docker-compose config`: exit code and what it says."""
    command = tool("docker-compose", "Debian's docker-compose")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOOKLINE_", "COMPOSE_"))}
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    env = kept | ({"HOOKLINE_API_KEY": key} if key is not None else {})
    return run(command, "-f", "grafana/compose.yaml", *chosen, "config", cwd=ROOT, env=env)


@cache
def services(profile: str) -> dict[str, Any]:
    """The services of a profile, everything filled in."""
    code, said = config(profile)
    assert 0 == code, said
    everything: dict[str, Any] = yaml.safe_load(said)["services"]
    return {name: service for name, service in everything.items() if profile in service["profiles"]}


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_has_its_services(profile: str) -> None:
    """
    Who depends on whom stays within the profile.
    """
    found = services(profile)

    assert set(found) == PROFILES[profile]
    assert [] == [name for name, service in found.items() if not set(service.get("depends_on", {})) <= set(found)]


@pytest.mark.parametrize(("profile", "key"), [("jaeger", None), ("full", "")])
def test_nothing_starts_without_a_key(profile: str, key: str | None) -> None:
    """
    Without HOOKLINE_API_KEY, or with an empty one, it says what to set.
    """
    code, said = config(profile, key=key)

    assert 0 != code
    assert "HOOKLINE_API_KEY" in said
    assert "openssl rand -hex 24" in said


@pytest.mark.parametrize("profile", PROFILES)
def test_ports_are_open_on_this_machine_only(profile: str) -> None:
    """
    Every published port is bound to loopback, and the database has none.
    """
    found = services(profile)
    ports = [str(port) for service in found.values() for port in service.get("ports", ())]

    assert ports
    assert [] == [port for port in ports if not port.startswith("127.0.0.1:")]
    assert "ports" not in found.get("postgres", {})


@pytest.mark.parametrize("profile", PROFILES)
def test_images_are_pinned_and_watched(profile: str) -> None:
    """
    Each image has a version, and each service that stays has a health check; the volumes named are declared.
    """
    for name, service in services(profile).items():
        assert re.search(r":(local|v?\d+(\.\d+)*)$", service["image"]), name
        assert name in ENDS_BY_ITSELF or service["healthcheck"]["test"], name


@pytest.mark.parametrize("profile", PROFILES)
def test_mounted_files_exist(profile: str) -> None:
    """
    What a service takes from the checkout is there, and it cannot write it.
    """
    mounts = [mount for service in services(profile).values() for mount in service.get("volumes", ()) if mount.startswith("/")]

    assert [] == [mount for mount in mounts if not Path(mount.split(":")[0]).exists() or not mount.endswith(":ro")]
    assert mounts or profile == "jaeger"


def test_tempo_is_set_up_for_late_spans(grafana_folder: Path) -> None:
    """
    A drained backlog is found by search too, the receivers are reachable, and nothing is reported home.
    """
    tempo = yaml.safe_load((grafana_folder / "tempo.yaml").read_text())

    assert {"query_end_cutoff": "5s", "search": {"query_backend_after": "10s"}} == tempo["query_frontend"]
    assert "10s" == tempo["storage"]["trace"]["blocklist_poll"]
    assert {"0.0.0.0:4317", "0.0.0.0:4318"} == {
        receiver["endpoint"] for receiver in tempo["distributor"]["receivers"]["otlp"]["protocols"].values()
    }
    assert tempo["usage_report"] == {"reporting_enabled": False}
