"""
The table of routes: one row a topic. A new topic is a module with a `router` and a row here.
"""

from fastapi import APIRouter

from collector.api import admin, blobs, calls, events, keeping, live, ops, outbox, pages, sql

ROUTERS: tuple[APIRouter, ...] = (
    events.router,
    calls.router,
    blobs.router,
    live.router,
    sql.router,
    ops.router,
    admin.router,
    outbox.router,
    keeping.router,
    pages.router,
)
