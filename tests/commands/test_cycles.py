import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from commands import console
from memory_maintenance.cycles.outcomes import CycleFailure, TenantOutcome
from memory_maintenance.inspection.cycle_words import took
from memory_maintenance.store.pool import execute
from tests.nights import DAY, NIGHT, night


async def test_cycles_are_listed_newest_first(cli, pool):
    newest = await night(pool, outcomes=())
    await night(pool, at=NIGHT - DAY)
    told = await cli("cycles")
    assert told.exit_code == 0
    assert told.stdout.splitlines()[1].split()[0] == str(newest)[:13]
    assert "1 h 0 min" in told.stdout
    assert [row["kind"] for row in json.loads((await cli("cycles", "--json", "--last", 1)).stdout)] == ["daily"]


async def test_without_a_cycle_it_says_how_to_make_one(cli):
    assert "starter.py run daily" in (await cli("cycles")).stdout
    assert (await cli("cycles", "show", "abc")).exit_code == 1


async def test_one_cycle_is_shown_with_failures_and_the_next_command(cli, pool):
    cycle = await night(pool)
    told = await cli("cycles", "show", str(cycle)[:8])
    assert told.exit_code == 0
    for part in (
        "completed", "tenants: 2 completed, 1 page_failed, 1 failed", "skipped: 2 sessions, budget_exhausted",
        "StoreShapeError", "starter.py migrate", "starter.py run daily --tenant <b>&dusk",
    ):  # fmt: skip
        assert part in told.stdout
    data = json.loads((await cli("cycles", "show", cycle, "--json")).stdout)
    assert [tenant.get("next_command") for tenant in data["tenants"] if tenant["tenant_id"] == "cold"] == [
        "starter.py migrate"
    ]


CALL = """
INSERT INTO maintenance.model_calls (question, attempt, round, purpose, tenant_id, model, prompt_version, state, caller,
    claimed_at, lease_until, reserved_on, input_tokens, output_tokens, cost)
VALUES ($1::text, 1, $2::uuid::text, 'session_summary', 'acme', 'm', 'v', 'accepted', gen_random_uuid(), now(), now(), now(),
    1200, 80, 0.0125)
"""


async def test_what_a_cycle_cost_is_shown_in_the_list_and_by_the_newest(cli, pool):
    await night(pool, at=NIGHT - DAY)
    newest = await night(pool)
    for question in ("a", "b"):
        await execute(pool, CALL, question, newest)
    rows = (await cli("cycles")).stdout.splitlines()
    assert [row.split()[-1] for row in rows[:3]] == ["cost", "0.0250", "0.0000"]
    assert len({len(row) for row in rows[:3]}) == 1  # numbers stand right-aligned below their heading
    told = (await cli("cycles", "show")).stdout
    assert f"daily cycle {newest}" in told
    assert "cost: 0.0250 for 2 questions to the model, 2,400 tokens in and 160 out" in told
    assert [call["calls"] for call in json.loads((await cli("cycles", "show", "--json")).stdout)["calls"]] == [2]


async def test_a_cycle_over_named_tenants_is_distinguished_from_one_over_the_fleet(cli, pool):
    await night(pool, config={"named_tenants": 2})
    assert "daily of 2 named" in (await cli("cycles")).stdout
    assert (await cli("cycles", "show")).stdout.startswith("daily of 2 named cycle ")


async def test_a_cycle_that_asked_no_model_says_who_wrote(cli, pool):
    await night(pool)
    assert "cost: 0, no model was asked; texts are written by extractive" in (await cli("cycles", "show")).stdout


async def test_an_open_cycle_is_shown_also_where_temporal_does_not_answer(cli, pool):
    await night(pool, status=None)
    told = await cli("cycles", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert (told.exit_code, "running" in told.stdout, "not known" in told.stderr) == (0, True, True)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.25, "0.2 s"), (59, "59.0 s"), (61, "1 min 1 s"), (4620, "1 h 17 min"), (93_600, "1 d 2 h")]
)
def test_a_length_of_time_is_shown_in_two_units(seconds, said):
    assert took(timedelta(seconds=seconds)) == said


OF_TEMPORAL = UUID("01a21047-b000-7000-8000-000000000001")
STORE_ERROR = (TenantOutcome(tenant_id="it's", status="failed", error_type="StoreError"),)


