"""Checks of the table of memories: is it the right one, can its rows be seen, and has its shape changed."""

from __future__ import annotations

from typing import Final

from memory_maintenance.preflight.check import PreflightCheck
from memory_maintenance.store.pool import Executor, execute
from memory_maintenance.store.schema import ELSEWHERE

MISSING: Final = """
-- preflight.MISSING: whether there is no table of memories where names are looked up.
SELECT current_database() AS database, current_setting('search_path') AS search_path
WHERE to_regclass('memories') IS NULL
"""

_OPEN_POLICIES: Final = """
open_to AS (  -- commands for which a policy shows this role every row, and no other policy narrows that
    SELECT command
    FROM (VALUES ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) AS c (letter, command)
    WHERE EXISTS (SELECT FROM policies AS p WHERE p.permissive AND p.letter IN (c.letter, '*') AND p.all_rows)
          AND NOT EXISTS (
              SELECT FROM policies AS p WHERE NOT p.permissive AND p.letter IN (c.letter, '*') AND NOT p.all_rows
          )
)"""

_POLICIES: Final = """
policies AS (  -- those that hold for this role
    SELECT p.polpermissive AS permissive, p.polcmd::text AS letter,
           pg_get_expr(coalesce(CASE WHEN p.polcmd = 'a' THEN p.polwithcheck ELSE p.polqual END, p.polwithcheck),
                       p.polrelid) = 'true'
           AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true' AS all_rows
    FROM pg_policy AS p
    WHERE p.polrelid = 'memories'::regclass
          AND (0 = ANY (p.polroles)
               OR EXISTS (SELECT FROM unnest(p.polroles) AS r WHERE r <> 0 AND pg_has_role(r, 'USAGE')))
)"""

ROW_SECURITY: Final = f"""
-- preflight.ROW_SECURITY: whether this role sees no row, and no policy shows it every one.
WITH {_POLICIES.strip()},
{_OPEN_POLICIES.strip()}
SELECT current_user AS role
WHERE row_security_active('memories')
      AND NOT EXISTS (SELECT FROM open_to WHERE command = 'SELECT')
      AND NOT EXISTS (SELECT FROM memories)
"""  # noqa: S608  constants of this module

POLICIES: Final = f"""
-- preflight.POLICIES: for which commands no policy lets this role at every row.
WITH {_POLICIES.strip()},
{_OPEN_POLICIES.strip()}
SELECT current_user AS role, string_agg(command, ', ' ORDER BY command) AS commands
FROM (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS needed (command)
WHERE row_security_active('memories') AND command NOT IN (SELECT command FROM open_to)
HAVING count(*) > 0
"""  # noqa: S608  constants of this module

NULL_TENANTS: Final = """
-- preflight.NULL_TENANTS: how many memories are of no tenant, counted up to 10,000.
SELECT CASE WHEN memories > 10000 THEN 'more than 10,000' ELSE to_char(memories, 'FM99,999') END AS memories
FROM (SELECT count(*) AS memories FROM (SELECT FROM memories WHERE tenant_id IS NULL LIMIT 10001) AS found) AS counted
WHERE memories > 0
"""

EMPTY_STORE: Final = """
-- preflight.EMPTY_STORE: whether no memory is of a tenant.
SELECT current_database() AS database, c.relnamespace::regnamespace::text AS schema
FROM pg_class AS c
WHERE c.oid = 'memories'::regclass AND NOT EXISTS (SELECT FROM maintenance.tenant_ids(how_many => 1))
"""

TABLE_SHAPE: Final = """
-- preflight.TABLE_SHAPE: what of memories is not as the last daily cycle found it. What maintenance and others add
-- in columns changes nothing for it.
WITH shape AS (
    SELECT s.memories_shape->'columns' AS columns_before, s.memories_shape->'triggers' AS triggers_before,
           now.shape->'columns' AS columns, now.shape->'triggers' AS triggers
    FROM maintenance.store AS s CROSS JOIN (SELECT maintenance.memories_shape() AS shape) AS now
    WHERE s.memories_shape IS NOT NULL
),
changes AS (
    SELECT CASE WHEN columns ? key THEN format('column %s was %s and is %s', key, value, columns->>key)
                ELSE format('column %s was dropped', key) END AS change
    FROM shape CROSS JOIN LATERAL jsonb_each_text(columns_before)
    WHERE value IS DISTINCT FROM columns->>key
    UNION ALL
    SELECT CASE WHEN triggers_before ? key THEN format('trigger %s was changed', key)
                ELSE format('trigger %s was added', key) END
    FROM shape CROSS JOIN LATERAL jsonb_each_text(triggers)
    WHERE value IS DISTINCT FROM triggers_before->>key
)
SELECT string_agg(change, '; ' ORDER BY change) AS changes FROM changes HAVING count(*) > 0
"""

REMEMBER_SHAPE: Final = """
-- preflight.REMEMBER_SHAPE: what the next cycles compare with.
UPDATE maintenance.store SET memories_shape = now.shape
FROM (SELECT maintenance.memories_shape() AS shape) AS now
WHERE memories_shape IS DISTINCT FROM now.shape
"""

_LET_IT_SEE: Final = (
    "let the role of DATABASE_URL at every row: the policy in docs/security.md, or ALTER ROLE ... BYPASSRLS"
)

CHECKS: Final = (
    PreflightCheck(
        name="memories_elsewhere",
        severity="stop",
        statement=ELSEWHERE,
        found="{here}, and there is {others}",
        advice="{advice}",
        fine="the search_path leads to the memories there are",
    ),
    PreflightCheck(
        name="memories_missing",
        severity="stop",
        statement=MISSING,
        found="no table memories in database {database} on the search_path ({search_path})",
        advice="check DATABASE_URL; for a new store: python starter.py migrate",
        fine="the table is there",
    ),
    PreflightCheck(
        name="row_security",
        severity="stop",
        statement=ROW_SECURITY,
        found="policies hide rows from {role}: it sees none of memories",
        advice=_LET_IT_SEE,
        fine="it hides no rows, or not all",
        refusal="row security or a view keeps the role from reading memories",
    ),
    PreflightCheck(
        name="policies",
        severity="warning",
        statement=POLICIES,
        found="row security is on, and no policy lets {role} at every row of memories for {commands}: "
        "what is hidden is never maintained",
        advice=_LET_IT_SEE,
        fine="row security is off, the role is exempt, or a policy lets it at every row",
    ),
    PreflightCheck(
        name="null_tenants",
        severity="warning",
        statement=NULL_TENANTS,
        found="{memories} memories have no tenant (tenant_id IS NULL): they are never maintained",
        advice="UPDATE memories SET tenant_id = ... WHERE tenant_id IS NULL; then ALTER COLUMN tenant_id SET NOT NULL",
        fine="every memory is of a tenant",
    ),
    PreflightCheck(
        name="empty_store",
        severity="warning",
        statement=EMPTY_STORE,
        found="memories in schema {schema} of database {database} has no row of a tenant: nothing is maintained",
        advice="check DATABASE_URL and the search_path; where agents have written nothing yet, nothing is wrong",
        fine="there are memories of tenants",
    ),
    PreflightCheck(
        name="table_shape",
        severity="warning",
        statement=TABLE_SHAPE,
        found="memories has changed since the last daily run: {changes}",
        advice="see that what writes and reads memories expects it; the next daily run takes it as it is",
        fine="memories is as the last daily run found it",
    ),
)


async def remember_shape(db: Executor) -> None:
    """Take the table's shape as it is now for what later runs compare with."""
    await execute(db, REMEMBER_SHAPE)
