"""Whether tables, columns and indexes are what maintenance needs, and whether memories can be updated cheaply."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from memory_maintenance.inspection.health import Check
from memory_maintenance.store.pool import Pool, fetch, fetch_row
from memory_maintenance.store.schema import (
    APPLIED,
    COLUMNS,
    INDEX_STATES,
    INDEXES,
    MEMORIES,
    PRESENT,
    RECOVERY,
    is_numbered,
    lost,
    migrations,
)

_MIGRATE: Final = "python starter.py migrate"

ENOUGH_UPDATES: Final = 1_000
"""Of fewer, the share of HOT updates says nothing."""
GOOD_SHARE: Final = 0.5

FILLFACTOR: Final = 80
"""What ``migrate`` gives a table that it creates: room on each page for the new version of a row."""

UPDATES: Final = """
-- inspection.UPDATES: how many updates of memories stayed on their page and touched no index.
SELECT coalesce(sum(s.n_tup_upd), 0)::bigint AS updates, coalesce(sum(s.n_tup_hot_upd), 0)::bigint AS hot,
       max(coalesce((SELECT option_value::integer FROM pg_options_to_table(c.reloptions)
                     WHERE option_name = 'fillfactor'), 100)) AS fillfactor
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE c.relkind = 'r' AND (
    s.relid = 'memories'::regclass OR s.relid IN (SELECT t.relid FROM pg_partition_tree('memories') AS t)
)
"""

_store = partial(Check, "store")


async def migration(pool: Pool) -> Check:
    """Compare the store's migrations with those of this version."""
    applied, known = [row["name"] for row in await fetch(pool, APPLIED)], list(migrations())
    at, newest = _revision(applied), _revision(known)
    if at > newest:
        return _store(
            "migration", "failure", f"at revision {at}, this version ends at {newest}", "deploy a newer version"
        )
    if set(known) - set(applied):
        return _store("migration", "failure", f"at revision {at}, this version needs {newest}", _MIGRATE)
    return _store("migration", "ok", f"at revision {at}, the newest")


def _revision(names: Iterable[str]) -> str:
    return max((name[:4] for name in names if is_numbered(name)), default="0000")


async def tables(pool: Pool) -> Check:
    """Compare the tables and functions of maintenance with those that the migrations leave."""
    if missing := lost({row["name"] for row in await fetch(pool, PRESENT)}):
        applied = {row["name"] for row in await fetch(pool, APPLIED)}
        mended = missing[0].startswith("function") or not applied >= migrations().keys()
        advice = _MIGRATE if mended else RECOVERY
        return _store("tables", "failure", f"missing: {', '.join(missing)}", advice)
    return _store("tables", "ok", "all of the schema maintenance are there")


async def columns(pool: Pool) -> Check:
    """Compare the columns of memories, and their types, with what statements name."""
    rows = await fetch(pool, MEMORIES)
    types, declared = ({row["name"]: row[what] for row in rows} for what in ("type", "declared"))
    if missing := COLUMNS.keys() - types.keys():
        return _store("columns", "failure", f"memories lacks {', '.join(sorted(missing))}", _MIGRATE)
    wrong = [
        f"{name} is {types[name]}, not {' or '.join(fit)}" for name, fit in COLUMNS.items() if types[name] not in fit
    ]
    if declared["decayed_importance"] not in (declared["importance"], "double precision", "numeric"):
        wrong.append("decayed_importance keeps other digits than importance: memories would count as set by the agent")
    if wrong:
        return _store("columns", "failure", "; ".join(wrong), "ALTER TABLE memories ALTER COLUMN … TYPE …")
    return _store("columns", "ok", f"all {len(COLUMNS)} of memories; importance is {declared['importance']}")


async def indexes(pool: Pool) -> Check:
    """Look for indexes that are missing, or not valid."""
    valid = {row["name"].rpartition(".")[2]: row["valid"] for row in await fetch(pool, INDEX_STATES)}
    if broken := [name for name, is_valid in valid.items() if not is_valid]:
        advice = _MIGRATE if set(broken) <= set(INDEXES) else f"REINDEX INDEX CONCURRENTLY {broken[0]}"
        return _store("indexes", "failure", f"not valid, so never used: {', '.join(broken)}", advice)
    if missing := [name for name in INDEXES if name not in valid]:
        return _store("indexes", "failure", f"missing: {', '.join(missing)}", _MIGRATE)
    return _store("indexes", "ok", f"{len(INDEXES)} of maintenance are there and valid")


async def updates(pool: Pool) -> Check:
    """Ask how many updates of memories touched no index, and look for what makes them."""
    row = await fetch_row(pool, UPDATES)
    if row is None or row["updates"] < ENOUGH_UPDATES:
        return _store("updates", "ok", "too few updates of memories to judge by")
    share = row["hot"] / row["updates"]
    found = f"{share:.0%} of {row['updates']:,} updates stayed on their page (HOT); fillfactor {row['fillfactor']}"
    if share >= GOOD_SHARE:
        return _store("updates", "ok", found)
    if on_decay := [index["name"] for index in await fetch(pool, INDEX_STATES) if index["on_decay"]]:
        return _store("updates", "warning", found, f"every decay writes to {on_decay[0]}: drop it if no query needs it")
    if row["fillfactor"] > FILLFACTOR:
        advice = f"ALTER TABLE memories SET (fillfactor = {FILLFACTOR}), for pages written from then on"
        return _store("updates", "warning", found, advice)
    return _store("updates", "note", found, "autovacuum may be behind: see n_dead_tup in pg_stat_user_tables")
