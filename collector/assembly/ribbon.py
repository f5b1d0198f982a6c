"""
When the chunks of a call came, as a few characters.

Flow: facts, times -> **ribbon** -> calls.ribbon -> the page's barcode. Lists draw it without a look at events.
"""

from collector.assembly.facts import Facts
from collector.assembly.timing import Times

PARTS = 64
_DIGITS = "0123456789" + "9" * 64


def chunk_ribbon(facts: Facts, times: Times) -> str | None:
    """
    `<milliseconds>:<64 digits>`: the time from the call's start to its end, in equal parts, a digit each.

    0: no chunk came in that part; n: at least 2^(n-1) did. While the call runs, its end is the newest chunk. None without chunks.
    """
    moments_ms = [moment_ms for _, times_ms in facts.streamed for moment_ms in times_ms]
    if not moments_ms:
        return None
    end_ms = max(moments_ms) if times.end_ms is None else times.end_ms
    length_ms = max(end_ms - times.start_ms, 0.001)
    start_ms = times.start_ms
    counts = [0] * PARTS
    for moment_ms in moments_ms:
        part = int((moment_ms - start_ms) / length_ms * PARTS)
        # A clock that was set may put a chunk before the start or behind the end.
        counts[part if 0 <= part < PARTS else 0 if part < 0 else PARTS - 1] += 1
    return f"{length_ms:.0f}:{''.join([_DIGITS[count.bit_length()] for count in counts])}"
