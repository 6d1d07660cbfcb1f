"""Commands of the ``temporal`` program, to be pasted into a shell."""

from __future__ import annotations

import shlex
from typing import Final

USUAL_ADDRESSES: Final = ("127.0.0.1:7233", "localhost:7233")
"""Where ``temporal`` looks by itself."""


def temporal_command(address: str, namespace: str, *words: str) -> str:
    """Return the command *words*, with the address and the namespace where ``temporal`` would look elsewhere."""
    where = [] if address in USUAL_ADDRESSES else ["--address", address]
    where += [] if namespace == "default" else ["--namespace", namespace]
    return shlex.join(["temporal", *words, *where])
