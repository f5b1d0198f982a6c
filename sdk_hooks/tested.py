"""
Say once when an SDK is another one than we know: its version, those that were tested, and what is not recorded of it.

Flow: registry, hooks/<sdk> (`lacks`) -> **tested** -> one line of the log, a process and SDK.
Nothing is refused because of a version: what is still where it was is recorded, the rest stays as the SDK has it.
"""

import sys
from typing import Any, NamedTuple

from sdk_hooks.guard import log

_lacking: dict[str, list[str]] = {}
_told: set[str] = set()


class Tested(NamedTuple):
    """The versions that the suite ran with: from `first` on, up to the next that may change what is public."""

    first: str
    below: str


def lacks(sdk: str, what: str) -> None:
    """This SDK has not got what is hooked there; `tell` will say so."""
    found = _lacking.setdefault(sdk, [])
    if what not in found:
        found.append(what)


def tell(sdk: str, package: str, tested: Tested) -> bool:
    """
    Log what there is to say about the installed version, the first time that there is something. False: nothing, ever so far.

    `sdk` is the name that users install, `package` what they import.
    """
    if sdk in _told:
        return True
    version = version_of(sdk, package)
    missing = ", ".join(_lacking.get(sdk, ()))
    is_known = version is None or _parts(tested.first) <= _parts(version) < _parts(tested.below)
    if is_known and not missing:
        return False
    _told.add(sdk)
    log(
        "warning",
        "hookline: %s %s, tested with %s and later below %s: %s",
        *(sdk, version or "of an unknown version", tested.first, tested.below),
        f"not recorded, because not found: {missing}" if missing else "recorded as far as it is alike; calls work as ever",
    )
    return True


def version_of(sdk: str, package: str) -> str | None:
    """What the imported package says of itself, or else what was installed."""
    said: Any = getattr(sys.modules.get(package), "__version__", None)
    if isinstance(said, str):
        return said
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(sdk)
    except PackageNotFoundError:
        return None


def _parts(version: str) -> tuple[int, ...]:
    """The numbers at the beginning: `3.54.0rc1` is 3, 54."""
    found: list[int] = []
    for part in version.split("."):
        if not part.isdecimal():
            break
        found.append(int(part))
    return tuple(found)
