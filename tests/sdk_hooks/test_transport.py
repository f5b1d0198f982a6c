"""One POST and what its answer means."""

from threading import Event

import pytest

from sdk_hooks.transport import Delivered, HttpTransport, RetryLater, read_retry_after
from tests.fakes.receiver import Answer, Receiver

BODY = b'{"resource":{},"events":[{"type":"x"}]}'


def post(receiver: Receiver, timeout_s: float = 20.0) -> object:
    transport = HttpTransport(receiver.url, None)
    try:
        return transport.post(BODY, is_gzip=False, timeout_s=timeout_s)
    finally:
        transport.close()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_worth_another_try(receiver: Receiver, status: int):
    """What may pass later."""
    receiver.script(Answer(status, retry_after="7"))
    assert RetryLater(7.0, str(status)) == post(receiver)


def _named(answer: object) -> tuple[str, object]:
    """Two answers with the same fields are equal as tuples: the kind is part of what is expected."""
    return type(answer).__name__, answer


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_refused_for_good(receiver: Receiver, status: int):
    """What stays refused, however often it is sent."""
    receiver.script(status)
    assert ("Refused", (status,)) == _named(post(receiver))


@pytest.mark.parametrize("status", [302, 401, 403, 404, 407])
def test_what_a_setting_can_mend_is_not_refused_for_good(receiver: Receiver, status: int):
    """A wrong key, a wrong address, a login page. A redirect is not followed: the key is for this host alone."""
    receiver.script(status)
    assert ("Denied", (status,)) == _named(post(receiver))


def test_rejections_are_counted_by_code(receiver: Receiver):
    """Single events, in a 200 as in a 422."""
    rejected = tuple({"index": n, "code": code, "detail": ""} for n, code in enumerate(("too_deep", "too_deep", "too_large")))
    receiver.script(Answer(200, rejected=rejected), Answer(422, rejected=rejected))
    assert Delivered({"too_deep": 2, "too_large": 1}) == post(receiver)
    assert Delivered({"too_deep": 2, "too_large": 1}) == post(receiver)


def test_slow_answer_is_for_later(receiver: Receiver):
    """A timeout does not say whether it arrived: event ids make the repetition harmless."""
    receiver.script(Answer(200, after=Event()))
    assert RetryLater(None, "timeout") == post(receiver, timeout_s=0.1)


def test_nobody_there_is_for_later():
    """Connection refused."""
    with Receiver() as gone:
        pass
    assert isinstance(post(gone), RetryLater)


def test_connection_is_kept_and_replaced_when_the_server_dropped_it(receiver: Receiver):
    """Two POSTs share one; one that the server cut is opened again at once."""
    transport = HttpTransport(receiver.url, None)
    assert Delivered({}) == transport.post(BODY, is_gzip=False, timeout_s=20)
    receiver.script("cut")
    assert Delivered({}) == transport.post(BODY, is_gzip=False, timeout_s=20)
    assert ["Delivered", "Delivered"] == [type(transport.post(BODY, is_gzip=False, timeout_s=20)).__name__ for _ in range(2)]
    transport.close()


def test_https_is_verified():
    """A collector without a certificate that we trust gets nothing, least of all the key."""
    with Receiver() as receiver:
        transport = HttpTransport(receiver.url.replace("http:", "https:"), "secret-key")
        answer = transport.post(BODY, is_gzip=False, timeout_s=20)
        transport.close()
        assert isinstance(answer, RetryLater)
        assert [] == receiver.posts
        assert "secret-key" not in repr(answer)


@pytest.mark.parametrize(("text", "expected"), [(None, None), ("", None), ("3", 3.0), ("-3", 0.0), ("soon", None)])
def test_retry_after(text: str | None, expected: float | None):
    """Seconds, or nothing."""
    assert expected == read_retry_after(text)


def test_retry_after_as_a_date():
    """A date in the past is now."""
    assert 0.0 == read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT")


@pytest.mark.parametrize(
    ("url", "is_said"),
    [
        ("http://collector.internal:4319", True),
        ("http://10.0.0.5", True),
        ("http://127.0.0.1.example", True),
        ("http://127.evil.example.org", True),
        ("http://notlocalhost", True),
        ("https://collector.internal", False),
        ("http://127.0.0.1:4319", False),
        ("http://127.8.9.1", False),
        ("http://LOCALHOST:1", False),
        ("http://hookline.localhost", False),
        ("http://[::1]:4319", False),
    ],
)
def test_plain_http_to_another_machine_is_said_once(caplog: pytest.LogCaptureFixture, url: str, is_said: bool):
    """With what to do, and without the key; TLS and this machine are fine."""
    transport = HttpTransport(url, "hk_secret")
    for _ in range(3):
        transport.close()

    lines = [record.getMessage() for record in caplog.records]
    assert [is_said] * len(lines) == ["HOOKLINE_URL" in line for line in lines]
    assert (1 if is_said else 0) == len(lines)
    assert "hk_secret" not in caplog.text
