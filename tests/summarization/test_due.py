import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final
from uuid import uuid4

import pytest

from memory_maintenance.inspection.sessions import session_reports
from memory_maintenance.settings import Settings
from memory_maintenance.store.derived import text_hash
from memory_maintenance.store.pool import Pool, execute, fetch_value
from memory_maintenance.summarization.due import due_arguments
from memory_maintenance.summarization.due_statements import DUE_OLDEST
from memory_maintenance.summarization.policy import HOURLY_REACH, DueRule, SessionKey, SessionState
from memory_maintenance.tenants.overrides import override
from tests.agents import AS_OF, others, talk, write
from tests.fake_model import FakeModel
from tests.steps import Summarizing, session_counts_due, sessions_due

BACKENDS = ["openai", "extractive", "none"]
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
REACHED = HOURLY_REACH + timedelta(minutes=30)
"""Age of the oldest last event that an hourly run looks at."""


def settings(backend: str = "extractive", **changed: Any) -> Settings:
    return Settings.model_validate({"rae_llm_backend": backend, **changed})


async def due(pool: Pool, tenant: str, *, daily: bool = False, at: datetime = AS_OF, **changed: Any) -> list[str]:
    found = await sessions_due(pool, tenant, as_of=at, daily=daily, settings=settings(**changed))
    return [key.session_id for key in found]


@pytest.mark.parametrize("layer", ["episodic", "em"])
async def test_idle_sessions_are_due_hourly_and_long_ones_daily(any_pool, tenant, layer):
    await write(any_pool, tenant, talk(12), session="idle", layer=layer)
    await write(any_pool, tenant, talk(9), session="short", layer=layer)
    await write(any_pool, tenant, talk(12), session="going on", layer=layer, start=AS_OF - timedelta(minutes=20))
    await write(any_pool, tenant, talk(101), session="long", layer=layer, start=AS_OF - timedelta(minutes=20))
    await write(any_pool, tenant, talk(12), layer=layer, metadata={"session_id": "in metadata"})
    await write(any_pool, tenant, talk(12), layer=layer)
    assert await due(any_pool, tenant) == ["idle", "in metadata"]
    assert await due(any_pool, tenant, daily=True) == ["idle", "in metadata", "long"]


async def test_a_covered_session_is_due_again_when_enough_is_new(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    await Summarizing(any_pool, settings()).summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)
    assert await due(any_pool, tenant, daily=True) == []
    await write(any_pool, tenant, talk(9, first=50), session="s", start=AS_OF - timedelta(hours=9))
    assert await due(any_pool, tenant) == []
    await write(any_pool, tenant, talk(1, first=90), session="s", start=AS_OF - timedelta(hours=8))
    assert await due(any_pool, tenant) == ["s"]


async def test_sessions_that_ended_long_before_adoption_stay_out_also_later(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="old", start=AS_OF - 8 * DAY)
    await write(any_pool, tenant, talk(12), session="recent", start=AS_OF - 6 * DAY)
    assert await due(any_pool, tenant, daily=True) == ["recent"]
    await execute(any_pool, "UPDATE maintenance.store SET adopted_at = $1", AS_OF)
    assert await due(any_pool, tenant, daily=True, at=AS_OF + 100 * DAY) == ["recent"]
    assert await due(any_pool, tenant, daily=True, at=AS_OF, summarization_backfill_days=9) == ["old", "recent"]


async def test_hourly_runs_leave_what_has_been_idle_for_days_to_the_daily_one(any_pool, tenant):
    await write(any_pool, tenant, talk(1), session="just in time", start=AS_OF - REACHED)
    await write(any_pool, tenant, talk(11), session="just in time", start=AS_OF - 6 * DAY)
    await write(any_pool, tenant, talk(12), session="too late", start=AS_OF - REACHED - 12 * SECOND)
    await write(
        any_pool, tenant, ["Told."], session="too late", source="summarization_worker", tags=["session_summary"],
        metadata={"text_sha256": "edited"},
    )  # fmt: skip
    assert await due(any_pool, tenant) == ["just in time"]
    assert await due(any_pool, tenant, daily=True) == ["just in time", "too late"]
    asked = await sessions_due(any_pool, tenant, as_of=AS_OF, daily=False, settings=settings(), backfill_days=0)
    assert [key.session_id for key in asked] == ["just in time", "too late"]


