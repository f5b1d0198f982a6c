"""Settings: environment < configure < instrument < session, and no wrong value hurts."""

import logging
import weakref
from threading import Event, Thread
from typing import Any

import pytest

from sdk_hooks.config import Config, Layer
from sdk_hooks.context import current_session, session


def test_each_layer_wins_over_the_one_below():
    """The innermost that sets a value has it; what it does not set comes from below."""
    config = Config({"HOOKLINE_CLIENT_ID": "environment", "HOOKLINE_PROJECT": "environment"})
    layer = Layer({"client_id": "instrument"})
    assert "environment" == config.for_call(Layer()).client_id
    config.update({"client_id": "configure", "user_id": "configure"})
    assert "configure" == config.for_call(Layer()).client_id
    assert "instrument" == config.for_call(layer).client_id
    with session(client_id="session"):
        settings = config.for_call(layer)
        assert ("session", "configure", "environment") == (settings.client_id, settings.user_id, settings.project)
    assert "instrument" == config.for_call(layer).client_id


def test_configure_after_instrument_still_counts():
    """A layer that was already used sees later settings."""
    config = Config({})
    layer = Layer({"client_id": "instrument"})
    assert config.for_call(layer).user_id is None
    with session(thread_id="t"):
        assert config.for_call(layer).user_id is None
        config.update({"user_id": "u"})
        assert "u" == config.for_call(layer).user_id


def test_configure_takes_back_what_it_said():
    """None ends what an earlier `configure` set: the environment counts again, and a redaction is over."""
    config = Config({"HOOKLINE_CLIENT_ID": "environment"})
    config.update({"client_id": "configure", "user_id": "u", "tags": {"a": 1}, "redact": lambda event: None})
    config.update({"client_id": None, "redact": None, "project": None})
    settings = config.for_call(Layer())
    assert ("environment", None, "u", {"a": 1}) == (settings.client_id, settings.redact, settings.user_id, settings.tags)


def test_sessions_nest_and_join_their_tags():
    """An inner session inherits; tags of all layers are joined; leaving restores."""
    config = Config({})
    config.update({"tags": {"a": 1, "b": 1}})
    with session(thread_id="t1", tags={"b": 2}), session(user_id="u1", tags={"c": 3}):
        settings = config.for_call(Layer())
        assert ("t1", "u1", {"a": 1, "b": 2, "c": 3}) == (settings.thread_id, settings.user_id, settings.tags)
    assert config.for_call(Layer()).thread_id is None


def test_all_environment_variables_are_read():
    """Every variable of the contract has its setting."""
    config = Config(
        {
            "HOOKLINE_URL": "https://collector.example/base/",
            "HOOKLINE_API_KEY": "k",
            "HOOKLINE_PROJECT": "p",
            "HOOKLINE_CLIENT_ID": "c",
            "HOOKLINE_ENVIRONMENT": "prod",
            "HOOKLINE_RELEASE": "r",
            "HOOKLINE_CAPTURE_CONTENT": "False",
            "HOOKLINE_SAMPLE_RATE": "0.5",
            "HOOKLINE_SPOOL_DIR": "/tmp/spool",
            "HOOKLINE_SPOOL_MAX_BYTES": "1000",
            "HOOKLINE_DELIVERY": "sync",
            "HOOKLINE_DISABLED": "1",
        }
    )
    call, delivery = config.for_call(Layer()), config.delivery()
    assert ("p", "c", False, 0.5, True) == (
        call.project,
        call.client_id,
        call.capture_content,
        call.sample_rate,
        call.disabled,
    )
    assert ("https://collector.example/base", "k", "prod", "r", "/tmp/spool", 1000, "sync") == (
        delivery.url,
        delivery.api_key,
        delivery.environment,
        delivery.release,
        delivery.spool_dir,
        delivery.spool_max_bytes,
        delivery.delivery,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "ftp://x"),
        ("url", "http://x:99999999"),
        ("url", 7),
        ("sample_rate", 1.5),
        ("sample_rate", "nan"),
        ("capture_content", "perhaps"),
        ("delivery", "later"),
        ("redact", "no function"),
        ("tags", ["no mapping"]),
        ("client_id", 7),
        ("spool_max_bytes", "many"),
        ("no_such_setting", 1),
    ],
)
def test_wrong_value_is_one_line_and_the_layer_below_holds(name: str, value: object, caplog: pytest.LogCaptureFixture):
    """Nothing is raised; the line names the setting and not the value."""
    caplog.set_level(logging.WARNING, "hookline")
    config = Config({})
    config.update({name: value})

    assert Config({}).delivery() == config.delivery()
    assert Config({}).for_call(Layer()) == config.for_call(Layer())
    assert 1 == len(caplog.records)
    assert name in caplog.text
    assert str(value) not in caplog.records[0].getMessage().replace(name, "") or value == 1


async def test_session_works_in_async_code():
    """`async with`, too."""
    config = Config({})
    async with session(thread_id="t"):
        assert "t" == config.for_call(Layer()).thread_id
    assert config.for_call(Layer()).thread_id is None


def test_session_can_be_entered_again_inside_itself():
    """What it set is gone behind the outer end, and not before."""
    once = session(user_id="ada")
    with once:
        with once:
            assert "ada" == Config({}).for_call(Layer()).user_id
        assert "ada" == Config({}).for_call(Layer()).user_id
    assert current_session() is None


def test_session_shared_by_threads_ends_in_each_of_them():
    """A worker that goes on to another user's request must not keep the one before."""
    shared = session(user_id="ada")
    is_in, is_first_out = Event(), Event()
    left: list[Any] = []

    def first() -> None:
        with shared:
            is_in.wait(10)
        left.append(current_session())
        is_first_out.set()

    def second() -> None:
        with shared:
            is_in.set()
            is_first_out.wait(10)
        left.append(current_session())

    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [None, None] == left


def test_value_that_cannot_be_read_does_not_raise():
    """Not even one that raises when it is looked at: the session is without it."""

    class Unreadable:
        def __str__(self) -> str:
            raise RuntimeError("hands off")

    for given in ({"disabled": Unreadable()}, {"sample_rate": 10**400}):
        with session(**given):
            assert not Config({}).for_call(Layer()).disabled
    assert current_session() is None


def test_long_session_keeps_few_settings_of_clients_that_are_gone():
    """A session as long as the process, in which clients are made and instrumented one by one, does not grow with them."""
    config, kept = Config({}), []
    with session(user_id="ada"):
        for _ in range(500):
            given = Layer({"redact": lambda event: event})
            kept.append(weakref.ref(given.values["redact"]))
            assert "ada" == config.for_call(given).user_id
        assert sum(function() is not None for function in kept) < 100
