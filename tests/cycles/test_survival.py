"""Over a simulated year of every task no memory is lost silently, and all that is reversible comes back unchanged."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memory_maintenance.changes.applying import apply_change
from memory_maintenance.changes.change import changes
from memory_maintenance.changes.undoing import undo_change
from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import order_erasure
from memory_maintenance.erasure.selection import Selector
from memory_maintenance.errors import ChangeRefusedError
from memory_maintenance.expiry.archive import unarchive
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, execute, fetch
from memory_maintenance.tenants.overrides import override
from tests.decay.conftest import Lab, make_lab, some
from tests.summarization.test_stale import found_anywhere

__all__ = ["make_lab"]

BEGINNING = datetime(2025, 1, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT, TWIN = str(UUID(int=1)), str(UUID(int=2))
EMPTY = """
TRUNCATE memories, maintenance.archive, maintenance.expiry_batches, maintenance.unarchived, maintenance.changes,
    maintenance.lineage, maintenance.lineage_read, maintenance.dreams, maintenance.passes,
    maintenance.erasure_orders, maintenance.erasure_targets, maintenance.tenants CASCADE;
UPDATE maintenance.store SET adopted_at = NULL
"""
TEXTS = (
    "The spare key hangs in the hall.",
    "the spare key  hangs in the hall",
    "The spare key now hangs in the kitchen.",
    "The night export runs at 2:00.",
    "The night export runs at 4:00 instead of 2:00.",
    "The design review is on Tuesday.",
    "The design review moved from Tuesday to Thursday.",
    "Ana reports that the blue tent of order 17 leaks at the seam.",
    "The warehouse in Gdynia confirms that the blue tent of order 17 leaks.",
    "A refund of 80 euros for the leaking blue tent was approved by Marek.",
    "Marek sent the blue tent of order 17 back to the warehouse in Gdynia.",
)
"""What repeats, replaces or recurs in another."""

INSERT = """
INSERT INTO memories (id, tenant_id, content, importance, layer, project, session_id, tags, source, metadata, usage_count,
    created_at, last_accessed_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'api', $9::text::jsonb, $10, $11, $12, $13)
