"""
What tests need beside the checkout's own packages: skipped with a notice where it is absent, or a failure where everything
must be there (`HOOKLINE_REQUIRE_ALL=1`, as in CI).
"""

import os
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
"""Recordings and published definitions. A checkout alone has none of them, not even where everything is required."""


def missing(what: str, *, is_required: bool = True) -> NoReturn:
    """Skip, or fail where everything must be there."""
    if is_required and os.environ.get("HOOKLINE_REQUIRE_ALL") == "1":
        pytest.fail(f"{what}, and HOOKLINE_REQUIRE_ALL is set")
    pytest.skip(what)


def shared(*parts: str) -> Path:
    """A file or folder of the shared ones, which must be there where the shared folder is."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        missing(f"no {path}", is_required=SHARED.is_dir())
    return path
