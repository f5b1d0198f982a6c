"""
HTTP: one module a topic, `routers` has the table of them, `problems` alone knows status codes.

Flow: HTTP -> **api** -> validation and storage (in), query (out).
"""
