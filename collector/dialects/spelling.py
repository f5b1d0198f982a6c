"""
One shape, two spellings: `item_id` as the provider writes it, `itemId` as JavaScript SDKs do.

Flow: translations ask for the provider's name -> **Spelling** -> the value under the sender's.
Names are translated when they are read; nothing is rewritten, so what lies in users' own objects stays theirs.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@functools.cache
def camel(name: str) -> str:
    """`input_tokens` -> `inputTokens`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a sender writes the names of fields."""

    is_camel: bool

    def get(self, holder: Mapping[str, Any], name: str) -> Any:
        """The field's value; where the sender writes camelCase, the provider's own spelling is taken as well."""
        if self.is_camel and (value := holder.get(camel(name))) is not None:
            return value
        return holder.get(name)


SNAKE: Final = Spelling(is_camel=False)
CAMEL: Final = Spelling(is_camel=True)
