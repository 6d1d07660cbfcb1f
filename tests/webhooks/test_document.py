"""docs/webhooks.md: its receiver works as it stands there, and its table has every type."""

import asyncio
import os
import re
import sys

import pytest

from chaos.ports import free_port
from memory_maintenance.settings.webhooks import EVENT_TYPES
from tests.commands.conftest import cli, home, quiet_again
from tests.processes.conftest import ROOT
from tests.webhooks.receiver import SECRET

__all__ = ["cli", "home", "quiet_again"]

PAGE = (ROOT / "docs" / "webhooks.md").read_text()


def test_the_table_has_every_type():
    assert re.findall(r"^\| `([a-z_.]+)` \|", PAGE, re.MULTILINE) == [*EVENT_TYPES, "ping"]


@pytest.fixture
async def documented():
    """The receiver of the page, as a process: its address and its output."""
    [script] = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        env={**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}/", process.stdout
    process.terminate()
    await process.wait()


async def test_the_receiver_takes_what_is_signed_and_nothing_else(cli, documented):
    url, output = documented
    async with asyncio.timeout(60):
        while (shown := await cli("webhooks", "test", WEBHOOK_URLS=url, WEBHOOK_SECRET=SECRET)).exit_code:
            assert "unreachable" in shown.output  # it does not listen yet
        line = await output.readline()
    assert "took the event (memory_maintenance.ping" in shown.output
    assert b'"type":"memory_maintenance.ping"' in line
    other = "whsec_" + "A" * 40
    refused = await cli("webhooks", "test", "--json", WEBHOOK_URLS=url, WEBHOOK_SECRET=other)
    assert (refused.exit_code, "status_401" in refused.output) == (1, True)
    both = await cli("webhooks", "test", WEBHOOK_URLS=url, WEBHOOK_SECRET=f"{other},{SECRET}")
    assert both.exit_code == 0


async def test_without_a_receiver_the_command_says_so(cli):
    shown = await cli("webhooks", "test")
    assert (shown.exit_code, "WEBHOOK_URLS is not set" in shown.output) == (1, True)
