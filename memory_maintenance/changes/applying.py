"""Making a change: the demotion of one memory in favour of another, both rows and the record in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from memory_maintenance.changes.change import Change, change_of
from memory_maintenance.changes.statements import ADD_USE, APPLIED, COUNTS_USE, DECIDED, HELD, NOTE, ROWS, USE, WRITE
from memory_maintenance.errors import ChangeNotFoundError, ChangeRefusedError
from memory_maintenance.store.pool import (
    Executor,
    Pool,
    execute,
    fetch,
    fetch_row,
    fetch_value,
    from_json,
    to_json,
    transaction,
)

_LEAST = 1e-30
"""Less is no importance that a factor could lower, and a product too small for a real column."""

State = dict[str, Any]
"""Columns of a row, each as Postgres writes it."""


async def apply_change(
    pool: Executor, change_id: int, *, as_of: datetime, by: str | None = None, reason: str | None = None
) -> Change:
    """Apply exactly what was proposed. Twice is once.

    Raises:
        ChangeNotFoundError: no change has this number.
        ChangeRefusedError: it was rejected or undone, or one of the two memories is gone, says something else, or is
            replaced by a third one.
    """
    async with transaction(cast("Pool", pool)) as db:
        proposal = await held_change(db, change_id)
        if proposal.revision:
            raise ChangeRefusedError(change_id, "it is a text that was written again, which needs no decision")
        if proposal.status == "applied":
            return proposal
        if proposal.status != "proposed":
            raise ChangeRefusedError(change_id, f"it is {proposal.status}")
        rows = await locked_rows(db, proposal, as_of)
        _check(proposal, rows)
        before = {key: row["state"] for key, row in rows.items()}
        wanted = {key: dict(state) for key, state in before.items()}
        loser, winner = proposal.memory_id, proposal.evidence[0]
        demote(wanted[loser], proposal.demotion, as_of=as_of, first_base_at=rows[loser]["first_base_at"])
        if proposal.takes_use:
            wanted[winner]["last_accessed_at"] = _later(*(before[key]["last_accessed_at"] for key in (winner, loser)))
        after = {key: await write_row(db, proposal.tenant_id, key, state) for key, state in wanted.items()}
        if proposal.takes_use:
            await _take_use(db, proposal, before, after)
        if rows[loser]["notable"]:
            before[loser] |= {name: rows[loser][name] for name in ("notes", "bare")}
            await execute(db, NOTE, proposal.tenant_id, loser, [], to_json(dict(proposal.notes)), False)
        await execute(db, APPLIED, change_id, to_json(_by_id(before)), to_json(_by_id(after)))
        if by is not None:
            await execute(db, DECIDED, change_id, "applied", by, reason)
        return await held_change(db, change_id)


async def reject_change(pool: Pool, change_id: int, *, by: str | None, reason: str | None) -> Change:
    """Reject a proposal, which is then not made again. Twice is once.

    Raises:
        ChangeNotFoundError: no change has this number.
        ChangeRefusedError: it is no longer a proposal.
    """
    async with transaction(pool) as db:
        proposal = await held_change(db, change_id)
        if proposal.status == "proposed":
            await execute(db, DECIDED, change_id, "rejected", by, reason)
        elif proposal.status != "rejected":
            raise ChangeRefusedError(change_id, f"it is {proposal.status}: starter.py undo {change_id} takes it back")
        return await held_change(db, change_id)


def demote(state: State, factor: float, *, as_of: datetime, first_base_at: str | None) -> None:
    """Multiply the demotion of a row by *factor* at once, so that decay finds nothing that an agent set.

    Where decay has not seen the importance yet it becomes the base, as decay itself would take it.
    """
    demotion = float(state["demotion"] or 1)
    state["demotion"] = repr(demotion * factor)
    importance = float(state["importance"] or "nan")
    if not _LEAST <= importance <= 1:
        return
    if state["base_importance"] is None or state["base_importance_at"] is None:
        state["base_importance"], state["base_importance_at"] = repr(importance), first_base_at
    elif state["importance"] != state["decayed_importance"]:
        state["base_importance"] = repr(min(1.0, importance / demotion))
        state["base_importance_at"] = as_of.isoformat()
    state["importance"] = state["decayed_importance"] = repr(importance * factor)


async def held_change(db: Executor, change_id: int) -> Change:
    """Return one change, locked until the end of the transaction.

    Raises:
        ChangeNotFoundError: no change has this number.
    """
    row = await fetch_row(db, HELD, change_id)
    if row is None:
        raise ChangeNotFoundError(change_id)
    return change_of(row)


async def locked_rows(db: Executor, change: Change, as_of: datetime) -> dict[UUID, Any]:
    """Return the rows of the two memories, locked, by id: their ``state`` and what ROWS has besides."""
    rows = await fetch(db, ROWS, change.tenant_id, list(change.memories), as_of, list(change.notes))
    used = {}
    if change.takes_use and await fetch_value(db, COUNTS_USE):
        found = await fetch(db, USE, change.tenant_id, list(change.memories))
        used = {row["id"]: {"usage_count": row["usage_count"]} for row in found}
    return {
        row["id"]: {
            "state": from_json(row["state"]) | used.get(row["id"], {}),
            "fingerprint": row["fingerprint"],
            "first_base_at": from_json(row["first_base_at"]),
            "notes": from_json(row["notes"]),
            "bare": row["bare"],
            "notable": row["notable"],
        }
        for row in rows
    }


async def write_row(db: Executor, tenant_id: str, memory_id: UUID, state: State) -> State:
    """Write a row's columns, its use count apart, and return what the store holds of them."""
    return dict(from_json(await fetch_value(db, WRITE, tenant_id, memory_id, to_json(state))))


async def _take_use(db: Executor, change: Change, before: Mapping[UUID, State], after: Mapping[UUID, State]) -> None:
    loser, winner = change.memory_id, change.evidence[0]
    if "usage_count" not in before[winner]:
        return
    more = before[loser]["usage_count"] or 0
    for memory_id in (loser, winner):
        after[memory_id]["usage_count"] = before[memory_id]["usage_count"]
    if more:  # an unknown number stays unknown
        await execute(db, ADD_USE, change.tenant_id, winner, more, False)
        after[winner]["usage_count"] = (before[winner]["usage_count"] or 0) + more


def _check(proposal: Change, rows: Mapping[UUID, Any]) -> None:
    for memory_id, fingerprint in zip(proposal.memories, proposal.fingerprints, strict=True):
        if memory_id not in rows:
            raise ChangeRefusedError(proposal.change_id, f"memory {memory_id} is gone")
        if rows[memory_id]["fingerprint"] != fingerprint:
            raise ChangeRefusedError(proposal.change_id, f"memory {memory_id} was edited since")
        if rows[memory_id]["state"]["demotion"] is not None:
            raise ChangeRefusedError(proposal.change_id, f"memory {memory_id} was demoted since")


def _later(own: str | None, other: str | None) -> str | None:
    """Return the later of two times as Postgres writes them; one out of Python's calendar is left alone."""
    if own is None or other is None:
        return own or other
    try:
        return max(own, other, key=datetime.fromisoformat)
    except ValueError:
        return own


def _by_id(states: Mapping[UUID, State]) -> dict[str, State]:
    return {str(key): state for key, state in states.items()}
