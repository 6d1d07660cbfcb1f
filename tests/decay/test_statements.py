import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.decay.policy import DecayRule, DecayRun, decayed, demoted
from memory_maintenance.decay.statements import DECAY_PAGE, PRICED_PAGE, Page, _terms, priced_page, write_page
from memory_maintenance.decay.verdict import REBASED, Outcome, RowState, judge
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_value, transaction
from tests.decay.conftest import some

DAY = timedelta(days=1)
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = str(UUID(int=7))
AS_IMPORTANCE = -7.0
READ = """
SELECT id, importance::float8, base_importance, base_importance_at, decayed_importance::float8,
       created_at, last_accessed_at, layer, tags, demotion
FROM memories WHERE tenant_id = $1 ORDER BY id
"""
TENANT_TYPE = """
SELECT udt_name FROM information_schema.columns WHERE table_name = 'memories' AND column_name = 'tenant_id'
"""
INSERT = """
INSERT INTO memories (tenant_id, content, importance, base_importance, base_importance_at, decayed_importance,
                      created_at, last_accessed_at, layer, tags, demotion)
VALUES ($1, 'x', $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

instants = st.datetimes(datetime(1976, 1, 1), datetime(2026, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001
recent = st.integers(0, 90 * 86_400 * 10**6).map(lambda age: AS_OF - timedelta(microseconds=age))
zeros = st.sampled_from([datetime(year, 1, 1, tzinfo=UTC) for year in (2, 1601, 1900, 1970, 1980, 2000, 2001)])
times = st.none() | instants | zeros | recent | st.sampled_from([AS_OF, AS_OF - 7 * DAY, AS_OF - 30 * DAY])
values = st.floats(0, 1) | st.sampled_from([0.0, -0.0, 5e-324, 0.01, math.nextafter(0.01, 1), 1.0])
broken = st.sampled_from([None, math.nan, math.inf, -math.inf, -1e-9, math.nextafter(1, 2)])
good = st.floats(0.05, 1)
layers = st.sampled_from([None, "episodic", "sm", "rm", "unheard of"])
demotions = st.none() | st.none() | st.floats(0, 1, exclude_min=True) | st.sampled_from([5e-324, 1e-300, 0.25, 1.0])
any_row = st.builds(
    RowState,
    importance=values | broken,
    base=st.none() | values | broken,
    base_at=st.none() | instants | recent,
    decayed=st.none() | values | st.just(AS_IMPORTANCE) | st.just(AS_IMPORTANCE),
    created_at=times,
    last_accessed_at=times,
    layer=layers,
    tags=st.sampled_from([frozenset(), frozenset({"x"}), frozenset({"x", "pinned"})]),
    demotion=demotions | st.sampled_from([0.0, -1.0, math.nan, math.inf]),
)
known_row = st.builds(
    RowState,
    importance=good,
    base=good,
    base_at=recent,
    decayed=st.just(AS_IMPORTANCE),
    created_at=st.none() | recent,
    last_accessed_at=times,
    layer=layers,
    demotion=demotions,
)
new_row = st.builds(
    RowState, importance=good, created_at=times, last_accessed_at=times, layer=layers, demotion=demotions
)
rows = st.tuples(*[st.lists(kind, min_size=2, max_size=12) for kind in (any_row, known_row, new_row)])
rates = st.floats(0, 0.01) | st.floats(0, 1, exclude_max=True) | st.sampled_from([0.0, 5e-324, 1e-300, 1 - 2**-53])
rules = st.builds(
    DecayRule,
    policy=st.sampled_from(["staged", "staged", "bounded"]),
    rate=rates,
    use_access=st.booleans(),
    retained_share=st.none() | st.floats(0, 1) | st.sampled_from([0.0, 5e-324, 1.0]),
    layers=st.sampled_from([{}, {"sm": 0.5, "ltm": 0.5, "rm": 0.0}, {"sm": 5e-324, "episodic": 100.0}]),
    protected_tags=st.just(frozenset({"pinned"})),
)


@pytest.fixture(scope="module", params=[("small", False), ("rae", False), ("rae", True)], ids=["small", "rae", "real"])
def lab(request, make_lab):
    kind, real = request.param
    return make_lab(kind, real=real)


async def _fill(pool: Pool, states: list[RowState]) -> None:
    rows = []
    for state in states:
        decayed = state.importance if state.decayed == AS_IMPORTANCE else state.decayed
        times = (state.base_at, decayed, state.created_at, state.last_accessed_at)
        rows.append((TENANT, state.importance, state.base, *times, state.layer, list(state.tags), state.demotion))
    await execute(pool, "TRUNCATE memories CASCADE")
    await pool.executemany(INSERT, rows)


def _state(row: Any) -> RowState:
    times = (row["base_importance_at"], row["decayed_importance"], row["created_at"], row["last_accessed_at"])
    return RowState(
        row["importance"], row["base_importance"], *times, row["layer"], frozenset(row["tags"] or ()), row["demotion"]
    )


async def _read(pool: Pool) -> dict[UUID, RowState]:
    return {row["id"]: _state(row) for row in await fetch(pool, READ, TENANT)}


async def _page(pool: Pool, run: DecayRun, rule: DecayRule, tolerance: float = 0.0) -> Page:
    async with transaction(pool) as db:
        return await write_page(db, DECAY_PAGE, TENANT, UUID(int=0), size=1000, run=run, rule=rule, tolerance=tolerance)


def _assert_agrees(before: RowState, after: RowState, outcome: Outcome, tolerance: float, digits: float) -> None:
    untouched = repr(after) == repr(before)  # NaN is not equal to itself
    if outcome.importance is None or before.importance is None:
        assert untouched
        return
    distance = abs(outcome.importance - before.importance)
    if untouched:
        assert outcome.verdict == "known"
        assert distance <= max(tolerance, digits)
        return
    assert outcome.verdict in REBASED or distance >= tolerance - digits
    assert after.importance == after.decayed
    assert after.importance == pytest.approx(outcome.importance, abs=digits)
    assert (after.base, after.base_at) == (outcome.base, outcome.base_at)


@given(
    states=rows.map(lambda kinds: [*chain(*kinds)]),
    rule=rules,
    tolerance=st.sampled_from([0.0, 0.0, 0.01]),
    adopted_at=recent,
    resumed_at=st.none() | recent,
)
@some(40)
def test_sql_and_python_agree_on_every_row(lab, states, rule, tolerance, adopted_at, resumed_at):
    digits, pool, run = lab.digits, lab.pool, DecayRun(AS_OF, adopted_at, resumed_at)
    lab.run(_fill(pool, states))
    before = lab.run(_read(pool))
    page = lab.run(_page(pool, run, rule, tolerance))
    after = lab.run(_read(pool))
    outcomes = {key: judge(state, run, rule) for key, state in before.items()}
    for key, outcome in outcomes.items():
        _assert_agrees(before[key], after[key], outcome, tolerance, digits)
    verdicts = Counter(outcome.verdict for outcome in outcomes.values())
    assert (page.seen, page.locked_ids) == (len(before), ())
    assert (page.invalid, page.negligible, page.protected) == tuple(
        verdicts[name] for name in ("invalid", "negligible", "protected")
    )
    assert page.updated == sum(repr(after[key]) != repr(before[key]) for key in before)
    assert lab.run(_page(pool, run, rule, tolerance)).updated == 0


@given(
    states=st.lists(known_row | new_row, min_size=1, max_size=12),
    rule=rules,
    later=st.lists(st.tuples(st.integers(-90, 36_500).map(lambda days: AS_OF + days * DAY), rules), max_size=6),
    adopted_at=recent,
)
@some(40)
def test_a_look_ahead_prices_every_instant_by_the_rule_beside_it(lab, states, rule, later, adopted_at):
    later = [(at, replace(by, layers=rule.layers)) for at, by in later]
    run = DecayRun(AS_OF, adopted_at)
    lab.run(_fill(lab.pool, states))
    rows = lab.run(_look_ahead(lab.pool, run, rule, later))
    for row, state in zip(rows, lab.run(_read(lab.pool)).values(), strict=True):
        found = judge(state, run, rule)
        assert row["verdict"] == found.verdict
        if found.base is None or found.base_at is None or found.last_access is None:
            assert row["left"] is None
            continue
        exact = [
            demoted(decayed(found.base, found.base_at, found.last_access, at, by, state.layer), state.demotion)
            for at, by in later
        ]
        assert row["left"] == pytest.approx(exact, abs=1e-12)


async def _look_ahead(pool: Pool, run: DecayRun, rule: DecayRule, later: list[tuple[datetime, DecayRule]]) -> list[Any]:
    return await priced_page(
        pool, TENANT, first_id=UUID(int=0), size=1000, run=run, rule=rule, tolerance=0.0, later=later
    )


@pytest.mark.parametrize("statement", [DECAY_PAGE, PRICED_PAGE], ids=["decay", "look ahead"])
def test_the_arithmetic_is_written_out_in_the_plan(lab, statement):
    """A function that is called for each row costs many times more than one that Postgres has inlined."""
    terms = (
        *_terms(DecayRun(AS_OF, AS_OF), DecayRule(), 0.0),
        *([[AS_OF], [False], [True], [0.001], [0.0]] if statement is PRICED_PAGE else []),
    )
    plan = lab.run(fetch(lab.pool, "EXPLAIN (VERBOSE) " + statement, TENANT, UUID(int=0), 10, *terms))
    lines = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "exp(" in lines
    assert "maintenance." not in lines


@pytest.mark.parametrize("column", ["created_at", "last_accessed_at", "base_importance_at"])
@pytest.mark.parametrize("time", ["infinity", "-infinity", "294276-12-31 23:59Z", "4713-01-01 00:00Z BC"])
def test_no_stored_time_makes_a_page_fail(lab, column, time):
    lab.run(_fill(lab.pool, [RowState(0.5, 0.6, AS_OF - 3 * DAY, 0.5, AS_OF - 9 * DAY)] * 2))
    one = "(SELECT min(id::text)::uuid FROM memories)"
    lab.run(execute(lab.pool, f"UPDATE memories SET {column} = '{time}' WHERE id = {one}"))  # noqa: S608
    page = lab.run(_page(lab.pool, DecayRun(AS_OF, AS_OF - 9 * DAY), DecayRule()))
    unknown = column != "base_importance_at" and time in ("-infinity", "4713-01-01 00:00Z BC")
    assert (page.seen, page.updated, page.invalid) == (2, 2 if unknown else 1, 0 if unknown else 1)
    assert len(page.invalid_ids) == page.invalid


@pytest.mark.parametrize("times", ["created_at", "last_accessed_at", "created_at, last_accessed_at"])
def test_the_zero_of_a_clock_does_not_halve_a_memory_in_its_first_night(lab, times):
    lab.run(_fill(lab.pool, [RowState(0.9, created_at=AS_OF - DAY, last_accessed_at=AS_OF - DAY)]))
    zeros = ", ".join(f"{column} = '1970-01-01 00:00Z'" for column in times.split(", "))
    lab.run(execute(lab.pool, f"UPDATE memories SET {zeros}"))  # noqa: S608
    lab.run(_page(lab.pool, DecayRun(AS_OF, AS_OF), DecayRule(retained_share=0.0)))
    [row] = lab.run(_read(lab.pool)).values()
    assert row.importance > 0.899


@pytest.mark.parametrize(("size", "seen", "more"), [(2, 2, True), (3, 3, False), (4, 3, False)])
def test_a_page_says_whether_another_follows(lab, size, seen, more):
    lab.run(_fill(lab.pool, [RowState(0.5, 0.6, AS_OF - DAY, 0.5, AS_OF - 40 * DAY)] * 3))
    run, rule = DecayRun(AS_OF, AS_OF), DecayRule(rate=0.05)
    first = UUID(int=0)
    page = lab.run(write_page(lab.pool, DECAY_PAGE, TENANT, first, size=size, run=run, rule=rule, tolerance=0.0))
    assert (page.seen, page.more) == (seen, more)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Apia"])
def test_the_sessions_time_zone_changes_nothing(lab, zone):
    summer_begins = datetime(2026, 3, 29, 1, tzinfo=UTC)
    states = [RowState(0.5, 0.6, summer_begins - n * DAY, 0.5, summer_begins - 40 * DAY) for n in (1, 8, 39)]
    run, rule = DecayRun(summer_begins + DAY, summer_begins), DecayRule(rate=0.05)
    lab.run(_fill(lab.pool, states))
    before = lab.run(_read(lab.pool))
    lab.run(_page_in_zone(lab.pool, zone, run, rule))
    for key, state in lab.run(_read(lab.pool)).items():
        assert state.importance == pytest.approx(judge(before[key], run, rule).importance, abs=lab.digits)


async def _page_in_zone(pool: Pool, zone: str, run: DecayRun, rule: DecayRule) -> None:
    async with transaction(pool) as db:
        await execute(db, "SELECT set_config('timezone', $1, true)", zone)
        await write_page(db, DECAY_PAGE, TENANT, UUID(int=0), size=10, run=run, rule=rule, tolerance=0)


ONE_OF_MANY = """
INSERT INTO memories (tenant_id, content, created_at)
SELECT ('00000000-0000-0000-0000-0000000000' || lpad((g % 20)::text, 2, '0'))::{type}, g::text, now() - interval '9 days'
FROM generate_series(1, 10000) AS g
"""


def test_a_page_reads_only_its_own_rows(lab):
    lab.run(execute(lab.pool, "TRUNCATE memories CASCADE"))
    # What autovacuum has seen of another test's few rows, all of one tenant, is no first guess.
    lab.run(execute(lab.pool, "DELETE FROM pg_statistic WHERE starelid = 'memories'::regclass"))
    kind = lab.run(fetch_value(lab.pool, TENANT_TYPE))
    lab.run(execute(lab.pool, ONE_OF_MANY.format(type=kind)))
    for analyzed in ("", "ANALYZE memories"):  # also with the planner's first guess
        lab.run(execute(lab.pool, analyzed or "SELECT 1"))
        touched = lab.run(_touched(lab.pool, 100))
        assert touched["page"] <= 101
        assert sum(touched.values()) <= 5 * 100


async def _touched(pool: asyncpg.Pool, size: int) -> Counter[str]:
    run, rule = DecayRun(datetime.now(UTC), datetime.now(UTC)), DecayRule()
    arguments = (TENANT, UUID(int=0), size, *_terms(run, rule, 0.0))
    async with pool.acquire() as connection:
        plan = await connection.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + DECAY_PAGE, *arguments)
    return rows_read(plan[0]["Plan"])


def rows_read(plan: dict[str, Any]) -> Counter[str]:
    """Return how many rows of memories a plan's scans took, by the step of the statement."""
    counts: Counter[str] = Counter()
    _count_rows(plan, counts, "final")
    return counts


def _count_rows(node: dict[str, Any], counts: Counter[str], step: str) -> None:
    step = node.get("Subplan Name", step).removeprefix("CTE ")
    if node.get("Relation Name") == "memories" and "Scan" in node["Node Type"]:
        dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        counts[step] += round((node["Actual Rows"] + dropped) * node["Actual Loops"])
    for child in node.get("Plans", []):
        _count_rows(child, counts, step)
