"""
The tables of every engine, as SQLAlchemy Core metadata.

Flow: statements of this package -> **tables** ; `migrations/` must build exactly these (a test compares).
Users read them by plain SQL: the columns promised come first and keep name and meaning; ours follow at the end of each table.
Times are Unix milliseconds. JSON is text: PostgreSQL's jsonb refuses bytes that senders do send, and halves the rate.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData()

# SQLite gives rowids to an INTEGER PRIMARY KEY only, not to a BIGINT one.
_RowId = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _text_or_null(name: str) -> Column[str]:
    return Column(name, Text)


def _ms(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _int_or_null(name: str) -> Column[int]:
    return Column(name, BigInteger)


def _double_or_null(name: str) -> Column[float]:
    return Column(name, Double)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=false())


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _tokens() -> list[Column[int]]:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    return [_int_or_null(name) for name in names]


events = Table(
    "events",
    metadata,
    _text("project"),
    _text("event_id"),
    _text("type"),
    _ms("timestamp"),
    _ms("received_at"),
    Column("arrival", _RowId, primary_key=True, autoincrement=True),
    _text_or_null("request_id"),
    _text_or_null("parent_request_id"),
    _text_or_null("stream_id"),
    _text_or_null("message_id"),
    _text_or_null("client_id"),
    _text_or_null("thread_id"),
    _text_or_null("run_id"),
    _text_or_null("tool_call_id"),
    _text_or_null("session_id"),
    _text_or_null("user_id"),
    _text_or_null("source"),
    _text_or_null("provider"),
    _text_or_null("model"),
    _text_or_null("tool_names"),
    _int_or_null("message_count"),
    Column("has_tools", Boolean),
    Column("streaming", Boolean),
    _double_or_null("duration_ms"),
    _int_or_null("sequence"),
    _text_or_null("trace_id"),
    _text_or_null("parent_span_id"),
    _text("service"),
    _text("clock"),
    _text_or_null("schema_issues"),
    _text_or_null("reduced"),
    _text("payload"),
    _double_or_null("fraction"),
    _text("dialect"),
    _text("resource_id"),
    # Identity and time ranges in one: a second index over time would cost a tenth of the rate.
    # On PostgreSQL an index with a hash of the id (0015), which no metadata can tell for one engine alone.
    UniqueConstraint("project", "timestamp", "event_id", name="events_identity"),
)
# request_id leads: `chunks WHERE request_id = …` in a plain psql names no project.
Index("events_by_call", events.c.request_id, events.c.project, sqlite_where=text("request_id IS NOT NULL"),
      postgresql_where=text("request_id IS NOT NULL"))  # fmt: skip
_RUN_ONLY = text("run_id IS NOT NULL AND request_id IS NULL")
Index("events_by_run", events.c.project, events.c.run_id, sqlite_where=_RUN_ONLY, postgresql_where=_RUN_ONLY)

calls = Table(
    "calls",
    metadata,
    _text("project"),
    _text("request_id"),
    _text_or_null("parent_request_id"),
    _text("operation"),
    _text("status"),
    _double_or_null("start_ms"),
    _double_or_null("end_ms"),
    _double_or_null("duration_ms"),
    _double_or_null("time_to_first_chunk_ms"),
    _text_or_null("provider"),
    _text_or_null("model"),
    _text_or_null("response_model"),
    _text_or_null("finish_reason"),
    _text_or_null("error_type"),
    _text_or_null("error_message"),
    *_tokens(),
    _text("usage_source"),
    _double_or_null("cost_usd"),
    _text_or_null("cost_source"),
    _count("chunk_count"),
    _count("tool_count"),
    _count("image_count"),
    _text_or_null("prompt_preview"),
    _text_or_null("answer_preview"),
    _text("service"),
    _text_or_null("client_id"),
    _text_or_null("thread_id"),
    _text_or_null("run_id"),
    _text_or_null("session_id"),
    _text_or_null("user_id"),
    _text_or_null("trace_id"),
    _text_or_null("span_id"),
    _flag("late"),
    _text_or_null("tags"),
    _ms("updated_ms"),
    # What lists are ordered by: the start, or what is known in its place. Never NULL, so that cursors are exact.
    Column("order_ms", Double, nullable=False),
    _text("resource_id"),
    _text_or_null("exported_status"),
    _int_or_null("settled_ms"),
    # When its chunks came, for lists: `<milliseconds>:<64 digits>`.
    _text_or_null("ribbon"),
    PrimaryKeyConstraint("project", "request_id", name="calls_pkey"),
    Index("calls_by_start", "project", "order_ms", "request_id"),
    Index("calls_by_update", "project", "updated_ms"),
    Index("calls_by_trace", "project", "trace_id"),
    Index(
        "calls_by_run", "project", "run_id", sqlite_where=text("run_id IS NOT NULL"), postgresql_where=text("run_id IS NOT NULL")
    ),
)

call_work = Table(
    "call_work",
    metadata,
    _text("project"),
    _text("request_id"),
    Column("dirty", BigInteger, nullable=False),
    _ms("first_received_ms"),
    _ms("last_received_ms"),
    _flag("has_start"),
    _flag("has_terminal"),
    _flag("is_own_hook"),
    _ms("due_ms"),
    _text_or_null("lease_owner"),
    _int_or_null("lease_until_ms"),
    PrimaryKeyConstraint("project", "request_id", name="call_work_pkey"),
    Index("call_work_by_due", "due_ms"),
)

spans = Table(
    "spans",
    metadata,
    _text("project"),
    _text("trace_id"),
    _text("span_id"),
    _text_or_null("parent_span_id"),
    _text("request_id"),
    _text("kind"),
    _text("name"),
    _ms("start_ns"),
    _ms("end_ns"),
    Column("duration_ms", Double, nullable=False),
    _text("status"),
    _text_or_null("error_type"),
    _text_or_null("tool_name"),
    _text_or_null("tool_call_id"),
    _text("attributes"),
    _text_or_null("error_message"),
    _flag("is_client"),
    _flag("is_sampled"),
    PrimaryKeyConstraint("project", "request_id", "span_id", name="spans_pkey"),
    Index("spans_by_trace", "project", "trace_id"),
)

tool_calls = Table(
    "tool_calls",
    metadata,
    _text("project"),
    _text("request_id"),
    Column("n", Integer, nullable=False),
    _text("tool_call_id"),
    _text_or_null("tool_name"),
    _text_or_null("message_id"),
    _text_or_null("arguments"),
    _text_or_null("result"),
    _text("status"),
    _text_or_null("error"),
    _double_or_null("start_ms"),
    _double_or_null("end_ms"),
    _double_or_null("duration_ms"),
    PrimaryKeyConstraint("project", "request_id", "n", name="tool_calls_pkey"),
    Index("tool_calls_by_id", "project", "tool_call_id"),
)

token_usage = Table(
    "token_usage",
    metadata,
    _text("project"),
    _text("request_id"),
    Column("n", Integer, nullable=False),
    _text_or_null("message_id"),
    _text_or_null("model"),
    Column("at_ms", Double, nullable=False),
    *_tokens(),
    _double_or_null("cost_usd"),
    PrimaryKeyConstraint("project", "request_id", "n", name="token_usage_pkey"),
)

resources = Table(
    "resources",
    metadata,
    _text("project"),
    _text("resource_id"),
    _text("service"),
    _text("attributes"),
    _ms("first_seen_ms"),
    PrimaryKeyConstraint("project", "resource_id", name="resources_pkey"),
)

blobs = Table(
    "blobs",
    metadata,
    _text("project"),
    _text("sha256"),
    _text("media_type"),
    Column("bytes", BigInteger, nullable=False),
    _ms("created_ms"),
    Column("content", LargeBinary, nullable=False),
    # Of a message, which has no other content: text, so that everybody's SQL can read it.
    Column("text", Text),
    PrimaryKeyConstraint("project", "sha256", name="blobs_pkey"),
)

# Which event brought which media along: media go with their last event.
blob_refs = Table(
    "blob_refs",
    metadata,
    _text("project"),
    _text("sha256"),
    _ms("timestamp"),
    _text("event_id"),
    PrimaryKeyConstraint("project", "sha256", "timestamp", "event_id", name="blob_refs_pkey"),
    Index("blob_refs_by_event", "project", "timestamp", "event_id"),
)

hook_states = Table(
    "hook_states",
    metadata,
    _text("project"),
    _text("hook_id"),
    _ms("timestamp"),
    Column("sequence", BigInteger, nullable=False),
    _text("state"),
    PrimaryKeyConstraint("project", "hook_id", name="hook_states_pkey"),
)

call_health = Table(
    "call_health",
    metadata,
    _text("project"),
    _text("request_id"),
    _flag("missing_terminal"),
    _flag("missing_start"),
    _flag("missing_usage"),
    _flag("late"),
    _double_or_null("skew_ms"),
    _flag("truncated"),
    _flag("sequence_gap"),
    PrimaryKeyConstraint("project", "request_id", name="call_health_pkey"),
)

exports = Table(
    "exports",
    metadata,
    _text("project"),
    _text("span"),
    _text("destination"),
    _text("state"),
    _count("attempts"),
    # Also the end of a claim's lease: a claimed span is one that is due later.
    _ms("next_at"),
    _text_or_null("reason"),
    Column("export_id", _RowId, primary_key=True, autoincrement=True),
    _text("trace_id"),
    _text("request_id"),
    _text("resource_id"),
    _flag("is_final"),
    _ms("queued_ms"),
    _count("encoded_bytes"),
    Column("encoded", LargeBinary),
    # Who sends it now; nobody else may before `next_at`, unless that one is dead.
    _text_or_null("lease_owner"),
    _count("stumbles"),
    # The call leads: ids of spans are random, and each would have a page of the index to itself.
    UniqueConstraint("project", "request_id", "span", "destination", "is_final", name="exports_identity"),
    Index("exports_by_state", "destination", "state", "next_at", "export_id"),
    Index("exports_pending", "next_at", sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
)

api_keys = Table(
    "api_keys",
    metadata,
    _text("key_id"),
    _text("project"),
    _text("name"),
    _text("scopes"),
    _text("key_hash"),
    _ms("created_ms"),
    _int_or_null("revoked_ms"),
    _int_or_null("expires_ms"),
    _int_or_null("last_used_ms"),
    # JSON; a key with origins is public: it stands in the source of web pages.
    _text_or_null("origins"),
    _double_or_null("events_per_s"),
    _double_or_null("bytes_per_s"),
    PrimaryKeyConstraint("key_id", name="api_keys_pkey"),
    UniqueConstraint("key_hash", name="api_keys_hash"),
)

page_sessions = Table(
    "page_sessions",
    metadata,
    _text("token_hash"),
    _text("key_hash"),
    _ms("expires_ms"),
    PrimaryKeyConstraint("token_hash", name="page_sessions_pkey"),
    Index("page_sessions_by_end", "expires_ms"),
)

collectors = Table(
    "collectors",
    metadata,
    _text("owner"),
    # Of the lock that its session holds while it lives.
    Column("lock_key", BigInteger, nullable=False),
    _text("roles"),
    _ms("started_ms"),
    PrimaryKeyConstraint("owner", name="collectors_pkey"),
)

receipts = Table(
    "receipts",
    metadata,
    _text("project"),
    _text("idempotency_key"),
    _ms("first_ms"),
    PrimaryKeyConstraint("project", "idempotency_key", name="receipts_pkey"),
)

retention_rules = Table(
    "retention_rules",
    metadata,
    _text("project"),
    _int_or_null("days"),
    _int_or_null("max_bytes"),
    PrimaryKeyConstraint("project", name="retention_rules_pkey"),
)

# How many bytes of events each project holds. The row of the project '' says up to which arrival events were counted.
kept_sizes = Table(
    "kept_sizes",
    metadata,
    _text("project"),
    Column("counted_to", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    PrimaryKeyConstraint("project", name="kept_sizes_pkey"),
)