"""
SETTINGS = st.fixed_dictionaries({
    "memory_expiry": st.sampled_from(["off", "archive", "delete"]),
    "memory_expiry_grace_days": st.sampled_from([0, 30]),
    "memory_expiry_retention_days": st.sampled_from([0, 100]),
    "memory_expiry_retention_tags": st.sampled_from([{}, {"chatter": 7, "legal": 0}]),
    "memory_expiry_keep_per_project": st.sampled_from([0, 6]),
    "memory_expiry_retention_action": st.sampled_from(["archive", "delete"]),
    "memory_expiry_archive_days": st.sampled_from([0, 20]),
    "memory_duplicates": st.sampled_from(["propose", "apply", "apply"]),
    "memory_duplicates_near": st.sampled_from(["off", "apply"]),
    "memory_supersession": st.sampled_from(["propose", "apply"]),
})  # fmt: skip


def settings_of(**chosen: Any) -> Settings:
    writing = {"summarization_min_events": 3, "dreaming_min_importance": 0.2, "dreaming_lookback_hours": 168}
    return Settings(_env_file=None, rae_llm_backend="extractive", **{**writing, **chosen})


def name_of(number: int) -> str:
    """Return a name that only this memory's text has."""
    return "Zq" + "".join(chr(97 + number // 26**place % 26) for place in range(3)) + "ova"


def memory(chance: Random, number: int, at: datetime) -> dict[str, Any]:
    """Return a memory of the days before *at*; some name somebody."""
    named = chance.random() < 0.4
    return {
        "content": chance.choice(TEXTS) + (f" {name_of(number)} asked for it." if named else ""),
        "importance": chance.choice([0.3, 0.5, 0.5, 0.9]),
        "layer": chance.choice(["episodic"] * 6 + ["semantic", "wm"]),
        "project": chance.choice(["harbour", "harbour", "harbour", "rail"]),
        "session": chance.choice(["s1", "s1", "s1", "s2", None]),
        "tags": chance.sample(["pinned", "chatter", "legal"], chance.choice([0, 0, 0, 1])),
        "metadata": chance.choice(['{"weight": 1.10}', None]),
        "usage": chance.choice([0, 3, None]),
        "created_at": at - timedelta(hours=chance.randint(1, 24 * 6)),
        "accessed_at": chance.choice([None, at - timedelta(hours=chance.randint(0, 48))]),
        "expires_at": chance.choice([None, None, None, None, None, at + chance.randint(-3, 60) * DAY]),
    }


async def ids_of(pool: Pool, sql: str, *arguments: Any) -> set[UUID]:
    return {row["id"] for row in await fetch(pool, sql, *arguments)}


MINE = """
SELECT id, content FROM memories m
WHERE tenant_id = $1 AND NOT EXISTS (SELECT FROM maintenance.lineage l WHERE l.derived_id = m.id) AND source = 'api'
"""
ARCHIVED = "SELECT memory_id AS id FROM maintenance.archive"
AUDITED = """
SELECT b.action, u.id FROM maintenance.expiry_batches b CROSS JOIN LATERAL unnest(b.memories) AS u (id) ORDER BY b.batch_id
"""
CERTIFIED = """
SELECT jsonb_array_elements_text(certificate->'memories'->'ids')::uuid AS id FROM maintenance.erasure_orders
WHERE certificate IS NOT NULL
"""
OF_ORDERS = "SELECT memory_id AS id FROM maintenance.erasure_targets WHERE role = 'memory'"


@dataclass
class Life:
    """A store with an agent and an operator at work between the nights."""

    pool: Pool
    said: dict[UUID, str] = field(default_factory=dict)
    """What each memory says that the agent wrote and has not deleted."""
    gone: set[str] = field(default_factory=set)
    """Names that nothing may have after a night: of memories that were deleted, edited or forgotten."""

    written: int = 0

    async def write(self, chance: Random, at: datetime, count: int = 1) -> None:
        for _ in range(count):
            self.written += 1
            own, memory_id = memory(chance, self.written, at), UUID(int=chance.getrandbits(64) << 32 | self.written)
            await execute(self.pool, INSERT, memory_id, TENANT, *own.values())
            self.said[memory_id] = own["content"]

    async def act(self, what: str, seed: int, at: datetime) -> None:
        chance = Random(seed)
        if what in BY_ANYBODY:
            await BY_ANYBODY[what](self, chance, at)
        elif here := sorted(await ids_of(self.pool, MINE, TENANT)):
            one = chance.choice(here)
            if what in ("edit", "delete"):
                self._say(one, chance.choice(TEXTS) if what == "edit" else None)
            value = {"edit": self.said.get(one), "set": chance.random()}.get(what, at - DAY)
            await execute(self.pool, OF_ONE[what], one, *([] if what == "delete" else [value]))

    async def _write_some(self, chance: Random, at: datetime) -> None:
        await self.write(chance, at, chance.randint(1, 5))

    async def _delete_derived(self, chance: Random, _: datetime) -> None:
        if derived := sorted(await ids_of(self.pool, "SELECT DISTINCT derived_id AS id FROM maintenance.lineage")):
            await execute(self.pool, "DELETE FROM memories WHERE id = $1", chance.choice(derived))

    async def _restore(self, _: Random, __: datetime) -> None:
        await unarchive(self.pool, tenant_id=TENANT)

    async def _undo(self, chance: Random, _: datetime) -> None:
        if made := await changes(self.pool):
            await undo_change(self.pool, chance.choice(made).change_id)

    async def _accept(self, _: Random, at: datetime) -> None:
        for proposed in await changes(self.pool, status="proposed"):
            with suppress(ChangeRefusedError):
                await apply_change(self.pool, proposed.change_id, as_of=at)

    def _say(self, memory_id: UUID, text: str | None) -> None:
        self.gone |= {word for word in self.said.pop(memory_id).split() if word.startswith("Zq")}
        if text is not None:
            self.said[memory_id] = text

    async def _forget(self, chance: Random, _: datetime) -> None:
        at_once = chance.random() < 0.5
        there = await ids_of(self.pool, MINE, TENANT) | await ids_of(self.pool, ARCHIVED)
        there -= await ids_of(self.pool, OF_ORDERS)
        if not there:
            return
        one = chance.choice(sorted(there))
        order = await order_erasure(self.pool, Selector(ids=(one,)), by="ana", reason=None)
        self.gone |= {word for word in self.said[one].split() if word.startswith("Zq")}
        if at_once:
            certificate = await Erasure(self.pool, settings_of()).carry_out(order)
            assert certificate["residue"]["score"] in (0, None)

    async def night(self, at: datetime, **chosen: Any) -> None:
        stats = await run_maintenance(self.pool, settings_of(**chosen), as_of=at)
        assert (stats["failed_tenants"], stats["preflight"]) == ([], [])

    async def nothing_is_lost(self) -> None:
        """Every memory is there as it was written, or archived, or named in an audit row or in a certificate."""
        here = {row["id"]: row["content"] for row in await fetch(self.pool, MINE, TENANT)}
        newest = {row["id"]: row["action"] for row in await fetch(self.pool, AUDITED)}
        archived, forgotten = await ids_of(self.pool, ARCHIVED), await ids_of(self.pool, CERTIFIED)
        named = {one for one, action in newest.items() if action in ("deleted", "purged")}
        assert self.said.keys() <= here.keys() | archived | named | forgotten
        assert {one: text for one, text in here.items() if self.said.get(one) != text} == {}
        assert here.keys() & (archived | named | forgotten) == set()
        assert archived <= {one for one, action in newest.items() if action == "archived"}
        assert not self.gone or await found_anywhere(self.pool, sorted(self.gone)) == set()


OF_ONE = {
    "edit": "UPDATE memories SET content = $2 WHERE id = $1",
    "delete": "DELETE FROM memories WHERE id = $1",
    "access": "UPDATE memories SET last_accessed_at = $2, usage_count = coalesce(usage_count, 0) + 1 WHERE id = $1",
    "expire": "UPDATE memories SET expires_at = $2 WHERE id = $1",
    "set": "UPDATE memories SET importance = $2 WHERE id = $1",
}
"""What an agent does to one of its memories."""
BY_ANYBODY: dict[str, Any] = {
    "write": Life._write_some,
    "delete a derived one": Life._delete_derived,
    "forget": Life._forget,
    "restore": Life._restore,
    "undo": Life._undo,
    "accept": Life._accept,
}
ACTS = ("write", "write", *OF_ONE, *BY_ANYBODY)
BETWEEN = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2**32)), max_size=8)
ONE_NIGHT = st.tuples(SETTINGS, BETWEEN, st.sampled_from([1, 7, 30]))
Night = tuple[dict[str, Any], list[tuple[str, int]], int]


