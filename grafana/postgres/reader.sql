-- The role that Grafana reads with: SELECT on what the dashboards show, nothing else. Run it after `hookline serve` has made the
-- tables (again after an upgrade that adds some):
--
--   psql -v ON_ERROR_STOP=1 -v password="$HOOKLINE_READER_PASSWORD" -f grafana/postgres/reader.sql "$DATABASE"
--
-- It sees every project. Not granted: api_keys (hashes of keys), blobs and hook_states (content that no panel shows).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hookline_reader') THEN
        CREATE ROLE hookline_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT 10;
    END IF;
END
$$;

ALTER ROLE hookline_reader PASSWORD :'password';
ALTER ROLE hookline_reader SET default_transaction_read_only = on;
ALTER ROLE hookline_reader SET statement_timeout = '30s';

GRANT USAGE ON SCHEMA public TO hookline_reader;
GRANT SELECT ON events, calls, spans, chunks, tool_calls, token_usage, trace_health, exports, resources, call_work TO hookline_reader;
