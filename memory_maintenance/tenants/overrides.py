"""What differs for one tenant: settings of its own, in the row of ``maintenance.tenants``, and who set them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.settings import TenantOverrides
from memory_maintenance.settings.kinds import fault_words
from memory_maintenance.store.pool import Executor, execute, fetch, to_json

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def read_overrides(stored: str) -> TenantOverrides | None:
    """Return the overrides that a row has as JSON, or None if it holds something else."""
    try:
        return TenantOverrides.model_validate_json(stored)
    except ValidationError:
        return None


OVERRIDE: Final = """
-- tenants.OVERRIDE: sets what is given and keeps the rest; null takes a setting back. What changes nothing is
-- no order.
--   $1 tenant_id  text
--   $2 changes    text   JSON
--   $3 by         text
--   $4 reason     text
WITH changed AS (
    INSERT INTO maintenance.tenants AS t (tenant_id, overrides)
    SELECT $1, jsonb_strip_nulls($2::text::jsonb)
    WHERE jsonb_strip_nulls($2::text::jsonb) <> '{}' OR EXISTS (SELECT FROM maintenance.tenants WHERE tenant_id = $1)
    ON CONFLICT (tenant_id) DO UPDATE SET overrides = jsonb_strip_nulls(t.overrides || $2::text::jsonb)
    WHERE jsonb_strip_nulls(t.overrides || $2::text::jsonb) <> t.overrides
    RETURNING tenant_id
)
INSERT INTO maintenance.orders (tenant_id, action, ordered_by, reason, details)
SELECT tenant_id, CASE jsonb_strip_nulls($2::text::jsonb) WHEN '{}' THEN 'unset' ELSE 'set' END, $3, $4, $2::text::jsonb
FROM changed
"""


async def override(
    db: Executor, tenant_id: str, changes: dict[str, Any], *, by: str | None = None, reason: str | None = None
) -> bool:
    """Set or, by None, take back settings of one tenant; return whether that changed any.

    Raises:
        InvalidRequestError: a name that is no override, or a value out of its range.
    """
    written = checked_overrides(changes).model_dump(mode="json", include=set(changes))
    return await execute(db, OVERRIDE, tenant_id, to_json(written), by, reason) == 1


OWN_MODELS: Final = """
-- tenants.OWN_MODELS: the models that tenants name for themselves.
SELECT DISTINCT model.name
FROM maintenance.tenants t
     CROSS JOIN LATERAL (VALUES (t.overrides->>'summarization_model'), (t.overrides->>'dreaming_model')) AS model (name)
WHERE model.name IS NOT NULL AND t.overrides ?| ARRAY['summarization_model', 'dreaming_model']
ORDER BY model.name
"""


async def own_models(db: Executor) -> list[str]:
    """Return the models that tenants name for themselves, each once."""
    return [row["name"] for row in await fetch(db, OWN_MODELS)]


def checked_overrides(changes: Mapping[str, Any]) -> TenantOverrides:
    """Return *changes* as overrides.

    Raises:
        InvalidRequestError: a name that is no override, a value out of its range, or a text that JSON in Postgres
            cannot hold.
    """
    try:
        checked = TenantOverrides.model_validate(changes)
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidRequestError(
            f"{fault['loc'][0] if fault['loc'] else 'overrides'}: {fault_words(fault['msg'])}"
        ) from None
    for name, value in checked:
        texts = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
        if any(map(_UNSTORABLE.search, texts)):
            raise InvalidRequestError(f"{name}: a text has a NUL or half a surrogate pair in it")
    return checked


CLEAR: Final = """
-- tenants.CLEAR: takes back every setting of a tenant, also unreadable ones.
--   $1 tenant_id  text
--   $2 by         text
--   $3 reason     text
WITH changed AS (
    UPDATE maintenance.tenants SET overrides = '{}' WHERE tenant_id = $1 AND overrides <> '{}' RETURNING tenant_id
)
INSERT INTO maintenance.orders (tenant_id, action, ordered_by, reason)
SELECT tenant_id, 'unset', $2, $3 FROM changed
"""


async def clear_overrides(db: Executor, tenant_id: str, *, by: str | None = None, reason: str | None = None) -> bool:
    """Take back every setting of one tenant; return whether there was any."""
    return await execute(db, CLEAR, tenant_id, by, reason) == 1
