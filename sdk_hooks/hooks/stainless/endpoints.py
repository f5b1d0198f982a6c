"""
What a hook says of its SDK: the paths that are calls of a model, and how their answers read.

Flow: `client.request` -> **endpoint** -> recorder.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sdk_hooks.hooks.stainless.answers import Answer
from sdk_hooks.hooks.stainless.notes import Notes
from sdk_hooks.recorder import Call, Shape


def no_bytes(content: bytes, content_type: str) -> Answer | None:
    """For answers that are JSON or nothing."""
    return None


def no_failure(content: bytes) -> tuple[str, str] | None:
    """For answers that nobody reads raw, or that can't have failed."""
    return None


class Endpoint(NamedTuple):
    """
    One path. `end` reads a whole answer and ends the call, `notes` follow a stream of it, `read_bytes` reads what is no JSON.
    """

    shape: Shape
    end: Callable[[Call, Any], None]
    notes: Callable[[Call], Notes]
    read_bytes: Callable[[bytes, str], Answer | None] = no_bytes
    reads_path: bool = False
    """Whether `shape` wants to know the path, as `stainless.requests.PATH`."""
    failure: Callable[[bytes], tuple[str, str] | None] = no_failure
    """Name and message of the error that a whole raw answer says, though the HTTP status is a good one."""


def nothing() -> None:
    """For SDKs that leave out of a request what was not given."""


Find = Callable[[str, str], "Endpoint | None"]
"""HTTP method and path -> what kind of call it is, where the path alone doesn't say it."""


def nowhere(method: str, path: str) -> Endpoint | None:
    """For SDKs whose calls all have a fixed path."""
    return None


class Sdk(NamedTuple):
    """
    `endpoints` by path, of POST. `find` knows the others. What neither has is not recorded: files, models, batches and the like
    are no calls of a model.

    `last_frames` are what a streamed body has in it when it is whole, `failed_frames` what it has when it failed.
    """

    name: str
    endpoints: Mapping[str, Endpoint]
    provider_of: Callable[[Any], str]
    last_frames: tuple[bytes, ...]
    failed_frames: Mapping[bytes, str]
    """Frame -> the error's name."""
    find: Find = nowhere
    omitted: Callable[[], Any] = nothing
    """What a request has in the place of every argument that was not given, if it has anything; asked once a client."""
