"""Tests that configure the logs of their process, and leave them as they were."""

import logging
import sys
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """After the test loggers, structlog and the hook for what ends a process are as before it."""
    root, configured, hook = logging.getLogger(), structlog.get_config(), sys.excepthook
    handlers, level = list(root.handlers), root.level
    yield
    sys.excepthook = hook
    structlog.configure(**configured)
    root.handlers[:] = handlers
    root.setLevel(level)
