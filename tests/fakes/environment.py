"""
The environment of a program that a test starts: this one's, without what would change how hookline or its neighbours behave.
"""

import os


def clean_environment(*more_prefixes: str) -> dict[str, str]:
    """Without settings of hookline and OpenTelemetry, and without names that begin with one of `more_prefixes`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HOOKLINE_", "OTEL_", *more_prefixes))}
