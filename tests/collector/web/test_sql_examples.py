"""
What the SQL view and the tab SQL offer can be run as it stands.
"""

import pytest

from collector.query.sql import run_sql
from collector.storage.call_statements import quote, statements_of_call
from collector.storage.engines import open_store
from collector.web.sql_examples import EXAMPLES, FIRST
from tests.fakes.bench import Bench

ODD = 'it\'s; -- "x" :name 100%'


def test_statements_run_on_both_engines(store_url: str):
    """
    Every example, and every statement of a call whose id looks like SQL.
    """
    store = open_store(store_url, settle_ms=0)
    bench = Bench(store, [])
    bench.feed(*bench.whole(ODD))
    bench.run_after(5_000)
    trace_id = (store.call("default", ODD) or {})["trace_id"]
    statements = statements_of_call(ODD, trace_id)

    for sql in (FIRST, *(example.sql for example in EXAMPLES)):
        run_sql(store, "default", sql=sql)
    answers = {one.title: run_sql(store, "default", sql=one.sql) for one in statements}
    store.close()

    assert 1 == len(answers["The call"].rows)
    assert 2 == len(answers["Its events, in order"].rows)
    assert 1 == len(answers["Its trace"].rows)


@pytest.mark.parametrize(("text", "expected"), [("a", "'a'"), ("it's", "'it''s'"), ("''", "''''''")])
def test_text_is_quoted(text: str, expected: str):
    """
    A quote is doubled, as SQL has it.
    """
    assert expected == quote(text)
