"""
The event catalogue of the client package, opened when the first event comes.

Flow: sdk_hooks.events -> **catalogue** -> schema_check.
"""

import functools

from collector.validation.schema_check import SchemaCheck


@functools.cache
def schema_check() -> SchemaCheck:
    """One for the process: it keeps what it compiled."""
    from sdk_hooks.events import EVENT_TYPES

    return SchemaCheck(EVENT_TYPES)
