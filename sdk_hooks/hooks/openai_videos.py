"""
openai's videos: jobs that are asked for, polled and fetched.

Flow: `client.request` -> **endpoint** -> recorder, as `video:request:*`.
A video is no stream but a job: `create` (and `edit`, `extend`, `remix`) begins it, each `retrieve` is a poll, `download_content`
fetches what was made. Each is a call, and the collector puts the calls of one job into one trace. Deleting and listing are none.
"""

import json
import re
from typing import Any

from sdk_hooks.hooks.openai_answers import completed
from sdk_hooks.hooks.openai_notes import MediaNotes, provider_error
from sdk_hooks.hooks.stainless.answers import Answer, Event, get
from sdk_hooks.hooks.stainless.asked import items, mapping, options, renamed
from sdk_hooks.hooks.stainless.endpoints import Endpoint
from sdk_hooks.hooks.stainless.requests import FILES, PATH
from sdk_hooks.recorder import Call, Shape

CREATING = re.compile(r"/videos(?:/(?:edits|extensions|[^/]+/remix))?")
JOB = re.compile(r"/videos/(?P<job>[^/]+)(?P<content>/content)?")
FAILED = re.compile(rb'"status"\s*:\s*"failed"')
STATUS = {"queued": "pending", "in_progress": "processing"}
SAID = ("model", "prompt", "size", "seconds", "input_reference", "video", FILES, PATH)


def find(method: str, path: str) -> Endpoint | None:
    """Which of a video's calls it is."""
    if not path.startswith("/videos"):
        return None
    if method == "post":
        return _CREATE if CREATING.fullmatch(path) else None
    found = JOB.fullmatch(path) if method == "get" else None
    if found is None:
        return None
    return _FETCH if found["content"] else _POLL


def _started(request: Any) -> Event:
    asked = mapping(request)
    fields: Event = {"requestType": "create"} | renamed(asked, {"prompt": "prompt", "size": "size"})
    seconds = str(asked.get("seconds") or "")
    if seconds.isdigit():
        fields["duration"] = int(seconds)
    if items(asked.get(FILES)) or asked.get("input_reference"):
        fields["imageInputCount"] = 1
    return fields | options(asked, SAID)


def _started_status(request: Any) -> Event:
    return {"requestType": "status"} | _job(request)


def _started_url(request: Any) -> Event:
    return {"requestType": "url"} | _job(request)


def _job(request: Any) -> Event:
    found = JOB.fullmatch(str(mapping(request).get(PATH)))
    return {} if found is None else {"jobId": found["job"]}


def _end_job(call: Call, video: Any) -> None:
    status = get(video, "status")
    fields: Event = {"jobId": get(video, "id"), "status": STATUS.get(status, status), "progress": get(video, "progress")}
    fields |= {"responseModel": get(video, "model"), "size": get(video, "size")}
    answer = Answer({name: value for name, value in fields.items() if value is not None}, None)
    if status == "failed":
        name, message = provider_error(get(video, "error"))
        call.fail(name=name, message=message, response=answer)
    else:
        call.complete(answer)


def _end_fetch(call: Call, binary: Any) -> None:
    response = get(binary, "response") or binary
    call.complete(_fetched(response.content, response.headers.get("content-type") or ""))


def _fetched(content: bytes, content_type: str) -> Answer | None:
    """The size only: a film is too large for an event, and the job's id says where it is."""
    return Answer({"contentType": content_type, "bytes": len(content)}, None)


def _failure(content: bytes) -> tuple[str, str] | None:
    """`poll` reads raw answers: a job that failed has no exception there. Looked for before it is parsed."""
    return provider_error(json.loads(content).get("error")) if FAILED.search(content) else None


_CREATE = Endpoint(Shape("video", _started, completed), _end_job, MediaNotes, reads_path=True, failure=_failure)
_POLL = Endpoint(Shape("video", _started_status, completed), _end_job, MediaNotes, reads_path=True, failure=_failure)
_FETCH = Endpoint(Shape("video", _started_url, completed), _end_fetch, MediaNotes, _fetched, reads_path=True)
