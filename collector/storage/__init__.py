"""
The database, behind protocols: SQL is here and in `migrations/` only.

Flow: ingest, pipeline, query -> **storage** -> SQLite or PostgreSQL.
"""
