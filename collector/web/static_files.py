"""
Scripts, style and icons: read once, named by what is in them.

Flow: disk -> **one digest over all files** -> `/static/<digest>/<file>`, which a browser keeps for good.
The digest is in the folder, not in the file's name, so that modules find each other by relative addresses without a build.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from collector.errors import NotFound

FOLDER: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFiles:
    """All files and the digest of them together."""

    digest: str
    contents: Mapping[str, bytes]


@cache
def static_files() -> StaticFiles:
    """What the folder holds, read at the first use."""
    contents = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES}
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(b"%b %d\n" % (name.encode(), len(content)) + content)
    return StaticFiles(digest=digest.hexdigest()[:16], contents=contents)


def static_url(name: str) -> str:
    """Where a file is; raises KeyError for one that isn't there, so that a wrong name fails in a test."""
    files = static_files()
    if name not in files.contents:
        raise KeyError(name)
    return f"/static/{files.digest}/{name}"


@router.get("/static/{digest}/{name}")
async def static_file(digest: str, name: str) -> Response:
    """A file. One asked for by an old digest is told not to stay."""
    files = static_files()
    if name not in files.contents:
        raise NotFound("no such file")
    headers = {
        "cache-control": _FOR_GOOD if digest == files.digest else "no-cache",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "content-security-policy": "default-src 'none'",
    }
    return Response(files.contents[name], media_type=MEDIA_TYPES[Path(name).suffix], headers=headers)
