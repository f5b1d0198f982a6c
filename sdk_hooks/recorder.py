"""
The life of one call, from the hook's remarks to events.

Flow: hooks -> **recorder** -> emitter.
What runs in the caller's thread is a copy of the request, two appends a chunk, and a few attributes at the end. Events are
rendered in the emitter's thread, when it drains the record.

How a hook uses it (everything under `guard`):

    call = start_call(CHAT, options.json_data, layer=layer, provider="openai", model="gpt-5", streaming=True)
    if call is not None:                       # None: disabled, suppressed or the buffer is full
        append = call.append
        append(perf_counter_ns()); append(delta.content)
        call.complete({"usage": …})            # or call.fail(error), call.abort(); the first wins, the others do nothing
"""

from collections.abc import Callable, Iterator
from sys import modules
from time import perf_counter_ns, time_ns
from typing import Any, NamedTuple, TypeVar

from sdk_hooks.config import NO_LAYER, CallSettings, Layer
from sdk_hooks.context import OPENTELEMETRY, Enclosing, HostSpan, current_session, enclosing, is_suppressed, note_call
from sdk_hooks.context import host_span as find_host_span
from sdk_hooks.encoding import quote
from sdk_hooks.fields import call_members, error_fields, settings_fields
from sdk_hooks.heads import Headed, members
from sdk_hooks.packing import Delta, Event, Packer
from sdk_hooks.runtime import Runtime, current_runtime
from sdk_hooks.snapshot import copied, opened

GOLDEN = 0.618_033_988_749_895
"""Steps of the golden ratio spread the sampled calls evenly, whatever rhythm the host calls in; and need no `random`."""


class Shape(NamedTuple):
    """
    How calls of one kind become events. Pure functions; both run in the emitter's thread on plain data.

    `activity` is the first part of the event types: text, image, embedding, speech, transcription, moderation, agent, …
    `started` reads the request (a copy of what was given to `start_call`) into fields of `<activity>:request:started`.
    `completed` reads what was given to `complete`, `fail` or `abort` into fields of the terminal event.
    """

    activity: str
    started: Callable[[Any], Event]
    completed: Callable[[Any], Event]


def as_it_is(fields: Event | None) -> Event:
    """For shapes whose hook gives the fields of the event itself."""
    return dict(fields or {})


_How = tuple[str, dict[str, str] | None]
"""How a call ended: completed, error or aborted; name and message of an error."""

_COMPLETED: _How = ("completed", None)


def _discard(_: object) -> None:
    """The `append` of a call that is not sampled."""


