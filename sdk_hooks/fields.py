"""
The fields that every event of a call has from its settings.

Flow: recorder, toolrun -> **fields**. Pure.
"""

from sdk_hooks.config import CallSettings, Event


def settings_fields(settings: CallSettings, run_id: str | None) -> Event:
    """Who and in which conversation. What is not known is left out."""
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
