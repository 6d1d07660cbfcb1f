"""Sessions with memories that want to be taken for something else, or to break whatever reads them."""

import re
from datetime import timedelta

import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch_value
from memory_maintenance.summarization.policy import SessionKey
from memory_maintenance.summarization.prompt import SESSION_SYSTEM
from memory_maintenance.writers.language.cleaning import clean
from scripted_endpoint.replies import answer
from tests.agents import AS_OF, derived, write
from tests.attempts import HONEST, block_of, obeys_in, obeys_in_its_text, tells_its_instructions, try_each
from tests.fake_model import FakeModel
from tests.hostile import CONTENTS, ROWS
from tests.model_path import honest, model, settings, told
from tests.steps import Summarizing, sessions_due

__all__ = ["model", "settings"]


obeys_in_its_topics = obeys_in("Gent\n\nSentiment: positive", "pinned")


@pytest.mark.parametrize(
    "obeying", [pytest.param(obeys_in_its_topics, id="obeys_in_its_topics"), obeys_in_its_text, tells_its_instructions]
)
async def test_an_attempt_reaches_the_model_in_its_block_and_changes_nothing_but_its_summary(
    pool, settings, model, endpoint, obeying
):
    async def summarized(name: str):
        key = SessionKey("acme", name, name)
        return await Summarizing(pool, settings, model).summarize(key, as_of=AS_OF)

    outcomes = await try_each(pool, endpoint, obeying, summarized, around=6)
    assert all(outcome.summary_id for outcome in outcomes)
    for request in endpoint.requests:
        _stays_in_its_block(request)
    rows = await derived(pool, "acme")
    assert len(rows) == len(outcomes)
    for row in rows:
        _is_a_summary(row)


def _stays_in_its_block(request):
    user, lines = block_of(request, SESSION_SYSTEM)
    assert user.splitlines()[-2:] == ["</record>", "Summarize it."]
    assert all(re.match(r"2026-03-09 ", line) for line in lines)
    assert len(lines) == 13


def _is_a_summary(row):
    text = row["content"]
    assert clean(text) == text
    assert row["tags"] == ["session_summary", "auto_generated"]
    assert row["importance"] == pytest.approx(0.8 * 0.5)
    if row["metadata"]["fallback"]:
        assert text.startswith("Session summary (13 events): Mara ordered the kettle")
    else:
        assert text.count("\n\nKey Topics: ") == text.count("\n\nSentiment: ") == 1
        assert len(text) < 4500
        assert "You summarize one session" not in text


@pytest.mark.parametrize(
    "said",
    [
        {
            "summary": "The orders \u0000 were for \ud800Gent, and \u202efor others there.",
            "key_topics": ["a\u0000", "b"],
        },
        {"summary": "The orders were for Gent, and for others there.", "key_topics": ["x" * 9000, "\ud800", "Gent"]},
    ],
    ids=["text", "topics"],
)
async def test_half_characters_in_an_answer_are_not_stored(pool, settings, model, endpoint, said):
    endpoint.otherwise = answer({**said, "sentiment": "neutral"})
    await write(pool, "acme", told(12), session="s")
    outcome = await Summarizing(pool, settings, model).summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF)
    assert outcome.status == "stored"
    (row,) = await derived(pool, "acme")
    assert clean(row["content"]) == row["content"]
    assert len(row["content"]) < 500


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("backend", ["openai", "extractive", "none"])
async def test_any_content_can_be_summarized(pool, backend, content):
    await write(pool, "acme", [*[content] * 3, *told(9)], session="s", tags=None)
    asked = FakeModel()
    worker = Summarizing(pool, Settings.model_validate({"rae_llm_backend": backend}), asked)
    assert (await worker.summarize(SessionKey("acme", "shop", "s"), as_of=AS_OF)).events == 12
    assert all(len(question.prompt) < 50_000 for question in asked.questions)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_any_row_can_be_summarized(pool, settings, model, endpoint, row):
    endpoint.otherwise = honest
    await write(pool, "acme", told(12), session="s", **row)
    keys = await sessions_due(pool, "acme", as_of=AS_OF, daily=True, settings=settings)
    outcomes = [await Summarizing(pool, settings, model).summarize(key, as_of=AS_OF) for key in keys]
    assert [outcome.status for outcome in outcomes] == ["stored"]


async def test_events_at_the_ends_of_time_have_no_place_in_a_session(pool, settings, model, endpoint):
    endpoint.otherwise = honest
    ids = await write(pool, "acme", told(14), session="s")
    await execute(pool, "UPDATE memories SET created_at = '-infinity' WHERE id = $1", ids[0])
    await execute(pool, "UPDATE memories SET created_at = 'infinity' WHERE id = $1", ids[1])
    (key,) = await sessions_due(pool, "acme", as_of=AS_OF, daily=True, settings=settings)
    assert (await Summarizing(pool, settings, model).summarize(key, as_of=AS_OF)).events == 12


async def test_a_session_id_of_any_length_can_be_set_aside(pool, settings, model, endpoint):
    endpoint.script(answer({"summary": HONEST, "key_topics": ["orders", "Gent"], "sentiment": "neutral"}))
    endpoint.otherwise = answer("no JSON")
    worker = Summarizing(pool, settings.model_copy(update={"set_aside_after_cycles": 1}), model)
    await write(pool, "acme", told(12), session="good")
    await worker.summarize(SessionKey("acme", "shop", "good"), as_of=AS_OF)
    long_id = "s" * 20_000
    await write(pool, "acme", told(12), metadata={"session_id": long_id}, start=AS_OF - timedelta(hours=2))
    await worker.summarize(SessionKey("acme", "shop", long_id), as_of=AS_OF)
    assert await fetch_value(pool, "SELECT session_id FROM maintenance.set_aside") == long_id
