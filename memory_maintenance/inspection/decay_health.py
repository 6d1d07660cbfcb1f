"""Whether decay does what its owner may think: what it leaves, and whether accesses are recorded."""

from __future__ import annotations

from functools import partial
from typing import Final

from memory_maintenance.decay.costs import cost_of
from memory_maintenance.decay.policy import RETAINED, DecayRun
from memory_maintenance.decay.rule import decay_rule
from memory_maintenance.inspection.health import Check
from memory_maintenance.settings import Settings
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Pool, fetch_row, fetch_value

SHARE: Final = """
-- inspection.SHARE: what staged decay leaves for good in this store where no setting says so.
SELECT decay_retained FROM maintenance.store
"""

ACCESSES: Final = """
-- inspection.ACCESSES: how many of some memories were accessed after they were written.
--   $1 looked_at  bigint
SELECT count(*) AS memories, count(*) FILTER (WHERE last_accessed_at > created_at + interval '1 minute') AS accessed
FROM (SELECT created_at, last_accessed_at FROM memories LIMIT $1) AS looked_at
"""

_LOOKED_AT: Final = 100_000
_ENOUGH: Final = 100
"""Of fewer memories, none being accessed says nothing."""

_store = partial(Check, "store")


async def share(pool: Pool, settings: Settings) -> Check:
    """Say what the deployment's rule costs where it leaves less than a new store does."""
    as_of = await checked_as_of(pool, None)
    rule = decay_rule(settings).for_run(DecayRun(as_of, as_of, retained_share=await fetch_value(pool, SHARE)))
    kept = f"{rule.policy} decay leaves {rule.retained:g} of what the agent said"
    if not settings.memory_importance_decay_enabled or rule.retained >= RETAINED:
        return _store("decay", "ok", kept)
    advice = f"consider MEMORY_DECAY_RETAINED={RETAINED:g}: starter.py simulate --retained {RETAINED:g}"
    return _store("decay", "note", f"{kept} ({cost_of(rule)})", advice)


async def accesses(pool: Pool) -> Check:
    """Look for memories that were accessed after they were written: only those does an access protect."""
    row = await fetch_row(pool, ACCESSES, _LOOKED_AT)
    if row is None or row["memories"] < _ENOUGH or row["accessed"]:
        return _store("accesses", "ok", "accesses are recorded, or there are too few memories to tell")
    found = f"no memory was accessed after it was written, of {row['memories']:,}: access protects nothing here"
    return _store(
        "accesses", "note", found, "let what reads memories write last_accessed_at, or expect every memory to age"
    )
