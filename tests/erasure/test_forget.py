"""Forgetting by order leaves nothing of a memory that SQL shows, whatever was selected."""

import json
from uuid import uuid4

import pytest

from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import open_orders, order_erasure
from memory_maintenance.erasure.selection import Selector, hits_of
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.agents import derived, write
from tests.summarization.test_stale import ANNA, NIGHT, OTHERS, SETTINGS, TRACES, found_anywhere, night

LEDGER = """
INSERT INTO maintenance.model_calls (question, attempt, round, purpose, tenant_id, model, prompt_version, state, caller,
    claimed_at, lease_until, reserved_on, answered_at, response, input_tokens)
VALUES (gen_random_uuid()::text, 1, 'r', 'summary', $1, 'm', '1', 'accepted', gen_random_uuid(), now(), now(), now()::date, now(), $2, 700)
"""
PEOPLE = [text for pair in zip(ANNA, OTHERS, strict=False) for text in pair] + OTHERS[len(ANNA) :]


async def a_night(pool, tenant):
    """Write a session about several people and summarize it; return the ids of the rows about Anna."""
    ids = await write(pool, tenant, PEOPLE, session="s", importance=0.8)
    await night(pool, NIGHT)
    await execute(pool, LEDGER, tenant, json.dumps({"summary": ANNA[0]}))
    return {one for one, text in zip(ids, PEOPLE, strict=True) if text in ANNA}


@pytest.mark.parametrize("how", ["subject", "pattern", "ids", "session", "tenant"])
async def test_nothing_of_what_was_selected_is_found_in_any_column(any_pool, tenant, how):
    anna = await a_night(any_pool, tenant)
    selector = {
        "subject": Selector(tenant, subject="anna  BERGSTROM"),
        "pattern": Selector(tenant, pattern=r"berg.tr[oö]m"),
        "ids": Selector(ids=tuple(anna)),
        "session": Selector(tenant, session_id="s"),
        "tenant": Selector(tenant),
    }[how]
    hits = {hit.id for hit in await hits_of(any_pool, selector)}
    assert hits >= anna
    order = await order_erasure(any_pool, selector, by="ana", reason="a request of 3 March")
    certificate = await Erasure(any_pool, SETTINGS).carry_out(order)
    assert await found_anywhere(any_pool) == set()
    assert (certificate["residue"]["score"], certificate["memories"]["deleted"]) == (0.0, len(hits))
    assert certificate["residue"]["strings"] > 4
    assert not any(trace in json.dumps(certificate).lower() for trace in TRACES)
    summaries = await derived(any_pool, tenant)
    assert (len(summaries), len(certificate["derived"]["rewritten"])) == ((1, 1) if hits == anna else (0, 0))
    assert await fetch_value(any_pool, "SELECT sum(input_tokens) FROM maintenance.model_calls") == 700


async def test_raes_erasure_followed_by_a_repair_leaves_as_little(any_pool, tenant):
    anna = await a_night(any_pool, tenant)
    await execute(any_pool, "DELETE FROM memories WHERE id = ANY ($1)", list(anna))
    order = await order_erasure(any_pool, Selector(tenant, repair=True, subject="Bergstrom"), by="ana", reason=None)
    certificate = await Erasure(any_pool, SETTINGS).carry_out(order)
    assert await found_anywhere(any_pool) == set()
    assert certificate["residue"]["score"] == 0.0
    assert (certificate["memories"]["named"], certificate["memories"]["deleted"]) == (5, 0)
    assert len(await derived(any_pool, tenant)) == 1


async def test_a_summary_that_somebody_edited_goes_where_it_was_made_from_what_is_forgotten(pool, tenant):
    await a_night(pool, tenant)
    await execute(pool, "UPDATE memories SET content = 'A. moved.' WHERE source = 'summarization_worker'")
    order = await order_erasure(pool, Selector(tenant, subject="Bergstrom"), by=None, reason=None)
    certificate = await Erasure(pool, SETTINGS).carry_out(order)
    assert (len(certificate["derived"]["removed"]), await derived(pool, tenant)) == (1, [])


async def test_what_others_know_of_stays_and_another_tenant_keeps_all(pool, tenant):
    other = str(uuid4())
    await a_night(pool, tenant)
    await write(pool, other, ANNA, session="s")
    order = await order_erasure(pool, Selector(tenant, subject="Bergstrom"), by=None, reason=None)
    assert (await Erasure(pool, SETTINGS).carry_out(order))["residue"]["score"] == 0.0
    assert await fetch_value(pool, "SELECT count(*) FROM memories WHERE tenant_id = $1", other) == len(ANNA)
    kept = await fetch(pool, "SELECT content FROM memories WHERE tenant_id = $1 AND source = 'agent'", tenant)
    assert {row["content"] for row in kept} == set(OTHERS)


@pytest.mark.parametrize(
    "selector",
    [
        pytest.param(Selector(), id="nothing"),
        pytest.param(Selector(session_id="s"), id="a session of nobody"),
        pytest.param(Selector("acme", subject="a", pattern="b"), id="two things"),
        pytest.param(Selector("acme", pattern="("), id="no pattern"),
        pytest.param(Selector("acme", subject="?!"), id="no word"),
        pytest.param(Selector("acme", subject="nobody has this"), id="no memory"),
    ],
)
async def test_an_order_that_says_too_little_or_too_much_is_refused(pool, selector):
    with pytest.raises(InvalidRequestError):
        await order_erasure(pool, selector, by=None, reason=None)
    assert await open_orders(pool) == []


async def test_a_reason_that_names_the_subject_is_refused_for_it_is_kept(pool, tenant):
    await write(pool, tenant, ANNA)
    with pytest.raises(InvalidRequestError, match="reason"):
        await order_erasure(pool, Selector(tenant, subject="Bergstrom"), by=None, reason="Ms BERGSTROM asked")
