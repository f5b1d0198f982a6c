"""
Responses streams as openai-python and openai-node hand them out: snake_case.

Flow: HTTP -> **openai** -> validation -> storage -> **openai** -> assembly.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from collector.dialects.foreign import ForeignDialect
from collector.dialects.response_images import IMAGE_ENDS, image_call, image_ids
from collector.dialects.responses import ENDS, ERROR, text_call
from collector.dialects.spelling import SNAKE, Spelling
from collector.events import StoredEvent


def responses_dialect(name: str, spelling: Spelling, *, sequence_names: tuple[str, ...]) -> ForeignDialect:
    """The row of a sender of Responses streams; its name is the provider's, where the context names no other."""

    def translate(events: Sequence[StoredEvent], request_id: str) -> Sequence[StoredEvent]:
        stream_id = next((event.request_id for event in events if event.request_id), request_id)
        if request_id == stream_id:
            return text_call(events, request_id, spelling, name)
        item_id = request_id.removeprefix(f"{stream_id}/")
        return image_call(events, request_id, item_id, stream_id, spelling, name)

    def find_parts(event: Mapping[str, Any]) -> Sequence[str]:
        return image_ids(event, spelling)

    return ForeignDialect(
        name=name,
        plugin_ids=(name,),
        sequence_names=sequence_names,
        stream_starts=frozenset({"response.created"}),
        stream_ends=frozenset({*ENDS, ERROR}),
        part_ends=IMAGE_ENDS,
        translate=translate,
        find_parts=find_parts,
    )


OPENAI: Final = responses_dialect("openai", SNAKE, sequence_names=("sequence_number",))
