"""Summaries by a model as production gets them: ledger, budget, judgement, fallback, on a store that is thrown away."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks.session_files import NOW, SessionEvents, SessionFile
from benchmarks.summary_quality import Judged, judged
from embedded.postgres import running_postgres
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.importing import import_memories
from memory_maintenance.store.migrate import migrate
from memory_maintenance.store.pool import Pool, fetch, open_pool
from memory_maintenance.summarization.prompt import SessionSummaryResponse
from memory_maintenance.summarization.worker import SummarizationWorker, SummaryOutcome
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.model.asking import PatientModel, open_model
from memory_maintenance.writers.model.completion import read_completion
from memory_maintenance.writers.model.judging import read_answer
from memory_maintenance.writers.model.ledger import question_key
from memory_maintenance.writers.model.ledgered import LedgeredModel
from memory_maintenance.writers.model.question import Answer, AnswerT, Question

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
    """What a model made of some sessions.

    ``unaccepted`` counts stored summaries that are neither an accepted answer nor marked as a fallback: it must be 0.
    """

    outcomes: tuple[SummaryOutcome, ...]
    answers: tuple[Judged, ...]
    tokens: int
    seconds: float
    unaccepted: int


@dataclass(frozen=True, slots=True)
class _Heard:
    """The model, and what it was asked: the ledger keeps answers and no questions."""

    model: LedgeredModel
    questions: dict[str, Question[Any]] = field(default_factory=dict)

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        self.questions[question_key(question, self.model.client.model)] = question
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
    heard = _Heard(model)
    worker = SummarizationWorker(pool, settings, PatientModel(heard))
    try:
        began = asyncio.get_running_loop().time()
        outcomes = [await _outcome(worker, one, file.as_of) for one in sessions]
        seconds = asyncio.get_running_loop().time() - began
    finally:
        await model.close()
    return await _run(pool, heard, outcomes, seconds)


async def _outcome(worker: SummarizationWorker, session: SessionEvents, as_of: datetime) -> SummaryOutcome:
    return await worker.summarize(session.key, as_of=as_of, min_events=1)


async def _run(pool: Pool, heard: _Heard, outcomes: Sequence[SummaryOutcome], seconds: float) -> ModelRun:
    calls = await fetch(pool, CALLS)
    accepted = {_text(call, heard.questions[call["question"]]) for call in calls if call["state"] == "accepted"}
    stored = await fetch(pool, STORED)
    return ModelRun(
        outcomes=tuple(outcomes),
        answers=tuple(_judged(call, heard.questions[call["question"]]) for call in calls),
        tokens=sum(call["input_tokens"] + call["output_tokens"] for call in calls),
        seconds=seconds,
        unaccepted=sum(not row["fallback"] and row["content"] not in accepted for row in stored),
    )


def _text(call: asyncpg.Record, question: Question[Any]) -> str:
    value = SessionSummaryResponse.model_validate(
        read_answer(read_completion(call["response"]).content, question.answer_type)
    )
    return clean(value.as_text())


def _judged(call: asyncpg.Record, question: Question[Any]) -> Judged:
    """Measure an answer by the question that it answers: a chunk by its events, a merged one by its chunks."""
    completion = read_completion(call["response"])
    value = read_answer(completion.content, question.answer_type)
    if value is None or completion.finish_reason != "stop":
        return Judged((call["reason"],))
    return judged(value.prose(), value.labels(), sources=question.sources, prompt=question.system)


# --- where it happens --------------------------------------------------------------------------------


@asynccontextmanager
async def scratch_store() -> AsyncIterator[Pool]:
    """Yield a pool on a new store in a temporary folder; nothing of it stays."""
    folder = _folder()
    try:
        async with running_postgres(folder / "data", log=folder / "postgres.log") as server:
            await migrate(server.address)
            pool = await open_pool(server.address, size=4, timeout_seconds=60)
            try:
                yield pool
            finally:
                await pool.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="memory-maintenance-benchmark-"))
    folder.chmod(0o711)  # as root, Postgres runs as a user who has to pass through
    return folder


@asynccontextmanager
async def small_model() -> AsyncIterator[Settings]:
    """Yield settings for the real small model of the tests, which serves from a child process meanwhile."""
    command = (sys.executable, "-m", "tests.small_model")
    server = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        address = (await server.stdout.readline()).decode().strip() if server.stdout else ""
        if not address:
            raise SettingsError("the small model did not start: it needs the development requirements (make test)")
        yield Settings(
            _env_file=None,
            rae_llm_backend="openai",
            openai_base_url=f"{address}/v1",
            rae_llm_model_default="local",
            model_context_tokens=2048,
            model_answer_tokens=256,
        )
    finally:
        if server.stdin:
            server.stdin.close()  # the child ends with its input
        await server.wait()
