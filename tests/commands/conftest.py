"""The command line in this process, on a real store and without a Temporal server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from commands.application import app

Cli = Callable[..., Awaitable[Result]]


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Take back what a command does to the logs of its process."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where embedded servers would put their data."""
    return tmp_path / "home"


@pytest.fixture
def cli(store_url: str, home: Path) -> Cli:
    """Run a command as an operator would."""
    settings = {
        "DATABASE_URL": store_url,
        "MEMORY_MAINTENANCE_HOME": str(home),
        "COLUMNS": "200",
        "TEMPORAL_ADDRESS": "",
    }

    async def run(*arguments: object, **changes: str) -> Result:
        words = list(map(str, arguments))
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, words, env={**settings, **changes}))

    return run
