"""
The workers behind the store: calls are assembled, spans are sent, metrics go out at their interval.

Flow: storage -> **pipeline (assembly, exporters)** -> storage.
The door is `pipeline.Pipeline`; `calls`, `exports` and `metrics` are its workers, each of which knows only the store's protocol.
"""
