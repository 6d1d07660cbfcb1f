"""``/livez`` and ``/readyz``, asked as a probe asks: by a bare HTTP request."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from chaos.ports import free_port
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from runtime import health
from runtime.health import Readiness, serving_health


@pytest.fixture
async def port() -> int:
    return free_port()


@pytest.fixture
async def readiness(port: int) -> AsyncIterator[Readiness]:
    readiness = Readiness()
    async with serving_health(_settings(port), readiness):
        yield readiness


def _settings(port: int) -> Settings:
    return Settings(_env_file=None, health_port=port)


async def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """Return status and body."""
    answer = await _send(port, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


async def _send(port: int, request: bytes, *, hang_up: bool = False) -> bytes:
    """Return the answer; *hang_up*: say that nothing more comes, which some servers take for our leaving."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    if hang_up:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def _works() -> None:
    return None


async def _fails() -> None:
    raise ConnectionResetError("postgres://secret")


@pytest.mark.parametrize(
    ("happens", "status", "parts"),
    [
        pytest.param(lambda _: None, 503, {"worker": "starting"}, id="it starts"),
        pytest.param(
            lambda ready: ready.works_with(temporal=_works, postgres=_works),
            200,
            {"worker": "ok", "temporal": "ok", "postgres": "ok"},
            id="all works",
        ),
        pytest.param(
            lambda ready: ready.works_with(temporal=_works, postgres=_fails),
            503,
            {"worker": "ok", "temporal": "ok", "postgres": "ConnectionResetError"},
            id="a part does not, and its error's text is not told",
        ),
        pytest.param(
            lambda ready: (ready.works_with(temporal=_works), ready.stops()),
            503,
            {"worker": "stopping", "temporal": "ok"},
            id="it stops",
        ),
    ],
)
async def test_ready_is_who_has_all_it_needs(port, readiness, happens: Callable[[Readiness], None], status, parts):
    happens(readiness)
    answered, body = await ask(port, "/readyz")
    assert (answered, json.loads(body)) == (status, parts)


async def test_a_part_that_does_not_answer_is_not_waited_for(port, readiness, monkeypatch):
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    readiness.works_with(temporal=asyncio.Event().wait)
    assert await ask(port, "/readyz") == (503, '{"worker": "ok", "temporal": "TimeoutError"}\n')


async def test_alive_is_also_who_is_not_ready(port, readiness):
    readiness.works_with(postgres=_fails)
    assert (await ask(port, "/livez"))[0] == 200


@pytest.mark.usefixtures("readiness")
@pytest.mark.parametrize(
    ("path", "method", "status", "body"),
    [("/", "GET", 404, "{}\n"), ("/livez", "POST", 405, "{}\n"), ("/livez?verbose", "GET", 200, '{"process": "ok"}\n')],
)
async def test_only_two_paths_are_answered(port, path, method, status, body):
    assert await ask(port, path, method) == (status, body)


@pytest.mark.usefixtures("readiness")
async def test_to_a_head_request_only_the_head_is_sent(port):
    assert await ask(port, "/livez", "HEAD") == (200, "")


@pytest.mark.usefixtures("readiness")
@pytest.mark.parametrize("request_", [b"", b"GET /livez", b"\r\n\r\n", b"\xff\xfe\r\n\r\n", b"x" * 100_000])
async def test_what_is_no_request_gets_no_answer_and_does_no_harm(port, request_):
    assert await _send(port, request_, hang_up=True) == b""
    assert (await ask(port, "/livez"))[0] == 200


async def test_a_port_that_is_taken_is_named(port, readiness):
    with pytest.raises(SettingsError, match=f"HEALTH_PORT: cannot listen on 127.0.0.1:{port}"):
        async with serving_health(_settings(port), readiness):
            pass


async def test_without_a_port_nothing_listens():
    async with serving_health(_settings(0), Readiness()):
        assert [task for task in asyncio.all_tasks() if "serve" in task.get_name()] == []
