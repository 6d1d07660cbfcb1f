"""The scripted model's good answers are good: the application's own judge takes them."""

import json
from datetime import UTC, datetime

import pytest

from chaos.answers import good_answer, marker, markers
from chaos.tenants import MOST_EVENTS
from memory_maintenance.dreaming.prompt import reflection_question
from memory_maintenance.summarization.prompt import session_question
from memory_maintenance.writers.model.completion import Completion
from memory_maintenance.writers.model.judging import judge
from memory_maintenance.writers.model.openai_client import response_format

DAY = datetime(2026, 3, 10, tzinfo=UTC).date().isoformat()


def lines(first: int, count: int) -> list[str]:
    return [f"{DAY} They had a talk about {marker(n)}." for n in range(first, first + count)]


def answered(question):
    request = {
        "messages": [{"role": "system", "content": question.system}, {"role": "user", "content": question.prompt}],
        "response_format": response_format(question.answer_type),
    }
    completion = Completion(good_answer(json.loads(json.dumps(request))), "stop", refused=False, usage=None)
    return judge(completion, question)


@pytest.mark.parametrize("count", [3, 4, 9, 20, MOST_EVENTS])
def test_a_session_of_any_size_is_recognized_by_its_markers(count):
    verdict = answered(session_question("acme", lines(1, count), asked_in="1"))
    assert verdict.reason is None
    assert markers(verdict.value.as_text()) == {marker(n) for n in range(1, count + 1)}


@pytest.mark.parametrize(("before", "after"), [(3, 3), (5, 3), (20, 3), (MOST_EVENTS - 3, 3), (3, 20)])
def test_a_session_that_grew_is_summarized_as_a_whole(before, after):
    earlier = answered(session_question("acme", lines(1, before), asked_in="1")).value.summary
    verdict = answered(session_question("acme", lines(before + 1, after), asked_in="1", earlier=earlier))
    assert verdict.reason is None
    assert markers(verdict.value.as_text()) == {marker(n) for n in range(1, before + after + 1)}


@pytest.mark.parametrize("count", [3, 4, 5, 12, 20])
@pytest.mark.parametrize("first", [1, 100, 5000])
def test_a_dream_is_about_all_of_its_sample(count, first):
    about: dict[str, str | None] = {"Task": "Analyzing patterns"}
    question = reflection_question("acme", lines(first, count), about=about, most_tokens=9000, asked_in="1")
    verdict = answered(question)
    assert verdict.reason is None
    assert markers(verdict.value.reflection) == {marker(n) for n in range(first, first + count)}
    assert len(verdict.value.evidence) == count


def test_no_two_markers_are_alike():
    assert len({marker(n) for n in range(30_000)}) == 30_000
    assert markers(f"x {marker(7)}, {marker(8)}! zqx") == {marker(7), marker(8)}
