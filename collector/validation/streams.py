"""
Which provider's response an event lies in, told by the events around it in the same POST.

Flow: dialects (stream_mark) -> **streams** -> batch.
"""

from collections.abc import Sequence

from collector.dialects import StreamMark


def response_ids(marks: Sequence[StreamMark]) -> list[str | None]:
    """
    For each event of one sender, in the order sent, the id of its response, or None.

    A stream goes from its start to its end; any of its events may tell the id. Where two streams run at once, nothing in
    the events tells them apart, and the one that began last is taken.
    """
    ids: list[str | None] = [None] * len(marks)
    start, response_id = 0, None
    for place, mark in enumerate(marks):
        if mark.edge == "start" or (mark.response_id and response_id and mark.response_id != response_id):
            ids[start:place] = [response_id] * (place - start)
            start, response_id = place, None
        response_id = mark.response_id or response_id
        if mark.edge == "end":
            ids[start : place + 1] = [response_id] * (place + 1 - start)
            start, response_id = place + 1, None
    ids[start:] = [response_id] * (len(marks) - start)
    return ids
