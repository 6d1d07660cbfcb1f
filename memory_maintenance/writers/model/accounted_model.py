"""Asking a question once: reuse before paying, claim before calling, keep before reading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from memory_maintenance.errors import (
    AnswerRefusedError,
    AnswersExhaustedError,
    ContextTooLongError,
    LanguageModelError,
    ModelBusyError,
    ModelForbiddenError,
    ModelUnavailableError,
    QuestionClaimedError,
    QuestionRefusedError,
)
from memory_maintenance.observability.model_metrics import SECONDS
from memory_maintenance.writers.model import events
from memory_maintenance.writers.model.advice import advice
from memory_maintenance.writers.model.breaker import Breaker
from memory_maintenance.writers.model.budget import Estimate, Prices, estimate
from memory_maintenance.writers.model.completion import Completion, read_completion
from memory_maintenance.writers.model.judging import figures_of, judge, read_answer
from memory_maintenance.writers.model.ledger import (
    CLAIMED_ELSEWHERE_WAIT,
    Claim,
    Ledger,
    QuestionHistory,
    Used,
    question_key,
)
from memory_maintenance.writers.model.openai_client import ChatRequest, Completer
from memory_maintenance.writers.model.openai_errors import BILLED_REASONS, FORBIDDEN_REASONS, SHORTEST_WAIT
from memory_maintenance.writers.model.quality import DEFAULT, QualityFigures, QualityThresholds
from memory_maintenance.writers.model.question import Answer, AnswerT, Question

ResultT = TypeVar("ResultT")

_LONGEST_BACKOFF: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Call(Generic[AnswerT]):
    """One attempt under way. ``trial``: the breaker was open, and this call tries whether it may close."""

    question: Question[AnswerT]
    request: ChatRequest
    claim: Claim
    trial: bool = False


@dataclass(frozen=True, slots=True)
class AccountedModel:
    """A language model whose every call is in the ledger: at most one call per ``ask``.

    What has been tried is read from the ledger, so the ladder of retries is the same for every
    process, and goes on where a crash left it.
    """

    client: Completer
    ledger: Ledger
    breaker: Breaker
    prices: Prices
    answer_tokens: int
    answer_attempts: int
    """Refused answers in a round after which a question is given up."""
    patience: timedelta
    """How long a question may meet a busy endpoint in a round before the breaker opens."""
    read: Callable[[str], Completion] = read_completion
    """Reads what the client returns."""
    thresholds: QualityThresholds = DEFAULT

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        await self.client.close()

    async def ask(self, question: Question[AnswerT]) -> Answer[AnswerT]:
        """Return an answer fit to be stored: from the ledger, else by one call.

        Raises:
            ModelBusyError: ask again after ``retry_after``; so with the next two.
            QuestionClaimedError: another caller is at it.
            AnswerRefusedError: the next attempt will tell the model why.
            AnswersExhaustedError: as many answers as a round permits were refused.
            ContextTooLongError: make smaller chunks.
            ModelUnavailableError: the breaker is open, or this call has opened it.
            ModelForbiddenError: quota or credentials; the work stays due.
            BudgetExhaustedError: due again tomorrow.
            QuestionRefusedError: the endpoint does not take this question.
            LanguageModelError: the request cannot be made.
        """
        history = await self.ledger.history(question_key(question, self.client.model), self.breaker.endpoint)
        if reused := self._reused(history, question):
            return reused
        latest = history.latest
        if latest and latest.state == "answered" and latest.response:
            call = _Call(question, _request(question, history), latest.claim)
            return await self._judged(call, latest.response)
        self._ensure_permitted(history, question)
        return await self._asked(history, question)

    async def take_up(self, question: Question[AnswerT], claim: Claim, response: str) -> Answer[AnswerT]:
        """Judge and settle a response that a caller left in the ledger, as that caller would have.

        Raises:
            LanguageModelError: it is of no use; see ``ask``.
        """
        return await self._judged(_Call(question, _request(question, QuestionHistory(claim.question)), claim), response)

    def _reused(self, history: QuestionHistory, question: Question[AnswerT]) -> Answer[AnswerT] | None:
        for attempt in history.answered:
            completion = self.read(attempt.response or "")
            value = read_answer(completion.content, question.answer_type)
            if value is not None:
                events.reused(question, attempt.claim)
                used = (attempt.input_tokens, attempt.output_tokens)
                figures = figures_of(value, question, completion.finish_reason)
                return self._answer(value, attempt.claim, *used, figures=figures, reused=True)
        return None

    def _ensure_permitted(self, history: QuestionHistory, question: Question[AnswerT]) -> None:
        latest = history.latest
        # Accepted, and its text already gone: another caller has this moment put it where it belongs.
        if latest and latest.state in ("claimed", "accepted") and latest.live:
            raise QuestionClaimedError(CLAIMED_ELSEWHERE_WAIT)
        if latest and latest.state == "failed" and latest.attempt_group == question.attempt_group:
            raise _failed_before(latest.reason or "")
        if history.refused_in(question.attempt_group) >= self.answer_attempts:
            last = history.refusals[-1]
            raise AnswersExhaustedError(last, f"{self.answer_attempts} answers were refused; {self._why_refused(last)}")
        if history.breaker_open:
            raise _unavailable(history.breaker_reason or "")

    async def _asked(self, history: QuestionHistory, question: Question[AnswerT]) -> Answer[AnswerT]:
        request = _request(question, history)
        claim = await self.ledger.claim(question, history, self.client.model, self._estimate(request))
        if history.latest and history.latest.state == "claimed":
            events.lost(question, history.latest.claim)
        call = _Call(question, request, claim, trial=history.breaker_reason is not None)
        response = await self._response(call)
        seconds = await _finished(self.ledger.record(claim, response, question.memories))
        SECONDS.labels(purpose=question.purpose).observe(seconds)
        return await self._judged(call, response)

    def _estimate(self, request: ChatRequest) -> Estimate:
        schema = str(request.answer_type.model_json_schema())
        return estimate(request.system, request.prompt, schema, answer_tokens=self.answer_tokens, at=self.prices)

    async def _response(self, call: _Call[AnswerT]) -> str:
        try:
            return await self.client.complete(call.request)
        except asyncio.CancelledError:
            # Said at once, so that the next caller need not wait for the end of the lease.
            await _finished(self.ledger.settle(call.claim, "lost", "claim_lost", forfeit=True))
            events.lost(call.question, call.claim)
            raise
        except ModelBusyError as error:
            raise await self._waiting(call, error) from None
        except ModelForbiddenError as error:
            await self.ledger.settle(call.claim, "waiting", error.reason)
            await self.breaker.open(error.reason)
            raise events.ended(call.question, call.claim, "waiting", error) from None
        except LanguageModelError as error:
            await self.ledger.settle(call.claim, "failed", error.reason)
            raise events.ended(call.question, call.claim, "failed", error) from None

    async def _waiting(self, call: _Call[AnswerT], error: ModelBusyError) -> LanguageModelError:
        forfeit = error.reason in BILLED_REASONS
        wait = await self.ledger.settle(call.claim, "waiting", error.reason, forfeit=forfeit)
        if wait is None:
            return QuestionClaimedError(CLAIMED_ELSEWHERE_WAIT)
        pause = error.retry_after or backoff(wait.waits)
        # A wait that does not fit into what is left of the patience would end in an open breaker anyway.
        needed = max(wait.waited, wait.waited + (error.retry_after or timedelta(0)) - SHORTEST_WAIT)
        if await self._gave_up(call, error.reason, needed):
            return events.ended(call.question, call.claim, "waiting", _unavailable(error.reason))
        busy = ModelBusyError(error.reason, str(error), pause)
        return events.ended(call.question, call.claim, "waiting", busy)

    async def _gave_up(self, call: _Call[AnswerT], reason: str, needed: timedelta) -> bool:
        if needed > self.patience:
            await self.breaker.open(reason)
            return True
        return call.trial and await self.breaker.reopen(reason)

    async def _judged(self, call: _Call[AnswerT], response: str) -> Answer[AnswerT]:
        try:
            completion = self.read(response)
        except ModelBusyError as error:
            raise await self._waiting(call, error) from None
        if call.trial:
            await self.breaker.close()
        verdict = judge(completion, call.question, self.thresholds)
        used = self._used(call, completion)
        await self.ledger.settle(call.claim, "refused" if verdict.reason else "accepted", verdict.reason, used=used)
        events.counted(call.question, used)
        if verdict.value is None:
            refused = AnswerRefusedError(verdict.reason or "", self._why_refused(verdict.reason or ""))
            raise events.ended(call.question, call.claim, "refused", refused)
        events.accepted(call.question, call.claim, used)
        tokens = (used.input_tokens, used.output_tokens)
        return self._answer(verdict.value, call.claim, *tokens, figures=verdict.figures, reused=False)

    def _why_refused(self, reason: str) -> str:
        if reason == "truncated":
            return f"the answer was cut off at MODEL_ANSWER_TOKENS={self.answer_tokens}: raise it if that goes on"
        return f"the answer is not fit to be stored: {reason}"

    def _answer(
        self,
        value: AnswerT,
        claim: Claim,
        input_tokens: int,
        output_tokens: int,
        *,
        figures: QualityFigures | None,
        reused: bool,
    ) -> Answer[AnswerT]:
        return Answer(
            value=value,
            model=self.client.model,
            question=claim.question,
            attempt=claim.attempt,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            reused=reused,
            figures=figures.rounded() if figures else {},
        )

    def _used(self, call: _Call[AnswerT], completion: Completion) -> Used:
        if completion.usage:
            return Used(*completion.usage, self.prices.cost(*completion.usage))
        guess = self._estimate(call.request)  # the endpoint does not count: the estimate stands
        return Used(guess.input_tokens, guess.output_tokens, guess.cost)


async def _finished(step: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Await *step* to its end, also when this task is cancelled meanwhile: a shutdown must not cost an answer."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _request(question: Question[AnswerT], history: QuestionHistory) -> ChatRequest:
    system = "\n\n".join(filter(None, (question.system, advice(history.refusals))))
    return ChatRequest(system, question.prompt, question.answer_type)


def backoff(waits: int) -> timedelta:
    """Return how long to wait after the *waits*-th time that an endpoint was busy: 1, 2, 4 … 60 seconds."""
    return min(timedelta(seconds=2 ** min(waits - 1, 10)), _LONGEST_BACKOFF)


def _unavailable(reason: str) -> LanguageModelError:
    if reason in FORBIDDEN_REASONS:
        return ModelForbiddenError(reason, f"the breaker is open ({reason}): put it right; the work stays due")
    return ModelUnavailableError(reason, f"the breaker is open ({reason}): the endpoint has failed for too long")


def _failed_before(reason: str) -> LanguageModelError:
    if reason == "context_length":
        return ContextTooLongError(reason, "the question does not fit into the model's context")
    return QuestionRefusedError(reason, f"the endpoint does not take this question ({reason})")
