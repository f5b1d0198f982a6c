"""
Writes everything in docs/ (and the types of the JavaScript package) that is generated from code; with `--check` says what is out of date instead.

    python -m docs.generate [--check]

One row a file. `make gen` runs it, `make check` runs it with `--check`.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from docs.dialects_page import dialects_page
from docs.openapi_document import openapi_document
from docs.settings_page import settings_page
from docs.typescript_events import FAMILIES, typescript_base, typescript_family, typescript_index
from sdk_hooks.events.schema import page_text, schema_text

DOCS = Path(__file__).parent

GENERATED: Mapping[str, Callable[[], str]] = {
    "openapi.json": openapi_document,
    "settings.md": settings_page,
    "dialects.md": dialects_page,
    "events.md": page_text,
    "events.schema.json": schema_text,
    "../sdk_hooks/js/src/events/index.ts": typescript_index,
    "../sdk_hooks/js/src/events/base.ts": typescript_base,
    **{f"../sdk_hooks/js/src/events/{family}.ts": partial(typescript_family, family) for family in FAMILIES},
}


def main(arguments: list[str]) -> int:
    stale = [name for name, make in GENERATED.items() if _current(DOCS / name) != make()]
    if "--check" in arguments:
        for name in stale:
            print(f"docs/{name} is out of date: run `make gen` and commit it", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(GENERATED[name](), encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


def _current(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
