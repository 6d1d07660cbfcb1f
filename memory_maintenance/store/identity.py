"""Ids: their order, those of what maintenance writes, and the name of no project. Values, without a database."""

from __future__ import annotations

import json
from typing import Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("6b1b7f0e-6d0a-5b52-9a57-0f3a0c1f7c11")

FIRST_ID: Final = UUID(int=0)
LAST_ID: Final = UUID(int=2**128 - 1)

DEFAULT_PROJECT: Final = "default"
"""What a NULL project reads as."""


def derived_id(kind: str, *parts: object) -> UUID:
    """Return the id of the one derived memory of this *kind* about *parts*: the same parts give the same id."""
    return uuid5(_NAMESPACE, json.dumps([kind, *map(str, parts)]))


def id_after(last: UUID) -> UUID | None:
    """Return the id that follows *last* in the order of ids; None behind the last possible one."""
    return None if last == LAST_ID else UUID(int=last.int + 1)
