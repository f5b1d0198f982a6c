"""
The fields that every event of a call has from its settings, and those of an error.

Flow: recorder, toolrun -> **fields**. Pure.
"""

from sdk_hooks.config import CallSettings, Event


def settings_fields(settings: CallSettings, run_id: str | None) -> Event:
    """Who and in which conversation. What is not known is left out. Not to be changed: the next event gets the same."""
    global _last
    last = _last
    # The events of a call, and mostly those of the next one, have the same settings.
    if last is not None and last[0] is settings and last[1] == run_id:
        return last[2]
    fields = _read(settings, run_id)
    _last = (settings, run_id, fields)
    return fields


_last: tuple[CallSettings, str | None, Event] | None = None


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
