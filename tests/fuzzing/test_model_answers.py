"""Whatever an endpoint answers, it is an answer within bounds that Postgres takes, or refused with a reason."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from memory_maintenance.dreaming.prompt import answer_type
from memory_maintenance.errors import ModelBusyError
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.writers.model.completion import Completion, read_completion
from memory_maintenance.writers.model.embedding_client import Embeddings, read_embeddings
from memory_maintenance.writers.model.judging import judge, read_answer
from memory_maintenance.writers.model.question import Question
from tests.fuzzing.anything import fuzzed, numbers, objects, texts, values

MEMORIES = 5
REFLECTION = answer_type(MEMORIES)
PROSE = texts | st.just("The customer asked for a refund of the second order and got it on Monday.")
ANSWERS = objects(
    summary=PROSE,
    key_topics=st.lists(texts, max_size=14) | texts,
    sentiment=texts | st.sampled_from(["neutral", "Very positive!"]),
    reflection=PROSE,
    strategy=PROSE,
    importance=numbers,
    confidence=numbers,
    tags=st.lists(texts, max_size=9),
    evidence=st.lists(st.integers(-1, 7), max_size=6),
)
GOOD = {"reflection": "They like it.", "strategy": None, "importance": 7, "confidence": 7, "tags": [], "evidence": [1]}
AROUND = st.sampled_from(
    ["{}", "```json\n{}\n```", "<think>so</think>{}", '{{"name": "answer", "arguments": {}}}', "[{}]", "Here: {}"]
)
CONTENTS = st.text(max_size=100) | st.builds(
    lambda around, answer: around.format(json.dumps(answer)), AROUND, ANSWERS | values
)
BODIES = st.text(max_size=100) | st.builds(
    lambda message, usage, reason, others: json.dumps(
        {"choices": [{"message": message, "finish_reason": reason}], "usage": usage, **others}
    ),
    objects(content=CONTENTS, refusal=texts, tool_calls=values),
    objects(prompt_tokens=numbers, completion_tokens=numbers),
    st.sampled_from(["stop", "length", "tool_calls", None]) | values,
    st.just({}) | objects(choices=values),
)


def question(kind: Any) -> Question[Any]:
    return Question(
        purpose="summary",
        tenant_id="acme",
        prompt_version="v",
        system="",
        prompt="",
        answer_type=kind,
        sources=("The customer asked for a refund of the second order and got it on Monday.",),
        attempt_group="g",
    )


def every_text(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for part in parts for text in every_text(part)]


@given(BODIES)
@fuzzed
def test_any_body_is_a_completion_or_a_reason_to_wait(body):
    try:
        completion = read_completion(body)
    except ModelBusyError as error:
        assert error.reason in ("not_json", "broken_json")
        return
    assert completion.usage is None or min(completion.usage) >= 0
    for kind in (SessionSummaryResponse, REFLECTION):
        verdict = judge(completion, question(kind))
        assert (verdict.value is None) == (verdict.reason is not None)


@given(CONTENTS, st.sampled_from([SessionSummaryResponse, REFLECTION]))
@example(json.dumps(GOOD | {"importance": 10**400}), REFLECTION)
@example(json.dumps(GOOD | {"importance": "9" * 400}), REFLECTION)
@fuzzed
def test_any_content_is_an_answer_within_bounds_or_none(content, kind):
    answer = read_answer(content, kind)
    if answer is None:
        return
    said = every_text(answer.model_dump())
    assert "\x00" not in "".join(said)
    "".join(said).encode()  # half a surrogate pair cannot be stored
    assert all(len(text) <= 4_000 for text in said)
    assert 0 <= len(answer.labels()) <= 12
    if not isinstance(answer, SessionSummaryResponse):
        assert set(answer.evidence) <= set(range(1, MEMORIES + 1))
        assert answer.evidence
        assert 0 <= answer.importance <= 1
    judge(Completion(content, "stop", refused=False, usage=None), question(kind))


@given(
    st.text(max_size=60)
    | objects(
        data=st.lists(
            objects(index=st.integers(-1, 3), embedding=st.lists(st.floats(), max_size=3)) | values, max_size=3
        ),
        usage=objects(prompt_tokens=numbers),
    ).map(json.dumps)
)
@fuzzed
def test_any_body_is_one_vector_for_each_text_or_refused(body):
    try:
        completion = read_embeddings(json.dumps({"names": ["a", "b"], "body": body}))
    except ModelBusyError:
        return
    if found := read_answer(completion.content, Embeddings):
        assert found.by_name.keys() == {"a", "b"}
        assert len({len(vector) for vector in found.vectors}) == 1
