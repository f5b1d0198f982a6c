"""
Put our code around a callable of an SDK, and take it away again.

Flow: registry -> hooks -> **patching**.
The original's result, exceptions and signature stay; a callable is wrapped once, however often it is asked for.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial, update_wrapper, wraps
from types import CodeType, FunctionType, WrapperDescriptorType
from typing import Any, NamedTuple, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from sdk_hooks.guard import guard

T = TypeVar("T")
MARK = "__hookline_patch__"
LATE = "__hookline_late__"
CO_COROUTINE = 0x80
"""`inspect.CO_COROUTINE`, without importing that."""


class Watch(Protocol):
    """Looks at one invocation. Runs under `guard`: what it raises is not seen by the host."""

    def returned(self, result: Any) -> Any:
        """The result for the host: the same object, or one that stands for it (a watched stream)."""
        ...

    def raised(self, error: BaseException) -> None: ...


Begin = Callable[[tuple[Any, ...], dict[str, Any]], Watch | None]
"""Looks at the arguments before the original runs; None: do not watch this one."""


class _Patch(NamedTuple):
    owner: Any
    replacement: Any
    """`functools.wraps` copies our mark to whoever wraps ours: only the attribute itself is ours."""
    had_own: bool
    own: Any


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> bool:
    """
    `owner.name = make(owner.name)`, for an instance, a class or a module. False if it was replaced before.

    On an instance the class's method is only covered, so that other instances stay as they are.
    """
    original = getattr(owner, name)
    if is_replaced(owner, name):
        return False
    attributes = cast("dict[str, Any]", vars(owner))
    if name in attributes:
        replacement = make(original)
    elif isinstance(owner, type):
        replacement = make(_next_in_line(owner, name, original))
    else:
        replacement = OnInstance(make(_of_its_class(owner, name, original)))
    setattr(replacement, MARK, _Patch(owner, replacement, name in attributes, attributes.get(name)))
    setattr(owner, name, replacement)
    return True


class OnInstance(partial[Any]):
    """
    What stands on an instance where bare there is nothing.

    Who compares an instance with its copy, attribute by attribute, finds no difference because of us.
    """

    def __init__(self, function: Callable[..., Any]) -> None:  # pyright: ignore[reportInconsistentConstructor] (never with more)
        update_wrapper(self, function)
        self._what = function.__code__, function.__module__, function.__qualname__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OnInstance) and self._what == other._what

    def __hash__(self) -> int:
        return hash(self._what)

    # Copied as a function is, whose place it has.
    def __copy__(self) -> "OnInstance":
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> "OnInstance":
        return self


def _next_in_line(owner: type, name: str, original: Any) -> Any:
    """
    A method that a class only inherits: each instance's own order of classes says whose it is, as if nothing of ours stood here.
    Where a host's class has further parents, that is another one than the class itself has.
    """
    defined = next((vars(kind)[name] for kind in owner.__mro__ if name in vars(kind)), None)
    if not isinstance(defined, (FunctionType, WrapperDescriptorType)):
        return original

    @wraps(original)
    def inherited(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(cast("Any", super(owner, self)), name)(*args, **kwargs)

    return inherited


def _of_its_class(owner: Any, name: str, bound: Any) -> Any:
    """
    A method that an instance has from its class, as the class has it when it is called: what a test or another tool puts there
    later is heard, and gone when it is taken away.
    """
    kind: Any = type(owner)  # pyright: ignore[reportUnknownVariableType]
    known = getattr(kind, name, None)
    if known is None:
        return bound

    @wraps(bound)
    def method(*args: Any, **kwargs: Any) -> Any:
        # Nearly always: bound already.
        return (bound if getattr(kind, name) is known else _bound(owner, kind, name))(*args, **kwargs)

    setattr(method, LATE, _Late(method, bound, kind, name, known))
    return method


class _Late(NamedTuple):
    """What such a method looks at, for who does the same without a call of its own: `around_sync`, `around_async`."""

    method: Any
    """`functools.wraps` copies this to whoever wraps it."""
    bound: Any
    kind: Any
    name: str
    known: Any


def _late(original: Any) -> _Late:
    """Of anything else what is always as it is known."""
    found = getattr(original, LATE, None)
    if isinstance(found, _Late) and found.method is original:
        return found
    return _Late(original, original, None, "__class__", type(None))


def _bound(owner: Any, kind: type, name: str) -> Any:
    """What `owner.name` is where the owner itself has no such attribute."""
    found: Any = next(vars(base)[name] for base in kind.__mro__ if name in vars(base))
    bind: Any = getattr(type(found), "__get__", None)  # pyright: ignore[reportUnknownArgumentType]
    return found if bind is None else bind(found, owner, kind)


def is_replaced(owner: Any, name: str) -> bool:
    """Whether this very owner's attribute is ours; a copy of an instance that took our attribute along is not."""
    current = cast("dict[str, Any]", vars(owner)).get(name)
    if current is None:
        return False
    patch = getattr(current, MARK, None)
    return isinstance(patch, _Patch) and patch.owner is owner and patch.replacement is current


