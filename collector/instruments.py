"""
The metrics of the GenAI conventions that hookline has: names, units, bucket boundaries, words.

Flow: assembly measures -> meter adds up -> OTLP, /metrics. **These values** are what all of them agree on.
As of the GenAI conventions' "Generative AI metrics" page (Development), which gives the boundaries in words: for every duration
from 10 milliseconds doubling up to 81.92 seconds, for tokens the powers of four from 1 to 67,108,864.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105
INPUT, OUTPUT = "input", "output"

OPERATION_DURATION = "gen_ai.client.operation.duration"
TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
TIME_PER_OUTPUT_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
TOOL_DURATION = "gen_ai.execute_tool.duration"

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A histogram. A value belongs to the first bucket whose boundary it does not exceed."""

    name: str
    unit: str
    description: str
    boundaries: tuple[float, ...]


def _seconds(name: str, description: str) -> Instrument:
    return Instrument(name=name, unit="s", description=description, boundaries=SECONDS)


INSTRUMENTS: Mapping[str, Instrument] = {
    instrument.name: instrument
    for instrument in (
        _seconds(OPERATION_DURATION, "How long calls took."),
        Instrument(name=TOKEN_USAGE, unit="{token}", description="Tokens that calls used.", boundaries=TOKENS),
        _seconds(TIME_TO_FIRST_CHUNK, "From a streaming request to the first chunk of its answer."),
        _seconds(TIME_PER_OUTPUT_CHUNK, "From one chunk of an answer to the next."),
        _seconds(TOOL_DURATION, "How long tools ran."),
    )
}
