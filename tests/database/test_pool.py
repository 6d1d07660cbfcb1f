"""What a connection meets between a server's last words and the end of the connection."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from memory_maintenance.database.pool import fetch_value, open_pool
from memory_maintenance.errors import DatabaseUnavailableError

FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
LAST_WORDS = b"E" + (len(FIELDS) + 4).to_bytes(4, "big") + FIELDS


class Relay:
    """Between a client and Postgres, so that something can be said in the server's name."""

    def __init__(self, socket_folder: str) -> None:
        self._path = f"{socket_folder}/.s.PGSQL.5432"
        self._clients: list[asyncio.StreamWriter] = []
        self._pumps: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._path)
        self._clients.append(writer)
        self._pumps += [asyncio.create_task(self._pump(*ends)) for ends in ((reader, to_server), (from_server, writer))]

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            target.write(data)
        target.close()

    async def say_last_words(self) -> None:
        for client in self._clients:
            client.write(LAST_WORDS)
            await client.drain()
        for _ in range(10):  # turns of the event loop, in which the client reads it
            await asyncio.sleep(0)

    async def stop(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        for client in self._clients:
            client.close()


async def test_a_statement_after_the_servers_last_words_finds_the_store_unavailable(store_url):
    parts = urlsplit(store_url)
    if "host" not in parse_qs(parts.query):
        pytest.skip("relays to the embedded Postgres' socket")
    relay = Relay(parse_qs(parts.query)["host"][0])
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = await open_pool(f"postgresql://postgres@127.0.0.1:{port}{parts.path}", size=1, timeout_seconds=5)
    assert await fetch_value(pool, "SELECT 7") == 7
    await relay.say_last_words()
    with pytest.raises(DatabaseUnavailableError):
        await fetch_value(pool, "SELECT 7")
    await pool.close()
    server.close()
    await relay.stop()
