"""
From the events of a call to the call, its spans, tools, usage and health.

Flow: storage -> **assembly** -> storage -> exporters.
Pure: no storage, no HTTP, no clock; time comes in as a value. The door is `assembler.assemble`.
"""
