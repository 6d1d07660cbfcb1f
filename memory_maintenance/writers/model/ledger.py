"""The ledger of model calls: what was asked, by whom, how it ended, what it cost.

An attempt is a row. Before a call it is ``claimed`` for a lease; the response goes in raw, as
``answered``; what it is worth makes it ``accepted`` or ``refused``. ``waiting`` is an attempt that
met a busy endpoint and will be taken up under the same number, ``failed`` one that no retry in its
round will help, ``lost`` one whose caller never came back.

For each scope the budgets of all days add up to the reserved, the forfeited and the used tokens
of its rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from memory_maintenance.errors import DatabaseUnavailableError, QuestionClaimedError
from memory_maintenance.store.memory import Source
from memory_maintenance.store.pool import Pool, execute, fetch, fetch_row, fetch_value, transaction
from memory_maintenance.writers.model.budget import DailyLimits, Estimate, reserve
from memory_maintenance.writers.model.question import Question
from memory_maintenance.writers.model.statements import (
    CLAIM,
    LOSE,
    LOSE_ABANDONED,
    PURGE,
    PURGE_STALE,
    RECORD,
    SETTLE,
    STANDING,
)

CLAIMED_ELSEWHERE_WAIT: Final = timedelta(seconds=2)
"""How long to wait for another caller's answer before looking again."""

ABANDONED_AFTER: Final = timedelta(hours=1)
"""How long after its lease a claim is given up that no run asked about again: an answer might still be on its way."""

_RECORD_AGAIN_AFTER: Final = (0.2, 1.0, 3.0, 10.0)
_PURGED_AT_ONCE: Final = 1000
_STALE_SECONDS: Final = 60

State = Literal["claimed", "waiting", "answered", "accepted", "refused", "failed", "lost"]


