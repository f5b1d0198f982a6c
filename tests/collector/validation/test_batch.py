"""
Why an event is refused, and what a batch carries beside its rows.
"""

import json

import pytest

from collector.validation import CODES
from tests.fakes.posts import code_of, event, read_events, row_of


@pytest.mark.parametrize("type_name", [None, "", 5, ["a"], {"a": 1}, True])
def test_event_without_a_type_is_rejected(type_name):
    """
    A type is a text that is not empty.
    """
    assert "missing_type" == code_of({"eventId": "a", "type": type_name})
    assert "missing_type" == code_of({"eventId": "a"})


@pytest.mark.parametrize("project", ["other", 5, ["default"]])
def test_event_of_another_project_is_rejected(project):
    """
    A key writes into its own project only.
    """
    assert "project_mismatch" == code_of(event(project=project))


@pytest.mark.parametrize("project", ["default", "", None])
def test_event_of_the_keys_project_is_stored(project):
    """
    Named or not.
    """
    assert "default" == row_of(event(project=project)).project


def test_row_belongs_to_the_keys_project():
    """
    Whatever the event leaves out.
    """
    assert "shop" == row_of(event(), project="shop").project


def test_details_never_hold_what_was_sent():
    """
    Rejections go into answers and logs.
    """
    secret = "sk-very-secret"
    bad = [secret, {"type": "t", "timestamp": secret}, {"type": "t", "project": secret}, {"x": secret}, {"type": [secret]}]
    rejected = read_events(*bad).rejected
    assert len(bad) == len(rejected)
    assert not any(secret in rejection.detail for rejection in rejected)
    assert all(rejection.code in CODES for rejection in rejected)


def test_feedback_alone_makes_no_call():
    """
    Stored under its requestId, but what somebody thinks of a call is no call.
    """
    batch = read_events(event(type="feedback", requestId="r1", score=1), event(type="text:usage", requestId="r2")).batch

    assert ["r1", "r2"] == [row.request_id for row in batch.events]
    assert ["r2"] == [touch.request_id for touch in batch.touches]


def test_touch_holds_the_started_event_and_what_was_seen():
    """
    The call's first row is made from its started event, wherever in the batch that stands.
    """
    chunk = event(type="text:chunk:content", eventId="2", delta="a")
    start = event(eventId="1", provider="openai")
    other = event(type="image:request:completed", eventId="3", requestId="r2")
    touches = read_events(chunk, start, other).batch.touches
    assert [("r1", "1", "chat", True, False), ("r2", "3", "image_generation", False, True)] == [
        (t.request_id, t.first.event_id, t.operation, t.has_start, t.has_terminal) for t in touches
    ]


@pytest.mark.parametrize("ending", ["completed", "error", "aborted"])
@pytest.mark.parametrize(
    ("activity", "operation"),
    [("text", "chat"), ("embedding", "embeddings"), ("agent", "invoke_agent"), ("speech", "text_to_speech")],
)
def test_terminal_events_are_seen_for_every_activity(activity, operation, ending):
    """
    `<activity>:request:completed`, `:error`, `:aborted`.
    """
    (touch,) = read_events(event(type=f"{activity}:request:{ending}")).batch.touches
    assert (operation, True) == (touch.operation, touch.has_terminal)


def test_video_poll_is_its_own_operation():
    """
    Asking after a job is not making a video.
    """
    kinds = {"create": "video_generation", "status": "video_poll", "url": "video_poll"}
    for kind, operation in kinds.items():
        (touch,) = read_events(event(type="video:request:started", requestType=kind)).batch.touches
        assert operation == touch.operation


@pytest.mark.parametrize("type_name", ["client:created", "hook:registered", "run:completed", "devtools:opened"])
def test_events_about_no_call_touch_none(type_name):
    """
    Even if one has a requestId.
    """
    assert () == read_events(event(type=type_name)).batch.touches


def test_events_without_a_request_touch_no_call():
    """
    They are rows.
    """
    batch = read_events({"type": "text:chunk:content", "eventId": "a", "content": "x"}).batch
    assert (1, ()) == (len(batch.events), batch.touches)


def test_rejected_events_touch_no_call():
    """
    Nothing of them is stored.
    """
    batch = read_events(event(timestamp="never", images=[{"b64Json": "aGVsbG8gd29ybGQ="}])).batch
    assert ((), (), ()) == (batch.events, batch.touches, batch.blobs)


def test_runs_that_end_badly_are_told_once():
    """
    They concern every call of the run.
    """
    sent = [("run:errored", "a"), ("run:cancelled", "b"), ("run:errored", "a"), ("run:completed", "c"), ("run:errored", None)]
    batch = read_events(*({"type": name, "eventId": str(n), "runId": run} for n, (name, run) in enumerate(sent))).batch
    assert ["a", "b"] == [end.run_id for end in batch.run_ends]


def test_rows_keep_the_order_in_which_they_came():
    """
    Arrival is given by it.
    """
    sent = [str(n) for n in (5, 3, 9, 1)]
    assert sent == [row.event_id for row in read_events(*(event(eventId=name) for name in sent)).batch.events]


def test_wrong_fields_are_listed_for_every_type():
    """
    As JSON, one entry a field.
    """
    row = row_of(event(model=5, provider=[], type="text:request:started"))
    names = {issue.partition(":")[0] for issue in json.loads(row.schema_issues or "[]")}
    assert {"model", "provider"} <= names