OLD: Final = """
INSERT INTO memories (id, tenant_id, content, layer, project, session_id, metadata, created_at)
SELECT gen_random_uuid(), $1, 'Mara waits', 'episodic', 'shop', 's' || n / 20, '{"session_id": ""}', $2
FROM generate_series(1, 5000) AS n
"""

COVER_OLD: Final = """
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task)
SELECT tenant_id::text, gen_random_uuid(), id, 'summarization' FROM memories
WHERE tenant_id = $1 AND content = 'Mara waits'
"""

READ: Final = """
SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'memories'
"""


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("recent", ["new", "s7"])
async def test_only_sessions_with_something_new_are_read_and_hourly_those_of_the_last_days(
    any_pool, tenant, mode, recent
):
    await execute(any_pool, OLD, tenant, AS_OF - 5 * DAY)
    await write(any_pool, tenant, talk(12), session=recent)
    await write(any_pool, tenant, talk(2), metadata={"session_id": ""})
    await execute(any_pool, "ANALYZE memories")
    counted: list[tuple[dict[str, int], int]] = []
    async with any_pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        for daily in (False, True):
            found = await session_counts_due(connection, [tenant], AS_OF, daily, settings=settings())
            counted.append((found, await fetch_value(connection, READ)))
        await connection.execute(COVER_OLD, tenant)
        before = await fetch_value(connection, READ)
        found = await session_counts_due(connection, [tenant], AS_OF, True, settings=settings())
        nightly = await fetch_value(connection, READ) - before
    (hourly, few), (everything, many) = counted
    # The recent events are read three times: whether they are new, for their sessions, and with them, where those
    # without a session are not. A vacuumed page answers the first of them from the index.
    assert (hourly, few) == ({tenant: 1}, 14 + 14 + 12 + (20 if recent == "s7" else 0))
    assert (everything, many > 5000) == ({tenant: 250 + (recent == "new")}, True)
    # Once more each source of a summary: whether it is gone, has expired or was edited.
    assert (found, nightly) == ({tenant: 1}, few + 2 * 5000)


