"""
An application as its servers import it: every request, task or cell makes one call of a model. Run by check_hosts.py.

Flow: gunicorn, uvicorn, Celery, a kernel -> **host_app** -> openai's clients -> the demo's provider.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from celery import Celery  # pyright: ignore[reportMissingImports]
from openai import AsyncOpenAI, OpenAI

from sdk_hooks import instrument, session

PROVIDER_URL = os.environ["HOST_PROVIDER_URL"]

instrument()
client = OpenAI(base_url=PROVIDER_URL, api_key="any")


def ask(name: str) -> str:
    """One chat call, found by its thread id."""
    with session(thread_id=name):
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": name}])
    return answer.choices[0].message.content or ""


async def ask_streaming(name: str) -> str:
    """The same call, streamed by the client for event loops."""
    said = ""
    async with AsyncOpenAI(base_url=PROVIDER_URL, api_key="any") as waiting:
        with session(thread_id=name):
            stream = await waiting.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": name}], stream=True
            )
        async for chunk in stream:
            said += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    return said


def wsgi(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """For gunicorn's own workers: the path is the name."""
    said = ask(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [said.encode()]


async def asgi(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """For uvicorn's workers: a stream and a call in a thread take turns."""
    if scope["type"] != "http":
        return
    name = scope["path"].strip("/")
    said = await (ask_streaming(name) if name[-1] in "02468" else asyncio.to_thread(ask, name))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": said.encode()})


tasks = Celery("host", broker="filesystem://")
tasks.conf.update(
    broker_transport_options={
        "data_folder_in": os.environ.get("HOST_QUEUE", "."),
        "data_folder_out": os.environ.get("HOST_QUEUE", "."),
        "control_folder": os.environ.get("HOST_QUEUE", ".") + "/control",
    },
    worker_hijack_root_logger=False,
    worker_max_tasks_per_child=5,
)


@tasks.task(name="ask")
def ask_task(name: str) -> None:
    """For Celery's workers, each of which is replaced after five tasks."""
    ask(name)
    (Path(os.environ["HOST_QUEUE"]) / f"{name}.done").touch()


if os.environ.get("HOST_CALLS_AT_IMPORT"):
    ask("at-import")
