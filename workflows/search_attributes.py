"""By what the runs of a cycle are found in the Web UI and by ``temporal workflow list``.

A server that does not know an attribute hangs the workflow that sets it, for ever. So they
are set only where ``open_cycle`` has found all three registered.
"""

from typing import Final
from uuid import UUID

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from workflows.tenant_ids import short_tenant_id

TENANT: Final = SearchAttributeKey.for_keyword("MaintenanceTenant")
CYCLE: Final = SearchAttributeKey.for_keyword("MaintenanceCycle")
STATUS: Final = SearchAttributeKey.for_keyword("MaintenanceStatus")

MOST_KEYWORD_BYTES: Final = 255
"""Of a keyword, in the tables that Temporal has in Postgres and MySQL."""

NAMES: Final = (TENANT.name, CYCLE.name, STATUS.name)


def of_page(cycle_id: UUID) -> TypedSearchAttributes:
    """Return what a page of the cycle is started with."""
    return TypedSearchAttributes([SearchAttributePair(CYCLE, str(cycle_id))])


def of_tenant(cycle_id: UUID, tenant_id: str) -> TypedSearchAttributes:
    """Return what a tenant's run in the cycle is started with; of a long id, its digest."""
    return of_page(cycle_id).updated(SearchAttributePair(TENANT, short_tenant_id(tenant_id, MOST_KEYWORD_BYTES)))


def show_cycle(cycle_id: UUID) -> None:
    """Put the workflow that runs, which is the cycle's root, under its cycle."""
    workflow.upsert_search_attributes([CYCLE.value_set(str(cycle_id)), STATUS.value_set("running")])


def show_status(status: str) -> None:
    """Say how the workflow that runs has ended; of a tenant's run, if not completed."""
    workflow.upsert_search_attributes([STATUS.value_set(status)])
