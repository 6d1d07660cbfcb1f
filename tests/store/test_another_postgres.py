"""The tests of the store once more on a Postgres that is not ours: whichever the system has."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
TESTS = (
    *(f"store/test_{name}.py" for name in ("migrate", "pool", "statements", "functions", "importing", "partitioned")),
    *("decay/test_statements.py", "decay/test_batch.py", "decay/test_worker.py", "tenants", "cycles"),
    *("summarization/test_worker.py", "dreaming/test_worker.py", "embedding/test_worker.py"),
)


def _run(folder: Path, *command: object) -> None:
    """Postgres does not run as root: Debian's package brings a user for it."""
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*user, *map(str, command)], check=True, cwd=folder, stdout=subprocess.DEVNULL)


@pytest.fixture
def system_postgres():
    """The address of a server of the newest Postgres that the system has; connections by a socket only."""
    folder = Path(tempfile.mkdtemp(prefix="mm-postgres-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    data, programs = folder / "data", PROGRAMS[-1]
    _run(folder, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
    _run(folder, programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
    yield f"postgresql://postgres@/postgres?host={folder}"
    _run(folder, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.skipif(not PROGRAMS, reason="left out: the system has no Postgres (Debian: package postgresql)")
def test_the_store_is_the_same_on_the_systems_postgres(system_postgres):
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not system and not slow", *(f"tests/{t}" for t in TESTS)],
        cwd=ROOT,
        env={**os.environ, "TEST_DATABASE_URL": system_postgres},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