class Call:
    """
    One call while it runs. The hook may read `request_id`, `is_sampled`, and set `message_id` before the first chunk.

    `append(perf_counter_ns())` and then `append(delta)` for each piece of a stream, from one thread at a time: a str is text
    of choice 0, a tuple anything else (`packing.Piece`).
    Set in the host's thread, one by one: there are as few attributes as will do, and no objects that the garbage collector has
    to look at where a slot will do.
    """

    __slots__ = (
        "_around",
        "_carried",
        "_chunks",
        "_end_ns",
        "_how",
        "_model",
        "_open",
        "_packed",
        "_packer",
        "_provider",
        "_request",
        "_request_id",
        "_response",
        "_runtime",
        "_same",
        "_shape",
        "host_span",
        "is_done",
        "is_sampled",
        "message_id",
        "settings",
        "size_bytes",
        "start_ns",
        "start_wall_ns",
        "streaming",
    )

    def begin(
        self,
        runtime: Runtime,
        settings: CallSettings,
        request_id: str | int,
        shape: Shape,
        request: Any,
        provider: str | None,
        model: str | None,
        streaming: bool,
        started_ns: int | None,
        host_span: HostSpan | None,
    ) -> None:
        """In place of a constructor, which Python takes longer to call than a method."""
        self._runtime = runtime
        self.settings = settings
        # Or its number in this process: made a text where somebody reads it.
        self._request_id = request_id
        self._around: Enclosing | None = None
        self.host_span = host_span
        self.is_sampled = True
        self._shape = shape
        # Taken apart: a tuple that stays is one object more for the garbage collector to look at, 0.1 µs.
        self._request, self._packed, size_bytes = copied(request)
        self.size_bytes = size_bytes + 512
        self._provider = provider
        self._model = model
        self.streaming = streaming
        if streaming:
            self._chunks = []
        self.start_wall_ns = time_ns()
        now_ns = perf_counter_ns()
        self.start_ns = now_ns
        if started_ns is not None:
            self.start_wall_ns -= now_ns - started_ns
            self.start_ns = started_ns
        # Deleting it is atomic: whoever could ends the call, without a lock that a fork or a destructor could meet.
        self._open = True

    # What is not there at first: to say so of each would be a fourth of what a call does when it begins.
    _chunks: list[Any]
    """From the first piece on, where it does not stream."""
    message_id: str | None
    """From when the hook knows it."""
    _how: "_How"
    _response: Any
    _end_ns: int
    """From the end on. Set last, when how it ended and what was read are there for the emitter's thread."""
    _packer: Packer | None
    _same: str
    _carried: Event
    is_done: bool
    """These from the emitter's first look on. Of a call that is not sampled `is_done` is there when it has ended well."""

    # -- who and where, for whoever asks --------------------------------------------------------------------------------

    @property
    def request_id(self) -> str:
        known = self._request_id
        if isinstance(known, int):
            known = self._request_id = f"{self._runtime.identity.request_prefix}{known}"
        return known

    @property
    def _parent(self) -> Enclosing | None:
        """
        What surrounds it, unless the host opened a span of its own in between: that span is the parent then, and what surrounds
        it an ancestor.
        """
        around, host_span = self._around, self.host_span
        return around if around is not None and (host_span is None or host_span == around.host_span) else None

    @property
    def root_request_id(self) -> str:
        parent = self._parent
        return self.request_id if parent is None else parent.root_request_id

    @property
    def root_span(self) -> HostSpan | None:
        """The host's span that the outermost call around it was made in."""
        parent = self._parent
        return self.host_span if parent is None else parent.root_span

    @property
    def run_id(self) -> str | None:
        return self.settings.run_id if self._around is None else self._around.run_id

    # -- in the caller's thread -------------------------------------------------------------------------------------------

    @property
    def append(self) -> Callable[[Any], None]:
        """Takes a time, then a delta. Of a call that is not sampled it takes nothing."""
        if not self.is_sampled:
            return _discard
        chunks: list[Any] | None = getattr(self, "_chunks", None)
        if chunks is None:
            chunks = self._chunks = []
        return chunks.append

    @property
    def has_ended(self) -> bool:
        return hasattr(self, "_end_ns")

    def complete(self, response: Any = None, *, at_ns: int | None = None) -> None:
        """The call went well. `response` is the hook's own copy of what it read: plain data that nobody changes."""
        # What `_finish` does, written out for the usual case.
        try:
            del self._open
        except AttributeError:
            return
        self._how = _COMPLETED
        self._response = response
        self._end_ns = perf_counter_ns() if at_ns is None else at_ns
        if self.is_sampled:
            emitter = self._runtime.emitter
            if emitter.hears_ends:
                emitter.ended()
        else:
            self.is_done = True

    def fail(
        self,
        error: BaseException | None = None,
        *,
        name: str | None = None,
        message: str | None = None,
        response: Any = None,
        at_ns: int | None = None,
    ) -> None:
        """
        The call failed: with an exception, or with a status that the provider reports without one.

        What is no Exception (a cancelled task, Ctrl-C, a closed generator) is somebody leaving: aborted.
        """
        if error is not None and not isinstance(error, Exception):
            self._finish("aborted", response, None, at_ns)
        elif hasattr(self, "_open"):
            self._finish("error", response, error_fields(error, name, message), at_ns)

    def abort(self, response: Any = None, *, at_ns: int | None = None) -> None:
        """The host left a stream early. Sent with what was seen so far."""
        self._finish("aborted", response, None, at_ns)

    def resume(self) -> None:
        """
        The host reads on where it had left: a loop that only peeked. Too late, and harmless, once the end was rendered.
        """
        if hasattr(self, "_open"):
            # Nearly always; and a slot says quickly that there is something, and slowly that there is nothing.
            return
        if self.has_ended and self._how[0] == "aborted" and not getattr(self, "is_done", False):
            del self._end_ns
            self._open = True

    def _finish(self, what: str, response: Any, error: dict[str, str] | None, at_ns: int | None) -> None:
        try:
            del self._open
        except AttributeError:
            return
        self._how = what, error
        self._response = response
        self._end_ns = perf_counter_ns() if at_ns is None else at_ns
        if not self.is_sampled:
            if what != "error":
                self.is_done = True
                return
            self._runtime.emitter.offer(self)
        self._runtime.emitter.ended()

    def child(
        self,
        shape: Shape,
        request: Any,
        *,
        item_id: str,
        provider: str | None = None,
        model: str | None = None,
        started_ns: int | None = None,
    ) -> "Call | None":
        """A call that happens inside this one's stream, like an image of a Responses stream; `<requestId>/<item id>`."""
        child = Call()
        child.begin(
            self._runtime,
            self.settings,
            f"{self.request_id}/{item_id}",
            shape,
            request,
            provider or self._provider,
            model,
            False,
            started_ns,
            self.host_span,
        )
        child.put_inside(self.as_enclosing())
        return child if not child.is_sampled or self._runtime.emitter.offer(child) else None

    def put_inside(self, around: Enclosing) -> None:
        """It is made inside of another call."""
        self._around = around
        self.is_sampled = around.is_sampled

    def as_enclosing(self, tool_call_id: str | None = None) -> Enclosing:
        """For `context.enter`: calls made from now on are inside this one."""
        return Enclosing(
            self.request_id, self.root_request_id, tool_call_id, self.run_id, self.root_span, self.host_span, self.is_sampled
        )

    # -- in the emitter's thread ------------------------------------------------------------------------------------------

    def drain(self) -> Iterator[Event | Headed]:
        """Everything new since the last time. `is_done` when nothing more can come."""
        # Read before the chunks: whatever was appended before the end is then in the list.
        end_ns = getattr(self, "_end_ns", None)
        if not hasattr(self, "_same"):
            self._packer = None
            self.is_done = False
            self._same = self._same_members()
            yield self._started_event()
        chunks = getattr(self, "_chunks", None)
        # A time without its delta waits for the next time.
        if chunks and (count := len(chunks) & ~1):
            taken = chunks[:count]
            del chunks[:count]
            yield from self._chunk_events(taken)
        if end_ns is not None:
            self.is_done = True
            yield self._terminal_event(end_ns)

    def _started_event(self) -> Headed:
        request, self._request = opened(self._request, self._packed), None
        fields = self._shape.started(request)
        self._carried = {name: fields[name] for name in CARRIED.intersection(fields)}
        return self._event("started", self.start_ns, fields)

    def _chunk_events(self, taken: list[Any]) -> Iterator[Event | Headed]:
        if self._packer is None:
            self._packer = Packer(self.request_id, taken[0])
        self._packer.message_id = getattr(self, "message_id", None)
        for event in self._packer.pack(taken, self.start_ns, self.start_wall_ns / 1e6):
            if isinstance(event, Headed):
                yield Headed(event.head + call_members(self.settings, self.run_id, None, None, None), event.own)
            else:
                yield event | settings_fields(self.settings, self.run_id)

    def _terminal_event(self, at_ns: int) -> Headed:
        (what, error), response = self._how, self._response
        own = self._carried
        own["duration"] = max(0.0, (at_ns - self.start_ns) / 1e6)
        if self._packer is not None:
            own["timeToFirstChunk"] = (self._packer.first_ns - self.start_ns) / 1e6
            own |= self._packer.seen()
        if response is not None or what == "completed":
            own |= self._shape.completed(response)
        if error is not None:
            own["error"] = error
        return self._event(what, at_ns, own)

    def _event(self, what: str, at_ns: int, own: Event) -> Headed:
        tags = self.settings.tags
        if tags:
            # Not among what is written once: `redact` may change them.
            own = {**own, "tags": dict(tags)}
        # From the start's wall clock and the steady clock: a clock that is set back in between can't turn a call around.
        at_us = (self.start_wall_ns + at_ns - self.start_ns) // 1_000
        # As a float, which has no more digits than these at today's times, it takes ten times as long.
        timestamp = f"{at_us // 1_000}.{at_us % 1_000:03}"
        return Headed(f'{{"type":"{self._shape.activity}:request:{what}","timestamp":{timestamp},{self._same}', own)

    def _same_members(self) -> str:
        """What started and terminal event both say, as members of a JSON object."""
        quoted = quote()(self.request_id)
        is_text = self._shape.activity == "text"
        streaming = self.streaming if is_text or self.streaming else None
        ids = f'"requestId":{quoted},"streamId":{quoted}' if is_text else f'"requestId":{quoted}'
        same = ids + call_members(self.settings, self.run_id, self._provider, self._model, streaming)
        if self._around is None and self.host_span is None and self.settings.sample_rate >= 1.0:
            return same
        return same + members(self._place())

    def _place(self) -> Event:
        """Where in a trace it is, and what it stands for."""
        settings, parent, root_span = self.settings, self._parent, self.root_span
        place: Event = {}
        if root_span is not None:
            place["traceparent"] = root_span.traceparent()
        if settings.sample_rate < 1.0:
            place["sampleRate"] = settings.sample_rate if self.is_sampled else 1.0
        if parent is not None:
            place |= {
                "parentRequestId": parent.request_id,
                "rootRequestId": parent.root_request_id,
                "parentToolCallId": parent.tool_call_id,
            }
        return place


