"""
Redaction on the way in: what the rules find, what they must not touch, and rules that are refused.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import WrongSettings
from collector.validation import ReadResult, read_batch
from collector.validation.redaction import Redaction
from collector.validation.redaction_rules import load_redaction, read_rules

NOW_MS = 1_764_000_000_000
CARD, IBAN = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"


def read(redaction: Redaction | None, **fields: Any) -> ReadResult:
    event = {
        "type": "text:request:completed",
        "eventId": "e-1",
        "requestId": "r",
        "timestamp": NOW_MS,
        "messageId": "m",
        **fields,
    }
    return read_batch(json.dumps([event]).encode(), media="json", project="p", received_ms=NOW_MS, redaction=redaction)


def stored(redaction: Redaction | None, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """The payload of an event as stored, and what its row says was reduced."""
    (row,) = read(redaction, **fields).batch.events
    return json.loads(row.payload), json.loads(row.reduced or "[]")


def builtin(names: str) -> Redaction:
    made = load_redaction(names, None, None)
    assert made is not None
    return made


def of_file(text: str, key: str = "k" * 16) -> Redaction:
    return Redaction(read_rules(text), key=key.encode())


@pytest.mark.parametrize(
    ("name", "text", "becomes"),
    [
        ("email", "write to ann.b+c@mail.example.org, please", "write to [email], please"),
        ("email", "no@mail and @nobody stay", "no@mail and @nobody stay"),
        ("credit_card", f"card {CARD}!", "card [credit_card]!"),
        ("credit_card", "4111111111111111", "[credit_card]"),
        ("credit_card", "4111 1111 1111 1112 has a wrong check digit", "4111 1111 1111 1112 has a wrong check digit"),
        ("credit_card", "at 1764000000123456 it was", "at 1764000000123456 it was"),
        ("iban", f"to {IBAN}.", "to [iban]."),
        ("iban", "to DE88 3704 0044 0532 0130 00.", "to DE88 3704 0044 0532 0130 00."),
        ("api_key", "the key sk-abcdEFGH12345678 leaked", "the key [api_key] leaked"),
        ("api_key", "Authorization: Bearer abc.def-ghi", "Authorization: [api_key]"),
    ],
)
def test_builtin_rules(name: str, text: str, becomes: str):
    """
    What is one is found, what only looks like one stays; the row tells the place and the rule.
    """
    payload, reduced = stored(builtin(name), content=text)

    assert becomes == payload["content"]
    assert ([] if becomes == text else [f"content: {name}"]) == reduced


def test_everywhere_in_an_event():
    """
    Messages, tool arguments that are JSON in a text, error texts, unknown fields; and texts spelled with escapes.
    """
    payload, reduced = stored(
        builtin("email"),
        messages=[{"role": "user", "content": [{"type": "text", "text": "a@b.de"}]}],
        toolCalls=[{"id": "t", "function": {"name": "mail", "arguments": '{"to": "a@b.de"}'}}],
        error={"message": "a@b.de unknown"},
        mine={"x": ["a@b.de"]},
    )

    assert "a@b.de" not in json.dumps(payload)
    assert {"to": "[email]"} == json.loads(payload["toolCalls"][0]["function"]["arguments"])
    assert "messages[0].content[0].text: email" in reduced
    raw = b'[{"type": "x", "eventId": "1", "timestamp": 1764000000000, "content": "a\\u0040b.de"}]'
    (row,) = read_batch(raw, media="json", project="p", received_ms=NOW_MS, redaction=builtin("email")).batch.events
    assert '"[email]"' in row.payload


def test_pieces_of_a_stream_in_one_event():
    """
    An address that a stream cut into tokens is found across the pieces; the times of the pieces stay.
    """
    deltas = ["Write to ann", "@mail", ".exam", "ple.org now", " or bob@x.org"]
    chunks = [{"offsetMs": n, "delta": delta} for n, delta in enumerate(deltas)]
    payload, reduced = stored(builtin("email"), type="text:chunk:content", chunks=chunks, content="")

    assert ["Write to [email]", "", "", " now", " or [email]"] == [chunk["delta"] for chunk in payload["chunks"]]
    assert [0, 1, 2, 3, 4] == [chunk["offsetMs"] for chunk in payload["chunks"]]
    assert ["chunks: email"] == [name for name in reduced if "email" in name]


def test_columns_hold_what_the_payload_holds():
    """
    A rule for `userId` is kept in the column too, hashed so that a person's calls can still be told from another's.
    """
    rules = of_file('[[rule]]\nname = "user"\nfields = ["userId"]\nwith = "hash"')
    (ann,), (ann_again,), (bob,) = (read(rules, userId=name).batch.events for name in ("ann", "ann", "bob"))

    assert ann.user_id == ann_again.user_id == json.loads(ann.payload)["userId"] != bob.user_id
    assert "[user:" == (ann.user_id or "")[:6]
    other = of_file('[[rule]]\nname = "user"\nfields = ["userId"]\nwith = "hash"', key="l" * 16)
    assert ann.user_id != read(other, userId="ann").batch.events[0].user_id


def test_rules_of_ones_own():
    """
    A pattern everywhere, a pattern in a field only, whole fields by name or path, a built-in one under another name.
    """
    rules = of_file("""
        [[rule]]
        name = "customer"
        pattern = 'KD-\\d{4,10}'
        [[rule]]
        name = "birthday"
        pattern = '\\d{4}-\\d\\d-\\d\\d'
        fields = ["content"]
        [[rule]]
        name = "note"
        fields = ["metadata.note", "secretField"]
        [[rule]]
        builtin = "email"
        name = "mail"
    """)
    payload, _ = stored(
        rules, content="KD-12345 born 1999-01-02", other="1999-01-02 a@b.de", note="kept",
        metadata={"note": ["a", 1], "secretField": 7},
    )  # fmt: skip

    assert "[customer] born [birthday]" == payload["content"]
    assert "1999-01-02 [mail]" == payload["other"]
    assert ("kept", {"note": "[note]", "secretField": "[note]"}) == (payload["note"], payload["metadata"])


def test_names_that_hold_events_together_stay():
    """
    A request id that looks like an address is an id.
    """
    (row,) = read(builtin("email"), requestId="ann@mail.org", runId="a@b.de", content="a@b.de").batch.events

    assert ("ann@mail.org", "a@b.de") == (row.request_id, row.run_id)
    assert "[email]" == json.loads(row.payload)["content"]


def test_media_are_not_searched():
    """
    Base64 is no text: a picture stays as it is, and is lifted out as ever.
    """
    picture = "iVBORw0KGgo" + "4111111111111111" * 4 + "AAAA"
    result = read(builtin("credit_card,email"), images=[{"b64Json": picture}], content="a@b.de")

    assert 1 == len(result.batch.blobs)
    assert "[credit_card]" not in result.batch.events[0].payload
    assert "$blob" in result.batch.events[0].payload


def test_without_a_hit_the_event_is_as_sent():
    """
    Same row as without rules; also where a quick look at the bytes could not tell.
    """
    fields = {"content": "just @ a sign, 4111 1111 1111 1112, ü"}

    assert read(builtin("email,credit_card,iban,api_key"), **fields) == read(None, **fields)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    st.dictionaries(st.text(max_size=8), st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=8), max_size=5)
)
def test_any_event_is_still_stored(fields: dict[str, Any]):
    """
    Redaction refuses nothing and raises nothing.
    """
    rules = builtin("email,credit_card,iban,api_key")
    good = {name: value for name, value in fields.items() if name not in {"type", "timestamp", "project", "eventId", "context"}}

    assert 1 == len(read(rules, **good).batch.events)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[rule]]\npattern = 'x'", "name"),
        ("[[rule]]\nname = 'a'", "needs"),
        ("[[rule]]\nname = 'a'\npattern = '('", "no regular expression"),
        ("[[rule]]\nname = 'a'\npattern = 'a+'", "without a bound"),
        ("[[rule]]\nname = 'a'\npattern = 'a{1,999}'", "without a bound"),
        ("[[rule]]\nname = 'a'\npattern = '(a{1,40}){1,40}b'", "inside a repeat"),
        ("[[rule]]\nname = 'a'\npattern = 'a{1,99}a{1,99}a{1,99}b'", "ways"),
        ("[[rule]]\nname = 'a'\npattern = '(a)\\1'", "references"),
        ("[[rule]]\nname = 'a'\npattern = 'a{0,3}'", "empty text"),
        ("[[rule]]\nname = 'a'\nfields = ['requestId']", "can't be redacted"),
        ("[[rule]]\nname = 'a'\npattern = 'x'\nwith = 'magic'", "with"),
        ("[[rule]]\nname = 'a'\nbuiltin = 'phone'", "no built-in rule"),
        ("[[rule]]\nname = 'a'\npatern = 'x'", "patern"),
        ("rules = 3", "not known"),
        ("]]", "TOML"),
    ],
)
def test_rules_that_can_not_be_used_stop_the_start(text: str, says: str):
    """
    With the variable's name, and what is wrong with which rule. A pattern that may take for ever is such a rule.
    """
    with pytest.raises(WrongSettings, match="HOOKLINE_REDACT_FILE") as refused:
        read_rules(text)
    assert says in str(refused.value)


def test_settings(tmp_path: Path):
    """
    Nothing set is nothing done; a file that is not there, an unknown name, and hashes without a key are refused.
    """
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "u"\nfields = ["userId"]\nwith = "hash"')

    assert load_redaction("", None, None) is None
    assert load_redaction("email", tmp_path / "rules.toml", "k" * 16) is not None
    for names, file, key in (("mail", None, None), ("", tmp_path / "none.toml", None), ("", tmp_path / "rules.toml", "short")):
        with pytest.raises(WrongSettings, match="HOOKLINE_REDACT"):
            load_redaction(names, file, key)


@pytest.mark.parametrize(
    "evil", ["a" * 200_000, "1" * 200_000, "a@" * 100_000, "a." * 100_000, "4111-" * 40_000, "eyJa" * 50_000]
)
def test_no_text_takes_the_builtin_rules_long(evil: str):
    """
    Texts that a pattern almost fits, over and over: some microseconds a character at most.
    """
    rules = builtin("email,credit_card,iban,api_key")
    began_s = time.thread_time()
    read(rules, content=f"{evil} @ sk- eyJ")

    assert time.thread_time() - began_s < len(evil) * 10e-6
