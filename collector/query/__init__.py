"""
What can be asked of the store, as values and use cases.

Flow: api, cli -> **query** -> storage (Reader). No HTTP, no SQL.
"""
