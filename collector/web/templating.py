"""
The templates' environment. Everything is escaped unless a template of ours says otherwise, and none does with stored values.

Flow: templates/ -> **environment** -> pages.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from collector.web.shown import FILTERS
from collector.web.static_files import static_url

FOLDER = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """Made once. An unknown name in a template is an error, not an empty text."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    # Jinja leaves the types of its tables open.
    tables: Any = made
    tables.filters.update(FILTERS)
    tables.globals["static"] = static_url
    return made
