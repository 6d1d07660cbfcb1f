"""Proposals on the pages: read by default, and decided by the function behind the command where that was allowed."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from memory_maintenance.changes.applying import apply_change
from memory_maintenance.changes.change import change
from memory_maintenance.errors import ChangeRefusedError
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.settings import settings
from tests.web.conftest import NOWHERE, SAID, client_of, proposed
from tests.web.test_pages import Outline, words
from web.forms import MOST_BYTES
from web.sources import Sources, opened

ANA = {"verdict": "accept", "by": "ana", "reason": "the lamp is blue"}


@asynccontextmanager
async def pages(store_url, *, allow_review=True, **more):
    """Yield a client of the pages, and how a form of theirs is sent."""
    sources = Sources(settings(), store_url, NOWHERE, allow_review=allow_review, **more)
    async with opened(sources), client_of(sources) as client:

        async def send(number, headers=None, **fields):
            form = {"form_key": sources.form_key, "id": number} | fields
            return await client.post("/proposal", data=form, headers=headers)

        yield client.get, send


async def importances(pool):
    return [row["importance"] for row in await fetch(pool, "SELECT importance FROM memories ORDER BY created_at, id")]


async def test_proposals_are_listed_filtered_and_paged_and_tonight_counts_them(pool, store_url):
    numbers = [await proposed(pool, tenant, task=task) for tenant, task in
               [("acme", "supersession"), ("bolt", "duplicates"), *[("many", "duplicates")] * 50]]  # fmt: skip
    async with pages(store_url) as (get, _):
        first = await get("/review")
        said = words(first.text)
        assert "all (52)" in said
        assert "duplicates (51)" in said
        assert Outline(first.text).all("tr")[50:] == [{}]
        [older] = [a["href"] for a in Outline(first.text).all("a") if a.get("rel") == "next"]
        assert f">{numbers[0]}</a>" in (await get(older)).text
        assert f">{numbers[-1]}</a>" not in (await get(older)).text
        for query, rows in (("tenant=acme", 1), ("task=duplicates", 50), ("tenant=bolt&task=supersession", 0)):
            assert len(Outline((await get(f"/review?{query}")).text).all("tr")[1:]) == rows, query
        one = (await get(f"/proposal?id={numbers[-1]}&tenant=many")).text
        assert f"/proposal?tenant=many&amp;id={numbers[-2]}" in one
        assert "52 proposals wait for a decision" in words((await get("/")).text)


@pytest.mark.parametrize("with_text", [True, False])
async def test_a_proposal_has_both_memories_and_their_text_only_where_asked_for(pool, store_url, with_text):
    number = await proposed(pool)
    async with pages(store_url, with_text=with_text) as (get, _):
        said = words((await get(f"/proposal?id={number}")).text)
    assert [text in said for text in SAID] == [with_text] * 2
    assert f"starter.py review show {number}" not in said or not with_text
    assert "importance 0.500000" in said
    assert "supersession: superseded (instead of)" in said


async def test_a_text_that_was_written_again_is_no_proposal(pool, store_url):
    number = await proposed(pool)
    await execute(
        pool, "UPDATE maintenance.changes SET kind = 'rewritten', revision = 1, status = 'applied', evidence = '{}'"
    )
    with pytest.raises(ChangeRefusedError, match="needs no decision"):
        await apply_change(pool, number, as_of=datetime.now(UTC))
    async with pages(store_url, with_text=True) as (get, _):
        assert (await get(f"/proposal?id={number}")).status_code == 404


async def test_read_only_pages_take_no_form_and_name_the_commands(pool, store_url):
    number = await proposed(pool)
    async with pages(store_url, allow_review=False) as (get, send):
        page = (await get(f"/proposal?id={number}")).text
        assert (await send(number, **ANA)).status_code == 405
    assert f"starter.py review accept {number}" in words(page)
    assert Outline(page).all("button") == [{}]  # of the search
    assert (await change(pool, number)).status == "proposed"


async def test_accepting_applies_the_proposal_once_and_says_who_why_and_how_to_undo_it(pool, store_url):
    number = await proposed(pool)
    async with pages(store_url) as (get, send):
        answers = [await send(number, **ANA, tenant="acme") for _ in range(2)]
        for answer in answers:
            assert (answer.status_code, answer.headers["location"]) == (303, f"/proposal?tenant=acme&id={number}")
        said = words((await get(answers[0].headers["location"])).text)
        assert "No proposal waits." in words((await get("/review")).text)
    assert "UTC by ana: the lamp is blue" in said
    assert f"starter.py undo {number}" in said
    assert await importances(pool) == [0.125, 0.5]


async def test_rejecting_leaves_both_memories(pool, store_url):
    number = await proposed(pool)
    async with pages(store_url) as (get, send):
        answer = await send(number, verdict="reject", by="ana")
        assert "It is rejected" in words((await get(answer.headers["location"])).text)
        assert (await send(number, **ANA)).status_code == 409
    assert await importances(pool) == [0.5, 0.5]
    decided = await change(pool, number)
    assert (decided.status, decided.decided_by, decided.decided_reason) == ("rejected", "ana", None)


@pytest.mark.parametrize(
    "since",
    [
        pytest.param("UPDATE memories SET content = content || ' Today.'", id="edited"),
        pytest.param("UPDATE memories SET demotion = 0.5", id="demoted"),
        pytest.param("DELETE FROM memories", id="gone"),
    ],
)
async def test_what_has_changed_since_is_said_as_the_command_says_it(pool, store_url, since):
    number = await proposed(pool)
    await execute(pool, since)
    with pytest.raises(ChangeRefusedError) as refused:
        await apply_change(pool, number, as_of=datetime.now(UTC))
    async with pages(store_url) as (get, send):
        answer = await send(number, **ANA)
        assert (answer.status_code, str(refused.value) in words(answer.text)) == (409, True)
        assert (await get(f"/proposal?id={number}")).status_code == 200
    assert (await change(pool, number)).status == "proposed"


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        pytest.param({"form_key": ""}, {}, 403, id="a form of another site"),
        pytest.param({"form_key": "x" * 43}, {}, 403, id="a guessed key"),
        pytest.param({"form_key": "\u00e9"}, {}, 403, id="a key of other letters"),
        pytest.param({}, {"Sec-Fetch-Site": "cross-site"}, 403, id="sent across sites"),
        pytest.param({}, {"Sec-Fetch-Site": "same-site"}, 403, id="sent by a neighbour"),
        pytest.param({}, {"Host": "evil.example"}, 403, id="a foreign name"),
        pytest.param({"reason": "x" * MOST_BYTES}, {}, 413, id="too large"),
        pytest.param({f"n{n}": "1" for n in range(30)}, {}, 400, id="too many fields"),
        pytest.param({"verdict": "apply"}, {}, 400, id="no verdict"),
        pytest.param({"by": " "}, {}, 400, id="nobody"),
        pytest.param({"reason": "a\0b"}, {}, 400, id="a NUL"),
        pytest.param({"id": "x"}, {}, 400, id="no number"),
        pytest.param({"id": "9" * 19}, {}, 400, id="too long a number"),
        pytest.param({"id": "99"}, {}, 404, id="none of this number"),
    ],
)
async def test_a_form_that_is_not_in_order_changes_nothing(pool, store_url, fields, headers, status):
    number = await proposed(pool)
    async with pages(store_url) as (_, send):
        answer = await send(number, headers, **ANA | fields)
    assert answer.status_code == status
    assert await fetch_value(pool, "SELECT status FROM maintenance.changes") == "proposed"
    assert await importances(pool) == [0.5, 0.5]
