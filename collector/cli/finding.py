"""
What `hookline doctor` says of one thing that it looked at.

Flow: doctor, doctor_exports -> **Finding** -> table or JSON.
"""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `advice` is what to do, empty where all is well."""

    topic: str
    level: Level
    says: str
    advice: str = ""
    counts: dict[str, int] | None = None
    """The figures in `says`, for programs."""
