"""Making a change: the demotion of one memory in favour of another, both rows and the record in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        if refused := await apply_proposals(db, [proposal], as_of=as_of):
            raise ChangeRefusedError(change_id, refused[change_id])
        if by is not None:
            await execute(db, DECIDED, change_id, "applied", by, reason)
        return await held_change(db, change_id)


async def apply_proposals(db: Executor, proposals: Sequence[Change], *, as_of: datetime) -> dict[int, str]:
    """Apply proposals of one tenant that the transaction holds, in their order; return why which were refused."""
    tenant_id, rows = proposals[0].tenant_id, await locked_rows(db, proposals, as_of)
    states = {key: row["state"] for key, row in rows.items()}
    refused, made = dict[int, str](), list[_Made]()
    for proposal in proposals:
        if why := _refusal(proposal, rows, states):
            refused[proposal.change_id] = why
            continue
        before = {key: states[key] for key in proposal.memories}
        states |= _wanted(proposal, before, rows[proposal.memory_id], as_of)
        made.append(_Made(proposal, before, {key: states[key] for key in proposal.memories}))
    if made:
        stored = await write_rows(db, tenant_id, {key: states[key] for one in made for key in one.after})
        await _take_use(db, tenant_id, made)
        await _note(db, tenant_id, [one.proposal for one in made if rows[one.proposal.memory_id]["notable"]])
        await _record(db, made, rows, stored)
    return refused


@dataclass(frozen=True, slots=True)
class _Made:
    """A proposal that is applied, and both rows before and after it by their ids."""

    proposal: Change
    before: Mapping[UUID, State]
    after: Mapping[UUID, State]


def _wanted(proposal: Change, before: Mapping[UUID, State], row: Any, as_of: datetime) -> dict[UUID, State]:
    loser, winner = proposal.memory_id, proposal.evidence[0]
    wanted = {key: dict(state) for key, state in before.items()}
    demote(wanted[loser], proposal.demotion, as_of=as_of, first_base_at=row["first_base_at"])
    if proposal.takes_use:
        wanted[winner]["last_accessed_at"] = _later(*(before[key]["last_accessed_at"] for key in (winner, loser)))
        if more := before[loser].get("usage_count"):  # an unknown number stays unknown
            wanted[winner]["usage_count"] = (before[winner]["usage_count"] or 0) + more
    return wanted


async def _take_use(db: Executor, tenant_id: str, made: Sequence[_Made]) -> None:
    taken = Counter[UUID]()
    for one in made:
        if one.proposal.takes_use:
            taken[one.proposal.evidence[0]] += one.before[one.proposal.memory_id].get("usage_count") or 0
    if added := {key: more for key, more in taken.items() if more}:
        await execute(db, ADD_USE, tenant_id, list(added), list(added.values()), False)


async def _note(db: Executor, tenant_id: str, noted: Sequence[Change]) -> None:
    if noted:
        ids, notes = [one.memory_id for one in noted], [to_json(dict(one.notes)) for one in noted]
        await execute(db, NOTE, tenant_id, ids, [], notes, [False] * len(noted))


async def _record(db: Executor, made: Sequence[_Made], rows: Mapping[UUID, Any], stored: Mapping[UUID, State]) -> None:
    """Record each change with its rows before and after it, the last of each row as the store holds it."""
    left, texts = dict(stored), list[tuple[int, str, str]]()
    for one in reversed(made):
        before, loser = {key: dict(state) for key, state in one.before.items()}, one.proposal.memory_id
        after = {key: state | left.pop(key, {}) for key, state in one.after.items()}
        if (row := rows[loser])["notable"]:
            notes = {key: value for key, value in row["notes"].items() if key in one.proposal.notes}
            before[loser] |= {"notes": notes, "bare": row["bare"]}
        texts.append((one.proposal.change_id, to_json(_by_id(before)), to_json(_by_id(after))))
    await execute(db, APPLIED, *map(list, zip(*texts, strict=True)))


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


async def locked_rows(db: Executor, changes: Sequence[Change], as_of: datetime) -> dict[UUID, Any]:
    """Return the rows of the memories of a tenant's changes, locked, by id: their ``state`` and what else ROWS has."""
    tenant_id, ids = changes[0].tenant_id, list({key for one in changes for key in one.memories})
    rows = await fetch(db, ROWS, tenant_id, ids, as_of, list({key for one in changes for key in one.notes}))
    used = {}
    if any(one.takes_use for one in changes) and await fetch_value(db, COUNTS_USE):
        found = await fetch(db, USE, tenant_id, ids)
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


async def write_rows(db: Executor, tenant_id: str, states: Mapping[UUID, State]) -> dict[UUID, State]:
    """Write columns of rows, their use counts apart, and return what the store holds of them."""
    rows = await fetch(db, WRITE, tenant_id, list(states), [to_json(state) for state in states.values()])
    return {row["id"]: from_json(row["state"]) for row in rows}


def _refusal(proposal: Change, rows: Mapping[UUID, Any], states: Mapping[UUID, State]) -> str | None:
    for memory_id, fingerprint in zip(proposal.memories, proposal.fingerprints, strict=True):
        if memory_id not in rows:
            return f"memory {memory_id} is gone"
        if rows[memory_id]["fingerprint"] != fingerprint:
            return f"memory {memory_id} was edited since"
        if states[memory_id]["demotion"] is not None:
            return f"memory {memory_id} was demoted since"
    return None


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
