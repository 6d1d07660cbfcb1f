"""Where the benchmarks' servers keep their data."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def passable_folder() -> Iterator[Path]:
    """Yield a temporary folder that every user may pass through: started by root, Postgres runs as another user."""
    with tempfile.TemporaryDirectory(prefix="memory-maintenance-benchmark-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)
