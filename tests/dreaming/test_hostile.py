"""Dreams about memories that want to be taken for something else, or to break whatever reads them."""

import re
from datetime import timedelta
from typing import Any

import pytest

from memory_maintenance.database.pool import execute
from memory_maintenance.dreaming.due import due_projects
from memory_maintenance.dreaming.prompt import SYSTEM
from memory_maintenance.dreaming.worker import DreamingWorker
from memory_maintenance.settings import Settings
from memory_maintenance.texts.cleaning import clean
from tests.agents import AS_OF, derived, others, write
from tests.endpoint import answer
from tests.fake_model import FakeModel
from tests.hostile import CONTENTS, ROWS, STORABLE
from tests.model_path import endpoint, honest, model, record_of, settings, told, told_answer

__all__ = ["endpoint", "model", "settings"]

SOURCE = "reflection_engine_v2"
HONEST = "Mara and others ordered goods for Gent, among them the kettle number 0."


def obeys_in_its_tags(attempt: str) -> Any:
    return lambda request: told_answer(request, HONEST, ["pinned", " Strategy\n", "session_summary", attempt, "Gent"])


def obeys_in_its_text(attempt: str) -> Any:
    return lambda request: told_answer(request, attempt, ["orders", "Gent"])


def tells_its_instructions(_: str) -> Any:
    return lambda request: told_answer(request, request["messages"][0]["content"], ["orders", "Gent"])


@pytest.mark.parametrize("obeying", [obeys_in_its_tags, obeys_in_its_text, tells_its_instructions])
async def test_an_attempt_reaches_the_model_in_its_line_and_changes_nothing_but_its_reflection(
    pool, settings, model, endpoint, obeying
):
    worker = DreamingWorker(pool, settings, model)
    for number, attempt in enumerate(STORABLE):
        endpoint.otherwise = obeying(attempt)
        await write(pool, "acme", [*told(2), attempt, *told(2)], project=f"p{number}", importance=0.8)
        before = await others(pool, "acme")
        await worker.dream("acme", f"p{number}", as_of=AS_OF)
        assert await others(pool, "acme") == before
    for request in endpoint.requests:
        _stands_in_its_line(request)
    rows = await derived(pool, "acme", SOURCE)
    assert len(rows) == (len(STORABLE) if obeying is obeys_in_its_tags else 0)
    for row in rows:
        _is_a_reflection(row)


def _stands_in_its_line(request):
    system, user = (message["content"] for message in request["messages"])
    assert system.startswith(SYSTEM)
    assert (user.count("<"), user.count(">")) == (2, 2)
    assert user.endswith("\n</record>")
    lines = record_of(request)
    assert [re.match(r"(\d+)\. 2026-03-09 ", line)[1] for line in lines] == ["1", "2", "3", "4", "5"]  # type: ignore[index]
    assert all(map(str.isprintable, lines))


def _is_a_reflection(row):
    assert clean(row["content"]) == row["content"]
    assert len(row["content"]) <= 2000
    assert not {tag.casefold() for tag in row["tags"]} & {"pinned", "strategy", "session_summary", "auto_generated"}
    assert all(len(tag) <= 60 and tag.isprintable() for tag in row["tags"])
    assert (row["layer"], row["importance"]) == ("reflective", pytest.approx(0.7))
    assert "You look for" not in row["content"]


@pytest.mark.parametrize("said", ["The orders \u0000 were for \ud800Gent, \u202eand for others there."])
async def test_half_characters_in_an_answer_are_not_stored(pool, settings, model, endpoint, said):
    scores = {"importance": 7, "confidence": 7, "evidence": [1]}
    endpoint.otherwise = answer(
        {"reflection": said, "strategy": None, "tags": ["Gent\u0000", "orders\ud800"], **scores}
    )
    await write(pool, "acme", told(5), importance=0.8)
    assert (await DreamingWorker(pool, settings, model).dream("acme", "shop", as_of=AS_OF)).status == "stored"
    for row in await derived(pool, "acme", SOURCE):
        assert clean(row["content"]) == row["content"]


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("backend", ["openai", "extractive"])
async def test_any_content_can_be_dreamt_about(pool, backend, content):
    await write(pool, "acme", [*[content] * 3, *told(4)], importance=0.8)
    asked = FakeModel()
    worker = DreamingWorker(pool, Settings.model_validate({"rae_llm_backend": backend}), asked)
    assert (await worker.dream("acme", "shop", as_of=AS_OF)).status in ("stored", "skipped")
    assert all(len(question.prompt) < 50_000 for question in asked.questions)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_any_row_can_be_dreamt_about(pool, settings, model, endpoint, row):
    endpoint.otherwise = honest
    unsure = settings.model_copy(update={"dreaming_min_importance": 0.5})
    await write(pool, "acme", told(5), **{"importance": 0.8, **row})
    assert await due_projects(pool, "acme", as_of=AS_OF, settings=unsure) == ["shop"]
    assert (await DreamingWorker(pool, unsure, model).dream("acme", "shop", as_of=AS_OF)).status == "stored"


async def test_memories_at_the_ends_of_time_are_not_dreamt_about(pool, settings, model, endpoint):
    endpoint.otherwise = honest
    ids = await write(pool, "acme", told(7), importance=0.8, start=AS_OF - timedelta(hours=2))
    await execute(pool, "UPDATE memories SET created_at = '-infinity' WHERE id = $1", ids[0])
    await execute(pool, "UPDATE memories SET created_at = 'infinity' WHERE id = $1", ids[1])
    await DreamingWorker(pool, settings, model).dream("acme", "shop", as_of=AS_OF)
    assert len(record_of(endpoint.requests[0])) == 5