CARRIED = frozenset(("messageCount", "hasTools", "inputLength", "documentCount", "requestType", "agentName", "dimensions"))
"""What a terminal event repeats of its started event where it has a field of that name too."""


C = TypeVar("C", bound=Call)


def start_call(
    shape: Shape,
    request: Any,
    provider: str | None,
    model: str | None,
    streaming: bool = False,
    layer: Layer = NO_LAYER,
    started_ns: int | None = None,
    kind: type[C] = Call,  # pyright: ignore[reportArgumentType] (what C is where nothing is said)
) -> C | None:
    """
    Begin to record a call, in the caller's context, just before it is sent. Never blocks.

    None means: not recorded (disabled, suppressed by a framework's hook, or the buffer is full, which is counted).
    `kind`: a class below `Call` that keeps something of the hook's own.
    """
    runtime = current_runtime()
    config, session = runtime.config, current_session()
    generation, settings = layer.cached
    # What `for_call` asks first, asked here: a call of a function less for nearly every call.
    if session is not None or generation is not config.generation:
        settings = config.for_call(layer)
    if settings.disabled or is_suppressed():
        return None
    number = runtime.identity.request_number()
    # Asked here first: a call of a function less for a host without it.
    host_span = find_host_span() if OPENTELEMETRY in modules else None
    call = kind()
    call.begin(runtime, settings, number, shape, request, provider, model, streaming, started_ns, host_span)
    around = enclosing()
    if around is not None:
        call.put_inside(around)
    if settings.sample_rate < 1.0 and call._parent is None:  # pyright: ignore[reportPrivateUsage] (same module)
        call.is_sampled = (number * GOLDEN) % 1.0 < settings.sample_rate
    if call.is_sampled:
        # One that is not sampled waits whether it fails.
        if not runtime.emitter.offer(call):
            return None
        if around is not None or host_span is not None or session is not None:
            note_call(call.request_id, around, host_span)
    return call


__all__ = ["Call", "Delta", "Shape", "as_it_is", "start_call"]
