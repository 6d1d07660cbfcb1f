"""A process that dies around a model call: what was paid is used, or counted as lost."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from memory_maintenance.errors import DatabaseUnavailableError, ModelBusyError, QuestionClaimedError
from memory_maintenance.writers.model.budget import used
from memory_maintenance.writers.model.ledger import Ledger
from memory_maintenance.writers.model.openai_client import Completer
from scripted_endpoint.replies import GOOD, answer, truncated_json
from tests.writers.model.conftest import budgets_agree_with_the_ledger, pass_time, question, rows


class Killed(BaseException):
    """Passes every handler, as the end of a process would."""


@dataclass(frozen=True)
class DyingClient:
    """Dies before or after the real request."""

    client: Completer
    before: bool
    model: str
    endpoint: str

    async def complete(self, request):
        if self.before:
            raise Killed
        await self.client.complete(request)
        raise Killed

    async def close(self):
        pass


@dataclass(frozen=True)
class DyingLedger(Ledger):
    """Dies at the end of one of its steps."""

    after: str = ""

    async def claim(self, *args):
        return self._die_after("claim", await super().claim(*args))

    async def record(self, *args):
        return self._die_after("record", await super().record(*args))

    async def settle(self, *args, **kwargs):
        return self._die_after("settle", await super().settle(*args, **kwargs))

    def _die_after(self, step, result):
        if step == self.after:
            raise Killed
        return result


def dying(model, step):
    if step in ("before the request", "after the response"):
        client = model.client
        return replace(model, client=DyingClient(client, step == "before the request", client.model, client.endpoint))
    ledger = model.ledger
    return replace(model, ledger=DyingLedger(ledger.pool, ledger.limits, ledger.lease, after=step))


@pytest.mark.parametrize(
    ("step", "left", "paid", "lost"),
    [
        pytest.param("claim", "claimed", 1, 1, id="after the claim"),
        pytest.param("before the request", "claimed", 1, 1, id="with the request"),
        pytest.param("after the response", "claimed", 2, 1, id="between response and INSERT"),
        pytest.param("record", "answered", 1, 0, id="after the ledger"),
        pytest.param("settle", "accepted", 1, 0, id="after the judgement"),
    ],
)
async def test_a_kill_costs_at_most_the_claims_it_loses(pool, make_model, endpoint, step, left, paid, lost):
    endpoint.otherwise = answer()
    with pytest.raises(Killed):
        await dying(make_model(), step).ask(question())
    assert [state for state, _ in await rows(pool)] == [left]
    if left == "claimed":
        with pytest.raises(QuestionClaimedError):
            await make_model().ask(question())
        await pass_time(pool, timedelta(minutes=5))
    got = await make_model().ask(question())
    assert got.value.summary == GOOD["summary"]
    states = [state for state, _ in await rows(pool)]
    assert states == ["lost"] * lost + ["accepted"]
    assert endpoint.answers == paid
    assert endpoint.answers - endpoint.distinct_prompts <= states.count("lost")
    assert await budgets_agree_with_the_ledger(pool)


@pytest.mark.parametrize("step", ["record", "settle"])
async def test_an_answer_in_the_ledger_is_never_paid_again(make_model, endpoint, step):
    endpoint.script(answer())
    with pytest.raises(Killed):
        await dying(make_model(), step).ask(question())
    await make_model().ask(question())
    assert endpoint.answers - endpoint.distinct_prompts == 0


async def test_an_answer_left_in_the_ledger_is_judged_and_settled_once_by_many(pool, make_model, endpoint):
    endpoint.script(answer())
    with pytest.raises(Killed):
        await dying(make_model(), "record").ask(question())
    got = await asyncio.gather(*(make_model().ask(question(attempt_group="cycle-2")) for _ in range(10)))
    assert {one.value.summary for one in got} == {GOOD["summary"]}
    assert (await rows(pool), endpoint.answers) == ([("accepted", None)], 1)
    assert await used(pool, "") == (120, Decimal("0.000027"))
    assert await budgets_agree_with_the_ledger(pool)


async def test_half_an_answer_left_in_the_ledger_is_asked_for_again(pool, make_model, endpoint):
    endpoint.script(truncated_json(), answer())
    with pytest.raises(Killed):
        await dying(make_model(), "record").ask(question())
    with pytest.raises(ModelBusyError) as caught:
        await make_model().ask(question())
    assert (caught.value.reason, len(endpoint.requests)) == ("broken_json", 1)
    assert (await make_model().ask(question())).attempt == 1
    assert await budgets_agree_with_the_ledger(pool)


@pytest.mark.parametrize("times", [2, 4])
async def test_a_database_that_is_away_for_a_moment_does_not_cost_the_answer(pool, make_model, endpoint, times):
    slept: list[float] = []

    @dataclass(frozen=True)
    class Flaky(Ledger):
        async def _record(self, *args):
            if len(slept) < times:
                raise DatabaseUnavailableError("away")
            return await super()._record(*args)

    async def sleep(seconds):
        slept.append(seconds)

    endpoint.script(answer())
    model = make_model()
    ledger = Flaky(pool, model.ledger.limits, model.ledger.lease, sleep)
    assert (await replace(model, ledger=ledger).ask(question())).attempt == 1
    assert slept == [0.2, 1.0, 3.0, 10.0][:times]
    assert sum(slept) < model.ledger.lease.total_seconds()
