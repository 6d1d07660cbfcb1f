import asyncio
import os
import re
import signal
import socket
import sys
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]


async def test_an_address_that_others_reach_needs_a_token(cli):
    told = await cli("web", "--host", "192.0.2.1")
    assert (told.exit_code, "MEMORY_MAINTENANCE_WEB_TOKEN" in told.stderr) == (2, True)
    told = await cli("web", "--host", "192.0.2.1", MEMORY_MAINTENANCE_WEB_TOKEN="short")
    assert (told.exit_code, "MEMORY_MAINTENANCE_WEB_TOKEN" in told.stderr, "short" in told.output) == (1, True, False)


async def test_a_port_that_is_taken_is_said_in_a_line(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = await cli("web", "--port", taken.getsockname()[1])
    assert (told.exit_code, "give another --port" in told.stderr) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_it_is_asked_to_end_and_then_ends_with_status_0(store_url, home, number):
    settings = {"DATABASE_URL": store_url, "TEMPORAL_ADDRESS": "127.0.0.1:1", "MEMORY_MAINTENANCE_HOME": str(home)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "starter.py", "web", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | settings,
    )
    assert process.stdout
    async with asyncio.timeout(60):
        first = (await process.stdout.readline()).decode()
        match = re.match(r"http://127\.0\.0\.1:\d+/", first)
        assert match, first
        async with httpx2.AsyncClient(base_url=match.group()) as client:
            assert "No tenants yet" in (await client.get("fleet")).text
        process.send_signal(number)
        _, err = await process.communicate()
    assert (process.returncode, b"Traceback" in err) == (0, False)


async def test_what_is_not_installed_is_named(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "web.server", None)
    told = await cli("web")
    assert (told.exit_code, "pip install 'starlette" in told.stderr) == (1, True)
