"""`instrument`: which hook a client gets, and that it is always the same object that comes back."""

import logging
from types import ModuleType

import pytest

from sdk_hooks import instrument, uninstrument
from sdk_hooks.registry import HOOKS, row_of


def test_client_that_nobody_knows_comes_back_with_one_line(caplog: pytest.LogCaptureFixture):
    """No exception: the host runs on, the log says which SDKs there are."""
    caplog.set_level(logging.WARNING, "hookline")
    client = object()

    assert client is instrument(client)
    assert client is uninstrument(client)
    assert "object is no client that can be instrumented" in caplog.text


def test_subclasses_and_modules_belong_to_their_sdk():
    """Told by the package that a class, or one of its bases, comes from."""
    base = type("OpenAI", (), {"__module__": "openai._client"})
    mine = type("Mine", (base,), {"__module__": "app"})

    assert HOOKS["openai"] == row_of(mine())
    assert HOOKS["openai"] == row_of(ModuleType("openai"))
    assert row_of(ModuleType("openai_like")) is None
    assert row_of(3) is None
