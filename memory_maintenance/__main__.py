"""One daily maintenance from plain cron: ``python -m memory_maintenance [--hourly] [--dry-run] [TENANT ...]``.

``--migrate`` prepares the store, ``--doctor`` checks settings and store, ``--serve-metrics`` serves the metrics that a
run leaves in the store: the library needs no command line of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from memory_maintenance import __version__
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.errors import DatabaseUnavailableError, MaintenanceError, SettingsError
from memory_maintenance.inspection.figures import reporting_figures
from memory_maintenance.inspection.health import Check, has_failed
from memory_maintenance.inspection.settings_health import settings_checks
from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.invocation import as_invoked
from memory_maintenance.observability.logs import configure_logs, log_warnings
from memory_maintenance.observability.serving import WORKER_INFO, serving_metrics
from memory_maintenance.printable import in_one_line
from memory_maintenance.settings import Settings, load_settings, names_set
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import open_pool
from memory_maintenance.work import Kind


def _address(settings: Settings) -> str:
    if settings.database_dsn is None:
        raise SettingsError("DATABASE_URL is not set: name the Postgres whose memories are to be maintained")
    return settings.database_dsn.get_secret_value()


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(
        _address(settings), size=settings.database_pool_size, timeout_seconds=settings.database_timeout_seconds
    )
    try:
        yield pool
    finally:
        await pool.close()


async def _doctor(settings: Settings) -> list[Check]:
    checks = settings_checks(settings, names_set())
    try:
        async with _pool(settings) as pool:
            return [*checks, *await store_checks(pool, settings)]
    except DatabaseUnavailableError as error:
        return [*checks, Check("store", "reachable", "failure", str(error))]


async def _maintain(settings: Settings, tenant_ids: list[str] | None, *, hourly: bool, dry_run: bool) -> dict[str, Any]:
    configure_logs(settings)
    log_warnings(settings)
    async with _pool(settings) as pool:
        kind: Kind = "hourly" if hourly else "daily"
        return await run_maintenance(pool, settings, kind=kind, tenant_ids=tenant_ids, dry_run=dry_run)


async def _serve_metrics(settings: Settings) -> None:
    """Serve what runs left in the store until SIGTERM or SIGINT: one by cron ends before a scrape could ask it."""
    if not settings.metrics_port:
        raise SettingsError("METRICS_PORT is not set: name the port that Prometheus scrapes")
    configure_logs(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _pool(settings) as pool:
        with reporting_figures(pool, settings), serving_metrics(settings):
            WORKER_INFO.labels(role="cron", build_id="").set(1)
            sys.stderr.write(f"metrics: port {settings.metrics_port} of {settings.listen_address}\n")
            await stop.wait()


def _show(checks: Sequence[Check]) -> int:
    """Print what was found, a line each, and return the exit status."""
    for check in checks:
        advice = f" → {check.advice}" if check.advice else ""
        line = in_one_line(as_invoked(f"{check.level:<8} {check.subject}, {check.name}: {check.found}{advice}"))
        sys.stdout.write(f"{line}\n")
    return 1 if has_failed(checks) else 0


def main() -> int:
    """Do what was asked; of a maintenance, print its statistics as JSON, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="memory-maintenance" if Path(sys.argv[0]).name == "memory-maintenance" else "python -m memory_maintenance",
        description=__doc__.partition("\n")[0],
        epilog="Ends with status 1 where a tenant failed.",
    )
    parser.add_argument("tenants", nargs="*", metavar="TENANT", help="only these tenants")
    parser.add_argument("--hourly", action="store_true", help="only summarize idle sessions")
    parser.add_argument("--dry-run", action="store_true", help="print what a run would do; write and ask nothing")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--migrate", action="store_true", help="prepare the store for this version, and end")
    instead.add_argument("--doctor", action="store_true", help="check settings and store, and end")
    instead.add_argument(
        "--serve-metrics", action="store_true", help="serve the store's metrics on METRICS_PORT until it is stopped"
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    asked = parser.parse_args()
    if (asked.migrate or asked.doctor or asked.serve_metrics) and (asked.tenants or asked.hourly or asked.dry_run):
        parser.error(
            "--migrate, --doctor and --serve-metrics are about the whole store: they take no tenant and no other option"
        )
    try:
        settings = load_settings()
        if settings.database_dsn:
            sys.stderr.write(f"store: {settings.store_name}\n")
        if asked.migrate:
            asyncio.run(migrate(_address(settings)))
            sys.stdout.write("the store is ready\n")
            return 0
        if asked.doctor:
            return _show(asyncio.run(_doctor(settings)))
        if asked.serve_metrics:
            asyncio.run(_serve_metrics(settings))
            return 0
        stats = asyncio.run(_maintain(settings, asked.tenants or None, hourly=asked.hourly, dry_run=asked.dry_run))
    except MaintenanceError as error:
        sys.stderr.write(f"error: {in_one_line(as_invoked(str(error)))}\n")
        return 1
    sys.stdout.write(json.dumps(stats, indent=2) + "\n")
    return 1 if stats["failed_tenants"] else 0


if __name__ == "__main__":
    sys.exit(main())
