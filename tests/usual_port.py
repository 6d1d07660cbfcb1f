"""Temporal's usual port, which tests in several processes want: one of them at a time looks at it and takes it.

Between an embedded server's look whether the port is free and its listening there, another one would look too.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def usual_port() -> Iterator[None]:
    """Wait until no other process of the tests is in such a block."""
    path = Path(tempfile.gettempdir()) / f"memory-maintenance-tests-{os.geteuid()}-7233.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