async def test_a_tenants_failure_names_its_workflow_and_its_line_of_the_log(cli, pool):
    await night(pool, cycle_id=OF_TEMPORAL, outcomes=STORE_ERROR)
    told = (await cli("cycles", "show")).stdout
    for line in (
        "it's: failed, StoreError → starter.py doctor",
        "  in the Web UI: tenant-maintenance/it's",
        """  in the workers' log: grep -F 'tenant-maintenance/it'"'"'s' LOG | grep activity_""",
    ):
        assert line in told.splitlines()
    [tenant] = json.loads((await cli("cycles", "show", "--json")).stdout)["tenants"]
    assert (tenant["workflow"], tenant["next_command"]) == ("tenant-maintenance/it's", "starter.py doctor")


@pytest.mark.parametrize(
    ("cycle", "address", "link"),
    [
        pytest.param(
            OF_TEMPORAL,
            "https://ana:secret@ui.example/",
            f"https://***@ui.example/namespaces/nights/workflows?query=RunId%20%3D%20%22{OF_TEMPORAL}%22",
            id="without the credentials of the address",
        ),
        pytest.param(OF_TEMPORAL, "", None, id="no address is known"),
        pytest.param(uuid4(), "https://ui.example", None, id="no workflow did it"),
    ],
)
async def test_a_cycle_links_to_the_web_ui_where_that_is_known(cli, pool, cycle, address, link):
    await night(pool, cycle_id=cycle)
    env = {"TEMPORAL_NAMESPACE": "nights"} | ({"TEMPORAL_UI_URL": address} if address else {})
    shown = (await cli("cycles", "show", **env)).stdout
    said = [line for line in shown.splitlines() if line.startswith("in the Web UI")]
    assert said == ([f"in the Web UI: {link}"] if link else [])
    assert json.loads((await cli("cycles", "show", "--json", **env)).stdout).get("web_ui") == link


async def test_a_tenant_of_a_cycle_without_temporal_is_sent_to_no_workflow(cli, pool):
    await night(pool, outcomes=STORE_ERROR)
    [tenant] = json.loads((await cli("cycles", "show", "--json")).stdout)["tenants"]
    assert "workflow" not in tenant
    assert tenant["log"].endswith("grep tenant_maintenance_failed")


@pytest.mark.parametrize(
    ("failure", "config", "told", "following"),
    [
        pytest.param(
            CycleFailure(error_type="StoreError", message="a statement failed: RaiseError (SQLSTATE P0001)"),
            {},
            "StoreError: a statement failed: RaiseError (SQLSTATE P0001)",
            "starter.py doctor",
            id="a step failed",
        ),
        pytest.param(
            None,
            {"fail_ratio": 0.5},
            "TooManyTenantsFailed: 100% of the tenants failed, above MAINTENANCE_FAIL_RATIO",
            "starter.py run daily",
            id="too many tenants",
        ),
        pytest.param(None, {}, "why, was not recorded", "starter.py doctor", id="by an earlier version"),
    ],
)
async def test_a_cycle_that_failed_as_a_whole_says_why_and_what_to_type(cli, pool, failure, config, told, following):
    await night(
        pool, cycle_id=OF_TEMPORAL, status="failed", outcomes=STORE_ERROR, failure=failure, config={"x": 1, **config}
    )
    shown = (await cli("cycles", "show")).stdout.splitlines()
    assert f"The cycle failed as a whole: {told} → {following}" in shown
    assert f'  in the Web UI: RunId = "{OF_TEMPORAL}"' in shown
    data = json.loads((await cli("cycles", "show", "--json")).stdout)
    assert (data["next_command"], data["log"]) == (following, f"grep -F {OF_TEMPORAL} LOG | grep activity_")
    assert (data["failure"] is None) == ("not recorded" in told)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"tasks": ["decay", "summarization", "dreaming"], "named_tenants": 1}, "daily of 1 named"),
        ({"tasks": ["summarization"], "named_tenants": 1}, "summarization of 1 named"),
        ({"tasks": ["dreaming"], "named_tenants": 2}, "dreaming of 2 named"),
    ],
)
async def test_tasks_are_named_where_they_are_not_all(cli, pool, config, kind):
    await night(pool, config=config)
    assert f"  {kind}  " in (await cli("cycles")).stdout.replace(" completed", "  completed")


@pytest.mark.parametrize("width", [60, 70, 80, 120, 160])
async def test_on_a_narrow_screen_counts_go_and_nothing_is_folded(cli, pool, monkeypatch, width):
    cycle = await night(pool, config={"tasks": ["summarization"], "named_tenants": 1})
    monkeypatch.setattr(console.out, "width", width)
    header, row, *_ = (await cli("cycles")).stdout.splitlines()
    assert [part in row for part in (str(cycle)[:13], "summarization of 1 named", "completed")] == [True] * 3
    assert "…" not in header + row
    assert max(len(header), len(row)) <= width
    assert ("dreaming" in header, "started (UTC)" in header) == (width >= 160, width >= 70)