def survives(lab: Lab, seed: int, nights: Sequence[Night]) -> None:
    async def year() -> None:
        await lab.pool.execute(EMPTY)
        life, at = Life(lab.pool), BEGINNING
        await life.write(Random(seed), at, 9)
        for settings, acts, days in nights:
            await life.night(at, **settings)
            await life.nothing_is_lost()
            at += days * DAY
            for what, chosen in acts:
                await life.act(what, chosen, at)
        await life.night(at)
        await life.nothing_is_lost()

    lab.run(year())


ALONE = dict.fromkeys(("duplicates", "duplicates_near", "supersession", "expiry"), "off") | {
    "retention_days": 0,
    "retention_tags": {},
    "keep_per_project": 0,
    "summarization_enabled": False,
    "dreaming_enabled": False,
}
"""Overrides of the twin, for which nothing but decay runs."""

ROWS = """
SELECT id, tenant_id, replace(replace(m::text, id::text, ''), tenant_id::text, '') AS row FROM memories m WHERE source = 'api'
"""
DERIVED = """
SELECT m.id, m.created_at, f.final, now.text AS row,
       coalesce((SELECT jsonb_build_object('content', b.was->'content', 'tags', b.was->'tags',
                                           'metadata', b.was->'metadata', 'project', b.was->'project')
                 FROM maintenance.changes c CROSS JOIN LATERAL (SELECT c.before->(m.id::text) AS was) b
                 WHERE c.memory_id = m.id AND c.revision = f.final + 1), now.text) AS comes_back
FROM memories m
     CROSS JOIN LATERAL (SELECT jsonb_build_object('content', m.content, 'tags', m.tags,
                                                   'metadata', m.metadata, 'project', m.project) AS text) now
     CROSS JOIN LATERAL (SELECT coalesce(max(c.revision) FILTER (WHERE c.before IS NULL), 0) AS final
                         FROM maintenance.changes c WHERE c.memory_id = m.id AND c.revision > 0) f
WHERE m.source <> 'api'
"""
"""Derived texts: as they are, and the earliest that can come back: the one after the last that is not kept."""


async def undo_everything(pool: Pool, gone: set[int]) -> set[int]:
    """Take back what is reversible, the newest first; return what keeps the use of a memory that is *gone* for good.

    Only a text that is not kept, and the demotion of a memory that was deleted, may stay as they are.
    """
    await unarchive(pool, tenant_id=TENANT)
    stays = set[int]()
    for one in await changes(pool):
        undone = await undo_change(pool, one.change_id)
        if undone.refused and not one.revision:
            assert one.memory_id.int % 100 in gone, (one, undone)
            stays |= {other.int % 100 for other in one.evidence}
        assert not undone.refused or not one.revision or one.before is None, (one, undone)
    return stays


