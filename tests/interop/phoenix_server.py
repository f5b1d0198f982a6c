"""
Phoenix with its HTTP port on loopback and without its gRPC port, which would listen on all interfaces whatever its settings say.

Run by Phoenix's own Python, from `check_phoenix`: nothing of it is installed where hookline is.
"""

import sys
from typing import Any

from phoenix.server import grpc_server  # pyright: ignore[reportMissingImports]
from phoenix.server.main import main  # pyright: ignore[reportMissingImports]


async def _no_server(self: Any) -> None:
    """In place of what opens the port."""


grpc_server.GrpcServer.__aenter__ = _no_server
sys.argv = ["phoenix", "serve"]
main()
