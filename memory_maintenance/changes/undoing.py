"""Taking changes back: a row is as it was before, or the change stays and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from memory_maintenance.changes.applying import State, held_change, locked_rows, write_rows
from memory_maintenance.changes.change import Change, change, changes
from memory_maintenance.changes.revising import put_text_back
from memory_maintenance.changes.statements import ADD_USE, DECIDED, GIVE_BACK_ARCHIVED, NOTE
from memory_maintenance.errors import ChangeRefusedError, InvalidRequestError
from memory_maintenance.store.clock import checked_as_of
from memory_maintenance.store.pool import Executor, Pool, execute, to_json, transaction
from memory_maintenance.store.revisions import OF_DECAY, REWRITTEN


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of undoing one change; ``refused`` says why it stays."""

    change_id: int
    refused: str | None = None
    already: bool = False
    """Whether it had been undone before."""


async def undo(pool: Pool, target: str, *, by: str | None = None, reason: str | None = None) -> list[Undone]:
    """Take back what *target* names, the newest change first: a change, or all of a cycle or of a memory.

    Each change is taken back by itself: one that is refused keeps no other back, except where it is the later one of
    the same memory. Twice is once.

    Raises:
        ChangeNotFoundError: there is no change of this number.
        InvalidRequestError: *target* is neither a number nor an id, or names no cycle or memory with a change.
    """
    ids = [one.change_id for one in await _targets(pool, target)]
    return [await undo_change(pool, change_id, by=by, reason=reason) for change_id in ids]


async def _targets(pool: Pool, target: str) -> Sequence[Change]:
    if target.isdecimal():
        return [await change(pool, int(target))]
    try:
        named = UUID(target)
    except ValueError:
        raise InvalidRequestError(f"{target!r}: give a change's number, or the id of a cycle or a memory") from None
    found = await changes(pool, cycle_id=named) or await changes(pool, memory_id=named)
    if not found:
        raise InvalidRequestError(f"{target}: no change was made in such a cycle or of such a memory")
    return found


async def undo_change(pool: Pool, change_id: int, *, by: str | None = None, reason: str | None = None) -> Undone:
    """Take one change back, both rows and the record in one transaction.

    Raises:
        ChangeNotFoundError: no change has this number.
    """
    try:
        return await _take_back(pool, change_id, by=by, reason=reason)
    except ChangeRefusedError as refused:
        return Undone(change_id, refused=refused.why)


async def _take_back(pool: Pool, change_id: int, *, by: str | None, reason: str | None) -> Undone:
    as_of = await checked_as_of(pool, None)
    async with transaction(pool) as db:
        made = await held_change(db, change_id)
        if made.status == "undone":
            return Undone(change_id, already=True)
        if made.kind == REWRITTEN:
            await put_text_back(db, made, as_of)
            await execute(db, DECIDED, change_id, "undone", by, reason)
            return Undone(change_id)
        if made.status != "applied" or made.before is None or made.after is None:
            raise ChangeRefusedError(change_id, f"it is {made.status}, so there is nothing to take back")
        rows = await locked_rows(db, [made], as_of)
        if made.memory_id not in rows:
            raise ChangeRefusedError(change_id, f"memory {made.memory_id} is gone")
        for memory_id, row in rows.items():
            before, after = made.before[str(memory_id)], made.after[str(memory_id)]
            if memory_id != made.memory_id:
                state = _without_access(row["state"], before, after)
            else:
                state = _undemoted(made, row["state"], before, after)
                await _take_notes_back(db, made, row, before)
            await write_rows(db, made.tenant_id, {memory_id: state})
            if (taken := _taken(before, after)) and "usage_count" in row["state"]:
                unset = before["usage_count"] is None
                await execute(db, ADD_USE, made.tenant_id, [memory_id], [-taken], unset)
        for memory_id in {*made.evidence} - rows.keys():
            before, after = made.before[str(memory_id)], made.after[str(memory_id)]
            unset = before.get("usage_count") is None
            access = [to_json([state["last_accessed_at"]]) for state in (before, after)]
            await execute(db, GIVE_BACK_ARCHIVED, made.tenant_id, memory_id, _taken(before, after), unset, *access)
        await execute(db, DECIDED, change_id, "undone", by, reason)
    return Undone(change_id)


def _undemoted(made: Change, now: State, before: State, after: State) -> State:
    """Return the demoted row as it was, or as it would be by now.

    Raises:
        ChangeRefusedError: an agent has written since, or a later change has.
    """
    if now["demotion"] != after["demotion"]:
        raise ChangeRefusedError(
            made.change_id, f"memory {made.memory_id} was changed again: undo the later change first"
        )
    state = now | {"demotion": before["demotion"]}
    if all(now[column] == after[column] for column in OF_DECAY):
        return state | {column: before[column] for column in OF_DECAY}
    if now["importance"] != now["decayed_importance"]:
        raise ChangeRefusedError(
            made.change_id, f"an agent has set the importance of memory {made.memory_id} since: it stays as it is"
        )
    # Decay has run since; the next run computes it to the last digit.
    if now["importance"] is not None:
        raised = min(float(now["base_importance"] or 1), float(now["importance"]) / made.demotion)
        state["importance"] = state["decayed_importance"] = repr(raised)
    return state


async def _take_notes_back(db: Executor, made: Change, row: Mapping[str, Any], before: State) -> None:
    if "notes" not in before:
        return
    if row["notes"] != dict(made.notes):
        raise ChangeRefusedError(
            made.change_id, f"an agent has changed the metadata of memory {made.memory_id} since: it stays as it is"
        )
    earlier = to_json(before["notes"])
    await execute(db, NOTE, made.tenant_id, [made.memory_id], list(made.notes), [earlier], [before["bare"]])


def _without_access(now: State, before: State, after: State) -> State:
    """Return the other row with its own latest access, unless an agent has used it since."""
    unused = now["last_accessed_at"] == after["last_accessed_at"]
    return now | ({"last_accessed_at": before["last_accessed_at"]} if unused else {})


def _taken(before: State, after: State) -> int:
    return (after.get("usage_count") or 0) - (before.get("usage_count") or 0)
