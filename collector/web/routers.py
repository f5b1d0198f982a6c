"""
The table of pages: one row a page. A new page is a module with a `router` and a row here.
"""

from fastapi import APIRouter

from collector.web import call_page, docs_page, list_page, login, sql_page, static_files

PAGES: tuple[APIRouter, ...] = (
    static_files.router,
    list_page.router,
    call_page.router,
    sql_page.router,
    login.router,
    docs_page.router,
)
