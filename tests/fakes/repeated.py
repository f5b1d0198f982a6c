"""
Events with long messages, references to them, and a POST to a store.
"""

import asyncio
import hashlib
import json
from typing import Any

import httpx2

from collector.api.access import Access
from collector.api.ingest import IngestApp
from collector.storage.protocols import Store
from collector.validation import Redaction
from tests.fakes.posts import NOW_MS

LONG = {"role": "user", "content": "Grüße 𝄞 \u200b \\ \" ' {} % $1 \\1 " + "x" * 1200}
OTHER = {"content": [{"type": "text", "text": "y" * 1200}], "n": 12345678901234567890, "f": 1.5e-7}


def sent(message: dict[str, Any]) -> bytes:
    """As our client writes it."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def sha256_of(message: dict[str, Any]) -> str:
    return hashlib.sha256(sent(message)).hexdigest()


def ref_to(message: dict[str, Any]) -> dict[str, Any]:
    """What a sender puts in a message's place."""
    role = {"role": message["role"]} if "role" in message else {}
    return {**role, "ref": f"sha256:{sha256_of(message)}"}


def started(name: str, *messages: Any, at_ms: int = NOW_MS, **fields: Any) -> dict[str, Any]:
    event = {"type": "text:request:started", "eventId": f"{name}-1", "timestamp": at_ms, "requestId": name}
    return {**event, "provider": "openai", **fields, "messages": list(messages), "messageCount": len(messages)}


def ended(name: str, *, at_ms: int = NOW_MS) -> dict[str, Any]:
    return {"type": "text:request:completed", "eventId": f"{name}-2", "timestamp": at_ms, "requestId": name, "duration": 5}


def body_of(*events: dict[str, Any], store: str | None = None) -> bytes:
    named = {} if store is None else {"store": store}
    resource = {"service.name": "agent", "telemetry.sdk.name": "hookline-py"}
    return json.dumps({"resource": resource, **named, "events": events}, ensure_ascii=False, separators=(",", ":")).encode()


def post(
    store: Store, *events: dict[str, Any], name: str | None = None, redaction: Redaction | None = None, now_ms: int = NOW_MS
) -> dict[str, Any]:
    """One POST over ASGI: the answer's JSON."""
    app = IngestApp(store, Access(store, host="127.0.0.1"), lambda: now_ms, redaction=redaction)

    body, headers = body_of(*events, store=name), {"content-type": "application/json"}

    async def ask() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
            return await client.post("/v1/events", content=body, headers=headers)

    return asyncio.run(ask()).json()
