"""
What is kept and what goes: retention, forgetting, copies, and which spans are worth sending.

Flow: pipeline, api, cli -> **keeping** -> storage (Keeper).
Use cases only: they decide what, in which order and how much at a time; the SQL is in storage.
"""
