"""
GET /v1/blobs/{sha256}: media that was lifted out of events.

Flow: HTTP -> **here** -> storage (Reader). The bytes are somebody else's: whatever they are, a browser must not run them.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from collector.api.asked import Reading
from collector.api.schemas import answers
from collector.query.reads import read_blob

router = APIRouter(prefix="/v1", tags=["read"])

# SVG is an image that runs scripts, so it is not among them.
SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})
SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


@router.get("/blobs/{sha256}", responses=answers(None, 404, 304), summary="Media, by its digest", response_class=Response)
def get_blob(asked: Reading, sha256: str, request: Request) -> Response:
    """The bytes as they were sent. Images come inline, everything else as a download."""
    media_type, content = read_blob(asked.parts.store, asked.project, sha256)
    digest = sha256.removeprefix("sha256:").lower()
    kind = media_type.partition(";")[0].strip().lower()
    headers = {
        **SAFE_HEADERS,
        "etag": f'"{digest}"',
        "cache-control": "private, max-age=31536000, immutable",
        "content-disposition": "inline" if kind in SHOWN_INLINE else f'attachment; filename="{digest[:16]}"',
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind if _is_media_type(kind) else "application/octet-stream", headers=headers)


def _is_media_type(kind: str) -> bool:
    # It came from a sender and goes into a header.
    family, slash, name = kind.partition("/")
    return bool(slash) and all(
        part.isascii() and part.replace("-", "").replace("+", "").replace(".", "").isalnum() for part in (family, name)
    )
