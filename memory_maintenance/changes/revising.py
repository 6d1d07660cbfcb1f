"""Putting an earlier text of a derived memory back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from memory_maintenance.changes.change import Change
from memory_maintenance.errors import ChangeRefusedError
from memory_maintenance.store.derived import forget_vectors
from memory_maintenance.store.pool import Executor, fetch_row, from_json, to_json
from memory_maintenance.store.revisions import OF_DECAY, TEXT_NOW, put_back


async def put_text_back(db: Executor, made: Change, as_of: datetime) -> None:
    """Give a derived memory the text, and all else, that it had before *made*.

    Its sources stay what the later text was made from: the night writes it again only when one of them changes or
    new ones come. Vectors are stored again by the task of embeddings.

    Raises:
        ChangeRefusedError: the earlier text is not kept, the memory was written since, or a source has changed.
    """
    key = str(made.memory_id)
    row = await fetch_row(db, TEXT_NOW, made.tenant_id, made.memory_id, made.task, as_of)
    if row is None:
        raise ChangeRefusedError(made.change_id, f"memory {key} is gone")
    if made.before is None or made.after is None:
        raise ChangeRefusedError(
            made.change_id,
            "its earlier text is not kept, because a source of it was deleted, has expired or was edited",
        )
    now, after = from_json(row["state"]), made.after[key]
    if any(now[column] != after[column] for column in after if column not in OF_DECAY):
        raise ChangeRefusedError(
            made.change_id, f"memory {key} was written again or edited since: undo the later change first"
        )
    if row["is_stale"]:
        raise ChangeRefusedError(
            made.change_id,
            f"a source of memory {key} has changed since: the next daily run writes it from what is left",
        )
    await put_back(db, made.tenant_id, made.memory_id, made.change_id, to_json(_kept_importance(now, after)))
    await forget_vectors(db, made.tenant_id, made.memory_id)


def _kept_importance(now: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of decay that stay, because an agent has set the importance since; else none.

    Else those of before hold again, and the next run of decay computes from them.
    """
    set_since = now["importance"] not in (after["importance"], now["decayed_importance"])
    return {column: now[column] for column in OF_DECAY} if set_since else {}
