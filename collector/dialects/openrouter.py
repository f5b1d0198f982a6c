"""
Responses streams as OpenRouter's SDKs hand them out: the same in camelCase, in Python in snake_case.

Flow: HTTP -> **openrouter** -> validation -> storage -> **openrouter** -> assembly.
"""

from typing import Final

from collector.dialects.openai_responses import responses_dialect
from collector.dialects.spelling import CAMEL

OPENROUTER: Final = responses_dialect("openrouter", CAMEL, sequence_names=("sequenceNumber", "sequence_number"))
