"""
Envelopes of other SDKs are rows, with nothing lost.
"""

import json

import pytest

from collector.dialects import DIALECTS
from collector.events import StoredEvent
from tests.fakes.posts import NOW_MS, read_events, row_of


def openai(type_name, plugin="openai", context=None, **payload):
    sent = {"type": type_name, "payload": {"type": type_name, **payload}, "pluginId": plugin}
    return sent if context is None else {**sent, "context": context}


IMAGES = [
    ("openai", openai("response.image_generation_call.completed", item_id="ig_1", output_index=0, sequence_number=7), 7),
    (
        "openrouter",
        openai("response.image_generation_call.completed", "openrouter", itemId="ig_1", outputIndex=0, sequenceNumber=8),
        8,
    ),
    (
        "openai-agents",
        openai("response_done", "openai-agents", response={"id": "resp_1", "output": [], "usage": {"inputTokens": 3}}),
        None,
    ),
    (
        "aisbreaker",
        openai("OutputImage", "aisbreaker", index=0, role="assistant", url="https://example.test/i.png", isProcessing=False),
        None,
    ),
]


@pytest.mark.parametrize(("dialect", "sent", "sequence"), IMAGES)
def test_foreign_event_is_one_row_of_its_type(dialect, sent, sequence):
    """
    As sent, with the sender's count where it has one.
    """
    row = row_of(sent)
    assert (dialect, sent["type"], sequence) == (row.dialect, row.type, row.sequence)
    assert sent["payload"].items() <= json.loads(row.payload).items()
    assert row.schema_issues is None


@pytest.mark.parametrize(("dialect", "sent", "sequence"), IMAGES)
def test_context_gives_what_the_payload_lacks(dialect, sent, sequence):
    """
    requestId, time, client, model: base fields.
    """
    context = {"requestId": "r1", "timestamp": NOW_MS - 1, "clientId": "c", "model": "m", "eventId": "e1"}
    row = row_of({**sent, "context": context})
    assert ("r1", NOW_MS - 1, "sender", "c", "m", "e1") == (
        row.request_id,
        row.timestamp,
        row.clock,
        row.client_id,
        row.model,
        row.event_id,
    )


def ids(*events):
    return [row.request_id for row in read_events(*events).batch.events]


@pytest.mark.parametrize("plugin", ["openai", "openrouter"])
def test_events_of_a_stream_get_its_response_id(plugin):
    """
    From start to end; before and after there is none; a context's requestId wins.
    """
    sent = [
        openai("response.image_generation_call.completed", plugin),
        openai("response.created", plugin, response={"id": "resp_1"}),
        openai("response.output_text.delta", plugin, delta="a"),
        openai("response.output_text.delta", plugin, delta="b", context={"requestId": "mine"}),
        openai("response.completed", plugin, response={"id": "resp_1"}),
        openai("response.created", plugin, response={"id": "resp_2"}),
        openai("response.output_text.delta", plugin, delta="c"),
    ]
    assert [None, "resp_1", "resp_1", "mine", "resp_1", "resp_2", "resp_2"] == ids(*sent)


def test_stream_that_tells_its_id_at_the_end():
    """
    OpenAI's Agents SDK for JavaScript does.
    """
    sent = [
        openai("response_started", "openai-agents"),
        openai("output_text_delta", "openai-agents", delta="a"),
        openai("response_done", "openai-agents", response={"id": "resp_9"}),
        openai("output_text_delta", "openai-agents", delta="b"),
    ]
    assert ["resp_9", "resp_9", "resp_9", None] == ids(*sent)


def test_streams_of_two_senders_do_not_mix():
    """
    Each pluginId has its own.
    """
    sent = [
        openai("response.created", response={"id": "resp_1"}),
        openai("response.created", "openrouter", response={"id": "gen_1"}),
        openai("response.output_text.delta", delta="a"),
        openai("response.output_text.delta", "openrouter", delta="b"),
    ]
    assert ["resp_1", "gen_1", "resp_1", "gen_1"] == ids(*sent)


