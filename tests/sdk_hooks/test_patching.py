"""Wrapping a callable leaves the host what it had: results, exceptions, signature, and the way back."""

import asyncio
import inspect
from functools import wraps
from typing import Any
from unittest import mock

import pytest

from sdk_hooks.patching import (
    around_async,
    around_sync,
    cover,
    is_replaced,
    replace,
    restore,
    uncover,
)


class Client:
    def request(self, path: str, *, times: int = 1) -> str:
        """Ask."""
        if path == "bad":
            raise LookupError(path)
        return path * times

    async def arequest(self, path: str) -> str:
        return self.request(path)


class Log:
    """A watch that remembers; `broken` makes it raise everywhere."""

    def __init__(self, *, broken: bool = False) -> None:
        self.seen: list[Any] = []
        self.broken = broken

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "Log":
        self.note("begin", args, kwargs)
        return self

    def note(self, *what: Any) -> None:
        self.seen.append(what[0] if len(what) == 1 else what)
        if self.broken:
            raise RuntimeError("our mistake")

    def returned(self, result: Any) -> Any:
        self.note("returned", result)
        return result

    def raised(self, error: BaseException) -> None:
        self.note("raised", type(error).__name__)


def test_wrapped_method_behaves_as_before_and_is_watched():
    """Result, exception and signature are the original's; another instance is not touched."""
    log, client, other = Log(), Client(), Client()
    assert replace(client, "request", lambda original: around_sync(original, log.begin, "test"))

    assert "aa" == client.request("a", times=2)
    with pytest.raises(LookupError, match="bad"):
        client.request("bad")
    assert [("begin", ("a",), {"times": 2}), ("returned", "aa"), ("begin", ("bad",), {}), ("raised", "LookupError")] == log.seen
    assert inspect.signature(Client().request) == inspect.signature(client.request)
    assert not is_replaced(other, "request")


def test_wrapping_twice_wraps_once_and_restore_undoes_it():
    """A notebook cell run again; then everything is as it was."""
    log, client = Log(), Client()
    assert replace(client, "request", lambda original: around_sync(original, log.begin, "test"))
    assert not replace(client, "request", lambda original: around_sync(original, log.begin, "test"))
    client.request("a")
    assert 2 == len(log.seen)
    assert restore(client, "request")
    assert not restore(client, "request")
    assert {} == vars(client)


def test_restore_leaves_what_somebody_else_wrapped_later():
    """Taking ours out from under another wrapper would break it."""
    client = Client()
    replace(client, "request", lambda original: around_sync(original, Log().begin, "test"))
    ours = client.request
    client.request = lambda path: ours(path)  # type: ignore[method-assign]

    assert not restore(client, "request")
    assert "a" == client.request("a")


def test_what_is_put_on_the_class_later_is_heard(monkeypatch: pytest.MonkeyPatch):
    """
    A test's mock, another tool's wrapper: in effect for a hooked instance as for a bare one, and gone when it is taken away.
    """
    log, client, bare = Log(), Client(), Client()
    with monkeypatch.context() as before:
        before.setattr(Client, "request", lambda self, path: f"before: {path}")
        replace(client, "request", lambda original: around_sync(original, log.begin, "test"))
        assert "before: a" == client.request("a")
    assert "a" == client.request("a") == bare.request("a")
    # What has no place for `self`, as a mock, and what is bound in another way.
    for theirs, result in (
        (lambda self, path: f"{type(self).__name__}: {path}", "Client: a"),
        (staticmethod(lambda path: f"static: {path}"), "static: a"),
        (mock.Mock(side_effect=lambda path: f"mock: {path}"), "mock: a"),
    ):
        with monkeypatch.context() as patching:
            patching.setattr(Client, "request", theirs)
            assert result == client.request("a") == bare.request("a")
    assert "a" == client.request("a")
    assert 6 == len([what for what in log.seen if what[0] == "returned"])

    assert restore(client, "request")
    assert {} == vars(client)


