"""Indexes of ``memories``, made while agents go on writing.

They come first in a revision: what has no transaction may be interrupted, and must be safe to run again.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op
from sqlalchemy import text


def create_indexes(indexes: Mapping[str, str]) -> None:
    """Build what is missing of *indexes*: what each is on, by its name."""
    with op.get_context().autocommit_block():
        for name, on in indexes.items():
            _create(name, on)


def drop_index(name: str) -> None:
    """Drop an index that nothing asks for any more."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _create(name: str, on: str) -> None:
    # A build that was interrupted leaves an invalid index of that name behind.
    invalid = text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")
    if op.get_bind().execute(invalid, {"name": name}).scalar():
        op.execute(f"DROP INDEX CONCURRENTLY {name}")
    op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON memories {on}")
