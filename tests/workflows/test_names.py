"""The names that running workflows, operators and their scripts go by: to change one is to break them."""

from uuid import UUID

from temporalio import activity, workflow

from memory_maintenance.settings import Settings
from runtime.wanted_schedules import KINDS, schedule_id
from runtime.workers import WORKFLOWS, built_workers
from workflows.page import tenant_workflow_id
from workflows.search_attributes import NAMES


def _definition(workflow_class: type) -> workflow._Definition:
    return workflow._Definition.must_from_class(workflow_class)


def _activities(functions) -> list[str]:
    return sorted(activity._Definition.must_from_callable(function).name or "" for function in functions)


def test_workflow_types():
    assert [_definition(each).name for each in WORKFLOWS] == [
        "MaintenanceWorkflow",
        "MaintenancePageWorkflow",
        "TenantMaintenanceWorkflow",
    ]


def test_signals():
    assert {_definition(each).name: sorted(map(str, _definition(each).signals)) for each in WORKFLOWS} == {
        "MaintenanceWorkflow": ["cancel_tenant", "pause_tenant", "resume_tenant"],
        "MaintenancePageWorkflow": ["cancel_tenant"],
        "TenantMaintenanceWorkflow": ["cancel", "pause", "resume"],
    }


def test_updates_have_the_names_of_signals():
    assert {_definition(each).name: sorted(map(str, _definition(each).updates)) for each in WORKFLOWS} == {
        "MaintenanceWorkflow": ["cancel_tenant", "pause_tenant", "resume_tenant"],
        "MaintenancePageWorkflow": [],
        "TenantMaintenanceWorkflow": ["cancel", "pause", "resume"],
    }


def test_queries():
    assert {_definition(each).name: sorted(map(str, _definition(each).queries)) for each in WORKFLOWS} == {
        "MaintenanceWorkflow": ["progress", "running_pages", "status"],
        "MaintenancePageWorkflow": ["planned", "progress"],
        "TenantMaintenanceWorkflow": ["progress", "status"],
    }


async def test_activity_types_by_task_queue(temporal, pool):
    async with built_workers(temporal, Settings(_env_file=None), pool) as workers:
        polled = {worker.task_queue: _activities(worker.config()["activities"]) for worker in workers}
    assert polled == {
        "memory-maintenance": [
            "carry_out_order",
            "close_cycle",
            "decay_batch",
            "deliver_events",
            "due_dreams",
            "due_embeddings",
            "due_sessions",
            "embed_derived",
            "expire_batch",
            "fold_duplicates",
            "foresee_costs",
            "generate_reflection",
            "look_up_tenant",
            "maintain_tenants",
            "open_cycle",
            "plan_page",
            "record_page",
            "summarize_session",
            "supersede_memories",
        ],
        "memory-maintenance-llm": ["embed_derived", "generate_reflection", "summarize_session"],
    }


def test_ids_and_search_attributes():
    assert [schedule_id(kind) for kind in KINDS] == ["memory-maintenance-daily", "memory-maintenance-hourly"]
    assert tenant_workflow_id("acme") == "tenant-maintenance/acme"
    assert tenant_workflow_id("acme", dry_run_id=UUID(int=7)) == f"tenant-dry-run/{UUID(int=7)}/acme"
    assert NAMES == ("MaintenanceTenant", "MaintenanceCycle", "MaintenanceStatus")
