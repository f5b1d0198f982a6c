"""
The fields that every event of a call has from its settings, and those of an error.

Flow: recorder, toolrun -> **fields**. Pure.
"""

from typing import NamedTuple

from sdk_hooks.config import CallSettings, Event
from sdk_hooks.heads import members


def settings_fields(settings: CallSettings, run_id: str | None) -> Event:
    """Who and in which conversation. What is not known is left out. Not to be changed: the next event gets the same."""
    return _said_by(settings, run_id).fields


def call_members(
    settings: CallSettings, run_id: str | None, provider: str | None, model: str | None, streaming: bool | None
) -> str:
    """The same, and what is called, as members of a JSON object; remembered, for a host calls few models."""
    said = _said_by(settings, run_id)
    key = provider, model, streaming
    try:
        known = said.members.get(key)
    except TypeError:
        # A host may have asked for anything.
        key, known = None, None
    if known is None:
        known = members({"provider": provider, "model": model, "streaming": streaming, **said.fields})
        if key is not None and len(said.members) < MOST_MODELS:
            said.members[key] = known
    return known


MOST_MODELS = 1_000


class _Said(NamedTuple):
    settings: CallSettings
    run_id: str | None
    fields: Event
    members: dict[tuple[str | None, str | None, bool | None], str]


_last: _Said | None = None


def _said_by(settings: CallSettings, run_id: str | None) -> _Said:
    global _last
    last = _last
    # The events of a call, and mostly those of the next one, have the same settings.
    if last is None or last[0] is not settings or last[1] != run_id:
        _last = last = _Said(settings, run_id, _read(settings, run_id), {})
    return last


def _read(settings: CallSettings, run_id: str | None) -> Event:
    fields: Event = {
        "source": "server",
        "clientId": settings.client_id,
        "project": settings.project,
        "threadId": settings.thread_id,
        "runId": run_id,
        "sessionId": settings.session_id,
        "userId": settings.user_id,
    }
    return {name: value for name, value in fields.items() if value is not None}


def error_fields(error: BaseException | None, name: str | None, message: str | None) -> dict[str, str]:
    """Name and message of an error. An exception that can't say what it is must not keep its call from ending."""
    if message is None:
        try:
            message = str(error)
        except Exception:
            message = ""
    return {"name": name or type(error).__name__, "message": message}
