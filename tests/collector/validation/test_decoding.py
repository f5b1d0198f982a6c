"""
Text that is JSON by its grammar and that no database takes.
"""

import json

import pytest

from tests.fakes.posts import event, read, read_events, row_of


def only(body: bytes | str):
    result = read(body)
    assert () == result.rejected
    return result.batch.events[0]


def with_text(text: str) -> str:
    return '[{"type":"t","eventId":"a","timestamp":1764000000000,"model":"' + text + '"}]'


@pytest.mark.parametrize(
    ("text", "stored", "why"),
    [
        ("a\\u0000b", "a\ufffdb", "nul"),
        ("a\\ud800b", "a\ufffdb", "lone_surrogate"),
        ("a\\uDFFFb", "a\ufffdb", "lone_surrogate"),
        ("\\ude00\\ud83d", "\ufffd\ufffd", "lone_surrogate"),
        ("\\ud83d\\ud83d\\ude00", "\ufffd😀", "lone_surrogate"),
    ],
)
def test_characters_that_sql_does_not_take_become_the_replacement_character(text, stored, why):
    """
    In columns and in the payload; the row says what was done.
    """
    row = only(with_text(text))
    assert stored == row.model == json.loads(row.payload)["model"]
    assert [why] == json.loads(row.reduced or "[]")


@pytest.mark.parametrize(
    ("text", "stored"), [("\\\\u0000", "\\u0000"), ("\\\\ud800", "\\ud800"), ("\\ud83d\\ude00", "😀"), ("\\u0041", "A")]
)
def test_text_that_only_looks_like_it_stays(text, stored):
    """
    An escaped backslash before `u0000` is no NUL, a pair of surrogates is a character.
    """
    row = only(with_text(text))
    assert stored == row.model == json.loads(row.payload)["model"]
    assert row.reduced is None


@pytest.mark.parametrize("data", [b"a\xffb", b"a\xed\xa0\x80b", b"a\xc3"])
def test_bytes_that_are_not_utf8_are_replaced(data):
    """
    A text that was cut in the middle of a character costs the character and not the event.
    """
    row = only(with_text("@").encode().replace(b"@", data))
    assert "\ufffd" in (row.model or "")
    assert ["invalid_utf8"] == json.loads(row.reduced or "[]")


def test_nul_in_a_name_is_replaced_too():
    """
    Names are text like values.
    """
    assert {"a\ufffd": 1}.items() <= json.loads(row_of({**event(), "a\0": 1}).payload).items()


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 5000])
def test_number_beyond_a_double_becomes_null(number):
    """
    The grammar allows it, no reader can hold it; the others of the batch are untouched.
    """
    body = (
        '[{"type":"t","eventId":"a","timestamp":1764000000000,"x":NUMBER,"y":1.5},'
        '{"type":"t","timestamp":1764000000000,"eventId":"b"}]'
    ).replace("NUMBER", number)
    first, second = read(body).batch.events
    assert (None, 1.5) == (json.loads(first.payload)["x"], json.loads(first.payload)["y"])
    assert ["number_out_of_range"] == json.loads(first.reduced or "[]")
    assert ("b", None) == (second.event_id, second.reduced)


def test_large_whole_numbers_stay_exact():
    """
    Beyond 64 bits, as sent.
    """
    assert 2**70 == json.loads(row_of(event(big=2**70)).payload)["big"]


def test_lone_surrogate_does_not_cost_the_batch():
    """
    A batch with one such event has all its events, and only this one is marked.
    """
    result = read('[{"type":"a","eventId":"1"},{"type":"b","eventId":"2","x":"\\ud800"},{"type":"c","eventId":"3"}]')
    assert [("a", False), ("b", True), ("c", False)] == [(row.type, row.reduced is not None) for row in result.batch.events]


def test_of_equal_names_the_last_counts():
    """
    As every JSON reader has it.
    """
    assert "second" == only('[{"type":"first","type":"second","eventId":"a"}]').type


def test_payload_is_the_text_as_received():
    """
    Nothing was reduced: not a byte is changed, spaces and the order of names included.
    """
    text = '{ "zeta":1.0, "type": "custom:thing",  "eventId":"a", "alpha":[ 1,2 ], "e":"\\u00e9" }'
    assert text == only(f"[{text}]").payload


def test_unknown_types_and_fields_are_kept():
    """
    The catalogue describes; it refuses nothing.
    """
    row = row_of({"type": "my:own:thing", "eventId": "a", "colour": {"deep": [1, None, True]}})
    assert "my:own:thing" == row.type
    assert {"deep": [1, None, True]} == json.loads(row.payload)["colour"]


def test_bigint_of_the_devtools_bus_is_kept_as_it_is():
    """
    TanStack's bus writes BigInt as an object.
    """
    big = {"__type": "bigint", "value": "12345678901234567890"}
    assert big == json.loads(row_of(event(seed=big)).payload)["seed"]


def test_every_event_of_a_large_mixed_batch_is_stored_or_told():
    """
    accepted + rejected = sent.
    """
    sent = [event(eventId=str(n)) if n % 3 else n for n in range(1000)]
    result = read_events(*sent)
    assert 1000 == len(result.batch.events) + len(result.rejected)
    assert [n for n in range(1000) if n % 3 == 0] == [r.index for r in result.rejected]
