"""Orders about the Schedules, too: they have no tenant, and actions of their own."""

from alembic import op

revision = "0002"
down_revision = "0001"

ORDERS = """
ALTER TABLE maintenance.orders
    ALTER COLUMN tenant_id DROP NOT NULL,
    DROP CONSTRAINT orders_action_check,
    ADD CONSTRAINT orders_action_check CHECK (action IN (
        'pause', 'resume', 'cancel', 'set', 'unset', 'restore', 'trigger', 'backfill', 'delete'))
"""


def upgrade() -> None:
    """Let an order be about a Schedule."""
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute(ORDERS)
