"""Attempts to be taken for something else, each in a memory of its own, and a model that falls for them."""

from collections.abc import Awaitable, Callable
from typing import Any

from memory_maintenance.store.pool import Pool
from scripted_endpoint.replies import Reply
from scripted_endpoint.server import ScriptedEndpoint
from tests.agents import others, write
from tests.hostile import STORABLE
from tests.model_path import record_of, told, told_answer

Obeying = Callable[[str], Callable[[dict[str, Any]], Reply]]

HONEST = "Mara and others ordered goods for Gent, among them the kettle number 0."


def obeys_in_its_text(attempt: str) -> Callable[[dict[str, Any]], Reply]:
    """Say what the attempt says."""
    return lambda request: told_answer(request, attempt, ["orders", "Gent"])


def obeys_in(*topics: str) -> Obeying:
    """Return a model that says something honest and what the attempt says, and *topics*, under its topics."""
    return lambda attempt: lambda request: told_answer(request, HONEST, [attempt, *topics])


def tells_its_instructions(_: str) -> Callable[[dict[str, Any]], Reply]:
    """Say what the instructions say."""
    return lambda request: told_answer(request, request["messages"][0]["content"], ["orders", "Gent"])


async def try_each(
    pool: Pool,
    endpoint: ScriptedEndpoint,
    obeying: Obeying,
    step: Callable[[str], Awaitable[Any]],
    *,
    around: int,
    **row: Any,
) -> list[Any]:
    """Take every attempt through *step*, among twice *around* memories that mean well; return what came of each.

    *step* gets a name that is the attempt's own, that of its project and session. Nothing else may change.
    """
    outcomes = []
    for number, attempt in enumerate(STORABLE):
        endpoint.otherwise = obeying(attempt)
        name = f"n{number}"
        await write(pool, "acme", [*told(around), attempt, *told(around)], project=name, session=name, **row)
        before = await others(pool, "acme")
        outcomes.append(await step(name))
        assert await others(pool, "acme") == before, attempt
    return outcomes


def block_of(request: dict[str, Any], instructions: str) -> tuple[str, list[str]]:
    """Return what a request asks and the lines of its block, from which nothing breaks out."""
    system, user = (message["content"] for message in request["messages"])
    assert system.startswith(instructions)
    assert (user.count("<"), user.count(">")) == (2, 2)
    lines = record_of(request)
    assert all(map(str.isprintable, lines))
    return user, lines
