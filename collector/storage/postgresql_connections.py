"""
How to come to a PostgreSQL: the one place that makes connections.

Flow: PostgresqlEngine, schema, Presence -> **connections_to** -> psycopg.
A server that vanished must be noticed: the machine asks after ten seconds of silence, and gives up fifteen after that.
"""

from typing import Any, cast

import psycopg
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy import Engine as Connections
from sqlalchemy.pool import NullPool

CONNECT_TIMEOUT_S = 5

Driver = psycopg.Connection[Any]

# What a URL's query may say otherwise: `?connect_timeout=30`.
_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "application_name": "hookline",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def connections_to(url: str, options: str, **pool: Any) -> Connections:
    """Connections with the server's `options`; without a pool, each is its user's to close."""
    address = make_url(url).set(drivername="postgresql+psycopg")
    arguments = {**_ARGUMENTS, "options": options}
    given = {name: address.query[name] for name in arguments if name in address.query}
    merged = {**arguments, **{name: f"{given[name]} {options}" if name == "options" else given[name] for name in given}}
    pooling: dict[str, Any] = pool or {"poolclass": NullPool}
    return create_engine(address.difference_update_query(list(given)), connect_args=merged, hide_parameters=True, **pooling)


def driver_of(connection: Connection) -> Driver:
    """The driver's connection, past SQLAlchemy."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return cast(Driver, driver)
