"""Ports for servers that must know theirs before they start, or come back to it after they were dead."""

import atexit
import socket
from contextlib import suppress

from embedded.temporal import HOST

_candidates = iter(range(20_000, 21_000))
"""Below the ephemeral ports of Linux (from 32768) and macOS (from 49152).

Temporal's Web UI takes the port 1,000 higher.
"""


def free_port() -> int:
    """Return a port that no server listens on, and that no other call returns while this process lives."""
    for port in _candidates:
        # Other processes call this too, at the same time. UDP: the server itself listens on TCP.
        reserved = socket.socket(type=socket.SOCK_DGRAM)
        with suppress(OSError), socket.socket() as candidate:
            reserved.bind((HOST, port))
            candidate.bind((HOST, port))
            atexit.register(reserved.close)
            return port
        reserved.close()
    raise RuntimeError("no free port: all were given out")
