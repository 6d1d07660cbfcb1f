"""Summaries by a model as production gets them: ledger, budget, judgement, fallback, on a store that is thrown away."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from benchmarks.folders import passable_folder
from benchmarks.sessions import NOW, SessionEvents, SessionFile
from benchmarks.summary_quality import Judged, judged
from embedded.postgres import running_postgres
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.importing import import_memories
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, fetch, open_pool
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.summarization.task import Summarization
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import load_tenant
from memory_maintenance.work import Run
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.model.asking import PatientModel, open_model
from memory_maintenance.writers.model.completion import read_completion
from memory_maintenance.writers.model.judging import read_answer
from memory_maintenance.writers.model.ledger import question_key
from memory_maintenance.writers.model.question import Answer, AnswerT, LanguageModel, Question

CALLS: Final = """
-- quality.CALLS: every answer that the ledger has, oldest first.
SELECT question, state, reason, response, input_tokens, output_tokens
FROM maintenance.model_calls WHERE state IN ('accepted', 'refused') ORDER BY claimed_at
"""

STORED: Final = """
-- quality.STORED: the summaries, with who wrote them.
SELECT content, metadata->>'backend' AS backend, metadata->>'fallback' = 'true' AS fallback
FROM memories WHERE source = 'summarization_worker'
"""


@dataclass(frozen=True, slots=True)
class ModelRun:
    """What a model made of some sessions: how they ended, and every answer.

    ``unaccepted`` counts stored summaries that are neither an accepted answer nor marked as a fallback: it must be 0.
    """

    outcomes: dict[str, int]
    answers: list[Judged]
    tokens: int
    seconds: float
    unaccepted: int


@dataclass(frozen=True, slots=True)
class _Heard:
    """The model, and what it was asked: the ledger keeps answers and no questions."""

    model: LanguageModel
    questions: dict[str, Question[Any]] = field(default_factory=dict)

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        self.questions[question_key(question, question.model or "")] = question
        return await self.model.ask(question)


async def summarized(pool: Pool, settings: Settings, file: SessionFile, sessions: Sequence[SessionEvents]) -> ModelRun:
    """Import *file* into an empty store and have its *sessions* summarized there.

    Raises:
        SettingsError: *settings* name no model.
        LanguageModelError: the endpoint refuses us, or is away for longer than ``MODEL_PATIENCE_SECONDS``.
    """
    model = open_model(settings, pool)
    if model is None:
        raise SettingsError("no model is configured: set OPENAI_BASE_URL or OPENAI_API_KEY")
    with file.path.open("rb") as lines:
        await import_memories(pool, lines, now=NOW)
    heard, began = _Heard(model), time.perf_counter()
    task = Summarization(Tools(pool, settings, model=PatientModel(heard)))
    outcomes: Counter[str] = Counter()
    try:
        for one in sessions:
            run = Run(cycle_id=uuid4(), as_of=file.as_of, min_events=1)
            tenant = await load_tenant(pool, one.key.tenant_id, settings)
            outcomes[(await task.summarize(tenant, one.key, run)).status] += 1
    finally:
        await model.close()
    seconds, calls, accepted, answers = time.perf_counter() - began, await fetch(pool, CALLS), set(), []
    for call in calls:
        # An answer is measured by the question that it answers: a chunk by its events, a merged one by its chunks.
        question, completion = heard.questions[call["question"]], read_completion(call["response"])
        value = read_answer(completion.content, question.answer_type)
        if value is None or completion.finish_reason != "stop":
            answers.append(Judged((call["reason"],)))
        else:
            prose, topics = value.prose() or "", value.labels()
            answers.append(judged(prose, topics, sources=question.sources, prompt=question.system))
        if call["state"] == "accepted" and isinstance(value, SessionSummaryResponse):
            accepted.add(clean(value.as_text()))
    stored = await fetch(pool, STORED)
    return ModelRun(
        outcomes=dict(sorted(outcomes.items())),
        answers=answers,
        tokens=sum(call["input_tokens"] + call["output_tokens"] for call in calls),
        seconds=seconds,
        unaccepted=sum(not row["fallback"] and row["content"] not in accepted for row in stored),
    )


@asynccontextmanager
async def scratch_store() -> AsyncIterator[Pool]:
    """Yield a pool on a new store, of which nothing stays."""
    with passable_folder() as folder:
        async with running_postgres(folder / "data", log=folder / "postgres.log") as server:
            await migrate(server.address)
            pool = await open_pool(server.address, size=4, timeout_seconds=60)
            try:
                yield pool
            finally:
                await pool.close()
