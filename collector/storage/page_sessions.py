"""
Logins of the page, by the hash of their token: every collector on the database knows them, and a restart ends none.

Flow: api.sessions -> **PageSessions** -> page_sessions.
"""

from sqlalchemy import delete, select

from collector.storage.database import StorePart
from collector.storage.tables import page_sessions
from collector.storage.upserts import insert


class PageSessions(StorePart):
    """`SessionStore`."""

    def add_session(self, token_hash: str, key_hash: str, *, now_ms: int, expires_ms: int) -> None:
        """See `SessionStore.add_session`."""
        row = {"token_hash": token_hash, "key_hash": key_hash, "expires_ms": expires_ms}
        ended = delete(page_sessions).where(page_sessions.c.expires_ms <= now_ms)
        self._database.write(
            lambda connection: (
                connection.execute(ended),
                connection.execute(insert(connection.dialect.name, page_sessions).values(row)),
            )
        )

    def session_key(self, token_hash: str, *, now_ms: int) -> str | None:
        """See `SessionStore.session_key`."""
        is_open = (page_sessions.c.token_hash == token_hash, page_sessions.c.expires_ms > now_ms)
        with self._database.reading() as connection:
            return connection.execute(select(page_sessions.c.key_hash).where(*is_open)).scalar_one_or_none()

    def end_session(self, token_hash: str) -> None:
        """See `SessionStore.end_session`."""
        statement = delete(page_sessions).where(page_sessions.c.token_hash == token_hash)
        self._database.write(lambda connection: connection.execute(statement))