def test_stream_cut_by_the_batch_still_has_its_id():
    """
    The end alone tells it too.
    """
    assert ["resp_1", "resp_1"] == ids(
        openai("response.output_text.delta"), openai("response.completed", response={"id": "resp_1"})
    )


@pytest.mark.parametrize("response", [None, 5, {"id": 5}, {"id": ""}, {}])
def test_response_without_an_id_gives_none(response):
    """
    Then it is a row and no call.
    """
    assert [None] == ids(openai("response.created", response=response))


def test_unknown_sender_is_stored_whole():
    """
    With its pluginId, its payload and whatever lies beside it.
    """
    sent = {
        "type": "thing:happened",
        "payload": {"a": 1, "requestId": "r"},
        "pluginId": "acme",
        "extra": [1],
        "context": {"clientId": "c"},
    }
    row = row_of(sent)
    assert ("unknown", "thing:happened", "r", "c") == (row.dialect, row.type, row.request_id, row.client_id)
    assert {"a": 1, "extra": [1], "pluginId": "acme"}.items() <= json.loads(row.payload).items()


def test_unknown_sender_makes_no_call():
    """
    A call without any canonical event would end as incomplete, and be exported as an error.
    """
    sent = {"type": "thing:happened", "payload": {"requestId": "r"}, "pluginId": "acme"}
    assert () == read_events(sent).batch.touches


@pytest.mark.parametrize("plugin", ["openai", "openrouter", "openai-agents", "aisbreaker"])
@pytest.mark.parametrize("type_name", ["response.created", "response_done", "OutputImage", "nobody.knows.this"])
def test_every_event_with_a_request_id_makes_a_call(plugin, type_name):
    """
    Also one whose type says nothing: it is told as a sign of life, never as nothing.
    """
    batch = read_events(openai(type_name, plugin, context={"requestId": "r1"})).batch
    stored = StoredEvent(
        type=type_name, event_id="e", timestamp_ms=1, received_ms=1, arrival=1, sequence=0, dialect=plugin,
        payload=json.loads(batch.events[0].payload), request_id="r1",
    )  # fmt: skip
    assert ["r1"] == [touch.request_id for touch in batch.touches]
    assert len(DIALECTS[plugin].canonical([stored], "r1")) >= 1


def test_table_is_keyed_by_name():
    """
    The column `dialect` leads back to its row.
    """
    assert all(name == dialect.name for name, dialect in DIALECTS.items())


@pytest.mark.parametrize(
    ("plugin", "sent", "edges"),
    [
        ("openai", openai("response.created", response={"id": "r"}), [(True, False)]),
        ("openai", openai("response.output_text.delta"), [(False, False)]),
        ("openai", openai("response.incomplete", response={"id": "r"}), [(False, True)]),
        ("openai", openai("error"), [(False, True)]),
        ("openai", openai("response.image_generation_call.generating", item_id="ig"), [(False, False), (False, False)]),
        ("openai", openai("response.image_generation_call.completed", item_id="ig"), [(False, False), (False, True)]),
        ("openai-agents", openai("response_started"), [(True, False)]),
        ("openai-agents", openai("response_done"), [(False, True)]),
        ("aisbreaker", openai("OutputText"), [(False, False)]),
        ("aisbreaker", openai("OutputImage"), [(False, True)]),
        ("aisbreaker", openai("ResponseFinal"), [(False, True)]),
    ],
)
def test_edges_of_a_call_are_known_on_the_way_in(plugin, sent, edges):
    """
    So that a call is looked at soon after its end, and not when a long one is due by its age.
    """
    touches = read_events({**sent, "pluginId": plugin, "context": {"requestId": "r1"}}).batch.touches
    assert edges == [(touch.has_start, touch.has_terminal) for touch in touches]