def comes_back(
    lab: Lab, seed: int, nights: Sequence[tuple[dict[str, Any], int]], *, decays: bool, expire: bool
) -> None:
    async def year_and_back() -> None:
        await lab.pool.execute(EMPTY)
        chance, days = Random(seed), sum(days for _, days in nights)
        await override(lab.pool, TWIN, ALONE)
        for number in range(40):
            own = memory(chance, number, BEGINNING + chance.randint(0, days) * DAY)
            if not expire:  # what has expired makes texts stale, and these come back no more
                own["expires_at"] = None
            for tenant, offset in ((TENANT, 100), (TWIN, 200)):
                await execute(lab.pool, INSERT, UUID(int=number + offset), tenant, *own.values())
        life, at, first = Life(lab.pool), BEGINNING, dict[UUID, tuple[datetime, int, str]]()
        for settings, passed in [*nights, ({}, 70), ({}, 1)]:  # by then everything has expired that ever does
            await life.night(at, memory_importance_decay_enabled=decays, **settings)
            derived = {row["id"]: row for row in await fetch(lab.pool, DERIVED)}
            # A text that was removed and made again, under the same id, has another created_at.
            seen = {one: (row["created_at"], row["final"], row["comes_back"]) for one, row in derived.items()}
            first = {one: max(first.get(one, it), it, key=lambda each: each[:2]) for one, it in seen.items()}
            assert first == seen, "the earliest text is the one that was seen first"
            at += passed * DAY
        named = {row["id"].int % 100: row["action"] for row in await fetch(lab.pool, AUDITED)}
        gone = {one for one, action in named.items() if action in ("deleted", "purged")}
        other = gone | await undo_everything(lab.pool, gone)
        nothing = {"summarization_enabled": False, "dreaming_enabled": False}
        await life.night(at, memory_importance_decay_enabled=decays, **nothing)
        rows = {(row["tenant_id"], row["id"].int % 100): row["row"] for row in await fetch(lab.pool, ROWS)}
        mine, twins = (
            {number: row for (of, number), row in rows.items() if of == tenant and number not in other}
            for tenant in (TENANT, TWIN)
        )
        assert mine == twins
        assert {row["id"]: row["row"] for row in await fetch(lab.pool, DERIVED)} == {
            one: text for one, (*_, text) in first.items()
        }

    lab.run(year_and_back())


@pytest.fixture(scope="module")
def lab(make_lab: Callable[..., Lab]) -> Lab:
    return make_lab("small")


SEEDS = st.integers(0, 2**32)
AGENTLESS = st.tuples(SETTINGS, st.sampled_from([1, 7, 30]))


@some(3)
@given(seed=SEEDS, nights=st.lists(ONE_NIGHT, min_size=2, max_size=3))
def test_every_memory_is_there_or_archived_or_named_in_an_audit_row_or_a_certificate(lab, seed, nights):
    survives(lab, seed, nights)


NOTHING_BUT_DREAMS: dict[str, Any] = {f"memory_{name}": "off" for name in ("expiry", "duplicates", "supersession")}


@some(3)
@example(seed=491359158, nights=[(NOTHING_BUT_DREAMS, 1), (NOTHING_BUT_DREAMS, 7)], decays=False, expire=True)
@given(seed=SEEDS, nights=st.lists(AGENTLESS, min_size=2, max_size=3), decays=st.booleans(), expire=st.booleans())
def test_with_no_agent_at_work_undoing_everything_leaves_what_decay_alone_would(lab, seed, nights, decays, expire):
    comes_back(lab, seed, nights, decays=decays, expire=expire)


@pytest.mark.slow
@some(12)
@given(seed=SEEDS, nights=st.lists(ONE_NIGHT, min_size=10, max_size=14))
def test_over_a_year_every_memory_is_there_or_archived_or_named(lab, seed, nights):
    survives(lab, seed, nights)


@pytest.mark.slow
@some(12)
@given(seed=SEEDS, nights=st.lists(AGENTLESS, min_size=10, max_size=14), decays=st.booleans(), expire=st.booleans())
def test_after_a_year_undoing_everything_leaves_what_decay_alone_would(lab, seed, nights, decays, expire):
    comes_back(lab, seed, nights, decays=decays, expire=expire)
