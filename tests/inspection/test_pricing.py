from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from memory_maintenance.decay.policy import DecayRule, DecayRun, decayed
from memory_maintenance.decay.progress import preview_instants
from memory_maintenance.decay.verdict import RowState, judge
from memory_maintenance.inspection import pricing
from memory_maintenance.inspection.pricing import Census, priced_rows
from memory_maintenance.store.pool import fetch, snapshot
from memory_maintenance.tenants.control import all_tenants
from tests.agents import write
from tests.inspection.conftest import NIGHT

DAY = timedelta(days=1)
READ = "SELECT importance, created_at, last_accessed_at, layer FROM memories WHERE tenant_id = $1 ORDER BY id"


async def _foreseen(pool, rule, later, census):
    async with snapshot(pool) as db:
        for tenant in await all_tenants(db):
            run = await preview_instants(db, tenant.tenant_id, NIGHT)
            pages = [page async for page in priced_rows(db, tenant.tenant_id, run, rule, 0.0, later, census)]
            yield tenant.tenant_id, np.hstack([page.left for page in pages])


@pytest.mark.parametrize(
    "rule", [DecayRule(rate=0.01), DecayRule("bounded", layers={"em": 3.0})], ids=["staged", "bounded"]
)
async def test_every_instant_is_priced_as_the_rule_says(sampled, rule, monkeypatch):
    monkeypatch.setattr(pricing, "_PAGE_ROWS", 100)
    other = DecayRule("bounded" if rule.policy == "staged" else "staged", layers=rule.layers)
    later = [(NIGHT + days * DAY, by) for by in (rule, other) for days in (0, 3, 400)]
    census = Census(Counter())
    async for tenant, left in _foreseen(sampled, rule, later, census):
        rows = [RowState(**row) for row in await fetch(sampled, READ, tenant)]
        for row, prices in zip(rows, left.T, strict=True):
            found = judge(row, DecayRun(NIGHT, NIGHT), rule)
            assert found.base is not None
            assert found.base_at is not None
            assert found.last_access is not None
            exact = [decayed(found.base, found.base_at, found.last_access, at, by, row.layer) for at, by in later]
            assert prices == pytest.approx(exact, abs=1e-12)
    assert census.verdicts == {"first_sight": 1132}
    assert census.to_write == 1132


async def test_what_a_run_leaves_alone_keeps_its_importance(pool):
    await write(pool, "acme", ["a"], importance=0.4, tags=["pinned"], start=NIGHT - DAY)
    await write(pool, "acme", ["b"], importance=float("nan"), start=NIGHT - DAY)
    rule, census = DecayRule(protected_tags=frozenset({"pinned"})), Census(Counter())
    [(_, left)] = [found async for found in _foreseen(pool, rule, [(NIGHT, rule), (NIGHT + 90 * DAY, rule)], census)]
    assert left.tolist() == [[0.4], [0.4]]
    assert census.verdicts == {"protected": 1, "invalid": 1}
