"""Search attributes: registered once, used where they are, done without where they are not."""

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client

from memory_maintenance.errors import RegistrationRefusedError, SearchAttributeTypeError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute
from runtime.search_attributes import (
    SearchAttributes,
    register_search_attributes,
)
from runtime.workers import polling
from tests.runtime.refusing import refusing_endpoint
from tests.visible import listed
from tests.workflows.conftest import remember_session
from workflows.options import TASK_QUEUE

TEXT = IndexedValueType.INDEXED_VALUE_TYPE_TEXT


async def test_registering_twice_is_registering_once(temporal):
    assert not await SearchAttributes(temporal).registered()
    assert await register_search_attributes(temporal) == ["MaintenanceTenant", "MaintenanceCycle", "MaintenanceStatus"]
    assert await register_search_attributes(temporal) == []
    assert await SearchAttributes(temporal).registered()


async def test_a_name_with_another_type_is_an_error_and_not_used(temporal):
    await temporal.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace="default", search_attributes={"MaintenanceStatus": TEXT})
    )
    with pytest.raises(SearchAttributeTypeError, match="search-attribute remove --name MaintenanceStatus"):
        await register_search_attributes(temporal)
    assert not await SearchAttributes(temporal).registered()


async def test_without_the_right_to_register_runs_do_without_them():
    async with refusing_endpoint(7, after=1) as gateway:
        client = await Client.connect(gateway)
        with pytest.raises(RegistrationRefusedError, match="search-attribute create --name MaintenanceTenant"):
            await register_search_attributes(client)
        assert not await SearchAttributes(client).registered()


async def _found(client: Client, query: str, ids: list[str]) -> None:
    await listed(client, query, until=lambda found: sorted(run.id for run in found) == ids)


async def test_the_runs_of_a_cycle_are_found_by_tenant_cycle_and_a_status_that_is_not_the_usual_one(temporal, pool):
    await register_search_attributes(temporal)
    await remember_session(pool, "acme", events=12)
    await remember_session(pool, "globex", events=3)
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('globex', '[7]')")
    async with polling(temporal, Settings(_env_file=None, rae_llm_backend="extractive"), pool):
        stats = await temporal.execute_workflow("MaintenanceWorkflow", id="root", task_queue=TASK_QUEUE)
    everything = ["root", "root/page-1", "tenant-maintenance/acme", "tenant-maintenance/globex"]
    for query, ids in (
        ("MaintenanceStatus = 'completed'", ["root"]),
        ("MaintenanceStatus = 'failed'", ["tenant-maintenance/globex"]),
        (f"MaintenanceCycle = '{stats['cycle_id']}'", everything),
        ("MaintenanceTenant = 'acme'", ["tenant-maintenance/acme"]),
    ):
        await _found(temporal, query, ids)