def question_key(question: Question[Any], model: str) -> str:
    """Return what makes two questions one: SHA-256 over all that could change the answer, in hexadecimal."""
    schema = json.dumps(question.answer_type.model_json_schema(), sort_keys=True)
    parts = [question.purpose, question.tenant_id, model, question.prompt_version]
    whole = json.dumps([*parts, question.system, question.prompt, schema])
    return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make one attempt at a question, for as long as the lease lasts."""

    question: str
    attempt: int
    caller: UUID


@dataclass(frozen=True, slots=True)
class AbandonedClaim:
    """A claim whose caller never came back, and what it was for."""

    claim: Claim
    purpose: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row. ``live``: its lease still runs. ``response`` only where it may be of use."""

    claim: Claim
    attempt_group: str
    state: State
    reason: str | None
    live: bool
    response: str | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class QuestionHistory:
    """How a question stands: its attempts in order, and whether the endpoint's breaker lets it through."""

    question: str
    attempts: tuple[Attempt, ...] = ()
    breaker_open: bool = False
    breaker_reason: str | None = None
    """Why the breaker was opened last; None while it is closed."""

    @property
    def latest(self) -> Attempt | None:
        """Return the last attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def answered(self) -> list[Attempt]:
        """Return the accepted attempts whose text is still there, newest first."""
        return [one for one in reversed(self.attempts) if one.state == "accepted" and one.response]

    @property
    def refusals(self) -> list[str]:
        """Return why earlier answers were refused, in any attempt group."""
        return [one.reason or "" for one in self.attempts if one.state == "refused"]

    def refused_in(self, group: str) -> int:
        """Return how many answers were refused in one attempt group."""
        return sum(one.state == "refused" and one.attempt_group == group for one in self.attempts)

    @property
    def next_attempt(self) -> int:
        """Return the number to claim: that of the waiting attempt, else a new one."""
        if self.latest is None:
            return 1
        return self.latest.claim.attempt + (self.latest.state != "waiting")


@dataclass(frozen=True, slots=True)
class Wait:
    """How often an attempt has met a busy endpoint in this round, and since when."""

    waits: int
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Used:
    """What the endpoint counted for a call, and its price."""

    input_tokens: int
    output_tokens: int
    cost: Decimal


@dataclass(frozen=True)
class Ledger:
    """The ledger of one store."""

    pool: Pool
    limits: DailyLimits
    lease: timedelta
    """Longer than any call may take: a claim that is older belongs to a caller that has died."""
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def history(self, key: str, endpoint: str) -> QuestionHistory:
        """Return how a question stands."""
        rows = await fetch(self.pool, STANDING, key, endpoint)
        attempts = tuple(_attempt(key, dict(row)) for row in rows if row["attempt"])
        return QuestionHistory(key, attempts, bool(rows[0]["breaker_open"]), rows[0]["breaker_reason"])

    async def claim(self, question: Question[Any], history: QuestionHistory, model: str, estimate: Estimate) -> Claim:
        """Claim the next attempt and reserve its budget, both or neither.

        Raises:
            QuestionClaimedError: another caller was faster.
            BudgetExhaustedError: the day has no room for it.
        """
        claim = Claim(history.question, history.next_attempt, uuid4())
        latest = history.latest
        async with transaction(self.pool) as db:
            abandoned = latest is not None and latest.state == "claimed"
            if latest and abandoned and not await fetch_value(db, LOSE, latest.claim.question, latest.claim.attempt):
                raise QuestionClaimedError(CLAIMED_ELSEWHERE_WAIT)
            if not await fetch_value(
                db, CLAIM, claim.question, claim.attempt, question.attempt_group, question.purpose, question.tenant_id,
                model, question.prompt_version, claim.caller, self.lease, estimate.tokens, estimate.cost,
            ):  # fmt: skip
                raise QuestionClaimedError(CLAIMED_ELSEWHERE_WAIT)
            await reserve(db, question.tenant_id, estimate, self.limits)
        return claim

    async def record(self, claim: Claim, response: str, memories: Sequence[Source] = ()) -> float:
        """Keep a response as it came, with the *memories* it was made from; return the seconds since the claim.

        A database that is away for some seconds does not cost the answer.

        Raises:
            QuestionClaimedError: the lease was over and another caller has taken the question.
        """
        for pause in _RECORD_AGAIN_AFTER:
            try:
                return await self._record(claim, response, memories)
            except DatabaseUnavailableError:
                await self.sleep(pause)
        return await self._record(claim, response, memories)

    async def _record(self, claim: Claim, response: str, memories: Sequence[Source]) -> float:
        read = [one.id for one in memories], [one.hash for one in memories]
        seconds = await fetch_value(self.pool, RECORD, claim.question, claim.attempt, claim.caller, response, *read)
        if seconds is None:
            raise QuestionClaimedError(CLAIMED_ELSEWHERE_WAIT)
        return float(seconds)

    async def settle(
        self, claim: Claim, state: State, reason: str | None = None, *, used: Used | None = None, forfeit: bool = False
    ) -> Wait | None:
        """Say how an attempt ended, and settle its budget; None where another caller has done so.

        Args:
            claim: the attempt.
            state: what it becomes.
            reason: a word from a closed set; None for an accepted answer.
            used: what the endpoint counted; None gives the reservation back.
            forfeit: keep the reservation charged: the endpoint may have billed an answer that never came.
        """
        counted = (used.input_tokens, used.output_tokens, used.cost) if used else (None, None, None)
        row = await fetch_row(
            self.pool, SETTLE, claim.question, claim.attempt, claim.caller, state, reason, *counted, forfeit
        )
        return Wait(row["waits"], row["waited"] or timedelta(0)) if row else None


def _attempt(key: str, row: dict[str, Any]) -> Attempt:
    return Attempt(
        claim=Claim(key, row["attempt"], row["caller"]),
        attempt_group=row["round"],
        state=row["state"],
        reason=row["reason"],
        live=row["live"],
        response=row["response"],
        input_tokens=row["input_tokens"] or 0,
        output_tokens=row["output_tokens"] or 0,
    )


async def purge_answers(pool: Pool, older_than: timedelta) -> int:
    """Take away the text of answers older than *older_than*; what they cost stays. Return how many there were."""
    purged = 0
    while count := await execute(pool, PURGE, older_than, _PURGED_AT_ONCE):
        purged += count
    return purged


async def purge_stale_answers(pool: Pool) -> int:
    """Take away the text of answers about memories that are gone, expired or edited; return how many there were.

    What they cost stays. It asks what is so now, so that a run that died leaves it to the next one; twice is once.
    A very large ledger is looked at for ``_STALE_SECONDS``: the oldest answers, which go soonest anyway, may be left.
    """
    until, purged, after = time.monotonic() + _STALE_SECONDS, 0, (None, None, None)
    while time.monotonic() < until and (page := await fetch_row(pool, PURGE_STALE, *after, _PURGED_AT_ONCE)):
        purged += page["purged"]
        after = (page["answered_at"], page["question"], page["attempt"])
    return purged


async def lose_abandoned(pool: Pool) -> list[AbandonedClaim]:
    """Give up the claims whose lease ended ``ABANDONED_AFTER`` ago or earlier; what they reserved stays charged.

    The next caller of the same question loses its claim at once (``Ledger.claim``). These are of questions that
    are not asked any more: a session grew meanwhile, or its tenant was switched to another writer.
    """
    rows = await fetch(pool, LOSE_ABANDONED, ABANDONED_AFTER)
    return [
        AbandonedClaim(Claim(row["question"], row["attempt"], row["caller"]), row["purpose"], row["tenant_id"])
        for row in rows
    ]
