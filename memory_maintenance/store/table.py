"""The memories table as this store has it, and lines as rows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.import_line import MemoryLine
from memory_maintenance.store.pool import Executor, fetch

COLUMNS: Final = """
-- store.COLUMNS: the columns of this store's table that can be written.
-- longest: characters that fit a varchar; otherwise: the expression of the column's default.
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
       CASE WHEN a.atttypid = 'varchar'::regtype AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS longest,
       pg_get_expr(d.adbin, d.adrelid) AS otherwise
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = 'memories'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' AND a.attidentity = ''
"""

_IMPORT: Final = """
-- store.IMPORT: rows with the types of the table itself; an id that is there is left as it is.
--   $1 rows  text   JSON list of objects whose keys are columns
-- What a row does not say is the column's own default: one statement serves rows that say different things.
-- In the order of the ids: two imports at once wait for each other and cannot deadlock.
-- What those were made from that maintenance wrote in another store is not known here: lineage names themselves.
WITH added AS (
    INSERT INTO memories ({columns})
    SELECT {values}
    FROM jsonb_populate_recordset(NULL::memories, $1::text::jsonb) r
    ORDER BY r.id
    ON CONFLICT DO NOTHING
    RETURNING id, tenant_id::text AS tenant_id, source, project, session_id, metadata
),
adopted AS (
    INSERT INTO maintenance.lineage (tenant_id, derived_id, source_id, task, subject)
    SELECT tenant_id, id, id,
           CASE source WHEN 'summarization_worker' THEN 'summarization' ELSE 'dreaming' END,
           CASE source WHEN 'summarization_worker'
               THEN maintenance.session_of(session_id, metadata) ELSE maintenance.project_of(project)
           END
    FROM added
    WHERE maintenance.is_ours(source) AND metadata ? 'text_sha256'
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM added
"""

_OTHERWISE: Final[Mapping[str, str]] = {
    "last_accessed_at": "NULL",  # its default, now(), would make an import look like a recall
    "timestamp": "r.created_at",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``longest`` in characters, ``otherwise`` as an SQL expression."""

    name: str
    type: str
    longest: int | None
    otherwise: str | None

    @property
    def value(self) -> str:
        """Return the SQL for what a row says of this column, or its default."""
        otherwise = _OTHERWISE.get(self.name, self.otherwise)
        return f'r."{self.name}"' if otherwise is None else f'coalesce(r."{self.name}", {otherwise})'

    def check(self, value: object) -> None:
        """Refuse a text that does not fit.

        Raises:
            InvalidRequestError: too long, or no UUID where the column holds those.
        """
        if self.longest and isinstance(value, str) and len(value) > self.longest:
            raise InvalidRequestError(f"{self.name} must be at most {self.longest} characters long")
        if self.type == "uuid" and not _is_uuid(str(value)):
            raise InvalidRequestError(f"{self.name} must be a UUID in this store")


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """The columns of this store that a line can fill, by name."""

    columns: Mapping[str, Column]

    @property
    def insert(self) -> str:
        """Return the statement that stores rows of this table."""
        columns = ", ".join(f'"{name}"' for name in self.columns)
        return _IMPORT.format(columns=columns, values=", ".join(column.value for column in self.columns.values()))

    def row(self, line: MemoryLine, now: datetime) -> str:
        """Return *line* as a JSON object of columns; what the table has no column for goes into the metadata.

        Metadata that the line itself has is not overwritten.

        Raises:
            InvalidRequestError: a value does not fit its column.
            RecursionError: the metadata is nested too deeply.
        """
        said = {name: value for name, value in line if value is not None}
        said["created_at"] = line.created_at or line.timestamp or now
        row = {name: said.pop(name) for name in self.columns if name in said}
        for name, value in row.items():
            self.columns[name].check(value)
        return _json({**row, "metadata": {**said, **(line.metadata or {})}})


async def memory_table(db: Executor) -> MemoryTable:
    """Look up the memories table.

    Raises:
        StoreError: it does not exist.
    """
    columns = [Column(**row) for row in await fetch(db, COLUMNS)]
    return MemoryTable({column.name: column for column in columns if column.name in MemoryLine.model_fields})


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _json(row: Mapping[str, Any]) -> str:
    try:
        return json.dumps(row, default=str, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise InvalidRequestError("a number that is out of range") from None
