"""Events that are in no summary, found in two indexes: what they cost does not grow with the table around them."""

from alembic import op

from memory_maintenance.store.indexes import create_indexes, drop_index

revision = "0003"
down_revision = "0002"

_EVENT = (
    "layer IN ('episodic', 'em') AND (source IS NULL OR source NOT IN ('summarization_worker', "
    "'reflection_engine_v2')) AND NOT coalesce('session_summary' = ANY (tags), false)"
)

INDEXES = {
    # Which events there are, without a look into the table; dreams read the latest of them.
    "memories_maintenance_time_idx": f"(tenant_id, created_at) INCLUDE (id) WHERE {_EVENT}",
    # Which summaries can be written better. No text of an agent's is in it: a long one could not be inserted.
    "memories_maintenance_summaries_idx": (
        "(tenant_id, (CASE WHEN metadata->>'fallback' = 'true' THEN 'fallback' "
        "WHEN metadata->>'backend' = 'extractive' THEN 'extractive' END)) "
        "WHERE layer IN ('episodic', 'em') AND 'session_summary' = ANY (tags)"
    ),
}

RENAME = """
ALTER TABLE maintenance.covered_events RENAME TO covered_events_by_id;
ALTER INDEX maintenance.covered_events_pkey RENAME TO covered_events_by_id_pkey;
ALTER INDEX maintenance.covered_events_summary_idx RENAME TO covered_events_by_id_summary_idx
"""

CONTROL = """
CREATE TABLE maintenance.covered_events (
    tenant_id  text NOT NULL,
    event_id   uuid NOT NULL,
    summary_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
"""

COPY = """
INSERT INTO maintenance.covered_events (tenant_id, event_id, summary_id)
SELECT m.tenant_id::text, c.event_id, c.summary_id
FROM maintenance.covered_events_by_id c JOIN memories m ON m.id = c.event_id
ORDER BY 1, 2;
CREATE INDEX covered_events_summary_idx ON maintenance.covered_events (summary_id);
DROP TABLE maintenance.covered_events_by_id
"""


def upgrade() -> None:
    """Make the indexes, then give each covered event its tenant; those that are no more are forgotten."""
    create_indexes(INDEXES)
    drop_index("memories_maintenance_events_idx")
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in f"{RENAME};{CONTROL}{COPY}".strip().split(";\n"):
        op.execute(statement)
