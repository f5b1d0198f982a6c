"""
Alembic's entry: runs the migrations on the connection that `collector.storage.schema` hands over.

Flow: `hookline db upgrade`, `serve` -> collector.storage.schema -> **env** -> versions/.
Shipped inside the wheel as `collector/migrations`. Transactions and locks belong to the caller.
"""

from alembic import context

from collector.storage.tables import metadata


def run() -> None:
    """Run what was asked for, in the caller's transaction."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("migrations run through `hookline db upgrade`, which opens the database")
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=True)
    context.run_migrations()


run()
