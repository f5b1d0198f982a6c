"""
A collector that the network can reach says so, unless TLS is taken care of.
"""

from typing import Any

import pytest
from structlog.testing import capture_logs

from collector.errors import WrongSettings
from collector.server import require_key, warn_of_plain_http
from collector.settings import Settings


@pytest.mark.parametrize(
    ("settings", "is_said"),
    [
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": "10.0.0.5"}, True),
        ({"host": "10.0.0.5", "behind_tls": True}, False),
        ({"host": "127.0.0.1"}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
    ],
)
def test_plain_http_on_the_network_is_said_at_the_start(settings: dict[str, Any], is_said: bool) -> None:
    """
    With what to do; and without a key such a collector doesn't start at all.
    """
    made = Settings(**settings)
    with capture_logs() as lines:
        warn_of_plain_http(made)
    assert ["plain_http"] * is_said == [line["event"] for line in lines]
    assert ["HOOKLINE_BEHIND_TLS" in line["cure"] for line in lines] == [True] * is_said
    if is_said or made.behind_tls:
        with pytest.raises(WrongSettings, match="HOOKLINE_HOST"):
            require_key(made, has_keys=False)
    require_key(made, has_keys=True)
