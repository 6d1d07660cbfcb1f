"""One daily maintenance from plain cron: ``python -m memory_maintenance [--hourly] [--dry-run] [TENANT ...]``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.errors import MaintenanceError, SettingsError
from memory_maintenance.observability.logs import configure_logs, log_warnings
from memory_maintenance.settings import load_settings
from memory_maintenance.store.pool import open_pool
from memory_maintenance.work import Kind


async def _maintain(tenant_ids: list[str] | None, *, hourly: bool, dry_run: bool) -> dict[str, Any]:
    settings = load_settings()
    configure_logs(settings)
    log_warnings(settings)
    if settings.database_dsn is None:
        raise SettingsError("DATABASE_URL is not set: name the Postgres whose memories are to be maintained")
    pool = await open_pool(
        settings.database_dsn.get_secret_value(),
        size=settings.database_pool_size,
        timeout_seconds=settings.database_timeout_seconds,
    )
    try:
        kind: Kind = "hourly" if hourly else "daily"
        return await run_maintenance(pool, settings, kind=kind, tenant_ids=tenant_ids, dry_run=dry_run)
    finally:
        await pool.close()


def main() -> int:
    """Run one maintenance, print its statistics as JSON, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m memory_maintenance", description=__doc__, epilog="Ends with status 1 where a tenant failed."
    )
    parser.add_argument("tenants", nargs="*", metavar="TENANT", help="only these tenants")
    parser.add_argument("--hourly", action="store_true", help="only summarize idle sessions")
    parser.add_argument("--dry-run", action="store_true", help="print what a run would do; write and ask nothing")
    asked = parser.parse_args()
    try:
        stats = asyncio.run(_maintain(asked.tenants or None, hourly=asked.hourly, dry_run=asked.dry_run))
    except MaintenanceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(json.dumps(stats, indent=2) + "\n")
    return 1 if stats["failed_tenants"] else 0


if __name__ == "__main__":
    sys.exit(main())
