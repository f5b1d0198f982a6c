"""
Trace and span ids that follow from what they name, so that assembling again gives the same ones.

Flow: requestId, runId, … -> **ids** -> spans, exporters.
They are hashes, not random: whoever sends them must leave the random flag of W3C trace context level 2 unset.
"""

import hashlib

TRACE_BYTES = 16
SPAN_BYTES = 8

ROLE_TRACE = "trace"
ROLE_CALL = "call"
ROLE_MODEL_CALL = "model_call"
ROLE_TOOL = "tool"


def trace_id(project: str, key: str) -> str:
    """
    The trace of a runId, jobId, rootRequestId or requestId.

    One role for all four: a root call is keyed by its requestId, its nested calls by the same id as rootRequestId.
    """
    return _identifier((project, ROLE_TRACE, key), TRACE_BYTES)


def span_id(project: str, request_id: str, role: str, key: str) -> str:
    """The span of one part of a call; `key` tells parts of a role apart (a toolCallId, an iteration)."""
    return _identifier((project, request_id, role, key), SPAN_BYTES)


def call_span_id(project: str, request_id: str) -> str:
    """The span of the call itself."""
    return span_id(project, request_id, ROLE_CALL, "")


def tool_span_id(project: str, request_id: str, tool_call_id: str) -> str:
    """The span of a tool that ran in a call; nested calls name it as their parent before it exists."""
    return span_id(project, request_id, ROLE_TOOL, tool_call_id)


def _identifier(parts: tuple[str, ...], size: int) -> str:
    # Each part with its length: ("ab", "c") and ("a", "bc") must not meet.
    source = "".join([f"{len(part)}:{part}" for part in parts])
    return not_zero(hashlib.sha256(source.encode("utf-8", "surrogatepass")).digest()[:size]).hex()


def not_zero(identifier: bytes) -> bytes:
    """All zeros means "no id" in W3C trace context; such a hash becomes one."""
    return identifier if any(identifier) else identifier[:-1] + b"\x01"
