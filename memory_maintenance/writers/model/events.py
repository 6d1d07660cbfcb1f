"""What an attempt leaves in logs and metrics: kinds, numbers and the beginning of a key, never a text."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import structlog

from memory_maintenance.errors import LanguageModelError
from memory_maintenance.observability.model_metrics import CALLS, COST, REUSED, TOKENS, UNUSABLE
from memory_maintenance.writers.model.ledger import Claim, State, Used
from memory_maintenance.writers.model.question import Question

logger = structlog.get_logger()

ErrorT = TypeVar("ErrorT", bound=LanguageModelError)


class _Asked(Protocol):
    @property
    def purpose(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...


def accepted(question: Question[Any], claim: Claim, used: Used) -> None:
    """Say that an answer is fit to be stored."""
    CALLS.labels(purpose=question.purpose, outcome="accepted").inc()
    logger.info(
        "model_answer_accepted",
        **_facts(question, claim), input_tokens=used.input_tokens, output_tokens=used.output_tokens,
    )  # fmt: skip


def reused(question: Question[Any], claim: Claim) -> None:
    """Say that an answer came from the ledger."""
    REUSED.labels(purpose=question.purpose).inc()
    logger.info("model_answer_reused", **_facts(question, claim))


def ended(question: Question[Any], claim: Claim, state: State, error: ErrorT) -> ErrorT:
    """Say that an attempt gave no usable answer, and return the error that says so too."""
    CALLS.labels(purpose=question.purpose, outcome=state).inc()
    UNUSABLE.labels(reason=error.reason).inc()
    wait = None if error.retry_after is None else error.retry_after.total_seconds()
    logger.warning(
        "model_call_ended", **_facts(question, claim), outcome=state, reason=error.reason, retry_after_seconds=wait
    )
    return error


def lost(question: _Asked, claim: Claim) -> None:
    """Say that a claim was never answered; it stays charged, for it may have been billed."""
    CALLS.labels(purpose=question.purpose, outcome="lost").inc()
    logger.warning("claim_lost", **_facts(question, claim))


def counted(question: Question[Any], used: Used) -> None:
    """Count what an answered call took."""
    TOKENS.labels(purpose=question.purpose, direction="input").inc(used.input_tokens)
    TOKENS.labels(purpose=question.purpose, direction="output").inc(used.output_tokens)
    COST.labels(purpose=question.purpose).inc(float(used.cost))


def _facts(question: _Asked, claim: Claim) -> dict[str, Any]:
    return {
        "tenant_id": question.tenant_id,
        "purpose": question.purpose,
        "question": claim.question[:12],
        "attempt": claim.attempt,
    }
