"""A connection that has gone, which a retry helps, and a call that is wrong, which none does."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from memory_maintenance.errors import DatabaseRefusedError, DatabaseUnavailableError
from memory_maintenance.store.failures import store_errors
from memory_maintenance.store.pool import execute, fetch_value, open_pool, transaction

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


END = "SELECT pg_terminate_backend($1, 5000)"


async def ended(pool, connection):
    told = asyncio.Event()
    connection.add_termination_listener(lambda _: told.set())
    await execute(pool, END, connection.get_server_pid())
    await told.wait()


async def a_connection_that_the_server_ended(pool):
    async with pool.acquire() as connection:
        await ended(pool, connection)
        await fetch_value(connection, "SELECT 7")


async def a_transaction_that_the_server_ended(pool):
    async with transaction(pool) as db:
        await ended(pool, db)


async def a_statement_that_the_server_ended(pool):
    async with transaction(pool) as db:
        asleep = asyncio.create_task(fetch_value(db, "SELECT pg_sleep(60)"))
        await execute(pool, END, db.get_server_pid())
        await asleep


async def a_statement_after_one_that_was_cancelled(pool):
    async with transaction(pool) as db:
        asleep = asyncio.create_task(fetch_value(db, "SELECT pg_sleep(60)"))
        await asyncio.sleep(0)
        asleep.cancel()
        await fetch_value(db, "SELECT 7")


@pytest.mark.parametrize(
    "step",
    [
        a_connection_that_the_server_ended,
        a_transaction_that_the_server_ended,
        a_statement_that_the_server_ended,
        a_statement_after_one_that_was_cancelled,
    ],
)
async def test_where_the_connection_has_gone_the_store_is_unavailable(pool, step):
    with pytest.raises(DatabaseUnavailableError):
        await step(pool)
    assert await fetch_value(pool, "SELECT 7") == 7


async def test_a_pool_that_is_closed_is_unavailable(store_url):
    pool = await open_pool(store_url, size=1, timeout_seconds=5)
    await pool.close()
    with pytest.raises(DatabaseUnavailableError):
        await fetch_value(pool, "SELECT 7")


async def too_few_arguments(pool):
    await fetch_value(pool, "SELECT $1::integer + $2::integer", 7)


async def too_many_arguments(pool):
    async with transaction(pool) as db:
        await execute(db, "SELECT $1::integer", 7, 8)


async def a_transaction_begun_by_hand(pool):
    async with pool.acquire() as connection:
        await execute(connection, "BEGIN")
        with store_errors():
            await connection.transaction().start()


@pytest.mark.parametrize("mistake", [too_few_arguments, too_many_arguments, a_transaction_begun_by_hand])
async def test_a_call_that_is_wrong_is_a_defect_and_not_an_outage(pool, mistake):
    with pytest.raises(asyncpg.InterfaceError):
        await mistake(pool)
    assert await fetch_value(pool, "SELECT 7") == 7


async def test_a_log_in_that_cannot_be_done_is_refused_and_not_waited_for():
    async def ask_for_kerberos(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"R" + (8).to_bytes(4, "big") + (2).to_bytes(4, "big"))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ask_for_kerberos, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(DatabaseRefusedError, match="log-in"):
        await open_pool(f"postgresql://ana@127.0.0.1:{port}/x?sslmode=disable", size=1, timeout_seconds=5)
    server.close()
