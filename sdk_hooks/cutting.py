"""
Make events fit: each message 64 KiB, an event of text 1 MiB, cut from the middle.

Flow: emitter -> redact -> **cutting** -> encoding.
Pure. What was taken away is told in `truncated: {path: bytes}`. Media is never cut in the middle, it would be worthless:
an image that is an answer stays whole as long as the collector takes it, an inline image of a message goes as a whole.
"""

from typing import Any, cast

MESSAGE_MAX_BYTES = 64 * 1024
EVENT_MAX_BYTES = 1024 * 1024
MEDIA_EVENT_MAX_BYTES = 8 * 1024 * 1024 - 64 * 1024
"""The collector's limit of an event, with room for the fields that follow."""
MARK = "…"
MAX_PATHS = 100
MEDIA_FIELDS = frozenset({"images", "audio"})

Event = dict[str, Any]
Leaf = tuple[int, str, Any, Any]
"""Bytes, path, container and key of one string."""


def fit(event: Event) -> Event:
    """The event, within the limits. Called only for events over 64 KiB as JSON: smaller ones have nothing to cut."""
    truncated: dict[str, int] = {}
    fitted = dict(event)
    for name in ("messages", "systemPrompts"):
        if isinstance(fitted.get(name), list):
            fitted[name] = _fit_messages(cast("list[Any]", fitted[name]), name, truncated)
    has_media = any(name in fitted for name in MEDIA_FIELDS)
    if has_media:
        _drop_media(fitted, truncated)
    else:
        fitted = _fit_value(fitted, EVENT_MAX_BYTES, "", truncated)
    if truncated:
        fitted["truncated"] = _few({**cast("dict[str, int]", event.get("truncated", {})), **truncated})
    return fitted


def _few(truncated: dict[str, int]) -> dict[str, int]:
    """The largest cuts by their paths, the others together: the paths of thousands would take more room than the texts."""
    if len(truncated) <= MAX_PATHS:
        return truncated
    ordered = sorted(truncated.items(), key=lambda cut: -cut[1])
    return {**dict(ordered[:MAX_PATHS]), MARK: sum(size for _, size in ordered[MAX_PATHS:])}


def _fit_messages(messages: list[Any], path: str, truncated: dict[str, int]) -> list[Any]:
    fitted = [_fit_value(message, MESSAGE_MAX_BYTES, f"{path}[{i}]", truncated) for i, message in enumerate(messages)]
    sizes = [size_bytes(message) for message in fitted]
    budget = EVENT_MAX_BYTES * 3 // 4
    if sum(sizes) <= budget:
        return fitted
    # The beginning says what it is about and the end what is asked now: the middle goes.
    head, tail = 0, len(fitted)
    left = budget
    while head < tail:
        from_tail = (tail - head) % 2 == len(fitted) % 2
        at = tail - 1 if from_tail else head
        if sizes[at] > left:
            break
        left -= sizes[at]
        tail, head = (tail - 1, head) if from_tail else (tail, head + 1)
    truncated[f"{path}[{head}:{tail}]"] = sum(sizes[head:tail])
    return fitted[:head] + fitted[tail:]


def _fit_value(value: Any, budget: int, path: str, truncated: dict[str, int]) -> Any:
    """A copy whose strings are cut, the longest first, until the whole is within the budget."""
    total = size_bytes(value)
    if total <= budget:
        return value
    holder: list[Any] = [_copy(value)]
    leaves: list[Leaf] = []
    _collect(holder, 0, path, leaves)
    leaves.sort(key=lambda leaf: -leaf[0])
    gone: dict[str, int] = {}
    level = _level([leaf[0] for leaf in leaves], total - budget)
    for size, leaf_path, container, key in leaves:
        if size <= level:
            break
        container[key] = cut(container[key], level)
        gone[leaf_path] = size - len(container[key].encode("utf-8", "replace"))
    if size_bytes(holder[0]) > budget + 64 * len(leaves):
        # Many small pieces instead of long strings, such as token numbers: there is no middle to take out.
        truncated[path or "event"] = total
        return _small_fields(value)
    truncated.update(gone)
    return holder[0]


def _level(sizes: list[int], excess: int) -> int:
    """The length to which the longest strings must come down so that `excess` bytes go. `sizes` fall."""
    gone = 0
    for i, size in enumerate(sizes):
        following = sizes[i + 1] if i + 1 < len(sizes) else 0
        gain = (i + 1) * (size - following)
        if gone + gain >= excess:
            return size - -(-(excess - gone) // (i + 1))
        gone += gain
    return 0


def cut(text: str, max_bytes: int) -> str:
    """Beginning and end of a text. A data: URL keeps its header only."""
    if text.startswith("data:"):
        return text[: text.find(",", 0, 200) + 1] + MARK
    packed = text.encode("utf-8", "replace")
    keep = max(0, max_bytes - len(MARK.encode())) // 2
    end = packed[-keep:] if keep else b""
    return packed[:keep].decode("utf-8", "ignore") + MARK + end.decode("utf-8", "ignore")


def size_bytes(value: Any) -> int:
    """About how long the value is as JSON."""
    if isinstance(value, str):
        return len(value) + 2 if value.isascii() else len(value.encode("utf-8", "replace")) + 2
    if isinstance(value, dict):
        return 2 + sum(len(str(key)) + 4 + size_bytes(item) for key, item in cast("dict[Any, Any]", value).items())
    if isinstance(value, list | tuple):
        return 2 + sum(1 + size_bytes(item) for item in cast("list[Any]", value))
    return 8


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in cast("list[Any]", value)]
    return value


def _collect(container: Any, key: Any, path: str, leaves: list[Leaf]) -> None:
    value = container[key]
    if isinstance(value, str):
        leaves.append((size_bytes(value), path, container, key))
    elif isinstance(value, dict):
        for name in cast("dict[Any, Any]", value):
            _collect(value, name, f"{path}.{name}" if path else str(name), leaves)
    elif isinstance(value, list):
        for i in range(len(cast("list[Any]", value))):
            _collect(value, i, f"{path}[{i}]", leaves)


def _small_fields(value: Any) -> Any:
    if not isinstance(value, dict):
        return MARK
    return {name: item for name, item in cast("Event", value).items() if size_bytes(item) <= 1024}


def _drop_media(event: Event, truncated: dict[str, int]) -> None:
    """Leave out an answer's media, the largest first, if the collector would refuse the event."""
    holder: list[Any] = [_copy({name: event[name] for name in MEDIA_FIELDS if name in event})]
    leaves: list[Leaf] = []
    _collect(holder, 0, "", leaves)
    total = size_bytes(event)
    for size, path, container, key in sorted(leaves, key=lambda leaf: -leaf[0]):
        if total <= MEDIA_EVENT_MAX_BYTES:
            break
        container[key] = ""
        truncated[path] = size
        total -= size
    event |= holder[0]