async def test_what_rae_summarized_before_adoption_is_not_due(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    theirs: dict[str, Any] = {
        "session": "s",
        "source": "summarization_worker",
        "tags": ["session_summary", "auto_generated"],
    }
    await write(any_pool, tenant, ["A summary by RAE."], start=AS_OF - timedelta(hours=4), **theirs)
    assert await due(any_pool, tenant) == []
    await execute(any_pool, "UPDATE maintenance.store SET adopted_at = $1", AS_OF - timedelta(hours=4, seconds=1))
    assert await due(any_pool, tenant) == ["s"]


async def test_fallbacks_and_texts_without_a_model_are_due_daily_once_there_is_better(pool, tenant):
    for name, backend in [("fallback", "none"), ("extractive", "extractive"), ("model", "openai")]:
        await write(pool, tenant, talk(12), session=name)
        one = Summarizing(pool, settings(backend), FakeModel())
        await one.summarize(SessionKey(tenant, "shop", name), as_of=AS_OF)
    assert await due(pool, tenant, backend="openai") == []
    assert await due(pool, tenant, daily=True, backend="openai") == ["extractive", "fallback"]
    assert await due(pool, tenant, daily=True, backend="extractive") == ["fallback"]
    assert await due(pool, tenant, daily=True, backend="none") == []
    await execute(pool, "UPDATE memories SET content = 'by hand' WHERE source = 'summarization_worker'")
    assert await due(pool, tenant, daily=True, backend="openai") == []


async def test_due_sessions_come_in_pages_without_gap_or_repeat(any_pool, tenant):
    for number in range(7):
        await write(any_pool, tenant, talk(10), session=f"s{number % 4}", project=[None, "shop"][number // 4])
    found: list[SessionKey] = []
    while page := await sessions_due(
        any_pool, tenant, as_of=AS_OF, daily=False, settings=settings(), after=found[-1] if found else None, limit=3
    ):
        found += page
    assert [(key.project, key.session_id) for key in found] == [
        *[("default", f"s{number}") for number in range(4)],
        *[("shop", f"s{number}") for number in range(3)],
    ]
    of_one = await sessions_due(any_pool, tenant, as_of=AS_OF, daily=False, settings=settings(), project="shop")
    assert of_one == found[4:]


async def test_counts_are_per_tenant_and_honour_overrides(any_pool):
    tenants = sorted(str(uuid4()) for _ in range(4))
    for number, tenant in enumerate(tenants[:3]):
        for session in range(number + 1):
            await write(any_pool, tenant, talk(10), session=f"s{session}")
    await override(any_pool, tenants[1], {"summarization_enabled": False})
    counts = await session_counts_due(any_pool, tenants, as_of=AS_OF, daily=True, settings=settings())
    assert counts == {tenants[0]: 1, tenants[2]: 3}
    off = settings(summarization_enabled=False)
    assert await session_counts_due(any_pool, tenants, as_of=AS_OF, daily=True, settings=off) == {}


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        "text",
        7,
        {"session_id": None},
        {"session_id": {"a": 1}},
        {"session_id": "s", "fallback": "odd", "backend": 3},
        {"session_id": "s", "backend": random.Random(1).randbytes(9_000).hex()},
    ],
    ids=lambda metadata: str(metadata)[:60],
)
async def test_whatever_agents_keep_in_metadata_stops_no_session(pool, tenant, metadata):
    await write(pool, tenant, talk(12), metadata=metadata, tags=["session_summary"])
    await write(pool, tenant, talk(12), metadata=metadata)
    await write(pool, tenant, talk(12), session="fine")
    assert "fine" in await due(pool, tenant, daily=True)


async def test_asking_what_is_due_changes_nothing(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="s")
    before = await others(any_pool, tenant)
    await due(any_pool, tenant)
    assert await others(any_pool, tenant) == before
    assert await fetch_value(any_pool, "SELECT count(*) FROM maintenance.lineage") == 0


SET_ASIDE = """
INSERT INTO maintenance.set_aside
    (kind, tenant_id, project, name, session_id, failures, last_round, reason, set_aside_at)
VALUES ('session', $1, 'shop', $2, $2, 3, 'r', 'repeats', now())
"""


LINEAGE = """
INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task) VALUES ($1, $2, $3, 'summarization')
"""


@dataclass(frozen=True)
class Drawn:
    """A session drawn at random, as it is to be written and as the rule sees it.

    Its ``covered`` events are the first, or the last where new ones came ``late``.
    """

    events: int
    covered: int
    late: bool
    age: timedelta
    stored: str | None
    fallback: bool
    edited: bool
    set_aside: bool
    never_sent: bool

    @classmethod
    def by(cls, chance: random.Random) -> "Drawn":
        events = chance.choice([3, 9, 10, 11, 99, 100, 101])
        stored = chance.choice([None, "openai", "extractive", "none"])
        age = chance.choice(
            [
                *(timedelta(minutes=29), timedelta(minutes=30), timedelta(hours=5), REACHED, REACHED + SECOND),
                *(6 * DAY, 7 * DAY, 8 * DAY),
            ]
        )
        covered = 0 if stored is None else chance.choice([0, 1, events // 2, events])
        fallback = stored == "none" or chance.random() < 0.3
        late, edited, set_aside, never_sent = (chance.random() < 0.3 for _ in range(4))
        return cls(events, covered, late, age, stored, fallback, edited, set_aside, never_sent)

    def covered_of(self, events: list[Any]) -> list[Any]:
        return events[len(events) - self.covered :] if self.late else events[: self.covered]

    @property
    def state(self) -> SessionState:
        stands = self.stored is not None and not self.edited
        return SessionState(
            new_events=self.events - self.covered,
            last_event_at=AS_OF - self.age,
            last_new_event_at=AS_OF - self.age - timedelta(seconds=self.covered) if self.late else None,
            summary_backend=self.stored if stands else None,
            fallback=self.fallback and stands,
            set_aside=self.set_aside,
            never_sent=self.never_sent,
        )

    async def write(self, pool: Pool, tenant: str, session: str) -> None:
        start = AS_OF - self.age - timedelta(seconds=self.events - 1)
        metadata = {"info_class": "Confidential"} if self.never_sent else {}
        ids = await write(pool, tenant, talk(self.events), session=session, start=start, metadata=metadata)
        if self.set_aside:
            await execute(pool, SET_ASIDE, tenant, session)
        if self.stored:
            written = {"backend": self.stored, "fallback": self.fallback, "text_sha256": text_hash("as written")}
            text = "edited" if self.edited else "as written"
            [summary] = await write(
                pool,
                tenant,
                [text],
                session=session,
                source="summarization_worker",
                tags=["session_summary"],
                metadata=written,
            )
            rows = [(tenant, summary, one) for one in (*self.covered_of(ids), summary)]
            await pool.executemany(LINEAGE, rows)


@pytest.mark.parametrize("seed", range(3))
async def test_the_statement_agrees_with_the_rule(pool, seed):
    chance = random.Random(seed)
    drawn = {f"s{number:03}": Drawn.by(chance) for number in range(60)}
    for session, one in drawn.items():
        await one.write(pool, "acme", session)
    for adopted_at in (None, AS_OF - DAY):
        await execute(pool, "UPDATE maintenance.store SET adopted_at = $1", adopted_at)
        for backend, daily in product(BACKENDS, (False, True)):
            gate = chance.choice((0, 30))
            chosen: dict[str, Any] = {"model_excluded_classes": "confidential", "maintenance_idle_gate_minutes": gate}
            rule = DueRule.of(settings(backend, **chosen), daily=daily)
            wanted = [key for key, one in drawn.items() if rule.is_due(one.state, as_of=AS_OF, adopted_at=adopted_at)]
            assert await due(pool, "acme", daily=daily, backend=backend, **chosen) == wanted
    # The reasons that an operator reads follow the same rule, here with a gate of the tenant's own.
    await override(pool, "acme", {"idle_gate_minutes": 300})
    sent: dict[str, Any] = {"model_excluded_classes": "confidential", "maintenance_idle_gate_minutes": 30}
    asked = settings(**sent)
    found = await due(pool, "acme", daily=True, **sent)
    reports = [(await session_reports(pool, asked, "acme", session, as_of=AS_OF))[0] for session in drawn]
    assert [one.session_id for one in reports if one.due_daily] == found
    waiting = {one.session_id for one in reports if one.why[0].startswith("it waits")}
    await override(pool, "acme", {"idle_gate_minutes": 0})
    assert waiting == set(await due(pool, "acme", daily=True, **sent)) - set(found)


async def test_a_tenant_that_may_use_nothing_is_served_without_a_model(pool):
    for tenant in ("acme", "bolt"):
        await write(pool, tenant, talk(12), session="s")
        await Summarizing(pool, settings("extractive")).summarize(SessionKey(tenant, "shop", "s"), as_of=AS_OF)
    for changes in ({"daily_tokens": 0}, {"daily_tokens": None, "daily_cost": 0}):
        await override(pool, "bolt", changes)
        assert await due(pool, "acme", daily=True, backend="openai") == ["s"]
        assert await due(pool, "bolt", daily=True, backend="openai") == []
    everybody: dict[str, Any] = {"backend": "openai", "model_daily_cost_per_tenant": 0}
    assert await due(pool, "acme", daily=True, **everybody) == []
    await override(pool, "acme", {"daily_cost": "0.25"})
    assert await due(pool, "acme", daily=True, **everybody) == ["s"]


@pytest.mark.parametrize(
    "garbage",
    [
        {"daily_tokens": "many"},
        {"idle_gate_minutes": "soon"},
        {"idle_gate_minutes": 1e300},
        {"summarization_enabled": "perhaps"},
        {"daily_cost": [1]},
        {"daily_cost": None},
        [1],
        7,
    ],
    ids=str,
)
async def test_what_somebody_wrote_into_one_tenants_overrides_does_not_fail_the_others(pool, garbage):
    for tenant in ("acme", "bolt"):
        await write(pool, tenant, talk(12), session="s")
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('bolt', $1)", garbage)
    counts = await session_counts_due(pool, ["acme", "bolt"], AS_OF, True, settings=settings("openai"))
    assert counts["acme"] == 1


async def test_an_operators_back_fill_reaches_further(any_pool, tenant):
    await write(any_pool, tenant, talk(12), session="old", start=AS_OF - 40 * DAY)
    await write(any_pool, tenant, talk(12), session="older", start=AS_OF - 60 * DAY)
    found = await sessions_due(any_pool, tenant, as_of=AS_OF, daily=True, settings=settings(), backfill_days=45)
    assert [key.session_id for key in found] == ["old"]
    counts = await session_counts_due(any_pool, [tenant], AS_OF, True, settings=settings(), backfill_days=61)
    assert counts == {tenant: 2}
    assert await sessions_due(any_pool, tenant, as_of=AS_OF, daily=True, settings=settings(), backfill_days=0) == []


def _compared(plan: dict[str, Any]) -> int:
    """Return the pairs that joins of a plan compared in vain."""
    own = plan.get("Rows Removed by Join Filter", 0) * plan["Actual Loops"]
    return int(own) + sum(_compared(one) for one in plan.get("Plans", []))


async def test_planning_compares_no_session_with_every_other(pool):
    for tenant in ("acme", "bolt"):
        for number in range(60):
            await write(pool, tenant, talk(10), session=f"s{number}")
    await execute(pool, "ANALYZE")
    rule = DueRule.of(settings(), daily=True)
    arguments = due_arguments(["acme", "bolt"], AS_OF, rule, settings())
    [plan] = await fetch_value(pool, "EXPLAIN (ANALYZE, FORMAT JSON) " + DUE_OLDEST, *arguments)
    assert _compared(plan["Plan"]) < 1200  # as many as there are events; every pair of sessions would be 14,400


@pytest.mark.parametrize(
    ("gate", "own", "due_then"),
    [
        pytest.param(0, None, ["going on", "idle"], id="no gate"),
        pytest.param(21, None, ["idle"], id="the deployment's"),
        pytest.param(20, None, ["going on", "idle"], id="over at its minute"),
        pytest.param(0, 21, ["idle"], id="the tenant's"),
        pytest.param(1440, 0, ["going on", "idle"], id="a tenant without one"),
        pytest.param(0, 301, [], id="longer"),
    ],
)
async def test_nothing_is_summarized_in_the_middle_of_a_conversation(any_pool, tenant, gate, own, due_then):
    last = AS_OF - timedelta(minutes=20)
    await write(any_pool, tenant, talk(101), session="going on", start=last - timedelta(seconds=100))
    await write(any_pool, tenant, talk(12), session="idle", start=AS_OF - timedelta(hours=5))
    await override(any_pool, tenant, {"idle_gate_minutes": own})
    assert await due(any_pool, tenant, daily=True, maintenance_idle_gate_minutes=gate) == due_then
