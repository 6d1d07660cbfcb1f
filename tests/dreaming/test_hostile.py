"""Dreams about memories that want to be taken for something else, or to break whatever reads them."""

import re
from datetime import timedelta

import pytest

from memory_maintenance.dreaming.due import due_projects
from memory_maintenance.dreaming.prompt import SYSTEM
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute
from memory_maintenance.writers.language.cleaning import clean
from scripted_endpoint.replies import answer
from tests.agents import AS_OF, derived, write
from tests.attempts import block_of, obeys_in, obeys_in_its_text, tells_its_instructions, try_each
from tests.fake_model import FakeModel
from tests.hostile import CONTENTS, ROWS
from tests.model_path import honest, model, record_of, settings, told
from tests.steps import Dreamer

__all__ = ["model", "settings"]

SOURCE = "reflection_engine_v2"
obeys_in_its_tags = obeys_in("pinned", " Strategy\n", "session_summary", "Gent")


@pytest.mark.parametrize(
    "obeying", [pytest.param(obeys_in_its_tags, id="obeys_in_its_tags"), obeys_in_its_text, tells_its_instructions]
)
async def test_an_attempt_reaches_the_model_in_its_line_and_changes_nothing_but_its_reflection(
    pool, settings, model, endpoint, obeying
):
    async def dreamt(name: str):
        return await Dreamer(pool, settings, model).dream("acme", name, as_of=AS_OF)

    outcomes = await try_each(pool, endpoint, obeying, dreamt, around=2, importance=0.8)
    for request in endpoint.requests:
        _stays_in_its_line(request)
    rows = await derived(pool, "acme", SOURCE)
    assert len(rows) == (len(outcomes) if obeying is obeys_in_its_tags else 0)
    for row in rows:
        _is_a_reflection(row)


def _stays_in_its_line(request):
    user, lines = block_of(request, SYSTEM)
    assert user.endswith("\n</record>")
    assert [re.match(r"(\d+)\. 2026-03-09 ", line)[1] for line in lines] == ["1", "2", "3", "4", "5"]  # type: ignore[index]


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
    assert (await Dreamer(pool, settings, model).dream("acme", "shop", as_of=AS_OF)).status == "stored"
    for row in await derived(pool, "acme", SOURCE):
        assert clean(row["content"]) == row["content"]


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("backend", ["openai", "extractive"])
async def test_any_content_can_be_dreamt_about(pool, backend, content):
    await write(pool, "acme", [*[content] * 3, *told(4)], importance=0.8)
    asked = FakeModel()
    worker = Dreamer(pool, Settings.model_validate({"rae_llm_backend": backend}), asked)
    assert (await worker.dream("acme", "shop", as_of=AS_OF)).status in ("stored", "skipped")
    assert all(len(question.prompt) < 50_000 for question in asked.questions)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_any_row_can_be_dreamt_about(pool, settings, model, endpoint, row):
    endpoint.otherwise = honest
    unsure = settings.model_copy(update={"dreaming_min_importance": 0.5})
    await write(pool, "acme", told(5), **{"importance": 0.8, **row})
    assert await due_projects(pool, "acme", as_of=AS_OF, settings=unsure) == ["shop"]
    assert (await Dreamer(pool, unsure, model).dream("acme", "shop", as_of=AS_OF)).status == "stored"


async def test_memories_at_the_ends_of_time_are_not_dreamt_about(pool, settings, model, endpoint):
    endpoint.otherwise = honest
    ids = await write(pool, "acme", told(7), importance=0.8, start=AS_OF - timedelta(hours=2))
    await execute(pool, "UPDATE memories SET created_at = '-infinity' WHERE id = $1", ids[0])
    await execute(pool, "UPDATE memories SET created_at = 'infinity' WHERE id = $1", ids[1])
    await Dreamer(pool, settings, model).dream("acme", "shop", as_of=AS_OF)
    assert len(record_of(endpoint.requests[0])) == 5