def test_class_that_has_lost_its_method_begins_nothing(monkeypatch: pytest.MonkeyPatch):
    """A bare instance would fail as well; a call that was begun for it would never end."""
    log, client = Log(), Client()
    replace(client, "request", lambda original: around_sync(original, log.begin, "test"))
    with monkeypatch.context() as patching:
        patching.delattr(Client, "request")
        with pytest.raises(AttributeError):
            client.request("a")
    assert [] == log.seen
    assert "a" == client.request("a")


def test_restore_leaves_what_was_wrapped_with_functools():
    """`functools.wraps` copies all attributes of ours: the copy is somebody else's all the same."""
    client = Client()
    replace(client, "request", lambda original: around_sync(original, Log().begin, "test"))
    ours = client.request

    @wraps(ours)
    def theirs(path: str) -> str:
        return f"theirs: {ours(path)}"

    client.request = theirs  # type: ignore[method-assign]
    assert not is_replaced(client, "request")
    assert not restore(client, "request")
    assert "theirs: a" == client.request("a")


def test_inherited_constructor_asks_who_comes_next():
    """A class that inherits its constructor, in a class with further parents: the instance's own order of classes holds."""
    log = Log()
    base = type("Base", (Client,), {"__init__": _takes_nothing})
    module: Any = type("Module", (base,), {})
    azure = type("Azure", (base,), {"__init__": _takes_version})
    both: Any = type("Both", (module, azure), {})
    for kind in (module, both):
        replace(kind, "__init__", lambda original: around_sync(original, log.begin, "test"))

    assert {"version": 1} == vars(both(version=1))
    assert {} == vars(module())
    with pytest.raises(TypeError):
        module(version=1)
    assert 8 == len(log.seen)
    assert restore(both, "__init__")
    assert restore(module, "__init__")
    assert "__init__" not in vars(both)


def _takes_nothing(self: Any) -> None: ...


def _takes_version(self: Any, *, version: int) -> None:
    self.version = version


async def test_async_method_is_watched_too():
    """A coroutine function stays one."""
    log, client = Log(), Client()
    replace(client, "arequest", lambda original: around_async(original, log.begin, "test"))

    assert inspect.iscoroutinefunction(client.arequest)
    assert "a" == await client.arequest("a")
    with pytest.raises(LookupError):
        await client.arequest("bad")
    assert ["begin", "returned", "begin", "raised"] == [entry[0] for entry in log.seen]


async def test_our_mistakes_do_not_reach_the_host():
    """A watch that raises everywhere changes nothing."""
    client = Client()
    replace(client, "request", lambda original: around_sync(original, Log(broken=True).begin, "test.broken"))

    assert "a" == client.request("a")
    with pytest.raises(LookupError):
        client.request("bad")


def test_covered_function_stays_the_same_object() -> None:
    """
    Whoever holds the function calls our code: sync, async, with a closure and defaults. Its signature stays, and all of it
    comes back.
    """
    seen: list[Any] = []
    secret = 40

    def plain(number: int, /, more: int = 2, *, twice: bool = False) -> int:
        return (number + more + secret) * (2 if twice else 1)

    async def slow(number: int) -> int:
        return number + secret

    def watched(original: Any) -> Any:
        def around(*args: Any, **kwargs: Any) -> Any:
            seen.append((args, kwargs))
            return original(*args, **kwargs)

        return around

    before = [(each.__code__, inspect.signature(each), set(vars(each))) for each in (plain, slow)]
    assert [True, True] == [cover(each, watched) for each in (plain, slow)]
    assert not cover(plain, watched)
    assert (43, 86, 41) == (plain(1), plain(1, twice=True), asyncio.run(slow(1)))
    assert [((1,), {}), ((1,), {"twice": True}), ((1,), {})] == seen
    assert [signature for _, signature, _ in before] == [inspect.signature(each) for each in (plain, slow)]
    assert (False, True) == (inspect.iscoroutinefunction(plain), inspect.iscoroutinefunction(slow))
    assert [True, True] == [uncover(each) for each in (plain, slow)]
    assert not uncover(plain)
    assert before == [(each.__code__, inspect.signature(each), set(vars(each))) for each in (plain, slow)]
    assert 43 == plain(1)
    assert 3 == len(seen)