def restore(owner: Any, name: str) -> bool:
    """Undo `replace`. False if there was nothing to undo, or somebody else has wrapped it since: then ours must stay."""
    if not is_replaced(owner, name):
        return False
    patch = cast("_Patch", getattr(cast("dict[str, Any]", vars(owner))[name], MARK))
    if patch.had_own:
        setattr(owner, name, patch.own)
    else:
        delattr(owner, name)
    return True


def let_go(original: Any, copied: Any, names: Sequence[str]) -> bool:
    """
    Take off a copy what it has of ours because its original has it. False: another tool covers ours, and nothing was changed.
    """
    ours, theirs = cast("dict[str, Any]", vars(original)), cast("dict[str, Any]", vars(copied))
    held = [name for name in names if name in ours]
    if not held or not all(is_replaced(original, name) and theirs.get(name) is ours[name] for name in held):
        return False
    for name in held:
        patch = cast("_Patch", getattr(ours[name], MARK))
        if patch.had_own:
            theirs[name] = patch.own
        else:
            del theirs[name]
    return True


def cover(function: Any, make: Callable[[Any], Any]) -> bool:
    """
    Let `function` run `make(function)` from now on, while it stays the object that it is: for functions that hosts import by
    name, long before us. False if it was covered before.

    Only its code is exchanged; what `make` gets is a function with the code that it had.
    """
    if function in _covered:
        return False
    code = function.__code__
    original = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    for name in ("__kwdefaults__", "__annotations__", "__qualname__", "__doc__"):
        setattr(original, name, getattr(function, name))
    original.__dict__.update(function.__dict__)
    shows_signature = not hasattr(function, "__wrapped__")
    if shows_signature:
        function.__wrapped__ = original
    _covered[function] = _Cover(code, shows_signature)
    function.__code__ = _leading_to(make(original), code)
    return True


def uncover(function: Any) -> bool:
    """Undo `cover`. False if there was nothing to undo."""
    cover = _covered.pop(function, None)
    if cover is None:
        return False
    function.__code__ = cover.code
    if cover.shows_signature:
        del function.__wrapped__
    return True


class _Cover(NamedTuple):
    code: CodeType
    shows_signature: bool
    """Whether `__wrapped__` is ours."""


_covered: WeakKeyDictionary[Any, _Cover] = WeakKeyDictionary()


def _leading_to(target: Any, code: CodeType) -> CodeType:
    """Code that calls the target, for a function with that code: as many variables of its closure, async if it is."""

    def lead(*args: Any, **kwargs: Any) -> Any:
        called: Any = "target"
        return called(*args, **kwargs)

    async def lead_async(*args: Any, **kwargs: Any) -> Any:
        called: Any = "target"
        return await called(*args, **kwargs)

    leading = (lead_async if code.co_flags & CO_COROUTINE else lead).__code__
    constants = tuple(target if constant == "target" else constant for constant in leading.co_consts)
    return leading.replace(co_consts=constants, co_freevars=code.co_freevars, co_name=code.co_name, co_qualname=code.co_qualname)


def around_sync(original: Callable[..., T], begin: Begin, place: str) -> Callable[..., T]:
    """A function like `original`, watched."""

    method, bound, kind, name, known = _late(original)

    @wraps(original)
    def watched(*args: Any, **kwargs: Any) -> T:
        # Nearly always: bound already. Asked before anything is recorded: a class that has none any more is the host's error.
        call = bound if getattr(kind, name) is known else method
        try:
            watch = begin(args, kwargs)
        except Exception:
            watch = _report(place)
        if watch is None:
            return call(*args, **kwargs)
        try:
            result = call(*args, **kwargs)
        except BaseException as error:
            with guard(place):
                watch.raised(error)
            raise
        try:
            told: T = watch.returned(result)
        except Exception:
            _report(place)
            return result
        return told

    return watched


def around_async(original: Callable[..., Awaitable[T]], begin: Begin, place: str) -> Callable[..., Awaitable[T]]:
    """A coroutine function like `original`, watched."""

    method, bound, kind, name, known = _late(original)

    @wraps(original)
    async def watched(*args: Any, **kwargs: Any) -> T:
        # Nearly always: bound already. Asked before anything is recorded: a class that has none any more is the host's error.
        call = bound if getattr(kind, name) is known else method
        try:
            watch = begin(args, kwargs)
        except Exception:
            watch = _report(place)
        if watch is None:
            return await call(*args, **kwargs)
        try:
            result = await call(*args, **kwargs)
        except BaseException as error:
            with guard(place):
                watch.raised(error)
            raise
        try:
            told: T = watch.returned(result)
        except Exception:
            _report(place)
            return result
        return told

    return watched


def _report(place: str) -> None:
    """What `with guard(place)` does with the exception in hand. A try costs nothing, the block half a microsecond."""
    with guard(place):
        raise
