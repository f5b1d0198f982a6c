"""
hookline's version, as it was installed.

Flow: the package's metadata -> app, cli, docs.
"""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def installed_version() -> str:
    """The version, or one that sorts before all others where the package is not installed."""
    try:
        return version("hookline")
    except PackageNotFoundError:
        return "0+unknown"
