"""
The header list of OTEL_EXPORTER_OTLP_HEADERS: `name=value,name=value`, values percent-encoded (W3C baggage).

Flow: environment -> **headers** -> exporters.otlp_settings.
Read here because the official parser logs the part that it does not understand, and that part may be a key.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from collector.errors import WrongSettings

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def read_headers(variable: str, text: str) -> dict[str, str]:
    """Lower-case names to values; a later one wins. Raises WrongSettings, which tells which part is wrong but never its text."""
    headers: dict[str, str] = {}
    for number, part in enumerate(text.split(","), start=1):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        name, value = unquote(name.strip()).lower(), unquote(value.strip())
        if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise WrongSettings(f"{variable}: part {number} is not name=value with a percent-encoded value.")
        headers[name] = value
    return headers


def without_secrets(text: str, headers: Iterable[str]) -> str:
    """The text with the values of headers blotted out: a backend may quote our key when it refuses it."""
    for value in headers:
        for secret in {value, value.rpartition(" ")[2]}:
            if len(secret) >= 6:
                text = text.replace(secret, "***")
    return text
