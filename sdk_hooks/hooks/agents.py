"""
Hook the openai-agents SDK (its import package is `agents`): runs, model calls, tools, handoffs, guardrails.

Flow: host -> Runner.run(agent, …) -> **this hook** -> recorder.
A run begins at a class method, not at an object of the host's: the runner and a few other places are covered as soon as
something is to be recorded, and what passes them is recorded if its agent, run config, model or provider was asked for, or it
happens inside a recorded run. No object of the host's is changed, and the SDK's own tracing is left alone. Facts checked with
openai-agents 0.24.
"""

import sys
from typing import Any

from sdk_hooks.config import Layer
from sdk_hooks.hooks.agents_asked import ASKED
from sdk_hooks.hooks.agents_places import hold_everything, hold_model, release_everything


def instrument(client: Any, layer: Layer) -> bool:
    """An Agent or a RunConfig: the runs with it. A Model or a ModelProvider: its calls. The module `agents`: everything."""
    agents = _sdk()
    if agents is None:
        return False
    if client is agents:
        instrument_all(layer)
        return True
    if not isinstance(client, (agents.Agent, agents.RunConfig, agents.Model, agents.ModelProvider)):
        return False
    ASKED.add(client, layer)
    hold_everything()
    if isinstance(client, agents.Model):
        hold_model(client)
    return True


def uninstrument(client: Any) -> bool:
    if client is _sdk() and client is not None:
        uninstrument_all()
        return True
    if not ASKED.remove(client):
        return False
    if ASKED.is_empty():
        release_everything()
    return True


def instrument_all(layer: Layer) -> None:
    import agents

    # A host may have a package of this name of its own.
    if hasattr(agents, "Runner") and hasattr(agents, "ModelProvider"):
        ASKED.everything = layer
        hold_everything()


def uninstrument_all() -> None:
    ASKED.clear()
    release_everything()


def _sdk() -> Any:
    found = sys.modules.get("agents")
    return found if hasattr(found, "Runner") and hasattr(found, "ModelProvider") else None
